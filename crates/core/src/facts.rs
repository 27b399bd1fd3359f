//! What the cloud decided.
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the cloud decided and a stack needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Decided once and recorded at the first apply: zones, versions, machine shapes. Recorded
    /// facts win until the cluster file names another value.
    pub recorded: BTreeMap<String, Value>,
    /// Looked up anew each time and never recorded, such as live versions.
    pub seen: BTreeMap<String, Value>,
}

impl Facts {
    /// Returns a recorded fact, or else a seen one, if it has type `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let value = self.recorded.get(key).or_else(|| self.seen.get(key))?;
        T::deserialize(value).ok()
    }

    /// Returns how often the object in `slot` was replaced on request.
    pub fn generation(&self, slot: &str) -> u64 {
        self.get(&Self::generation_key(slot)).unwrap_or(0)
    }

    /// Returns the key under which the generation of `slot` is recorded.
    pub fn generation_key(slot: &str) -> String {
        format!("generation/{slot}")
    }
}
