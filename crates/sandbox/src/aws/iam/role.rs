//! Roles.
use super::super::{Answer, Call, Refusal, partition};
use super::entity::{self, Listing, RULE, Tag};
use super::{document, known, policy};
use crate::clock::iso;
use crate::credential::is_account;
use crate::world::{Key, Object};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const KIND: &str = "iam.role";

/// The most that an account may have, beside those of services.
const MOST: usize = 1000;

/// Where the roles of services are.
pub(super) const OF_SERVICES: &str = "/aws-service-role/";

/// Returns a role as reads see it.
pub(super) fn find<'a>(call: &'a Call<'_>, name: &str) -> Result<(&'a Key, &'a Object), Refusal> {
    entity::name("roleName", name, 64)?;
    entity::named(call, call.seen(KIND), ("RoleName", name)).ok_or_else(|| missing(name))
}

/// Returns the key of a role that there is, for a call that changes it.
pub(super) fn get(call: &Call<'_>, name: &str) -> Result<Key, Refusal> {
    find(call, name)?;
    let found = entity::named(call, call.there(KIND), ("RoleName", name));
    found.map(|(key, _)| key.clone()).ok_or_else(|| missing(name))
}

/// Returns the key of a role that a caller may change: not of one that a service made.
pub(super) fn own(call: &Call<'_>, name: &str) -> Result<Key, Refusal> {
    let key = get(call, name)?;
    let is_of_service =
        call.get(&key).is_some_and(|role| role.text("Path").starts_with(OF_SERVICES));
    match is_of_service {
        false => Ok(key),
        true => Err(Refusal::new(
            "UnmodifiableEntity",
            format!(
                "Cannot perform the operation on the protected role '{name}' - this role is only \
                 modifiable by AWS"
            ),
        )),
    }
}

fn missing(name: &str) -> Refusal {
    entity::no_such(format!("The role with name {name} cannot be found."))
}

/// Shows a role as lists do, which leave some members out.
pub(super) fn brief(role: &Object) -> Value {
    let mut body = role.body.clone();
    body.remove("PermissionsBoundary");
    Value::Object(body)
}

/// Shows all of a role.
pub(super) fn show(role: &Object) -> Value {
    let mut body = json!(role.body);
    if !role.tags.is_empty() {
        body["Tags"] = json!(entity::tag_list(&role.tags));
    }
    body
}

/// What a role is made of.
pub(super) struct New {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) trust: String,
    pub(super) description: Option<String>,
    pub(super) longest: i64,
    pub(super) boundary: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) policies: Vec<String>,
}

/// Makes a role, and returns its key.
pub(super) fn make(call: &mut Call<'_>, new: New) -> Key {
    let arn = entity::arn(call, &format!("role{}{}", new.path, new.name));
    let id = entity::id(call.world, "AROA", 17);
    let body = json!({
        "Path": new.path,
        "RoleName": new.name,
        "RoleId": id,
        "Arn": arn,
        "CreateDate": iso(call.world.now),
        "AssumeRolePolicyDocument": entity::encoded(&new.trust),
        "Description": new.description,
        "MaxSessionDuration": new.longest,
        "PermissionsBoundary": new.boundary.as_deref().map(boundary),
    });
    let mut role = entity::object(call, body, new.tags);
    role.hide("trust", new.trust);
    role.hide("policies", new.policies);
    let (now, at) = (call.world.now, call.world.after(&super::PROPAGATION));
    known::note(&mut role, now, at);
    let key = Key::new(KIND, arn);
    call.world.put(key.clone(), role);
    key
}

