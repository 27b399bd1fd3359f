//! Decides the step for each object.
use super::order::order;
use super::{Action, Cause, Plan, Question, Refusal, Refused, Step};
use crate::address::Address;
use crate::diff::{Diff, Rule, is_lower};
use crate::driver::{LiveValue, Meta};
use crate::graph::{Graph, Node};
use crate::marks::Marks;
use crate::observed::Seen;
use crate::resource::{Owner, Phase};
use crate::state::Record;
use crate::value::resolve;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub(super) fn decide(question: &Question<'_>) -> Result<Plan, Refused> {
    let mut decider = Decider {
        question,
        plan: Plan::default(),
        refusals: Vec::new(),
        outputs: HashMap::new(),
        targets: HashMap::new(),
        settling: HashSet::new(),
    };
    let nothing = [Graph::new()];
    let graphs = if question.graphs.is_empty() { &nothing[..] } else { question.graphs };
    for (stage, graph) in graphs.iter().enumerate() {
        let begin = decider.plan.steps.len();
        for node in graph.nodes() {
            match stage {
                0 => decider.settle_first(node),
                _ => decider.settle_later(stage, node),
            }
        }
        match stage {
            0 => decider.remove_unwanted(graph),
            _ => decider.remove_dropped(stage, &graphs[stage - 1], graph),
        }
        decider.refuse_to_pull_the_rug(graph, begin);
        order(&mut decider.plan.steps, begin, graph, question.state);
    }
    match decider.refusals.is_empty() {
        true => Ok(decider.plan),
        false => Err(Refused(decider.refusals)),
    }
}

struct Decider<'a> {
    question: &'a Question<'a>,
    plan: Plan,
    refusals: Vec<Refusal>,
    /// The outputs of what exists and stays.
    outputs: HashMap<Address, &'a Value>,
    /// What each node of the stage before becomes.
    targets: HashMap<Address, Value>,
    /// What a step of the first stage settles.
    settling: HashSet<Address>,
}

impl<'a> Decider<'a> {
    fn settle_first(&mut self, node: &Node) {
        let want = self.resolved(&node.spec);
        let record = self.question.state.get(&node.address);
        match self.question.observed.0.get(&node.address) {
            None | Some(Seen::Absent) => {
                let cause = match record {
                    Some(record) if record.is_settled() => Cause::Drift,
                    Some(_) => Cause::Leftover,
                    None => Cause::File,
                };
                self.push(0, node, Action::Create, cause, Diff::of_new(&want));
            }
            Some(Seen::Unknown(reason)) => {
                self.plan.unknown.insert(node.address.clone(), reason.clone());
                self.keep_outputs(&node.address, record.and_then(|r| r.outputs.as_ref()));
            }
            Some(Seen::Many(lives)) => {
                let objects = lives.iter().map(named).collect();
                self.keep_outputs(&node.address, record.and_then(|r| r.outputs.as_ref()));
                self.refusals.push(Refusal::Twice { address: node.address.clone(), objects });
            }
            Some(Seen::Live(live)) => self.settle_live(node, &want, live, record),
        }
        let target = self.ahead(node, want);
        self.targets.insert(node.address.clone(), target);
    }

    fn settle_live(
        &mut self,
        node: &Node,
        want: &Value,
        live: &'a LiveValue,
        record: Option<&Record>,
    ) {
        let address = &node.address;
        let settled = record.is_some_and(Record::is_settled);
        let adopted = match &live.owner {
            Owner::Foreign(owner) if !self.question.adopt.contains(address) => {
                let (object, owner) = (named(live), owner.clone());
                return self.refuse(Refusal::Foreign { address: address.clone(), object, owner });
            }
            Owner::Foreign(_) => true,
            Owner::Ours | Owner::Inherited => false,
        };
        let meta = self.meta(node);
        let diff = self.diff(node, &meta, want, live, record);
        let asked = self.question.replace.contains(address) && node.slot.is_none();
        let cause = cause(node, record, &diff);
        if let Phase::Broken(error) = &live.phase {
            if (settled || adopted) && !asked {
                let (address, error) = (address.clone(), error.clone());
                return self.refuse(Refusal::Broken { address, error });
            }
            return self.replace(node, if asked { Cause::File } else { Cause::Leftover }, want);
        }
        if asked || meta.must_replace(&diff) {
            if meta.precious && !asked && (settled || adopted) {
                let changed = diff.0.iter().map(|change| change.field.clone());
                let fields = changed.filter(|field| meta.is_immutable(field)).collect();
                return self.refuse(Refusal::Precious { address: address.clone(), fields });
            }
            return self.replace(node, cause, want);
        }
        self.keep_outputs(address, Some(&live.outputs));
        match (diff.is_empty(), settled) {
            _ if adopted => self.push(0, node, Action::Adopt, Cause::File, diff),
            (false, _) => self.push(0, node, Action::Update, cause, diff),
            (true, false) => self.push(0, node, Action::Adopt, Cause::Leftover, diff),
            (true, true) => {
                if let Phase::Degraded(why) = &live.phase {
                    self.plan.degraded.insert(address.clone(), why.clone());
                }
            }
        }
    }

