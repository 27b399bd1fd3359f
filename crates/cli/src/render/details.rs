//! The few fields of a new object that say most about it.
use super::style::{Paint, Word, words};
use super::value::{compact, is_blank, reference};
use provision_core::{LINEAGE_MARK, Marks, Step};
use serde_json::{Map, Value};

/// The fields that tell most, in the order they are shown in.
const TELLING: [&str; 29] = [
    "cidr",
    "cidrs",
    "zone",
    "zones",
    "destination",
    "target",
    "service",
    "version",
    "min",
    "machine",
    "machines",
    "capacity",
    "disk_gb",
    "labels",
    "taints",
    "service_account",
    "policies",
    "boundary",
    "audiences",
    "public",
    "public_cidrs",
    "secrets_key",
    "retention",
    "class",
    "parameters",
    "reclaim",
    "registry",
    "grants",
    "expires",
];
/// The fields that are shown where none of the telling ones is set.
const ELSE: [&str; 2] = ["description", "name"];
/// What there is to say of addresses that have no fields of their own.
const SAID: [(&str, &str); 1] =
    [("leftovers", "what the cluster will make in its network by itself; goes with it")];
/// The longest list that is shown in full.
const LONGEST: usize = 8;

/// Returns what there is to say about a new object, as words that do not break.
pub(super) fn of(step: &Step) -> Vec<Word> {
    let fields: Map<String, Value> =
        step.changes.0.iter().map(|change| (change.field.clone(), change.to.clone())).collect();
    let is_said = |phrase: &String| step.address.as_str().split('/').any(|part| part == phrase);
    let phrases = |names: &[&str]| -> Vec<String> {
        let told = names.iter().filter_map(|name| phrase(name, &fields));
        told.filter(|phrase| !is_said(phrase)).collect()
    };
    let mut told = phrases(&TELLING);
    if told.is_empty() {
        told = phrases(&ELSE);
        told.truncate(1);
    }
    let said = SAID.iter().find(|(address, _)| *address == step.address.as_str());
    match said.filter(|_| told.is_empty()) {
        Some((_, said)) => words(Paint::Plain, said),
        None => joined(&told),
    }
}

fn phrase(name: &str, fields: &Map<String, Value>) -> Option<String> {
    let value = fields.get(name)?;
    let text = match (name, value) {
        ("public", Value::Bool(public)) => {
            if *public { "public endpoint" } else { "private endpoint" }.to_owned()
        }
        ("retention", Value::Number(days)) => match days.as_u64() {
            Some(0) => "kept for ever".to_owned(),
            _ => format!("kept {days} days"),
        },
        (_, value) if is_blank(value) => return None,
        ("target", _) => format!("via {}", place(value)),
        ("secrets_key", _) => format!("secrets under {}", place(value)),
        (_, value) if reference(value).is_some() => return None,
        ("description", Value::String(text)) if text.contains(LINEAGE_MARK) => return None,
        ("service_account", _) => match fields.get("namespace") {
            Some(namespace) => format!("{}/{}", compact(namespace), compact(value)),
            None => compact(value),
        },
        ("expires", Value::String(term)) => format!("for {term}"),
        ("version", Value::String(text)) if text.starts_with('v') => text.clone(),
        ("version", _) => format!("version {}", compact(value)),
        ("min", _) => match fields.get("max") {
            Some(max) => format!("{}–{} nodes", compact(value), compact(max)),
            None => format!("at least {} nodes", compact(value)),
        },
        ("capacity", _) => compact(value).to_lowercase().replace('_', " "),
        ("disk_gb", _) => format!("{} GiB disk", compact(value)),
        ("public_cidrs", Value::Array(ranges)) => format!("open to {}", list(ranges, compact)),
        ("policies", Value::Object(policies)) => {
            let arns: Vec<_> = policies.keys().map(|arn| Value::from(arn.as_str())).collect();
            list(&arns, last)
        }
        ("boundary", _) => format!("bounded by {}", last(value)),
        ("labels" | "parameters", Value::Object(pairs)) => all(pairs)?,
        ("taints", Value::Array(taints)) => format!("taints {}", list(taints, compact)),
        (_, Value::Array(items)) => list(items, compact),
        _ => compact(value),
    };
    Some(text)
}

/// Returns the last part of an ARN.
fn last(arn: &Value) -> String {
    compact(arn).rsplit('/').next().unwrap_or_default().to_owned()
}

/// Names where a value comes from, or the value.
fn place(value: &Value) -> String {
    reference(value).map_or_else(|| compact(value), |(from, _)| from.to_owned())
}

fn all(labels: &Map<String, Value>) -> Option<String> {
    let shown = labels.iter().filter(|(key, _)| !Marks::is_mark(key));
    let pairs: Vec<_> =
        shown.map(|(key, v)| Value::from(format!("{key}={}", compact(v)))).collect();
    (!pairs.is_empty()).then(|| list(&pairs, compact))
}

fn list(items: &[Value], one: impl Fn(&Value) -> String) -> String {
    let mut shown: Vec<_> = items.iter().take(LONGEST).map(one).collect();
    if let Some(more) = items.len().checked_sub(LONGEST).filter(|more| *more > 0) {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}

/// Joins phrases so that lines break between them, or after a comma within one.
fn joined(phrases: &[String]) -> Vec<Word> {
    let mut all = Vec::new();
    for (i, phrase) in phrases.iter().enumerate() {
        let end = if i + 1 < phrases.len() { " ·" } else { "" };
        let parts: Vec<_> = phrase.split(", ").collect();
        for (j, part) in parts.iter().enumerate() {
            let end = if j + 1 < parts.len() { "," } else { end };
            all.push(Word::plain(format!("{part}{end}")));
        }
    }
    all
}
