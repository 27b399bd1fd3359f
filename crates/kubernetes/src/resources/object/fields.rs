//! The fields of an object by their paths, and how they compare.
use crate::verify::quantity;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Fields by their paths.
pub(super) type Fields = BTreeMap<String, Value>;

/// What ends the path of the order of a list's items, where it is not that of their names.
const ORDER: &str = "[]";

/// Takes a value apart: maps, and lists of things with names.
pub(super) fn flatten(path: &str, value: &Value, fields: &mut Fields) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                flatten(&member(path, name), value, fields);
            }
        }
        Value::Array(items) => match names(items) {
            Some(names) => {
                if !names.is_sorted() {
                    fields.insert(format!("{path}{ORDER}"), json!(names));
                }
                for (name, value) in names.iter().zip(items) {
                    flatten(&item(path, name), value, fields);
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
    let has_all = !names.is_empty() && !names.contains(&"");
    (has_all && different.len() == names.len()).then_some(names)
}

/// Returns the path of a member, in the words of kubectl's own paths.
pub(super) fn member(path: &str, name: &str) -> String {
    let dot = if path.is_empty() { "" } else { "." };
    format!("{path}{dot}{}", escaped(name, &['\\', '.', '[', ']']))
}

/// Returns the path of the item of a list that has a name.
pub(super) fn item(path: &str, name: &str) -> String {
    format!("{path}[{}]", escaped(name, &['\\', '[', ']']))
}

fn escaped(name: &str, special: &[char]) -> String {
    let escape = |letter| match special.contains(&letter) {
        true => format!("\\{letter}"),
        false => letter.to_string(),
    };
    name.chars().map(escape).collect()
}

/// A part of a path.
#[derive(Debug, PartialEq)]
enum Part {
    Member(String),
    Item(String),
}

/// Takes a path apart.
fn parts(path: &str) -> Vec<Part> {
    let (mut parts, mut name, mut in_item) = (Vec::new(), None::<String>, false);
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match (letter, in_item) {
            ('\\', _) => name.get_or_insert_default().extend(letters.next()),
            ('.', false) => parts.extend(name.take().map(Part::Member)),
            ('[', false) => {
                parts.extend(name.take().map(Part::Member));
                (name, in_item) = (Some(String::new()), true);
            }
            (']', true) => {
                parts.extend(name.take().map(Part::Item));
                in_item = false;
            }
            (letter, _) => name.get_or_insert_default().push(letter),
        }
    }
    parts.extend(name.map(Part::Member));
    parts
}

/// Puts a value together again.
pub(super) fn whole(fields: &Fields) -> Value {
    let mut whole = json!({});
    for (path, value) in fields.iter().filter(|(path, _)| !path.ends_with(ORDER)) {
        set(&mut whole, &parts(path), value.clone());
    }
    for (path, wanted) in fields {
        let Some(list) = path.strip_suffix(ORDER) else { continue };
        let place = |it: &Value| wanted.as_array()?.iter().position(|name| *name == it["name"]);
        if let Some(Value::Array(items)) = get_mut(&mut whole, &parts(list)) {
            items.sort_by_key(place);
        }
    }
    whole
}

/// Puts a value at a path, with all that leads there.
fn set(at: &mut Value, path: &[Part], value: Value) {
    let Some((part, rest)) = path.split_first() else {
        *at = value;
        return;
    };
    let next = match part {
        Part::Member(name) => &mut at[name],
        Part::Item(name) => {
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

fn get_mut<'a>(at: &'a mut Value, path: &[Part]) -> Option<&'a mut Value> {
    path.iter().try_fold(at, |at, part| match part {
        Part::Member(name) => at.get_mut(name),
        Part::Item(name) => at.as_array_mut()?.iter_mut().find(|it| it["name"] == name.as_str()),
    })
}

/// Returns what is at a path.
pub(super) fn get<'a>(at: &'a Value, path: &str) -> Option<&'a Value> {
    parts(path).iter().try_fold(at, |at, part| match part {
        Part::Member(name) => at.get(name),
        Part::Item(name) => at.as_array()?.iter().find(|it| it["name"] == name.as_str()),
    })
}

/// Returns what an object has at a path where a value is wanted. `None` where it has nothing.
pub(super) fn seen(object: &Value, path: &str, wanted: &Value) -> Option<Value> {
    if let Some(list) = path.strip_suffix(ORDER) {
        let items = get(object, list)?.as_array()?;
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

    fn flat(value: &Value) -> Fields {
        let mut fields = Fields::new();
        flatten("", value, &mut fields);
        fields
    }

    #[test]
    fn a_list_keeps_its_order() {
        let value = json!({ "spec": { "initContainers": [{ "name": "b" }, { "name": "a" }] } });
        let fields = flat(&value);
        assert_eq!(fields["spec.initContainers[]"], json!(["b", "a"]));
        assert_eq!(whole(&fields), value);
        let order = |live: Value| seen(&live, "spec.initContainers[]", &json!(["b", "a"]));
        let turned = json!({ "spec": { "initContainers": [{ "name": "a" }, { "name": "b" }] } });
        assert_eq!(order(turned), Some(json!(["a", "b"])));
        let more = json!({ "spec": { "initContainers":
            [{ "name": "x" }, { "name": "b" }, { "name": "a" }] } });
        assert_eq!(order(more), Some(json!(["b", "a"])));
    }

    #[test]
    fn a_path_is_taken_apart_as_it_was_put_together() {
        let value = json!({ "a.b": { "c[]": [{ "name": "x.y" }, { "name": "z[1]\\" }] }, "\\": 1 });
        let fields = flat(&value);
        let paths: Vec<_> = fields.keys().map(String::as_str).collect();
        assert_eq!(paths, ["\\\\", "a\\.b.c\\[\\][x.y].name", "a\\.b.c\\[\\][z\\[1\\]\\\\].name",]);
        assert_eq!(whole(&fields), value);
        assert_eq!(get(&value, "a\\.b.c\\[\\][x.y].name"), Some(&json!("x.y")));
        let bare = json!({ "a": [{ "name": "" }] });
        assert_eq!(flat(&bare).keys().collect::<Vec<_>>(), ["a"]);
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
