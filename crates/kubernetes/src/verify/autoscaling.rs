//! Whether something makes more nodes when pods wait for them.
use super::check::{Case, Finding, Judged};
use super::snapshot::{count, few, holds, items, name, text};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// What every image of the cluster autoscaler is called, whatever the registry.
const IMAGE: &str = "cluster-autoscaler";

/// The flags by which it learns which groups of machines it may change.
const GROUPS: [&str; 3] = ["--nodes", "--node-group-auto-discovery", "--nodegroup-auto-discovery"];

/// Where a cloud runs it out of sight, the status that it writes is all that is seen of it.
const STATUS: &str = "ConfigMap kube-system/cluster-autoscaler-status";

/// Where that says when it was written, and how much of it is date and time in UTC.
const LAST: &str = "/metadata/annotations/cluster-autoscaler.kubernetes.io~1last-updated";
const SECONDS: usize = 19;

/// How old it is when nobody writes it any longer; an autoscaler does so at every look.
const STALE: SignedDuration = SignedDuration::from_mins(15);

const WANTED: &str = "a cluster autoscaler that runs and knows its pools, or Karpenter with a pool";

/// Returns the container of a deployment that is the autoscaler.
fn container(deployment: &Value) -> Option<&Value> {
    items(deployment, "/spec/template/spec/containers").iter().find(|container| {
        let last = text(container, "/image").rsplit('/').next().unwrap_or_default();
        let last = last.split([':', '@']).next().unwrap_or_default();
        last == IMAGE || last.strip_prefix(IMAGE).is_some_and(|rest| rest.starts_with('-'))
    })
}

/// Tells whether the autoscaler says of itself that it runs and finds no group of machines, as when
/// its groups have other tags than it looks for.
fn finds_nothing(status: &Value) -> bool {
    let said = text(status, "/data/status");
    // Until 1.29 it was no YAML.
    let is_running = said.contains("autoscalerStatus: Running") || said.contains("Cluster-wide:");
    let mut lines = said.lines().map(str::trim_start);
    let groups = lines.by_ref().any(|line| line.eq_ignore_ascii_case("nodegroups:"));
    let is_named = |line: &str| line.starts_with("- name:") || line.starts_with("Name:");
    is_running && !(groups && lines.any(is_named))
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
    let wanted = WANTED;
    let install = "install Cluster Autoscaler, with --node-group-auto-discovery or --nodes, or \
                   Karpenter; without one, executors wait for nodes that never come";
    let status = case.seen.autoscaler.as_ref();
    let deployments = case.seen.deployments.as_ref()?.iter();
    let mut own = deployments.filter_map(|it| Some((it, container(it)?)));
    if let Some((deployment, container)) = own.next() {
        let status = status.ok().and_then(Option::as_ref);
        return Ok(of_deployment(deployment, container, status));
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
    Ok(match status? {
        Some(status) => match left_by(status).filter(|it| *it + STALE < case.now) {
            Some(_) => {
                let written = text(status, LAST).get(..SECONDS).unwrap_or_default();
                Finding::fail(format!("none that runs: {STATUS} is of {written}"), wanted, install)
            }
            None => Finding::pass(STATUS, wanted),
        },
        None => Finding::fail("no autoscaler is there", wanted, install),
    })
}

/// Judges an autoscaler that runs in the cluster, by itself and by what it tells.
fn of_deployment(deployment: &Value, container: &Value, status: Option<&Value>) -> Finding {
    let namespace = text(deployment, "/metadata/namespace");
    let place = format!("Deployment {namespace}/{}", name(deployment));
    if deployment["status"]["readyReplicas"].as_u64().unwrap_or(0) == 0 {
        let hint =
            format!("`kubectl describe -n {namespace} deployment {}` says why", name(deployment));
        return Finding::fail(format!("{place}, of which no pod is ready"), WANTED, hint);
    }
    if !is_told_groups(container) {
        let hint = "give it --node-group-auto-discovery or --nodes";
        return Finding::fail(format!("{place}, which is told of no pool"), WANTED, hint);
    }
    if status.is_some_and(finds_nothing) {
        let hint = "give the groups of machines the tags that --node-group-auto-discovery names, and \
                    the autoscaler the right to see them";
        return Finding::fail(format!("{place}, which finds no pool"), WANTED, hint);
    }
    Finding::pass(place, WANTED)
}

/// Returns when an autoscaler wrote a status, as far as it says.
fn left_by(status: &Value) -> Option<Timestamp> {
    let written: DateTime = text(status, LAST).get(..SECONDS)?.parse().ok()?;
    written.to_zoned(TimeZone::UTC).ok().map(|it| it.timestamp())
}
