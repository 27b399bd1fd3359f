//! What has happened. State is a fold over the journal's entries and nothing else.
use crate::address::Address;
use crate::entry::Entry;
use crate::facts::Facts;
use crate::graph::Lane;
use crate::resource::Operation;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

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
    /// What the cloud accepted where it is not `spec` as a whole, by the last update.
    updated: Option<Value>,
    /// By field, the keys that updates were about to set since it was ready, each with the values.
    sets: Map<String, Value>,
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
    fn new(kind: String, spec: Value) -> Self {
        Self {
            kind,
            spec,
            updated: None,
            sets: Map::new(),
            creating: None,
            outputs: None,
            needs: BTreeSet::new(),
            within: None,
            slot: None,
            lane: None,
            stage: Stage::Creating,
            operation: None,
            unfinished: false,
        }
    }

    /// Tells whether it was ready and as asked, and nothing was announced since.
    pub fn is_settled(&self) -> bool {
        self.stage == Stage::Settled && !self.unfinished && self.operation.is_none()
    }

    /// Returns the last spec that the cloud accepted, with its references.
    pub fn accepted(&self) -> Option<&Value> {
        let asked = (self.stage != Stage::Creating).then_some(&self.spec);
        self.updated.as_ref().or(asked)
    }

    /// Tells whether an update since it was ready may have set a key that is not in `want`.
    pub fn has_withdrawn(&self, want: &Value) -> bool {
        self.sets.iter().any(|(field, set)| {
            let wanted = &want[field.as_str()];
            set.as_object().is_some_and(|set| set.keys().any(|key| wanted.get(key).is_none()))
        })
    }

    /// Returns what the cloud accepted from us. Tags and the like of a create or an update whose end
    /// was not seen are ours whether or not it took hold: those of an update where `live` has a value
    /// that it was to set.
    pub fn ours(&self, tags_field: Option<&str>, live: &Value) -> Cow<'_, Value> {
        let mut ours = match (self.accepted(), tags_field) {
            (Some(accepted), _) => Cow::Borrowed(accepted),
            (None, Some(field)) => Cow::Owned(json!({ field: self.spec[field] })),
            (None, None) => Cow::Owned(Value::Null),
        };
        for (field, keys) in &self.sets {
            let there = &live[field.as_str()];
            for (key, values) in keys.as_object().into_iter().flatten() {
                let value = there.get(key).filter(|value| holds(values, value));
                if let Some(value) = value
                    && ours[field.as_str()].get(key).is_none()
                {
                    ours.to_mut()[field.as_str()][key.as_str()] = value.clone();
                }
            }
        }
        ours
    }
}

