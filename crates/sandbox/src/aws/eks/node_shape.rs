//! What a node group may be: sizes, labels, taints and machines.
use super::super::Refusal;
use super::found::{invalid, one_of};
use super::versions::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most nodes of a group.
const MOST: u64 = 450;

pub(super) const CAPACITY: [&str; 2] = ["ON_DEMAND", "SPOT"];

/// The images that a node group can run, as EKS's model lists them.
pub(super) const IMAGES: &[&str] = &[
    "AL2_x86_64",
    "AL2_x86_64_GPU",
    "AL2_ARM_64",
    "CUSTOM",
    "BOTTLEROCKET_ARM_64",
    "BOTTLEROCKET_x86_64",
    "BOTTLEROCKET_ARM_64_FIPS",
    "BOTTLEROCKET_x86_64_FIPS",
    "BOTTLEROCKET_ARM_64_NVIDIA",
    "BOTTLEROCKET_x86_64_NVIDIA",
    "BOTTLEROCKET_ARM_64_NVIDIA_FIPS",
    "BOTTLEROCKET_x86_64_NVIDIA_FIPS",
    "AL2023_x86_64_STANDARD",
    "AL2023_ARM_64_STANDARD",
    "AL2023_x86_64_NEURON",
    "AL2023_x86_64_NVIDIA",
    "AL2023_ARM_64_NVIDIA",
];

/// How many nodes a request wants.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Scaling {
    pub(super) min_size: Option<u64>,
    pub(super) max_size: Option<u64>,
    pub(super) desired_size: Option<u64>,
}

impl Scaling {
    /// Returns smallest, largest and wanted size, where it leaves out what stays.
    ///
    /// # Errors
    /// When they contradict each other.
    pub(super) fn over(&self, [min, max, desired]: [u64; 3]) -> Result<[u64; 3], Refusal> {
        let min = self.min_size.unwrap_or(min);
        let max = self.max_size.unwrap_or(max);
        let desired = self.desired_size.unwrap_or(desired);
        let message = match () {
            () if max == 0 => "maxSize must be at least 1".to_owned(),
            () if max > MOST => format!("maxSize must be at most {MOST}"),
            () if min > max => {
                format!("Minimum capacity {min} can't be greater than max size {max}")
            }
            () if min > desired => {
                format!("Minimum capacity {min} can't be greater than desired size {desired}")
            }
            () if desired > max => {
                format!("desired capacity {desired} can't be greater than max size {max}")
            }
            () => return Ok([min, max, desired]),
        };
        Err(invalid(message))
    }
}

/// Shows sizes as a node group does.
pub(super) fn scaling([min, max, desired]: [u64; 3]) -> Value {
    json!({ "minSize": min, "maxSize": max, "desiredSize": desired })
}

/// Reads sizes that a node group shows.
pub(super) fn sizes(scaling: Option<&Value>) -> [u64; 3] {
    let of = |member: &str| scaling.and_then(|it| it[member].as_u64()).unwrap_or_default();
    [of("minSize"), of("maxSize"), of("desiredSize")]
}

/// A taint of nodes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Taint {
    pub(super) key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    pub(super) effect: String,
}

/// Checks the labels of nodes.
///
/// # Errors
/// When Kubernetes or EKS would not have them.
pub(super) fn labels(all: &BTreeMap<String, String>) -> Result<(), Refusal> {
    const RESERVED: [&str; 3] = ["kubernetes.io/", "k8s.io/", "eks.amazonaws.com/"];
    for (key, value) in all {
        if RESERVED.iter().any(|prefix| key.contains(prefix)) {
            let all = RESERVED.join(", ");
            return Err(invalid(format!("Label cannot contain reserved prefixes [{all}]")));
        }
        let is_word = |text: &str, others: &str| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        let is_short = !key.is_empty() && key.len() <= 63 && value.len() <= 63;
        if !is_short || !is_word(key, "-_./") || !is_word(value, "-_.") {
            return Err(invalid(format!(
                "The label {key}={value} is not valid: keys and values have at most 63 characters \
                 of A-Z, a-z, 0-9, -, _ and ."
            )));
        }
    }
    Ok(())
}

/// Checks the taints of nodes.
///
/// # Errors
/// When one is none, or is there twice.
pub(super) fn taints(all: &[Taint]) -> Result<(), Refusal> {
    const EFFECTS: [&str; 3] = ["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"];
    if all.len() > 50 {
        return Err(invalid("A node group has at most 50 taints"));
    }
    for (n, taint) in all.iter().enumerate() {
        one_of("effect", &taint.effect, &EFFECTS)?;
        if taint.key.is_empty() || taint.key.len() > 63 {
            return Err(invalid("Taint keys have 1 to 63 characters"));
        }
        if taint.value.as_ref().is_some_and(|value| value.len() > 63) {
            return Err(invalid("Taint values have at most 63 characters"));
        }
        if all[..n].iter().any(|other| (&other.key, &other.effect) == (&taint.key, &taint.effect)) {
            return Err(invalid(format!(
                "The taint {}:{} is there twice",
                taint.key, taint.effect
            )));
        }
    }
    Ok(())
}

/// How many nodes an update may take away at a time.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UpdateConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_unavailable: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_unavailable_percentage: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) update_strategy: Option<String>,
}

impl UpdateConfig {
    /// Checks it.
    ///
    /// # Errors
    /// When it says both a number and a percentage, or none, or too much.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if let Some(strategy) = &self.update_strategy {
            one_of("updateStrategy", strategy, &["DEFAULT", "MINIMAL"])?;
        }
        let is_fit = |n: u64| (1..=100).contains(&n);
        match (self.max_unavailable, self.max_unavailable_percentage) {
            (Some(n), None) | (None, Some(n)) if is_fit(n) => Ok(()),
            (Some(_), Some(_)) | (None, None) => Err(invalid(
                "Exactly one of maxUnavailable and maxUnavailablePercentage must be given",
            )),
            _ => Err(invalid("maxUnavailable and maxUnavailablePercentage are from 1 to 100")),
        }
    }
}

/// Returns the newest release of images for a version.
pub(super) fn release(version: &Version) -> String {
    format!("{}-20261105", version.patch())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_contain_each_other() {
        let over = |min, max, desired| {
            let scaling = Scaling { min_size: min, max_size: max, desired_size: desired };
            scaling.over([1, 3, 2]).ok()
        };
        assert_eq!(over(None, None, None), Some([1, 3, 2]));
        assert_eq!(over(Some(3), None, None), None, "two are fewer than three");
        assert_eq!(over(Some(3), None, Some(3)), Some([3, 3, 3]));
        assert_eq!(over(None, Some(1), None), None, "two are more than one");
        assert_eq!(over(Some(0), Some(0), Some(0)), None);
    }

    #[test]
    fn labels_are_of_the_user() {
        let fits = |key: &str, value: &str| {
            labels(&BTreeMap::from([(key.to_owned(), value.to_owned())])).is_ok()
        };
        assert!(fits("appNodes", "true"));
        assert!(!fits("eks.amazonaws.com/nodegroup", "x"));
        assert!(!fits("node-role.kubernetes.io/worker", ""));
        assert!(!fits("team", &"x".repeat(64)));
        assert!(fits("acme.com/team", "data") && !fits("team", "acme/data"));
    }
}
