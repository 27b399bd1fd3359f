//! Tags of keys.
use super::super::{Answer, Call, Refusal};
use super::{OfKey, changed, named, page};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most that a key may have.
const MOST: usize = 50;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tag {
    tag_key: String,
    tag_value: String,
}

/// Adds tags, by the rules of KMS.
pub(super) fn put(tags: &mut BTreeMap<String, String>, new: &[Tag]) -> Result<(), Refusal> {
    let wrong = |message: &str| Err(Refusal::new("TagException", message));
    for (at, Tag { tag_key: key, tag_value: value }) in new.iter().enumerate() {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return wrong("A tag key or value has an invalid length.");
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return wrong("Tag keys that begin with aws: are reserved for AWS.");
        }
        if new[..at].iter().any(|other| other.tag_key == *key) {
            return wrong("Duplicate tag keys");
        }
        tags.insert(key.clone(), value.clone());
    }
    match tags.len() > MOST {
        true => Err(Refusal::new("LimitExceededException", "A key has 50 tags at most.")),
        false => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Add {
    key_id: String,
    tags: Vec<Tag>,
}

pub(super) fn tag(call: &mut Call<'_>, request: Add) -> Answer {
    let key = changed(call, &request.key_id)?;
    let mut tags = call.get(&key).map(|key| key.tags.clone()).unwrap_or_default();
    put(&mut tags, &request.tags)?;
    call.world.edit(&key, |key| key.tags = tags);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Take {
    key_id: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag(call: &mut Call<'_>, request: Take) -> Answer {
    let key = changed(call, &request.key_id)?;
    call.world.edit(&key, |key| key.tags.retain(|tag, _| !request.tag_keys.contains(tag)));
    Ok(Value::Null)
}

pub(super) fn list(call: &mut Call<'_>, request: OfKey) -> Answer {
    let (key, _) = named(call, &request.key_id, false)?;
    let tags = call.find(&key).map(|key| key.tags.clone()).unwrap_or_default();
    let name = |(key, _): &(String, String)| key.clone();
    page((request.marker, request.limit), tags.into_iter().collect(), name, |tags| {
        let show = |(key, value)| json!({ "TagKey": key, "TagValue": value });
        json!({ "Tags": tags.into_iter().map(show).collect::<Vec<_>>() })
    })
}
