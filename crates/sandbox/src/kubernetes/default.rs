//! What the API fills in where an object says nothing.
use super::kind::Kind;
use super::objects::text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Fills in what an object leaves out.
pub(super) fn fill(kind: &Kind, object: &mut Value) {
    match kind.plural.as_str() {
        "storageclasses" => {
            set(object, "", "reclaimPolicy", json!("Delete"));
            set(object, "", "volumeBindingMode", json!("Immediate"));
        }
        "secrets" => secret(object),
        "namespaces" => {
            set(object, "/spec", "finalizers", json!(["kubernetes"]));
            set(object, "/status", "phase", json!("Active"));
            let label = text(object, "/metadata/name").to_owned();
            at(object, "/metadata/labels")
                .insert("kubernetes.io/metadata.name".into(), json!(label));
        }
        "pods" => {
            pod(object, "/spec");
            set(object, "/status", "phase", json!("Pending"));
            let class = quality(object);
            set(object, "/status", "qosClass", json!(class));
        }
        "jobs" => job(object),
        "services" => service(object),
        "persistentvolumeclaims" => {
            set(object, "/spec", "volumeMode", json!("Filesystem"));
            set(object, "/status", "phase", json!("Pending"));
        }
        "persistentvolumes" => {
            set(object, "/spec", "persistentVolumeReclaimPolicy", json!("Retain"));
            set(object, "/spec", "volumeMode", json!("Filesystem"));
            set(object, "/status", "phase", json!("Available"));
        }
        "csidrivers" => {
            for (name, value) in [
                ("attachRequired", json!(true)),
                ("fsGroupPolicy", json!("ReadWriteOnceWithFSType")),
                ("podInfoOnMount", json!(false)),
                ("requiresRepublish", json!(false)),
                ("seLinuxMount", json!(false)),
                ("storageCapacity", json!(false)),
                ("volumeLifecycleModes", json!(["Persistent"])),
            ] {
                set(object, "/spec", name, value);
            }
        }
        "priorityclasses" => set(object, "", "preemptionPolicy", json!("PreemptLowerPriority")),
        "rolebindings" | "clusterrolebindings" => binding(object),
        "customresourcedefinitions" => definition(object),
        _ => workload(kind, object),
    }
}

/// Fills in what a workload leaves out.
fn workload(kind: &Kind, object: &mut Value) {
    match kind.plural.as_str() {
        "deployments" => {
            set(object, "/spec", "replicas", json!(1));
            set(object, "/spec", "revisionHistoryLimit", json!(10));
            set(object, "/spec", "progressDeadlineSeconds", json!(600));
            rolling(object, "strategy", json!({ "maxUnavailable": "25%", "maxSurge": "25%" }));
            pod(object, "/spec/template/spec");
        }
        "replicasets" => {
            set(object, "/spec", "replicas", json!(1));
            pod(object, "/spec/template/spec");
        }
        "statefulsets" => {
            set(object, "/spec", "replicas", json!(1));
            set(object, "/spec", "revisionHistoryLimit", json!(10));
            set(object, "/spec", "podManagementPolicy", json!("OrderedReady"));
            rolling(object, "updateStrategy", json!({ "partition": 0 }));
            let kept = json!({ "whenDeleted": "Retain", "whenScaled": "Retain" });
            set(object, "/spec", "persistentVolumeClaimRetentionPolicy", kept);
            pod(object, "/spec/template/spec");
        }
        "cronjobs" => {
            set(object, "/spec", "concurrencyPolicy", json!("Allow"));
            set(object, "/spec", "suspend", json!(false));
            set(object, "/spec", "successfulJobsHistoryLimit", json!(3));
            set(object, "/spec", "failedJobsHistoryLimit", json!(1));
            pod(object, "/spec/jobTemplate/spec/template/spec");
        }
        "horizontalpodautoscalers" => set(object, "/spec", "minReplicas", json!(1)),
        "daemonsets" => {
            set(object, "/spec", "revisionHistoryLimit", json!(10));
            rolling(object, "updateStrategy", json!({ "maxUnavailable": 1, "maxSurge": 0 }));
            pod(object, "/spec/template/spec");
        }
        _ => {}
    }
}

