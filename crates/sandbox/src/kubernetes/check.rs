//! What an object must be like: its names, its fields, and what of it can change.
use super::kind::Kind;
use super::objects::{items, name, text};
use super::schema::Type;
use super::status::{Problem, Status};
use serde_json::Value;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
    characters, '-' or '.', and must start and end with an alphanumeric character (e.g. \
    'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric \
    characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or \
    '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric \
    characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
    'MyValue',  or 'my_value',  or '12345', regex used for validation is \
    '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn is_label(text: &str, most: usize) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=most).contains(&text.len())
        && text.chars().all(fits)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Finds what is wrong with an object, however it came to be.
pub(super) fn problems(kind: &Kind, object: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let its_name = name(object);
    match kind.plural.as_str() {
        "namespaces" | "services" if !is_label(its_name, 63) => {
            problems.push(Problem::invalid("metadata.name", &object["metadata"]["name"], LABEL));
        }
        _ if kind.group == "rbac.authorization.k8s.io" && its_name.contains(['/', '%']) => {
            let why = "may not contain '/' or '%'";
            problems.push(Problem::invalid("metadata.name", &object["metadata"]["name"], why));
        }
        _ if kind.group == "rbac.authorization.k8s.io" => {}
        _ if its_name.len() > 253 || !its_name.split('.').all(|part| is_label(part, 253)) => {
            problems.push(Problem::invalid(
                "metadata.name",
                &object["metadata"]["name"],
                SUBDOMAIN,
            ));
        }
        _ => {}
    }
    for (_, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
        let its = value.as_str().unwrap_or_default();
        let is_word = |c: char| c.is_ascii_alphanumeric();
        let fits = |c: char| is_word(c) || "-_.".contains(c);
        let ends = its.is_empty() || (its.starts_with(is_word) && its.ends_with(is_word));
        if its.len() > 63 || !its.chars().all(fits) || !ends {
            problems.push(Problem::invalid("metadata.labels", value, LABEL_VALUE));
        }
    }
    required(object, &Type::of(kind), "", &mut problems);
    own(kind, object, &mut problems);
    problems
}

/// Finds the fields that must be there and are not.
fn required(value: &Value, ty: &Type, path: &str, problems: &mut Vec<Problem>) {
    let below = |name: &str| match path.is_empty() {
        true => name.to_owned(),
        false => format!("{path}.{name}"),
    };
    match value {
        Value::Object(members) => {
            for (name, field) in ty.fields().into_iter().flatten() {
                let is_empty = |value: &Value| match value {
                    Value::Null => true,
                    Value::String(text) => text.is_empty() && name == "name",
                    Value::Array(items) => items.is_empty() && name == "containers",
                    _ => false,
                };
                if field.required && members.get(name).is_none_or(is_empty) {
                    problems.push(Problem::required(below(name), ""));
                }
            }
            for (name, value) in members {
                if let Some(ty) = ty.member(name) {
                    required(value, ty, &below(name), problems);
                }
            }
        }
        Value::Array(all) => {
            for (at, item) in all.iter().enumerate() {
                required(item, ty.items().0, &format!("{path}[{at}]"), problems);
            }
        }
        _ => {}
    }
}

/// Finds what is wrong with an object of one kind.
fn own(kind: &Kind, object: &Value, problems: &mut Vec<Problem>) {
    match kind.plural.as_str() {
        "deployments" | "replicasets" | "daemonsets" | "statefulsets" => {
            let selector = super::select::Labels::of(&object["spec"]["selector"]);
            let labels = &object["spec"]["template"]["metadata"]["labels"];
            if selector.is_empty() {
                let why = "empty selector is invalid for deployment";
                let why = why.replace("deployment", &kind.singular);
                problems.push(Problem::invalid("spec.selector", &object["spec"]["selector"], why));
            } else if !selector.fit(labels) {
                let field = "spec.template.metadata.labels";
                let why = "`selector` does not match template `labels`";
                problems.push(Problem::invalid(field, labels, why));
            }
        }
        "secrets" => {
            let is_docker = object["type"] == "kubernetes.io/dockerconfigjson";
            let key = "/data/.dockerconfigjson";
            if is_docker && object.pointer(key).is_none() {
                problems.push(Problem::required("data[.dockerconfigjson]", ""));
            }
        }
        "storageclasses" => {
            let mode = text(object, "/volumeBindingMode");
            if !["Immediate", "WaitForFirstConsumer"].contains(&mode) {
                let why = "supported values: \"Immediate\", \"WaitForFirstConsumer\"";
                problems.push(Problem::invalid(
                    "volumeBindingMode",
                    &object["volumeBindingMode"],
                    why,
                ));
            }
        }
        "persistentvolumeclaims" => {
            if items(object, "/spec/accessModes").is_empty() {
                let why = "at least 1 access mode is required";
                problems.push(Problem::required("spec.accessModes", why));
            }
            if object.pointer("/spec/resources/requests/storage").is_none() {
                problems.push(Problem::required("spec.resources[storage]", ""));
            }
        }
        "customresourcedefinitions" => {
            let spec = &object["spec"];
            let wanted = format!("{}.{}", text(spec, "/names/plural"), text(spec, "/group"));
            if name(object) != wanted {
                let why = "must be spec.names.plural+\".\"+spec.group";
                problems.push(Problem::invalid("metadata.name", &object["metadata"]["name"], why));
            }
        }
        _ => {}
    }
}

/// Finds fields that no object of a kind has, and checks the types of the others.
///
/// # Errors
/// When a value has another type than its field.
pub(super) fn unknown(kind: &Kind, object: &Value) -> Result<Vec<String>, Status> {
    let mut unknown = Vec::new();
    match look(object, &Type::of(kind), "", &mut unknown) {
        Ok(()) => Ok(unknown),
        Err(why) => Err(Status::bad(format!("{}{why}", handled(kind)))),
    }
}

/// Says of which kind an object is that cannot be read.
fn handled(kind: &Kind) -> String {
    let Kind { version, kind, .. } = kind;
    format!("{kind} in version {version:?} cannot be handled as a {kind}: ")
}

/// Refuses unknown fields.
pub(super) fn strict(kind: &Kind, unknown: &[String]) -> Status {
    let all: Vec<String> = unknown.iter().map(|it| format!("unknown field {it:?}")).collect();
    Status::bad(format!("{}strict decoding error: {}", handled(kind), all.join(", ")))
}

fn look(value: &Value, ty: &Type, path: &str, unknown: &mut Vec<String>) -> Result<(), String> {
    let below = |name: &str| match path.is_empty() {
        true => name.to_owned(),
        false => format!("{path}.{name}"),
    };
    let sort = match value {
        Value::Null => return Ok(()),
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
    };
    let wrong = |of: &str| {
        Err(format!("json: cannot unmarshal {sort} into Go struct field {path} of type {of}"))
    };
    match (ty, value) {
        (Type::Atomic(inner), _) => return look(value, inner, path, unknown),
        (Type::Any, _) | (Type::Quantity, Value::String(_) | Value::Number(_)) => {}
        (Type::Text, Value::String(_)) | (Type::Truth, Value::Bool(_)) => {}
        (Type::Number, Value::Number(_)) => {}
        (Type::Whole, Value::Number(number)) if number.is_i64() || number.is_u64() => {}
        (Type::Fields(_) | Type::Map(_), Value::Object(members)) => {
            for (name, value) in members {
                match ty.member(name) {
                    Some(ty) => look(value, ty, &below(name), unknown)?,
                    None => unknown.push(below(name)),
                }
            }
        }
        (Type::List(of, _), Value::Array(all)) => {
            for (at, item) in all.iter().enumerate() {
                look(item, of, &format!("{path}[{at}]"), unknown)?;
            }
        }
        (Type::Text, _) => return wrong("string"),
        (Type::Truth, _) => return wrong("bool"),
        (Type::Whole, _) => return wrong("int32"),
        (Type::Number, _) => return wrong("float64"),
        (Type::Quantity, _) => return wrong("resource.Quantity"),
        (Type::List(..), _) => return wrong("[]interface {}"),
        (Type::Map(_), _) => return wrong("map[string]string"),
        (Type::Fields(name), _) => return wrong(name),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(kind: &Kind, problems: Vec<Problem>) -> String {
        Status::invalid(kind, "a", &problems).message
    }

    #[test]
    fn unknown_fields_and_wrong_types_are_found() {
        let kind = Kind::named("deployments");
        let with = |spec: Value| json!({ "apiVersion": "apps/v1", "spec": spec });
        let found = unknown(
            kind,
            &with(json!({ "replica": 1, "template": { "spec": {
            "containers": [{ "name": "a", "img": "b" }] } } })),
        );
        assert_eq!(found.unwrap(), ["spec.replica", "spec.template.spec.containers[0].img"]);
        let wrong = unknown(kind, &with(json!({ "replicas": "1" }))).unwrap_err();
        assert!(
            wrong.message.contains("cannot unmarshal string into Go struct field spec.replicas")
        );
    }

    #[test]
    fn names_and_what_must_be_there_are_checked() {
        let kind = Kind::named("configmaps");
        let told = texts(kind, problems(kind, &json!({ "metadata": { "name": "A_b" } })));
        assert!(
            told.contains("metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123"),
            "{told}"
        );
        let kind = Kind::named("pods");
        let told = texts(kind, problems(kind, &json!({ "metadata": { "name": "a" }, "spec": {} })));
        assert!(told.contains("spec.containers: Required value"), "{told}");
    }
}
