//! What the schema says of pools.

use serde_json::{Map, Value, json};

use super::{patterns, zone};
use crate::cluster::ProviderName;
use crate::fields::Field;
use crate::pools::{Capacity, Effect, Pool};
use crate::profile::Profile;

/// The pools of profile `qualytics` that do not survive losing a node.
const ON_DEMAND_ONLY: [&str; 3] = ["app", "driver", "spark"];

/// Returns the map of pools, with those that a profile knows by name.
pub(super) fn pools() -> Value {
    let known = Profile::Qualytics.pool_names().iter().filter_map(|name| {
        let pool = Profile::Qualytics.pool(ProviderName::Eks, name)?;
        Some(((*name).to_owned(), json!({ "description": about(&pool), "$ref": "#/$defs/pool" })))
    });
    json!({
        "description": "Pools by name. Listed pools are all the pools; fields left out of a listed \
                        pool come from the profile's pool of that name.",
        "type": "object",
        "propertyNames": { "pattern": patterns::NAME, "maxLength": 20, "examples": ["gpu"] },
        "properties": known.collect::<Map<_, _>>(),
        "additionalProperties": { "$ref": "#/$defs/pool" },
    })
}

fn about(pool: &Pool) -> String {
    let labels: Vec<_> = pool.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!(
        "With profile qualytics on EKS: {} of {}, {} to {} nodes, label {}.",
        pool.capacity.word(),
        pool.machine.join(", "),
        pool.min,
        pool.max,
        labels.join(", ")
    )
}

/// Returns what a profile asks of pools: those it does not know must say what they are made of.
pub(super) fn of_profile(profile: Profile) -> Value {
    let known = profile.pool_names().iter().map(|name| {
        let asks = match ON_DEMAND_ONLY.contains(name) {
            true => json!({ "properties": { "capacity": { "const": Capacity::OnDemand.word() } } }),
            false => json!(true),
        };
        ((*name).to_owned(), asks)
    });
    let pools = json!({
        "properties": known.collect::<Map<_, _>>(),
        "additionalProperties": { "required": ["machine", "max"] },
    });
    json!({
        "if": {
            "required": ["profile"],
            "properties": { "profile": { "const": profile.word() } },
        },
        "then": { "properties": { "pools": pools } },
    })
}

/// Returns one pool.
pub(super) fn pool() -> Value {
    json!({
        "description": "A group of equal nodes that grows and shrinks between two bounds.",
        "type": "object",
        "properties": {
            "machine": {
                "description": "A machine type, or a list of those that will do, preferred first, of \
                                which those count that the region has. On EKS none with \
                                accelerators yet.",
                "type": ["string", "array"],
                "pattern": patterns::MACHINE,
                "minItems": 1,
                "maxItems": 20,
                "uniqueItems": true,
                "items": { "type": "string", "pattern": patterns::MACHINE },
                "examples": ["m6i.xlarge", ["m6i.xlarge", "m5.xlarge"]],
            },
            "capacity": {
                "description": "Machines until given back, or cheaper ones that the cloud may take.",
                "enum": [Capacity::OnDemand.word(), Capacity::Spot.word()],
                "default": Capacity::OnDemand.word(),
            },
            "min": nodes("The least number of nodes.", 0, 1),
            "max": nodes("The greatest number of nodes, not below `min`.", 1, 3),
            "labels": labels(),
            "taints": taints(),
            "diskGb": {
                "description": "The size of a node's disk in gigabytes.",
                "type": "integer",
                "minimum": 20,
                "maximum": 16_384,
                "default": Pool::DISK_GB,
            },
            "zones": {
                "description": "Some of the network's zones. Left out: all of them.",
                "type": "array",
                "minItems": 1,
                "maxItems": Field::MOST_ITEMS,
                "uniqueItems": true,
                "items": zone(),
                "examples": [["us-east-1a"]],
            },
        },
        "additionalProperties": false,
    })
}

fn nodes(description: &str, least: u32, example: u32) -> Value {
    json!({
        "description": description,
        "type": "integer",
        "minimum": least,
        "maximum": Pool::MOST_NODES,
        "examples": [example],
    })
}

fn labels() -> Value {
    json!({
        "description": "Labels of the nodes, instead of the profile's. EKS takes no empty value, \
                        and keys of at most 63 characters.",
        "type": "object",
        "propertyNames": label_key(),
        "additionalProperties": label_value(),
    })
}

fn taints() -> Value {
    let mut key = label_key();
    key["type"] = json!("string");
    key["description"] = json!("A key like a label's.");
    let mut value = label_value();
    value["minLength"] = json!(0);
    value["description"] = json!("A value like a label's.");
    value["default"] = json!("");
    json!({
        "description": "Taints, which keep other work off the nodes; one for each key and effect.",
        "type": "array",
        "maxItems": 50,
        "uniqueItems": true,
        "items": {
            "type": "object",
            "required": ["key", "effect"],
            "properties": {
                "key": key,
                "value": value,
                "effect": {
                    "description": "What happens to what does not tolerate it.",
                    "enum": [
                        Effect::NoSchedule.word(),
                        Effect::PreferNoSchedule.word(),
                        Effect::NoExecute.word(),
                    ],
                },
            },
            "additionalProperties": false,
        },
        "default": [],
    })
}

fn label_key() -> Value {
    json!({
        "pattern": patterns::LABEL_KEY,
        "maxLength": 63,
        "not": { "pattern": patterns::RESERVED_LABEL },
        "examples": ["acme.com/team"],
    })
}

fn label_value() -> Value {
    json!({
        "type": ["string", "number", "boolean"],
        "pattern": patterns::LABEL_VALUE,
        "minLength": 1,
        "examples": ["platform"],
    })
}
