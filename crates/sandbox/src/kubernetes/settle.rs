//! What a cluster does by itself: what follows from what was made, changed or taken away.
use super::kind::Kind;
use super::objects::{self, Cluster, ServedKind, View, items, name, text, time};
use super::{addons, autoscale, budget, claims, events, nodes, pods, schedule, start, workloads};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) const LOOKS: Behaviour = Behaviour {
    service: "kubernetes",
    what: "what follows from a change happens, such as the end of objects whose owner is gone",
    seconds: 1,
    source: "assumption",
};

/// The kind of what remembers that a cluster has begun, and when it looks next.
pub(super) const API: &str = "kubernetes.api";

/// How many times in a row things may follow from each other; what is left waits for the next look.
const ROUNDS: usize = 20;

fn api(cluster: &Cluster) -> Key {
    Key::new(API, format!("{}/", cluster.id))
}

/// Tells whether anybody has asked for a cluster's API yet.
pub(super) fn has_begun(world: &World, cluster: &Cluster) -> bool {
    world.get(&api(cluster)).is_some()
}

/// Lets the clusters whose APIs have begun look again after a moment, if what they follow of AWS
/// may be another.
pub(crate) fn stir<'a>(world: &mut World, mut changed: impl Iterator<Item = &'a str>) {
    const FOLLOWED: [&str; 7] = [
        "autoscaling.group",
        "ec2.instance",
        "eks.addon",
        "eks.node_group",
        "eks.pod_identity_association",
        "eks.update",
        "iam.role",
    ];
    if !changed.any(|kind| FOLLOWED.contains(&kind)) {
        return;
    }
    let begun: Vec<String> = world.of(API).map(|(key, _)| key.id.clone()).collect();
    for id in begun {
        if let Some(cluster) = Cluster::find(world, id.trim_end_matches('/')) {
            soon(world, &cluster);
        }
    }
}

/// Makes what is there from the start, the first time that anybody asks.
pub(super) fn begin(world: &mut World, cluster: &Cluster) {
    if world.get(&api(cluster)).is_none() {
        world.put(api(cluster), cluster.object(world.now));
        start::fill(world, cluster);
        look(world, cluster);
    }
}

/// Lets a cluster look again after a moment.
pub(super) fn soon(world: &mut World, cluster: &Cluster) {
    let at = world.after(&LOOKS);
    look_at(world, cluster, at);
}

/// Lets a cluster look again at a time.
pub(super) fn look_at(world: &mut World, cluster: &Cluster, at: u64) {
    let is_due = |object: &crate::world::Object| {
        object.turns.iter().any(|turn| turn.word == "look" && turn.at <= at)
    };
    if !world.get(&api(cluster)).is_some_and(is_due) {
        world.edit(&api(cluster), |object| object.later(at, "look"));
    }
}

/// Does what follows from how things are. It finds anew when there is something to look for again:
/// what was to be looked for before may have happened.
pub(super) fn look(world: &mut World, cluster: &Cluster) {
    world.edit(&api(cluster), |object| object.turns.retain(|turn| turn.word != "look"));
    for _ in 0..ROUNDS {
        let before = world.serial;
        nodes::follow(world, cluster);
        addons::follow(world, cluster);
        workloads::follow(world, cluster);
        schedule::place(world, cluster);
        claims::follow(world, cluster);
        pods::follow(world, cluster);
        budget::follow(world, cluster);
        autoscale::follow(world, cluster);
        events::forget(world, cluster);
        collect(world, cluster);
        end_namespaces(world, cluster);
        start::namespaces(world, cluster);
        if world.serial == before {
            return;
        }
    }
    soon(world, cluster);
}

