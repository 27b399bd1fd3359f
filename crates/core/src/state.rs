//! What has happened. State is a fold over the journal's entries and nothing else.
use crate::address::Address;
use crate::facts::Facts;
use crate::graph::Lane;
use crate::resource::Operation;
use crate::value::hex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The account and region, or their like, that a state describes, and the world they are in.
///
/// Keys are the provider's own: `account`, `partition` and `region` on AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Which servers answer.
    pub world: World,
    /// The provider's coordinates.
    #[serde(flatten)]
    pub place: BTreeMap<String, String>,
}

/// Which servers answer for a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum World {
    /// The vendor's own.
    Vendor,
    /// A server on this machine.
    Loopback,
    /// The simulation that is part of the program.
    Sandbox,
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vendor => "vendor",
            Self::Loopback => "loopback",
            Self::Sandbox => "sandbox",
        })
    }
}

/// One entry of the journal. Those that announce a call are durable before it is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<Address>,
        /// Its slot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slot: Option<String>,
        /// Its lane.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lane: Option<Lane>,
    },
    /// The create call was accepted. The object may not be ready.
    Created {
        /// Where.
        address: Address,
        /// What the reply told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<Address>,
        /// Its slot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slot: Option<String>,
        /// Its lane.
        #[serde(default, skip_serializing_if = "Option::is_none")]
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

/// An entry as it stands in a state file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number. Numbers have no gaps and go on when the file is compacted.
    pub n: u64,
    /// The [`Line::hash`] of the line before, so that edits and losses are seen.
    pub prev: String,
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
}

impl Line {
    /// Returns the short hash of a line as it is written, without its line break.
    pub fn hash(line: &[u8]) -> String {
        hex(&Sha256::digest(line), 12)
    }
}

/// How far an object has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A create was announced; whether it took hold is unknown.
    Creating,
    /// The create was accepted.
    Created,
    /// It was ready and as asked once.
    Settled,
}

/// What is known of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its kind.
    pub kind: String,
    /// The last spec asked for, with its references.
    pub spec: Value,
    /// The last spec that the cloud accepted, with its references.
    pub accepted: Option<Value>,
    /// The number of its `creating` line, and the fingerprint of what was asked.
    pub creating: Option<(u64, String)>,
    /// What the cloud decided, if it told.
    pub outputs: Option<Value>,
    /// What must outlive it.
    pub needs: BTreeSet<Address>,
    /// The parent it is within.
    pub within: Option<Address>,
    /// Its slot.
    pub slot: Option<String>,
    /// Its lane.
    pub lane: Option<Lane>,
    /// How far it has come.
    pub stage: Stage,
    /// What is going on.
    pub operation: Option<Operation>,
    /// Whether a change or a removal was announced that has not ended yet.
    pub unfinished: bool,
}

impl Record {
    /// Tells whether it was ready and as asked, and nothing was announced since.
    pub fn is_settled(&self) -> bool {
        self.stage == Stage::Settled && !self.unfinished && self.operation.is_none()
    }
}

/// The journal folded: what exists, as far as we know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    records: BTreeMap<Address, Record>,
    facts: BTreeMap<String, Value>,
    children: BTreeMap<Address, BTreeSet<Address>>,
}

impl State {
    /// Returns what is known of the object at `address`.
    pub fn get(&self, address: &Address) -> Option<&Record> {
        self.records.get(address)
    }

    /// Returns everything that is known of objects.
    pub fn records(&self) -> &BTreeMap<Address, Record> {
        &self.records
    }

    /// Returns what is within the object at `address`.
    pub fn within(&self, address: &Address) -> impl Iterator<Item = &Address> {
        self.children.get(address).into_iter().flatten()
    }

    /// Returns the recorded facts.
    pub fn facts(&self) -> Facts {
        Facts { recorded: self.facts.clone(), seen: BTreeMap::new() }
    }

    /// Returns one output of a recorded object.
    pub fn output(&self, address: &str, name: &str) -> Option<&Value> {
        self.records.get(address)?.outputs.as_ref()?.get(name)
    }

    /// Folds in one entry, which stands on line `n`. An entry about an object that is not on
    /// record changes nothing.
    pub fn apply(&mut self, n: u64, entry: &Entry) {
        match entry {
            Entry::Fact { key, value: Value::Null } => drop(self.facts.remove(key)),
            Entry::Fact { key, value } => drop(self.facts.insert(key.clone(), value.clone())),
            Entry::Gone { address } => self.forget(address),
            Entry::Creating { address, .. } | Entry::Settled { address, .. } => {
                let record = Record::from_entry(n, entry).expect("these two begin a record");
                self.remember(address, record);
            }
            Entry::Created { address, .. }
            | Entry::Operation { address, .. }
            | Entry::Updating { address }
            | Entry::Updated { address, .. }
            | Entry::Deleting { address } => {
                if let Some(record) = self.records.get_mut(address) {
                    record.fold(entry);
                }
            }
        }
    }

