//! What a journal says.
use crate::address::Address;
use crate::graph::Lane;
use crate::resource::Operation;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// One entry of the journal. Those that announce a call are durable before it is made.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    /// The cloud decided something that holds from now on. Null withdraws it.
    Fact {
        /// What it is about.
        key: String,
        /// What was decided.
        value: Value,
    },
    /// A create call is about to be made. The line's number is what its token derives from.
    Creating {
        /// Where.
        address: Address,
        /// What kind.
        kind: String,
        /// What is asked, with its references.
        spec: Value,
        /// The fingerprint of what is asked, with references resolved.
        request: String,
        /// What must outlive it.
        needs: BTreeSet<Address>,
        /// The parent it is within.
        #[serde(skip_serializing_if = "Option::is_none")]
        within: Option<Address>,
        /// Its slot.
        #[serde(skip_serializing_if = "Option::is_none")]
        slot: Option<String>,
        /// Its lane.
        #[serde(skip_serializing_if = "Option::is_none")]
        lane: Option<Lane>,
    },
    /// The create call was accepted. The object may not be ready.
    Created {
        /// Where.
        address: Address,
        /// What the reply told.
        #[serde(skip_serializing_if = "Option::is_none")]
        outputs: Option<Value>,
    },
    /// An operation began, or, without one, the last one ended badly.
    Operation {
        /// Where.
        address: Address,
        /// The cloud's name for it.
        operation: Option<Operation>,
    },
    /// An update call is about to be made.
    Updating {
        /// Where.
        address: Address,
        /// By field, the keys that it sets in maps which others write to as well, such as tags.
        #[serde(skip_serializing_if = "Map::is_empty")]
        sets: Map<String, Value>,
    },
    /// The update call was accepted.
    Updated {
        /// Where.
        address: Address,
        /// The last accepted spec, with what cannot be observed as it was sent now.
        spec: Value,
    },
    /// The object is ready and as asked.
    Settled {
        /// Where.
        address: Address,
        /// What kind.
        kind: String,
        /// What was asked, with its references.
        spec: Value,
        /// What the cloud decided.
        outputs: Value,
        /// What must outlive it.
        needs: BTreeSet<Address>,
        /// The parent it is within.
        #[serde(skip_serializing_if = "Option::is_none")]
        within: Option<Address>,
        /// Its slot.
        #[serde(skip_serializing_if = "Option::is_none")]
        slot: Option<String>,
        /// Its lane.
        #[serde(skip_serializing_if = "Option::is_none")]
        lane: Option<Lane>,
    },
    /// A delete call is about to be made.
    Deleting {
        /// Where.
        address: Address,
    },
    /// The object is known to be gone.
    Gone {
        /// Where.
        address: Address,
    },
}
