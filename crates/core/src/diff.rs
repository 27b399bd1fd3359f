//! How a wanted spec and a live one are compared.
use crate::value::pending;
use serde::Serialize;
use serde_json::{Map, Value};

/// How one field of a spec is compared and changed. Fields without a rule are
/// compared as they are and changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The cloud cannot change it: a difference means delete and create.
    Immutable,
    /// Sent when the object is made and never compared again.
    CreateOnly,
    /// Set when it is made, and where it is wanted otherwise than before; what others make of it since is
    /// theirs, and so it is in what is taken over.
    OnChange,
    /// A version such as `1.35` or `v1.19.0-eksbuild.2`: a higher live value is ahead and never
    /// lowered.
    AtLeast,
    /// A map of tags or labels: ours are kept, those of others are left alone.
    Tags,
    /// A map of which only what is ours is seen: what is not wanted goes.
    Entries,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The field's name in the spec.
    pub field: String,
    /// What is there. Null when nothing is, or when it cannot be known.
    pub from: Value,
    /// What is wanted. For tags and entries, only those that change; null removes one.
    pub to: Value,
}

/// The tags to set and to remove, for kinds whose API has a call for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChange {
    /// Keys with their new values.
    pub set: Vec<(String, String)>,
    /// Keys that go.
    pub remove: Vec<String>,
}

/// The fields in which a live object differs from what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diff(pub Vec<Change>);

impl Diff {
    /// Compares `want` with `live` under `rules`.
    ///
    /// `accepted` is the last spec that the cloud took from us; it decides which tags are
    /// ours to remove, and stands in for `unobserved` fields, which differ when it is `None`.
    pub fn between(
        want: &Value,
        live: &Value,
        accepted: Option<&Value>,
        rules: &[(&str, Rule)],
        unobserved: &[&str],
    ) -> Self {
        let Value::Object(fields) = want else { return Self::default() };
        let mut changes = Vec::new();
        for (field, to) in fields {
            let rule = rules.iter().find(|(name, _)| name == field).map(|(_, rule)| *rule);
            let recorded = accepted.map_or(&Value::Null, |spec| &spec[field.as_str()]);
            let from = match unobserved.contains(&field.as_str()) {
                true => recorded,
                false => &live[field.as_str()],
            };
            match rule {
                Some(Rule::CreateOnly) => {}
                Some(Rule::OnChange) if recorded.is_null() || agrees(to, recorded) => {}
                Some(Rule::Tags) => changes.extend(tags_between(field, to, from, recorded)),
                Some(Rule::Entries) => changes.extend(tags_between(field, to, from, from)),
                Some(Rule::AtLeast) if !is_lower(from, to) => {}
                _ if agrees(to, from) => {}
                _ => changes.push(Change {
                    field: field.clone(),
                    from: from.clone(),
                    to: to.clone(),
                }),
            }
        }
        Self(changes)
    }

    /// Lists every field of a spec that is about to be made.
    pub fn of_new(want: &Value) -> Self {
        let fields = want.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null());
        Self(
            fields
                .map(|(f, v)| Change { field: f.clone(), from: Value::Null, to: v.clone() })
                .collect(),
        )
    }

    /// Tells whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether one of `fields` differs.
    pub fn touches(&self, fields: &[&str]) -> bool {
        self.0.iter().any(|change| fields.contains(&change.field.as_str()))
    }

    /// Returns the tags to set and to remove in `field`.
    pub fn tags(&self, field: &str) -> TagChange {
        let mut change = TagChange::default();
        let found = self.0.iter().find(|c| c.field == field).and_then(|c| c.to.as_object());
        for (key, value) in found.into_iter().flatten() {
            match value.as_str() {
                Some(value) => change.set.push((key.clone(), value.to_owned())),
                None => change.remove.push(key.clone()),
            }
        }
        change
    }
}

/// Compares what we want with what is there, three ways.
fn tags_between(field: &str, want: &Value, live: &Value, recorded: &Value) -> Option<Change> {
    let empty = Map::new();
    let [want, live, recorded] = [want, live, recorded].map(|v| v.as_object().unwrap_or(&empty));
    let (mut from, mut to) = (Map::new(), Map::new());
    let gone = recorded.keys().filter(|key| !want.contains_key(*key) && live.contains_key(*key));
    for key in gone {
        from.insert(key.clone(), live[key].clone());
        to.insert(key.clone(), Value::Null);
    }
    for (key, value) in want.iter().filter(|(key, value)| live.get(*key) != Some(value)) {
        from.insert(key.clone(), live.get(key).cloned().unwrap_or(Value::Null));
        to.insert(key.clone(), value.clone());
    }
    let changed = !to.is_empty();
    changed.then(|| Change { field: field.to_owned(), from: from.into(), to: to.into() })
}

/// Tells whether `live` satisfies `want`, where null means that the cloud may choose.
pub(crate) fn agrees(want: &Value, live: &Value) -> bool {
    match (want, live) {
        (Value::Null, _) => true,
        (Value::Object(want_map), Value::Object(live_map)) if pending(want).is_none() => {
            live_map.keys().all(|key| want_map.contains_key(key))
                && want_map.iter().all(|(k, v)| agrees(v, live_map.get(k).unwrap_or(&Value::Null)))
        }
        _ => want == live,
    }
}

/// Tells whether version `live` is lower than `want`. What is no version is lower.
pub(crate) fn is_lower(live: &Value, want: &Value) -> bool {
    match (version(live), version(want)) {
        (_, None) => false,
        (None, _) => true,
        (Some(live), Some(want)) => live < want,
    }
}

