//! Groups of nodes: which there are, what becomes of them by themselves, and how they end.
use super::super::autoscaling::group::{self, Launch, NewGroup};
use super::super::ec2::living::Place;
use super::super::iam::{Unassumable, assumable};
use super::super::{Answer, Call, unknown_turn};
use super::found::{Kind, Listing, children, parent, refusal, seconds, show};
use super::launch_template::Template;
use super::node_shape::sizes;
use super::{access_entry, addon, update};
use crate::behaviour::Behaviour;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) use super::cluster_life::stamp;

pub(super) static NODE_GROUP: Kind = Kind {
    kind: "eks.node_group",
    name: "nodegroupName",
    missing: |name| format!("No node group found for name: {name}."),
};

pub(super) const GROUPED: Behaviour = Behaviour {
    service: "eks",
    what: "a new node group has its Auto Scaling group",
    seconds: 20,
    source: "assumption",
};
pub(super) const CREATED: Behaviour = Behaviour {
    service: "eks",
    what: "a node group is CREATING, then ACTIVE",
    seconds: 3 * 60,
    source: "assumption",
};
pub(super) const UNJOINED: Behaviour = Behaviour {
    service: "eks",
    what: "a node group whose nodes do not get ready, as without network add-on, is CREATE_FAILED",
    seconds: 25 * 60,
    source: "assumption",
};
pub(super) const UNLAUNCHED: Behaviour = Behaviour {
    service: "eks",
    what: "a node group whose machines cannot be launched is CREATE_FAILED",
    seconds: 10 * 60,
    source: "assumption",
};
pub(super) const DELETED: Behaviour = Behaviour {
    service: "eks",
    what: "a node group is DELETING, then gone",
    seconds: 210,
    source: "assumption",
};
pub(super) const LOOKED: Behaviour = Behaviour {
    service: "eks",
    what: "a node group whose nodes are not ready is looked at again",
    seconds: 60,
    source: "assumption",
};

/// Schedules what becomes of a new group.
pub(super) fn begin(world: &mut World, group: &mut Object) {
    group.hide("unjoined", world.after(&UNJOINED));
    group.hide("unlaunched", world.after(&UNLAUNCHED));
    group.later(world.after(&GROUPED), "group");
    group.later(world.after(&CREATED), "ready");
}

/// Remembers what machines of a group are launched with.
pub(super) fn launch_with(group: &mut Object, template: &Template) {
    let own_type = template.machine().map(|machine| json!([machine]));
    let machines = own_type.or_else(|| group.body.get("instanceTypes").cloned());
    group.hide("machines", machines.unwrap_or_default());
    group.hide("template", template.of_group());
    group.hide("security groups", template.groups());
    group.hide("machine tags", json!(template.tags()));
}

/// Does what a group was to do by itself.
pub(super) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        "group" => make_group(world, key),
        "ready" => ready(world, key),
        "drain" => drain(world, key),
        "deleted" => deleted(world, key),
        _ => unknown_turn(key, word),
    }
}

/// Returns the Auto Scaling group of a node group.
pub(super) fn machines_of(world: &World, node_group: &Object) -> Option<Key> {
    let groups = node_group.body.get("resources").map(|it| &it["autoScalingGroups"][0]["name"]);
    group::named(world, &Place::of(node_group), groups?.as_str()?)
}

/// Returns what machines of a group are launched with.
pub(super) fn launch(world: &World, node_group: &Object) -> Launch {
    let texts = |field: &str| -> Vec<String> {
        let value = node_group.hidden.get(field).cloned().unwrap_or_default();
        serde_json::from_value(value).unwrap_or_default()
    };
    let mut groups = texts("security groups");
    if groups.is_empty() {
        let cluster = parent(world, node_group);
        let cluster =
            cluster.and_then(|key| world.get(&key)?.body.get("resourcesVpcConfig").cloned());
        let own =
            cluster.and_then(|config| Some(config["clusterSecurityGroupId"].as_str()?.to_owned()));
        groups.extend(own);
    }
    let tags = node_group.hidden.get("machine tags").cloned().unwrap_or_default();
    Launch {
        template: node_group.hidden.get("template").cloned(),
        groups,
        tags: serde_json::from_value(tags).unwrap_or_default(),
    }
}

