//! Policies that are written into a role.
use super::super::{Answer, Call, Refusal};
use super::role::{self, OfRole};
use super::{document, entity};
use crate::world::Object;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The most characters that the policies of one role may have together, without white space.
const LONGEST: usize = 10_240;

fn held(role: &Object) -> Map<String, Value> {
    role.hidden.get("inline").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Returns the texts of the policies that are written into a role.
pub(super) fn texts(role: &Object) -> impl Iterator<Item = String> {
    held(role).into_iter().filter_map(|(_, text)| Some(text.as_str()?.to_owned()))
}

fn missing(name: &str) -> Refusal {
    entity::no_such(format!("The role policy with name {name} cannot be found."))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Put {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

pub(super) fn put(call: &mut Call<'_>, request: Put) -> Answer {
    let Put { role_name, policy_name, policy_document } = request;
    entity::name("policyName", &policy_name, 128)?;
    entity::text("policyDocument", &policy_document)?;
    let key = role::own(call, &role_name)?;
    document::permission(&policy_document)?;
    let mut policies = call.get(&key).map(held).unwrap_or_default();
    policies.insert(policy_name, json!(policy_document));
    let texts = policies.values().filter_map(Value::as_str);
    let length: usize =
        texts.map(|text| text.chars().filter(|letter| !letter.is_whitespace()).count()).sum();
    if length > LONGEST {
        let message =
            format!("Maximum policy size of {LONGEST} bytes exceeded for role {role_name}");
        return Err(Refusal::new("LimitExceeded", message).status(409));
    }
    call.world.edit(&key, |role| role.hide("inline", policies));
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    role_name: String,
    policy_name: String,
}

pub(super) fn get(call: &mut Call<'_>, request: Named) -> Answer {
    entity::name("policyName", &request.policy_name, 128)?;
    let (_, role) = role::find(call, &request.role_name)?;
    let policies = held(role);
    let text = policies.get(&request.policy_name).and_then(Value::as_str);
    let text = text.ok_or_else(|| missing(&request.policy_name))?;
    Ok(json!({
        "RoleName": request.role_name,
        "PolicyName": request.policy_name,
        "PolicyDocument": entity::encoded(text),
    }))
}

pub(super) fn list(call: &mut Call<'_>, request: OfRole) -> Answer {
    let (_, role) = role::find(call, &request.role_name)?;
    let names: Vec<String> = held(role).into_iter().map(|(name, _)| name).collect();
    let paging = (request.marker, request.max_items);
    entity::page(paging, names, String::clone, |names| json!({ "PolicyNames": names }))
}

pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    entity::name("policyName", &request.policy_name, 128)?;
    let key = role::own(call, &request.role_name)?;
    let mut policies = call.get(&key).map(held).unwrap_or_default();
    policies.remove(&request.policy_name).ok_or_else(|| missing(&request.policy_name))?;
    call.world.edit(&key, |role| role.hide("inline", policies));
    Ok(Value::Null)
}