/// Reads a version: the numbers between its dots, and then those of its build, if it names one.
fn version(value: &Value) -> Option<(Vec<u64>, Vec<u64>)> {
    let text = value.as_str()?;
    let text = text.strip_prefix('v').unwrap_or(text);
    let (release, build) = text.split_once('-').unwrap_or((text, ""));
    let release = release.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let build = build.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    Some((release, build.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(want: Value, live: Value, accepted: Option<Value>) -> Vec<String> {
        let rules = [
            ("version", Rule::AtLeast),
            ("bootstrap", Rule::CreateOnly),
            ("policy", Rule::OnChange),
            ("tags", Rule::Tags),
        ];
        let diff = Diff::between(&want, &live, accepted.as_ref(), &rules, &["hidden"]);
        diff.0.into_iter().map(|c| format!("{} {}→{}", c.field, c.from, c.to)).collect()
    }

    #[test]
    fn each_rule_compares_as_documented() {
        let none: [&str; 0] = [];
        assert_eq!(fields(json!({"a": 1}), json!({"a": 2}), None), ["a 2→1"]);
        assert_eq!(fields(json!({"a": null}), json!({"a": 2}), None), none);
        assert_eq!(fields(json!({"version": "1.9"}), json!({"version": "1.10"}), None), none);
        assert_eq!(
            fields(json!({"version": "1.10"}), json!({"version": "1.9"}), None),
            [r#"version "1.9"→"1.10""#]
        );
        assert_eq!(fields(json!({"bootstrap": true}), json!({"bootstrap": false}), None), none);
        let policy = |accepted: Option<&str>| {
            let accepted = accepted.map(|policy| json!({ "policy": policy }));
            fields(json!({"policy": "new"}), json!({"policy": "theirs"}), accepted)
        };
        assert_eq!(policy(Some("old")), [r#"policy "theirs"→"new""#]);
        assert_eq!((policy(Some("new")), policy(None)), (vec![], vec![]), "it is theirs");
        let taken_over = Some(json!({}));
        assert_eq!(fields(json!({"policy": "new"}), json!({"policy": "theirs"}), taken_over), none);
    }

    #[test]
    fn a_version_is_lower_by_its_numbers_and_then_by_its_build() {
        let ordered = [
            "1.9",
            "1.35",
            "v1.35.1-eksbuild.2",
            "v1.35.1-eksbuild.24",
            "v1.35.2-eksbuild.1",
            "1.36.0-gke.1014001",
        ];
        for (n, lower) in ordered.iter().enumerate() {
            for (m, higher) in ordered.iter().enumerate() {
                assert_eq!(is_lower(&json!(lower), &json!(higher)), n < m, "{lower} {higher}");
            }
        }
        assert!(
            !is_lower(&json!("v1.35"), &json!("1.35"))
                && !is_lower(&json!("1.35"), &json!("v1.35"))
        );
        for none in [json!(null), json!(""), json!("latest"), json!("v1.x-eksbuild.2")] {
            assert!(is_lower(&none, &json!("1.0")) && !is_lower(&json!("1.0"), &none), "{none}");
        }
    }

    #[test]
    fn an_unobserved_field_is_compared_with_what_the_cloud_accepted() {
        let want = json!({"hidden": 1});
        assert_eq!(fields(want.clone(), json!({"hidden": 9}), None), ["hidden null→1"]);
        assert_eq!(fields(want.clone(), json!({}), Some(json!({"hidden": 2}))), ["hidden 2→1"]);
        assert_eq!(fields(want.clone(), json!({"hidden": 9}), Some(want)), [""; 0]);
    }

    #[test]
    fn tags_of_others_are_left_alone_and_ours_are_removed() {
        let recorded = json!({"tags": {"old": "1", "keep": "1"}});
        let live = json!({"tags": {"old": "1", "keep": "1", "theirs": "x"}});
        let want = json!({"tags": {"keep": "2"}});
        assert_eq!(
            fields(want, live, Some(recorded)),
            [r#"tags {"old":"1","keep":"1"}→{"old":null,"keep":"2"}"#]
        );
    }

    #[test]
    fn entries_that_are_not_wanted_go_whatever_is_on_record() {
        let rules = [("fields", Rule::Entries)];
        let want = json!({"fields": {"same": 1, "other": 2, "new": 3}});
        let live = json!({"fields": {"same": 1, "other": 1, "old": 4}});
        let Diff(changes) = Diff::between(&want, &live, None, &rules, &[]);
        assert_eq!(changes[0].from, json!({"old": 4, "other": 1, "new": null}));
        assert_eq!(changes[0].to, json!({"old": null, "other": 2, "new": 3}));
        assert!(Diff::between(&want, &want, None, &rules, &[]).is_empty());
    }

    #[test]
    fn tag_changes_split_into_set_and_remove() {
        let to = json!({"a": "1", "b": null});
        let diff = Diff(vec![Change { field: "tags".into(), from: Value::Null, to }]);
        let tags = diff.tags("tags");
        assert_eq!(tags.set, [("a".to_owned(), "1".to_owned())]);
        assert_eq!(tags.remove, ["b"]);
    }

    #[test]
    fn an_unresolved_reference_equals_itself_only() {
        let reference = json!({"a": {"$from": "vpc", "output": "id"}});
        assert_eq!(fields(reference.clone(), reference.clone(), None), [""; 0]);
        assert_eq!(fields(reference, json!({"a": "vpc-1"}), None).len(), 1);
    }
}