fn make_group(world: &mut World, key: &Key) {
    let Some(node_group) = world.get(key).cloned() else { return };
    let (cluster, name) = (node_group.text("clusterName"), node_group.text("nodegroupName"));
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let tags = BTreeMap::from([
        tag("eks:cluster-name", cluster),
        tag("eks:nodegroup-name", name),
        tag("k8s.io/cluster-autoscaler/enabled", "true"),
        tag(&format!("k8s.io/cluster-autoscaler/{cluster}"), "owned"),
        tag(&format!("kubernetes.io/cluster/{cluster}"), "owned"),
    ]);
    let texts = |value: Option<&Value>| -> Vec<String> {
        value.and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
    };
    let of_template = texts(node_group.hidden.get("machines"));
    let machines = match of_template.is_empty() {
        true => texts(node_group.body.get("instanceTypes")),
        false => of_template,
    };
    let new = NewGroup {
        place: Place::of(&node_group),
        name: format!("eks-{name}-{}", world.uuid()),
        size: sizes(node_group.body.get("scalingConfig")),
        subnets: texts(node_group.body.get("subnets")),
        machines,
        spot: node_group.text("capacityType") == "SPOT",
        launch: launch(world, &node_group),
        tags,
        is_full: node_group.hidden.get("full") == Some(&json!(true)),
    };
    let resources = json!({ "autoScalingGroups": [{ "name": new.name }] });
    group::create(world, new);
    world.edit(key, |node_group| node_group.set("resources", resources));
}

/// Tells whether the nodes of a cluster have a network.
pub(super) fn has_network(world: &World, node_group: &Object) -> bool {
    let Some(cluster) = parent(world, node_group).and_then(|key| world.get(&key)) else {
        return false;
    };
    let is_network = |key: &Key| {
        world.get(key).is_some_and(|addon| {
            addon.text("addonName") == "vpc-cni" && !addon.text("status").ends_with("FAILED")
        })
    };
    cluster.hidden.get("own add-ons") == Some(&json!(true))
        || children(world, cluster, addon::ADDON.kind).iter().any(is_network)
}

fn ready(world: &mut World, key: &Key) {
    let Some(node_group) = world.get(key).cloned() else { return };
    let scaling = machines_of(world, &node_group).and_then(|key| world.get(&key).cloned());
    let machines = scaling.as_ref().map(|group| group::machines(world, group)).unwrap_or_default();
    let [.., desired] = sizes(node_group.body.get("scalingConfig"));
    let is_over = |field: &str| {
        node_group.hidden.get(field).and_then(Value::as_u64).is_some_and(|at| at <= world.now)
    };
    let name = scaling.as_ref().map(|group| group.text("AutoScalingGroupName")).unwrap_or_default();
    let failure = scaling.as_ref().and_then(group::failure);
    let issue = match failure {
        _ if machines.len() as u64 >= desired
            && (desired == 0 || has_network(world, &node_group)) =>
        {
            None
        }
        Some(why) if is_over("unlaunched") => Some(
            json!({ "code": "AsgInstanceLaunchFailures", "message": why, "resourceIds": [name] }),
        ),
        None if is_over("unjoined") => Some(json!({
            "code": "NodeCreationFailure",
            "message": "Unhealthy nodes in the kubernetes cluster",
            "resourceIds": machines,
        })),
        _ => {
            let at = world.after(&LOOKED);
            world.edit(key, |node_group| node_group.later(at, "ready"));
            return;
        }
    };
    let now = world.now;
    world.edit(key, |node_group| {
        node_group.set("status", if issue.is_some() { "CREATE_FAILED" } else { "ACTIVE" });
        node_group.set("modifiedAt", seconds(now));
        node_group.set("health", json!({ "issues": issue.into_iter().collect::<Vec<_>>() }));
    });
    addon::nodes_changed(world, &node_group);
}

/// Does what a change to an Auto Scaling group brings with it.
pub(crate) fn resized(world: &mut World, scaling: &Key) {
    let Some(scaling) = world.get(scaling).cloned() else { return };
    let name = scaling.text("AutoScalingGroupName").to_owned();
    let is_its = |(_, node_group): &(&Key, &Object)| {
        node_group
            .body
            .get("resources")
            .is_some_and(|it| it["autoScalingGroups"][0]["name"] == name)
    };
    let Some(key) = world.of(NODE_GROUP.kind).find(is_its).map(|(key, _)| key.clone()) else {
        return;
    };
    let size = group::size(&scaling);
    let is_short = (group::machines(world, &scaling).len() as u64) < size[2];
    let failure = group::failure(&scaling).filter(|_| is_short);
    world.edit(&key, |node_group| {
        node_group.set("scalingConfig", super::node_shape::scaling(size));
        let is_steady = matches!(node_group.text("status"), "ACTIVE" | "DEGRADED");
        let is_watched = is_steady || node_group.text("status") == "UPDATING";
        if is_watched && (failure.is_some() || !is_short) {
            if is_steady {
                node_group.set("status", if failure.is_some() { "DEGRADED" } else { "ACTIVE" });
            }
            let issue = failure.map(|why| {
                json!({ "code": "AsgInstanceLaunchFailures", "message": why, "resourceIds": [name] })
            });
            node_group.set("health", json!({ "issues": issue.into_iter().collect::<Vec<_>>() }));
        }
    });
    if let Some(node_group) = world.get(&key).cloned() {
        addon::nodes_changed(world, &node_group);
    }
}

