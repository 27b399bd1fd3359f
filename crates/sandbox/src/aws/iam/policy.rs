//! Managed policies: those of the account, and what is common to them and AWS's.
use super::super::{Answer, Call, Refusal};
use super::entity::{self, RULE, Tag};
use super::{document, managed, role};
use crate::clock::iso;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const KIND: &str = "iam.policy";

/// The most that an account may have of its own.
const MOST: usize = 1500;

/// The most characters of a policy, without white space.
const LONGEST: usize = 6144;

/// The most versions of a policy.
const VERSIONS: usize = 5;

fn missing(arn: &str) -> Refusal {
    entity::no_such(format!("Policy {arn} was not found."))
}

fn key(arn: &str) -> Result<Key, Refusal> {
    RULE.length("policyArn", arn, 20..=2048)?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", _, rest] if rest.starts_with("policy/") => Ok(Key::new(KIND, arn)),
        _ => Err(Refusal::new("InvalidInput", format!("ARN {arn} is not valid."))),
    }
}

/// Returns the key of a policy of the account's that there is.
fn own(call: &Call<'_>, arn: &str) -> Result<Key, Refusal> {
    let key = key(arn)?;
    if managed::is_arn(arn) {
        let message = "Policy is outside your own account.";
        return Err(Refusal::new("AccessDenied", message).status(403));
    }
    call.find(&key).and(call.get(&key)).map(|_| key).ok_or_else(|| missing(arn))
}

/// Tells whether a policy can be attached to a role.
///
/// # Errors
/// When there is none with that ARN, or it is one of a service.
pub(super) fn attachable(call: &Call<'_>, arn: &str) -> Result<(), Refusal> {
    usable(call, arn, "Policy")
}

/// Tells whether a policy can bound a role.
///
/// # Errors
/// When there is none with that ARN, or it is one of a service.
pub(super) fn bounding(call: &Call<'_>, arn: &str) -> Result<(), Refusal> {
    usable(call, arn, "Scope ARN:")
}

fn usable(call: &Call<'_>, arn: &str, called: &str) -> Result<(), Refusal> {
    let key = key(arn)?;
    let missing =
        || entity::no_such(format!("{called} {arn} does not exist or is not attachable."));
    if call.find(&key).is_some() && call.get(&key).is_some() {
        return Ok(());
    }
    let policy = managed::find(call, arn).ok_or_else(missing)?;
    match policy["IsAttachable"] == true {
        true => Ok(()),
        false => {
            let message = "Cannot attach an AWS service role policy to a customer role.";
            Err(Refusal::new("PolicyNotAttachable", message))
        }
    }
}

/// Returns the names of the roles that have a policy.
pub(super) fn roles<'a>(call: &'a Call<'_>, arn: &str, field: Use) -> Vec<&'a Object> {
    let has = |role: &Object| match field {
        Use::Permissions => attached(role).any(|policy| policy == arn),
        Use::Boundary => {
            let boundary = role.body.get("PermissionsBoundary");
            boundary.is_some_and(|boundary| boundary["PermissionsBoundaryArn"] == arn)
        }
    };
    let all = call.seen(role::KIND).into_iter().map(|(_, role)| role);
    all.filter(|role| has(role)).collect()
}

/// What a policy is used for.
#[derive(Clone, Copy)]
pub(super) enum Use {
    Permissions,
    Boundary,
}

/// Returns the ARNs of the policies that are attached to a role.
pub(super) fn attached(role: &Object) -> impl Iterator<Item = &str> {
    let all = role.hidden.get("policies").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_str)
}

/// Returns the text of the version of a policy of an account's that counts.
pub(super) fn text(world: &World, arn: &str) -> Option<String> {
    let policy = world.get(&Key::new(KIND, arn))?;
    let versions = policy.hidden.get("versions")?.as_array()?;
    let is_it = |version: &&Value| version["VersionId"] == policy.text("DefaultVersionId");
    let document = versions.iter().find(is_it)?["Document"].as_str()?;
    let text = format!("text={document}");
    form_urlencoded::parse(text.as_bytes()).next().map(|(_, text)| text.into_owned())
}

