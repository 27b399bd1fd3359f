//! Whether something makes more nodes when pods wait for them.
use super::check::{Case, Finding, Judged};
use super::snapshot::{count, few, holds, items, name, text};
use serde_json::Value;

/// What every image of the cluster autoscaler is called, whatever the registry.
const IMAGE: &str = "cluster-autoscaler";

/// The flags by which it learns which groups of machines it may change.
const GROUPS: [&str; 3] = ["--nodes", "--node-group-auto-discovery", "--nodegroup-auto-discovery"];

/// Where a cloud runs it out of sight, the status that it writes is all that is seen of it.
const STATUS: &str = "ConfigMap kube-system/cluster-autoscaler-status";

/// Returns the container of a deployment that is the autoscaler.
fn container(deployment: &Value) -> Option<&Value> {
    items(deployment, "/spec/template/spec/containers").iter().find(|container| {
        let last = text(container, "/image").rsplit('/').next().unwrap_or_default();
        let last = last.split([':', '@']).next().unwrap_or_default();
        last == IMAGE || last.strip_prefix(IMAGE).is_some_and(|rest| rest.starts_with('-'))
    })
}

fn is_told_groups(container: &Value) -> bool {
    let words = items(container, "/command").iter().chain(items(container, "/args"));
    let mut words = words.filter_map(Value::as_str);
    words.any(|word| GROUPS.contains(&word.split('=').next().unwrap_or(word)))
}

pub(super) fn runs(case: &Case<'_>) -> Judged {
    let pools = &case.wanted.pools;
    if !pools.is_empty() && pools.iter().all(|pool| pool.max.is_some_and(|max| max <= pool.min)) {
        return Ok(Finding::skip("no pool may grow"));
    }
    let wanted = "a cluster autoscaler that runs and knows its pools, or Karpenter with a pool";
    let install = "install Cluster Autoscaler, with --node-group-auto-discovery or --nodes, or \
                   Karpenter; without one, executors wait for nodes that never come";
    let deployments = case.seen.deployments.as_ref()?;
    for deployment in deployments {
        let Some(container) = container(deployment) else { continue };
        let place = format!("{}/{}", text(deployment, "/metadata/namespace"), name(deployment));
        let ready = deployment["status"]["readyReplicas"].as_u64().unwrap_or(0);
        return Ok(match (ready, is_told_groups(container)) {
            (0, _) => Finding::fail(
                format!("Deployment {place}, of which no pod is ready"),
                wanted,
                format!(
                    "`kubectl describe -n {} deployment {}` says why",
                    text(deployment, "/metadata/namespace"),
                    name(deployment)
                ),
            ),
            (_, false) => Finding::fail(
                format!("Deployment {place}, which is told of no pool"),
                wanted,
                "give it --node-group-auto-discovery or --nodes",
            ),
            _ => Finding::pass(format!("Deployment {place}"), wanted),
        });
    }
    let node_pools = case.seen.node_pools.as_ref()?;
    let (ready, not): (Vec<_>, Vec<_>) = node_pools.iter().partition(|it| holds(it, "Ready"));
    if !ready.is_empty() {
        let found = format!("Karpenter, with pools {}", few(ready.iter().map(|it| name(it))));
        return Ok(Finding::pass(found, wanted));
    }
    if !not.is_empty() {
        let found = format!("Karpenter, with {}, none of them ready", count(not.len(), "pool"));
        let hint = format!("`kubectl describe nodepool {}` says why", name(not[0]));
        return Ok(Finding::fail(found, wanted, hint));
    }
    Ok(match case.seen.autoscaler.as_ref()? {
        Some(_) => Finding::pass(STATUS, wanted),
        None => Finding::fail("no autoscaler is there", wanted, install),
    })
}
