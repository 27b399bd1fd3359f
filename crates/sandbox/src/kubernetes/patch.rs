//! Patches: JSON patch, merge patch and strategic merge patch.
use super::schema::{Merge, Type};
use super::status::Status;
use serde_json::{Map, Value};

/// Applies a merge patch: `null` takes a member away, and lists are replaced.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(into) = target.as_object_mut() else { return };
    for (name, value) in members {
        match value {
            Value::Null => drop(into.shift_remove(name)),
            value => merge(into.entry(name.clone()).or_insert(Value::Null), value),
        }
    }
}

/// Applies a strategic merge patch: lists are merged as the markers of their types say.
pub(super) fn strategic(target: &mut Value, patch: &Value, ty: &Type) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if members.get("$patch").is_some_and(|word| word == "replace") {
        *target = bare(patch);
        return;
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(into) = target.as_object_mut() else { return };
    if let Some(kept) = members.get("$retainKeys").and_then(Value::as_array) {
        into.retain(|name, _| kept.iter().any(|kept| kept == name));
    }
    for (name, value) in members {
        let member = |name: &str| ty.member(name).unwrap_or(&Type::Any);
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().cloned().unwrap_or_default();
            if let Some(items) = into.get_mut(list).and_then(Value::as_array_mut) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        match value {
            _ if name.starts_with('$') => {}
            Value::Null => drop(into.shift_remove(name)),
            Value::Object(_) => {
                let is_gone = value.get("$patch").is_some_and(|word| word == "delete");
                match is_gone {
                    true => drop(into.shift_remove(name)),
                    false => {
                        let slot = into.entry(name.clone()).or_insert(Value::Null);
                        strategic(slot, value, member(name));
                    }
                }
            }
            Value::Array(items) => {
                let slot = into.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                lists(slot, items, member(name));
            }
            value => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

/// Returns a patch without its directives.
fn bare(patch: &Value) -> Value {
    match patch {
        Value::Object(members) => {
            let told = members.iter().filter(|(name, _)| !name.starts_with('$'));
            told.map(|(name, value)| (name.clone(), bare(value))).collect()
        }
        other => other.clone(),
    }
}

fn lists(target: &mut Value, items: &[Value], ty: &Type) {
    let (of, rule) = ty.items();
    let is_replaced = items.iter().any(|item| item["$patch"] == "replace");
    let own = target.as_array().cloned().unwrap_or_default();
    let mut merged = if is_replaced { Vec::new() } else { own };
    let told = items.iter().filter(|item| item["$patch"] != "replace");
    match rule {
        Merge::Keys(keys) if !keys.is_empty() => {
            let key = &keys[0];
            for item in told {
                let at = merged.iter().position(|it| it.get(key) == item.get(key));
                match (at, item["$patch"] == "delete") {
                    (Some(at), true) => drop(merged.remove(at)),
                    (None, true) => {}
                    (Some(at), false) => strategic(&mut merged[at], item, of),
                    (None, false) => merged.push(bare(item)),
                }
            }
        }
        Merge::Set => {
            for item in told.filter(|item| !item.is_object()) {
                if !merged.contains(item) {
                    merged.push(item.clone());
                }
            }
        }
        _ => merged = told.map(bare).collect(),
    }
    *target = Value::Array(merged);
}

/// Applies a JSON patch.
///
/// # Errors
/// When it is none, or something that it needs is not there.
pub(super) fn json(target: &mut Value, patch: &Value) -> Result<(), Status> {
    let unprocessable = |why: String| {
        Status::new(
            422,
            "Invalid",
            format!("the server rejected our request due to an error in our request: {why}"),
        )
    };
    let steps = patch.as_array().ok_or_else(|| Status::bad("a JSON patch is a list"))?;
    for step in steps {
        one(target, step).map_err(unprocessable)?;
    }
    Ok(())
}

fn one(target: &mut Value, step: &Value) -> Result<(), String> {
    let text = |name: &str| step[name].as_str().ok_or_else(|| format!("{name} is missing"));
    let (word, path) = (text("op")?, text("path")?);
    let value = || step.get("value").cloned().ok_or_else(|| "value is missing".to_owned());
    match word {
        "add" => add(target, path, value()?),
        "remove" => take(target, path).map(drop),
        "replace" => {
            let slot = target.pointer_mut(path).ok_or_else(|| missing(path))?;
            *slot = value()?;
            Ok(())
        }
        "test" => match target.pointer(path) == Some(&value()?) {
            true => Ok(()),
            false => Err(format!("testing value {path} failed")),
        },
        "move" => {
            let value = take(target, text("from")?)?;
            add(target, path, value)
        }
        "copy" => {
            let from = text("from")?;
            let value = target.pointer(from).cloned().ok_or_else(|| missing(from))?;
            add(target, path, value)
        }
        _ => Err(format!("unexpected kind: {word}")),
    }
}

fn missing(path: &str) -> String {
    format!("doc is missing path: {path:?}")
}

/// Takes a path apart: where, and the name of the last part.
fn last(path: &str) -> Result<(&str, String), String> {
    let (parent, name) = path.rsplit_once('/').ok_or_else(|| missing(path))?;
    Ok((parent, name.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (parent, name) = last(path)?;
    match target.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.insert(name, value)),
        Some(Value::Array(items)) if name == "-" => items.push(value),
        Some(Value::Array(items)) => {
            let at = name.parse().ok().filter(|at| *at <= items.len());
            items.insert(at.ok_or_else(|| missing(path))?, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn take(target: &mut Value, path: &str) -> Result<Value, String> {
    let (parent, name) = last(path)?;
    let taken = match target.pointer_mut(parent) {
        Some(Value::Object(members)) => members.shift_remove(&name),
        Some(Value::Array(items)) => {
            let at = name.parse().ok().filter(|at| *at < items.len());
            at.map(|at: usize| items.remove(at))
        }
        _ => None,
    };
    taken.ok_or_else(|| missing(path))
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kind;
    use super::*;
    use serde_json::json;

    #[test]
    fn strategic_patches_merge_lists_by_their_keys() {
        let ty = Type::of(Kind::named("pods"));
        let mut pod = json!({ "spec": { "containers": [{ "name": "a", "image": "1" }, { "name": "b" }],
            "tolerations": [{ "key": "x" }] } });
        let patch = json!({ "spec": {
            "$setElementOrder/containers": [{ "name": "a" }],
            "containers": [{ "name": "a", "image": "2" }, { "name": "b", "$patch": "delete" }, { "name": "c" }],
            "tolerations": [{ "key": "y" }],
        } });
        strategic(&mut pod, &patch, &ty);
        let wanted = json!({ "spec": { "containers": [{ "name": "a", "image": "2" }, { "name": "c" }],
            "tolerations": [{ "key": "y" }] } });
        assert_eq!(pod, wanted);
    }

    #[test]
    fn merge_patches_take_members_away_with_null() {
        let mut value = json!({ "a": { "b": 1, "c": 2 }, "l": [1] });
        merge(&mut value, &json!({ "a": { "b": null, "d": 3 }, "l": [2] }));
        assert_eq!(value, json!({ "a": { "c": 2, "d": 3 }, "l": [2] }));
    }

    #[test]
    fn json_patches_do_step_after_step_or_say_what_is_missing() {
        let mut value = json!({ "a": { "x/y": 1 }, "l": [1] });
        let patch = json!([
            { "op": "test", "path": "/a/x~1y", "value": 1 },
            { "op": "add", "path": "/l/-", "value": 2 },
            { "op": "remove", "path": "/a/x~1y" },
            { "op": "copy", "from": "/l/1", "path": "/a/z" },
        ]);
        json(&mut value, &patch).unwrap();
        assert_eq!(value, json!({ "a": { "z": 2 }, "l": [1, 2] }));
        let wrong = json!([{ "op": "replace", "path": "/b/c", "value": 1 }]);
        assert_eq!(json(&mut value, &wrong).unwrap_err().code, 422);
    }
}
