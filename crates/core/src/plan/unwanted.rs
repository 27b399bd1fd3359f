//! Decides what goes: what is on record or carries our marks, and is not wanted any more.
use super::decide::{Decider, named};
use super::{Action, Cause, Refusal, Step};
use crate::address::Address;
use crate::diff::Diff;
use crate::driver::LiveValue;
use crate::graph::Graph;
use crate::observed::Seen;
use crate::resource::{Owner, Phase};
use crate::state::{Record, Stage};
use std::collections::{BTreeSet, HashMap};

impl Decider<'_> {
    /// Plans the removal of what is on record or carries our marks, and is not in the graph.
    pub(super) fn remove_unwanted(&mut self, graph: &Graph) {
        let question = self.question;
        let recorded = question.state.records().keys();
        let seen = question.observed.0.iter().filter(|(_, seen)| **seen != Seen::Absent);
        let all = recorded.chain(seen.map(|(address, _)| address));
        let gone: BTreeSet<&Address> = all.filter(|a| graph.node(a).is_none()).collect();
        let successors = successors(graph);
        self.keep_generations(&gone, &successors);
        for address in gone.iter().rev() {
            let record = question.state.get(address);
            let parent = record.and_then(|record| record.within.as_ref());
            if parent.is_none_or(|parent| graph.node(parent).is_some()) {
                self.remove(address, record, &successors);
            }
        }
    }

    /// Keeps each old generation whose successor is not ready, and everything it needs.
    fn keep_generations(
        &mut self,
        gone: &BTreeSet<&Address>,
        successors: &HashMap<&str, &Address>,
    ) {
        let mut kept = Vec::new();
        for address in gone {
            let slot = self.slot(address, successors);
            if let Some(next) = slot.and_then(|slot| successors.get(slot.as_str()))
                && !self.will_be_ready(next)
            {
                kept.push(((*address).clone(), (*next).clone()));
            }
        }
        while let Some((address, next)) = kept.pop() {
            let needs = self.question.state.get(&address).map(|record| &record.needs);
            let needs = needs.into_iter().flatten().filter(|needed| gone.contains(needed));
            let new = needs.filter(|needed| !self.plan.kept.contains_key(*needed));
            kept.extend(new.map(|needed| (needed.clone(), next.clone())));
            self.plan.kept.insert(address, next);
        }
    }

    /// Returns the slot of an object: as recorded, or as its address tells when it is not.
    fn slot(&self, address: &Address, successors: &HashMap<&str, &Address>) -> Option<String> {
        if let Some(record) = self.question.state.get(address) {
            return record.slot.clone();
        }
        let (slot, _) = address.as_str().rsplit_once('/')?;
        successors.contains_key(slot).then(|| slot.to_owned())
    }

    fn remove(
        &mut self,
        address: &Address,
        record: Option<&Record>,
        successors: &HashMap<&str, &Address>,
    ) {
        if self.plan.kept.contains_key(address) {
            return;
        }
        let seen = self.question.observed.0.get(address);
        let kind = match (record, seen) {
            (Some(record), _) => record.kind.clone(),
            (None, Some(Seen::Live(live))) => live.kind.to_owned(),
            (None, Some(Seen::Many(lives))) => lives[0].kind.to_owned(),
            (None, _) => return,
        };
        match seen {
            Some(Seen::Unknown(reason)) => {
                self.plan.unknown.insert(address.clone(), reason.clone());
                return;
            }
            Some(Seen::Live(live)) => {
                if let Owner::Foreign(owner) = &live.owner {
                    if self.question.drivers[live.kind].meta().yields {
                        // It stays on record until it can go.
                        return;
                    }
                    let (object, owner) = (named(live), owner.clone());
                    let address = address.clone();
                    return self.refuse(Refusal::Foreign { address, object, owner });
                }
            }
            _ => {}
        }
        let settled = record.is_some_and(|record| record.stage == Stage::Settled);
        self.plan.steps.push(Step {
            stage: 0,
            action: Action::Delete,
            address: address.clone(),
            kind,
            object: self.object(0, Action::Delete, address),
            cause: if settled { Cause::File } else { Cause::Leftover },
            changes: Diff::default(),
            slot: self.slot(address, successors),
            lane: record.and_then(|record| record.lane.clone()),
            after: BTreeSet::new(),
        });
    }

    /// Tells whether what takes a slot over is ready or about to be settled by this plan.
    fn will_be_ready(&self, next: &Address) -> bool {
        let ready = |live: &LiveValue| live.phase == Phase::Ready;
        self.question.observed.live(next).is_some_and(ready) || self.settling.contains(next)
    }

    pub(super) fn remove_dropped(&mut self, stage: usize, before: &Graph, graph: &Graph) {
        for node in before.nodes().iter().rev().filter(|n| graph.node(&n.address).is_none()) {
            self.targets.remove(&node.address);
            self.push(stage, node, Action::Delete, Cause::File, Diff::default());
        }
    }
}

/// Returns what is wanted in each slot.
fn successors(graph: &Graph) -> HashMap<&str, &Address> {
    let slotted = graph.nodes().iter();
    slotted.filter_map(|n| Some((n.slot.as_deref()?, &n.address))).collect()
}
