//! Tags on everything of EC2, in the call that makes it or later.
use super::super::{Answer, Call, Page, Refusal};
use super::{Filter, Noun, done, vpc};
use crate::world::{Key, Object};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most tags that an object may have.
const MOST: usize = 50;

/// Every kind that can be tagged.
const NOUNS: &[&Noun] = &[&vpc::VPC];

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Tag {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

/// The tags of what a call makes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct TagSpecification {
    resource_type: String,
    #[serde(default)]
    tag: Vec<Tag>,
}

impl TagSpecification {
    /// Returns the tags for what a call makes.
    ///
    /// # Errors
    /// When they are for something else, or break EC2's rules.
    pub(crate) fn of(all: &[Self], noun: &Noun) -> Result<BTreeMap<String, String>, Refusal> {
        let mut tags = BTreeMap::new();
        for specification in all {
            if specification.resource_type != noun.resource_type {
                let message = format!(
                    "'{}' is not a valid taggable resource type for this operation.",
                    specification.resource_type
                );
                return Err(Refusal::new("InvalidParameterValue", message));
            }
            put(&mut tags, &specification.tag)?;
        }
        Ok(tags)
    }
}

/// Adds tags, by EC2's rules.
pub(crate) fn put(tags: &mut BTreeMap<String, String>, new: &[Tag]) -> Result<(), Refusal> {
    for tag in new {
        let value = tag.value.as_deref().unwrap_or_default();
        let wrong = |message: String| Err(Refusal::new("InvalidParameterValue", message));
        if tag.key.starts_with("aws:") {
            return wrong("Tag keys starting with 'aws:' are reserved for internal use".to_owned());
        }
        if tag.key.is_empty() || tag.key.chars().count() > 127 || value.chars().count() > 255 {
            return wrong(format!("Tag key or value of '{}' has an invalid length.", tag.key));
        }
        tags.insert(tag.key.clone(), value.to_owned());
    }
    let own = tags.keys().filter(|key| !key.starts_with("aws:")).count();
    match own > MOST {
        true => Err(Refusal::new(
            "TagLimitExceeded",
            "The maximum number of Tags for a resource has been reached.",
        )),
        false => Ok(()),
    }
}

/// Shows tags as EC2 does.
pub(crate) fn tag_set(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tags {
    resource_id: Vec<String>,
    #[serde(default)]
    tag: Vec<Tag>,
}

pub(super) fn create(call: &mut Call<'_>, request: Tags) -> Answer {
    let keys = keys(call, &request.resource_id)?;
    for key in &keys {
        let mut tags = call.get(key).map(|object| object.tags.clone()).unwrap_or_default();
        put(&mut tags, &request.tag)?;
    }
    for key in &keys {
        call.world.edit(key, |object| put(&mut object.tags, &request.tag));
    }
    done()
}

/// Takes tags off: those of a key, or of a key and a value; all that are ours when none is named.
pub(super) fn delete(call: &mut Call<'_>, request: Tags) -> Answer {
    for key in keys(call, &request.resource_id)? {
        call.world.edit(&key, |object| {
            let named = |name: &str, value: &str| {
                let fits = |tag: &Tag| {
                    tag.key == name && tag.value.as_deref().is_none_or(|wanted| wanted == value)
                };
                request.tag.iter().any(fits)
            };
            let all = request.tag.is_empty();
            let keep = |name: &str, value: &str| match all {
                true => name.starts_with("aws:"),
                false => !named(name, value),
            };
            object.tags.retain(|name, value| keep(name, value));
        });
    }
    done()
}

/// Finds what ids name; the beginning of an id tells its kind.
fn keys(call: &Call<'_>, ids: &[String]) -> Result<Vec<Key>, Refusal> {
    let key = |id: &String| {
        let noun = NOUNS.iter().filter(|noun| prefix(id) == noun.prefix).copied().next();
        let unknown = || Refusal::new("InvalidID", format!("The ID '{id}' is not valid"));
        let noun = noun.ok_or_else(unknown)?;
        noun.refer(call, id)?;
        Ok(noun.key(id))
    };
    ids.iter().map(key).collect()
}

fn prefix(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(prefix, _)| prefix)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeTags {
    #[serde(default)]
    filter: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn describe(call: &mut Call<'_>, request: DescribeTags) -> Answer {
    let all =
        NOUNS.iter().flat_map(|noun| call.seen(noun.kind).into_iter().map(move |o| (noun, o)));
    let mut found = Vec::new();
    for (noun, (id, object)) in all {
        for (key, value) in tags_of(object) {
            let item = json!({
                "resourceId": id.id,
                "resourceType": noun.resource_type,
                "key": key,
                "value": value,
            });
            if request.filter.iter().all(|filter| fits(filter, &item)) {
                found.push(item);
            }
        }
    }
    let page = Page { size: request.max_results, token: request.next_token };
    let wrong = || Refusal::new("InvalidNextToken", "The token is not valid.");
    let name = |item: &Value| format!("{} {}", item["resourceId"], item["key"]);
    let (tags, next) = page.cut(found, name, wrong)?;
    Ok(json!({ "tagSet": tags, "nextToken": next }))
}

fn tags_of(object: &Object) -> impl Iterator<Item = (&String, &String)> {
    object.tags.iter()
}

fn fits(filter: &Filter, item: &Value) -> bool {
    let member = match filter.name.as_str() {
        "resource-id" => "resourceId",
        "resource-type" => "resourceType",
        other => other,
    };
    filter.value.iter().any(|value| item[member].as_str() == Some(value))
}
