//! One object of the world, and what it is called.
use crate::clock::Time;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, VecDeque};

/// What an object is called: its kind, such as `ec2.vpc`, and an id that is unique in it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Key {
    /// The kind: service and noun.
    pub kind: String,
    /// An id for objects with one, else an ARN.
    pub id: String,
}

impl Key {
    pub(crate) fn new(kind: &str, id: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: id.into() }
    }
}

/// One object of a simulated cloud.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Object {
    /// The account that it is in.
    pub account: String,
    /// The region that it is in; empty for what is everywhere.
    pub region: String,
    /// What its API tells of it, in the words of the wire.
    pub body: Map<String, Value>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What is true of it and no API tells in this form.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub hidden: Map<String, Value>,
    /// When it was made, in milliseconds since 1970.
    pub made: Time,
    /// What becomes of it by itself, and when.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(crate) turns: VecDeque<Turn>,
}

/// Something that happens to an object by itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Turn {
    pub(crate) at: Time,
    pub(crate) word: String,
}

impl Object {
    /// Returns a text of what its API tells; empty when it tells none.
    pub fn text(&self, field: &str) -> &str {
        self.body.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns a text of what is hidden; empty when there is none.
    pub(crate) fn secret(&self, field: &str) -> &str {
        self.hidden.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the word that its API has for how it is; empty when it has none.
    pub(crate) fn status(&self) -> &str {
        let instance = self.body.get("instanceState").and_then(|state| state["name"].as_str());
        let words = ["state", "status", "KeyState"].map(|field| self.text(field));
        words.into_iter().find(|word| !word.is_empty()).or(instance).unwrap_or_default()
    }

    pub(crate) fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.body.insert(field.to_owned(), value.into());
    }

    pub(crate) fn hide(&mut self, field: &str, value: impl Into<Value>) {
        self.hidden.insert(field.to_owned(), value.into());
    }

    /// Makes something happen to it later.
    pub(crate) fn later(&mut self, at: Time, word: &str) {
        let place = self.turns.partition_point(|turn| turn.at <= at);
        self.turns.insert(place, Turn { at, word: word.to_owned() });
    }
}
