//! How an object is, where its kind tells.
use kube::core::DynamicObject;
use provision_core::{Error, Phase};
use serde_json::Value;

/// Tells how an object is: whether a workload runs or is done, and whether the kind that is defined is
/// served.
pub(super) fn phase(object: &DynamicObject) -> Phase {
    // Other groups have kinds of the same names, of which nothing is known.
    let types = object.types.as_ref();
    let group = types.and_then(|types| types.api_version.split_once('/')).map(|(group, _)| group);
    match (group, types.map(|types| types.kind.as_str())) {
        (Some("apps"), Some("Deployment")) => of_deployment(object),
        (Some("apps"), Some("DaemonSet")) => of_pods(object, &daemons(object)),
        (Some("apps"), Some("StatefulSet")) => of_pods(object, &members(object)),
        (Some("batch"), Some("Job")) => of_job(object),
        (Some("apiextensions.k8s.io"), Some("CustomResourceDefinition")) => {
            match condition(object, "Established") {
                Some(it) if it["status"] == "True" => Phase::Ready,
                _ => Phase::Busy("it is not established".into()),
            }
        }
        _ => Phase::Ready,
    }
}

fn condition<'a>(object: &'a DynamicObject, kind: &str) -> Option<&'a Value> {
    let conditions = object.data["status"]["conditions"].as_array()?;
    conditions.iter().find(|it| it["type"] == kind)
}

/// Tells whether all that a deployment should run is there, or on the way. How long that may take is
/// for its own controller to say.
fn of_deployment(object: &DynamicObject) -> Phase {
    if !is_begun(object) {
        return not_begun();
    }
    let (wanted, count) = (replicas(object), |field: &str| count(object, field));
    let available = count("availableReplicas");
    let (all, updated) = (count("replicas"), count("updatedReplicas"));
    // Pods of the old template stay until those of the new one are available.
    if available >= wanted && updated >= wanted && all <= updated {
        return Phase::Ready;
    }
    let so_far = match all > updated && updated >= wanted {
        true => format!("{} replicas of the old template are there still", all - updated),
        false => format!("{available} of {wanted} replicas are available"),
    };
    match condition(object, "Progressing") {
        // Then all were there once, and some are not now.
        Some(it) if it["reason"] == "NewReplicaSetAvailable" => Phase::Degraded(so_far),
        Some(it) if it["status"] == "False" => {
            let why = condition(object, "ReplicaFailure").unwrap_or(it)["message"].as_str();
            Phase::Degraded(why.unwrap_or(&so_far).to_owned())
        }
        _ => Phase::Busy(so_far),
    }
}

/// How many pods of something there are to be, and are.
struct Pods {
    wanted: i64,
    /// How many of them are to be of the newest template, and are.
    newest: i64,
    updated: i64,
    available: i64,
}

/// Returns the pods of a daemon set, of which there is one on each node that it is for.
fn daemons(object: &DynamicObject) -> Pods {
    let wanted = count(object, "desiredNumberScheduled");
    Pods {
        wanted,
        newest: if is_renewed(object) { wanted } else { 0 },
        updated: count(object, "updatedNumberScheduled"),
        available: count(object, "numberAvailable"),
    }
}

/// Returns the pods of a stateful set, of which the first stay as they are below a partition.
fn members(object: &DynamicObject) -> Pods {
    let wanted = replicas(object);
    let partition = &object.data["spec"]["updateStrategy"]["rollingUpdate"]["partition"];
    let below = partition.as_i64().unwrap_or_default().min(wanted);
    Pods {
        wanted,
        newest: if is_renewed(object) { wanted - below } else { 0 },
        updated: count(object, "updatedReplicas"),
        available: count(object, "availableReplicas"),
    }
}

/// Tells whether pods of an older template give way by themselves.
fn is_renewed(object: &DynamicObject) -> bool {
    object.data["spec"]["updateStrategy"]["type"] != "OnDelete"
}

/// Tells whether all pods are made, and then whether they run. Nobody else says how long that may take.
fn of_pods(object: &DynamicObject, pods: &Pods) -> Phase {
    let Pods { wanted, newest, updated, available } = *pods;
    let so_far = format!("{available} of {wanted} pods are available");
    match is_begun(object) {
        false => not_begun(),
        true if updated < newest => {
            Phase::Busy(format!("{updated} of {newest} pods are up to date"))
        }
        true if available < wanted => Phase::Degraded(so_far),
        true => Phase::Ready,
    }
}