/// Makes a role of an account that the caller's own account may take on, unless there is one. It
/// is as if it had always been there.
pub(crate) fn invent(call: &mut Call<'_>, account: &str, arn: &str) {
    let Some((_, rest)) = arn.split_once(":role/") else { return };
    let (path, name) = rest.rsplit_once('/').map_or(("", rest), |(path, name)| (path, name));
    let path = if path.is_empty() { "/".to_owned() } else { format!("/{path}/") };
    let root = format!("arn:{}:iam::{}:root", partition(&call.region), call.caller.account);
    let ours = std::mem::replace(&mut call.caller.account, account.to_owned());
    let is_here = is_account(account) && arn.starts_with(&entity::arn(call, "role/"));
    if is_here && entity::name("roleName", name, 64).is_ok() && !is_taken(call, name) {
        let statement = json!({
            "Effect": "Allow",
            "Principal": { "AWS": root },
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        });
        let trust = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let (name, longest) = (name.to_owned(), 43_200);
        let (tags, policies) = (BTreeMap::new(), Vec::new());
        let (description, boundary) = (None, None);
        let new = New { path, name, trust, description, longest, boundary, tags, policies };
        let key = make(call, new);
        let now = call.world.now;
        call.world.edit(&key, |role| known::note_at_once(role, now));
    }
    call.caller.account = ours;
}