    /// Returns what a stage makes of a node: what is wanted, or a version that is ahead of it.
    fn ahead(&self, node: &Node, mut want: Value) -> Value {
        let Some(live) = self.question.observed.live(&node.address) else { return want };
        for (field, _) in self.meta(node).rules.iter().filter(|(_, r)| *r == Rule::AtLeast) {
            if !is_lower(&live.spec[*field], &want[*field]) {
                want[*field] = live.spec[*field].clone();
            }
        }
        want
    }

    /// Plans a node of a later stage against what the stage before makes of it.
    fn settle_later(&mut self, stage: usize, node: &Node) {
        let want = self.resolved(&node.spec);
        match self.targets.insert(node.address.clone(), want.clone()) {
            None => self.push(stage, node, Action::Create, Cause::File, Diff::of_new(&want)),
            Some(before) => {
                let rules = self.meta(node).rules;
                let diff = Diff::between(&want, &before, Some(&before), rules, &[]);
                if !diff.is_empty() {
                    self.push(stage, node, Action::Update, Cause::File, diff);
                }
            }
        }
    }

    /// Plans the removal of what is on record or carries our marks, and is not in the graph.
    fn remove_unwanted(&mut self, graph: &Graph) {
        let question = self.question;
        let recorded = question.state.records().keys();
        let seen = question.observed.0.iter().filter(|(_, seen)| **seen != Seen::Absent);
        let all: BTreeSet<&Address> = recorded.chain(seen.map(|(address, _)| address)).collect();
        let gone: Vec<_> = all.into_iter().filter(|a| graph.node(a).is_none()).collect();
        let successors = successors(graph);
        for address in gone.iter().rev() {
            let record = question.state.get(address);
            let parent = record.and_then(|record| record.within.as_ref());
            if parent.is_some_and(|parent| graph.node(parent).is_none()) {
                continue;
            }
            self.remove(address, record, &successors);
        }
    }

