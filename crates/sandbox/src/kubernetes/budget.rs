//! Disruption budgets: how many pods may be evicted now.
use super::kind::Kind;
use super::objects::{self, Cluster, View, condition, name, text};
use super::pods::{is_over, is_ready};
use super::select::Labels;
use super::status::Status;
use crate::world::World;
use serde_json::{Value, json};

/// What a budget says of the pods that there are.
struct Budget {
    expected: u64,
    healthy: u64,
    /// How many must be healthy.
    wanted: u64,
}

impl Budget {
    fn of(budget: &Value, pods: &[View]) -> Self {
        let its: Vec<&View> = pods.iter().filter(|pod| is_of(budget, pod)).collect();
        let expected = its.len() as u64;
        let count = |value: &Value| match value.as_str().and_then(|text| text.strip_suffix('%')) {
            Some(percent) => Some((percent.parse::<u64>().ok()? * expected).div_ceil(100)),
            None => value.as_u64(),
        };
        let most = count(&budget["spec"]["maxUnavailable"]);
        let least = count(&budget["spec"]["minAvailable"]);
        let healthy = its.iter().filter(|pod| is_ready(pod)).count() as u64;
        let wanted = most.map(|most| expected.saturating_sub(most)).or(least).unwrap_or(1);
        Self { expected, healthy, wanted }
    }

    fn allowed(&self) -> u64 {
        self.healthy.saturating_sub(self.wanted)
    }
}

fn is_of(budget: &Value, pod: &Value) -> bool {
    budget["metadata"]["namespace"] == pod["metadata"]["namespace"]
        && Labels::of(&budget["spec"]["selector"]).fit(&pod["metadata"]["labels"])
        && pod["metadata"]["deletionTimestamp"].is_null()
        && !is_over(pod)
}

/// Says of every budget what it allows.
pub(super) fn follow(world: &mut World, cluster: &Cluster) {
    let kind = Kind::named("poddisruptionbudgets");
    let budgets = objects::all(world, cluster, kind, None);
    if budgets.is_empty() {
        return;
    }
    let pods = objects::all(world, cluster, Kind::named("pods"), None);
    for budget in budgets {
        let its = Budget::of(&budget, &pods);
        let (allowed, now) = (its.allowed(), world.now);
        objects::edit(world, cluster, kind, &budget, |it| {
            let said = match allowed {
                0 => json!({ "status": "False", "reason": "InsufficientPods", "message": "" }),
                _ => json!({ "status": "True", "reason": "SufficientPods", "message": "" }),
            };
            it["status"]["disruptionsAllowed"] = json!(allowed);
            it["status"]["currentHealthy"] = json!(its.healthy);
            it["status"]["desiredHealthy"] = json!(its.wanted);
            it["status"]["expectedPods"] = json!(its.expected);
            it["status"]["observedGeneration"] = budget["metadata"]["generation"].clone();
            condition(it, "DisruptionAllowed", said, now);
        });
    }
}

/// Refuses to evict a pod that a budget keeps.
///
/// # Errors
/// When one does.
pub(super) fn check(world: &World, cluster: &Cluster, pod: &Value) -> Result<(), Status> {
    let kind = Kind::named("poddisruptionbudgets");
    let namespace = Some(text(pod, "/metadata/namespace"));
    let pods = objects::all(world, cluster, Kind::named("pods"), namespace);
    for budget in objects::all(world, cluster, kind, namespace) {
        let its = Budget::of(&budget, &pods);
        if is_of(&budget, pod) && is_ready(pod) && its.allowed() == 0 {
            let message = "Cannot evict pod as it would violate the pod's disruption budget.";
            let mut status = Status::new(429, "TooManyRequests", message);
            let cause = format!(
                "The disruption budget {} needs {} healthy pods and has {} currently",
                name(&budget),
                its.wanted,
                its.healthy
            );
            status.details = json!({ "causes": [{ "reason": "DisruptionBudget",
                "message": cause }] });
            return Err(status);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_of_numbers_or_percents() {
        let pod = |ready: &str| {
            json!({ "metadata": { "labels": { "app": "a" } },
                "status": { "conditions": [{ "type": "Ready", "status": ready }] } })
        };
        let pods = [pod("True"), pod("True"), pod("True"), pod("False")].map(View::from);
        let allowed = |spec: Value| {
            let mut budget = json!({ "spec": spec });
            budget["spec"]["selector"] = json!({ "matchLabels": { "app": "a" } });
            Budget::of(&budget, &pods).allowed()
        };
        assert_eq!(allowed(json!({ "minAvailable": 2 })), 1);
        assert_eq!(allowed(json!({ "minAvailable": "75%" })), 0);
        assert_eq!(allowed(json!({ "maxUnavailable": 2 })), 1);
        assert_eq!(allowed(json!({ "maxUnavailable": 1 })), 0);
    }
}
