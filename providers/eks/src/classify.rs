//! What an AWS error code means for what happens next.
//!
//! EC2 models no errors at all, so codes are told apart by their text.
use provision_core::Kind;

/// Messages of `InvalidParameterException` with which EKS says that it does not see a role, or
/// its policies, yet.
const ROLE_NOT_SEEN: [&str; 5] = [
    "does not exist",
    "Error in role params",
    "Role could not be assumed because the trusted entity is not correct",
    "The provided role doesn't have the Amazon EKS Managed Policies associated with it",
    "IAM role's policy must include",
];

/// Words with which EKS says that it does not see a key, which is not said to be known everywhere
/// once KMS has made it. Other tools retry on them.
const KEY_NOT_SEEN: &str = "The KeyArn in encryptionConfig provider";

/// Codes that mean the same whatever was asked.
const CODES: [(Kind, &[&str]); 8] = [
    (
        Kind::Retry,
        &[
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottledException",
            "RequestThrottled",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "BandwidthLimitExceeded",
            "EC2ThrottledException",
            "SlowDown",
            "PriorRequestNotComplete",
            "RequestTimeout",
            "RequestTimeoutException",
            "InternalError",
            "InternalFailure",
            "InternalFailureException",
            "InternalServerException",
            "KMSInternalException",
            "DependencyTimeoutException",
            "ServerException",
            "ServiceFailure",
            "ServiceFailureException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "Unavailable",
        ],
    ),
    (
        Kind::Blocked,
        &[
            "DependencyViolation",
            "IncorrectState",
            "InvalidIPAddress.InUse",
            "InvalidGroup.InUse",
            "DeleteConflict",
            "ConcurrentModification",
            "ConcurrentMutationLimitExceeded",
            "OperationAbortedException",
            "ScalingActivityInProgress",
            "ResourceContention",
            "EntityTemporarilyUnmodifiable",
            "ResourceInUse",
            "VolumeInUse",
        ],
    ),
    (
        Kind::Propagation,
        &[
            "KMSInvalidStateException",
            "NatGatewayNotFound",
            "Gateway.NotAttached",
            "LoadBalancerNotFound",
            "TargetGroupNotFound",
        ],
    ),
    (
        Kind::Exists,
        &[
            "EntityAlreadyExists",
            "AlreadyExistsException",
            "ResourceAlreadyExistsException",
            "RouteAlreadyExists",
            "Resource.AlreadyAssociated",
            "InvalidSubnet.Conflict",
            "InvalidLaunchTemplateName.AlreadyExistsException",
        ],
    ),
    (Kind::Denied, &["UnauthorizedOperation", "AccessDenied", "AccessDeniedException"]),
    (
        Kind::Auth,
        &[
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "AuthFailure",
            "IncompleteSignature",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ],
    ),
    // IAM, KMS and CloudWatch Logs mean an account's limit, never a rate.
    (
        Kind::Quota,
        &[
            "LimitExceeded",
            "LimitExceededException",
            "ResourceLimitExceededException",
            "ServiceQuotaExceededException",
            "MaxSpotInstanceCountExceeded",
        ],
    ),
    (
        Kind::Capacity,
        &[
            "InsufficientInstanceCapacity",
            "InsufficientFreeAddressesInSubnet",
            "InsufficientAddressCapacity",
            "UnfulfillableCapacity",
            "UnsupportedAvailabilityZoneException",
        ],
    ),
];

/// Tells what a failed call means.
pub(crate) fn classify(operation: &str, code: &str, message: &str, status: Option<u16>) -> Kind {
    by_context(operation, code, message)
        .or_else(|| by_code(code))
        .or_else(|| by_shape(code))
        .unwrap_or(match status {
            // A server that does not know the call never will.
            Some(501) => Kind::Invalid,
            Some(429 | 500..=599) => Kind::Retry,
            _ => Kind::Invalid,
        })
}

