//! Controllers: workloads make pods, and tell how many of them are well.
use super::kind::Kind;
use super::objects::{self, Cluster, View, condition, items, moment, name, text, time};
use super::pods::{self, is_ready, owned, reference};
use super::{admission, default, settle, spot};
use crate::clock::Time;
use crate::world::World;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The label that tells the pods of one template from those of the next.
const HASH: &str = "pod-template-hash";
const REVISION: &str = "controller-revision-hash";

type Control = fn(&mut World, &Cluster, &Value);

/// Lets every controller look once.
pub(super) fn follow(world: &mut World, cluster: &Cluster) {
    let controls: [(&str, Control); 5] = [
        ("deployments", deployment),
        ("replicasets", replica_set),
        ("daemonsets", daemon_set),
        ("statefulsets", stateful_set),
        ("jobs", job),
    ];
    for (plural, control) in controls {
        for owner in objects::all(world, cluster, Kind::named(plural), None) {
            if owner["metadata"]["deletionTimestamp"].is_null() {
                control(world, cluster, &owner);
            }
        }
    }
}

fn tell(world: &mut World, cluster: &Cluster, plural: &str, owner: &Value, mut status: Value) {
    status["observedGeneration"] = owner["metadata"]["generation"].clone();
    objects::set(world, cluster, Kind::named(plural), owner, "/status", status);
}

fn wanted(owner: &Value) -> usize {
    owner["spec"]["replicas"].as_u64().unwrap_or(1) as usize
}

