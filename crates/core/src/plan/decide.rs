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
use crate::state::{Record, Stage};
use crate::value::{resolve, sources};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub(super) fn decide(question: &Question<'_>) -> Result<Plan, Refused> {
    let mut decider = Decider {
        question,
        plan: Plan::default(),
        refusals: Vec::new(),
        outputs: HashMap::with_capacity(question.observed.0.len()),
        targets: HashMap::new(),
        settling: HashSet::new(),
        replaced: HashMap::new(),
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
        order(&mut decider.plan.steps, begin, graph, (question.state, question.drivers));
    }
    decider.await_unknown(&graphs[0]);
    match decider.refusals.is_empty() {
        true => Ok(decider.plan),
        false => Err(Refused(decider.refusals)),
    }
}

pub(super) struct Decider<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) plan: Plan,
    refusals: Vec<Refusal>,
    /// The outputs of what exists and stays.
    outputs: HashMap<Address, &'a Value>,
    /// What each node of the stage before becomes, if there is another stage.
    pub(super) targets: HashMap<Address, Value>,
    /// What a step of the first stage settles.
    pub(super) settling: HashSet<Address>,
    /// What is deleted and made again under its address, with the fields that cannot change in place.
    replaced: HashMap<Address, Vec<String>>,
}

/// How an object that is there stands to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Somebody else's, and whoever asks wants it to become ours.
    Adopted,
    /// Made by a run that never saw it ready.
    Unsettled,
    /// Ready once, or found with our marks and no record of how it came.
    Settled,
}

