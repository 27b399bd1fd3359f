//! The fields of an object by their paths, and how they compare.
use crate::verify::quantity;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The part of a path that holds the order of a list's items, where it is not that of their names.
const ORDER: &str = "[]";

/// Takes a value apart: maps, and lists of things with names.
pub(super) fn flatten(path: &str, value: &Value, fields: &mut BTreeMap<String, Value>) {
    let below =
        |part: &str| if path.is_empty() { part.to_owned() } else { format!("{path}/{part}") };
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                flatten(&below(&escaped(name)), value, fields);
            }
        }
        Value::Array(items) => match names(items) {
            Some(names) => {
                if !names.is_sorted() {
                    fields.insert(below(ORDER), json!(names));
                }
                for (name, item) in names.iter().zip(items) {
                    flatten(&below(&format!("[{}]", escaped(name))), item, fields);
                }
            }
            None => drop(fields.insert(path.to_owned(), value.clone())),
        },
        leaf => drop(fields.insert(path.to_owned(), leaf.clone())),
    }
}

/// Returns the names of a list's items, if each has one of its own.
fn names(items: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<_> = items.iter().map(|it| it["name"].as_str()).collect::<Option<_>>()?;
    let different: BTreeSet<_> = names.iter().collect();
    (!names.is_empty() && different.len() == names.len()).then_some(names)
}

fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// Returns the name of a list's item, if a part of a path is one.
fn item(part: &str) -> Option<String> {
    Some(unescaped(part.strip_prefix('[')?.strip_suffix(']')?))
}

/// Puts a value together again.
pub(super) fn whole(fields: &BTreeMap<String, Value>) -> Value {
    let mut whole = json!({});
    let order = |path: &&String| path.rsplit('/').next() == Some(ORDER);
    for (path, value) in fields.iter().filter(|(path, _)| !order(path)) {
        set(&mut whole, path, value.clone());
    }
    for (path, wanted) in fields.iter().filter(|(path, _)| order(path)) {
        let list = path.strip_suffix(ORDER).map(|path| path.trim_end_matches('/'));
        let place = |it: &Value| wanted.as_array()?.iter().position(|name| *name == it["name"]);
        if let Some(Value::Array(items)) = list.and_then(|list| get_mut(&mut whole, list)) {
            items.sort_by_key(place);
        }
    }
    whole
}

/// Puts a value at a path, with all that leads there.
fn set(at: &mut Value, path: &str, value: Value) {
    let Some((part, rest)) = path.split_once('/').or((!path.is_empty()).then_some((path, "")))
    else {
        *at = value;
        return;
    };
    let next = match item(part) {
        None => &mut at[unescaped(part)],
        Some(name) => {
            if !at.is_array() {
                *at = json!([]);
            }
            let Value::Array(items) = at else { return };
            let found = items.iter().position(|it| it["name"] == name.as_str());
            let found = found.unwrap_or_else(|| {
                items.push(json!({ "name": name }));
                items.len() - 1
            });
            &mut items[found]
        }
    };
    set(next, rest, value);
}

fn get_mut<'a>(at: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('/').try_fold(at, |at, part| match item(part) {
        None => at.get_mut(unescaped(part)),
        Some(name) => at.as_array_mut()?.iter_mut().find(|it| it["name"] == name.as_str()),
    })
}

/// Returns what is at a path, where it is as far as `like` goes.
fn get<'a>(at: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/').try_fold(at, |at, part| match item(part) {
        None => at.get(unescaped(part)),
        Some(name) => at.as_array()?.iter().find(|it| it["name"] == name.as_str()),
    })
}

/// Returns what an object has at a path where a value is wanted. `None` where it has nothing.
pub(super) fn seen(object: &Value, path: &str, wanted: &Value) -> Option<Value> {
    if let Some(list) = path.strip_suffix(ORDER) {
        let items = get(object, list.trim_end_matches('/'))?.as_array()?;
        let names = items.iter().map(|it| &it["name"]);
        let is_wanted = |name: &&Value| wanted.as_array().is_some_and(|all| all.contains(name));
        return Some(names.filter(is_wanted).cloned().collect());
    }
    match get(object, path) {
        Some(value) => Some(like(value, wanted)),
        // The API leaves out what is nothing.
        None => is_nothing(wanted).then(|| wanted.clone()),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// Leaves out of a value what a wanted one does not speak of, so that what the API fills in does
/// not differ, nor another way to write the same amount.
fn like(value: &Value, wanted: &Value) -> Value {
    match (value, wanted) {
        (Value::Object(members), Value::Object(wanted)) => {
            let both = wanted.iter().filter_map(|(name, wanted)| match members.get(name) {
                Some(value) => Some((name.clone(), like(value, wanted))),
                None => is_nothing(wanted).then(|| (name.clone(), wanted.clone())),
            });
            Value::Object(both.collect::<Map<_, _>>())
        }
        (Value::Array(items), Value::Array(wanted)) if items.len() == wanted.len() => {
            items.iter().zip(wanted).map(|(item, wanted)| like(item, wanted)).collect()
        }
        (Value::String(_), Value::String(_) | Value::Number(_))
            if quantity::is_same(value, wanted) =>
        {
            wanted.clone()
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(value: &Value) -> BTreeMap<String, Value> {
        let mut fields = BTreeMap::new();
        flatten("", value, &mut fields);
        fields
    }

    #[test]
    fn a_list_keeps_its_order() {
        let value = json!({ "spec": { "initContainers": [{ "name": "b" }, { "name": "a" }] } });
        let fields = flat(&value);
        assert_eq!(fields["spec/initContainers/[]"], json!(["b", "a"]));
        assert_eq!(whole(&fields), value);
        let order = |live: Value| seen(&live, "spec/initContainers/[]", &json!(["b", "a"]));
        let turned = json!({ "spec": { "initContainers": [{ "name": "a" }, { "name": "b" }] } });
        assert_eq!(order(turned), Some(json!(["a", "b"])));
        let more = json!({ "spec": { "initContainers":
            [{ "name": "x" }, { "name": "b" }, { "name": "a" }] } });
        assert_eq!(order(more), Some(json!(["b", "a"])));
    }

    #[test]
    fn items_of_one_name_are_compared_together() {
        let value = json!({ "subjects": [{ "name": "a", "namespace": "x" },
                                         { "name": "a", "namespace": "y" }] });
        let fields = flat(&value);
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["subjects"]);
        assert_eq!(whole(&fields), value);
    }

    #[test]
    fn what_the_api_writes_in_another_way_is_the_same() {
        let same = |wanted: Value, live: Value| {
            let object = json!({ "a": live });
            seen(&object, "a", &wanted).as_ref() == Some(&wanted)
        };
        assert!(same(json!(0.5), json!("500m")) && same(json!("1024Mi"), json!("1Gi")));
        assert!(!same(json!("1"), json!("2")) && !same(json!("a"), json!("b")));
        assert!(same(json!([{ "x": false, "y": 1 }]), json!([{ "y": 1, "z": 2 }])));
        assert!(!same(json!([{ "x": true }]), json!([{ "y": 1 }])));
        let nothing = |wanted: Value| seen(&json!({}), "a", &wanted);
        assert_eq!(nothing(json!({})), Some(json!({})));
        assert_eq!((nothing(json!("x")), nothing(json!(true))), (None, None));
    }
}
