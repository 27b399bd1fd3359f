//! The faults that befall a call before it takes hold, each as the service's own error.
use super::Refusal;
use super::protocol::Protocol;
use super::{dialect, sts};
use crate::faults::Effect;

/// An error: its code and its status.
type Code = (&'static str, u16);

/// What a service says to every call.
struct Words {
    service: &'static str,
    throttled: Code,
    denied: Code,
    internal: Code,
}

const fn words(service: &'static str, throttled: Code, denied: Code, internal: Code) -> Words {
    Words { service, throttled, denied, internal }
}

/// What the services of the query protocol say.
const RATE: Code = ("Throttling", 400);
const DENIED: Code = ("AccessDenied", 403);

/// What those of the JSON protocol say.
const JSON_RATE: Code = ("ThrottlingException", 400);
const JSON_DENIED: Code = ("AccessDeniedException", 400);

const WORDS: &[Words] = &[
    words("autoscaling", RATE, DENIED, COMMON),
    words(
        "ec2",
        ("RequestLimitExceeded", 503),
        ("UnauthorizedOperation", 403),
        ("InternalError", 500),
    ),
    words(
        "eks",
        ("ThrottlingException", 429),
        ("AccessDeniedException", 403),
        ("ServerException", 500),
    ),
    words("elasticloadbalancing", RATE, DENIED, COMMON),
    words("iam", RATE, DENIED, ("ServiceFailure", 500)),
    words("kms", JSON_RATE, JSON_DENIED, ("KMSInternalException", 500)),
    words("logs", JSON_RATE, JSON_DENIED, ("ServiceUnavailableException", 500)),
    words("sts", RATE, DENIED, COMMON),
];

/// The internal error that every service has in common.
const COMMON: Code = ("InternalFailure", 500);

/// Operations whose models do not list the internal error of their service.
const UNLISTED: &[(&str, &[&str])] = &[
    ("eks", &["TagResource", "UntagResource", "ListTagsForResource"]),
    ("logs", &["TagLogGroup", "UntagLogGroup"]),
];

/// The calls that make something of which there may be too much, with the error that says so.
/// EKS names the cluster and more in its own, so its operations refuse by themselves.
const QUOTAS: &[(&str, Code, &[&str])] = &[
    ("autoscaling", ("LimitExceeded", 400), &["CreateOrUpdateTags"]),
    ("ec2", ("AddressLimitExceeded", 400), &["AllocateAddress"]),
    ("ec2", ("InternetGatewayLimitExceeded", 400), &["CreateInternetGateway"]),
    ("ec2", ("MaxTemplateLimitExceeded", 400), &["CreateLaunchTemplate"]),
    ("ec2", ("MaxTemplateVersionLimitExceeded", 400), &["CreateLaunchTemplateVersion"]),
    ("ec2", ("NatGatewayLimitExceeded", 400), &["CreateNatGateway"]),
    ("ec2", ("RouteLimitExceeded", 400), &["CreateRoute"]),
    ("ec2", ("RouteTableLimitExceeded", 400), &["CreateRouteTable"]),
    (
        "ec2",
        ("RulesPerSecurityGroupLimitExceeded", 400),
        &["AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"],
    ),
    ("ec2", ("SecurityGroupLimitExceeded", 400), &["CreateSecurityGroup"]),
    ("ec2", ("SubnetLimitExceeded", 400), &["CreateSubnet"]),
    ("ec2", ("TagLimitExceeded", 400), &["CreateTags"]),
    ("ec2", ("VolumeLimitExceeded", 400), &["CreateVolume"]),
    ("ec2", ("VpcEndpointLimitExceeded", 400), &["CreateVpcEndpoint"]),
    ("ec2", ("VpcLimitExceeded", 400), &["CreateVpc"]),
    ("elasticloadbalancing", ("TooManyTags", 400), &["AddTags"]),
    (
        "iam",
        ("LimitExceeded", 409),
        &[
            "AddClientIDToOpenIDConnectProvider",
            "AddRoleToInstanceProfile",
            "AttachRolePolicy",
            "CreateInstanceProfile",
            "CreateOpenIDConnectProvider",
            "CreatePolicy",
            "CreatePolicyVersion",
            "CreateRole",
            "CreateServiceLinkedRole",
            "PutRolePolicy",
            "TagOpenIDConnectProvider",
            "TagRole",
            "UpdateAssumeRolePolicy",
        ],
    ),
    (
        "kms",
        ("LimitExceededException", 400),
        &["CreateAlias", "CreateGrant", "CreateKey", "TagResource", "UpdateAlias"],
    ),
    ("logs", ("LimitExceededException", 400), &["CreateLogGroup"]),
    ("logs", ("TooManyTagsException", 400), &["TagResource"]),
];

/// The calls that the cloud may have no room for, with the error that says so. EKS and Auto
/// Scaling say it later, in what they made.
const CAPACITIES: &[(&str, Code, &[&str])] = &[
    ("ec2", ("InsufficientAddressCapacity", 500), &["AllocateAddress"]),
    ("ec2", ("InsufficientVolumeCapacity", 500), &["CreateVolume"]),
];

/// The calls that EKS itself has a limit for.
const LIMITED: &[(&str, &[&str])] =
    &[("eks", &["CreateCluster", "CreateNodegroup", "CreatePodIdentityAssociation"])];

/// The calls whose end tells that there was no room.
const CROWDED: &[(&str, &[&str])] = &[
    ("autoscaling", &["SetDesiredCapacity", "UpdateAutoScalingGroup"]),
    (
        "eks",
        &[
            "AssociateEncryptionConfig",
            "CreateCluster",
            "CreateNodegroup",
            "UpdateAddon",
            "UpdateClusterConfig",
            "UpdateClusterVersion",
            "UpdateNodegroupConfig",
            "UpdateNodegroupVersion",
        ],
    ),
];

/// Tells whether an effect means anything to a call.
pub(super) fn means(effect: Effect, service: &str, operation: &str) -> bool {
    let is_in = |table: &[(&str, &[&str])]| {
        table.iter().any(|(of, operations)| *of == service && operations.contains(&operation))
    };
    match effect {
        Effect::Capacity => listed(CAPACITIES, service, operation).is_some() || is_in(CROWDED),
        Effect::Quota => listed(QUOTAS, service, operation).is_some() || is_in(LIMITED),
        Effect::Stale => ["Describe", "Get", "List"].iter().any(|it| operation.starts_with(it)),
        _ => true,
    }
}

/// Tells whether an effect means anything to the operation of that name, whatever its service.
pub(super) fn means_somewhere(effect: Effect, operation: &str) -> bool {
    WORDS.iter().any(|words| means(effect, words.service, operation))
}

/// Returns the error of a call that a fault befalls before it takes hold; `None` where the fault
/// means nothing to it, or befalls it later.
pub(super) fn refused(
    effect: Effect,
    service: &str,
    operation: &str,
    protocol: Protocol,
) -> Option<Refusal> {
    let words = WORDS.iter().find(|words| words.service == service);
    let (code, message) = match effect {
        Effect::Throttle => (words?.throttled, "Rate exceeded"),
        Effect::Denied => {
            (words?.denied, "The caller is not authorized to perform this operation.")
        }
        Effect::ErrorBefore => return Some(internal(service, operation)),
        Effect::Expired => return Some(dialect::of(protocol, sts::expired())),
        Effect::Capacity => (
            listed(CAPACITIES, service, operation)?,
            "There is not enough capacity to fulfill the request.",
        ),
        Effect::Quota => (
            listed(QUOTAS, service, operation)?,
            "The maximum number of objects of this kind has been reached.",
        ),
        _ => return None,
    };
    Some(made(code, message))
}

/// Returns the error that says that something went wrong within a service.
pub(super) fn internal(service: &str, operation: &str) -> Refusal {
    let is_unlisted =
        UNLISTED.iter().any(|(of, operations)| *of == service && operations.contains(&operation));
    let words = WORDS.iter().find(|words| words.service == service && !is_unlisted);
    made(words.map_or(COMMON, |words| words.internal), "An internal error has occurred.")
}

fn listed(
    table: &[(&str, Code, &'static [&'static str])],
    service: &str,
    operation: &str,
) -> Option<Code> {
    let is_it = |(of, _, operations): &&(&str, Code, &[&str])| {
        *of == service && operations.contains(&operation)
    };
    table.iter().find(is_it).map(|(_, code, _)| *code)
}

