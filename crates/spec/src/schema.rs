//! The JSON Schema of the cluster file, for completion and checks in editors.
//!
//! It says what each field alone may hold. What only several fields together make wrong, such as
//! `min` above `max`, is left to the reader. `tests/commands/schema.rs` holds the two against each
//! other, field by field.

mod eks;
mod inside;
mod patterns;
mod pools;

use serde_json::{Map, Value, json};

use crate::cluster::ProviderName;
use crate::fields::Field;
use crate::kubernetes::Kubernetes;
use crate::network::{Layout, Nat, Network};
use crate::profile::Profile;

/// Returns the JSON Schema (draft 2020-12) of the cluster file, always the same.
///
/// `patternErrorMessage` is not of the standard; editors show it instead of a long expression.
/// The reader takes any single value as text, as it is written. The schema does so only where a
/// number or `true` is likely (versions, accounts, values of labels and tags), and elsewhere wants
/// quotes.
#[must_use]
pub fn schema() -> Value {
    let mut properties = properties();
    properties.extend(ProviderName::WORDS.map(|(word, name)| {
        let section = match name {
            ProviderName::Eks => eks::section(),
            other => unsupported(&format!("What only {} has.", other.word())),
        };
        (word.to_owned(), section)
    }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The cluster file of provision",
        "description": "One Kubernetes cluster. `provision show --resolved` prints every default.",
        "type": "object",
        "required": ["name", "provider", "region", "profile"],
        "properties": properties,
        "additionalProperties": false,
        "allOf": Profile::WORDS.map(|(_, profile)| pools::of_profile(profile)),
        "$defs": { "pool": pools::pool() },
    })
}

/// Returns the fields that every provider has.
fn properties() -> Map<String, Value> {
    let fields = json!({
        "name": {
            "description": "Names the cluster; every name in the cloud derives from it. \
                            Lowercase words joined by `-`, at most 20 characters.",
            "type": "string",
            "pattern": patterns::NAME,
            "maxLength": 20,
            "examples": ["acme-prod"],
        },
        "provider": provider(),
        "region": {
            "description": "The region, in the cloud's own words.",
            "type": "string",
            "pattern": patterns::REGION,
            "maxLength": 40,
            "examples": ["us-east-1"],
        },
        "profile": {
            "description": "Where defaults come from: `qualytics` has pools app, driver and \
                            executor, `none` has no defaults.",
            "enum": Profile::WORDS.map(|(word, _)| word),
        },
        "kubernetes": kubernetes(),
        "network": network(),
        "pools": pools::pools(),
        "storageClasses": inside::storage_classes(),
        "tags": tags(),
        "protect": {
            "description": "`true`: destroy refuses until it is `false` and applied.",
            "type": "boolean",
            "default": false,
        },
        "secrets": {
            "description": "References to secrets. A secret itself never stands in the file.",
            "type": "object",
            "properties": {
                "registryToken": inside::secret(
                    "The token for the container registry of the profile.",
                    "REGISTRY_TOKEN",
                ),
            },
            "additionalProperties": false,
        },
        "inCluster": inside::truth(
            "Whether what is inside the cluster is managed too; `false` leaves it to somebody else.",
            true,
        ),
        "manifests": inside::manifests(),
        "support": inside::support(),
    });
    let Value::Object(fields) = fields else { unreachable!("a map was written") };
    fields
}

fn provider() -> Value {
    let words = |supported| {
        let of = move |(word, name): (&'static str, ProviderName)| {
            (name.is_supported() == supported).then_some(word)
        };
        ProviderName::WORDS.into_iter().filter_map(of).collect::<Vec<_>>()
    };
    let later = words(false).join(", ");
    json!({
        "description": format!("The cloud. Not supported yet: {later}."),
        "enum": words(true),
    })
}

