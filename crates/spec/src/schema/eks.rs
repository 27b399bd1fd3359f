//! What the schema says of the section that only EKS has.

use serde_json::{Value, json};

use crate::fields::Field;

use super::{left_out, only_false, patterns};

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
            "access": left_out("Who may enter the cluster."),
            "podIdentity": only_false("Pod identity."),
            "irsa": {
                "description": "`true` makes the OIDC provider, for IAM roles of service accounts.",
                "type": "boolean",
                "default": false,
            },
        },
        "additionalProperties": false,
    })
}
