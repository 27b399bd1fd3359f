//! Nodes: their labels, versions, terms and taints.
use super::check::{Case, Finding, Judged};
use super::snapshot::{count, few, holds, items, name, text};
use super::version::minor;
use super::wanted::Pool;
use provision_spec::{Capacity, Effect, Taint};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many minor versions nodes may be behind the API.
/// Source: kubernetes.io, Version Skew Policy.
const BEHIND: u32 = 3;

/// What the clouds label machines with that they may take back.
const SPOT: [(&str, &str); 7] = [
    ("eks.amazonaws.com/capacityType", "SPOT"),
    ("karpenter.sh/capacity-type", "spot"),
    ("cloud.google.com/gke-spot", "true"),
    ("cloud.google.com/gke-preemptible", "true"),
    ("cloud.google.com/gke-provisioning", "spot"),
    ("kubernetes.azure.com/scalesetpriority", "spot"),
    ("oci.oraclecloud.com/oke-is-preemptible", "true"),
];

/// What begins the taints that say how a node is at the moment.
const PASSING: [&str; 4] = [
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
];

/// Returns the value of a label of a node.
fn label_of<'a>(node: &'a Value, key: &str) -> Option<&'a str> {
    node["metadata"]["labels"].get(key)?.as_str()
}

/// Tells whether a node has all of these labels.
pub(super) fn has(node: &Value, labels: &BTreeMap<String, String>) -> bool {
    labels.iter().all(|(key, value)| label_of(node, key) == Some(value))
}

/// Tells whether a node takes pods.
pub(super) fn is_open(node: &Value) -> bool {
    holds(node, "Ready")
        && node["spec"]["unschedulable"] != true
        && node["metadata"]["deletionTimestamp"].is_null()
}

/// Returns the nodes of a pool that take pods.
pub(super) fn of_pool<'a>(nodes: &'a [Value], pool: &Pool) -> Vec<&'a Value> {
    nodes.iter().filter(|node| is_open(node) && has(node, &pool.labels)).collect()
}

pub(super) fn label(case: &Case<'_>, (key, value): (&str, &str)) -> Judged {
    let nodes = case.seen.nodes.as_ref()?;
    let with: Vec<_> = nodes.iter().filter(|node| label_of(node, key) == Some(value)).collect();
    let (open, shut): (Vec<_>, Vec<_>) = with.into_iter().partition(|node| is_open(node));
    let pools = case.wanted.pools.iter();
    let its = pools.filter(|pool| pool.labels.get(key).is_some_and(|its| its == value));
    let least: u32 = its.map(|pool| pool.min).sum();
    let mut found = count(open.len(), "node");
    if !shut.is_empty() {
        let closed = few(shut.iter().map(|node| name(node)));
        found += &format!(", beside {closed}, not ready or cordoned");
    }
    let wanted = format!("{} with {key}={value}, or more", count(least as usize, "node"));
    let hint = match shut.first() {
        Some(node) => format!("`kubectl describe node {}` says what it lacks", name(node)),
        None => {
            format!("give the label to the nodes of a pool, or more of them to the pool of {key}")
        }
    };
    Ok(Finding::of(open.len() >= least as usize, found, wanted, hint))
}

pub(super) fn version(case: &Case<'_>) -> Judged {
    let nodes = case.seen.nodes.as_ref()?;
    let Some(own) = minor(text(&case.seen.version, "/gitVersion")) else {
        return Ok(Finding::skip("the version of the API is not understood"));
    };
    let behind = |node: &&Value| {
        let its = minor(text(node, "/status/nodeInfo/kubeletVersion"));
        its.is_some_and(|its| its > own || its + BEHIND < own)
    };
    let wrong: Vec<_> = nodes.iter().filter(behind).collect();
    let wanted = format!("1.{} to 1.{own} on every node", own.saturating_sub(BEHIND));
    Ok(match wrong.first() {
        None => Finding::pass(few(versions(nodes)), wanted),
        Some(first) => Finding::fail(
            format!(
                "{} on {}",
                text(first, "/status/nodeInfo/kubeletVersion"),
                few(wrong.iter().map(|node| name(node)))
            ),
            wanted,
            "bring the pools of these nodes to the version of the API",
        ),
    })
}

