//! Entries of the journal as lines of a state file, each sealed and chained to the one before it.
use crate::address::Address;
use crate::entry::Entry;
use crate::graph::Lane;
use crate::resource::Operation;
use crate::value::hex;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// An entry as it stands in a state file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Line {
    /// Its number. Numbers have no gaps and go on when the file is compacted.
    pub n: u64,
    /// The seal of the line before, or the [`Line::hash`] of the header, so that losses are seen.
    pub prev: String,
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
}

impl Line {
    const SEAL: &[u8] = b",\"seal\":\"";
    const DIGITS: usize = 12;

    /// Returns the short hash of a header, or of a line before it is sealed.
    pub fn hash(line: &[u8]) -> String {
        hex(&Sha256::digest(line), Self::DIGITS)
    }

    /// Returns the line as it is written, without its line break, and its seal: the hash of all
    /// else that is in it, so that edits are seen.
    pub fn sealed(&self) -> (Vec<u8>, String) {
        let mut text = serde_json::to_vec(self).expect("a line serializes");
        let seal = Self::hash(&text);
        text.pop();
        text.extend([Self::SEAL, seal.as_bytes(), b"\"}"].concat());
        (text, seal)
    }

    /// Returns the seal of a line that is as it was written; `None` of any other.
    pub fn seal(line: &[u8]) -> Option<String> {
        let rest = line.strip_suffix(b"\"}")?;
        let (rest, seal) = rest.split_at_checked(rest.len().checked_sub(Self::DIGITS)?)?;
        let text = Sha256::new().chain_update(rest.strip_suffix(Self::SEAL)?).chain_update(b"}");
        let hash = hex(&text.finalize(), Self::DIGITS);
        (hash.as_bytes() == seal).then_some(hash)
    }
}

/// The fields of a line, whatever its event is. Serde would keep a flattened and tagged entry
/// aside twice before it read it.
#[derive(Deserialize)]
struct Fields {
    n: u64,
    prev: String,
    event: Name,
    key: Option<String>,
    #[serde(default, deserialize_with = "even_null")]
    value: Option<Value>,
    address: Option<Address>,
    kind: Option<String>,
    #[serde(default, deserialize_with = "even_null")]
    spec: Option<Value>,
    request: Option<String>,
    #[serde(default, deserialize_with = "even_null")]
    outputs: Option<Value>,
    operation: Option<Operation>,
    needs: Option<BTreeSet<Address>>,
    within: Option<Address>,
    slot: Option<String>,
    lane: Option<Lane>,
    #[serde(default)]
    sets: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Fact,
    Creating,
    Created,
    Operation,
    Updating,
    Updated,
    Settled,
    Deleting,
    Gone,
}

impl TryFrom<Fields> for Line {
    type Error = String;

    fn try_from(line: Fields) -> Result<Self, String> {
        let Fields { n, prev, event, kind, spec, outputs, needs, within, slot, lane, .. } = line;
        let address = given(line.address, "address");
        let (kind, spec, needs) = (given(kind, "kind"), given(spec, "spec"), given(needs, "needs"));
        let entry = match event {
            Name::Fact => {
                Entry::Fact { key: given(line.key, "key")?, value: given(line.value, "value")? }
            }
            Name::Creating => {
                let (address, kind, spec, needs) = (address?, kind?, spec?, needs?);
                let request = given(line.request, "request")?;
                Entry::Creating { address, kind, spec, request, needs, within, slot, lane }
            }
            Name::Created => {
                let outputs = outputs.filter(|outputs| !outputs.is_null());
                Entry::Created { address: address?, outputs }
            }
            Name::Operation => Entry::Operation { address: address?, operation: line.operation },
            Name::Updating => Entry::Updating { address: address?, sets: line.sets },
            Name::Updated => Entry::Updated { address: address?, spec: spec? },
            Name::Settled => {
                let (address, kind, spec, needs) = (address?, kind?, spec?, needs?);
                let outputs = given(outputs, "outputs")?;
                Entry::Settled { address, kind, spec, outputs, needs, within, slot, lane }
            }
            Name::Deleting => Entry::Deleting { address: address? },
            Name::Gone => Entry::Gone { address: address? },
        };
        Ok(Self { n, prev, entry })
    }
}

fn given<T>(field: Option<T>, name: &str) -> Result<T, String> {
    field.ok_or_else(|| format!("missing field `{name}`"))
}

/// Reads a field that is there although it is null.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entries() -> Vec<Entry> {
        let address = Address::from("a");
        let lane = Some(Lane { name: "l".into(), exclusive: true });
        vec![
            Entry::Fact { key: "zones".into(), value: json!(["a"]) },
            Entry::Fact { key: "zones".into(), value: Value::Null },
            Entry::Creating {
                address: address.clone(),
                kind: "k".into(),
                spec: json!({"a": {"$from": "b", "output": "id"}}),
                request: "r".into(),
                needs: ["b".into()].into(),
                within: Some("b".into()),
                slot: Some("s".into()),
                lane: lane.clone(),
            },
            Entry::Created { address: address.clone(), outputs: Some(json!({"id": 1})) },
            Entry::Created { address: address.clone(), outputs: None },
            Entry::Operation { address: address.clone(), operation: Some(Operation("o".into())) },
            Entry::Operation { address: address.clone(), operation: None },
            Entry::Updating { address: address.clone(), sets: Default::default() },
            Entry::Updating {
                address: address.clone(),
                sets: [("tags".to_owned(), json!({"a": "b"}))].into_iter().collect(),
            },
            Entry::Updated { address: address.clone(), spec: json!({}) },
            Entry::Settled {
                address: address.clone(),
                kind: "k".into(),
                spec: json!({"a": 1.5, "b": null}),
                outputs: Value::Null,
                needs: BTreeSet::new(),
                within: None,
                slot: None,
                lane,
            },
            Entry::Deleting { address: address.clone() },
            Entry::Gone { address },
        ]
    }

    #[test]
    fn a_line_keeps_its_shape_through_json() {
        for entry in entries() {
            let line = Line { n: 7, prev: "abc".into(), entry };
            let text = serde_json::to_string(&line).unwrap();
            assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line, "{text}");
            let (text, seal) = line.sealed();
            assert_eq!(serde_json::from_slice::<Line>(&text).unwrap(), line);
            assert_eq!(Line::seal(&text), Some(seal));
            for at in 0..text.len() {
                let mut edited = text.clone();
                edited[at] ^= 1;
                assert_eq!(Line::seal(&edited), None, "{}", String::from_utf8_lossy(&edited));
                assert_eq!(Line::seal(&text[..at]), None);
            }
        }
    }

    #[test]
    fn a_line_without_a_field_that_its_event_has_is_an_error() {
        let head = r#"{"n":1,"prev":"p","event":"#;
        let all = r#""address":"a","kind":"k","needs":[]"#;
        for (rest, missing) in [
            (r#""fact","key":"k"}"#.to_owned(), "missing field `value`"),
            (r#""gone"}"#.into(), "missing field `address`"),
            (format!(r#""settled",{all},"spec":{{}}}}"#), "missing field `outputs`"),
            (format!(r#""creating",{all},"spec":{{}}}}"#), "missing field `request`"),
            (r#""else"}"#.into(), "unknown variant `else`"),
        ] {
            let error = serde_json::from_str::<Line>(&format!("{head}{rest}")).unwrap_err();
            assert!(error.to_string().starts_with(missing), "{error}");
        }
    }
}
