//! What happens during a run, told to whoever shows it.
use crate::address::Address;
use crate::error::Error;
use crate::plan::Action;
use serde_json::Value;

/// Something that happened to one step of a run.
#[derive(Clone, Debug)]
pub struct Event {
    /// The object.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// What the step does.
    pub action: Action,
    /// What happened.
    pub what: EventKind,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// Its turn came.
    Started,
    /// A call was made that changes something.
    Called(Verb),
    /// The cloud is at work; the text is its own status word.
    Waiting(String),
    /// A call failed in a way that passes, and will be made again.
    Retrying(Error),
    /// The object is as wanted.
    Settled(Value),
    /// The object was as wanted and is on record now.
    Adopted(Value),
    /// The object is there and something is wrong with it.
    Degraded(String),
    /// The object is gone.
    Removed,
    /// Not tried, because of what the text says.
    Skipped(String),
    /// Failed.
    Failed(Error),
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Makes an object.
    Create,
    /// Changes one.
    Update,
    /// Removes one.
    Delete,
}
