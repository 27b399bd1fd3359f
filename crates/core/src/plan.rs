//! Decides what to do. Pure: no IO, no clock, no randomness.
mod decide;
mod expected;
mod order;
mod refusal;
mod unwanted;

use crate::address::Address;
use crate::diff::Diff;
use crate::driver::Drivers;
use crate::error::Error;
use crate::graph::{Graph, Lane};
use crate::marks::Marks;
use crate::observed::Observed;
use crate::state::State;
pub use refusal::{Refusal, Refused};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What to do with one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Take it on record, and mark it as ours if it is not.
    Adopt,
    /// Remove it.
    Delete,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Adopt => "adopt",
            Self::Delete => "delete",
        })
    }
}

/// Why a step is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The cluster file says so.
    File,
    /// The object changed or went behind our back.
    Drift,
    /// An earlier run did not finish.
    Leftover,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The stage it belongs to. A stage begins when the one before has ended.
    pub stage: usize,
    /// What to do.
    pub action: Action,
    /// With what.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// The cloud's id of what is there, where its kind has one and it was seen.
    pub object: Option<String>,
    /// Why.
    pub cause: Cause,
    /// The fields that change, without our marks.
    pub changes: Diff,
    /// The slot it is in, where one generation takes the place of another.
    pub slot: Option<String>,
    /// The lane it keeps to.
    pub lane: Option<Lane>,
    /// The steps of the same stage that must end first, by their place in the plan.
    pub after: BTreeSet<usize>,
}

impl Step {
    /// Returns the step's id, such as `0/create/vpc`.
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.stage, self.action, self.address)
    }
}

/// What to do, and what there is to say beside it. Steps are in the order of the graph; which must end
/// before which, each says itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The steps, by stage; within one, what is needed comes before what needs it. What is waited for
    /// otherwise may come later.
    pub steps: Vec<Step>,
    /// What could not be observed, with the reason. Such a plan cannot be carried out, unless all of
    /// it is awaited.
    pub unknown: BTreeMap<Address, Error>,
    /// What of that needs something that the plan settles, such as a way in, with the address of
    /// that: once that is there it may be observed by the next plan.
    pub awaited: BTreeMap<Address, Address>,
    /// What is there and not well, with the cloud's words.
    pub degraded: BTreeMap<Address, String>,
    /// What gives way to what somebody else has in its place, with what that is.
    pub yields: BTreeMap<Address, String>,
    /// What would go if what takes its place were ready, with the address of that.
    pub kept: BTreeMap<Address, Address>,
}

impl Plan {
    /// Tells whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Tells whether it can be carried out: all that could not be observed is awaited.
    pub fn is_known(&self) -> bool {
        self.unknown.keys().all(|address| self.awaited.contains_key(address))
    }

    /// Returns how many steps do `action`.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shape<'a> {
            id: String,
            address: &'a Address,
            kind: &'a str,
            object: Option<&'a str>,
            action: Action,
            stage: usize,
            cause: Cause,
            changes: &'a Diff,
            after: Vec<String>,
        }
        serializer.collect_seq(self.steps.iter().map(|step| Shape {
            id: step.id(),
            address: &step.address,
            kind: &step.kind,
            object: step.object.as_deref(),
            action: step.action,
            stage: step.stage,
            cause: step.cause,
            changes: &step.changes,
            after: step.after.iter().map(|&i| self.steps[i].id()).collect(),
        }))
    }
}

/// Everything that a plan is made from.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// What is wanted, stage by stage. No graph, or an empty one, removes everything.
    pub graphs: &'a [Graph],
    /// What is on record.
    pub state: &'a State,
    /// What is there.
    pub observed: &'a Observed,
    /// The kinds.
    pub drivers: &'a Drivers,
    /// Whose objects are ours.
    pub marks: &'a Marks,
    /// Addresses where an object of somebody else may become ours.
    pub adopt: &'a BTreeSet<Address>,
    /// Addresses whose object may be deleted and made again.
    pub replace: &'a BTreeSet<Address>,
}

/// Compares what is wanted with what is on record and what is there.
///
/// # Errors
/// Every reason for which nothing may be done, all at once.
pub fn plan(question: &Question<'_>) -> Result<Plan, Refused> {
    decide::decide(question)
}
