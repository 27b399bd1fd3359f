//! Tags of groups, in the calls of today and in those of before.
use super::super::{Answer, Call, Refusal};
use super::{RULE, group};
use crate::world::Key;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most that a group may have.
const MOST: usize = 50;

/// Adds tags, by the rules of CloudWatch Logs.
pub(super) fn put(
    tags: &mut BTreeMap<String, String>,
    new: BTreeMap<String, String>,
) -> Result<(), Refusal> {
    if new.is_empty() {
        return Err(RULE.broken("tags", "{}", "have length greater than or equal to 1"));
    }
    for (key, value) in new {
        RULE.length("tags", &key, 1..=128)?;
        RULE.length("tags", &value, 0..=256)?;
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(Refusal::new(
                RULE.0,
                "Tag keys that begin with aws: are reserved for AWS.",
            ));
        }
        tags.insert(key, value);
    }
    match tags.len() > MOST {
        true => Err(Refusal::new("TooManyTagsException", "A log group has 50 tags at most.")),
        false => Ok(()),
    }
}

fn add(call: &mut Call<'_>, key: &Key, new: BTreeMap<String, String>) -> Answer {
    let mut tags = call.get(key).map(|group| group.tags.clone()).unwrap_or_default();
    put(&mut tags, new)?;
    call.world.edit(key, |group| group.tags = tags);
    Ok(Value::Null)
}

fn take(call: &mut Call<'_>, key: &Key, keys: &[String]) -> Answer {
    call.world.edit(key, |group| group.tags.retain(|tag, _| !keys.contains(tag)));
    Ok(Value::Null)
}

fn show(call: &Call<'_>, key: &Key) -> Answer {
    Ok(json!({ "tags": call.find(key).map(|group| &group.tags) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Add {
    resource_arn: String,
    tags: BTreeMap<String, String>,
}

pub(super) fn tag(call: &mut Call<'_>, request: Add) -> Answer {
    let key = group::at(call, &request.resource_arn)?;
    add(call, &key, request.tags)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Take {
    resource_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag(call: &mut Call<'_>, request: Take) -> Answer {
    let key = group::at(call, &request.resource_arn)?;
    take(call, &key, &request.tag_keys)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct List {
    resource_arn: String,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let key = group::at(call, &request.resource_arn)?;
    show(call, &key)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AddNamed {
    log_group_name: String,
    tags: BTreeMap<String, String>,
}

pub(super) fn tag_named(call: &mut Call<'_>, request: AddNamed) -> Answer {
    let key = group::named(call, &request.log_group_name)?;
    add(call, &key, request.tags)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TakeNamed {
    log_group_name: String,
    tags: Vec<String>,
}

pub(super) fn untag_named(call: &mut Call<'_>, request: TakeNamed) -> Answer {
    let key = group::named(call, &request.log_group_name)?;
    take(call, &key, &request.tags)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListNamed {
    log_group_name: String,
}

pub(super) fn list_named(call: &mut Call<'_>, request: ListNamed) -> Answer {
    let key = group::named(call, &request.log_group_name)?;
    show(call, &key)
}