fn counted(call: &Call<'_>, mut policy: Value) -> Value {
    let arn = policy["Arn"].as_str().unwrap_or_default().to_owned();
    policy["AttachmentCount"] = json!(roles(call, &arn, Use::Permissions).len());
    policy["PermissionsBoundaryUsageCount"] = json!(roles(call, &arn, Use::Boundary).len());
    policy
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    policy_name: String,
    path: Option<String>,
    policy_document: String,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let Create { policy_name: name, policy_document: text, .. } = request;
    entity::name("policyName", &name, 128)?;
    let path = entity::path(request.path)?;
    let mut tags = BTreeMap::new();
    entity::put_tags(&mut tags, &request.tags)?;
    check(&text)?;
    let own = entity::arn(call, "policy/");
    let all = call.there(KIND).into_iter().filter(|(key, _)| key.id.starts_with(&own));
    let all: Vec<_> = all.collect();
    if all.iter().any(|(_, policy)| policy.text("PolicyName").eq_ignore_ascii_case(&name)) {
        let message =
            format!("A policy called {name} already exists. Duplicate names are not allowed.");
        return Err(entity::exists(message));
    }
    if all.len() >= MOST {
        return Err(entity::limit("PoliciesPerAccount", MOST));
    }
    let arn = entity::arn(call, &format!("policy{path}{name}"));
    let now = iso(call.world.now);
    let body = json!({
        "PolicyName": name,
        "PolicyId": entity::id(call.world, "ANPA", 17),
        "Arn": arn,
        "Path": path,
        "DefaultVersionId": "v1",
        "AttachmentCount": 0,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": true,
        "Description": request.description,
        "CreateDate": now,
        "UpdateDate": now,
    });
    let mut policy = entity::object(call, body, tags);
    policy.hide("versions", json!([version(1, &text, &now)]));
    let mut shown = json!(policy.body);
    shown["Tags"] = json!(entity::tag_list(&policy.tags));
    call.world.put(Key::new(KIND, arn), policy);
    Ok(json!({ "Policy": shown }))
}

fn check(text: &str) -> Result<(), Refusal> {
    entity::text("policyDocument", text)?;
    document::permission(text)?;
    match text.chars().filter(|letter| !letter.is_whitespace()).count() > LONGEST {
        true => Err(entity::limit("PolicySize", LONGEST)),
        false => Ok(()),
    }
}

fn version(number: u64, text: &str, now: &str) -> Value {
    let document = entity::encoded(text);
    json!({ "VersionId": format!("v{number}"), "Document": document, "CreateDate": now })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    policy_arn: String,
}

