//! Sets of fields, in the form of `fieldsV1`: who has set what.
use super::schema::{Merge, Type};
use serde_json::{Map, Value, json};

/// A set of fields: members `f:NAME`, items `k:{KEYS}` and `v:VALUE`, and `.` for the thing itself.
pub(super) type Set = Map<String, Value>;

/// Fields of every object that nobody owns.
const NOBODYS: [&str; 9] = [
    "clusterName",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Returns the key of an item of a list, as sets write it. A port without protocol is one of TCP.
pub(super) fn item_key(item: &Value, merge: &Merge) -> Option<String> {
    match merge {
        Merge::Whole => None,
        Merge::Set => Some(format!("v:{item}")),
        Merge::Keys(names) => {
            let mut key = Map::new();
            let mut sorted = names.clone();
            sorted.sort();
            for name in sorted {
                let value = match item.get(&name) {
                    Some(value) => value.clone(),
                    None if name == "protocol" => json!("TCP"),
                    None => continue,
                };
                key.insert(name, value);
            }
            (!key.is_empty()).then(|| format!("k:{}", Value::Object(key)))
        }
    }
}

/// Returns the fields that a value sets.
pub(super) fn of(value: &Value, ty: &Type) -> Set {
    let mut set = Set::new();
    match value {
        Value::Object(members) if !ty.is_whole() => {
            for (name, value) in members {
                let inner = ty.member(name).map(|ty| of(value, ty)).unwrap_or_default();
                set.insert(format!("f:{name}"), Value::Object(inner));
            }
        }
        Value::Array(items) => {
            let (item_type, merge) = ty.items();
            for item in items {
                let Some(key) = item_key(item, merge) else { continue };
                let mut inner = of(item, item_type);
                if *merge != Merge::Set {
                    inner.insert(".".to_owned(), json!({}));
                }
                set.insert(key, Value::Object(inner));
            }
        }
        _ => {}
    }
    set
}

/// Takes away what nobody owns: names, and what the API itself sets.
pub(super) fn owned(mut set: Set, subresource: &str) -> Set {
    let status_only = subresource == "status";
    set.retain(|name, _| match name.as_str() {
        "f:apiVersion" | "f:kind" => false,
        "f:status" => status_only,
        _ => !status_only,
    });
    if let Some(Value::Object(metadata)) = set.get_mut("f:metadata") {
        let nobodys = NOBODYS.iter().copied().chain(["name", "namespace", "generateName"]);
        nobodys.for_each(|name| drop(metadata.shift_remove(&format!("f:{name}"))));
        if metadata.is_empty() {
            set.shift_remove("f:metadata");
        }
    }
    set
}

fn inner(value: &Value) -> &Set {
    static EMPTY: std::sync::OnceLock<Set> = std::sync::OnceLock::new();
    value.as_object().unwrap_or_else(|| EMPTY.get_or_init(Set::new))
}

/// Adds a set to another.
pub(super) fn unite(set: &mut Set, other: &Set) {
    for (name, value) in other {
        match set.get_mut(name) {
            Some(Value::Object(mine)) => unite(mine, inner(value)),
            _ => drop(set.insert(name.clone(), value.clone())),
        }
    }
}

/// Takes what is in another set away from this, with all below.
pub(super) fn subtract(set: &mut Set, other: &Set) {
    for (name, value) in other {
        let Some(Value::Object(mine)) = set.get_mut(name) else { continue };
        let theirs = inner(value);
        if theirs.is_empty() {
            set.shift_remove(name);
            continue;
        }
        let was_empty = mine.is_empty();
        subtract(mine, theirs);
        let is_empty = mine.is_empty() || mine.keys().all(|name| name == ".");
        if is_empty && !was_empty {
            set.shift_remove(name);
        }
    }
}

/// Returns what is in a set and not in the other.
pub(super) fn without(set: &Set, other: &Set) -> Set {
    let mut left = Set::new();
    for (name, value) in set {
        match other.get(name) {
            None => drop(left.insert(name.clone(), value.clone())),
            Some(theirs) => {
                let below = without(inner(value), inner(theirs));
                if !below.is_empty() {
                    left.insert(name.clone(), Value::Object(below));
                }
            }
        }
    }
    left
}

/// Returns what is in both of two sets, down to the leaves of either.
pub(super) fn both(set: &Set, other: &Set) -> Set {
    let mut common = Set::new();
    for (name, value) in set {
        let Some(theirs) = other.get(name) else { continue };
        let (mine, theirs) = (inner(value), inner(theirs));
        let below = both(mine, theirs);
        let is_leaf = mine.is_empty() || theirs.is_empty();
        if name != "." && (is_leaf || !below.is_empty()) {
            common.insert(name.clone(), Value::Object(below));
        }
    }
    common
}

/// Returns what differs between two values: what is new or changed, and what is gone.
pub(super) fn changes(before: &Value, after: &Value, ty: &Type) -> (Set, Set) {
    let (mut changed, mut gone) = (Set::new(), Set::new());
    let (Some(old), Some(new)) = (parts(before, ty), parts(after, ty)) else {
        return (changed, gone);
    };
    for (name, (value, ty)) in &new {
        match old.iter().find(|(key, _)| key == name) {
            None => {
                let mut below = of(value, ty);
                if name.starts_with("k:") {
                    below.insert(".".to_owned(), json!({}));
                }
                changed.insert(name.clone(), Value::Object(below));
            }
            Some((_, (was, _))) if was == value => {}
            Some((_, (was, _))) => match is_parted(was, ty) && is_parted(value, ty) {
                false => drop(changed.insert(name.clone(), json!({}))),
                true => {
                    let (more, less) = changes(was, value, ty);
                    for (set, part) in [(&mut changed, more), (&mut gone, less)] {
                        if !part.is_empty() {
                            set.insert(name.clone(), Value::Object(part));
                        }
                    }
                }
            },
        }
    }
    for (name, _) in old.iter().filter(|(name, _)| !new.iter().any(|(key, _)| key == name)) {
        gone.insert(name.clone(), json!({}));
    }
    (changed, gone)
}

/// Tells whether a value has parts that are owned one by one.
fn is_parted(value: &Value, ty: &Type) -> bool {
    match value {
        Value::Object(_) => !ty.is_whole(),
        Value::Array(_) => *ty.items().1 != Merge::Whole,
        _ => false,
    }
}

type Parts<'a> = Vec<(String, (&'a Value, &'a Type))>;

fn parts<'a>(value: &'a Value, ty: &'a Type) -> Option<Parts<'a>> {
    match value {
        _ if !is_parted(value, ty) => None,
        Value::Object(members) => {
            let any = &Type::Any;
            let part = |(name, value): (&String, &'a Value)| {
                (format!("f:{name}"), (value, ty.member(name).unwrap_or(any)))
            };
            Some(members.iter().map(part).collect())
        }
        _ => {
            let (of, merge) = ty.items();
            let items = value.as_array().into_iter().flatten();
            Some(items.filter_map(|item| Some((item_key(item, merge)?, (item, of)))).collect())
        }
    }
}

/// Takes what is in a set out of a value, unless another set has it too.
pub(super) fn remove(value: &mut Value, set: &Set, kept: &Set, ty: &Type) {
    for (name, below) in set.iter().filter(|(name, _)| *name != ".") {
        let below = inner(below);
        let is_kept = kept.contains_key(name);
        let kept = kept.get(name).map(inner).cloned().unwrap_or_default();
        let is_all = (below.is_empty() || below.contains_key(".")) && !is_kept;
        match (name.split_once(':'), &mut *value) {
            (Some(("f", field)), Value::Object(members)) => {
                let member = ty.member(field).unwrap_or(&Type::Any);
                if is_all {
                    members.shift_remove(field);
                } else if let Some(value) = members.get_mut(field) {
                    remove(value, below, &kept, member);
                    let is_empty = value.as_object().is_some_and(Map::is_empty)
                        || value.as_array().is_some_and(Vec::is_empty);
                    if is_empty && !is_kept {
                        members.shift_remove(field);
                    }
                }
            }
            (Some(_), Value::Array(items)) => {
                let (of, merge) = ty.items();
                let at = items.iter().position(|it| item_key(it, merge).as_ref() == Some(name));
                match at {
                    Some(at) if is_all => drop(items.remove(at)),
                    Some(at) => remove(&mut items[at], below, &kept, of),
                    None => {}
                }
            }
            _ => {}
        }
    }
}

/// Returns the paths of the leaves of a set, as errors write them.
pub(super) fn paths(set: &Set) -> Vec<String> {
    let mut all = Vec::new();
    for (name, below) in set.iter().filter(|(name, _)| *name != ".") {
        let step = match name.split_once(':') {
            Some(("f", field)) => format!(".{field}"),
            Some(("k", keys)) => {
                let keys: Set = serde_json::from_str(keys).unwrap_or_default();
                let pairs: Vec<String> =
                    keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                format!("[{}]", pairs.join(","))
            }
            Some((_, value)) => format!("[={value}]"),
            None => continue,
        };
        let below = paths(inner(below));
        match below.is_empty() {
            true => all.push(step),
            false => all.extend(below.into_iter().map(|rest| format!("{step}{rest}"))),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kind;
    use super::*;

    fn pod() -> (Value, Type) {
        let pod = json!({ "metadata": { "name": "a", "labels": { "app": "x" } }, "spec": {
            "containers": [{ "name": "main", "image": "i", "ports": [{ "containerPort": 80 }] }],
            "tolerations": [{ "key": "k" }],
        } });
        (pod, Type::of(Kind::named("pods")))
    }

    #[test]
    fn a_set_has_the_form_of_kubernetes() {
        let (pod, ty) = pod();
        let set = owned(of(&pod, &ty), "");
        let wanted = json!({
            "f:metadata": { "f:labels": { "f:app": {} } },
            "f:spec": {
                "f:containers": { "k:{\"name\":\"main\"}": {
                    "f:name": {}, "f:image": {},
                    "f:ports": { "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {
                        "f:containerPort": {}, ".": {},
                    } },
                    ".": {},
                } },
                "f:tolerations": {},
            },
        });
        assert_eq!(Value::Object(set.clone()), wanted);
        let all = paths(&set);
        assert!(all.contains(&".spec.containers[name=\"main\"].image".to_owned()), "{all:?}");
    }

    #[test]
    fn what_changed_and_what_is_gone_is_told_apart() {
        let (before, ty) = pod();
        let mut after = before.clone();
        after["spec"]["containers"][0]["image"] = json!("j");
        after["metadata"]["labels"] = json!({ "tier": "y" });
        let (changed, gone) = changes(&before, &after, &ty);
        let wanted = [".metadata.labels.tier", ".spec.containers[name=\"main\"].image"];
        assert_eq!(paths(&changed), wanted);
        assert_eq!(paths(&gone), [".metadata.labels.app"]);
    }

    #[test]
    fn what_is_given_up_goes_unless_others_have_it() {
        let (mut value, ty) = pod();
        let set = of(&json!({ "metadata": { "labels": { "app": "x" } } }), &ty);
        remove(&mut value, &set, &set, &ty);
        assert_eq!(value["metadata"]["labels"]["app"], "x");
        remove(&mut value, &set, &Set::new(), &ty);
        assert_eq!(value["metadata"].get("labels"), None);
    }
}
