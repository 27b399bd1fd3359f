//! AWS IAM: roles and their policies, identity providers, and what others know of them.
mod attach;
mod document;
pub(crate) mod entity;
mod inline;
mod known;
mod linked;
mod managed;
mod may;
mod oidc;
mod policy;
mod profile;
mod role;
mod summary;
pub(crate) mod trust;

pub(crate) use known::{Unassumable, assumable, attached, trust as trust_policy};
pub(crate) use may::may;
pub(crate) use role::invent;

use super::{Answer, Call, Input};
use crate::behaviour::Behaviour;

const PROPAGATION: Behaviour = Behaviour {
    service: "iam",
    what: "a new or changed role, trust policy or attachment reaches other services",
    seconds: 10,
    source: "assumption",
};

const AT_ONCE: Behaviour = Behaviour {
    service: "iam",
    what: "a deleted role is gone for other services too",
    seconds: 0,
    source: "assumption",
};

const UNCHECKED: Behaviour = Behaviour {
    service: "iam",
    what: "a service meets every condition of a trust policy but aws:SourceAccount",
    seconds: 0,
    source: "assumption",
};

const LIMITS: Behaviour = Behaviour {
    service: "iam",
    what: "an account has at most 1000 roles beside those of services, 1500 policies of its own, \
        1000 instance profiles and 100 OIDC providers; a role has at most 10 attached policies, \
        10240 characters of inline ones and 2048 of trust; a policy has at most 6144 characters \
        and 5 versions; an instance profile has one role; everything has at most 50 tags",
    seconds: 0,
    source: "AWS IAM User Guide, IAM and AWS STS quotas",
};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[PROPAGATION, AT_ONCE, UNCHECKED, LIMITS];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    let answer = match call.operation {
        "CreateRole" => call.run(input, role::create),
        "GetRole" => call.run(input, role::describe),
        "ListRoles" => call.run(input, role::list),
        "UpdateRole" => call.run(input, role::update),
        "UpdateAssumeRolePolicy" => call.run(input, role::update_trust),
        "TagRole" => call.run(input, role::tag),
        "UntagRole" => call.run(input, role::untag),
        "ListRoleTags" => call.run(input, role::tags),
        "PutRolePermissionsBoundary" => call.run(input, role::put_boundary),
        "DeleteRolePermissionsBoundary" => call.run(input, role::delete_boundary),
        "DeleteRole" => call.run(input, role::delete),
        "PutRolePolicy" => call.run(input, inline::put),
        "GetRolePolicy" => call.run(input, inline::get),
        "ListRolePolicies" => call.run(input, inline::list),
        "DeleteRolePolicy" => call.run(input, inline::delete),
        "AttachRolePolicy" => call.run(input, attach::attach),
        "DetachRolePolicy" => call.run(input, attach::detach),
        "ListAttachedRolePolicies" => call.run(input, attach::list),
        "ListEntitiesForPolicy" => call.run(input, attach::entities),
        "CreateServiceLinkedRole" => call.run(input, linked::create),
        "GetAccountSummary" => call.run(input, summary::summary),
        _ => others(call, input),
    };
    answer.map_err(|refusal| refusal.unreadable(entity::RULE.0))
}

fn others(call: &mut Call<'_>, input: &Input) -> Answer {
    match call.operation {
        "CreatePolicy" => call.run(input, policy::create),
        "GetPolicy" => call.run(input, policy::get),
        "ListPolicies" => call.run(input, policy::list),
        "DeletePolicy" => call.run(input, policy::delete),
        "CreatePolicyVersion" => call.run(input, policy::create_version),
        "GetPolicyVersion" => call.run(input, policy::get_version),
        "ListPolicyVersions" => call.run(input, policy::list_versions),
        "DeletePolicyVersion" => call.run(input, policy::delete_version),
        "SetDefaultPolicyVersion" => call.run(input, policy::set_version),
        "CreateInstanceProfile" => call.run(input, profile::create),
        "GetInstanceProfile" => call.run(input, profile::describe),
        "ListInstanceProfiles" => call.run(input, profile::list),
        "ListInstanceProfilesForRole" => call.run(input, profile::of_role),
        "AddRoleToInstanceProfile" => call.run(input, profile::add),
        "RemoveRoleFromInstanceProfile" => call.run(input, profile::remove),
        "DeleteInstanceProfile" => call.run(input, profile::delete),
        "CreateOpenIDConnectProvider" => call.run(input, oidc::create),
        "GetOpenIDConnectProvider" => call.run(input, oidc::describe),
        "ListOpenIDConnectProviders" => call.run(input, oidc::list),
        "DeleteOpenIDConnectProvider" => call.run(input, oidc::delete),
        "TagOpenIDConnectProvider" => call.run(input, oidc::tag),
        "UntagOpenIDConnectProvider" => call.run(input, oidc::untag),
        "ListOpenIDConnectProviderTags" => call.run(input, oidc::tags),
        "AddClientIDToOpenIDConnectProvider" => call.run(input, oidc::add_audience),
        "RemoveClientIDFromOpenIDConnectProvider" => call.run(input, oidc::remove_audience),
        "UpdateOpenIDConnectProviderThumbprint" => call.run(input, oidc::set_thumbprints),
        _ => call.unsupported(),
    }
}