/// Codes whose meaning depends on what was asked.
fn by_context(operation: &str, code: &str, message: &str) -> Option<Kind> {
    Some(match code {
        // EKS says so both of a name that is taken and of an object that is busy.
        "ResourceInUseException" if operation.starts_with("eks:Create") => Kind::Exists,
        "ResourceInUseException" => Kind::Blocked,
        // EKS sees its own objects at once: what it does not find is not there.
        "ResourceNotFoundException" if operation.starts_with("eks:") => Kind::Invalid,
        // A look that lags still shows route tables that the endpoint has no more.
        "InvalidParameter"
            if operation == "ec2:ModifyVpcEndpoint" && message.contains("not associated") =>
        {
            Kind::Propagation
        }
        // EC2 answers so while a NAT gateway still holds the address.
        "AuthFailure" if operation == "ec2:ReleaseAddress" => Kind::Blocked,
        "InvalidParameterException" | "InvalidRequestException"
            if operation.starts_with("eks:")
                && (ROLE_NOT_SEEN.iter().any(|words| message.contains(words))
                    || message.contains(KEY_NOT_SEEN)) =>
        {
            Kind::Propagation
        }
        "InvalidRequestException" if message.contains("not in ACTIVE") => Kind::Blocked,
        // A managed policy that is not there never will be; a new role may be late.
        "NoSuchEntity" if message.starts_with("Policy") || message.contains("not attachable") => {
            Kind::Invalid
        }
        "NoSuchEntity" => Kind::Propagation,
        _ => return None,
    })
}

fn by_code(code: &str) -> Option<Kind> {
    CODES.iter().find(|(_, codes)| codes.contains(&code)).map(|(kind, _)| *kind)
}

/// Codes that say what they mean by how they end.
fn by_shape(code: &str) -> Option<Kind> {
    if code.ends_with("LimitExceeded") {
        Some(Kind::Quota)
    } else if code.ends_with(".NotFound") || code.ends_with("NotFoundException") {
        Some(Kind::Propagation)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_they_mean_for_that_call() {
        let role = "Role could not be assumed because the trusted entity is not correct";
        let table = "The endpoint is not associated with rtb-1";
        let policy = "Policy arn:aws:iam::aws:policy/X does not exist or is not attachable.";
        let scope = "Scope ARN: arn:aws:iam::1:policy/X does not exist or is not attachable.";
        let table = [
            ("ec2:CreateVpc", "RequestLimitExceeded", "", Kind::Retry),
            ("ec2:CreateVpc", "VpcLimitExceeded", "", Kind::Quota),
            ("kms:CreateKey", "LimitExceededException", "", Kind::Quota),
            ("ec2:CreateVpc", "UnauthorizedOperation", "", Kind::Denied),
            ("ec2:CreateVpc", "AuthFailure", "", Kind::Auth),
            ("ec2:ModifyVpcEndpoint", "InvalidParameter", table, Kind::Propagation),
            ("ec2:ModifyVpcEndpoint", "InvalidParameter", "bad policy", Kind::Invalid),
            ("ec2:ReleaseAddress", "AuthFailure", "", Kind::Blocked),
            ("eks:CreateCluster", "ResourceInUseException", "", Kind::Exists),
            ("eks:DeleteCluster", "ResourceInUseException", "", Kind::Blocked),
            ("eks:CreateCluster", "InvalidParameterException", role, Kind::Propagation),
            ("eks:CreateCluster", "InvalidParameterException", "bad name", Kind::Invalid),
            ("ec2:CreateRoute", "InvalidNatGatewayID.NotFound", "", Kind::Propagation),
            ("eks:TagResource", "ResourceNotFoundException", "", Kind::Invalid),
            ("ec2:CreateSubnet", "InvalidSubnet.Conflict", "", Kind::Exists),
            ("iam:AttachRolePolicy", "NoSuchEntity", policy, Kind::Invalid),
            ("iam:CreateRole", "NoSuchEntity", scope, Kind::Invalid),
            ("iam:AttachRolePolicy", "NoSuchEntity", "role", Kind::Propagation),
            (
                "eks:AssociateEncryptionConfig",
                "InvalidParameterException",
                "The KeyArn in encryptionConfig provider: arn:aws:kms:…, cannot be found",
                Kind::Propagation,
            ),
            ("ec2:DeleteVpc", "DependencyViolation", "", Kind::Blocked),
            ("iam:DeleteRole", "EntityTemporarilyUnmodifiable", "", Kind::Blocked),
            ("sts:GetCallerIdentity", "ExpiredToken", "", Kind::Auth),
            ("ec2:CreateVpc", "InvalidVpc.Range", "", Kind::Invalid),
        ];
        for (operation, code, message, kind) in table {
            assert_eq!(classify(operation, code, message, Some(400)), kind, "{operation} {code}");
        }
        assert_eq!(classify("eks:CreateCluster", "Strange", "", Some(503)), Kind::Retry);
    }
}
