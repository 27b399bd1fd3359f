//! Pods: how controllers make them, and how they run and end.
use super::events::{self, Said};
use super::kind::Kind;
use super::objects::{self, Cluster, View, condition, items, moment, name, text, time};
use super::{admission, default, kubelet, settle, verbs};
use crate::behaviour::Behaviour;
use crate::clock::Time;
use crate::world::World;
use serde_json::{Value, json};

pub(super) const RUNS: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a pod has a node, then runs and is ready; it waits while a Secret or ConfigMap is missing \
        that it mounts or has its environment from, or what it calls an image is no name of one; \
        nothing else fails to be pulled or to start",
    seconds: 10,
    source: "assumption",
};

pub(super) const ENDS: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a pod of a job runs, then succeeds; any pod that is not restarted and whose command is \
        sleep does so after the time it says; none fails, so that only a job with \
        activeDeadlineSeconds can",
    seconds: 60,
    source: "assumption",
};

pub(super) const STOPS: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a pod on a node is Terminating, then gone, within its grace period",
    seconds: 3,
    source: "assumption",
};

/// Tells whether a pod has ended by itself.
pub(super) fn is_over(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Tells whether a pod is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = items(pod, "/status/conditions");
    conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// Returns the objects of a kind that another owns and that do not go.
pub(super) fn owned(world: &World, cluster: &Cluster, plural: &str, owner: &Value) -> Vec<View> {
    let uid = &owner["metadata"]["uid"];
    let namespace = Some(text(owner, "/metadata/namespace"));
    let mut all = objects::all(world, cluster, Kind::named(plural), namespace);
    all.retain(|it| {
        items(it, "/metadata/ownerReferences").iter().any(|its| its["uid"] == *uid)
            && it["metadata"]["deletionTimestamp"].is_null()
    });
    all
}

/// Returns what says in an object that another owns and controls it.
pub(super) fn reference(owner: &Value) -> Value {
    json!([{ "apiVersion": owner["apiVersion"], "kind": owner["kind"],
        "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], "controller": true,
        "blockOwnerDeletion": true }])
}

/// Returns the pod that a template describes, in the namespace of its owner.
pub(super) fn described(owner: &Value, its: &str) -> Value {
    let template = &owner["spec"]["template"];
    let mut pod = json!({ "apiVersion": "v1", "kind": "Pod",
        "metadata": template["metadata"], "spec": template["spec"] });
    if !pod["metadata"].is_object() {
        pod["metadata"] = json!({});
    }
    pod["metadata"]["name"] = json!(its);
    pod["metadata"]["namespace"] = owner["metadata"]["namespace"].clone();
    pod["metadata"]["ownerReferences"] = reference(owner);
    pod
}

/// Returns a name for the next pod of an owner.
pub(super) fn new_name(world: &mut World, owner: &Value) -> String {
    format!("{}-{}", name(owner), verbs::suffix(world))
}

/// Makes a pod of an owner; what keeps it out is told of the owner.
pub(super) fn make(world: &mut World, cluster: &Cluster, owner: &Value, mut pod: Value) {
    let kind = Kind::named("pods");
    default::fill(kind, &mut pod);
    if let Err(refused) = admission::admit(world, cluster, kind, &mut pod) {
        let by = format!("{}-controller", text(owner, "/kind").to_lowercase());
        let message = format!("Error creating: {}", refused.message);
        let said = Said { by: &by, sort: "Warning", reason: "FailedCreate", message: &message };
        events::tell(world, cluster, owner, said);
        return;
    }
    objects::ensure(world, cluster, kind, pod);
}

/// Begins to delete a pod.
pub(super) fn delete(world: &mut World, cluster: &Cluster, pod: &Value) {
    settle::delete(world, cluster, Kind::named("pods"), pod, "", None);
}

/// Lets pods that have nodes run and end, and takes those away that have lost theirs.
pub(super) fn follow(world: &mut World, cluster: &Cluster) {
    let (kind, nodes) = (Kind::named("pods"), Kind::named("nodes"));
    let nodes = objects::all(world, cluster, nodes, None);
    for pod in objects::all(world, cluster, kind, None) {
        let its = text(&pod, "/spec/nodeName");
        let node = nodes.iter().find(|node| name(node) == its);
        let is_going = pod["metadata"]["deletionTimestamp"].is_string();
        match node {
            None if is_going || !its.is_empty() => end(world, cluster, &pod),
            None => {}
            Some(_) if is_going => stop(world, cluster, &pod),
            Some(node) => run(world, cluster, &pod, node),
        }
    }
}

/// Takes a pod away, unless something holds it.
fn end(world: &mut World, cluster: &Cluster, pod: &Value) {
    let kind = Kind::named("pods");
    if items(pod, "/metadata/finalizers").is_empty() {
        objects::remove(world, cluster, kind, pod);
    } else if pod["metadata"]["deletionTimestamp"].is_null() {
        settle::delete(world, cluster, kind, pod, "", Some(0));
    }
}

/// Lets a pod that goes end on its node.
fn stop(world: &mut World, cluster: &Cluster, pod: &Value) {
    let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0);
    let last = moment(text(pod, "/metadata/deletionTimestamp")).unwrap_or(world.now);
    let due = last.saturating_sub(grace * 1000) + grace.min(STOPS.seconds) * 1000;
    match world.now < due {
        true => settle::look_at(world, cluster, due),
        false => end(world, cluster, pod),
    }
}

