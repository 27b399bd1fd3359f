//! The control plane: what becomes of it by itself, and what comes and goes with it.
use super::super::ec2::living::{self, NewInterface, Place};
use super::super::{domain, logs, unknown_turn};
use super::cluster::logged;
use super::found::{children, seconds};
use super::update::{self, NO_ADDRESSES, New};
use super::{access_entry, addon, event, pod_identity, upgrade, versions};
use crate::behaviour::Behaviour;
use crate::clock::Time;
use crate::kubernetes;
use crate::world::{Key, Object, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const CREATED: Behaviour = Behaviour {
    service: "eks",
    what: "a cluster is CREATING, then ACTIVE",
    seconds: 9 * 60,
    source: "assumption",
};
pub(super) const NETWORK: Behaviour = Behaviour {
    service: "eks",
    what: "a new cluster has its security group and network interfaces",
    seconds: 2 * 60,
    source: "assumption",
};
pub(super) const DELETED: Behaviour = Behaviour {
    service: "eks",
    what: "a cluster is DELETING, then gone",
    seconds: 4 * 60,
    source: "assumption",
};
pub(super) const LINGER: Behaviour = Behaviour {
    service: "eks",
    what: "the network interfaces of a cluster that has gone stay a while, then its security group",
    seconds: 60,
    source: "assumption",
};
pub(super) const RETIRED: Behaviour = Behaviour {
    service: "eks",
    what: "a cluster whose version is out of support by its policy is upgraded by one minor",
    seconds: 0,
    source: "Amazon EKS User Guide, Kubernetes version lifecycle",
};

/// What is left of a cluster that has gone: its security group, as long as that is used.
pub(super) const LEAVING: &str = "eks.leaving";

/// Schedules what becomes of a new cluster.
pub(super) fn begin(world: &mut World, cluster: &mut Object) {
    let ready = world.after(&CREATED);
    cluster.later(world.after(&NETWORK).min(ready), "network");
    cluster.later(ready, "ready");
}

/// Does what a cluster was to do by itself.
pub(super) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        "network" => attach(world, key),
        "ready" => ready(world, key),
        "retire" => retire(world, key),
        "scale" => event::scale(world, key),
        "deleted" => deleted(world, key),
        _ => unknown_turn(key, word),
    }
}

/// Gives whoever made a cluster, and its nodes, the access entries that EKS makes itself.
pub(super) fn let_in(world: &mut World, key: &Key) {
    let Some(cluster) = world.get(key).cloned() else { return };
    let access = cluster.body.get("accessConfig").cloned().unwrap_or_default();
    if access["authenticationMode"] == "CONFIG_MAP" {
        return;
    }
    if access["bootstrapClusterCreatorAdminPermissions"] == true {
        access_entry::of_creator(world, &cluster, cluster.secret("creator"));
    }
    for group in children(world, &cluster, "eks.node_group") {
        let role = world.get(&group).map(|group| group.text("nodeRole").to_owned());
        access_entry::of_nodes(world, &cluster, &role.unwrap_or_default());
    }
}

fn text_list(config: &Value, member: &str) -> Vec<String> {
    let list = config[member].as_array().into_iter().flatten();
    list.filter_map(|item| Some(item.as_str()?.to_owned())).collect()
}

/// Makes the security group and the interfaces of a control plane.
fn attach(world: &mut World, key: &Key) {
    let Some(cluster) = world.get(key).cloned() else { return };
    let mut network = cluster.body.get("resourcesVpcConfig").cloned().unwrap_or_default();
    let subnets = text_list(&network, "subnetIds");
    let gone = subnets.iter().find(|id| world.get(&living::subnet(id)).is_none());
    if let Some(gone) = gone {
        let message = format!("The subnet {gone} was not found");
        let issue =
            json!({ "code": "Ec2SubnetNotFound", "message": message, "resourceIds": [gone] });
        world.edit(key, |cluster| {
            cluster.set("status", "FAILED");
            cluster.set("health", json!({ "issues": [issue] }));
            cluster.turns.clear();
        });
        return;
    }
    let (name, place) = (cluster.text("name"), Place::of(&cluster));
    let group = format!("eks-cluster-sg-{name}-{}", number(world));
    let description = "EKS created security group applied to ENI that is attached to EKS Control \
                       Plane master nodes, as well as any managed workloads.";
    let tags = BTreeMap::from([
        ("Name".to_owned(), group.clone()),
        ("aws:eks:cluster-name".to_owned(), name.to_owned()),
        (format!("kubernetes.io/cluster/{name}"), "owned".to_owned()),
    ]);
    let vpc = network["vpcId"].as_str().unwrap_or_default().to_owned();
    let group = living::security_group(world, &place, &vpc, (&group, description), tags);
    network["clusterSecurityGroupId"] = json!(group);
    world.edit(key, |cluster| cluster.set("resourcesVpcConfig", network));
    interfaces(world, key);
}

