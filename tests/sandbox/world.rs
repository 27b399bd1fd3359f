//! What a world file holds, in words that are the same wherever the same was made.
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The account that everything is in: no random number, though it looks like one.
const ACCOUNT: &str = "123456789012";

/// Members that differ from one world to the next, or count how often something changed on its way:
/// times are told apart by themselves.
const LOOSE: [&str; 21] = [
    "activities",
    "availableIpAddressCount",
    "ca.crt",
    "certificateAuthority",
    "deviceIndex",
    "generation",
    "instances",
    "ipAddress",
    "known",
    "macAddress",
    "made",
    "privateDnsName",
    "privateIp",
    "privateIpAddress",
    "privateIpAddressesSet",
    "publicIp",
    "request",
    "resourceVersion",
    "thumbprints",
    "turns",
    "update",
];

/// Where a machine comes up, and as which one, is chance; so all but this of it is left out.
const OF_MACHINES: [&str; 6] =
    ["description", "groupSet", "instanceState", "interfaceType", "requesterManaged", "status"];

/// What happened to something, and sessions, are no objects.
const EVENTS: [&str; 2] = ["eks.update", "sts.session"];

/// An object of a world: its kind and id, and what is told of it.
type Entry = (String, String, Value);

/// Returns the objects of a world, but for those that clusters have inside by themselves: which pod
/// is where, and what is told of it, is chance.
fn entries(world: &[u8]) -> Vec<Entry> {
    let mut world: Value = serde_json::from_slice(world).expect("a world is JSON");
    let Value::Array(objects) = world["objects"].take() else { panic!("it has objects") };
    let text = |value: &Value| value.as_str().expect("it is a text").to_owned();
    let entry = |mut it: Value| (text(&it[0]["kind"]), text(&it[0]["id"]), it[1].take());
    objects.into_iter().map(entry).filter(|it| !is_of_cluster(it)).collect()
}

fn is_of_cluster((kind, _, object): &Entry) -> bool {
    let annotations = &object["body"]["metadata"]["annotations"];
    kind.starts_with("kubernetes.") && annotations["provision-lineage"].is_null()
}

/// Tells whether an object has gone, but for its being told of for a while.
fn has_passed(object: &Value) -> bool {
    let body = &object["body"];
    let words = [&body["state"], &body["instanceState"]["name"], &body["KeyState"]];
    let over = ["deleting", "deleted", "shutting-down", "terminated", "PendingDeletion"];
    words.iter().any(|word| word.as_str().is_some_and(|word| over.contains(&word)))
}

/// Returns kind and id of everything that is there.
pub(crate) fn ids(world: &[u8]) -> BTreeSet<String> {
    let there = entries(world)
        .into_iter()
        .filter(|(kind, _, object)| !EVENTS.contains(&kind.as_str()) && !has_passed(object));
    there.map(|(kind, id, _)| format!("{kind} {id}")).collect()
}

/// Returns everything that is there by kind and id, as the file has it.
pub(crate) fn raw(world: &[u8]) -> BTreeMap<String, String> {
    let there = entries(world)
        .into_iter()
        .filter(|(kind, _, object)| !EVENTS.contains(&kind.as_str()) && !has_passed(object));
    there.map(|(kind, id, object)| (format!("{kind} {id}"), object.to_string())).collect()
}

/// Returns everything that is there, without ids, times and chance, sorted.
pub(crate) fn told(world: &[u8]) -> Vec<String> {
    let entries = entries(world);
    let names: BTreeMap<String, String> = entries
        .iter()
        .filter_map(|(kind, id, object)| {
            let address = object["tags"]["provision-address"].as_str().unwrap_or_default();
            Some((id.rsplit_once('-')?.1.to_owned(), format!("<{kind} {address}>")))
        })
        .filter(|(id, _)| is_random(id))
        .collect();
    let there = entries
        .into_iter()
        .filter(|(kind, _, object)| !EVENTS.contains(&kind.as_str()) && !has_passed(object));
    let mut all: Vec<_> = there.map(|(kind, _, object)| plain(&kind, object, &names)).collect();
    all.sort();
    all
}

fn plain(kind: &str, mut object: Value, names: &BTreeMap<String, String>) -> String {
    if ["ec2.instance", "ec2.network_interface", "ec2.volume"].contains(&kind) {
        object["hidden"] = Value::Null;
        let body = object["body"].as_object_mut().expect("an object has a body");
        body.retain(|member, _| OF_MACHINES.contains(&member.as_str()));
    }
    format!("{kind} {}", scrubbed(object, names))
}

/// Takes out of a value what differs from one world to the next. Lists count as sets.
fn scrubbed(value: Value, names: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| !LOOSE.contains(&name.as_str()));
            let mut kept: Vec<_> =
                kept.map(|(name, value)| (words(&name, names), scrubbed(value, names))).collect();
            kept.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(kept.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(|it| scrubbed(it, names)).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::String(text) if is_time(&text) => "(time)".into(),
        Value::String(text) => words(&text, names).into(),
        Value::Number(number) if number.as_f64() > Some(1.4e9) => "(time)".into(),
        other => other,
    }
}

fn is_time(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_so_long = matches!((text.len(), digits), (24, 17) | (20, 14));
    is_so_long && text.ends_with('Z') && text.contains('T')
}

/// Puts `~` in the place of what chance chose of the ids in a text.
pub(crate) fn without_chance(text: &str) -> String {
    words(text, &BTreeMap::new())
}

/// Puts names in the place of ids, and `~` in that of other random words.
fn words(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for letter in without_uuids(text).chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() {
            word.push(letter);
            continue;
        }
        match names.get(&word) {
            Some(name) => out += name,
            None if is_random(&word) => out.push('~'),
            None => out += &word,
        }
        word.clear();
        out.push(letter);
    }
    out.pop();
    out
}

/// Puts `~` in the place of UUIDs.
fn without_uuids(text: &str) -> String {
    const PARTS: [usize; 5] = [8, 4, 4, 4, 12];
    let is_uuid = |text: &str| {
        let parts: Vec<_> = text.split('-').collect();
        let is_hex = |part: &&str| part.chars().all(|letter| letter.is_ascii_hexdigit());
        parts.iter().map(|part| part.len()).eq(PARTS) && parts.iter().all(is_hex)
    };
    let (mut out, mut rest) = (String::new(), text);
    while let Some(letter) = rest.chars().next() {
        let found =
            rest.get(..36).filter(|_| !out.ends_with(|it: char| it.is_ascii_alphanumeric()));
        let length = if found.is_some_and(is_uuid) { 36 } else { letter.len_utf8() };
        out += if length == 36 { "~" } else { &rest[..length] };
        rest = &rest[length..];
    }
    out
}

/// Tells whether a word is an id, or of one, by its looks.
fn is_random(word: &str) -> bool {
    let all = |is: fn(&char) -> bool| word.chars().all(|letter| is(&letter));
    let has_digit = word.contains(|letter: char| letter.is_ascii_digit());
    match word.len() {
        _ if word == ACCOUNT => false,
        16.. if all(|it| it.is_ascii_uppercase() || it.is_ascii_digit()) => true,
        9.. if has_digit && all(char::is_ascii_hexdigit) => true,
        6.. => all(char::is_ascii_digit),
        _ => false,
    }
}
