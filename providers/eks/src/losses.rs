//! What a person loses when everything is removed, told from what was seen.
use crate::resources::{Cluster, DAYS_TO_RESCUE, Found, Key, Leftovers, LogGroup, NodeGroup, What};
use provision_core::{LiveValue, Observed, Resource, Seen};
use provision_spec::{Loss, Volumes};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Returns what is lost and what stays: the cluster, its nodes, what it left behind, logs and key.
pub(crate) fn of(observed: &Observed, volumes: Volumes) -> Vec<Loss> {
    let lives = || {
        observed.0.values().flat_map(|seen| match seen {
            Seen::Live(live) => std::slice::from_ref(live),
            Seen::Many(lives) => lives,
            Seen::Absent | Seen::Unknown(_) => &[],
        })
    };
    let of_kind = |kind: &'static str| lives().filter(move |live| live.kind == kind);
    let mut losses = Vec::new();
    losses.extend(of_kind(Cluster::KIND).filter_map(|live| cluster(live)));
    losses.extend(of_kind(NodeGroup::KIND).filter_map(|live| nodes(live)));
    for live in of_kind(Leftovers::KIND) {
        losses.extend(leftovers(&found(live), volumes));
    }
    losses.extend(of_kind(LogGroup::KIND).map(|live| {
        loss("logs", live.id().unwrap_or_default(), "", "go with everything logged so far")
    }));
    let rescue =
        format!("can be rescued for {DAYS_TO_RESCUE} days; then what it encrypted is lost");
    losses.extend(
        of_kind(Key::KIND).map(|live| loss("key", live.id().unwrap_or_default(), "", &rescue)),
    );
    losses
}

/// Names each thing that was left behind, with what it waits for.
pub(crate) fn parts(live: &LiveValue) -> Vec<String> {
    let part = |it: Found| {
        let waits = it.waits.map(|waits| format!(": {waits}")).unwrap_or_default();
        let id = if it.name == it.id { String::new() } else { format!(" ({})", it.id) };
        format!("{} {}{id}{waits}", it.what.word(), it.name)
    };
    found(live).into_iter().map(part).collect()
}

fn found(live: &LiveValue) -> Vec<Found> {
    match live.kind {
        Leftovers::KIND => {
            Leftovers::deserialize(&live.spec).map(|it| it.found).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

fn loss(what: &'static str, name: &str, told: &str, becomes: &str) -> Loss {
    let [name, told, becomes] = [name, told, becomes].map(str::to_owned);
    Loss { what, name, told, becomes, kept: false }
}

fn cluster(live: &LiveValue) -> Option<Loss> {
    let spec = Cluster::deserialize(&live.spec).ok()?;
    let version = format!("Kubernetes {}", spec.version);
    Some(loss("cluster", &spec.name, &version, "goes with everything that runs on it"))
}

fn nodes(live: &LiveValue) -> Option<Loss> {
    let spec = NodeGroup::deserialize(&live.spec).ok()?;
    let desired = live.outputs.get("desired")?.as_i64()?;
    let nodes = format!("{desired} of {}", spec.machines.join(", "));
    Some(loss("nodes", &spec.name, &nodes, "go with their disks"))
}

/// Tells load balancers and volumes one by one, and the rest by number.
fn leftovers(found: &[Found], volumes: Volumes) -> Vec<Loss> {
    let (mut losses, mut rest) = (Vec::new(), BTreeMap::<What, usize>::new());
    for it in found {
        match (it.what, volumes) {
            (What::LoadBalancer | What::ClassicLoadBalancer, _) => {
                let becomes = "goes; its name answers nobody any more";
                losses.push(loss(it.what.word(), &it.name, &it.told, becomes));
            }
            (What::Volume, Volumes::Delete) => {
                losses.push(loss("volume", &it.name, &it.told, "goes with everything on it"));
            }
            (What::Volume, Volumes::Keep) => {
                let becomes = "without the marks of the cluster; --delete-volumes deletes it";
                let kept = loss("volume", &it.name, &it.told, becomes);
                losses.push(Loss { kept: true, ..kept });
            }
            (What::Rules, _) => {}
            (what, _) => *rest.entry(what).or_default() += 1,
        }
    }
    let counted = rest.into_iter().map(|(what, n)| match n {
        1 => format!("1 {}", what.word()),
        n => format!("{n} {}s", what.word()),
    });
    let counted: Vec<_> = counted.collect();
    if !counted.is_empty() {
        losses.push(loss("also", "in its network", &counted.join(", "), ""));
    }
    losses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(what: What, name: &str) -> Found {
        let (id, told) = (name.to_owned(), format!("told of {name}"));
        Found { what, id, name: name.to_owned(), told, waits: None }
    }

    #[test]
    fn volumes_are_kept_or_lost_and_small_things_are_counted() {
        let found = [
            left(What::LoadBalancer, "web"),
            left(What::TargetGroup, "a"),
            left(What::NetworkInterface, "eni-1"),
            left(What::NetworkInterface, "eni-2"),
            left(What::Volume, "vol-1"),
        ];
        let kept = |volumes| {
            let losses = leftovers(&found, volumes).into_iter();
            losses.map(|loss| (loss.what, loss.name, loss.told, loss.kept)).collect::<Vec<_>>()
        };
        let row =
            |what, name: &str, told: &str, kept| (what, name.to_owned(), told.to_owned(), kept);
        let rows = |kept| {
            [
                row("load balancer", "web", "told of web", false),
                row("volume", "vol-1", "told of vol-1", kept),
                row("also", "in its network", "1 target group, 2 network interfaces", false),
            ]
        };
        assert_eq!(kept(Volumes::Keep), rows(true));
        assert_eq!(kept(Volumes::Delete), rows(false));
    }
}