/// Draws the number at the end of a security group's name.
fn number(world: &mut World) -> u32 {
    (world.chance() * f64::from(u32::MAX)) as u32
}

/// Makes the interfaces of a control plane, in two zones.
fn interfaces(world: &mut World, key: &Key) {
    let Some(cluster) = world.get(key).cloned() else { return };
    let network = cluster.body.get("resourcesVpcConfig").cloned().unwrap_or_default();
    let mut by_zone = BTreeMap::new();
    for id in text_list(&network, "subnetIds") {
        if let Some(subnet) = world.get(&living::subnet(&id)) {
            by_zone.entry(subnet.text("availabilityZone").to_owned()).or_insert(id);
        }
    }
    let own = network["clusterSecurityGroupId"].as_str().map(str::to_owned);
    let groups = text_list(&network, "securityGroupIds");
    let groups: Vec<String> = own.into_iter().chain(groups).collect();
    let description = format!("Amazon EKS {}", cluster.text("name"));
    for subnet in by_zone.values().take(2) {
        let new = NewInterface {
            subnet,
            description: &description,
            groups: &groups,
            instance: None,
            requester: Some("amazon-eks"),
            tags: BTreeMap::new(),
        };
        living::interface(world, &Place::of(&cluster), new);
    }
}

/// Returns the interfaces of a control plane.
fn its_interfaces(world: &World, cluster: &Object) -> Vec<Key> {
    let description = format!("Amazon EKS {}", cluster.text("name"));
    let is_its = |object: &Object| {
        object.text("description") == description
            && object.body.get("requesterManaged") == Some(&json!(true))
            && (&object.account, &object.region) == (&cluster.account, &cluster.region)
    };
    let all = world.of("ec2.network_interface").filter(|(_, object)| is_its(object));
    all.map(|(key, _)| key.clone()).collect()
}

fn ready(world: &mut World, key: &Key) {
    let Some(cluster) = world.get(key).cloned() else { return };
    let id = world.digits(32).to_uppercase();
    let region = &cluster.region;
    let domain = domain(region);
    let certificate = kubernetes::authority_data(world);
    world.edit(key, |cluster| {
        cluster.set("status", "ACTIVE");
        cluster.set("endpoint", format!("https://{id}.gr7.{region}.eks.{domain}"));
        cluster.set("certificateAuthority", json!({ "data": certificate }));
        let issuer = format!("https://oidc.eks.{region}.{domain}/id/{id}");
        cluster.set("identity", json!({ "oidc": { "issuer": issuer } }));
    });
    keep_logs(world, &cluster);
    schedule_retirement(world, key);
}

/// Makes the log group of a cluster that logs, if there is none.
fn keep_logs(world: &mut World, cluster: &Object) {
    if !logged(cluster.body.get("logging")).is_empty() {
        let name = format!("/aws/eks/{}/cluster", cluster.text("name"));
        logs::ensure(world, &Place::of(cluster), &name);
    }
}

/// Does what an update of a cluster brings with it.
pub(super) fn changed(world: &mut World, key: &Key, kind: &str) {
    let Some(cluster) = world.get(key).cloned() else { return };
    match kind {
        "VersionUpdate" => schedule_retirement(world, key),
        "LoggingUpdate" => keep_logs(world, &cluster),
        "AccessConfigUpdate" => let_in(world, key),
        "VpcConfigUpdate" => {
            for interface in its_interfaces(world, &cluster) {
                living::remove_interface(world, &interface.id);
            }
            interfaces(world, key);
        }
        _ => {}
    }
}

fn schedule_retirement(world: &mut World, key: &Key) {
    let now = world.now;
    world.edit(key, |cluster| {
        let version = versions::known(cluster.text("version"));
        let ends = version.map(|v| ["STANDARD", "EXTENDED"].map(|support| v.ends(support)));
        ends.into_iter()
            .flatten()
            .filter(|end| *end > now)
            .for_each(|end| cluster.later(end, "retire"));
    });
}

