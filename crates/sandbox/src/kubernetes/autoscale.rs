//! What the cluster autoscaler does: it makes groups larger for pods that wait, and takes away nodes
//! that have nothing to do.
use super::autoscaler::{Autoscaler, machine, nodes_of, told};
use super::events::{self, Said};
use super::kind::Kind;
use super::objects::{self, Cluster, View, items, moment, name, text};
use super::spot::Spot;
use super::{claims, node, pods, schedule, settle, workloads};
use crate::aws::{self, scaling};
use crate::behaviour::Behaviour;
use crate::world::{Key, Object, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const SCANS: Behaviour = Behaviour {
    service: "kubernetes",
    what: "the cluster autoscaler sees to pods that wait; it counts nodes on their way and goes on \
        waiting for machines that do not come",
    seconds: 10,
    source: "Cluster Autoscaler, FAQ, --scan-interval; the waiting is an assumption",
};

pub(super) const IDLE: Behaviour = Behaviour {
    service: "kubernetes",
    what: "the cluster autoscaler takes away a node that had no pods but those of DaemonSets for so \
        long, unless it is told otherwise; it moves no pods",
    seconds: 10 * 60,
    source: "Cluster Autoscaler, FAQ, --scale-down-unneeded-time; that it moves none is assumed",
};

/// Who tells of it.
const BY: &str = "cluster-autoscaler";

/// Since when a node has nothing to do.
const SINCE: &str = "unneeded since";

/// A scaling group, as the autoscaler sees it.
struct Group {
    key: Key,
    object: Object,
    /// A node of it that has only pods of DaemonSets.
    template: Option<Spot>,
    /// How many nodes are on their way.
    coming: usize,
    /// How many more it can have.
    room: usize,
}

/// Lets the autoscaler of a cluster look, if it has one.
pub(super) fn follow(world: &mut World, cluster: &Cluster) {
    let Some(autoscaler) = Autoscaler::find(world, cluster) else { return };
    let nodes = objects::all(world, cluster, Kind::named("nodes"), None);
    let pods = objects::all(world, cluster, Kind::named("pods"), None);
    let mut groups = Vec::new();
    for (key, object) in autoscaler.groups(world, cluster) {
        groups.push(group(world, cluster, &autoscaler, key, object, &nodes));
    }
    grow(world, cluster, &autoscaler, &mut groups, &pods);
    if autoscaler.scales_down {
        shrink(world, cluster, &autoscaler, &groups, (&nodes, &pods));
    }
}

fn group(
    world: &World,
    cluster: &Cluster,
    autoscaler: &Autoscaler,
    key: Key,
    object: Object,
    nodes: &[View],
) -> Group {
    let its = nodes_of(world, &object, nodes);
    let ready: Vec<&&View> = its.iter().filter(|node| is_ready(node)).collect();
    let node = match ready.first() {
        Some(node) => Some(like(node)),
        None => expected(world, cluster, autoscaler, &object),
    };
    let template = node.map(|node| {
        let mut spot = Spot::new(node);
        for daemon in workloads::daemons(world, cluster, &spot.node) {
            spot.take(&daemon);
        }
        spot
    });
    let [_, most, desired] = scaling::size(&object).map(|size| size as usize);
    let coming = desired.saturating_sub(ready.len());
    Group { key, object, template, coming, room: most.saturating_sub(desired) }
}

fn is_ready(node: &Value) -> bool {
    items(node, "/status/conditions")
        .iter()
        .any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// Returns a node like one that there is.
fn like(node: &Value) -> Value {
    let mut node = node.clone();
    node["metadata"]["labels"]["kubernetes.io/hostname"] = json!("template");
    node["metadata"]["name"] = json!("template");
    if let Some(spec) = node["spec"].as_object_mut() {
        spec.shift_remove("unschedulable");
    }
    node
}

/// Returns what a node of a group without any will be like, as far as the autoscaler can know: by
/// the machine type, the node group of EKS and the tags of the group.
fn expected(
    world: &World,
    cluster: &Cluster,
    autoscaler: &Autoscaler,
    group: &Object,
) -> Option<Value> {
    let shape = aws::shape(scaling::types(group).first()?)?;
    let zones = group.body.get("AvailabilityZones").and_then(Value::as_array);
    let zone = zones.and_then(|zones| zones.first()?.as_str()).unwrap_or_default();
    let node_group = autoscaler.node_group(world, group).unwrap_or_default();
    let architecture = if shape.architecture() == "arm64" { "arm64" } else { "amd64" };
    let mut labels = node_group.body.get("labels").cloned().unwrap_or_else(|| json!({}));
    for (label, value) in [
        ("kubernetes.io/arch", architecture),
        ("kubernetes.io/hostname", "template"),
        ("kubernetes.io/os", "linux"),
        ("node.kubernetes.io/instance-type", shape.name),
        ("topology.kubernetes.io/region", cluster.region.as_str()),
        ("topology.kubernetes.io/zone", zone),
    ] {
        labels[label] = json!(value);
    }
    told(group, "label").for_each(|(label, value)| labels[label] = json!(value));
    let mut taints = node::taints(&node_group);
    for (key, value) in told(group, "taint") {
        let (value, effect) = value.split_once(':').unwrap_or((value, "NoSchedule"));
        let taint = json!({ "key": key, "value": value, "effect": effect });
        if !taints.contains(&taint) {
            taints.push(taint);
        }
    }
    let mut free = json!({ "cpu": shape.vcpus.to_string(), "pods": "110",
        "memory": format!("{}Mi", shape.memory_mib) });
    told(group, "resources").for_each(|(resource, amount)| free[resource] = json!(amount));
    Some(json!({
        "metadata": { "name": "template", "labels": labels },
        "spec": { "taints": taints },
        "status": { "allocatable": free },
    }))
}

/// Makes groups larger whose nodes would take pods that wait.
fn grow(
    world: &mut World,
    cluster: &Cluster,
    autoscaler: &Autoscaler,
    groups: &mut [Group],
    pods: &[View],
) {
    let mut left = Vec::new();
    for pod in pods.iter().filter(|pod| schedule::waits(pod)) {
        let conditions = items(pod, "/status/conditions");
        let said = conditions.iter().find(|it| it["reason"] == "Unschedulable");
        let since = said.and_then(|it| moment(text(it, "/lastTransitionTime")));
        let Some(due) = since.map(|since| since + SCANS.seconds * 1000) else { continue };
        match world.now < due {
            true => settle::look_at(world, cluster, due),
            false => left.push(pod),
        }
    }
    let mut coming: Vec<Spot> = groups
        .iter()
        .flat_map(|group| std::iter::repeat_n(&group.template, group.coming))
        .flatten()
        .cloned()
        .collect();
    left.retain(|pod| !takes(world, cluster, &mut coming, pod));
    while !left.is_empty() {
        let Some((at, count)) = best(world, cluster, autoscaler, groups, &left) else { break };
        let mut new = vec![groups[at].template.clone(); count];
        let mut new: Vec<Spot> = new.drain(..).flatten().collect();
        let before = scaling::size(&groups[at].object)[2];
        enlarge(world, &mut groups[at], count);
        let (placed, rest): (Vec<&View>, Vec<&View>) =
            left.iter().partition(|pod| takes(world, cluster, &mut new, pod));
        let [_, most, after] = scaling::size(&groups[at].object);
        let its = groups[at].object.text("AutoScalingGroupName").to_owned();
        let message =
            format!("pod triggered scale-up: [{{{its} {before}->{after} (max: {most})}}]");
        for pod in placed {
            tell(world, cluster, pod, "TriggeredScaleUp", &message);
        }
        left = rest;
    }
    for pod in left {
        let message = refusal(world, cluster, groups, pod);
        tell(world, cluster, pod, "NotTriggerScaleUp", &message);
    }
}

fn tell(world: &mut World, cluster: &Cluster, pod: &Value, reason: &str, message: &str) {
    events::tell(world, cluster, pod, Said { by: BY, sort: "Normal", reason, message });
}

/// Puts a pod onto the first of some nodes that takes it, and tells whether one did.
fn takes(world: &World, cluster: &Cluster, spots: &mut [Spot], pod: &Value) -> bool {
    let Some(zones) = zones(world, cluster, pod) else { return false };
    let words = schedule::words(cluster);
    let found = spots.iter_mut().find(|spot| spot.refuses(pod, &zones, words).is_none());
    found.map(|spot| spot.take(pod)).is_some()
}

/// Returns the zones that a pod is bound to; nothing when it can go nowhere.
fn zones(world: &World, cluster: &Cluster, pod: &Value) -> Option<Vec<String>> {
    match claims::of(world, cluster, pod) {
        claims::Claims::In(zones) => Some(zones),
        claims::Claims::Wrong(_) => None,
    }
}

/// Chooses a group whose new nodes would take some of the pods that wait, and how many.
fn best(
    world: &mut World,
    cluster: &Cluster,
    autoscaler: &Autoscaler,
    groups: &[Group],
    left: &[&View],
) -> Option<(usize, usize)> {
    let mut options = Vec::new();
    for (at, group) in groups.iter().enumerate().filter(|(_, group)| group.room > 0) {
        let Some(template) = &group.template else { continue };
        if !autoscaler.may(world, "autoscaling:SetDesiredCapacity", &group.object) {
            continue;
        }
        let (mut spots, mut placed) = (Vec::new(), 0);
        for pod in left {
            let mut is_placed = takes(world, cluster, &mut spots, pod);
            if !is_placed && spots.len() < group.room {
                let mut next = [template.clone()];
                is_placed = takes(world, cluster, &mut next, pod);
                spots.extend(next.into_iter().filter(|_| is_placed));
            }
            placed += usize::from(is_placed);
        }
        if placed > 0 {
            let load: u128 = spots.iter().map(Spot::load).sum::<u128>() / spots.len() as u128;
            options.push((placed, load, at, spots.len()));
        }
    }
    let chosen = match autoscaler.expander.split(',').next() {
        Some("least-waste") => options.iter().max_by_key(|(placed, load, ..)| (*load, *placed)),
        Some("most-pods") => options.iter().max_by_key(|(placed, ..)| *placed),
        _ => options.get((world.chance() * options.len() as f64) as usize),
    };
    chosen.map(|(_, _, at, count)| (*at, *count))
}

/// Sets the desired capacity of a group.
fn enlarge(world: &mut World, group: &mut Group, count: usize) {
    let [least, most, desired] = scaling::size(&group.object);
    scaling::resize(world, &group.key, [least, most, desired + count as u64]);
    group.object = world.get(&group.key).cloned().unwrap_or_default();
    (group.coming, group.room) = (group.coming + count, group.room - count);
}

/// Says why no group is made larger for a pod.
fn refusal(world: &World, cluster: &Cluster, groups: &[Group], pod: &Value) -> String {
    let words = schedule::words(cluster);
    let zones = zones(world, cluster, pod).unwrap_or_default();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for group in groups {
        let unfit = group.template.as_ref().map(|spot| spot.refuses(pod, &zones, words));
        let why = match unfit {
            Some(Some(unfit)) => unfit.why,
            Some(None) if group.room == 0 => vec!["max node group size reached".to_owned()],
            Some(None) => vec!["in backoff after failed scale-up".to_owned()],
            None => vec!["node group has no template".to_owned()],
        };
        why.into_iter().for_each(|why| *reasons.entry(why).or_default() += 1);
    }
    let told: Vec<String> = reasons.iter().map(|(why, count)| format!("{count} {why}")).collect();
    format!("pod didn't trigger scale-up: {}", told.join(", "))
}

/// Takes nodes away that had nothing to do for long enough.
fn shrink(
    world: &mut World,
    cluster: &Cluster,
    autoscaler: &Autoscaler,
    groups: &[Group],
    (nodes, pods): (&[View], &[View]),
) {
    let kind = Kind::named("nodes");
    for group in groups {
        let may = "autoscaling:TerminateInstanceInAutoScalingGroup";
        let may = autoscaler.may(world, may, &group.object);
        for node in nodes_of(world, &group.object, nodes) {
            let key = cluster.key_of(kind, "", name(node));
            let since = world.get(&key).and_then(|it| it.hidden.get(SINCE)?.as_u64());
            if !is_ready(node) || !is_idle(node, pods) {
                world.edit(&key, |object| object.hidden.remove(SINCE));
                continue;
            }
            let since = since.unwrap_or(world.now);
            world.edit(&key, |object| object.hide(SINCE, since));
            let due = since + autoscaler.unneeded;
            let current = world.get(&group.key).map(scaling::size);
            let Some([least, most, desired]) = current else { continue };
            // A group that is as small as it may be is looked at again when it is another.
            if desired <= least {
                continue;
            }
            if world.now < due {
                settle::look_at(world, cluster, due);
            } else if may {
                scaling::terminate_one(world, &group.key, machine(node));
                scaling::resize(world, &group.key, [least, most, desired - 1]);
            }
        }
    }
}

/// Tells whether a node has only pods of DaemonSets.
fn is_idle(node: &Value, all: &[View]) -> bool {
    let is_of_daemon = |pod: &Value| {
        items(pod, "/metadata/ownerReferences").iter().any(|it| it["kind"] == "DaemonSet")
    };
    let mut its = all.iter().filter(|pod| text(pod, "/spec/nodeName") == name(node));
    its.all(|pod| is_of_daemon(pod) || pods::is_over(pod))
}
