//! How nodes that are not well are put right.
use super::super::Refusal;
use super::found::{invalid, one_of};
use serde::{Deserialize, Serialize};

/// Whether and how fast EKS repairs the nodes of a group.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Repair {
    #[serde(default)]
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_unhealthy_node_threshold_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_unhealthy_node_threshold_percentage: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_parallel_nodes_repaired_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_parallel_nodes_repaired_percentage: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    node_repair_config_overrides: Vec<Override>,
}

/// What is done about one reason for which nodes are not well; the model wants all of it told.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Override {
    node_monitoring_condition: String,
    node_unhealthy_reason: String,
    min_repair_wait_time_mins: u64,
    repair_action: String,
}

impl Repair {
    /// Checks it.
    ///
    /// # Errors
    /// When it says both a count and a percentage, or one that cannot be.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        bound(
            "maxUnhealthyNodeThreshold",
            self.max_unhealthy_node_threshold_count,
            self.max_unhealthy_node_threshold_percentage,
        )?;
        bound(
            "maxParallelNodesRepaired",
            self.max_parallel_nodes_repaired_count,
            self.max_parallel_nodes_repaired_percentage,
        )?;
        for one in &self.node_repair_config_overrides {
            one_of("repairAction", &one.repair_action, &["Replace", "Reboot", "NoAction"])?;
            if one.min_repair_wait_time_mins == 0 {
                return Err(invalid("minRepairWaitTimeMins must be at least 1"));
            }
        }
        Ok(())
    }
}

fn bound(name: &str, count: Option<u64>, percentage: Option<u64>) -> Result<(), Refusal> {
    match (count, percentage) {
        (Some(_), Some(_)) => {
            Err(invalid(format!("Only one of {name}Count and {name}Percentage can be given")))
        }
        (Some(0), _) => Err(invalid(format!("{name}Count must be at least 1"))),
        (_, Some(percentage)) if !(1..=100).contains(&percentage) => {
            Err(invalid(format!("{name}Percentage must be between 1 and 100")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn repairs_are_what_the_model_says() {
        let fits = |value: Value| {
            serde_json::from_value::<Repair>(value).is_ok_and(|repair| repair.check().is_ok())
        };
        assert!(fits(json!({ "enabled": true, "maxParallelNodesRepairedCount": 2 })));
        assert!(!fits(json!({ "enabled": true, "maxParallelNodes": 2 })), "no such member");
        assert!(!fits(json!({ "maxUnhealthyNodeThresholdPercentage": 101 })));
        assert!(!fits(json!({
            "maxUnhealthyNodeThresholdCount": 1,
            "maxUnhealthyNodeThresholdPercentage": 1,
        })));
        let one = |action: &str| {
            json!({ "nodeRepairConfigOverrides": [{
                "nodeMonitoringCondition": "AcceleratedInstanceReady",
                "nodeUnhealthyReason": "NvidiaXID13Error",
                "minRepairWaitTimeMins": 10,
                "repairAction": action,
            }] })
        };
        assert!(fits(one("Reboot")) && !fits(one("Pray")));
    }
}
