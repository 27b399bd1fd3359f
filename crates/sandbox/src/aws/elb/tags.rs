//! Tags of load balancers, listeners and target groups.
use super::super::{Answer, Call, Refusal};
use super::{balancer, target_group};
use crate::world::Key;
use serde::Deserialize;
use serde_json::{Value, json};

/// The most resources that can be asked for at once.
const AT_ONCE: usize = 20;

/// The most tags of a resource.
const MOST: usize = 50;

/// Finds what an ARN names.
fn get(call: &Call<'_>, arn: &str) -> Result<Key, Refusal> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let (kind, missing) = match resource.split('/').next() {
        Some("loadbalancer") => (balancer::KIND, balancer::missing as fn() -> Refusal),
        Some("targetgroup") => (target_group::KIND, target_group::missing as fn() -> Refusal),
        Some("listener") => (balancer::LISTENER, balancer::no_listener as fn() -> Refusal),
        _ => return Err(super::wrong(&format!("'{arn}' is not a valid ARN"))),
    };
    let key = Key::new(kind, arn);
    call.get(&key).ok_or_else(missing)?;
    Ok(key)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Describe {
    resource_arns: Vec<String>,
}

pub(super) fn describe(call: &mut Call<'_>, request: Describe) -> Answer {
    if request.resource_arns.len() > AT_ONCE {
        return Err(super::wrong("Cannot have more than 20 resources described"));
    }
    let mut all = Vec::new();
    for arn in &request.resource_arns {
        let key = get(call, arn)?;
        let object = call.find(&key).or(call.get(&key));
        let tags = object.into_iter().flat_map(|object| &object.tags);
        let tags: Vec<Value> =
            tags.map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        all.push(json!({ "ResourceArn": arn, "Tags": tags }));
    }
    Ok(json!({ "TagDescriptions": all }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Add {
    resource_arns: Vec<String>,
    tags: Vec<Tag>,
}

/// Refuses the tags of AWS.
fn own(key: &str) -> Result<(), Refusal> {
    match key.to_ascii_lowercase().starts_with("aws:") {
        true => Err(super::wrong("Tag keys cannot begin with aws:")),
        false => Ok(()),
    }
}

pub(super) fn add(call: &mut Call<'_>, request: Add) -> Answer {
    for (n, tag) in request.tags.iter().enumerate() {
        if request.tags[..n].iter().any(|other| other.key == tag.key) {
            return Err(Refusal::new("DuplicateTagKeys", "A tag key was specified more than once"));
        }
        own(&tag.key)?;
    }
    let keys = request.resource_arns.iter().map(|arn| get(call, arn));
    let keys: Vec<Key> = keys.collect::<Result<_, _>>()?;
    for key in &keys {
        let mut tags = call.get(key).map(|object| object.tags.clone()).unwrap_or_default();
        tags.extend(request.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
        if tags.len() > MOST {
            return Err(Refusal::new("TooManyTags", "The limit of tags per resource is reached"));
        }
        call.world.edit(key, |object| object.tags = tags);
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Remove {
    resource_arns: Vec<String>,
    tag_keys: Vec<String>,
}

pub(super) fn remove(call: &mut Call<'_>, request: Remove) -> Answer {
    request.tag_keys.iter().try_for_each(|key| own(key))?;
    let keys = request.resource_arns.iter().map(|arn| get(call, arn));
    let keys: Vec<Key> = keys.collect::<Result<_, _>>()?;
    for key in &keys {
        call.world
            .edit(key, |object| object.tags.retain(|name, _| !request.tag_keys.contains(name)));
    }
    Ok(json!({}))
}