fn kubernetes() -> Value {
    let defaults = Kubernetes::default();
    let allow: Vec<_> = defaults.api.allow.iter().map(ToString::to_string).collect();
    json!({
        "description": "The control plane.",
        "type": "object",
        "properties": {
            "version": {
                "description": "A floor for the version: recorded at the first apply, never \
                                lowered; raising it is an upgrade. Without one the provider's \
                                newest tried one.",
                "type": ["string", "number"],
                "pattern": patterns::MINOR,
                "exclusiveMinimum": 1,
                "exclusiveMaximum": 2,
                "examples": ["1.35"],
            },
            "api": {
                "description": "Who reaches the Kubernetes API.",
                "type": "object",
                "properties": {
                    "public": {
                        "description": "Whether the API answers outside the network.",
                        "type": "boolean",
                        "default": defaults.api.public,
                    },
                    "allow": {
                        "description": "The networks that it answers there. The default is the \
                                        whole internet, which a plan warns about.",
                        "type": "array",
                        "minItems": 1,
                        "maxItems": Field::MOST_ITEMS,
                        "uniqueItems": true,
                        "items": {
                            "type": "string",
                            "pattern": patterns::NETWORK,
                            "patternErrorMessage": "Must be a network such as 203.0.113.0/24.",
                        },
                        "default": allow,
                        "examples": [["203.0.113.0/24"]],
                    },
                },
                "additionalProperties": false,
            },
            "secretsKey": secrets_key(),
        },
        "additionalProperties": false,
    })
}

fn secrets_key() -> Value {
    json!({
        "description": "The key that encrypts the cluster's secrets: `managed` is the cloud's, \
                        `own` makes one, anything else is the id of a key. Cannot be undone on EKS.",
        "type": "string",
        "maxLength": 2048,
        "anyOf": [{ "enum": ["managed", "own"] }, { "pattern": patterns::KEY_ID }],
        "default": "managed",
    })
}

fn network() -> Value {
    let defaults = Network::default();
    let (largest, smallest) = (Layout::PREFIXES.start(), Layout::PREFIXES.end());
    json!({
        "description": "The network.",
        "type": "object",
        "properties": {
            "cidr": {
                "description": format!(
                    "Its addresses: a private network, /{largest} to /{smallest}. A cluster never leaves them."
                ),
                "type": "string",
                "pattern": patterns::private_network(),
                "patternErrorMessage": "Must be a private network such as 10.0.0.0/16.",
                "default": defaults.cidr.to_string(),
            },
            "zones": {
                "description": "A count, or the names of zones; recorded as facts.",
                "type": ["integer", "array"],
                "minimum": 2,
                "maximum": Layout::SLOTS,
                "minItems": 2,
                "maxItems": Layout::SLOTS,
                "uniqueItems": true,
                "items": zone(),
                "default": 3,
                "examples": [["us-east-1a", "us-east-1b"]],
            },
            "nat": {
                "description": "How private nodes reach the internet: through one gateway, one \
                                in each zone, or not at all.",
                "enum": Nat::WORDS.map(|(word, _)| word),
                "default": "single",
            },
        },
        "additionalProperties": false,
    })
}

/// Returns what the name of a zone may be.
fn zone() -> Value {
    json!({ "type": "string", "pattern": patterns::ZONE, "examples": ["us-east-1a"] })
}

fn tags() -> Value {
    json!({
        "description": "Tags on every object that takes tags; no two keys are equal but for case.",
        "type": "object",
        "maxProperties": 40,
        "propertyNames": {
            "pattern": patterns::TAG,
            "minLength": 1,
            "maxLength": 128,
            "not": { "pattern": patterns::RESERVED_TAG },
            "examples": ["team"],
        },
        "additionalProperties": {
            "type": ["string", "number", "boolean"],
            "pattern": patterns::TAG,
            "maxLength": 256,
            "examples": ["platform"],
        },
        "default": {},
    })
}

/// Returns a field that is refused whatever it holds.
fn unsupported(description: &str) -> Value {
    json!({ "description": format!("{description} Not supported yet."), "not": {} })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Zones;

    #[test]
    fn has_the_fields_of_the_reader_in_its_order() {
        let schema = schema();
        let names = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&schema["properties"]), crate::read::FIELDS);
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn has_the_defaults_of_the_reader() {
        let text = "name: a\nprovider: eks\nregion: us-east-1\nprofile: none\n";
        let spec = crate::read("a.yaml", text.as_bytes()).unwrap();
        let network = network();
        let count = network["properties"]["zones"]["default"].as_u64().unwrap();
        assert_eq!(spec.network.zones, Zones::Count(u8::try_from(count).unwrap()));
        let nat = network["properties"]["nat"]["default"].as_str().unwrap();
        assert!(Nat::WORDS.contains(&(nat, spec.network.nat)));
    }
}