/// Begins to delete an object, or takes it away. Returns it where it stays for now.
pub(super) fn delete(
    world: &mut World,
    cluster: &Cluster,
    kind: &Kind,
    live: &Value,
    policy: &str,
    grace: Option<u64>,
) -> Option<Value> {
    let mut object = live.clone();
    let finalizer = match policy {
        "Foreground" => Some("foregroundDeletion"),
        "Orphan" => Some("orphan"),
        _ => None,
    };
    let mut finalizers = items(&object, "/metadata/finalizers").to_vec();
    if let Some(finalizer) = finalizer
        && !finalizers.contains(&json!(finalizer))
    {
        finalizers.push(json!(finalizer));
        object["metadata"]["finalizers"] = json!(finalizers);
    }
    let is_namespace = kind.plural == "namespaces";
    let seconds = match kind.plural.as_str() {
        "pods" if !text(&object, "/spec/nodeName").is_empty() => {
            grace.or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_u64()).unwrap_or(30)
        }
        _ => 0,
    };
    if finalizers.is_empty() && !is_namespace && seconds == 0 {
        objects::remove(world, cluster, kind, &object);
        return None;
    }
    if object["metadata"]["deletionTimestamp"].is_null() {
        let at = time(world.now + seconds * 1000);
        object["metadata"]["deletionTimestamp"] = json!(at);
        object["metadata"]["deletionGracePeriodSeconds"] = json!(seconds);
    }
    if is_namespace {
        object["status"]["phase"] = json!("Terminating");
    }
    match object == *live {
        true => Some(object),
        false => Some(objects::put(world, cluster, kind, object)),
    }
}

/// Takes away what has lost its owners, and sees to owners that wait for what they own.
fn collect(world: &mut World, cluster: &Cluster) {
    let (uids, all) = bound(world, cluster);
    let owned_by = |it: &Value, uid: &str| {
        items(it, "/metadata/ownerReferences").iter().any(|owner| owner["uid"] == uid)
    };
    for (kind, object) in &all {
        let owners = items(object, "/metadata/ownerReferences");
        let is_lost = !owners.is_empty()
            && !owners.iter().any(|owner| uids.contains(text(owner, "/uid")))
            && object["metadata"]["deletionTimestamp"].is_null();
        if is_lost {
            delete(world, cluster, kind, object, "", None);
        }
        if object["metadata"]["deletionTimestamp"].is_null() {
            continue;
        }
        let uid = text(object, "/metadata/uid");
        let its: Vec<&OfKind> = all.iter().filter(|(_, it)| owned_by(it, uid)).collect();
        let waits = |word: &str| items(object, "/metadata/finalizers").contains(&json!(word));
        if waits("foregroundDeletion") {
            for (kind, dependent) in &its {
                if dependent["metadata"]["deletionTimestamp"].is_null() {
                    delete(world, cluster, kind, dependent, "Foreground", None);
                }
            }
            if its.is_empty() {
                release(world, cluster, kind, object, "foregroundDeletion");
            }
        }
        if waits("orphan") {
            for (kind, dependent) in &its {
                objects::edit(world, cluster, kind, dependent, |it| disown(it, uid));
            }
            release(world, cluster, kind, object, "orphan");
        }
    }
}

fn disown(object: &mut Value, uid: &str) {
    if let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() {
        owners.retain(|owner| owner["uid"] != uid);
    }
}

/// Takes a finalizer off an object, and the object away if that was the last.
pub(super) fn release(
    world: &mut World,
    cluster: &Cluster,
    kind: &Kind,
    object: &Value,
    finalizer: &str,
) {
    let mut left = items(object, "/metadata/finalizers").to_vec();
    left.retain(|it| it != finalizer);
    if left.is_empty() && kind.plural != "pods" && kind.plural != "namespaces" {
        objects::remove(world, cluster, kind, object);
    } else {
        objects::edit(world, cluster, kind, object, |it| {
            it["metadata"]["finalizers"] = json!(left);
        });
    }
}

/// An object with its kind.
type OfKind = (ServedKind, View);