/// Returns the members at a place, made where there are none.
fn at<'a>(object: &'a mut Value, pointer: &str) -> &'a mut Map<String, Value> {
    let mut slot = object;
    for part in pointer.split('/').filter(|part| !part.is_empty()) {
        if !slot[part].is_object() {
            slot[part] = json!({});
        }
        slot = &mut slot[part];
    }
    if !slot.is_object() {
        *slot = json!({});
    }
    slot.as_object_mut().expect("it was made one")
}

/// Sets a member where there is none.
fn set(object: &mut Value, pointer: &str, name: &str, value: Value) {
    let members = at(object, pointer);
    if members.get(name).is_none_or(Value::is_null) {
        members.insert(name.to_owned(), value);
    }
}

/// Fills in how pods are replaced: one after the other unless told.
fn rolling(object: &mut Value, strategy: &str, usual: Value) {
    let place = format!("/spec/{strategy}");
    set(object, &place, "type", json!("RollingUpdate"));
    if object["spec"][strategy]["type"] == "RollingUpdate" {
        for (name, value) in usual.as_object().into_iter().flatten() {
            set(object, &format!("{place}/rollingUpdate"), name, value.clone());
        }
    }
}

/// Moves the plain texts of a secret to its data.
fn secret(object: &mut Value) {
    set(object, "", "type", json!("Opaque"));
    let plain = object.as_object_mut().and_then(|it| it.shift_remove("stringData"));
    for (name, value) in plain.as_ref().and_then(Value::as_object).into_iter().flatten() {
        let encoded = STANDARD.encode(value.as_str().unwrap_or_default());
        at(object, "/data").insert(name.clone(), json!(encoded));
    }
}

fn pod(object: &mut Value, pointer: &str) {
    if object.pointer(pointer).is_none_or(|spec| !spec.is_object()) {
        return;
    }
    for (name, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("securityContext", json!({})),
        ("schedulerName", json!("default-scheduler")),
    ] {
        set(object, pointer, name, value);
    }
    if let Some(account) = object.pointer(pointer).and_then(|it| it.get("serviceAccountName")) {
        let account = account.clone();
        at(object, pointer).insert("serviceAccount".to_owned(), account);
    }
    for list in ["containers", "initContainers"] {
        let all = at(object, pointer).get_mut(list).and_then(Value::as_array_mut);
        all.into_iter().flatten().for_each(container);
    }
}

fn container(container: &mut Value) {
    let image = text(container, "/image");
    let tag = image.rsplit('/').next().and_then(|last| last.split_once(':'));
    let is_latest = tag.is_none_or(|(_, tag)| tag == "latest") && !image.contains('@');
    let policy = if is_latest { "Always" } else { "IfNotPresent" };
    for (name, value) in [
        ("imagePullPolicy", json!(policy)),
        ("resources", json!({})),
        ("terminationMessagePath", json!("/dev/termination-log")),
        ("terminationMessagePolicy", json!("File")),
    ] {
        set(container, "", name, value);
    }
    for port in container["ports"].as_array_mut().into_iter().flatten() {
        set(port, "", "protocol", json!("TCP"));
    }
    let limits = container["resources"]["limits"].as_object().cloned().unwrap_or_default();
    for (name, value) in limits {
        set(container, "/resources/requests", &name, value);
    }
}

/// Returns the class of service that the requests of a pod earn.
fn quality(pod: &Value) -> &'static str {
    let all = pod["spec"]["containers"].as_array().into_iter().flatten();
    let resources: Vec<&Value> = all.map(|container| &container["resources"]).collect();
    let has = |resources: &&Value, part: &str| {
        resources[part].as_object().is_some_and(|members| !members.is_empty())
    };
    if !resources.iter().any(|it| has(it, "requests") || has(it, "limits")) {
        return "BestEffort";
    }
    let is_sure = |it: &&Value| {
        let both = ["cpu", "memory"].iter().all(|name| it["limits"][name].is_string());
        both && it["limits"] == it["requests"]
    };
    if resources.iter().all(is_sure) { "Guaranteed" } else { "Burstable" }
}