fn holds(values: &Value, value: &Value) -> bool {
    values.as_array().is_some_and(|values| values.contains(value))
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

    /// Tells whether the object at `address` needs the one at `other`, or something else that does.
    pub fn depends(&self, address: &Address, other: &Address) -> bool {
        let (mut left, mut seen) = (vec![address], BTreeSet::new());
        while let Some(next) = left.pop() {
            let needs = self.records.get(next).into_iter().flat_map(|record| &record.needs);
            for needed in needs.filter(|needed| seen.insert(*needed)) {
                if needed == other {
                    return true;
                }
                left.push(needed);
            }
        }
        false
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
    pub fn apply(&mut self, n: u64, entry: Entry) {
        match entry {
            Entry::Fact { key, value: Value::Null } => drop(self.facts.remove(&key)),
            Entry::Fact { key, value } => drop(self.facts.insert(key, value)),
            Entry::Creating { address, kind, spec, request, needs, within, slot, lane } => {
                let (creating, begun) = (Some((n, request)), Record::new(kind, spec));
                self.remember(address, Record { creating, needs, within, slot, lane, ..begun });
            }
            Entry::Settled { address, kind, spec, outputs, needs, within, slot, lane } => {
                let (stage, outputs, begun) =
                    (Stage::Settled, Some(outputs), Record::new(kind, spec));
                let record = Record { stage, outputs, needs, within, slot, lane, ..begun };
                self.remember(address, record);
            }
            Entry::Created { address, outputs } => self.change(&address, |record| {
                (record.stage, record.updated) = (Stage::Created, None);
                record.outputs = outputs.or(record.outputs.take());
            }),
            Entry::Operation { address, operation } => {
                self.change(&address, |record| record.operation = operation);
            }
            Entry::Updated { address, spec } => self.change(&address, |record| {
                (record.updated, record.unfinished) = (Some(spec), true);
            }),
            Entry::Updating { address, sets } => self.change(&address, |record| {
                record.unfinished = true;
                for (field, keys) in sets {
                    let all = record.sets.entry(field).or_insert_with(|| json!({}));
                    for (key, value) in keys.as_object().into_iter().flatten() {
                        let values = &mut all[key.as_str()];
                        if !holds(values, value) {
                            let mut more = values.as_array().cloned().unwrap_or_default();
                            more.push(value.clone());
                            *values = more.into();
                        }
                    }
                }
            }),
            Entry::Deleting { address } => {
                self.change(&address, |record| record.unfinished = true);
            }
            Entry::Gone { address } => self.forget(&address),
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
                spec: r.accepted()?.clone(),
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

    fn remember(&mut self, address: Address, record: Record) {
        if let Some(parent) = &record.within {
            self.children.entry(parent.clone()).or_default().insert(address.clone());
        }
        self.records.insert(address, record);
    }

    fn change(&mut self, address: &Address, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.records.get_mut(address) {
            change(record);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

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
        for (n, entry) in (1..).zip(entries) {
            state.apply(n, entry);
        }
        state.apply(5, Entry::Gone { address: "cluster".into() });
        assert_eq!(state.records().keys().map(Address::as_str).collect::<Vec<_>>(), ["vpc"]);
    }

    #[test]
    fn an_update_that_was_only_announced_accepts_nothing() {
        let mut state = State::default();
        state.apply(1, settled("a", None));
        state.apply(2, updating(json!({})));
        let record = state.get(&"a".into()).unwrap();
        assert_eq!(record.accepted(), Some(&json!({"a": 1})));
        assert!(!record.is_settled());
    }

    fn updating(sets: Value) -> Entry {
        let Value::Object(sets) = sets else { panic!("no map") };
        Entry::Updating { address: "a".into(), sets }
    }

    #[test]
    fn what_updates_may_have_set_is_ours_until_it_has_settled() {
        let mut state = State::default();
        state.apply(1, settled("a", None));
        state.apply(2, updating(json!({"tags": {"x": "1"}})));
        state.apply(3, updating(json!({"tags": {"y": "2"}, "policies": {"p": "attached"}})));
        state.apply(4, updating(json!({"tags": {"x": "3"}})));
        let ours = |state: &State, live: Value| {
            state.get(&"a".into()).unwrap().ours(Some("tags"), &live).into_owned()
        };
        let all = json!({"tags": {"x": "1", "y": "2"}, "policies": {"p": "attached"}});
        let with = |rest: Value| {
            let mut all = rest;
            all["a"] = json!(1);
            all
        };
        assert_eq!(ours(&state, all.clone()), with(all.clone()));
        let later = json!({"tags": {"x": "3", "y": "of others", "z": "too"}});
        assert_eq!(ours(&state, later), with(json!({"tags": {"x": "3"}})));
        let withdrawn = |want: Value| state.get(&"a".into()).unwrap().has_withdrawn(&want);
        assert!(!withdrawn(all.clone()) && withdrawn(json!({"tags": {"x": "1", "y": "3"}})));
        state.apply(5, settled("a", None));
        assert_eq!(ours(&state, all), json!({"a": 1}));
    }

    #[test]
    fn the_shortest_entries_lead_to_the_same_state() {
        let mut state = State::default();
        state.apply(1, Entry::Fact { key: "zones".into(), value: json!(["a"]) });
        state.apply(2, settled("a", None));
        let mut again = State::default();
        state.entries().for_each(|entry| again.apply(9, entry));
        assert_eq!(again, state);
    }
}
