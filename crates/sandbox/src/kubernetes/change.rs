//! What a change to an object reaches, and what it does not.
use super::schema::Type;
use serde_json::Value;

/// Takes the fields out of an object that its kind does not have.
pub(super) fn prune(value: &mut Value, ty: &Type) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| ty.member(name).is_some());
            for (name, value) in members {
                if let Some(ty) = ty.member(name) {
                    prune(value, ty);
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|item| prune(item, ty.items().0)),
        _ => {}
    }
}

/// Gives a changed object what no change reaches.
pub(super) fn inherit(live: &Value, object: &mut Value) {
    let fields = [
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "resourceVersion",
    ];
    for field in fields {
        let metadata = object["metadata"].as_object_mut();
        match (live["metadata"].get(field), metadata) {
            (Some(value), Some(metadata)) => {
                metadata.insert(field.to_owned(), value.clone());
            }
            (None, Some(metadata)) => drop(metadata.shift_remove(field)),
            _ => {}
        }
    }
}

/// Returns an object with the status of another.
pub(super) fn with_status(object: &Value, other: &Value) -> Value {
    let mut object = object.clone();
    match (other.get("status"), object.as_object_mut()) {
        (Some(status), Some(members)) => drop(members.insert("status".to_owned(), status.clone())),
        (None, Some(members)) => drop(members.shift_remove("status")),
        _ => {}
    }
    object
}

/// Returns what of an object is wanted rather than noted.
pub(super) fn wanted(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(members) = object.as_object_mut() {
        members.shift_remove("metadata");
        members.shift_remove("status");
    }
    object
}
