//! Server-side apply: who owns which field, and what happens when two want the same one.
use super::fields::{self, Set};
use super::kind::Kind;
use super::schema::{Merge, Type};
use super::status::Status;
use serde_json::{Map, Value, json};

/// One manager of fields of an object.
#[derive(Clone, Debug, PartialEq)]
struct Manager {
    name: String,
    operation: String,
    api_version: String,
    subresource: String,
    time: String,
    set: Set,
}

/// Who makes a change, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    pub(super) manager: &'a str,
    pub(super) subresource: &'a str,
    pub(super) time: &'a str,
    pub(super) kind: &'a Kind,
}

impl Manager {
    fn new(change: Change<'_>, operation: &str) -> Self {
        Self {
            name: change.manager.to_owned(),
            operation: operation.to_owned(),
            api_version: change.kind.api_version(),
            subresource: change.subresource.to_owned(),
            time: change.time.to_owned(),
            set: Set::new(),
        }
    }

    fn read(value: &Value) -> Self {
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        Self {
            name: text("manager"),
            operation: text("operation"),
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            time: text("time"),
            set: value["fieldsV1"].as_object().cloned().unwrap_or_default(),
        }
    }

    fn write(&self) -> Value {
        let mut value = json!({
            "manager": self.name,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.set,
        });
        if !self.subresource.is_empty() {
            value["subresource"] = json!(self.subresource);
        }
        value
    }

    fn is(&self, other: &Self) -> bool {
        let key = |it: &Self| (it.name.clone(), it.operation.clone(), it.subresource.clone());
        key(self) == key(other)
    }

    /// Says who this is, as conflicts do.
    fn told(&self) -> String {
        let mut text = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            text += &format!(" with subresource {:?}", self.subresource);
        }
        if self.operation == "Update" {
            text += &format!(" using {}", self.api_version);
        }
        text
    }
}

fn managers(object: &Value) -> Vec<Manager> {
    let all = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    all.map(Manager::read).collect()
}

fn keep(object: &mut Value, mut all: Vec<Manager>) {
    all.retain(|manager| !manager.set.is_empty());
    all.sort_by(|a, b| (&a.operation, &a.time, &a.name).cmp(&(&b.operation, &b.time, &b.name)));
    let all: Vec<Value> = all.iter().map(Manager::write).collect();
    object["metadata"]["managedFields"] = json!(all);
}

/// Notes who changed what by any other way than apply.
pub(super) fn note(before: Option<&Value>, after: &mut Value, change: Change<'_>) {
    let ty = Type::of(change.kind);
    let nothing = json!({});
    let (changed, gone) = fields::changes(before.unwrap_or(&nothing), after, &ty);
    let changed = fields::owned(changed, change.subresource);
    let mut all = before.map(managers).unwrap_or_default();
    let mut mine = Manager::new(change, "Update");
    if let Some(at) = all.iter().position(|manager| manager.is(&mine)) {
        let was = all.remove(at);
        mine = if changed.is_empty() { was } else { Manager { set: was.set, ..mine } };
    }
    for manager in &mut all {
        fields::subtract(&mut manager.set, &changed);
        fields::subtract(&mut manager.set, &gone);
    }
    fields::subtract(&mut mine.set, &gone);
    fields::unite(&mut mine.set, &changed);
    all.push(mine);
    keep(after, all);
}

/// Applies what a manager wants of an object.
///
/// # Errors
/// When others own what would change, unless that is forced.
pub(super) fn apply(
    live: Option<&Value>,
    wanted: &Value,
    change: Change<'_>,
    force: bool,
) -> Result<Value, Status> {
    let ty = Type::of(change.kind);
    let empty = json!({});
    let live = live.unwrap_or(&empty);
    let set = fields::owned(fields::of(wanted, &ty), change.subresource);
    let mut merged = merge(live, &only(wanted, change.subresource), &ty);
    let (changed, _) = fields::changes(live, &merged, &ty);
    let mut all = managers(live);
    let mut mine = Manager::new(change, "Apply");
    let before = all.iter().position(|manager| manager.is(&mine)).map(|at| all.remove(at));
    let lost: Vec<(String, Set)> = all
        .iter()
        .map(|manager| (manager.told(), fields::both(&manager.set, &changed)))
        .filter(|(_, lost)| !lost.is_empty())
        .collect();
    if !lost.is_empty() && !force {
        return Err(conflict(&lost));
    }
    for manager in &mut all {
        let lost = fields::both(&manager.set, &changed);
        fields::subtract(&mut manager.set, &lost);
    }
    if let Some(before) = &before {
        let given_up = fields::without(&before.set, &set);
        let mut kept = set.clone();
        all.iter().for_each(|manager| fields::unite(&mut kept, &manager.set));
        fields::remove(&mut merged, &given_up, &kept, &ty);
    }
    mine.set = set;
    if let Some(before) = before.filter(|before| before.set == mine.set && merged == *live) {
        mine.time = before.time;
    }
    all.push(mine);
    keep(&mut merged, all);
    Ok(merged)
}

