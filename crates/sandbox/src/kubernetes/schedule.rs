//! The scheduler: which node a pod goes to, and why it goes to none.
use super::claims::{self, Claims};
use super::events::{self, Said};
use super::kind::Kind;
use super::objects::{self, Cluster, View, condition, items, name, text};
use super::pods;
use super::spot::{Spot, Words};
use crate::behaviour::Behaviour;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const PLAIN: Behaviour = Behaviour {
    service: "kubernetes",
    what: "the scheduler looks at taints, selectors, node affinity, requests and the zones of \
        volumes; it evicts nothing for pods of a higher priority, and looks at no affinity between \
        pods, spread or ports",
    seconds: 0,
    source: "assumption",
};

/// Who tells of it.
const SCHEDULER: &str = "default-scheduler";

/// Finds nodes for the pods that have none.
pub(super) fn place(world: &mut World, cluster: &Cluster) {
    let all = objects::all(world, cluster, Kind::named("pods"), None);
    let mut waiting: Vec<&View> = all.iter().filter(|pod| waits(pod)).collect();
    if waiting.is_empty() {
        return;
    }
    waiting.sort_by_key(|pod| {
        let made = text(pod, "/metadata/creationTimestamp").to_owned();
        (std::cmp::Reverse(pod["spec"]["priority"].as_i64().unwrap_or(0)), made)
    });
    let mut spots = spots(world, cluster, &all);
    for pod in waiting {
        match choose(world, cluster, pod, &spots) {
            Choice::Spot(at) if claims::bind(world, cluster, pod, &spots[at].node) => {
                bind(world, cluster, pod, name(&spots[at].node));
                spots[at].take(pod);
            }
            Choice::Spot(_) => {}
            Choice::None(why) => wait(world, cluster, pod, &why),
        }
    }
}

/// Returns every node with what is left of it.
pub(super) fn spots(world: &World, cluster: &Cluster, pods: &[View]) -> Vec<Spot> {
    let nodes = objects::all(world, cluster, Kind::named("nodes"), None);
    let mut spots: Vec<Spot> = nodes.into_iter().map(Spot::new).collect();
    for pod in pods.iter().filter(|pod| !pods::is_over(pod)) {
        let on = text(pod, "/spec/nodeName");
        if let Some(spot) = spots.iter_mut().find(|spot| name(&spot.node) == on) {
            spot.take(pod);
        }
    }
    spots
}

/// Tells whether a pod waits for a node.
pub(super) fn waits(pod: &Value) -> bool {
    text(pod, "/spec/nodeName").is_empty()
        && items(pod, "/spec/schedulingGates").is_empty()
        && pod["metadata"]["deletionTimestamp"].is_null()
        && !pods::is_over(pod)
        && text(pod, "/spec/schedulerName") == SCHEDULER
}

/// Returns the words that the scheduler of a cluster has.
pub(super) fn words(cluster: &Cluster) -> Words {
    let minor = cluster.version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    Words { are_new: minor.is_none_or(|minor| minor >= 34) }
}

enum Choice {
    Spot(usize),
    None(String),
}

fn choose(world: &World, cluster: &Cluster, pod: &Value, spots: &[Spot]) -> Choice {
    let words = words(cluster);
    let zones = match claims::of(world, cluster, pod) {
        Claims::In(zones) => zones,
        Claims::Wrong(why) => return Choice::None(told(spots.len(), words, &why)),
    };
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let (mut fits, mut hopeless) = (Vec::new(), 0);
    for (at, spot) in spots.iter().enumerate() {
        match spot.refuses(pod, &zones, words) {
            None => fits.push((spot.load(), at)),
            Some(unfit) => {
                hopeless += usize::from(unfit.is_final);
                unfit.why.into_iter().for_each(|why| *reasons.entry(why).or_default() += 1);
            }
        }
    }
    match fits.into_iter().min() {
        Some((_, at)) => Choice::Spot(at),
        None => Choice::None(refusal(spots.len(), hopeless, &reasons, words)),
    }
}

/// Says why no node takes a pod.
fn refusal(
    count: usize,
    hopeless: usize,
    reasons: &BTreeMap<String, usize>,
    words: Words,
) -> String {
    if count == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let mut told: Vec<String> =
        reasons.iter().map(|(why, count)| format!("{count} {why}")).collect();
    told.sort();
    let none = format!("0/{count} nodes are available");
    let others = count - hopeless;
    let ends: Vec<String> = [
        (others, "No preemption victims found for incoming pod"),
        (hopeless, "Preemption is not helpful for scheduling"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, why)| format!("{count} {why}"))
    .collect();
    let mut ends = ends;
    ends.sort();
    let claims = if words.are_new { "no new claims to deallocate, " } else { "" };
    format!("{none}: {}. {claims}preemption: {none}: {}.", told.join(", "), ends.join(", "))
}

/// Says that something about a pod itself keeps it from every node.
fn told(count: usize, words: Words, why: &str) -> String {
    let none = format!("0/{count} nodes are available");
    let claims = if words.are_new { "no new claims to deallocate, " } else { "" };
    let end = format!("{none}: {count} Preemption is not helpful for scheduling.");
    match count {
        0 => "no nodes available to schedule pods".to_owned(),
        _ => format!("{none}: {why}. {claims}preemption: {end}"),
    }
}

fn bind(world: &mut World, cluster: &Cluster, pod: &Value, node: &str) {
    let now = world.now;
    objects::edit(world, cluster, Kind::named("pods"), pod, |pod| {
        pod["spec"]["nodeName"] = json!(node);
        condition(pod, "PodScheduled", json!({ "status": "True" }), now);
    });
    let place = format!("{}/{}", text(pod, "/metadata/namespace"), name(pod));
    let message = format!("Successfully assigned {place} to {node}");
    let said = Said { by: SCHEDULER, sort: "Normal", reason: "Scheduled", message: &message };
    events::tell(world, cluster, pod, said);
}

fn wait(world: &mut World, cluster: &Cluster, pod: &Value, why: &str) {
    let conditions = items(pod, "/status/conditions");
    if conditions.iter().any(|it| it["type"] == "PodScheduled" && it["message"] == why) {
        return;
    }
    let now = world.now;
    objects::edit(world, cluster, Kind::named("pods"), pod, |pod| {
        let said = json!({ "status": "False", "reason": "Unschedulable", "message": why });
        condition(pod, "PodScheduled", said, now);
    });
    let said = Said { by: SCHEDULER, sort: "Warning", reason: "FailedScheduling", message: why };
    events::tell(world, cluster, pod, said);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_in_the_words_of_the_scheduler() {
        let reasons =
            [("Insufficient cpu", 1), ("node(s) didn't match Pod's node affinity/selector", 2)];
        let reasons = reasons.map(|(why, count)| (why.to_owned(), count)).into();
        let told = |are_new| refusal(3, 2, &reasons, Words { are_new });
        assert_eq!(
            told(false),
            "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node \
             affinity/selector. preemption: 0/3 nodes are available: 1 No preemption victims \
             found for incoming pod, 2 Preemption is not helpful for scheduling."
        );
        assert!(told(true).contains("selector. no new claims to deallocate, preemption: 0/3"));
        let none = refusal(0, 0, &BTreeMap::new(), Words { are_new: true });
        assert_eq!(none, "no nodes available to schedule pods");
    }
}
