//! What our manager has set of an object, and is not wanted any more.
use super::fields::{Fields, flatten, get, item, member};
use crate::api::MANAGER;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::core::DynamicObject;
use serde_json::{Value, json};

/// Returns what the API notes of our applies to an object.
pub(super) fn applied(object: &DynamicObject) -> Option<&ManagedFieldsEntry> {
    let ours = |it: &&ManagedFieldsEntry| {
        it.manager.as_deref() == Some(MANAGER)
            && it.operation.as_deref() == Some("Apply")
            && it.subresource.is_none()
    };
    object.metadata.managed_fields.iter().flatten().find(ours)
}

/// Returns the fields that we have set and that are not wanted, each as high up as all of it is
/// ours.
pub(super) fn given_up(applied: &ManagedFieldsEntry, object: &Value, wanted: &Fields) -> Fields {
    let walk = Walk { wanted, into_whole: false };
    walk.found(applied, object)
}

/// Returns what is different within what we have set as a whole, and in lists: of that nobody can
/// tell what the API has filled in.
pub(super) fn within_whole(
    applied: &ManagedFieldsEntry,
    object: &Value,
    wanted: &Fields,
) -> Fields {
    let walk = Walk { wanted, into_whole: true };
    let mut found = walk.found(applied, object);
    for (path, wanted) in wanted.iter().filter(|(_, it)| it.is_array()) {
        if let Some(live) = get(object, path).filter(|live| *live != wanted) {
            found.insert(path.clone(), live.clone());
        }
    }
    found
}

/// A way through the fields that we have set.
struct Walk<'a> {
    wanted: &'a Fields,
    /// Whether it goes into what is set as a whole.
    into_whole: bool,
}

impl Walk<'_> {
    fn found(&self, applied: &ManagedFieldsEntry, object: &Value) -> Fields {
        let mut found = Fields::new();
        if let Some(set) = &applied.fields_v1 {
            self.go(&set.0, "", object, &mut found);
        }
        found
    }

    fn go(&self, set: &Value, path: &str, live: &Value, found: &mut Fields) {
        for (key, below) in set.as_object().into_iter().flatten() {
            let Some((path, live)) = step(key, path, live) else { continue };
            match self.is_wanted(&path) {
                Some(true) => {}
                Some(false) if is_whole(below) => self.look_into(&path, live, found),
                None if is_whole(below) || is_all(below, live) => {
                    found.insert(path, live.clone());
                }
                _ => self.go(below, &path, live, found),
            }
        }
    }

    /// Finds what is not wanted of what is set as a whole, where something of it is.
    fn look_into(&self, path: &str, live: &Value, found: &mut Fields) {
        if self.into_whole {
            let mut all = Fields::new();
            flatten(path, live, &mut all);
            found.extend(all.into_iter().filter(|(path, _)| !self.wanted.contains_key(path)));
        }
    }

    /// Tells whether what is at a path is wanted as a whole, or something below. `None`: neither.
    fn is_wanted(&self, path: &str) -> Option<bool> {
        // What else it has is not of manifests.
        if path == "metadata" {
            return Some(false);
        }
        let near = self.wanted.range(path.to_owned()..);
        let mut near = near.map_while(|(wanted, _)| wanted.strip_prefix(path));
        near.find_map(|rest| match rest.chars().next() {
            // Of what is wanted empty nothing below is.
            None => Some(self.wanted[path] != json!({})),
            Some('.' | '[') => Some(false),
            Some(_) => None,
        })
    }
}

/// Tells whether a set has something as a whole.
fn is_whole(set: &Value) -> bool {
    set.as_object().is_none_or(|members| members.is_empty())
}

/// Tells whether a set has all that there is of something, or the item of a list. A list of which
/// not all items have names is one thing.
fn is_all(set: &Value, live: &Value) -> bool {
    let has = |name: &String| set.get(format!("f:{name}")).is_some();
    match live {
        _ if set.get(".").is_some() => true,
        Value::Object(members) => members.keys().all(has),
        Value::Array(items) => {
            let keys = set.as_object().into_iter().flatten();
            let found: Vec<_> = keys.map(|(key, _)| step(key, "", live)).collect();
            found.iter().any(Option::is_none) || found.len() == items.len()
        }
        _ => true,
    }
}