/// Tells whether a job is done. One that failed is not begun again by anybody.
fn of_job(object: &DynamicObject) -> Phase {
    let is = |kind: &str| condition(object, kind).filter(|it| it["status"] == "True");
    if let Some(failed) = is("Failed") {
        let why = failed["message"].as_str().unwrap_or("it failed");
        return Phase::Broken(Error::invalid(format!("the job failed: {why}")));
    }
    if is("Complete").is_some() || object.data["spec"]["suspend"] == true {
        return Phase::Ready;
    }
    let wanted = object.data["spec"]["completions"].as_i64().unwrap_or(1);
    Phase::Busy(format!("{} of {wanted} pods have succeeded", count(object, "succeeded")))
}

fn is_begun(object: &DynamicObject) -> bool {
    object.data["status"]["observedGeneration"].as_i64() >= object.metadata.generation
}

fn not_begun() -> Phase {
    Phase::Busy("it is not begun".into())
}

fn replicas(object: &DynamicObject) -> i64 {
    object.data["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn count(object: &DynamicObject, field: &str) -> i64 {
    object.data["status"][field].as_i64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(kind: &str, spec: Value, status: Value) -> Phase {
        let group = match kind {
            "CustomResourceDefinition" => "apiextensions.k8s.io",
            "Job" => "batch",
            _ => "apps",
        };
        of_group(group, kind, spec, status)
    }

    fn of_group(group: &str, kind: &str, spec: Value, status: Value) -> Phase {
        let object = json!({ "apiVersion": format!("{group}/v1"), "kind": kind,
            "metadata": { "name": "a", "generation": 2 }, "spec": spec, "status": status });
        phase(&serde_json::from_value(object).unwrap())
    }

    #[test]
    fn kinds_of_other_groups_are_nothing_but_there() {
        for kind in ["Job", "StatefulSet", "DaemonSet", "Deployment"] {
            assert_eq!(of_group("batch.volcano.sh", kind, json!({}), json!({})), Phase::Ready);
            assert_ne!(of(kind, json!({}), json!({})), Phase::Ready, "{kind}");
        }
    }

    fn busy(why: &str) -> Phase {
        Phase::Busy(why.into())
    }

    #[test]
    fn a_daemon_set_is_ready_when_it_runs_on_every_node() {
        let set = |rest: Value| {
            let mut status = json!({ "observedGeneration": 2, "desiredNumberScheduled": 3,
                "updatedNumberScheduled": 3, "numberAvailable": 3 });
            status.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            of("DaemonSet", json!({}), status)
        };
        assert_eq!(set(json!({})), Phase::Ready);
        assert_eq!(set(json!({ "observedGeneration": 1 })), busy("it is not begun"));
        let rolling = json!({ "updatedNumberScheduled": 1 });
        assert_eq!(set(rolling), busy("1 of 3 pods are up to date"));
        let less = json!({ "numberAvailable": 2 });
        assert_eq!(set(less), Phase::Degraded("2 of 3 pods are available".into()));
        assert_eq!(of("DaemonSet", json!({}), json!({})), busy("it is not begun"));
        let none = json!({ "observedGeneration": 2, "desiredNumberScheduled": 0 });
        assert_eq!(of("DaemonSet", json!({}), none), Phase::Ready, "no node is for it");
    }

    #[test]
    fn a_stateful_set_is_ready_when_all_that_is_to_be_renewed_is() {
        let set = |strategy: Value, updated: i64, available: i64| {
            let status = json!({ "observedGeneration": 2, "updatedReplicas": updated,
                "availableReplicas": available });
            of("StatefulSet", json!({ "replicas": 3, "updateStrategy": strategy }), status)
        };
        assert_eq!(set(json!({}), 3, 3), Phase::Ready);
        assert_eq!(set(json!({}), 2, 3), busy("2 of 3 pods are up to date"));
        assert_eq!(set(json!({}), 3, 0), Phase::Degraded("0 of 3 pods are available".into()));
        assert_eq!(set(json!({ "rollingUpdate": { "partition": 2 } }), 1, 3), Phase::Ready);
        assert_eq!(set(json!({ "type": "OnDelete" }), 0, 3), Phase::Ready);
    }

    #[test]
    fn a_job_is_ready_when_it_is_complete_and_broken_when_it_failed() {
        let job = |spec: Value, condition: &str| {
            let conditions =
                json!([{ "type": condition, "status": "True", "message": "too late" }]);
            of("Job", spec, json!({ "succeeded": 1, "conditions": conditions }))
        };
        let spec = json!({ "completions": 2 });
        assert_eq!(job(spec.clone(), "Suspended"), busy("1 of 2 pods have succeeded"));
        assert_eq!(job(spec.clone(), "Complete"), Phase::Ready);
        assert_eq!(job(json!({ "suspend": true }), "Suspended"), Phase::Ready);
        let Phase::Broken(error) = job(spec, "Failed") else { panic!("it is broken") };
        assert_eq!(error.message, "the job failed: too late");
    }
}