/// Tells whether the account has a role of that name, in whatever case.
pub(super) fn is_taken(call: &Call<'_>, name: &str) -> bool {
    let arn = entity::arn(call, "");
    let mut all = call.there(KIND).into_iter();
    all.any(|(key, role)| {
        key.id.starts_with(&arn) && role.text("RoleName").eq_ignore_ascii_case(name)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    path: Option<String>,
    role_name: String,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: Option<i64>,
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let Create { role_name: name, assume_role_policy_document: trust, .. } = request;
    entity::name("roleName", &name, 64)?;
    entity::description(request.description.as_deref())?;
    entity::text("assumeRolePolicyDocument", &trust)?;
    let longest = request.max_session_duration.unwrap_or(3600);
    RULE.number("maxSessionDuration", longest, 3600..=43_200)?;
    let path = entity::path(request.path)?;
    if path.starts_with(OF_SERVICES) {
        let message = "Roles of this path are made by services alone.";
        return Err(Refusal::new("InvalidInput", message));
    }
    let mut tags = BTreeMap::new();
    entity::put_tags(&mut tags, &request.tags)?;
    document::trust(call.world, &trust)?;
    if let Some(boundary) = &request.permissions_boundary {
        policy::bounding(call, boundary)?;
    }
    if is_taken(call, &name) {
        return Err(entity::exists(format!("Role with name {name} already exists.")));
    }
    let own = |role: &Object| !role.text("Path").starts_with(OF_SERVICES);
    if call.there(KIND).iter().filter(|(_, role)| own(role)).count() >= MOST {
        return Err(entity::limit("RolesPerAccount", MOST));
    }
    let (description, boundary) = (request.description, request.permissions_boundary);
    let policies = Vec::new();
    let new = New { path, name, trust, description, longest, boundary, tags, policies };
    let key = make(call, new);
    Ok(json!({ "Role": call.get(&key).map(show) }))
}

fn boundary(arn: &str) -> Value {
    json!({
        "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
        "PermissionsBoundaryArn": arn,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    role_name: String,
}

pub(super) fn describe(call: &mut Call<'_>, request: Named) -> Answer {
    let (_, role) = find(call, &request.role_name)?;
    let mut shown = show(role);
    shown["RoleLastUsed"] = json!({});
    Ok(json!({ "Role": shown }))
}

pub(super) fn list(call: &mut Call<'_>, request: Listing) -> Answer {
    let (prefix, paging) = request.parts();
    let arn = entity::arn(call, "");
    let all = call.seen(KIND).into_iter();
    let all = all
        .filter(|(key, role)| key.id.starts_with(&arn) && role.text("Path").starts_with(&prefix));
    let roles: Vec<_> = all.map(|(_, role)| role).collect();
    let name = |role: &&Object| role.text("RoleName").to_owned();
    entity::page(
        paging,
        roles,
        name,
        |roles| json!({ "Roles": roles.into_iter().map(brief).collect::<Vec<_>>() }),
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Update {
    role_name: String,
    description: Option<String>,
    max_session_duration: Option<i64>,
}

pub(super) fn update(call: &mut Call<'_>, request: Update) -> Answer {
    entity::description(request.description.as_deref())?;
    if let Some(longest) = request.max_session_duration {
        RULE.number("maxSessionDuration", longest, 3600..=43_200)?;
    }
    let key = own(call, &request.role_name)?;
    call.world.edit(&key, |role| {
        if let Some(description) = request.description {
            role.set("Description", description);
        }
        if let Some(longest) = request.max_session_duration {
            role.set("MaxSessionDuration", longest);
        }
    });
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateTrust {
    role_name: String,
    policy_document: String,
}

pub(super) fn update_trust(call: &mut Call<'_>, request: UpdateTrust) -> Answer {
    let UpdateTrust { role_name, policy_document: trust } = request;
    entity::text("policyDocument", &trust)?;
    let key = own(call, &role_name)?;
    document::trust(call.world, &trust)?;
    known::change(call.world, &key, |role| {
        role.set("AssumeRolePolicyDocument", entity::encoded(&trust));
        role.hide("trust", trust);
    });
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PutBoundary {
    role_name: String,
    permissions_boundary: String,
}

pub(super) fn put_boundary(call: &mut Call<'_>, request: PutBoundary) -> Answer {
    let key = own(call, &request.role_name)?;
    policy::bounding(call, &request.permissions_boundary)?;
    let boundary = boundary(&request.permissions_boundary);
    call.world.edit(&key, |role| role.set("PermissionsBoundary", boundary));
    Ok(Value::Null)
}

pub(super) fn delete_boundary(call: &mut Call<'_>, request: Named) -> Answer {
    let key = own(call, &request.role_name)?;
    let gone = call.world.edit(&key, |role| role.body.remove("PermissionsBoundary")).flatten();
    match gone {
        Some(_) => Ok(Value::Null),
        None => Err(entity::no_such(format!(
            "The role {} does not have a permissions boundary.",
            request.role_name
        ))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AddTags {
    role_name: String,
    tags: Vec<Tag>,
}

pub(super) fn tag(call: &mut Call<'_>, request: AddTags) -> Answer {
    let key = get(call, &request.role_name)?;
    let mut tags = call.get(&key).map(|role| role.tags.clone()).unwrap_or_default();
    entity::put_tags(&mut tags, &request.tags)?;
    call.world.edit(&key, |role| role.tags = tags);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TakeTags {
    role_name: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag(call: &mut Call<'_>, request: TakeTags) -> Answer {
    let key = get(call, &request.role_name)?;
    call.world.edit(&key, |role| entity::take_tags(role, &request.tag_keys));
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct OfRole {
    pub(super) role_name: String,
    pub(super) marker: Option<String>,
    pub(super) max_items: Option<i64>,
}

pub(super) fn tags(call: &mut Call<'_>, request: OfRole) -> Answer {
    let (_, role) = find(call, &request.role_name)?;
    let name = |tag: &Value| tag["Key"].as_str().unwrap_or_default().to_owned();
    let tags = entity::tag_list(&role.tags);
    entity::page((request.marker, request.max_items), tags, name, |tags| json!({ "Tags": tags }))
}

pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = own(call, &request.role_name)?;
    let has = |field: &str| {
        let held = call.get(&key).and_then(|role| role.hidden.get(field));
        held.is_some_and(|held| *held != json!([]) && *held != json!({}))
    };
    let why = if has("policies") {
        "Cannot delete entity, must detach all policies first."
    } else if has("inline") {
        "Cannot delete entity, must delete policies first."
    } else if super::profile::has(call, &key.id) {
        "Cannot delete entity, must remove roles from instance profile first."
    } else {
        call.world.remove(&key);
        return Ok(Value::Null);
    };
    Err(entity::conflict(why))
}