/// Returns the uids of all objects of a cluster, and those of these that have owners or go.
fn bound(world: &World, cluster: &Cluster) -> (BTreeSet<String>, Vec<OfKind>) {
    let (mut uids, mut bound) = (BTreeSet::new(), Vec::new());
    for kind in objects::kinds(world, cluster) {
        for object in objects::all(world, cluster, &kind, None) {
            let metadata = &object["metadata"];
            uids.insert(text(metadata, "/uid").to_owned());
            if metadata["ownerReferences"].is_array() || metadata["deletionTimestamp"].is_string() {
                bound.push((kind.clone(), object));
            }
        }
    }
    (uids, bound)
}

/// Returns every object of a cluster with its kind.
fn everything(world: &World, cluster: &Cluster) -> Vec<OfKind> {
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    for kind in objects::kinds(world, cluster) {
        if seen.insert(kind.key()) {
            let its = objects::all(world, cluster, &kind, None);
            all.extend(its.into_iter().map(|it| (kind.clone(), it)));
        }
    }
    all
}

/// Takes away what is in namespaces that go, and then them.
fn end_namespaces(world: &mut World, cluster: &Cluster) {
    let namespaces = Kind::named("namespaces");
    for namespace in objects::all(world, cluster, namespaces, None) {
        if namespace["metadata"]["deletionTimestamp"].is_null() {
            continue;
        }
        let its = name(&namespace);
        let all = everything(world, cluster);
        let within: Vec<_> =
            all.iter().filter(|(_, it)| text(it, "/metadata/namespace") == its).collect();
        for (kind, object) in &within {
            if object["metadata"]["deletionTimestamp"].is_null() {
                delete(world, cluster, kind, object, "", None);
            }
        }
        if within.is_empty() && items(&namespace, "/metadata/finalizers").is_empty() {
            objects::remove(world, cluster, namespaces, &namespace);
        }
    }
}

/// Does what an object of a cluster was to do by itself.
pub(crate) fn turn(world: &mut World, key: &Key, word: &str) {
    let Some(cluster) = Cluster::find(world, key.id.split('/').next().unwrap_or_default()) else {
        return;
    };
    match (key.kind.as_str(), word) {
        (API, "look") => look(world, &cluster),
        _ => tracing::warn!(kind = key.kind, id = key.id, word, "nothing happens by that word"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(world: &World, cluster: &Cluster) -> Vec<u64> {
        let turns = world.get(&api(cluster)).into_iter().flat_map(|object| &object.turns);
        turns.map(|turn| turn.at).collect()
    }

    #[test]
    fn nothing_is_looked_for_that_has_happened() {
        let mut world = World::new(1, 1_000);
        let [id, name, account, region, version] =
            ["A", "acme", "123456789012", "us-east-1", "1.35"].map(str::to_owned);
        let key = Key::new("eks.cluster", "a");
        let cluster = Cluster { key: key.clone(), id, name, account, region, version };
        let mut object = cluster.object(0);
        object.set("endpoint", "https://A.gr7.us-east-1.eks.amazonaws.com");
        world.put(key, object);
        begin(&mut world, &cluster);
        let labels = json!({ "app": "a" });
        let template = json!({ "metadata": { "labels": labels }, "spec": { "containers": [] } });
        let deployment = json!({ "metadata": { "name": "a", "namespace": "default" },
            "spec": { "replicas": 1, "progressDeadlineSeconds": 600, "template": template,
                "selector": { "matchLabels": labels } } });
        objects::install(&mut world, &cluster, Kind::named("deployments"), deployment, "test");
        look(&mut world, &cluster);
        assert_eq!(looks(&world, &cluster), [601_000], "whether it is up in time");
        let kind = Kind::named("deployments");
        let live = objects::get(&world, &cluster, kind, "default", "a").expect("it is there");
        objects::edit(&mut world, &cluster, kind, &live, |it| it["spec"]["replicas"] = json!(0));
        look(&mut world, &cluster);
        assert_eq!(looks(&world, &cluster), [0; 0], "it is");
    }
}