/// Returns what may be set where a manager applies it: the status alone, or all but that.
fn only(wanted: &Value, subresource: &str) -> Value {
    let mut wanted = wanted.clone();
    if let Some(members) = wanted.as_object_mut() {
        match subresource {
            "status" => members.retain(|name, _| name == "status"),
            _ => drop(members.shift_remove("status")),
        }
    }
    wanted
}

fn conflict(lost: &[(String, Set)]) -> Status {
    let told: Vec<(&String, Vec<String>)> =
        lost.iter().map(|(manager, set)| (manager, fields::paths(set))).collect();
    let count: usize = told.iter().map(|(_, paths)| paths.len()).sum();
    let message = match &told[..] {
        [(manager, paths)] if paths.len() == 1 => {
            format!("Apply failed with 1 conflict: conflict with {manager}: {}", paths[0])
        }
        _ => {
            let mut text = format!("Apply failed with {count} conflicts: ");
            let of = |(manager, paths): &(&String, Vec<String>)| {
                format!("conflicts with {manager}:\n- {}", paths.join("\n- "))
            };
            text += &told.iter().map(of).collect::<Vec<_>>().join("\n");
            text
        }
    };
    let cause = |manager: &String, path: &String| {
        let message = format!("conflict with {manager}");
        json!({ "reason": "FieldManagerConflict", "message": message, "field": path })
    };
    let causes: Vec<Value> = told
        .iter()
        .flat_map(|(manager, paths)| paths.iter().map(move |path| cause(manager, path)))
        .collect();
    let mut status = Status::new(409, "Conflict", message);
    status.details = json!({ "causes": causes });
    status
}

/// Merges what is wanted into what there is, as the markers of its type say.
pub(super) fn merge(live: &Value, wanted: &Value, ty: &Type) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) if !ty.is_whole() => {
            let mut merged: Map<String, Value> = live.clone();
            for (name, value) in wanted {
                let ty = ty.member(name).unwrap_or(&Type::Any);
                let value = match live.get(name) {
                    Some(before) => merge(before, value, ty),
                    None => value.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Value::Array(live), Value::Array(wanted)) if *ty.items().1 != Merge::Whole => {
            let (of, rule) = ty.items();
            let mut merged = live.clone();
            for item in wanted {
                let key = fields::item_key(item, rule);
                let at = merged.iter().position(|it| fields::item_key(it, rule) == key);
                match at {
                    Some(at) => merged[at] = merge(&merged[at], item, of),
                    None => merged.push(item.clone()),
                }
            }
            Value::Array(merged)
        }
        _ => wanted.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(data: Value) -> Value {
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": data })
    }

    fn by<'a>(manager: &'a str, kind: &'a Kind) -> Change<'a> {
        Change { manager, subresource: "", time: "2026-01-01T00:00:00Z", kind }
    }

    #[test]
    fn what_another_owns_conflicts_until_it_is_forced() {
        let kind = Kind::named("configmaps");
        let mut live = map(json!({ "a": "1", "b": "1" }));
        note(None, &mut live, by("kubectl-create", kind));
        let wanted = map(json!({ "a": "2" }));
        let refused = apply(Some(&live), &wanted, by("ours", kind), false).unwrap_err();
        assert_eq!(
            refused.message,
            "Apply failed with 1 conflict: conflict with \"kubectl-create\" using v1: .data.a"
        );
        assert_eq!(refused.details["causes"][0]["field"], ".data.a");
        let forced = apply(Some(&live), &wanted, by("ours", kind), true).unwrap();
        assert_eq!(forced["data"], json!({ "a": "2", "b": "1" }));
        let sets = &forced["metadata"]["managedFields"];
        assert_eq!(sets[0]["fieldsV1"], json!({ "f:data": { "f:a": {} } }));
        assert_eq!(sets[1]["fieldsV1"], json!({ "f:data": { "f:b": {} } }));
    }

    #[test]
    fn the_same_value_is_shared_and_what_is_given_up_goes() {
        let kind = Kind::named("configmaps");
        let first = map(json!({ "a": "1", "b": "1" }));
        let live = apply(None, &first, by("one", kind), false).unwrap();
        let live = apply(Some(&live), &map(json!({ "a": "1" })), by("two", kind), false).unwrap();
        let live = apply(Some(&live), &map(json!({})), by("one", kind), false).unwrap();
        assert_eq!(live["data"], json!({ "a": "1" }), "two still has a, and nobody has b");
        let same = apply(Some(&live), &map(json!({})), by("one", kind), false).unwrap();
        assert_eq!(same, live, "applying twice changes nothing");
    }

    #[test]
    fn a_change_by_other_ways_takes_the_field() {
        let kind = Kind::named("configmaps");
        let live = apply(None, &map(json!({ "a": "1" })), by("ours", kind), false).unwrap();
        let mut after = live.clone();
        after["data"]["a"] = json!("9");
        note(Some(&live), &mut after, by("kubectl-edit", kind));
        let refused = apply(Some(&after), &map(json!({ "a": "1" })), by("ours", kind), false);
        assert!(refused.unwrap_err().message.contains("\"kubectl-edit\" using v1: .data.a"));
    }
}