/// Returns the versions of nodes, each once.
fn versions(nodes: &[Value]) -> BTreeSet<&str> {
    nodes.iter().map(|node| text(node, "/status/nodeInfo/kubeletVersion")).collect()
}

pub(super) fn spot(case: &Case<'_>) -> Judged {
    let nodes = case.seen.nodes.as_ref()?;
    let is_spot = |node: &&Value| SPOT.iter().any(|(key, is)| label_of(node, key) == Some(is));
    let asked = |node: &Value| {
        let mut pools = case.wanted.pools.iter();
        pools.any(|pool| pool.capacity != Some(Capacity::OnDemand) && has(node, &pool.labels))
    };
    let (right, wrong): (Vec<_>, Vec<_>) =
        nodes.iter().filter(is_spot).partition(|node| asked(node));
    let pools = case.wanted.pools.iter();
    if case.wanted.pools.iter().all(|pool| pool.capacity.is_none()) {
        return Ok(Finding::skip("nothing says which pools may have spot machines"));
    }
    let may: Vec<_> = pools.filter(|it| it.capacity != Some(Capacity::OnDemand)).collect();
    let wanted = match may.is_empty() {
        true => "no spot machine".to_owned(),
        false => format!("spot machines in {} alone", few(may.iter().map(|it| it.name.as_str()))),
    };
    let found = match wrong.is_empty() {
        true => count(right.len(), "spot machine"),
        false => format!("spot machines elsewhere: {}", few(wrong.iter().map(|node| name(node)))),
    };
    let hint = "make the pools of these nodes anew on demand: what runs there ends when the cloud \
                takes them back";
    Ok(Finding::of(wrong.is_empty(), found, wanted, hint))
}

/// Returns the taints of a node that keep pods away and stay.
fn lasting(node: &Value) -> impl Iterator<Item = &Value> {
    items(node, "/spec/taints").iter().filter(|taint| {
        let key = text(taint, "/key");
        taint["effect"] != Effect::PreferNoSchedule.word()
            && !PASSING.iter().any(|begin| key.starts_with(begin))
    })
}

fn is_tolerated(taint: &Value, tolerated: &[Taint]) -> bool {
    let is = |it: &Taint| {
        text(taint, "/key") == it.key
            && (it.value.is_empty() || text(taint, "/value") == it.value)
            && text(taint, "/effect") == it.effect.word()
    };
    tolerated.iter().any(is)
}

fn shown(taint: &Value) -> String {
    let [key, value, effect] = ["/key", "/value", "/effect"].map(|field| text(taint, field));
    match value.is_empty() {
        true => format!("{key}:{effect}"),
        false => format!("{key}={value}:{effect}"),
    }
}

pub(super) fn taints(case: &Case<'_>) -> Judged {
    let nodes = case.seen.nodes.as_ref()?;
    let mut wrong = Vec::new();
    for pool in &case.wanted.pools {
        for node in of_pool(nodes, pool) {
            let its = lasting(node).filter(|taint| !is_tolerated(taint, &pool.tolerated));
            wrong.extend(its.map(|taint| (pool, node, shown(taint))));
        }
    }
    let wanted = "no taint that the pods of the pool do not tolerate";
    Ok(match wrong.first() {
        None => Finding::pass("none", wanted),
        Some((pool, _, taint)) => Finding::fail(
            format!("{taint} on {}", few(wrong.iter().map(|(_, node, _)| name(node)))),
            wanted,
            format!(
                "`kubectl taint node {} {taint}-` takes it away; or the chart's tolerations for {} \
                 name it, and the taints of the pool in the cluster file, or --tolerate '{taint}'",
                name(wrong[0].1),
                pool.name
            ),
        ),
    })
}

pub(super) fn system(case: &Case<'_>) -> Judged {
    let nodes = case.seen.nodes.as_ref()?;
    let open: Vec<_> = nodes.iter().filter(|node| is_open(node)).collect();
    if open.is_empty() {
        return Ok(Finding::skip("no node is ready"));
    }
    let free = open.iter().filter(|node| lasting(node).next().is_none()).count();
    let found = format!("{} without a taint", count(free, "node"));
    let hint = "leave one pool without taints, for DNS and whatever else the cluster itself runs";
    Ok(Finding::of(free > 0, found, "1 node without a taint, or more", hint))
}
