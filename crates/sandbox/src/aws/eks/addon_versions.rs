//! The add-ons that EKS offers, in which versions, for which versions of Kubernetes.
use super::super::{Answer, Call, Refusal, partition};
use super::found::{Paging, body, invalid, refusal};
use super::versions;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// An add-on that there is.
pub(super) struct Offer {
    pub(super) name: &'static str,
    /// What EKS sorts it under.
    sort: &'static str,
    /// Whether it has pods that need a node to run on, rather than one on each.
    pub(super) needs_nodes: bool,
    /// The service account that needs a role, with the policy that EKS recommends for it.
    identity: Option<(&'static str, &'static str)>,
    /// Versions, the newest first, with the first and last minor version of Kubernetes they run on.
    versions: &'static [(&'static str, u32, u32)],
}

/// What is offered. The names are EKS's; that these versions stand beside each other is assumed.
const OFFERS: &[Offer] = &[
    Offer {
        name: "aws-ebs-csi-driver",
        sort: "storage",
        needs_nodes: true,
        identity: Some(("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy")),
        versions: &[
            ("v1.53.0-eksbuild.1", 30, 36),
            ("v1.51.1-eksbuild.1", 30, 35),
            ("v1.44.0-eksbuild.1", 30, 34),
        ],
    },
    Offer {
        name: "coredns",
        sort: "networking",
        needs_nodes: true,
        identity: None,
        versions: &[
            ("v1.13.1-eksbuild.1", 35, 36),
            ("v1.12.4-eksbuild.1", 33, 35),
            ("v1.12.1-eksbuild.2", 33, 34),
            ("v1.11.4-eksbuild.24", 30, 33),
            ("v1.11.4-eksbuild.2", 30, 32),
        ],
    },
    Offer {
        name: "eks-pod-identity-agent",
        sort: "security",
        needs_nodes: false,
        identity: None,
        versions: &[("v1.3.10-eksbuild.1", 30, 36), ("v1.3.8-eksbuild.2", 30, 35)],
    },
    Offer {
        name: "kube-proxy",
        sort: "networking",
        needs_nodes: false,
        identity: None,
        versions: &[
            ("v1.36.0-eksbuild.2", 36, 36),
            ("v1.35.1-eksbuild.2", 35, 36),
            ("v1.35.0-eksbuild.2", 35, 36),
            ("v1.34.1-eksbuild.2", 34, 35),
            ("v1.34.0-eksbuild.2", 34, 35),
            ("v1.33.5-eksbuild.2", 33, 34),
            ("v1.33.3-eksbuild.4", 33, 34),
            ("v1.32.9-eksbuild.2", 32, 33),
            ("v1.31.13-eksbuild.2", 31, 32),
            ("v1.30.14-eksbuild.8", 30, 31),
        ],
    },
    Offer {
        name: "metrics-server",
        sort: "observability",
        needs_nodes: true,
        identity: None,
        versions: &[("v0.8.0-eksbuild.3", 30, 36), ("v0.7.2-eksbuild.4", 30, 34)],
    },
    Offer {
        name: "snapshot-controller",
        sort: "storage",
        needs_nodes: true,
        identity: None,
        versions: &[("v8.3.0-eksbuild.1", 30, 36), ("v8.2.0-eksbuild.1", 30, 34)],
    },
    Offer {
        name: "vpc-cni",
        sort: "networking",
        needs_nodes: false,
        identity: Some(("aws-node", "AmazonEKS_CNI_Policy")),
        versions: &[
            ("v1.21.1-eksbuild.1", 30, 36),
            ("v1.20.4-eksbuild.1", 30, 35),
            ("v1.19.6-eksbuild.7", 30, 33),
        ],
    },
];

/// Returns an add-on by its name.
pub(super) fn offer(name: &str) -> Option<&'static Offer> {
    OFFERS.iter().find(|offer| offer.name == name)
}

