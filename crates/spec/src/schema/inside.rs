//! What the schema says of what is inside a cluster.

use serde_json::{Value, json};

use super::patterns;
use crate::fields::Field;
use crate::storage::{Reclaim, StorageClass, StorageKind};
use crate::support::Term;

/// Returns the storage classes.
pub(super) fn storage_classes() -> Value {
    let defaults = StorageClass::named("");
    json!({
        "description": "Storage classes. Listed classes are all the classes; fields left out of a \
                        listed class come from the profile's class of that name.",
        "type": "array",
        "maxItems": Field::MOST_ITEMS,
        "uniqueItems": true,
        "items": {
            "description": "A class of volumes, which can grow, and are made where their pod is.",
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {
                    "description": "Its name, which claims use.",
                    "type": "string",
                    "pattern": patterns::CLASS,
                    "maxLength": StorageClass::LONGEST,
                    "examples": ["fast"],
                },
                "kind": {
                    "description": "What volumes are made of: the cloud's general disks.",
                    "enum": StorageKind::WORDS.map(|(word, _)| word),
                    "default": defaults.kind.word(),
                },
                "default": truth("Whether it serves claims that name no class.", defaults.default),
                "encrypted": truth("Whether its volumes are encrypted.", defaults.encrypted),
                "reclaim": {
                    "description": "What becomes of a volume when its claim is deleted.",
                    "enum": Reclaim::WORDS.map(|(word, _)| word),
                    "default": defaults.reclaim.word(),
                },
                "iops": {
                    "description": "Operations a second of each volume. Left out: as many as the \
                                    cloud gives, which is 3000 on EKS.",
                    "type": "integer",
                    "minimum": StorageClass::IOPS.start(),
                    "maximum": StorageClass::IOPS.end(),
                    "examples": [4000],
                },
                "throughput": {
                    "description": "Megabytes a second of each volume, each of which needs four \
                                    operations. Left out: as many as the cloud gives, which is 125 \
                                    on EKS.",
                    "type": "integer",
                    "minimum": StorageClass::THROUGHPUT.start(),
                    "maximum": StorageClass::THROUGHPUT.end(),
                    "examples": [200],
                },
            },
            "additionalProperties": false,
        },
        "examples": [[{ "name": "fast", "default": true, "iops": 4000, "throughput": 200 }]],
    })
}

/// Returns the files with manifests.
pub(super) fn manifests() -> Value {
    json!({
        "description": "Files with extra Kubernetes objects, applied last. Paths begin where the \
                        cluster file is.",
        "type": "array",
        "maxItems": Field::MOST_ITEMS,
        "uniqueItems": true,
        "items": { "type": "string", "pattern": patterns::PATH },
        "default": [],
        "examples": [["team.yaml"]],
    })
}

/// Returns how support gets in.
pub(super) fn support() -> Value {
    json!({
        "description": "How the vendor's support gets in: a ServiceAccount for automated upgrades.",
        "type": "object",
        "properties": {
            "access": {
                "description": "`admin`: it may do anything inside the cluster, until that \
                                expires. `provision kubeconfig --support` lets it in.",
                "enum": ["none", "admin"],
                "default": "none",
            },
            "expires": {
                "description": format!(
                    "For how long, in days or hours, from when it is let in: at most {}.",
                    Term::LONGEST
                ),
                "type": "string",
                "pattern": patterns::TERM,
                "default": Term::USUAL.to_string(),
                "examples": ["30d"],
            },
        },
        "additionalProperties": false,
        "examples": [{ "access": "admin", "expires": "30d" }],
    })
}

/// Returns where a secret is found.
pub(super) fn secret(description: &str, variable: &str) -> Value {
    json!({
        "description": description,
        "type": "object",
        "properties": {
            "env": {
                "description": "The name of an environment variable that holds it.",
                "type": "string",
                "pattern": patterns::VARIABLE,
                "maxLength": 128,
                "examples": [variable],
            },
            "file": {
                "description": "The path of a file that holds it.",
                "type": "string",
                "minLength": 1,
                "examples": ["token.txt"],
            },
        },
        "oneOf": [{ "required": ["env"] }, { "required": ["file"] }],
        "additionalProperties": false,
        "examples": [{ "env": variable }],
    })
}

/// Returns a switch.
pub(super) fn truth(description: &str, default: bool) -> Value {
    json!({ "description": description, "type": "boolean", "default": default })
}
