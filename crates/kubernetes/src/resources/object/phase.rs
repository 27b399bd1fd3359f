//! How an object is, where its kind tells.
use kube::core::DynamicObject;
use provision_core::Phase;
use serde_json::Value;

/// Tells how an object is: whether a workload runs, and whether the kind that is defined is served.
pub(super) fn phase(object: &DynamicObject) -> Phase {
    match object.types.as_ref().map(|types| types.kind.as_str()) {
        Some("Deployment") => of_deployment(object),
        Some("CustomResourceDefinition") => match condition(object, "Established") {
            Some(it) if it["status"] == "True" => Phase::Ready,
            _ => Phase::Busy("it is not established".into()),
        },
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
    let status = &object.data["status"];
    if status["observedGeneration"].as_i64() < object.metadata.generation {
        return Phase::Busy("it is not begun".into());
    }
    let wanted = object.data["spec"]["replicas"].as_i64().unwrap_or(1);
    let count = |field: &str| status[field].as_i64().unwrap_or_default();
    let available = count("availableReplicas");
    if available >= wanted && count("updatedReplicas") >= wanted {
        return Phase::Ready;
    }
    let so_far = format!("{available} of {wanted} replicas are available");
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
