//! How much of everything an account has, and may have.
use super::super::{Answer, Call};
use super::entity;
use super::oidc::Nothing;
use serde_json::{Value, json};

pub(super) fn summary(call: &mut Call<'_>, _: Nothing) -> Answer {
    let own = entity::arn(call, "");
    let count = |kind| {
        let all = call.seen(kind).into_iter();
        all.filter(|(key, _)| key.id.starts_with(&own)).count()
    };
    let members = [
        ("Roles", count("iam.role")),
        ("RolesQuota", 1000),
        ("Policies", count("iam.policy")),
        ("PoliciesQuota", 1500),
        ("InstanceProfiles", count("iam.instance_profile")),
        ("InstanceProfilesQuota", 1000),
        ("Providers", count("iam.oidc_provider")),
        ("Users", 1),
        ("UsersQuota", 5000),
        ("Groups", 0),
        ("GroupsQuota", 300),
        ("AttachedPoliciesPerRoleQuota", 10),
        ("AssumeRolePolicySizeQuota", 2048),
        ("RolePolicySizeQuota", 10_240),
        ("PolicySizeQuota", 6144),
        ("VersionsPerPolicyQuota", 5),
    ];
    let entries: Vec<Value> =
        members.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    Ok(json!({ "SummaryMap": { "entry": entries } }))
}
