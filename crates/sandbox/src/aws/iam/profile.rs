//! Instance profiles, by which machines have roles.
use super::super::{Answer, Call, Refusal};
use super::entity::{self, Listing, Tag};
use super::role::{self, OfRole};
use crate::clock::iso;
use crate::world::{Key, Object};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const KIND: &str = "iam.instance_profile";

/// The most that an account may have.
const MOST: usize = 1000;

/// Tells whether a role is in an instance profile.
pub(super) fn has(call: &Call<'_>, role: &str) -> bool {
    call.there(KIND).iter().any(|(_, profile)| profile.secret("role") == role)
}

fn missing(name: &str) -> Refusal {
    entity::no_such(format!("Instance Profile {name} cannot be found."))
}

fn find<'a>(call: &'a Call<'_>, name: &str) -> Result<&'a Object, Refusal> {
    entity::name("instanceProfileName", name, 128)?;
    let found = entity::named(call, call.seen(KIND), ("InstanceProfileName", name));
    found.map(|(_, profile)| profile).ok_or_else(|| missing(name))
}

fn get(call: &Call<'_>, name: &str) -> Result<Key, Refusal> {
    find(call, name)?;
    let found = entity::named(call, call.there(KIND), ("InstanceProfileName", name));
    found.map(|(key, _)| key.clone()).ok_or_else(|| missing(name))
}

fn show(call: &Call<'_>, profile: &Object) -> Value {
    let role = call.find(&Key::new(role::KIND, profile.secret("role")));
    let mut shown = json!(profile.body);
    shown["Roles"] = role.map(role::brief).into_iter().collect();
    shown
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    instance_profile_name: String,
    path: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let name = request.instance_profile_name;
    entity::name("instanceProfileName", &name, 128)?;
    let path = entity::path(request.path)?;
    let mut tags = BTreeMap::new();
    entity::put_tags(&mut tags, &request.tags)?;
    let arn = entity::arn(call, &format!("instance-profile{path}{name}"));
    let all = call.there(KIND);
    let is_named =
        |profile: &Object| profile.text("InstanceProfileName").eq_ignore_ascii_case(&name);
    if all.iter().any(|(_, profile)| is_named(profile)) {
        return Err(entity::exists(format!("Instance Profile {name} already exists.")));
    }
    if all.len() >= MOST {
        return Err(entity::limit("InstanceProfilesPerAccount", MOST));
    }
    let body = json!({
        "Path": path,
        "InstanceProfileName": name,
        "InstanceProfileId": entity::id(call.world, "AIPA", 17),
        "Arn": arn,
        "CreateDate": iso(call.world.now),
    });
    let profile = entity::object(call, body, tags);
    let mut shown = show(call, &profile);
    shown["Tags"] = json!(entity::tag_list(&profile.tags));
    call.world.put(Key::new(KIND, arn), profile);
    Ok(json!({ "InstanceProfile": shown }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct WithRole {
    instance_profile_name: String,
    role_name: String,
}

pub(super) fn add(call: &mut Call<'_>, request: WithRole) -> Answer {
    let key = get(call, &request.instance_profile_name)?;
    let role = role::own(call, &request.role_name)?;
    if call.get(&key).is_some_and(|profile| !profile.secret("role").is_empty()) {
        return Err(entity::limit("InstanceSessionsPerInstanceProfile", 1));
    }
    call.world.edit(&key, |profile| profile.hide("role", role.id));
    Ok(Value::Null)
}

pub(super) fn remove(call: &mut Call<'_>, request: WithRole) -> Answer {
    let key = get(call, &request.instance_profile_name)?;
    let role = role::get(call, &request.role_name)?;
    if call.get(&key).is_none_or(|profile| profile.secret("role") != role.id) {
        let message = format!("The role with name {} cannot be found.", request.role_name);
        return Err(entity::no_such(message));
    }
    call.world.edit(&key, |profile| profile.hidden.remove("role"));
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    instance_profile_name: String,
}

pub(super) fn describe(call: &mut Call<'_>, request: Named) -> Answer {
    let profile = find(call, &request.instance_profile_name)?;
    let mut shown = show(call, profile);
    shown["Tags"] = json!(entity::tag_list(&profile.tags));
    Ok(json!({ "InstanceProfile": shown }))
}

pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = get(call, &request.instance_profile_name)?;
    if call.get(&key).is_some_and(|profile| !profile.secret("role").is_empty()) {
        let message = "Cannot delete entity, must remove roles from instance profile first.";
        return Err(entity::conflict(message));
    }
    call.world.remove(&key);
    Ok(Value::Null)
}

pub(super) fn list(call: &mut Call<'_>, request: Listing) -> Answer {
    let (prefix, paging) = request.parts();
    listed(call, paging, |profile| profile.text("Path").starts_with(&prefix))
}

pub(super) fn of_role(call: &mut Call<'_>, request: OfRole) -> Answer {
    let (key, _) = role::find(call, &request.role_name)?;
    let paging = (request.marker, request.max_items);
    listed(call, paging, |profile| profile.secret("role") == key.id)
}

fn listed(call: &Call<'_>, paging: entity::Paging, fits: impl Fn(&Object) -> bool) -> Answer {
    let own = entity::arn(call, "");
    let all = call.seen(KIND).into_iter().filter(|(key, _)| key.id.starts_with(&own));
    let found: Vec<_> = all.map(|(_, profile)| profile).filter(|profile| fits(profile)).collect();
    let name = |profile: &&Object| profile.text("InstanceProfileName").to_owned();
    entity::page(paging, found, name, |found| {
        let shown: Vec<_> = found.into_iter().map(|profile| show(call, profile)).collect();
        json!({ "InstanceProfiles": shown })
    })
}