/// Lets a pod on a node run, and then succeed if it is to.
fn run(world: &mut World, cluster: &Cluster, pod: &Value, node: &Value) {
    let since = |ty: &str| {
        let all = items(pod, "/status/conditions");
        moment(text(all.iter().find(|it| it["type"] == ty)?, "/lastTransitionTime"))
    };
    let due = match text(pod, "/status/phase") {
        "Pending" => since("PodScheduled").map(|at| at + RUNS.seconds * 1000),
        "Running" => lasts(pod).and_then(|lasts| Some(since("Ready")? + lasts)),
        _ => None,
    };
    let Some(due) = due else { return };
    if world.now < due {
        settle::look_at(world, cluster, due);
        return;
    }
    let (now, is_running) = (world.now, text(pod, "/status/phase") == "Pending");
    if is_running && !kubelet::admits(world, cluster, pod) {
        return;
    }
    objects::edit(world, cluster, Kind::named("pods"), pod, |pod| {
        tell(pod, node, is_running, now);
    });
}

/// Returns how long a pod runs before it succeeds; nothing for one that goes on.
fn lasts(pod: &Value) -> Option<Time> {
    if text(pod, "/spec/restartPolicy") == "Always" {
        return None;
    }
    let command = items(pod, "/spec/containers/0/command");
    let words = command.iter().chain(items(pod, "/spec/containers/0/args"));
    let words: Vec<&str> = words.filter_map(Value::as_str).collect();
    let is_of_job = items(pod, "/metadata/ownerReferences").iter().any(|it| it["kind"] == "Job");
    match words[..] {
        ["sleep", seconds] => seconds.parse::<Time>().ok().map(|seconds| seconds * 1000),
        _ if is_of_job => Some(ENDS.seconds * 1000),
        _ => None,
    }
}

/// Says of a pod that it runs now, or that it has succeeded.
fn tell(pod: &mut Value, node: &Value, is_running: bool, now: Time) {
    pod["status"]["phase"] = json!(if is_running { "Running" } else { "Succeeded" });
    let ready = if is_running { "True" } else { "False" };
    for ty in ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"] {
        let status = if ty == "Initialized" { "True" } else { ready };
        let mut said = json!({ "status": status });
        if !is_running {
            said["reason"] = json!("PodCompleted");
        }
        condition(pod, ty, said, now);
    }
    let at = time(now);
    let state = |container: &Value| match is_running {
        true => json!({ "running": { "startedAt": at } }),
        false => json!({ "terminated": { "exitCode": 0, "reason": "Completed",
            "startedAt": container["startedAt"], "finishedAt": at } }),
    };
    let container = |it: &Value| {
        json!({ "name": it["name"], "image": it["image"], "imageID": it["image"],
            "ready": is_running, "started": is_running, "restartCount": 0, "state": state(it) })
    };
    let all: Vec<Value> = items(pod, "/spec/containers").iter().map(container).collect();
    pod["status"]["containerStatuses"] = json!(all);
    if is_running {
        let mut addresses = items(node, "/status/addresses").iter();
        let address = addresses.find(|it| it["type"] == "InternalIP").map(|it| &it["address"]);
        pod["status"]["hostIP"] = address.cloned().unwrap_or_default();
        pod["status"]["startTime"] = json!(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_end_when_what_they_do_does() {
        let pod = |policy: &str, command: Value, owner: &str| {
            json!({ "metadata": { "ownerReferences": [{ "kind": owner }] },
                "spec": { "restartPolicy": policy, "containers": [{ "command": command }] } })
        };
        assert_eq!(lasts(&pod("Never", json!(["sleep", "90"]), "Pod")), Some(90_000));
        assert_eq!(lasts(&pod("Never", json!(["serve"]), "Pod")), None);
        assert_eq!(lasts(&pod("Never", json!(["serve"]), "Job")), Some(60_000));
        assert_eq!(lasts(&pod("Always", json!(["sleep", "90"]), "ReplicaSet")), None);
    }
}