/// Does what an update of a group brings with it.
pub(super) fn changed(world: &mut World, key: &Key, kind: &str, is_failed: bool) {
    let Some(node_group) = world.get(key).cloned() else { return };
    let Some(scaling) = machines_of(world, &node_group) else { return };
    match kind {
        _ if is_failed => {}
        "VersionUpdate" => {
            let next = node_group.hidden.get("next template").cloned();
            if let Some(next) = next.as_ref().and_then(Value::as_object).cloned() {
                world.edit(key, |node_group| node_group.hidden.extend(next));
            }
            let launch = world.get(key).map(|node_group| launch(world, node_group));
            group::replace(world, &scaling, launch.unwrap_or_default());
        }
        _ => group::resize(world, &scaling, sizes(node_group.body.get("scalingConfig"))),
    }
    world.edit(key, |node_group| node_group.hidden.remove("next template"));
}

/// Counts the nodes of a cluster that are ready.
pub(super) fn ready_nodes(world: &World, cluster: &Object) -> usize {
    let groups = children(world, cluster, NODE_GROUP.kind);
    let groups = groups.iter().filter_map(|key| world.get(key));
    let steady =
        groups.filter(|group| matches!(group.text("status"), "ACTIVE" | "UPDATING" | "DEGRADED"));
    let scaling = steady.filter_map(|group| world.get(&machines_of(world, group)?));
    scaling.map(|group| group::machines(world, group).len()).sum()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Named {
    cluster_name: String,
    nodegroup_name: String,
}

pub(super) fn describe(call: &mut Call<'_>, request: Named) -> Answer {
    NODE_GROUP.describe(call, &request.cluster_name, &request.nodegroup_name, "nodegroup")
}

pub(super) fn list(call: &mut Call<'_>, request: Listing) -> Answer {
    NODE_GROUP.list(call, request, "nodegroups")
}

/// Begins to take a group away.
pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = NODE_GROUP.get(call, &request.cluster_name, &request.nodegroup_name)?;
    if update::is_running(call.world, &key) {
        let message = "Nodegroup cannot be deleted as it currently has an update in progress";
        return Err(refusal("ResourceInUseException", message)
            .field("clusterName", request.cluster_name)
            .field("nodegroupName", request.nodegroup_name));
    }
    if call.get(&key).is_some_and(|group| group.text("status") != "DELETING") {
        let now = call.world.now;
        let at = call.world.after(&DELETED);
        call.world.edit(&key, |group| {
            group.set("status", "DELETING");
            group.set("modifiedAt", seconds(now));
            group.turns.clear();
            group.later(now + (at - now) / 2, "drain");
            group.later(at, "deleted");
        });
    }
    Ok(json!({ "nodegroup": call.get(&key).map(show) }))
}

/// Takes the machines of a group away, if EKS can still take on its role.
fn drain(world: &mut World, key: &Key) {
    let Some(node_group) = world.get(key).cloned() else { return };
    let role = node_group.text("nodeRole");
    if assumable(world, role, "ec2.amazonaws.com") == Err(Unassumable::Missing) {
        let message = format!("The node role {role} was not found");
        let issue =
            json!({ "code": "IamNodeRoleNotFound", "message": message, "resourceIds": [role] });
        world.edit(key, |node_group| {
            node_group.set("status", "DELETE_FAILED");
            node_group.set("health", json!({ "issues": [issue] }));
            node_group.turns.clear();
        });
        return;
    }
    if let Some(scaling) = machines_of(world, &node_group) {
        group::delete(world, &scaling);
    }
    addon::nodes_changed(world, &node_group);
}

fn deleted(world: &mut World, key: &Key) {
    let Some(node_group) = world.remove(key) else { return };
    update::forget(world, key);
    let Some(cluster) = parent(world, &node_group).and_then(|key| world.get(&key).cloned()) else {
        return;
    };
    let role = node_group.text("nodeRole");
    let others = children(world, &cluster, NODE_GROUP.kind);
    let is_used =
        others.iter().filter_map(|key| world.get(key)).any(|it| it.text("nodeRole") == role);
    if !is_used {
        access_entry::forget_nodes(world, &cluster, role);
    }
}
