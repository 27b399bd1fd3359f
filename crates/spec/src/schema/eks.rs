//! What the schema says of the section that only EKS has.

use serde_json::{Value, json};

use crate::fields::Field;

use super::patterns;

/// Returns the section `eks`.
pub(super) fn section() -> Value {
    json!({
        "description": "What only EKS has.",
        "type": "object",
        "properties": {
            "account": {
                "description": "The account, 12 digits in quotes: credentials of another one are \
                                refused.",
                "type": ["string", "integer"],
                "pattern": patterns::ACCOUNT,
                "minimum": 100_000_000_000_u64,
                "maximum": 999_999_999_999_u64,
                "examples": ["123456789012"],
            },
            "assumeRole": {
                "description": "The role that everything is done as, in its account, instead of \
                                as the caller.",
                "type": "object",
                "required": ["arn"],
                "properties": {
                    "arn": {
                        "description": "Its ARN.",
                        "type": "string",
                        "pattern": patterns::ROLE_ARN,
                        "examples": ["arn:aws:iam::123456789012:role/provision"],
                    },
                    "externalId": {
                        "description": "The word that its trust policy asks for.",
                        "type": "string",
                        "pattern": patterns::EXTERNAL_ID,
                        "examples": ["acme-1234"],
                    },
                },
                "additionalProperties": false,
            },
            "permissionsBoundary": {
                "description": "The ARN of the policy that bounds every role that is made.",
                "type": "string",
                "pattern": patterns::POLICY_ARN,
                "examples": ["arn:aws:iam::123456789012:policy/boundary"],
            },
            "addons": {
                "description": "The add-ons of EKS. `[]` leaves them to somebody else, and EKS's \
                                own bootstrap of them alone.",
                "type": "array",
                "items": {
                    "type": "string",
                    "pattern": patterns::ADDON,
                    "maxLength": 100,
                    "examples": ["coredns"],
                },
                "maxItems": Field::MOST_ITEMS,
                "uniqueItems": true,
                "default": [
                    "vpc-cni",
                    "kube-proxy",
                    "eks-pod-identity-agent",
                    "coredns",
                    "aws-ebs-csi-driver",
                    "metrics-server",
                ],
            },
            "access": access(),
            "podIdentity": {
                "description": "Whether the driver of volumes and the autoscaler get their roles \
                                through EKS Pod Identity.",
                "type": "boolean",
                "default": true,
            },
            "irsa": {
                "description": "`true` makes the OIDC provider, for IAM roles of service accounts.",
                "type": "boolean",
                "default": false,
            },
        },
        "additionalProperties": false,
    })
}

/// Returns who may enter a cluster.
fn access() -> Value {
    json!({
        "description": "Who may enter the cluster, and what for; by default whoever applies it \
                        first, for everything. `[]` leaves that to somebody else.",
        "type": "array",
        "items": {
            "type": "object",
            "required": ["principal", "policy"],
            "properties": {
                "principal": {
                    "description": "The ARN of a role or a user.",
                    "type": "string",
                    "pattern": patterns::PRINCIPAL_ARN,
                    "examples": ["arn:aws:iam::123456789012:role/admin"],
                },
                "policy": {
                    "description": "An access policy of EKS, by its name or its ARN.",
                    "type": "string",
                    "pattern": patterns::ACCESS_POLICY,
                    "examples": ["AmazonEKSClusterAdminPolicy"],
                },
            },
            "additionalProperties": false,
        },
        "maxItems": Field::MOST_ITEMS,
        "uniqueItems": true,
    })
}