    fn remove(
        &mut self,
        address: &Address,
        record: Option<&Record>,
        successors: &HashMap<&str, &Address>,
    ) {
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
                    let (object, owner) = (named(live), owner.clone());
                    let address = address.clone();
                    return self.refuse(Refusal::Foreign { address, object, owner });
                }
            }
            _ => {}
        }
        let slot = record.and_then(|record| record.slot.clone());
        if let Some(next) = slot.as_ref().and_then(|slot| successors.get(slot.as_str()))
            && !self.will_be_ready(next)
        {
            self.plan.kept.insert(address.clone(), (*next).clone());
            return;
        }
        let settled = record.is_some_and(Record::is_settled);
        let cause = if settled { Cause::File } else { Cause::Leftover };
        self.plan.steps.push(Step {
            stage: 0,
            action: Action::Delete,
            address: address.clone(),
            kind,
            cause,
            changes: Diff::default(),
            slot,
            lane: record.and_then(|record| record.lane.clone()),
            after: BTreeSet::new(),
        });
    }

    /// Tells whether what takes a slot over is ready or about to be settled by this plan.
    fn will_be_ready(&self, next: &Address) -> bool {
        let ready = |live: &LiveValue| live.phase == Phase::Ready;
        self.question.observed.live(next).is_some_and(ready) || self.settling.contains(next)
    }

    fn remove_dropped(&mut self, stage: usize, before: &Graph, graph: &Graph) {
        for node in before.nodes().iter().rev().filter(|n| graph.node(&n.address).is_none()) {
            self.targets.remove(&node.address);
            self.push(stage, node, Action::Delete, Cause::File, Diff::default());
        }
    }

    /// Refuses to replace something while something else that stays refers to it.
    fn refuse_to_pull_the_rug(&mut self, graph: &Graph, begin: usize) {
        let steps = &self.plan.steps[begin..];
        let deletes = steps.iter().filter(|step| step.action == Action::Delete);
        let replaced: BTreeSet<&Address> =
            deletes.map(|s| &s.address).filter(|a| graph.node(a).is_some()).collect();
        if replaced.is_empty() {
            return;
        }
        let stays =
            |n: &&Node| self.outputs.contains_key(&n.address) && !replaced.contains(&n.address);
        let torn: Vec<_> = graph
            .nodes()
            .iter()
            .filter(stays)
            .filter_map(|n| Some((n, n.refers.iter().find(|a| replaced.contains(a))?)))
            .map(|(n, used)| Refusal::InUse { used: used.clone(), user: n.address.clone() })
            .collect();
        self.refusals.extend(torn);
    }

    fn replace(&mut self, node: &Node, cause: Cause, want: &Value) {
        self.push(0, node, Action::Delete, cause, Diff::default());
        self.push(0, node, Action::Create, cause, Diff::of_new(want));
    }

    fn push(&mut self, stage: usize, node: &Node, action: Action, cause: Cause, diff: Diff) {
        if action != Action::Delete {
            self.settling.insert(node.address.clone());
        }
        let changes = without_marks(diff, self.meta(node).tags_field());
        self.plan.steps.push(Step {
            stage,
            action,
            address: node.address.clone(),
            kind: node.kind.to_owned(),
            cause,
            changes,
            slot: node.slot.clone(),
            lane: node.lane.clone(),
            after: BTreeSet::new(),
        });
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusals.push(refusal);
    }

    fn keep_outputs(&mut self, address: &Address, outputs: Option<&'a Value>) {
        if let Some(outputs) = outputs {
            self.outputs.insert(address.clone(), outputs);
        }
    }

    fn resolved(&self, spec: &Value) -> Value {
        resolve(spec, &|from, output| self.outputs.get(from)?.get(output))
    }

    fn diff(
        &self,
        node: &Node,
        meta: &Meta,
        want: &Value,
        live: &LiveValue,
        record: Option<&Record>,
    ) -> Diff {
        let want = meta.marked(want.clone(), self.question.marks, &node.address);
        let accepted = record.and_then(|r| r.accepted.as_ref()).map(|spec| self.resolved(spec));
        Diff::between(&want, &live.spec, accepted.as_ref(), meta.rules, live.unobserved)
    }

    fn meta(&self, node: &Node) -> Meta {
        self.question.drivers[node.kind].meta()
    }
}

/// Tells why an object that is there must change.
fn cause(node: &Node, record: Option<&Record>, diff: &Diff) -> Cause {
    match record.map(|record| (record.is_settled(), record.accepted.as_ref())) {
        Some((true, Some(accepted))) => {
            let same = |field: &str| accepted.get(field) == node.spec.get(field);
            match diff.0.iter().all(|change| same(&change.field)) {
                true => Cause::Drift,
                false => Cause::File,
            }
        }
        Some(_) => Cause::Leftover,
        None => Cause::File,
    }
}

fn successors(graph: &Graph) -> HashMap<&str, &Address> {
    let slotted = graph.nodes().iter();
    slotted.filter_map(|n| Some((n.slot.as_deref()?, &n.address))).collect()
}

fn named(live: &LiveValue) -> String {
    match live.id() {
        Some(id) => format!("{} {id}", live.kind),
        None => live.kind.to_owned(),
    }
}

/// Drops our marks from what is shown, and the change when nothing else is left of it.
fn without_marks(mut diff: Diff, field: Option<&'static str>) -> Diff {
    let Some(field) = field else { return diff };
    diff.0.retain_mut(|change| {
        if change.field != field {
            return true;
        }
        for side in [&mut change.from, &mut change.to] {
            if let Value::Object(map) = side {
                map.retain(|key, _| !Marks::is_mark(key));
            }
        }
        change.to.as_object().is_none_or(|map| !map.is_empty())
    });
    diff
}

/// Returns the position of each address among the steps from `begin` that do `deletes` or not.
pub(super) fn positions(steps: &[Step], begin: usize, deletes: bool) -> BTreeMap<Address, usize> {
    let of_stage = steps.iter().enumerate().skip(begin);
    let wanted = of_stage.filter(|(_, step)| (step.action == Action::Delete) == deletes);
    wanted.map(|(i, step)| (step.address.clone(), i)).collect()
}