    /// Returns the entries that lead to this state in the fewest lines.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let facts = self.facts.iter();
        let facts = facts.map(|(k, v)| Entry::Fact { key: k.clone(), value: v.clone() });
        facts.chain(self.records.iter().filter_map(|(address, r)| {
            Some(Entry::Settled {
                address: address.clone(),
                kind: r.kind.clone(),
                spec: r.accepted.clone()?,
                outputs: r.outputs.clone()?,
                needs: r.needs.clone(),
                within: r.within.clone(),
                slot: r.slot.clone(),
                lane: r.lane.clone(),
            })
        }))
    }

    /// Tells whether [`State::entries`] would lose nothing: everything on record is settled.
    pub fn is_compactable(&self) -> bool {
        self.records.values().all(Record::is_settled)
    }

    fn remember(&mut self, address: &Address, record: Record) {
        if let Some(parent) = &record.within {
            self.children.entry(parent.clone()).or_default().insert(address.clone());
        }
        self.records.insert(address.clone(), record);
    }

    /// Drops an object and everything within it.
    fn forget(&mut self, address: &Address) {
        if let Some(record) = self.records.remove(address)
            && let Some(siblings) = record.within.and_then(|p| self.children.get_mut(&p))
        {
            siblings.remove(address);
        }
        for child in self.children.remove(address).unwrap_or_default() {
            self.forget(&child);
        }
    }
}

impl Record {
    /// Returns what the cloud accepted from us; of a create whose end was not seen, the tags that
    /// it carried, which are ours whether or not it took hold.
    pub fn ours(&self, tags_field: Option<&str>) -> Value {
        match (&self.accepted, tags_field) {
            (Some(accepted), _) => accepted.clone(),
            (None, Some(field)) => serde_json::json!({ field: self.spec[field] }),
            (None, None) => Value::Null,
        }
    }

    fn from_entry(n: u64, entry: &Entry) -> Option<Self> {
        match entry.clone() {
            Entry::Creating { kind, spec, request, needs, within, slot, lane, .. } => Some(Self {
                kind,
                spec,
                accepted: None,
                creating: Some((n, request)),
                outputs: None,
                needs,
                within,
                slot,
                lane,
                stage: Stage::Creating,
                operation: None,
                unfinished: false,
            }),
            Entry::Settled { kind, spec, outputs, needs, within, slot, lane, .. } => Some(Self {
                kind,
                accepted: Some(spec.clone()),
                spec,
                creating: None,
                outputs: Some(outputs),
                needs,
                within,
                slot,
                lane,
                stage: Stage::Settled,
                operation: None,
                unfinished: false,
            }),
            _ => None,
        }
    }

    fn fold(&mut self, entry: &Entry) {
        match entry {
            Entry::Created { outputs, .. } => {
                self.stage = Stage::Created;
                self.accepted = Some(self.spec.clone());
                self.outputs = outputs.clone().or(self.outputs.take());
            }
            Entry::Operation { operation, .. } => self.operation = operation.clone(),
            Entry::Updated { spec, .. } => {
                self.accepted = Some(spec.clone());
                self.unfinished = true;
            }
            Entry::Updating { .. } | Entry::Deleting { .. } => self.unfinished = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settled(address: &str, within: Option<&str>) -> Entry {
        Entry::Settled {
            address: address.into(),
            kind: "k".into(),
            spec: json!({"a": 1}),
            outputs: json!({"id": address}),
            needs: BTreeSet::new(),
            within: within.map(Into::into),
            slot: None,
            lane: None,
        }
    }

    #[test]
    fn a_parent_takes_what_is_within_it_along() {
        let mut state = State::default();
        let entries = [
            settled("cluster", None),
            settled("addon", Some("cluster")),
            settled("addon/part", Some("addon")),
            settled("vpc", None),
        ];
        for (n, entry) in (1..).zip(&entries) {
            state.apply(n, entry);
        }
        state.apply(5, &Entry::Gone { address: "cluster".into() });
        assert_eq!(state.records().keys().map(Address::as_str).collect::<Vec<_>>(), ["vpc"]);
    }

    #[test]
    fn an_update_that_was_only_announced_accepts_nothing() {
        let mut state = State::default();
        state.apply(1, &settled("a", None));
        state.apply(2, &Entry::Updating { address: "a".into() });
        let record = state.get(&"a".into()).unwrap();
        assert_eq!(record.accepted, Some(json!({"a": 1})));
        assert!(!record.is_settled());
    }

    #[test]
    fn the_shortest_entries_lead_to_the_same_state() {
        let mut state = State::default();
        state.apply(1, &Entry::Fact { key: "zones".into(), value: json!(["a"]) });
        state.apply(2, &settled("a", None));
        let mut again = State::default();
        state.entries().for_each(|entry| again.apply(9, &entry));
        assert_eq!(again, state);
    }

    #[test]
    fn a_line_keeps_its_shape_through_json() {
        let line = Line { n: 7, prev: "abc".into(), entry: settled("a", Some("b")) };
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
    }
}
