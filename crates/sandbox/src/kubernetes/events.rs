//! Events: what the parts of a cluster tell of its objects.
use super::kind::Kind;
use super::objects::{self, Cluster, View, moment, name, text, time};
use crate::behaviour::Behaviour;
use crate::world::World;
use serde_json::{Value, json};

pub(super) const KEPT: Behaviour = Behaviour {
    service: "kubernetes",
    what: "an event is told once, and forgotten an hour later",
    seconds: 60 * 60,
    source: "Kubernetes, kube-apiserver, --event-ttl; that it is told once is an assumption",
};

/// Something that a part of a cluster tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) by: &'a str,
    /// `Normal` or `Warning`.
    pub(super) sort: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

/// Tells something of an object, once.
pub(super) fn tell(world: &mut World, cluster: &Cluster, about: &Value, said: Said<'_>) {
    let kind = Kind::named("events");
    let namespace = match text(about, "/metadata/namespace") {
        "" => "default",
        namespace => namespace,
    };
    let is_same = |event: &View| {
        event["involvedObject"]["uid"] == about["metadata"]["uid"]
            && event["reason"] == said.reason
            && event["message"] == said.message
    };
    if objects::all(world, cluster, kind, Some(namespace)).iter().any(is_same) {
        return;
    }
    let now = time(world.now);
    let digits = world.digits(16);
    let event = json!({
        "metadata": { "name": format!("{}.{digits}", name(about)), "namespace": namespace },
        "involvedObject": {
            "kind": about["kind"], "apiVersion": about["apiVersion"],
            "name": about["metadata"]["name"], "namespace": about["metadata"]["namespace"],
            "uid": about["metadata"]["uid"],
        },
        "type": said.sort,
        "reason": said.reason,
        "message": said.message,
        "source": { "component": said.by },
        "reportingComponent": said.by,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    });
    objects::ensure(world, cluster, kind, event);
}

/// Forgets what was told too long ago.
pub(super) fn forget(world: &mut World, cluster: &Cluster) {
    let kind = Kind::named("events");
    for event in objects::all(world, cluster, kind, None) {
        let last = moment(text(&event, "/lastTimestamp"));
        let is_old = last.is_some_and(|last| last + KEPT.seconds * 1000 <= world.now);
        if is_old {
            objects::remove(world, cluster, kind, &event);
        }
    }
}
