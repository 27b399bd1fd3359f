//! Values that may not exist yet.
//!
//! Specs are plain structs. Everything generic works on their serialized form,
//! so serde is the only reflection there is.
use crate::address::Address;
use crate::error::{Error, Result};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// An output of another resource that is not known until that one exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pending {
    /// The resource that will have the output.
    #[serde(rename = "$from")]
    pub from: Address,
    /// The field of its outputs.
    pub output: String,
}

/// A field whose value is known now or comes from another resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input<T> {
    /// A value.
    Known(T),
    /// A reference, replaced by the engine before a cloud call is made.
    Pending(Pending),
}

impl<T> Input<T> {
    /// Returns the value.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) while the output it refers to does not exist.
    pub fn get(&self) -> Result<&T> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Pending(p) => {
                Err(Error::invalid(format!("{}.{} is not known yet", p.from, p.output)))
            }
        }
    }
}

impl<T> From<T> for Input<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: Serialize> Serialize for Input<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Pending(pending) => pending.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Input<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match pending(&value) {
            Some((from, output)) => {
                Ok(Self::Pending(Pending { from: from.into(), output: output.to_owned() }))
            }
            None => serde_json::from_value(value).map(Self::Known).map_err(D::Error::custom),
        }
    }
}

/// Returns address and output if `value` is a reference in its serialized form.
pub(crate) fn pending(value: &Value) -> Option<(&str, &str)> {
    let map = value.as_object()?;
    Some((map.get("$from")?.as_str()?, map.get("output")?.as_str()?))
}

/// Returns every resource that `spec` takes a value from.
pub fn sources(spec: &Value) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    collect_sources(spec, &mut found);
    found
}

fn collect_sources(value: &Value, found: &mut BTreeSet<Address>) {
    match value {
        Value::Array(items) => items.iter().for_each(|v| collect_sources(v, found)),
        Value::Object(map) => match pending(value) {
            Some((from, _)) => drop(found.insert(from.into())),
            None => map.values().for_each(|v| collect_sources(v, found)),
        },
        _ => {}
    }
}

/// Returns `spec` with each reference replaced by what `output` knows for it.
///
/// `output` is asked for an address and an output's name; an unknown one stays a reference.
pub fn resolve<'o>(spec: &Value, output: &impl Fn(&str, &str) -> Option<&'o Value>) -> Value {
    let mut resolved = spec.clone();
    fill_in(&mut resolved, output);
    resolved
}

fn fill_in<'o>(value: &mut Value, output: &impl Fn(&str, &str) -> Option<&'o Value>) {
    if let Some(known) = pending(value).and_then(|(from, name)| output(from, name)) {
        *value = known.clone();
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|v| fill_in(v, output)),
        Value::Object(map) => map.values_mut().for_each(|v| fill_in(v, output)),
        _ => {}
    }
}

/// Returns a short, stable hash of a value: 12 hex digits of the SHA-256 of its JSON text.
pub fn fingerprint(value: &impl Serialize) -> String {
    let text = serde_json::to_vec(value).expect("plain data serializes");
    hex(&Sha256::digest(text), 12)
}

/// Returns the first `digits` hex digits of `bytes`.
pub(crate) fn hex(bytes: &[u8], digits: usize) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.take(digits).filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_found_and_resolved_at_any_depth() {
        let spec = json!({"a": {"$from": "vpc", "output": "id"},
                          "b": [{"$from": "s/1", "output": "id"}, "x"], "c": {"d": 1}});
        assert_eq!(sources(&spec), ["vpc".into(), "s/1".into()].into());
        let id = json!("vpc-1");
        let known = |from: &str, output: &str| (from == "vpc" && output == "id").then_some(&id);
        let resolved = resolve(&spec, &known);
        assert_eq!(resolved["a"], "vpc-1");
        assert_eq!(resolved["b"], spec["b"]);
    }

    #[test]
    fn an_input_keeps_its_shape_through_json() {
        let known: Input<u8> = 3.into();
        let waiting = Input::<u8>::Pending(Pending { from: "vpc".into(), output: "n".into() });
        for input in [known, waiting] {
            let text = serde_json::to_value(&input).unwrap();
            assert_eq!(serde_json::from_value::<Input<u8>>(text).unwrap(), input);
        }
    }
}
