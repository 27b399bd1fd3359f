//! Decides what must end before what, looking things up and never comparing pairs.
use super::decide::positions;
use super::{Action, Step};
use crate::address::Address;
use crate::diff::Rule;
use crate::driver::Drivers;
use crate::graph::Graph;
use crate::state::State;
use std::collections::{BTreeMap, BTreeSet};

/// Orders the steps of one stage, which are those from `begin` on.
///
/// What is needed or followed is built first, and where both are brought to a version, what leads; what
/// needs an object lets go of it before it is deleted; an object is deleted before it is made again; and
/// within a slot the new one is ready first.
pub(super) fn order(
    steps: &mut [Step],
    begin: usize,
    graph: &Graph,
    (state, drivers): (&State, &Drivers),
) {
    let (deletes, settles) = (positions(steps, begin, true), positions(steps, begin, false));
    let mut slots: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for &i in settles.values() {
        if let Some(slot) = &steps[i].slot {
            slots.entry(slot.clone()).or_default().push(i);
        }
    }
    let mut gives_way = Vec::new();
    for i in begin..steps.len() {
        let address = steps[i].address.clone();
        let recorded = state.get(&address).map(|record| &record.needs);
        let node = graph.node(&address);
        let wanted = node.map(|node| &node.needs);
        let empty = BTreeSet::new();
        let (recorded, wanted) = (recorded.unwrap_or(&empty), wanted.unwrap_or(&empty));
        if steps[i].action == Action::Delete {
            for needed in recorded.union(wanted) {
                add(steps, deletes.get(needed).copied(), i);
            }
            let taken_over = steps[i].slot.as_ref().filter(|_| node.is_none());
            let successors = taken_over.and_then(|slot| slots.get(slot)).into_iter().flatten();
            gives_way.extend(successors.map(|&successor| (i, successor)));
        } else {
            let (follows, leads) = node.map_or((&empty, &empty), |it| (&it.follows, &it.leads));
            let both = |&it: &usize| raised(&steps[i], drivers) && raised(&steps[it], drivers);
            let led: BTreeSet<usize> =
                leads.iter().filter_map(|it| settles.get(it).copied()).filter(both).collect();
            led.iter().for_each(|&it| add(steps, Some(it), i));
            let followed = follows.iter().filter_map(|it| settles.get(it));
            let followed = followed.filter(|it| !led.contains(it));
            steps[i].after.extend(wanted.iter().filter_map(|it| settles.get(it)).chain(followed));
            steps[i].after.extend(deletes.get(&address));
            for dropped in recorded.iter().filter(|n| graph.node(n).is_none()) {
                add(steps, deletes.get(dropped).copied(), i);
            }
        }
    }
    let kept = kept_for_children(steps, begin, &deletes, state);
    wait_where_possible(steps, begin, kept);
    // Where what both generations in a slot stand on is replaced, nothing can be ready before the old
    // one goes.
    wait_where_possible(steps, begin, gives_way);
}

/// Returns which step waits for which, so that what goes along with its parent keeps what it needs until
/// that is gone. What itself needs the parent has to go first.
fn kept_for_children(
    steps: &[Step],
    begin: usize,
    deletes: &BTreeMap<Address, usize>,
    state: &State,
) -> Vec<(usize, usize)> {
    let mut waits = Vec::new();
    let of_stage = steps.iter().enumerate().skip(begin);
    for (parent, Step { address, .. }) in of_stage.filter(|(_, it)| it.action == Action::Delete) {
        let mut along: Vec<&Address> = state.within(address).collect();
        let mut needed = BTreeSet::new();
        while let Some(child) = along.pop() {
            if !deletes.contains_key(child) {
                along.extend(state.within(child));
                needed.extend(state.get(child).into_iter().flat_map(|record| &record.needs));
            }
        }
        let kept = needed.into_iter().filter(|it| !state.depends(it, address));
        let kept = kept.filter_map(|it| deletes.get(it).copied()).filter(|&step| step != parent);
        waits.extend(kept.map(|step| (step, parent)));
    }
    waits
}

/// Lets the first of each pair wait for the second, unless it would wait for itself then.
fn wait_where_possible(steps: &mut [Step], begin: usize, waits: Vec<(usize, usize)>) {
    for &(step, first) in &waits {
        steps[step].after.insert(first);
    }
    let stuck = stuck(steps, begin);
    for (step, first) in waits.into_iter().filter(|(step, _)| stuck.contains(step)) {
        steps[step].after.remove(&first);
    }
}

/// Returns the steps that wait, in the end, for themselves.
fn stuck(steps: &[Step], begin: usize) -> BTreeSet<usize> {
    let mut waits: BTreeMap<usize, usize> =
        (begin..steps.len()).map(|i| (i, steps[i].after.len())).collect();
    let mut waiters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, step) in steps.iter().enumerate().skip(begin) {
        step.after.iter().for_each(|&on| waiters.entry(on).or_default().push(i));
    }
    let mut free: Vec<usize> = waits.iter().filter(|(_, n)| **n == 0).map(|(i, _)| *i).collect();
    while let Some(i) = free.pop() {
        waits.remove(&i);
        for next in waiters.get(&i).into_iter().flatten() {
            let left = waits.get_mut(next).expect("a step that waits is not free yet");
            *left -= 1;
            free.extend((*left == 0).then_some(*next));
        }
    }
    waits.into_keys().collect()
}

/// Tells whether a step brings something that is there to a version.
fn raised(step: &Step, drivers: &Drivers) -> bool {
    let rules = drivers.get(step.kind.as_str()).map_or(&[][..], |driver| driver.meta().rules);
    let is_version = |field: &str| rules.contains(&(field, Rule::AtLeast));
    step.action == Action::Update && step.changes.0.iter().any(|it| is_version(&it.field))
}

fn add(steps: &mut [Step], step: Option<usize>, before: usize) {
    if let Some(step) = step.filter(|&step| step != before) {
        steps[step].after.insert(before);
    }
}