impl Offer {
    /// Returns the version that a cluster gets when it names none.
    pub(super) fn default(&self, minor: u32) -> Option<&'static str> {
        self.of(minor).next()
    }

    /// Returns the versions that run on a minor version of Kubernetes, the newest first.
    pub(super) fn of(&self, minor: u32) -> impl Iterator<Item = &'static str> {
        let fits = move |(_, from, to): &&(&str, u32, u32)| (*from..=*to).contains(&minor);
        self.versions.iter().filter(fits).map(|(version, ..)| *version)
    }

    fn show(&self, only: Option<u32>, now: u64) -> Value {
        let show = |(version, from, to): &(&'static str, u32, u32)| {
            let minors = versions::all(now).map(|version| version.minor);
            let fitting = minors.filter(|minor| {
                (*from..=*to).contains(minor) && only.is_none_or(|only| only == *minor)
            });
            let compatible: Vec<Value> = fitting
                .map(|minor| {
                    json!({
                        "clusterVersion": format!("1.{minor}"),
                        "platformVersions": ["*"],
                        "defaultVersion": self.default(minor) == Some(version),
                    })
                })
                .collect();
            (!compatible.is_empty()).then(|| {
                json!({
                    "addonVersion": version,
                    "architecture": ["amd64", "arm64"],
                    "computeTypes": ["ec2", "auto"],
                    "compatibilities": compatible,
                    "requiresConfiguration": false,
                    "requiresIamPermissions": self.identity.is_some(),
                })
            })
        };
        json!({
            "addonName": self.name,
            "type": self.sort,
            "addonVersions": self.versions.iter().filter_map(show).collect::<Vec<_>>(),
            "publisher": "eks",
            "owner": "aws",
            "defaultNamespace": "kube-system",
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Describe {
    kubernetes_version: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
    addon_name: Option<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    publishers: Vec<String>,
    #[serde(default)]
    owners: Vec<String>,
}

pub(super) fn describe(call: &mut Call<'_>, request: Describe) -> Answer {
    let now = call.world.now;
    let only = match &request.kubernetes_version {
        None => None,
        Some(version) => match versions::known(version) {
            Some(version) => Some(version.minor),
            None => return Err(invalid("unsupported Kubernetes version")),
        },
    };
    if let Some(name) = request.addon_name.as_deref().filter(|name| offer(name).is_none()) {
        let message = format!("Addon {name} not found");
        return Err(refusal("ResourceNotFoundException", message).field("addonName", name));
    }
    let fits = |list: &[String], value: &str| list.is_empty() || list.iter().any(|it| it == value);
    let asked = OFFERS.iter().filter(|offer| {
        request.addon_name.as_deref().is_none_or(|name| name == offer.name)
            && fits(&request.types, offer.sort)
            && fits(&request.publishers, "eks")
            && fits(&request.owners, "aws")
    });
    let shown = asked.map(|offer| offer.show(only, now));
    let shown = shown.filter(|offer| offer["addonVersions"] != json!([])).collect();
    let name = |offer: &Value| offer["addonName"].as_str().unwrap_or_default().to_owned();
    Paging::new(request.max_results, request.next_token).answer("addons", shown, name)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Configuration {
    addon_name: String,
    addon_version: String,
}

/// Returns the names of what an add-on can be configured with and is a text.
fn texts(addon: &str) -> &'static [&'static str] {
    match addon {
        "vpc-cni" => &["enableNetworkPolicy"],
        _ => &[],
    }
}

/// Checks what an add-on is configured with.
pub(super) fn check(name: &str, configuration: Option<&str>) -> Result<(), Refusal> {
    // Where it is no JSON it may be YAML, which is not read here.
    let Some(text) = configuration.filter(|text| text.trim_start().starts_with('{')) else {
        return Ok(());
    };
    let refused = "ConfigurationValue provided in request is not supported";
    let values: Map<_, _> = serde_json::from_str(text).map_err(|_| invalid(refused))?;
    let is_wrong = |name: &&&str| values.get(**name).is_some_and(|value| !value.is_string());
    match texts(name).iter().find(is_wrong) {
        Some(name) => Err(invalid(format!(
            "{refused}: Json schema validation failed with error: [$.{name}: {} found, string \
             expected]",
            sort(&values[*name])
        ))),
        None => Ok(()),
    }
}

/// Returns what a validator of schemas calls a value.
fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Describes what an add-on can be configured with: here, anything that is an object.
pub(super) fn configuration(call: &mut Call<'_>, request: Configuration) -> Answer {
    let offer = offer(&request.addon_name);
    let offer = offer.filter(|offer| {
        offer.versions.iter().any(|(version, ..)| *version == request.addon_version)
    });
    let Some(offer) = offer else {
        let message = format!("Addon {} {} not found", request.addon_name, request.addon_version);
        return Err(refusal("ResourceNotFoundException", message));
    };
    let mut schema =
        json!({ "$schema": "http://json-schema.org/draft-07/schema#", "type": "object" });
    for name in texts(offer.name) {
        schema["properties"][name] = json!({ "format": "boolean", "type": "string" });
    }
    let identity = offer.identity.map(|(account, policy)| {
        let arn = format!("arn:{}:iam::aws:policy/{policy}", partition(&call.region));
        json!([{ "serviceAccount": account, "recommendedManagedPolicies": [arn] }])
    });
    Ok(Value::Object(body(json!({
        "addonName": request.addon_name,
        "addonVersion": request.addon_version,
        "configurationSchema": schema.to_string(),
        "podIdentityConfiguration": identity,
    }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_of_kubernetes_has_every_add_on() {
        for offer in OFFERS {
            for minor in 30..=36 {
                assert!(offer.default(minor).is_some(), "{} 1.{minor}", offer.name);
            }
            let shown = offer.show(Some(34), 1_800_000_000_000);
            let versions = shown["addonVersions"].as_array().unwrap().iter();
            let defaults = versions.filter(|v| v["compatibilities"][0]["defaultVersion"] == true);
            assert_eq!(defaults.count(), 1, "{}", offer.name);
        }
    }
}
