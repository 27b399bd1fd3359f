//! Which managed policies roles have.
use super::super::{Answer, Call};
use super::entity::{self, RULE};
use super::policy::{self, Use};
use super::{known, role};
use crate::world::Object;
use serde::Deserialize;
use serde_json::{Value, json};

/// The most that a role may have.
const MOST: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    role_name: String,
    policy_arn: String,
}

pub(super) fn attach(call: &mut Call<'_>, request: Named) -> Answer {
    let arn = request.policy_arn;
    let key = role::own(call, &request.role_name)?;
    policy::attachable(call, &arn)?;
    let held: Vec<&str> = call.get(&key).into_iter().flat_map(policy::attached).collect();
    if held.contains(&arn.as_str()) {
        return Ok(Value::Null);
    }
    if held.len() >= MOST {
        return Err(entity::limit("PoliciesPerRole", MOST));
    }
    let all: Vec<String> = held.into_iter().map(str::to_owned).chain([arn]).collect();
    known::change(call.world, &key, |role| role.hide("policies", all));
    Ok(Value::Null)
}

pub(super) fn detach(call: &mut Call<'_>, request: Named) -> Answer {
    let arn = request.policy_arn;
    RULE.length("policyArn", &arn, 20..=2048)?;
    let key = role::own(call, &request.role_name)?;
    let held: Vec<&str> = call.get(&key).into_iter().flat_map(policy::attached).collect();
    if !held.contains(&arn.as_str()) {
        return Err(entity::no_such(format!("Policy {arn} was not found.")));
    }
    let all: Vec<String> =
        held.into_iter().filter(|policy| *policy != arn).map(str::to_owned).collect();
    known::change(call.world, &key, |role| role.hide("policies", all));
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    role_name: String,
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let prefix = request.path_prefix.unwrap_or_else(|| "/".to_owned());
    let (_, role) = role::find(call, &request.role_name)?;
    let is_below = |arn: &&str| {
        let rest = arn.split_once(":policy").map_or("", |(_, rest)| rest);
        rest.starts_with(&prefix)
    };
    let arns: Vec<&str> = policy::attached(role).filter(is_below).collect();
    let name = |arn: &&str| (*arn).to_owned();
    entity::page((request.marker, request.max_items), arns, name, |arns| {
        let shown = arns.into_iter().map(|arn| {
            let name = arn.rsplit('/').next();
            json!({ "PolicyName": name, "PolicyArn": arn })
        });
        json!({ "AttachedPolicies": shown.collect::<Vec<_>>() })
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Entities {
    policy_arn: String,
    entity_filter: Option<String>,
    path_prefix: Option<String>,
    policy_usage_filter: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

pub(super) fn entities(call: &mut Call<'_>, request: Entities) -> Answer {
    let arn = &request.policy_arn;
    policy::attachable(call, arn)
        .map_err(|_| entity::no_such(format!("Policy {arn} was not found.")))?;
    let filter = request.entity_filter.as_deref().unwrap_or("Role");
    let words = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
    RULE.word("entityFilter", filter, &words)?;
    let usage = request.policy_usage_filter.as_deref();
    if let Some(usage) = usage {
        RULE.word("policyUsageFilter", usage, &["PermissionsPolicy", "PermissionsBoundary"])?;
    }
    let mut roles = Vec::new();
    if filter == "Role" && usage != Some("PermissionsBoundary") {
        roles.extend(policy::roles(call, arn, Use::Permissions));
    }
    if filter == "Role" && usage != Some("PermissionsPolicy") {
        roles.extend(policy::roles(call, arn, Use::Boundary));
    }
    let prefix = request.path_prefix.unwrap_or_else(|| "/".to_owned());
    roles.retain(|role| role.text("Path").starts_with(&prefix));
    let name = |role: &&Object| role.text("RoleName").to_owned();
    entity::page((request.marker, request.max_items), roles, name, |roles| {
        let shown = roles.into_iter().map(
            |role| json!({ "RoleName": role.text("RoleName"), "RoleId": role.text("RoleId") }),
        );
        json!({
            "PolicyGroups": [],
            "PolicyUsers": [],
            "PolicyRoles": shown.collect::<Vec<_>>(),
        })
    })
}