impl<'a> Decider<'a> {
    fn settle_first(&mut self, node: &Node) {
        let want = self.wanted(node);
        let record = self.question.state.get(&node.address);
        if let Some(record) = record.filter(|record| record.kind != node.kind) {
            let (address, was) = (node.address.clone(), record.kind.clone());
            return self.refuse(Refusal::OtherKind { address, was, is: node.kind.to_owned() });
        }
        if node.within.as_ref().is_some_and(|parent| self.replaced.contains_key(parent)) {
            // It goes with its parent, and is made again in the new one.
            self.push(0, node, Action::Create, Cause::File, Diff::of_new(&want));
            self.targets.insert(node.address.clone(), want);
            return;
        }
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
                let objects = lives.iter().map(|live| named(live)).collect();
                self.keep_outputs(&node.address, record.and_then(|r| r.outputs.as_ref()));
                self.refusals.push(Refusal::Twice { address: node.address.clone(), objects });
            }
            Some(Seen::Live(live)) => self.settle_live(node, &want, live, record),
        }
        self.keep_target(node, want);
    }

    fn settle_live(
        &mut self,
        node: &Node,
        want: &Value,
        live: &'a LiveValue,
        record: Option<&Record>,
    ) {
        let (address, meta) = (node.address.clone(), self.meta(node));
        let Some(standing) = self.standing(&address, &meta, live, record) else { return };
        let diff = self.diff(&meta, want, live, record);
        let asked = self.question.replace.contains(&address) && node.slot.is_none();
        // It changes with what it refers to, and not behind our back.
        let follows = node.refers.iter().any(|it| self.replaced.contains_key(it));
        let cause = if asked || follows { Cause::File } else { cause(node, record, &diff) };
        let immutable = || -> Vec<String> {
            let changed = diff.0.iter().map(|change| change.field.clone());
            changed.filter(|field| meta.is_immutable(field)).collect()
        };
        match (&live.phase, standing) {
            (Phase::Broken(error), Standing::Settled | Standing::Adopted) if !asked => {
                return self.refuse(Refusal::Broken { address, error: error.clone() });
            }
            (Phase::Broken(error), Standing::Unsettled) => {
                self.plan.degraded.insert(address, error.to_string());
                return self.replace(node, Cause::Leftover, want, Vec::new());
            }
            (_, Standing::Adopted) if asked || meta.must_replace(&diff) => {
                return self.refuse(Refusal::Unlike { address, fields: immutable() });
            }
            (_, Standing::Settled) if meta.precious && !asked && meta.must_replace(&diff) => {
                return self.refuse(Refusal::Precious { address, fields: immutable() });
            }
            _ if asked || meta.must_replace(&diff) => {
                return self.replace(node, cause, want, immutable());
            }
            _ => {}
        }
        self.keep_outputs(&address, Some(&live.outputs));
        match (standing, diff.is_empty(), record.is_some_and(Record::is_settled)) {
            (Standing::Adopted, ..) => self.push(0, node, Action::Adopt, Cause::File, diff),
            (_, false, _) => self.push(0, node, Action::Update, cause, diff),
            (_, true, false) => self.push(0, node, Action::Adopt, Cause::Leftover, diff),
            (_, true, true) => {
                if let Phase::Degraded(why) = &live.phase {
                    self.plan.degraded.insert(address, why.clone());
                }
            }
        }
    }

    /// Notes what could not be observed and needs something that a step settles.
    fn await_unknown(&mut self, graph: &Graph) {
        for address in self.plan.unknown.keys() {
            let needs = graph.node(address).map(|node| &node.needs);
            let awaited = needs.into_iter().flatten().find(|it| self.settling.contains(*it));
            if let Some(awaited) = awaited {
                self.plan.awaited.insert(address.clone(), awaited.clone());
            }
        }
    }

    /// Decides how an object that is there stands to us. `None` when it is refused, or left alone.
    fn standing(
        &mut self,
        address: &Address,
        meta: &Meta,
        live: &LiveValue,
        record: Option<&Record>,
    ) -> Option<Standing> {
        match (&live.owner, record) {
            (Owner::Foreign(_), _) if self.question.adopt.contains(address) => {
                Some(Standing::Adopted)
            }
            (Owner::Foreign(owner), _) if meta.yields => {
                let told = format!("{} is not ours, and {owner}", named(live));
                self.plan.yields.insert(address.clone(), told);
                None
            }
            (Owner::Foreign(owner), _) => {
                let (object, owner) = (named(live), owner.clone());
                self.refuse(Refusal::Foreign { address: address.clone(), object, owner });
                None
            }
            (_, Some(record)) if record.stage != Stage::Settled => Some(Standing::Unsettled),
            _ => Some(Standing::Settled),
        }
    }

    /// Plans a node of a later stage against what the stage before makes of it.
    fn settle_later(&mut self, stage: usize, node: &Node) {
        let (want, meta) = (self.wanted(node), self.meta(node));
        match self.targets.remove(&node.address) {
            None => {
                self.push(stage, node, Action::Create, Cause::File, Diff::of_new(&want));
                self.targets.insert(node.address.clone(), want);
            }
            Some(before) => {
                let target = becomes(&meta, want, &before);
                let diff = Diff::between(&target, &before, Some(&before), meta.rules, &[]);
                self.targets.insert(node.address.clone(), target);
                if meta.must_replace(&diff) {
                    let fields = diff.0.into_iter().map(|change| change.field).collect();
                    self.refuse(Refusal::Precious { address: node.address.clone(), fields });
                } else if !diff.is_empty() {
                    self.push(stage, node, Action::Update, Cause::File, diff);
                }
            }
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
        let used = |n: &Node| {
            let record = self.question.state.get(&n.address).filter(|record| record.is_settled());
            // What is only now to be pointed at it does not use it yet.
            let now = record.and_then(Record::accepted).map(sources);
            let uses = |a: &Address| now.as_ref().is_none_or(|now| now.contains(a));
            n.refers.iter().find(|a| replaced.contains(a) && uses(a)).cloned()
        };
        let torn: Vec<_> = graph
            .nodes()
            .iter()
            .filter(stays)
            .filter_map(|n| Some((n, used(n)?)))
            .map(|(n, used)| Refusal::InUse {
                fields: self.replaced.get(&used).cloned().unwrap_or_default(),
                user: n.address.clone(),
                used,
            })
            .collect();
        self.refusals.extend(torn);
    }

    fn replace(&mut self, node: &Node, cause: Cause, want: &Value, fields: Vec<String>) {
        self.replaced.insert(node.address.clone(), fields);
        self.push(0, node, Action::Delete, cause, Diff::default());
        self.push(0, node, Action::Create, cause, Diff::of_new(want));
    }

    pub(super) fn push(
        &mut self,
        stage: usize,
        node: &Node,
        action: Action,
        cause: Cause,
        diff: Diff,
    ) {
        if action != Action::Delete {
            self.settling.insert(node.address.clone());
        }
        let changes = without_marks(diff, self.meta(node).tags_field());
        self.plan.steps.push(Step {
            stage,
            action,
            address: node.address.clone(),
            kind: node.kind.to_owned(),
            object: self.object(stage, action, &node.address),
            cause,
            changes,
            slot: node.slot.clone(),
            lane: node.lane.clone(),
            after: BTreeSet::new(),
        });
    }

    /// Returns the cloud's id of what a step is about. What is yet to be made has none.
    pub(super) fn object(&self, stage: usize, action: Action, address: &Address) -> Option<String> {
        if action == Action::Create || (stage > 0 && self.replaced.contains_key(address)) {
            return None;
        }
        match self.question.observed.0.get(address)? {
            Seen::Live(live) => live.id().map(str::to_owned),
            Seen::Many(lives) => {
                let mut ids: Vec<_> = lives.iter().filter_map(|live| live.id()).collect();
                ids.sort_unstable();
                Some(ids.join(", ")).filter(|ids| !ids.is_empty())
            }
            Seen::Absent | Seen::Unknown(_) => None,
        }
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refusals.push(refusal);
    }

    fn keep_outputs(&mut self, address: &Address, outputs: Option<&'a Value>) {
        if let Some(outputs) = outputs {
            self.outputs.insert(address.clone(), outputs);
        }
    }

    fn keep_target(&mut self, node: &Node, want: Value) {
        if self.question.graphs.len() > 1 {
            let live = self.question.observed.live(&node.address);
            let target = match live.filter(|_| !self.replaced.contains_key(&node.address)) {
                Some(live) => becomes(&self.meta(node), want, &live.spec),
                None => want,
            };
            self.targets.insert(node.address.clone(), target);
        }
    }

    fn resolved(&self, spec: &Value) -> Value {
        resolve(spec, &|from, output| self.outputs.get(from)?.get(output))
    }

    /// Returns the spec of a node as it would be sent.
    fn wanted(&self, node: &Node) -> Value {
        let spec = self.resolved(&node.spec);
        self.meta(node).marked(spec, self.question.marks, &node.address)
    }

    fn diff(&self, meta: &Meta, want: &Value, live: &LiveValue, record: Option<&Record>) -> Diff {
        let accepted = record.map(|record| match record.ours(meta.tags_field(), &live.spec) {
            // Then only the keys of its tags are compared.
            accepted if live.unobserved.is_empty() => accepted,
            accepted => Cow::Owned(self.resolved(&accepted)),
        });
        Diff::between(want, &live.spec, accepted.as_deref(), meta.rules, live.unobserved)
    }

    fn meta(&self, node: &Node) -> Meta {
        self.question.drivers[node.kind].meta()
    }
}

/// Returns what a stage makes of an object: what is wanted, but for a version that is ahead of that
/// already, and for what nobody decides, which stays as it is.
fn becomes(meta: &Meta, mut want: Value, before: &Value) -> Value {
    let Value::Object(fields) = &mut want else { return want };
    for (field, value) in fields {
        let before = &before[field.as_str()];
        let is_version = meta.rules.contains(&(field.as_str(), Rule::AtLeast));
        if value.is_null() || (is_version && !is_lower(before, value)) {
            *value = before.clone();
        }
    }
    want
}

/// Tells why an object that is there must change.
fn cause(node: &Node, record: Option<&Record>, diff: &Diff) -> Cause {
    match record.map(|record| (record.is_settled(), record.accepted())) {
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

pub(super) fn named(live: &LiveValue) -> String {
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
