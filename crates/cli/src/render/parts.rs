//! The parts of a cluster that plans are grouped by.
use provision_core::{Action, Address, Step};

/// Each part with the first segments of its addresses, in the order they are shown in.
const PARTS: &[(&str, &[&str])] = &[
    (
        "Network",
        &[
            "resource-group",
            "vpc",
            "vcn",
            "network",
            "internet-gateway",
            "service-gateway",
            "subnet",
            "elastic-ip",
            "address",
            "nat-gateway",
            "router",
            "nat",
            "route-table",
            "route",
            "association",
            "endpoint",
            "security-group",
            "security-list",
            "firewall",
        ],
    ),
    (
        "Identities",
        &[
            "role",
            "role-policy",
            "service-account",
            "identity",
            "dynamic-group",
            "policy",
            "binding",
            "role-assignment",
        ],
    ),
    ("Keys", &["key-ring", "vault", "key", "key-alias"]),
    ("Cluster", &["log-group", "cluster", "oidc-provider", "access", "access-entry"]),
    (POOLS, &["pool", "launch-template", "scaling-tags"]),
    ("Add-ons", &["addon", "add-on", "pod-identity"]),
    (
        "Inside the cluster",
        &[
            "storage-class",
            "default-storage-class",
            "snapshot-class",
            "namespace",
            "secret",
            "config-map",
            "autoscaler",
            "support",
            "release",
            "manifest",
        ],
    ),
    (
        "Left behind by the cluster",
        &["leftovers", "load-balancer", "target-group", "network-interface", "volume", "disk"],
    ),
];
/// The part in which everything about one pool stands together.
const POOLS: &str = "Pools";
/// The part of whatever is in no other.
const OTHER: &str = "Other";

/// Returns the titles of all parts, in the order they are shown in.
pub(crate) fn titles() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|(title, _)| *title).chain([OTHER])
}

/// Returns the title of the part that an address belongs to.
pub(crate) fn title(address: &Address) -> &'static str {
    let group = address.group();
    PARTS.iter().find(|(_, groups)| groups.contains(&group)).map_or(OTHER, |(title, _)| title)
}

/// Returns the steps in the order they are shown in, by part, without the parts that have none.
pub(super) fn grouped<'p>(
    steps: impl IntoIterator<Item = &'p Step>,
) -> Vec<(&'static str, Vec<&'p Step>)> {
    let mut placed: Vec<_> = steps.into_iter().map(|step| (place(&step.address), step)).collect();
    placed.sort_by(|(a, x), (b, y)| {
        let last = |step: &Step| (step.action == Action::Delete, step.address.clone());
        a.cmp(b).then_with(|| last(x).cmp(&last(y)))
    });
    let mut groups: Vec<(&'static str, Vec<&Step>)> = Vec::new();
    for ((part, ..), step) in placed {
        let title = PARTS.get(part).map_or(OTHER, |(title, _)| title);
        match groups.last_mut() {
            Some((last, steps)) if *last == title => steps.push(step),
            _ => groups.push((title, vec![step])),
        }
    }
    groups
}

/// Returns the part, the name that keeps things together within it, and the rank of an address: what
/// plans are sorted by.
pub(super) fn place(address: &Address) -> (usize, &str, usize) {
    let group = address.group();
    let ranks = PARTS.iter().map(|(_, kinds)| kinds.iter().position(|kind| *kind == group));
    let found = ranks.enumerate().find_map(|(part, rank)| Some((part, rank?)));
    match found {
        Some((part, rank)) if PARTS[part].0 == POOLS => {
            (part, address.as_str().split('/').nth(1).unwrap_or_default(), rank)
        }
        Some((part, rank)) => (part, "", rank),
        None => (PARTS.len(), "", 0),
    }
}