fn job(object: &mut Value) {
    for (name, value) in [
        ("backoffLimit", json!(6)),
        ("completionMode", json!("NonIndexed")),
        ("completions", json!(1)),
        ("parallelism", json!(1)),
        ("suspend", json!(false)),
    ] {
        set(object, "/spec", name, value);
    }
    pod(object, "/spec/template/spec");
    let (uid, name) = (text(object, "/metadata/uid"), text(object, "/metadata/name"));
    let (uid, name) = (uid.to_owned(), name.to_owned());
    if object["spec"]["manualSelector"] == true || uid.is_empty() {
        return;
    }
    let pair = json!({ "batch.kubernetes.io/controller-uid": uid });
    set(object, "/spec", "selector", json!({ "matchLabels": pair }));
    for prefix in ["", "batch.kubernetes.io/"] {
        for (label, value) in [("controller-uid", &uid), ("job-name", &name)] {
            let label = format!("{prefix}{label}");
            set(object, "/spec/template/metadata/labels", &label, json!(value));
        }
    }
}

fn service(object: &mut Value) {
    for (name, value) in [
        ("type", json!("ClusterIP")),
        ("sessionAffinity", json!("None")),
        ("internalTrafficPolicy", json!("Cluster")),
    ] {
        set(object, "/spec", name, value);
    }
    set(object, "/status", "loadBalancer", json!({}));
    for port in object["spec"]["ports"].as_array_mut().into_iter().flatten() {
        set(port, "", "protocol", json!("TCP"));
        let own = port["port"].clone();
        set(port, "", "targetPort", own);
    }
}

/// Fills in the API groups that subjects and the role of a binding are in.
fn binding(object: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    set(object, "/roleRef", "apiGroup", json!(GROUP));
    for subject in object["subjects"].as_array_mut().into_iter().flatten() {
        if subject["kind"] != "ServiceAccount" {
            set(subject, "", "apiGroup", json!(GROUP));
        }
    }
}

/// Accepts a definition of the user's, whose kinds are served from then on.
fn definition(object: &mut Value) {
    let names = object["spec"]["names"].clone();
    let kind = text(&names, "/kind").to_owned();
    set(object, "/spec/names", "singular", json!(kind.to_lowercase()));
    set(object, "/spec/names", "listKind", json!(format!("{kind}List")));
    set(object, "/spec", "conversion", json!({ "strategy": "None" }));
    let condition = |ty: &str, reason: &str, message: &str| {
        json!({ "type": ty, "status": "True", "reason": reason, "message": message,
            "lastTransitionTime": object["metadata"]["creationTimestamp"] })
    };
    let versions = object["spec"]["versions"].as_array().cloned().unwrap_or_default();
    let stored = versions.iter().filter(|version| version["storage"] == true);
    let status = json!({
        "acceptedNames": object["spec"]["names"],
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": stored.map(|version| version["name"].clone()).collect::<Vec<_>>(),
    });
    set(object, "", "status", status);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_filled_in() {
        let fill = |plural: &str, mut object: Value| {
            fill(Kind::named(plural), &mut object);
            object
        };
        let secret = fill("secrets", json!({ "stringData": { "a": "b" } }));
        assert_eq!(secret, json!({ "type": "Opaque", "data": { "a": "Yg==" } }));
        let class = fill("storageclasses", json!({ "provisioner": "p" }));
        assert_eq!(
            (&class["reclaimPolicy"], &class["volumeBindingMode"]),
            (&json!("Delete"), &json!("Immediate"))
        );
        let pod = fill(
            "pods",
            json!({ "spec": { "containers": [{ "image": "a/b:1",
            "resources": { "limits": { "cpu": "1", "memory": "1Gi" } } }, ] } }),
        );
        assert_eq!(pod["status"]["qosClass"], "Guaranteed");
        assert_eq!(pod["spec"]["containers"][0]["imagePullPolicy"], "IfNotPresent");
    }
}
