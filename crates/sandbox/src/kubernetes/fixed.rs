//! What of an object cannot change.
use super::kind::Kind;
use super::status::Problem;
use serde_json::Value;

/// Finds what a change would change that cannot.
pub(super) fn problems(kind: &Kind, before: &Value, after: &Value) -> Vec<Problem> {
    let differs = |pointer: &str| differs(before, after, pointer);
    let mut problems = Vec::new();
    match kind.plural.as_str() {
        "storageclasses" => {
            for field in ["parameters", "provisioner", "reclaimPolicy"] {
                if differs(&format!("/{field}")).is_some() {
                    let why = format!("updates to {field} are forbidden.");
                    problems.push(Problem::forbidden(field, why));
                }
            }
            let mode = differs("/volumeBindingMode");
            problems.extend(mode.map(|mode| immutable("volumeBindingMode", &mode)));
        }
        "secrets" => {
            problems.extend(differs("/type").map(|value| immutable("type", &value)));
            frozen(before, &differs, &mut problems);
        }
        "configmaps" => frozen(before, &differs, &mut problems),
        "rolebindings" | "clusterrolebindings" => {
            let value = differs("/roleRef");
            let why = "cannot change roleRef";
            problems.extend(value.map(|value| Problem::invalid("roleRef", &value, why)));
        }
        "priorityclasses" => {
            let why = "may not be changed in an update.";
            problems.extend(differs("/value").map(|_| Problem::forbidden("value", why)));
        }
        _ => workload(kind, before, after, &mut problems),
    }
    problems
}

/// Returns what is at a place after a change, if that is something else than before.
fn differs(before: &Value, after: &Value, pointer: &str) -> Option<Value> {
    let of = |object: &Value| object.pointer(pointer).cloned().unwrap_or_default();
    let (before, after) = (of(before), of(after));
    (before != after).then_some(after)
}

fn immutable(field: &str, value: &Value) -> Problem {
    Problem::invalid(field, value, "field is immutable")
}

/// Finds what a change to a workload, or to its claims, would change that cannot.
fn workload(kind: &Kind, before: &Value, after: &Value, problems: &mut Vec<Problem>) {
    let differs = |pointer: &str| differs(before, after, pointer);
    match kind.plural.as_str() {
        "deployments" | "replicasets" | "daemonsets" => {
            let selector = differs("/spec/selector");
            problems.extend(selector.map(|value| immutable("spec.selector", &value)));
        }
        "statefulsets" => {
            let open = ["replicas", "ordinals", "template", "updateStrategy", "minReadySeconds"];
            let open = [&open[..], &["persistentVolumeClaimRetentionPolicy"]].concat();
            if closed(before, after, &open) {
                let why = "updates to statefulset spec for fields other than 'replicas', \
                    'ordinals', 'template', 'updateStrategy', \
                    'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
                problems.push(Problem::forbidden("spec", why));
            }
        }
        "jobs" => {
            for field in ["completions", "selector", "template"] {
                let value = differs(&format!("/spec/{field}"));
                problems.extend(value.map(|it| immutable(&format!("spec.{field}"), &it)));
            }
        }
        "persistentvolumeclaims" => {
            let open = ["resources", "volumeName", "volumeAttributesClassName"];
            if closed(before, after, &open) {
                let why = "spec is immutable after creation except resources.requests and \
                    volumeAttributesClassName for bound claims";
                problems.push(Problem::forbidden("spec", why));
            }
        }
        "pods" => {
            let open = ["tolerations", "activeDeadlineSeconds", "nodeName"];
            let images = |object: &Value| {
                let mut object = object.clone();
                for list in ["containers", "initContainers"] {
                    let all = object["spec"].get_mut(list).and_then(Value::as_array_mut);
                    all.into_iter().flatten().for_each(|it| it["image"] = Value::Null);
                }
                object
            };
            if closed(&images(before), &images(after), &open) {
                let why = "pod updates may not change fields other than \
                    `spec.containers[*].image`,`spec.initContainers[*].image`,\
                    `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
                    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if \
                    it was previously negative)";
                problems.push(Problem::forbidden("spec", why));
            }
        }
        _ => {}
    }
}

/// Finds changes to what its maker made unchangeable.
fn frozen(before: &Value, differs: &impl Fn(&str) -> Option<Value>, problems: &mut Vec<Problem>) {
    if before["immutable"] != true {
        return;
    }
    for field in ["immutable", "data", "stringData", "binaryData"] {
        if differs(&format!("/{field}")).is_some() {
            let why = "field is immutable when `immutable` is set";
            problems.push(Problem::forbidden(field, why));
        }
    }
}

/// Tells whether a spec differs in more than some of its fields.
fn closed(before: &Value, after: &Value, open: &[&str]) -> bool {
    let rest = |object: &Value| {
        let mut spec = object["spec"].as_object().cloned().unwrap_or_default();
        spec.retain(|name, value| !open.contains(&name.as_str()) && !value.is_null());
        spec
    };
    rest(before) != rest(after)
}

#[cfg(test)]
mod tests {
    use super::super::status::Status;
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_of_a_storage_class_cannot_change() {
        let kind = Kind::named("storageclasses");
        let class = |iops: &str, mode: &str| {
            json!({ "metadata": { "name": "a" }, "provisioner": "ebs.csi.aws.com",
                "parameters": { "iops": iops }, "volumeBindingMode": mode })
        };
        let before = class("1", "Immediate");
        assert_eq!(problems(kind, &before, &before), []);
        let told = Status::invalid(
            kind,
            "a",
            &problems(kind, &before, &class("2", "WaitForFirstConsumer")),
        )
        .message;
        assert_eq!(
            told,
            "StorageClass.storage.k8s.io \"a\" is invalid: [parameters: Forbidden: updates to \
             parameters are forbidden., volumeBindingMode: Invalid value: \
             \"WaitForFirstConsumer\": field is immutable]"
        );
    }
}