pub(super) fn get(call: &mut Call<'_>, request: Named) -> Answer {
    let arn = &request.policy_arn;
    let shown = match call.find(&key(arn)?) {
        Some(policy) => {
            let mut shown = json!(policy.body);
            shown["Tags"] = json!(entity::tag_list(&policy.tags));
            shown
        }
        None => managed::find(call, arn).ok_or_else(|| missing(arn))?,
    };
    Ok(json!({ "Policy": counted(call, shown) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    scope: Option<String>,
    #[serde(default)]
    only_attached: bool,
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let scope = request.scope.as_deref().unwrap_or("All");
    RULE.word("scope", scope, &["All", "AWS", "Local"])?;
    let prefix = request.path_prefix.unwrap_or_else(|| "/".to_owned());
    let mut all = Vec::new();
    if scope != "AWS" {
        let own = entity::arn(call, "policy/");
        let there = call.seen(KIND).into_iter().filter(|(key, _)| key.id.starts_with(&own));
        all.extend(there.map(|(_, policy)| json!(policy.body)));
    }
    if scope != "Local" {
        all.extend(managed::all(call));
    }
    let text = |policy: &Value, field: &str| policy[field].as_str().unwrap_or_default().to_owned();
    let all = all.into_iter().filter(|policy| text(policy, "Path").starts_with(&prefix));
    let all = all.map(|policy| counted(call, policy));
    let all = all.filter(|policy| !request.only_attached || policy["AttachmentCount"] != 0);
    let name = |policy: &Value| text(policy, "PolicyName") + &text(policy, "Arn");
    entity::page(
        (request.marker, request.max_items),
        all.collect(),
        name,
        |all| json!({ "Policies": all }),
    )
}

pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let arn = &request.policy_arn;
    let key = own(call, arn)?;
    let is_used =
        [Use::Permissions, Use::Boundary].map(|field| !roles(call, arn, field).is_empty());
    if is_used.contains(&true) {
        return Err(entity::conflict("Cannot delete a policy attached to entities."));
    }
    if versions(call, &key).len() > 1 {
        let message = "This policy has more than one version. Before you delete a policy, you must \
                       delete the policy's versions. The default version is deleted with the policy.";
        return Err(entity::conflict(message));
    }
    call.world.remove(&key);
    Ok(Value::Null)
}

fn versions(call: &Call<'_>, key: &Key) -> Vec<Value> {
    let held = call.get(key).and_then(|policy| policy.hidden.get("versions"));
    held.and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Shows a version, with its document only where that is asked for.
fn shown(mut version: Value, default: &str, with_document: bool) -> Value {
    version["IsDefaultVersion"] = json!(version["VersionId"] == default);
    if !with_document {
        version["Document"] = Value::Null;
    }
    version
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateVersion {
    policy_arn: String,
    policy_document: String,
    #[serde(default)]
    set_as_default: bool,
}

pub(super) fn create_version(call: &mut Call<'_>, request: CreateVersion) -> Answer {
    let key = own(call, &request.policy_arn)?;
    check(&request.policy_document)?;
    let mut all = versions(call, &key);
    if all.len() >= VERSIONS {
        let message = "A managed policy can have up to 5 versions. Before you create a new \
                       version, you must delete an existing version.";
        return Err(Refusal::new("LimitExceeded", message).status(409));
    }
    let number = |version: &Value| version["VersionId"].as_str()?.get(1..)?.parse::<u64>().ok();
    let last = call.get(&key).and_then(|policy| policy.hidden.get("last")?.as_u64());
    let next = last.or_else(|| all.iter().filter_map(number).max()).unwrap_or(0) + 1;
    let now = iso(call.world.now);
    let new = version(next, &request.policy_document, &now);
    all.push(new.clone());
    let default = call.world.edit(&key, |policy| {
        policy.hide("versions", all);
        policy.hide("last", next);
        policy.set("UpdateDate", now);
        if request.set_as_default {
            policy.set("DefaultVersionId", format!("v{next}"));
        }
        policy.text("DefaultVersionId").to_owned()
    });
    Ok(json!({ "PolicyVersion": shown(new, &default.unwrap_or_default(), false) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Version {
    policy_arn: String,
    version_id: String,
}

fn no_version(request: &Version) -> Refusal {
    let Version { policy_arn, version_id } = request;
    let message =
        format!("Policy {policy_arn} version {version_id} does not exist or is not attachable.");
    entity::no_such(message)
}

pub(super) fn get_version(call: &mut Call<'_>, request: Version) -> Answer {
    let arn = &request.policy_arn;
    if managed::is_arn(arn) {
        managed::find(call, arn).ok_or_else(|| missing(arn))?;
        return Err(Refusal::unsupported(&format!("the document of {arn}")));
    }
    let key = own(call, arn)?;
    let default = call.get(&key).map(|policy| policy.text("DefaultVersionId")).unwrap_or_default();
    let mut all = versions(call, &key).into_iter();
    let found = all.find(|version| version["VersionId"] == request.version_id);
    let found = found.ok_or_else(|| no_version(&request))?;
    Ok(json!({ "PolicyVersion": shown(found, default, true) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct OfPolicy {
    policy_arn: String,
    marker: Option<String>,
    max_items: Option<i64>,
}

pub(super) fn list_versions(call: &mut Call<'_>, request: OfPolicy) -> Answer {
    let key = own(call, &request.policy_arn)?;
    let default = call.get(&key).map(|policy| policy.text("DefaultVersionId")).unwrap_or_default();
    let all = versions(call, &key).into_iter();
    let all: Vec<_> = all.map(|version| shown(version, default, false)).collect();
    let name = |version: &Value| version["VersionId"].as_str().unwrap_or_default().to_owned();
    let paging = (request.marker, request.max_items);
    entity::page(paging, all, name, |all| json!({ "Versions": all }))
}

pub(super) fn delete_version(call: &mut Call<'_>, request: Version) -> Answer {
    let key = own(call, &request.policy_arn)?;
    let default = call.get(&key).map(|policy| policy.text("DefaultVersionId")).unwrap_or_default();
    if default == request.version_id {
        return Err(entity::conflict("Cannot delete the default version of a policy."));
    }
    let mut all = versions(call, &key);
    let place = all.iter().position(|version| version["VersionId"] == request.version_id);
    all.remove(place.ok_or_else(|| no_version(&request))?);
    call.world.edit(&key, |policy| policy.hide("versions", all));
    Ok(Value::Null)
}

pub(super) fn set_version(call: &mut Call<'_>, request: Version) -> Answer {
    let key = own(call, &request.policy_arn)?;
    let mut all = versions(call, &key).into_iter();
    if !all.any(|version| version["VersionId"] == request.version_id) {
        return Err(no_version(&request));
    }
    call.world.edit(&key, |policy| policy.set("DefaultVersionId", request.version_id));
    Ok(Value::Null)
}
