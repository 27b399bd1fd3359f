//! What everything in IAM has in common: names, paths, ids, tags, and lists in pages.
use super::super::constraint::{Constraint, Letters};
use super::super::{Answer, Call, Page, Refusal, partition};
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How IAM calls a member that breaks its constraint.
pub(super) const RULE: Constraint = Constraint("ValidationError");

/// The most tags that something may have.
const MOST_TAGS: usize = 50;

/// What a page has when its size is not told.
const PAGE: usize = 100;

pub(crate) const WORD: Letters =
    (r"[\w+=,.@-]+", |letter| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter));

const TAG: Letters = (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", |letter| {
    letter.is_alphanumeric() || letter.is_whitespace() || "_.:/=+-@".contains(letter)
});

const TEXT: Letters = (r"[\u0009\u000A\u000D\u0020-\u00FF]+", |letter| {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
});

const PRINTED: Letters =
    (r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)", |letter| matches!(letter, '!'..='~'));

/// Checks a name.
pub(super) fn name(member: &str, value: &str, longest: usize) -> Result<(), Refusal> {
    RULE.length(member, value, 1..=longest)?;
    RULE.letters(member, value, WORD)
}

/// Checks a description.
pub(super) fn description(value: Option<&str>) -> Result<(), Refusal> {
    let value = value.unwrap_or_default();
    RULE.length("description", value, 0..=1000)?;
    RULE.letters("description", value, TEXT)
}

/// Checks the text of a policy.
pub(super) fn text(member: &str, value: &str) -> Result<(), Refusal> {
    RULE.length(member, value, 1..=131_072)?;
    RULE.letters(member, value, TEXT)
}

/// Reads a path, which is `/` when none is told.
pub(super) fn path(value: Option<String>) -> Result<String, Refusal> {
    let value = value.unwrap_or_else(|| "/".to_owned());
    RULE.length("path", &value, 1..=512)?;
    RULE.letters("path", &value, PRINTED)?;
    if value.starts_with('/') && value.ends_with('/') {
        return Ok(value);
    }
    let message = "The specified value for path is invalid. It must begin and end with / and \
                   contain only alphanumeric characters and/or / characters.";
    Err(Refusal::new(RULE.0, message))
}

/// Writes the ARN of something of the caller's.
pub(super) fn arn(call: &Call<'_>, rest: &str) -> String {
    format!("arn:{}:iam::{}:{rest}", partition(&call.region), call.caller.account)
}

/// Draws a unique id, whose beginning tells what it is of.
pub(crate) fn id(world: &mut World, prefix: &str, length: usize) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letter = |world: &mut World| char::from(LETTERS[(world.chance() * 32.0) as usize % 32]);
    prefix.chars().chain((0..length).map(|_| letter(world))).collect()
}

/// Begins an object: IAM's are in no region.
pub(super) fn object(call: &Call<'_>, body: Value, tags: BTreeMap<String, String>) -> Object {
    let body = match body {
        Value::Object(body) => body.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    };
    Object { region: String::new(), body, tags, ..call.object() }
}

/// Finds an object by a name that is in one of its members.
pub(super) fn named<'a>(
    call: &Call<'_>,
    all: Vec<(&'a Key, &'a Object)>,
    (field, name): (&str, &str),
) -> Option<(&'a Key, &'a Object)> {
    let here = format!("arn:{}:", partition(&call.region));
    let is_it = |object: &Object| object.text(field) == name;
    all.into_iter().find(|(key, object)| key.id.starts_with(&here) && is_it(object))
}

pub(super) fn no_such(message: String) -> Refusal {
    Refusal::new("NoSuchEntity", message).status(404)
}

pub(super) fn exists(message: String) -> Refusal {
    Refusal::new("EntityAlreadyExists", message).status(409)
}

pub(super) fn conflict(message: &str) -> Refusal {
    Refusal::new("DeleteConflict", message).status(409)
}

