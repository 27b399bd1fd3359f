//! Tags of everything that EKS has.
use super::super::{Answer, Call, Refusal};
use super::found::{check_tags, refusal};
use crate::world::Key;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Every kind that can be tagged, with what its ARNs begin with.
const KINDS: [(&str, &str); 6] = [
    ("cluster", "eks.cluster"),
    ("nodegroup", "eks.node_group"),
    ("addon", "eks.addon"),
    ("access-entry", "eks.access_entry"),
    ("fargateprofile", "eks.fargate_profile"),
    ("podidentityassociation", "eks.pod_identity_association"),
];

/// Finds what an ARN names.
fn get(call: &Call<'_>, arn: &str) -> Result<Key, Refusal> {
    let wrong = || refusal("BadRequestException", format!("Invalid ARN: {arn}"));
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "eks", _, _, resource] = parts[..] else { return Err(wrong()) };
    let (noun, _) = resource.split_once('/').ok_or_else(wrong)?;
    let (_, kind) = KINDS.into_iter().find(|(its, _)| *its == noun).ok_or_else(wrong)?;
    let key = Key::new(kind, arn);
    match call.get(&key) {
        Some(_) => Ok(key),
        None => Err(refusal("NotFoundException", format!("The resource {arn} was not found"))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Tag {
    resource_arn: String,
    tags: BTreeMap<String, String>,
}

pub(super) fn tag(call: &mut Call<'_>, request: Tag) -> Answer {
    let key = get(call, &request.resource_arn)?;
    let mut all = call.get(&key).map(|object| object.tags.clone()).unwrap_or_default();
    all.extend(request.tags.clone());
    check_tags(&all, &request.tags, "BadRequestException")?;
    call.world.edit(&key, |object| object.tags = all);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Untag {
    resource_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag(call: &mut Call<'_>, request: Untag) -> Answer {
    let key = get(call, &request.resource_arn)?;
    if request.tag_keys.iter().any(|name| name.starts_with("aws:")) {
        let message = "aws: prefixed tag key names are not allowed for external use.";
        return Err(refusal("BadRequestException", message));
    }
    call.world.edit(&key, |object| object.tags.retain(|name, _| !request.tag_keys.contains(name)));
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct List {
    resource_arn: String,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let key = get(call, &request.resource_arn)?;
    let tags = call.find(&key).or(call.get(&key)).map(|object| &object.tags);
    Ok(json!({ "tags": tags }))
}
