//! Tags of classic load balancers.
use super::super::{Answer, Call, Refusal};
use super::balancer::{missing, named};
use super::wrong;
use crate::world::Key;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most load balancers that can be asked for at once.
const AT_ONCE: usize = 20;

/// The most tags of a load balancer.
const MOST: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

/// Reads the tags of a request.
///
/// # Errors
/// For a key that comes twice, or is of AWS, and for too many.
pub(super) fn read(tags: &[Tag]) -> Result<BTreeMap<String, String>, Refusal> {
    let mut read = BTreeMap::new();
    for tag in tags {
        own(&tag.key)?;
        if read.insert(tag.key.clone(), tag.value.clone()).is_some() {
            return Err(Refusal::new("DuplicateTagKeys", "A tag key was specified more than once"));
        }
    }
    few(&read)?;
    Ok(read)
}

fn few(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    match tags.len() > MOST {
        true => Err(Refusal::new("TooManyTags", "The limit of tags per load balancer is reached")),
        false => Ok(()),
    }
}

/// Refuses the tags of AWS.
fn own(key: &str) -> Result<(), Refusal> {
    match key.to_ascii_lowercase().starts_with("aws:") {
        true => Err(wrong("Tag keys cannot begin with aws:")),
        false => Ok(()),
    }
}

/// Finds the load balancers of some names.
fn get(call: &Call<'_>, names: &[String]) -> Result<Vec<Key>, Refusal> {
    let key = |name: &String| {
        let key = named(call, name);
        call.get(&key).map(|_| key.clone()).ok_or_else(|| missing(name))
    };
    names.iter().map(key).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Describe {
    load_balancer_names: Vec<String>,
}

pub(super) fn describe(call: &mut Call<'_>, request: Describe) -> Answer {
    let names = &request.load_balancer_names;
    if names.is_empty() || names.len() > AT_ONCE {
        return Err(wrong("From 1 to 20 load balancers can be described"));
    }
    let mut all = Vec::new();
    for (name, key) in names.iter().zip(get(call, names)?) {
        let object = call.find(&key).or(call.get(&key));
        let tags = object.into_iter().flat_map(|object| &object.tags);
        let tags: Vec<Value> =
            tags.map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        all.push(json!({ "LoadBalancerName": name, "Tags": tags }));
    }
    Ok(json!({ "TagDescriptions": all }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Add {
    load_balancer_names: Vec<String>,
    tags: Vec<Tag>,
}

pub(super) fn add(call: &mut Call<'_>, request: Add) -> Answer {
    let new = read(&request.tags)?;
    for key in get(call, &request.load_balancer_names)? {
        let mut tags = call.get(&key).map(|object| object.tags.clone()).unwrap_or_default();
        tags.extend(new.clone());
        few(&tags)?;
        call.world.edit(&key, |object| object.tags = tags);
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct KeyOnly {
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Remove {
    load_balancer_names: Vec<String>,
    tags: Vec<KeyOnly>,
}

pub(super) fn remove(call: &mut Call<'_>, request: Remove) -> Answer {
    let keys: Vec<&str> = request.tags.iter().map(|tag| tag.key.as_str()).collect();
    keys.iter().try_for_each(|key| own(key))?;
    for key in get(call, &request.load_balancer_names)? {
        call.world
            .edit(&key, |object| object.tags.retain(|name, _| !keys.contains(&name.as_str())));
    }
    Ok(json!({}))
}
