//! Decides what must end before what, looking things up and never comparing pairs.
use super::decide::positions;
use super::{Action, Step};
use crate::graph::Graph;
use crate::state::State;
use std::collections::{BTreeMap, BTreeSet};

/// Orders the steps of one stage, which are those from `begin` on.
///
/// What is needed is built first; what needs an object lets go of it before it is deleted; an
/// object is deleted before it is made again; and within a slot the new one is ready first.
pub(super) fn order(steps: &mut [Step], begin: usize, graph: &Graph, state: &State) {
    let (deletes, settles) = (positions(steps, begin, true), positions(steps, begin, false));
    let mut slots: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for &i in settles.values() {
        if let Some(slot) = &steps[i].slot {
            slots.entry(slot.clone()).or_default().push(i);
        }
    }
    for i in begin..steps.len() {
        let address = steps[i].address.clone();
        let recorded = state.get(&address).map(|record| &record.needs);
        let wanted = graph.node(&address).map(|node| &node.needs);
        let empty = BTreeSet::new();
        let (recorded, wanted) = (recorded.unwrap_or(&empty), wanted.unwrap_or(&empty));
        if steps[i].action == Action::Delete {
            for needed in recorded.union(wanted) {
                add(steps, deletes.get(needed).copied(), i);
            }
            let taken_over = steps[i].slot.as_ref().filter(|_| graph.node(&address).is_none());
            let successors = taken_over.and_then(|slot| slots.get(slot)).cloned();
            steps[i].after.extend(successors.unwrap_or_default());
        } else {
            steps[i].after.extend(wanted.iter().filter_map(|n| settles.get(n)));
            steps[i].after.extend(deletes.get(&address));
            for dropped in recorded.iter().filter(|n| graph.node(n).is_none()) {
                add(steps, deletes.get(dropped).copied(), i);
            }
        }
    }
}

fn add(steps: &mut [Step], step: Option<usize>, before: usize) {
    if let Some(step) = step.filter(|&step| step != before) {
        steps[step].after.insert(before);
    }
}