pub(super) fn limit(quota: &str, most: usize) -> Refusal {
    Refusal::new("LimitExceeded", format!("Cannot exceed quota for {quota}: {most}")).status(409)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// Adds tags. Two keys that differ in case only are one.
pub(super) fn put_tags(tags: &mut BTreeMap<String, String>, new: &[Tag]) -> Result<(), Refusal> {
    let invalid = |message: &str| Err(Refusal::new("InvalidInput", message));
    for (at, tag) in new.iter().enumerate() {
        RULE.length(&format!("tags.{}.member.key", at + 1), &tag.key, 1..=128)?;
        RULE.length(&format!("tags.{}.member.value", at + 1), &tag.value, 0..=256)?;
        RULE.letters(&format!("tags.{}.member.key", at + 1), &tag.key, TAG)?;
        RULE.letters(&format!("tags.{}.member.value", at + 1), &tag.value, TAG)?;
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return invalid("Tag keys that begin with aws: are reserved for AWS.");
        }
        if new[..at].iter().any(|other| other.key.eq_ignore_ascii_case(&tag.key)) {
            return invalid(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            );
        }
    }
    for tag in new {
        tags.retain(|key, _| !key.eq_ignore_ascii_case(&tag.key));
        tags.insert(tag.key.clone(), tag.value.clone());
    }
    match tags.len() > MOST_TAGS {
        true => Err(limit("TagsPerResource", MOST_TAGS)),
        false => Ok(()),
    }
}

/// Takes tags off.
pub(super) fn take_tags(object: &mut Object, keys: &[String]) {
    object.tags.retain(|tag, _| !keys.iter().any(|key| key.eq_ignore_ascii_case(tag)));
}

/// Shows tags as IAM does.
pub(super) fn tag_list(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// A page of a list: where it begins, and how long it is at most.
pub(super) type Paging = (Option<String>, Option<i64>);

/// A request for what is below a path.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Listing {
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

impl Listing {
    /// Splits it into the path and the page.
    pub(super) fn parts(self) -> (String, Paging) {
        let prefix = self.path_prefix.unwrap_or_else(|| "/".to_owned());
        (prefix, (self.marker, self.max_items))
    }
}

/// Answers with a page of a list.
pub(super) fn page<T>(
    (marker, size): Paging,
    items: Vec<T>,
    name: impl Fn(&T) -> String,
    answer: impl FnOnce(Vec<T>) -> Value,
) -> Answer {
    if let Some(size) = size {
        RULE.number("maxItems", size, 1..=1000)?;
    }
    let page = Page { size: Some(size.map_or(PAGE, |size| size as usize)), token: marker };
    let wrong = || Refusal::new(RULE.0, "Invalid Marker.");
    let (items, next) = page.cut(items, name, wrong)?;
    let mut answer = answer(items);
    answer["IsTruncated"] = json!(next.is_some());
    answer["Marker"] = json!(next);
    Ok(answer)
}

/// Writes a document as IAM tells it: percent-encoded.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_fit_the_model() {
        assert!(name("roleName", "a-role_1.x@y", 64).is_ok());
        assert!(name("roleName", "a role", 64).is_err());
        assert!(name("roleName", &"a".repeat(65), 64).is_err());
        assert_eq!(path(None).unwrap(), "/");
        assert!(path(Some("/eks".into())).is_err());
        assert!(path(Some("/eks/roles/".into())).is_ok());
    }

    #[test]
    fn tag_keys_have_no_case() {
        let tag = |key: &str| Tag { key: key.into(), value: "v".into() };
        let mut tags = BTreeMap::new();
        put_tags(&mut tags, &[tag("Owner")]).unwrap();
        put_tags(&mut tags, &[tag("owner")]).unwrap();
        assert_eq!(tags.keys().collect::<Vec<_>>(), ["owner"]);
        assert_eq!(put_tags(&mut tags, &[tag("a"), tag("A")]).unwrap_err().code, "InvalidInput");
        assert_eq!(put_tags(&mut tags, &[tag("aws:x")]).unwrap_err().code, "InvalidInput");
    }

    #[test]
    fn documents_are_told_percent_encoded() {
        assert_eq!(encoded(r#"{"a": "*"}"#), "%7B%22a%22%3A%20%22%2A%22%7D");
    }
}