/// Returns the path that a key of a set leads to, and what is there. `None` for items without names.
fn step<'a>(key: &str, path: &str, live: &'a Value) -> Option<(String, &'a Value)> {
    let (path, live) = match key.split_once(':')? {
        ("f", name) => (member(path, name), live.get(name)?),
        ("k", keys) => {
            let keys: Value = serde_json::from_str(keys).ok()?;
            let keys = keys.as_object()?;
            let is_it = |it: &&Value| keys.iter().all(|(name, value)| it[name] == *value);
            let found = live.as_array()?.iter().find(is_it)?;
            (item(path, found["name"].as_str()?), found)
        }
        _ => return None,
    };
    (!live.is_null()).then_some((path, live))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldsV1;

    fn set(fields: Value) -> ManagedFieldsEntry {
        ManagedFieldsEntry { fields_v1: Some(FieldsV1(fields)), ..ManagedFieldsEntry::default() }
    }

    fn flat(value: &Value) -> Fields {
        let mut fields = Fields::new();
        flatten("", value, &mut fields);
        fields
    }

    #[test]
    fn what_is_given_up_is_named_as_a_whole_and_nothing_of_others_is() {
        let env = json!({ "k:{\"name\":\"DEBUG\"}": { ".": {}, "f:name": {}, "f:value": {} },
            "k:{\"name\":\"LEVEL\"}": { ".": {}, "f:name": {}, "f:value": {} } });
        let container = json!({ ".": {}, "f:name": {}, "f:image": {}, "f:env": env });
        let applied = set(json!({
            "f:metadata": { "f:annotations": { "f:a": {} }, "f:labels": { "f:old": {} } },
            "f:spec": { "f:replicas": {}, "f:containers": { "k:{\"name\":\"app\"}": container } },
        }));
        let live = json!({
            "metadata": { "labels": { "old": "1", "theirs": "1" } },
            "spec": { "replicas": 2, "paused": true, "containers": [
                { "name": "side" },
                { "name": "app", "image": "a:1", "imagePullPolicy": "Always", "env": [
                    { "name": "DEBUG", "value": "1" }, { "name": "LEVEL", "value": "2" }] }] },
        });
        let wanted = flat(&json!({ "spec": { "containers": [
            { "name": "app", "image": "a:1", "env": [{ "name": "LEVEL", "value": "2" }] }] } }));
        let found = given_up(&applied, &live, &wanted);
        let paths: Vec<_> = found.keys().map(String::as_str).collect();
        let wanted = ["metadata.labels.old", "spec.containers[app].env[DEBUG]", "spec.replicas"];
        assert_eq!(paths, wanted);
        assert_eq!(found["spec.containers[app].env[DEBUG]"]["value"], "1");
        let none = flat(&json!({ "metadata": { "labels": {} }, "spec": live["spec"] }));
        let found = given_up(&applied, &live, &none);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["metadata.labels.old"]);
        let all = flat(&json!({ "metadata": { "labels": { "old": "1" } }, "spec": live["spec"] }));
        assert_eq!(given_up(&applied, &live, &all), Fields::new());
        assert_eq!(within_whole(&applied, &live, &all), Fields::new());
    }

    #[test]
    fn items_are_found_by_whatever_tells_them_apart() {
        let port = |number: u32| format!("k:{{\"port\":{number},\"protocol\":\"TCP\"}}");
        let applied = set(json!({ "f:spec": {
            "f:ports": { port(80): { ".": {} }, port(81): { ".": {} } },
            "f:plain": { port(80): { ".": {} } },
        } }));
        let one =
            |name: &str, number: u32| json!({ "name": name, "port": number, "protocol": "TCP" });
        let live = json!({ "spec": { "ports": [one("web", 80), one("metrics", 81)],
                                     "plain": [{ "port": 80, "protocol": "TCP" }] } });
        let wanted = flat(&json!({ "spec": { "ports": [one("web", 80)] } }));
        let found = given_up(&applied, &live, &wanted);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["spec.plain", "spec.ports[metrics]"]);
    }

    #[test]
    fn what_is_set_as_a_whole_is_looked_into_where_that_is_asked_for() {
        let applied = set(json!({ "f:rules": {}, "f:spec": { "f:selector": {} } }));
        let live = json!({ "rules": [{ "verbs": ["get"], "resourceNames": ["a"] }],
                           "spec": { "selector": { "app": "a", "tier": "b" } } });
        let wanted = flat(&json!({ "rules": [{ "verbs": ["get"] }],
                                   "spec": { "selector": { "app": "a" } } }));
        assert_eq!(given_up(&applied, &live, &wanted), Fields::new());
        let found = within_whole(&applied, &live, &wanted);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["rules", "spec.selector.tier"]);
        assert_eq!(found["rules"], live["rules"]);
    }
}
