//! Tags on everything of EC2, in the call that makes it or later.
use super::super::{Answer, Call, Page, Refusal};
use super::describe::{check, no_page, within_page};
use super::noun::{Filters, invalid};
use super::{
    Filter, Noun, Operation, address, describe, done, endpoint, instance, internet_gateway,
    launch_template, nat_gateway, network_interface, route_table, security_group,
    security_group_rule, subnet, volume, vpc,
};
use crate::behaviour::Behaviour;
use crate::world::Key;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The most tags that an object may have.
const MOST: usize = 50;

pub(super) const LIMIT: Behaviour = Behaviour {
    service: "ec2",
    what: "an object has at most 50 tags beside those of AWS",
    seconds: 0,
    source: "Amazon EC2 User Guide, Tag your Amazon EC2 resources",
};

/// Every kind that can be tagged.
const NOUNS: &[&Noun] = &[
    &address::ADDRESS,
    &endpoint::ENDPOINT,
    &instance::INSTANCE,
    &internet_gateway::GATEWAY,
    &launch_template::TEMPLATE,
    &nat_gateway::NAT,
    &network_interface::INTERFACE,
    &route_table::TABLE,
    &security_group::GROUP,
    &security_group_rule::RULE,
    &subnet::SUBNET,
    &volume::VOLUME,
    &vpc::VPC,
];

const FILTERS: Filters = &[
    ("key", "key"),
    ("resource-id", "resourceId"),
    ("resource-type", "resourceType"),
    ("value", "value"),
];

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateTags", |call, input| call.run(input, create)),
    ("DeleteTags", |call, input| call.run(input, delete)),
    ("DescribeTags", |call, input| call.run(input, describe)),
];

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
                return Err(invalid(message));
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
        let wrong = |message: String| Err(invalid(message));
        own(tag)?;
        if tag.key.is_empty() || tag.key.chars().count() > 127 || value.chars().count() > 256 {
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

/// Refuses the tags of AWS.
fn own(tag: &Tag) -> Result<(), Refusal> {
    match tag.key.to_ascii_lowercase().starts_with("aws:") {
        true => Err(invalid("Tag keys starting with 'aws:' are reserved for internal use")),
        false => Ok(()),
    }
}

/// Shows tags as EC2 does.
pub(crate) fn tag_set(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tags {
    resource_id: Vec<String>,
    #[serde(default)]
    tag: Vec<Tag>,
}

fn create(call: &mut Call<'_>, request: Tags) -> Answer {
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
fn delete(call: &mut Call<'_>, request: Tags) -> Answer {
    request.tag.iter().try_for_each(own)?;
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
struct DescribeTags {
    #[serde(default)]
    filter: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

fn describe(call: &mut Call<'_>, request: DescribeTags) -> Answer {
    check(&request.filter, FILTERS)?;
    within_page(request.max_results, 5..=1000)?;
    let all =
        NOUNS.iter().flat_map(|noun| call.seen(noun.kind).into_iter().map(move |o| (noun, o)));
    let mut found = Vec::new();
    for (noun, (id, object)) in all {
        for (key, value) in &object.tags {
            let item = Map::from_iter([
                ("resourceId".to_owned(), json!(id.id)),
                ("resourceType".to_owned(), json!(noun.resource_type)),
                ("key".to_owned(), json!(key)),
                ("value".to_owned(), json!(value)),
            ]);
            let fits = |filter| describe::fits_body(filter, FILTERS, &item, Some(&object.tags));
            if request.filter.iter().all(fits) {
                found.push(Value::Object(item));
            }
        }
    }
    let page = Page { size: request.max_results, token: request.next_token };
    let name = |item: &Value| format!("{} {}", item["resourceId"], item["key"]);
    let (tags, next) = page.cut(found, name, no_page)?;
    Ok(json!({ "tagSet": tags, "nextToken": next }))
}