/// Upgrades a cluster whose version is out of support by its policy, as soon as that can be.
fn retire(world: &mut World, key: &Key) {
    let Some(cluster) = world.get(key).cloned() else { return };
    let support = cluster.body.get("upgradePolicy").cloned().unwrap_or_default();
    let support = support["supportType"].as_str().unwrap_or("EXTENDED");
    let version = versions::known(cluster.text("version"));
    if version.is_none_or(|version| version.ends(support) > world.now) {
        return;
    }
    if cluster.text("status") == "ACTIVE" {
        drop(upgrade_itself(world, key));
    } else {
        let hour: Time = 60 * 60 * 1000;
        let at = world.now + hour;
        world.edit(key, |cluster| cluster.later(at, "retire"));
    }
}

/// Begins what AWS does to a cluster by itself: an upgrade by one minor version.
///
/// # Errors
/// When it is busy, or there is no newer version.
pub(super) fn upgrade_itself(world: &mut World, key: &Key) -> Result<(), String> {
    let cluster = world.get(key).ok_or("there is no such cluster")?;
    let (name, status) = (cluster.text("name"), cluster.text("status"));
    if status != "ACTIVE" {
        return Err(format!("the cluster {name} is {status}"));
    }
    let version = cluster.text("version");
    let next = versions::known(version).map(|version| format!("1.{}", version.minor + 1));
    let next = next.and_then(|next| versions::known(&next));
    let next = next.ok_or_else(|| format!("the cluster {name} has {version}, the newest"))?;
    let new = New {
        target: key.clone(),
        kind: "VersionUpdate",
        params: upgrade::params(next),
        change: json!({ "version": next.name(), "platformVersion": next.platform() }),
        takes: &upgrade::UPGRADED,
        failure: NO_ADDRESSES,
    };
    update::start(world, None, false, new);
    Ok(())
}

fn deleted(world: &mut World, key: &Key) {
    let Some(cluster) = world.remove(key) else { return };
    kubernetes::ended(world, &cluster);
    update::forget(world, key);
    for kind in [addon::ADDON.kind, access_entry::ENTRY.kind, pod_identity::ASSOCIATION.kind] {
        for child in children(world, &cluster, kind) {
            update::forget(world, &child);
            world.remove(&child);
        }
    }
    let interfaces = its_interfaces(world, &cluster);
    let mut last = world.now;
    for interface in &interfaces {
        let at = world.after(&LINGER);
        last = last.max(at);
        world.edit(interface, |interface| interface.later(at, "remove"));
    }
    let network = cluster.body.get("resourcesVpcConfig").cloned().unwrap_or_default();
    let group = network["clusterSecurityGroupId"].as_str().unwrap_or_default().to_owned();
    if !is_used(world, &group, &interfaces) {
        let (account, region) = (cluster.account, cluster.region);
        let mut leaving = Object { account, region, made: world.now, ..Object::default() };
        leaving.hide("group", group);
        leaving.later(last + 1, "leave");
        world.put(Key::new(LEAVING, key.id.clone()), leaving);
    }
}

/// Takes the security group of a cluster that has gone, unless somebody has begun to use it.
pub(super) fn leave(world: &mut World, key: &Key) {
    let Some(leaving) = world.remove(key) else { return };
    let group = leaving.secret("group");
    if !is_used(world, group, &[]) {
        living::remove_security_group(world, group);
    }
}

/// Tells whether others use a security group: then EKS leaves it behind.
fn is_used(world: &World, group: &str, own: &[Key]) -> bool {
    let names_it = |value: &Value| {
        let list = value.as_array().into_iter().flatten();
        list.into_iter().any(|item| item["groupId"] == group)
    };
    let by_interface = world.of("ec2.network_interface").any(|(key, interface)| {
        !own.contains(key) && interface.body.get("groupSet").is_some_and(names_it)
    });
    let by_rule = world.of("ec2.security_group_rule").any(|(_, rule)| {
        let referred = rule.body.get("referencedGroupInfo").map(|info| &info["groupId"]);
        rule.text("groupId") != group && referred.is_some_and(|id| *id == group)
    });
    by_interface || by_rule
}

/// Begins to take a cluster away.
pub(super) fn begin_to_delete(world: &mut World, key: &Key) {
    let at = world.after(&DELETED);
    world.edit(key, |cluster| {
        cluster.set("status", "DELETING");
        cluster.turns.clear();
        cluster.later(at, "deleted");
    });
}

/// Notes the time of a change in the words of EKS.
pub(super) fn stamp(object: &mut Object, now: Time) {
    object.set("createdAt", seconds(now));
    object.set("modifiedAt", seconds(now));
}