/// Returns a short hash of a template, which tells its pods from others.
fn hash(template: &Value) -> String {
    let digest = Sha256::digest(template.to_string());
    digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the replica set of a deployment's template as it is now.
fn set_of(owner: &Value, its: &str, hash: &str) -> Value {
    let mut template = owner["spec"]["template"].clone();
    template["metadata"]["labels"][HASH] = json!(hash);
    let mut selector = owner["spec"]["selector"].clone();
    selector["matchLabels"][HASH] = json!(hash);
    json!({
        "metadata": { "name": its, "namespace": owner["metadata"]["namespace"],
            "labels": template["metadata"]["labels"], "ownerReferences": reference(owner) },
        "spec": { "replicas": owner["spec"]["replicas"], "selector": selector,
            "template": template },
    })
}

fn deployment(world: &mut World, cluster: &Cluster, owner: &Value) {
    let kind = Kind::named("replicasets");
    let hash = hash(&owner["spec"]["template"]);
    let its = format!("{}-{hash}", name(owner));
    if objects::get(world, cluster, kind, text(owner, "/metadata/namespace"), &its).is_none() {
        objects::ensure(world, cluster, kind, set_of(owner, &its, &hash));
    }
    let sets = owned(world, cluster, "replicasets", owner);
    let of = |set: &Value, field: &str| set["status"][field].as_u64().unwrap_or(0);
    let current = sets.iter().find(|set| name(set) == its).cloned().unwrap_or_default();
    let is_up = of(&current, "readyReplicas") as usize >= wanted(owner);
    for set in &sets {
        let is_current = name(set) == its;
        let replicas = match (is_current, is_up) {
            (true, _) => owner["spec"]["replicas"].clone(),
            (false, true) => json!(0),
            (false, false) => continue,
        };
        objects::set(world, cluster, kind, set, "/spec/replicas", replicas);
    }
    let sum = |field: &str| sets.iter().map(|set| of(set, field)).sum::<u64>();
    let mut status = json!({ "replicas": sum("replicas"),
        "updatedReplicas": of(&current, "replicas") });
    let ready = sum("readyReplicas");
    if ready > 0 {
        status["readyReplicas"] = json!(ready);
        status["availableReplicas"] = json!(ready);
    }
    let short = (wanted(owner) as u64).saturating_sub(ready);
    if short > 0 {
        status["unavailableReplicas"] = json!(short);
    }
    let due = deadline(owner, &current);
    status["conditions"] = conditions(owner, &its, short, is_up, due, world.now);
    if let Some(due) = due.filter(|due| !is_up && *due > world.now) {
        settle::look_at(world, cluster, due);
    }
    tell(world, cluster, "deployments", owner, status);
}

/// Returns when a deployment's last change is to be done.
fn deadline(owner: &Value, set: &Value) -> Option<Time> {
    let seconds = owner["spec"]["progressDeadlineSeconds"].as_u64()?;
    Some(moment(text(set, "/metadata/creationTimestamp"))? + seconds * 1000)
}

/// Says of a deployment whether enough of it is there, and whether its last change is done. One that
/// was done once stays so.
fn conditions(
    owner: &Value,
    set: &str,
    short: u64,
    is_up: bool,
    due: Option<Time>,
    now: Time,
) -> Value {
    const DONE: &str = "NewReplicaSetAvailable";
    let done = format!("ReplicaSet {set:?} has successfully progressed.");
    let mut before = items(owner, "/status/conditions").iter();
    let is_done = is_up || before.any(|it| it["reason"] == DONE && it["message"] == done.as_str());
    let mut told = json!({ "status": { "conditions": owner["status"]["conditions"] } });
    let available = match short <= spare(owner) {
        true => json!({ "status": "True", "reason": "MinimumReplicasAvailable",
            "message": "Deployment has minimum availability." }),
        false => json!({ "status": "False", "reason": "MinimumReplicasUnavailable",
            "message": "Deployment does not have minimum availability." }),
    };
    let progress = match is_done {
        true => json!({ "status": "True", "reason": DONE, "message": done }),
        false if due.is_some_and(|due| due <= now) => {
            json!({ "status": "False", "reason": "ProgressDeadlineExceeded",
                "message": format!("ReplicaSet {set:?} has timed out progressing.") })
        }
        false => json!({ "status": "True", "reason": "ReplicaSetUpdated",
            "message": format!("ReplicaSet {set:?} is progressing.") }),
    };
    condition(&mut told, "Available", available, now);
    condition(&mut told, "Progressing", progress, now);
    let mut all = told["status"]["conditions"].take();
    for condition in all.as_array_mut().into_iter().flatten() {
        condition["lastUpdateTime"] = condition["lastTransitionTime"].clone();
    }
    all
}

/// Returns how many pods of a deployment may be missing.
fn spare(owner: &Value) -> u64 {
    let most = &owner["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"];
    let percent = most.as_str().and_then(|text| text.strip_suffix('%')?.parse::<u64>().ok());
    let of_percent = percent.map(|percent| wanted(owner) as u64 * percent / 100);
    of_percent.or_else(|| most.as_u64()).unwrap_or(0)
}

fn replica_set(world: &mut World, cluster: &Cluster, owner: &Value) {
    let mut pods = owned(world, cluster, "pods", owner);
    pods.retain(|pod| !pods::is_over(pod));
    for _ in pods.len()..wanted(owner) {
        let its = pods::new_name(world, owner);
        pods::make(world, cluster, owner, pods::described(owner, &its));
    }
    pods.sort_by_key(|pod| is_ready(pod));
    let surplus = pods.len().saturating_sub(wanted(owner));
    pods.iter().take(surplus).for_each(|pod| pods::delete(world, cluster, pod));
    let pods = owned(world, cluster, "pods", owner);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let mut status = json!({ "replicas": pods.len(), "fullyLabeledReplicas": pods.len() });
    if ready > 0 {
        status["readyReplicas"] = json!(ready);
        status["availableReplicas"] = json!(ready);
    }
    tell(world, cluster, "replicasets", owner, status);
}

/// Returns the pod of a daemon set that is for a node.
fn daemon(owner: &Value, its: &str, node: &str) -> Value {
    let mut pod = pods::described(owner, its);
    pod["metadata"]["labels"][REVISION] = json!(hash(&owner["spec"]["template"]));
    tie(&mut pod, node);
    pod
}

/// Finds the nodes that a daemon set has pods on.
fn served<'a>(owner: &Value, nodes: &'a [View]) -> Vec<&'a View> {
    let mut pod = json!({ "spec": owner["spec"]["template"]["spec"] });
    tolerate(&mut pod);
    let fits = |node: &&View| spot::selects(&pod, node) && spot::untolerated(&pod, node).is_none();
    nodes.iter().filter(fits).collect()
}

/// Returns the pods of daemon sets that a node would have.
pub(super) fn daemons(world: &World, cluster: &Cluster, node: &View) -> Vec<Value> {
    let all = objects::all(world, cluster, Kind::named("daemonsets"), None);
    let its = all.iter().filter(|owner| !served(owner, std::slice::from_ref(node)).is_empty());
    its.map(|owner| daemon(owner, "", name(node))).collect()
}

