//! Nodes: they come and go with the machines of the node groups.
use super::kind::Kind;
use super::objects::{self, Cluster, items, name, time};
use super::{node, settle};
use crate::aws::{self, Machine};
use crate::behaviour::Behaviour;
use crate::clock::Time;
use crate::world::World;
use serde_json::{Value, json};

pub(super) const JOINED: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a machine of a node group is launched, then joins its cluster as a node",
    seconds: 40,
    source: "assumption",
};

pub(super) const READY: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a node has joined, then is ready, if the cluster has a network add-on",
    seconds: 15,
    source: "assumption",
};

/// What a node remembers of what its group gave it.
const GIVEN: &str = "given";

/// Makes nodes of machines that run, and takes those of machines that do not.
pub(super) fn follow(world: &mut World, cluster: &Cluster) {
    let kind = Kind::named("nodes");
    let machines = aws::machines(world, &cluster.key);
    for machine in &machines {
        let its = machine.instance.text("privateDnsName");
        let joined = machine.instance.made + drawn(&machine.id, &JOINED);
        let ready = joined + drawn(&machine.id, &READY);
        if world.now < joined {
            settle::look_at(world, cluster, joined);
            continue;
        }
        let is_ready = world.now >= ready && machine.has_network;
        if !is_ready && machine.has_network {
            settle::look_at(world, cluster, ready);
        }
        if objects::get(world, cluster, kind, "", its).is_none() {
            let disks = aws::disks(world, &machine.node_group);
            objects::ensure(world, cluster, kind, node::made(cluster, machine, disks));
        }
        let Some(live) = objects::get(world, cluster, kind, "", its) else { continue };
        dress(world, cluster, &live, machine);
        let now = world.now;
        if was_ready(&live) != Some(is_ready) {
            objects::edit(world, cluster, kind, &live, |node| tell(node, is_ready, now));
        }
    }
    let is_there = |node: &Value| {
        machines.iter().any(|machine| machine.instance.text("privateDnsName") == name(node))
    };
    for node in objects::all(world, cluster, kind, None) {
        let is_of_cloud = node["spec"]["providerID"].is_string();
        if is_of_cloud && !is_there(&node) {
            objects::remove(world, cluster, kind, &node);
        }
    }
}

/// Returns how long something takes for one machine: the same each time that it is asked.
fn drawn(id: &str, behaviour: &Behaviour) -> Time {
    let digits = id.get(id.len().saturating_sub(3)..).unwrap_or_default();
    let lot = f64::from(u32::from_str_radix(digits, 16).unwrap_or(2048)) / 4096.0;
    (behaviour.seconds as f64 * (700.0 + 600.0 * lot)) as Time
}

/// Gives a node the labels and taints that its group has now, in the place of those it had.
fn dress(world: &mut World, cluster: &Cluster, live: &Value, machine: &Machine) {
    let kind = Kind::named("nodes");
    let group = &machine.node_group;
    let labels = group.body.get("labels").cloned().unwrap_or_else(|| json!({}));
    let given = json!({ "labels": labels, "taints": node::taints(group) });
    let key = cluster.key_of(kind, "", name(live));
    let before = world.get(&key).and_then(|it| it.hidden.get(GIVEN).cloned()).unwrap_or_default();
    if before == given {
        return;
    }
    objects::edit(world, cluster, kind, live, |node| {
        if let Some(all) = node["metadata"]["labels"].as_object_mut() {
            let gone = before["labels"].as_object().into_iter().flatten();
            gone.for_each(|(label, _)| drop(all.shift_remove(label)));
            let new = labels.as_object().into_iter().flatten();
            all.extend(new.map(|(label, value)| (label.clone(), value.clone())));
        }
        let mut taints = items(node, "/spec/taints").to_vec();
        taints.retain(|taint| !items(&before, "/taints").contains(taint));
        taints.extend(items(&given, "/taints").iter().cloned());
        set_taints(node, taints);
    });
    world.edit(&key, |object| object.hide(GIVEN, given));
}

fn set_taints(node: &mut Value, taints: Vec<Value>) {
    match (taints.is_empty(), node["spec"].as_object_mut()) {
        (true, Some(spec)) => drop(spec.shift_remove("taints")),
        _ => node["spec"]["taints"] = json!(taints),
    }
}

/// Tells whether a node was ready, once it has told.
fn was_ready(node: &Value) -> Option<bool> {
    let conditions = items(node, "/status/conditions");
    conditions.iter().find(|it| it["type"] == "Ready").map(|it| it["status"] == "True")
}

/// Says of a node whether it is ready.
fn tell(node: &mut Value, is_ready: bool, now: Time) {
    let condition = |ty: &str, status: bool, reason: &str, message: &str| {
        json!({ "type": ty, "status": if status { "True" } else { "False" }, "reason": reason,
            "message": message, "lastHeartbeatTime": time(now), "lastTransitionTime": time(now) })
    };
    let (reason, message) = match is_ready {
        true => ("KubeletReady", "kubelet is posting ready status"),
        false => (
            "KubeletNotReady",
            "container runtime network not ready: NetworkReady=false \
             reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not \
             initialized",
        ),
    };
    node["status"]["conditions"] = json!([
        condition(
            "MemoryPressure",
            false,
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available"
        ),
        condition(
            "DiskPressure",
            false,
            "KubeletHasNoDiskPressure",
            "kubelet has no disk pressure"
        ),
        condition(
            "PIDPressure",
            false,
            "KubeletHasSufficientPID",
            "kubelet has sufficient PID available"
        ),
        condition("Ready", is_ready, reason, message),
    ]);
    const NOT_READY: &str = "node.kubernetes.io/not-ready";
    let mut taints = items(node, "/spec/taints").to_vec();
    taints.retain(|taint| taint["key"] != NOT_READY);
    if !is_ready {
        taints.push(json!({ "key": NOT_READY, "effect": "NoSchedule" }));
    }
    set_taints(node, taints);
}
