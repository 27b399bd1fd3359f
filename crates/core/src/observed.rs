//! What the cloud holds at one time.
use crate::address::Address;
use crate::driver::{Drivers, LiveValue};
use crate::error::Error;
use crate::marks::Marks;
use crate::resource::{Owner, Phase};
use crate::state::State;
use crate::value::resolve;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was seen at an address.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Nothing, after looking long enough.
    Absent,
    /// One object.
    Live(Arc<LiveValue>),
    /// More than one object that carries the address.
    Many(Vec<Arc<LiveValue>>),
    /// It could not be observed, for the reason given.
    Unknown(Error),
}

/// What was seen, by address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed(pub BTreeMap<Address, Seen>);

impl Observed {
    /// Takes the record for the truth: what plans without a cloud are made against.
    pub fn of_record(state: &State, drivers: &Drivers, marks: &Marks) -> Self {
        let lives = state.records().iter().filter_map(|(address, record)| {
            let meta = drivers.get(record.kind.as_str())?.meta();
            let (accepted, outputs) = (record.accepted()?, record.outputs.clone()?);
            let spec = resolve(accepted, &|from, output| state.output(from, output));
            let live = LiveValue {
                kind: meta.kind,
                address: Some(address.clone()),
                spec: meta.marked(spec, marks, address),
                outputs,
                phase: Phase::Ready,
                owner: Owner::Ours,
                unobserved: &[],
            };
            Some((address.clone(), Seen::Live(Arc::new(live))))
        });
        Self(lives.collect())
    }

    /// Returns the one object at `address`.
    pub fn live(&self, address: &Address) -> Option<&LiveValue> {
        match self.0.get(address) {
            Some(Seen::Live(live)) => Some(live),
            _ => None,
        }
    }
}