fn daemon_set(world: &mut World, cluster: &Cluster, owner: &Value) {
    let nodes = objects::all(world, cluster, Kind::named("nodes"), None);
    let pods = owned(world, cluster, "pods", owner);
    let hash = hash(&owner["spec"]["template"]);
    let wanted = served(owner, &nodes);
    for node in &wanted {
        if !pods.iter().any(|pod| target(pod) == name(node)) {
            let its = pods::new_name(world, owner);
            pods::make(world, cluster, owner, daemon(owner, &its, name(node)));
        }
    }
    for pod in &pods {
        if !wanted.iter().any(|node| name(node) == target(pod)) {
            pods::delete(world, cluster, pod);
        }
    }
    renew(world, cluster, &pods, &hash);
    let pods = owned(world, cluster, "pods", owner);
    let count = |fits: &dyn Fn(&Value) -> bool| pods.iter().filter(|pod| fits(pod)).count();
    let ready = count(&is_ready);
    let updated = count(&|pod| pod["metadata"]["labels"][REVISION] == hash);
    let status = json!({ "desiredNumberScheduled": wanted.len(),
        "currentNumberScheduled": count(&|pod| !text(pod, "/spec/nodeName").is_empty()),
        "numberReady": ready, "numberAvailable": ready, "updatedNumberScheduled": updated,
        "numberUnavailable": wanted.len().saturating_sub(ready), "numberMisscheduled": 0 });
    tell(world, cluster, "daemonsets", owner, status);
}

/// Takes one pod of an old template away, once all are well.
fn renew(world: &mut World, cluster: &Cluster, pods: &[View], hash: &str) {
    let is_old = |pod: &&View| pod["metadata"]["labels"][REVISION] != hash;
    if pods.iter().all(|pod| is_ready(pod))
        && let Some(old) = pods.iter().rev().find(is_old)
    {
        pods::delete(world, cluster, old);
    }
}

/// Returns the node that a pod of a daemon set is for.
fn target(pod: &Value) -> &str {
    let terms = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution\
        /nodeSelectorTerms/0/matchFields/0/values/0";
    text(pod, terms)
}

/// Ties a pod to a node, whatever state that is in.
fn tie(pod: &mut Value, node: &str) {
    let field = json!({ "key": "metadata.name", "operator": "In", "values": [node] });
    let required = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution\
        /nodeSelectorTerms";
    let mut terms = items(pod, required).to_vec();
    if terms.is_empty() {
        terms.push(json!({}));
    }
    for term in &mut terms {
        term["matchFields"] = json!([field]);
    }
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!({ "nodeSelectorTerms": terms });
    tolerate(pod);
}

/// Lets a pod bear what nodes are in that are not well.
fn tolerate(pod: &mut Value) {
    let mut tolerations = items(pod, "/spec/tolerations").to_vec();
    for (state, effect) in [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    ] {
        tolerations.push(json!({ "key": format!("node.kubernetes.io/{state}"),
            "operator": "Exists", "effect": effect }));
    }
    pod["spec"]["tolerations"] = json!(tolerations);
}

fn stateful_set(world: &mut World, cluster: &Cluster, owner: &Value) {
    let pods = owned(world, cluster, "pods", owner);
    let is_parallel = owner["spec"]["podManagementPolicy"] == "Parallel";
    let hash = hash(&owner["spec"]["template"]);
    for n in 0..wanted(owner) {
        let its = format!("{}-{n}", name(owner));
        match pods.iter().find(|pod| name(pod) == its) {
            Some(pod) if is_ready(pod) || is_parallel => continue,
            Some(_) => break,
            None => {}
        }
        let volumes = claims(world, cluster, owner, &its);
        let mut pod = pods::described(owner, &its);
        pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = json!(its);
        pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = json!(n.to_string());
        pod["metadata"]["labels"][REVISION] = json!(hash);
        let all = items(&pod, "/spec/volumes").iter().cloned();
        pod["spec"]["volumes"] = json!(all.chain(volumes).collect::<Vec<_>>());
        pods::make(world, cluster, owner, pod);
        if !is_parallel {
            break;
        }
    }
    let number = |pod: &Value| name(pod).rsplit('-').next().and_then(|n| n.parse::<usize>().ok());
    let is_surplus = |pod: &&View| number(pod).is_some_and(|n| n >= wanted(owner));
    pods.iter().filter(is_surplus).for_each(|pod| pods::delete(world, cluster, pod));
    if pods.len() == wanted(owner) {
        renew(world, cluster, &pods, &hash);
    }
    let pods = owned(world, cluster, "pods", owner);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let updated = pods.iter().filter(|pod| pod["metadata"]["labels"][REVISION] == hash).count();
    let revision = format!("{}-{hash}", name(owner));
    let status = json!({ "replicas": pods.len(), "readyReplicas": ready,
        "currentReplicas": updated, "updatedReplicas": updated, "availableReplicas": ready,
        "currentRevision": revision, "updateRevision": revision, "collisionCount": 0 });
    tell(world, cluster, "statefulsets", owner, status);
}

