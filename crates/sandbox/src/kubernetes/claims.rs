//! Claims: when they are bound, and the volumes that are made for them.
use super::admission::KEPT;
use super::driver;
use super::kind::Kind;
use super::objects::{self, Cluster, View, items, name, text};
use super::spot::ZONE;
use crate::world::World;
use serde_json::{Value, json};

/// What the claims of a pod mean for where it goes.
pub(super) enum Claims {
    /// It goes where these zones are all its own; anywhere when there are none.
    In(Vec<String>),
    /// It goes nowhere, and why.
    Wrong(String),
}

/// Returns the names of the claims that a pod uses.
pub(super) fn used(pod: &Value) -> Vec<String> {
    let of = |volume: &Value| match volume["ephemeral"].is_object() {
        true => Some(format!("{}-{}", name(pod), name(volume))),
        false => Some(volume.pointer("/persistentVolumeClaim/claimName")?.as_str()?.to_owned()),
    };
    items(pod, "/spec/volumes").iter().filter_map(of).collect()
}

fn claim(world: &World, cluster: &Cluster, pod: &Value, its: &str) -> Option<View> {
    let namespace = text(pod, "/metadata/namespace");
    objects::get(world, cluster, Kind::named("persistentvolumeclaims"), namespace, its)
}

/// Returns the class of a claim.
fn class(world: &World, cluster: &Cluster, claim: &Value) -> Option<View> {
    let class = text(claim, "/spec/storageClassName");
    objects::get(world, cluster, Kind::named("storageclasses"), "", class)
}

/// Returns what the claims of a pod mean for where it goes.
pub(super) fn of(world: &World, cluster: &Cluster, pod: &Value) -> Claims {
    let mut zones = Vec::new();
    for its in used(pod) {
        let Some(claim) = claim(world, cluster, pod, &its) else {
            return Claims::Wrong(format!("persistentvolumeclaim {its:?} not found"));
        };
        if claim["metadata"]["deletionTimestamp"].is_string() {
            return Claims::Wrong(format!("persistentvolumeclaim {its:?} is being deleted"));
        }
        let volume = text(&claim, "/spec/volumeName");
        if volume.is_empty() {
            let class = class(world, cluster, &claim);
            if class.is_none_or(|it| it["volumeBindingMode"] != "WaitForFirstConsumer") {
                let why = "pod has unbound immediate PersistentVolumeClaims";
                return Claims::Wrong(why.to_owned());
            }
            continue;
        }
        let kind = Kind::named("persistentvolumes");
        let volume = objects::get(world, cluster, kind, "", volume).unwrap_or_default();
        zones.extend(zone(&volume));
    }
    Claims::In(zones)
}

/// Returns the zone that a volume is in.
fn zone(volume: &Value) -> Option<String> {
    let terms = items(volume, "/spec/nodeAffinity/required/nodeSelectorTerms");
    let mut rules = terms.iter().flat_map(|term| items(term, "/matchExpressions"));
    let of_zone = rules.find(|rule| rule["key"] == ZONE)?;
    Some(of_zone["values"][0].as_str()?.to_owned())
}

/// Binds the claims of a pod that waited for its node, and tells whether all are bound.
pub(super) fn bind(world: &mut World, cluster: &Cluster, pod: &Value, node: &Value) -> bool {
    let zone = node["metadata"]["labels"][ZONE].as_str().unwrap_or_default();
    let mut are_bound = true;
    for its in used(pod) {
        let Some(claim) = claim(world, cluster, pod, &its) else { continue };
        if text(&claim, "/spec/volumeName").is_empty() {
            let class = class(world, cluster, &claim).unwrap_or_default();
            are_bound &= driver::provide(world, cluster, &claim, &class, zone);
        }
    }
    are_bound
}

/// Binds claims that wait for nobody, lets go of those that nobody uses, and sees to volumes.
pub(super) fn follow(world: &mut World, cluster: &Cluster) {
    let nodes = objects::all(world, cluster, Kind::named("nodes"), None);
    let zone = nodes.iter().find_map(|node| node["metadata"]["labels"][ZONE].as_str());
    let pods = objects::all(world, cluster, Kind::named("pods"), None);
    pods.iter().for_each(|pod| grow(world, cluster, pod));
    let kind = Kind::named("persistentvolumeclaims");
    for claim in objects::all(world, cluster, kind, None) {
        let is_going = claim["metadata"]["deletionTimestamp"].is_string();
        let uses = |pod: &&View| {
            pod["metadata"]["namespace"] == claim["metadata"]["namespace"]
                && used(pod).iter().any(|its| its == name(&claim))
        };
        if is_going && !pods.iter().any(|pod| uses(&pod)) {
            super::settle::release(world, cluster, kind, &claim, KEPT);
        }
        let class = class(world, cluster, &claim);
        let immediate = class.filter(|it| it["volumeBindingMode"] == "Immediate");
        if let (Some(class), Some(zone)) = (immediate, zone)
            && text(&claim, "/spec/volumeName").is_empty()
            && !is_going
        {
            driver::provide(world, cluster, &claim, &class, zone);
        }
    }
    driver::attach(world, cluster, &pods, &nodes);
    reclaim(world, cluster);
}

/// Makes the claims of a pod's volumes that live as long as it.
fn grow(world: &mut World, cluster: &Cluster, pod: &Value) {
    let kind = Kind::named("persistentvolumeclaims");
    for volume in items(pod, "/spec/volumes").iter().filter(|it| it["ephemeral"].is_object()) {
        let template = &volume["ephemeral"]["volumeClaimTemplate"];
        let owner = json!([{ "apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true }]);
        let claim = json!({
            "metadata": { "name": format!("{}-{}", name(pod), name(volume)),
                "namespace": pod["metadata"]["namespace"], "ownerReferences": owner,
                "labels": template["metadata"]["labels"] },
            "spec": template["spec"],
        });
        make(world, cluster, kind, claim);
    }
}

/// Makes a claim, unless there is one of its name.
pub(super) fn make(world: &mut World, cluster: &Cluster, kind: &Kind, mut claim: Value) {
    super::default::fill(kind, &mut claim);
    if super::admission::admit(world, cluster, kind, &mut claim).is_ok() {
        objects::ensure(world, cluster, kind, claim);
    }
}

/// Has volumes taken away whose claims have gone, unless they are to be kept.
fn reclaim(world: &mut World, cluster: &Cluster) {
    let kind = Kind::named("persistentvolumes");
    let claims = Kind::named("persistentvolumeclaims");
    for volume in objects::all(world, cluster, kind, None) {
        let of = &volume["spec"]["claimRef"];
        let claim = objects::get(world, cluster, claims, text(of, "/namespace"), text(of, "/name"));
        let is_its = claim.is_some_and(|claim| claim["metadata"]["uid"] == of["uid"]);
        if !of.is_object() || is_its {
            continue;
        }
        objects::edit(world, cluster, kind, &volume, |volume| {
            volume["status"]["phase"] = json!("Released");
        });
        if text(&volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
            driver::remove(world, cluster, &volume);
        }
    }
}