fn made((code, status): Code, message: &str) -> Refusal {
    Refusal::new(code, message).status(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(effect: Effect, service: &str, operation: &str) -> Option<(String, u16)> {
        let refusal = refused(effect, service, operation, Protocol::Rest)?;
        Some((refusal.code, refusal.status))
    }

    #[test]
    fn every_service_has_words_of_its_own() {
        for (service, operation, effect, code, status) in [
            ("ec2", "CreateVpc", Effect::Throttle, "RequestLimitExceeded", 503),
            ("iam", "CreateRole", Effect::Throttle, "Throttling", 400),
            ("kms", "CreateKey", Effect::Throttle, "ThrottlingException", 400),
            ("eks", "DescribeCluster", Effect::Throttle, "ThrottlingException", 429),
            ("sts", "AssumeRole", Effect::Denied, "AccessDenied", 403),
            ("logs", "CreateLogGroup", Effect::Denied, "AccessDeniedException", 400),
            ("eks", "CreateCluster", Effect::ErrorBefore, "ServerException", 500),
            ("eks", "TagResource", Effect::ErrorBefore, "InternalFailure", 500),
            ("autoscaling", "DeleteTags", Effect::ErrorBefore, "InternalFailure", 500),
            ("ec2", "CreateVpc", Effect::Quota, "VpcLimitExceeded", 400),
            ("iam", "CreateRole", Effect::Quota, "LimitExceeded", 409),
            ("ec2", "AllocateAddress", Effect::Capacity, "InsufficientAddressCapacity", 500),
        ] {
            let wanted = Some((code.to_owned(), status));
            assert_eq!(told(effect, service, operation), wanted, "{service} {operation}");
        }
    }

    #[test]
    fn an_effect_means_something_where_it_is_to_be_seen() {
        for (effect, operation, wanted) in [
            (Effect::Quota, "CreateVpc", true),
            (Effect::Quota, "CreateNodegroup", true),
            (Effect::Quota, "DescribeVpcs", false),
            (Effect::Capacity, "CreateCluster", true),
            (Effect::Capacity, "CreateVpc", false),
            (Effect::Stale, "GetRole", true),
            (Effect::Stale, "CreateRole", false),
            (Effect::Denied, "CreateVpc", true),
        ] {
            assert_eq!(means_somewhere(effect, operation), wanted, "{effect:?} {operation}");
        }
    }

    #[test]
    fn what_makes_nothing_meets_no_limit() {
        for (service, operation) in
            [("ec2", "DescribeVpcs"), ("iam", "DeleteRole"), ("eks", "CreateCluster")]
        {
            assert_eq!(told(Effect::Quota, service, operation), None, "{operation}");
            assert_eq!(told(Effect::Capacity, service, operation), None, "{operation}");
        }
    }

    #[test]
    fn nothing_is_listed_twice() {
        for table in [QUOTAS, CAPACITIES] {
            let rows = table.iter().flat_map(|(of, _, all)| all.iter().map(move |it| (of, it)));
            let mut rows: Vec<_> = rows.collect();
            let count = rows.len();
            rows.sort();
            rows.dedup();
            assert_eq!(rows.len(), count);
        }
    }
}