/// Makes the claims of a pod, which stay when that goes, and returns its volumes.
fn claims(world: &mut World, cluster: &Cluster, owner: &Value, pod: &str) -> Vec<Value> {
    let kind = Kind::named("persistentvolumeclaims");
    let mut volumes = Vec::new();
    for template in items(owner, "/spec/volumeClaimTemplates") {
        let its = format!("{}-{pod}", name(template));
        let mut claim = json!({
            "metadata": { "name": its, "namespace": owner["metadata"]["namespace"],
                "labels": owner["spec"]["selector"]["matchLabels"] },
            "spec": template["spec"],
        });
        default::fill(kind, &mut claim);
        if admission::admit(world, cluster, kind, &mut claim).is_ok() {
            objects::ensure(world, cluster, kind, claim);
        }
        volumes.push(json!({ "name": name(template),
            "persistentVolumeClaim": { "claimName": its } }));
    }
    volumes
}

fn job(world: &mut World, cluster: &Cluster, owner: &Value) {
    if items(owner, "/status/conditions").iter().any(|it| it["type"] == "Failed") {
        return;
    }
    let pods = owned(world, cluster, "pods", owner);
    let of = |phase: &str| pods.iter().filter(|pod| text(pod, "/status/phase") == phase).count();
    let count = |field: &str| owner["spec"][field].as_u64().unwrap_or(1) as usize;
    let (done, all) = (of("Succeeded"), count("completions"));
    let active = pods.len() - done - of("Failed");
    let more = all.saturating_sub(done).min(count("parallelism"));
    let due = last_moment(owner).filter(|_| done < all);
    let is_late = due.is_some_and(|due| due <= world.now);
    let (running, lost) = if is_late { (0, active) } else { (active.max(more), 0) };
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let begun = since(world, owner, "startTime");
    let mut status = json!({ "startTime": begun, "ready": ready, "terminating": 0 });
    for (field, count) in [("succeeded", done), ("active", running), ("failed", lost)] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    if done >= all {
        let at = since(world, owner, "completionTime");
        let message = "Reached expected number of succeeded pods";
        status["conditions"] = ended("Complete", "CompletionsReached", message, &at);
        status["completionTime"] = at;
    } else if is_late {
        let message = "Job was active longer than specified deadline";
        status["conditions"] =
            ended("Failed", "DeadlineExceeded", message, &json!(time(world.now)));
        pods.iter()
            .filter(|pod| !pods::is_over(pod))
            .for_each(|pod| pods::delete(world, cluster, pod));
    } else if owner["spec"]["suspend"] != true {
        for _ in active..more {
            let its = pods::new_name(world, owner);
            pods::make(world, cluster, owner, pods::described(owner, &its));
        }
    }
    if let Some(due) = due.filter(|_| !is_late) {
        settle::look_at(world, cluster, due);
    }
    objects::set(world, cluster, Kind::named("jobs"), owner, "/status", status);
}

/// Returns when something of a job was first so, which is now unless it says.
fn since(world: &World, job: &Value, field: &str) -> Value {
    match job["status"][field].is_string() {
        true => job["status"][field].clone(),
        false => json!(time(world.now)),
    }
}

/// Returns when a job is to be over at the latest.
fn last_moment(job: &Value) -> Option<Time> {
    let seconds = job["spec"]["activeDeadlineSeconds"].as_u64()?;
    Some(moment(text(job, "/status/startTime"))? + seconds * 1000)
}

/// Says that a job is over.
fn ended(ty: &str, reason: &str, message: &str, at: &Value) -> Value {
    json!([{ "type": ty, "status": "True", "lastTransitionTime": at, "lastProbeTime": at,
        "reason": reason, "message": message }])
}
