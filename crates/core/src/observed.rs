//! What the cloud holds at one time.
use crate::address::Address;
use crate::driver::LiveValue;
use std::collections::BTreeMap;

/// What was seen at an address.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Nothing, after looking long enough.
    Absent,
    /// One object.
    Live(Box<LiveValue>),
    /// More than one object that carries the address.
    Many(Vec<LiveValue>),
    /// It could not be observed, for the reason given.
    Unknown(String),
}

/// What was seen, by address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed(pub BTreeMap<Address, Seen>);

impl Observed {
    /// Returns the one object at `address`.
    pub fn live(&self, address: &Address) -> Option<&LiveValue> {
        match self.0.get(address) {
            Some(Seen::Live(live)) => Some(live),
            _ => None,
        }
    }
}
