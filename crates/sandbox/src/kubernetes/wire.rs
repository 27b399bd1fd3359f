//! Objects as protobuf, which clients with types of their own send.
//!
//! The table beside this file follows the published messages of Kubernetes: a line names a type;
//! below it are the numbers of its fields. After a colon is how one is written that is no plain
//! value: `t` a time, `x` a number or text, `y` bytes, `j` JSON. A `+` is before a type whose fields
//! JSON has among the others.
use super::schema::Type;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// How requests call their bodies.
pub(super) const MEDIA: &str = "application/vnd.kubernetes.protobuf";

/// What every object begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Fields of which nothing is something else than their being left out.
const MEANT: &[&str] = &[
    "activeDeadlineSeconds",
    "allowPrivilegeEscalation",
    "allowVolumeExpansion",
    "attachRequired",
    "automountServiceAccountToken",
    "backoffLimit",
    "blockOwnerDeletion",
    "completions",
    "controller",
    "enableServiceLinks",
    "expirationSeconds",
    "fsGroup",
    "gracePeriodSeconds",
    "hostUsers",
    "immutable",
    "optional",
    "orphanDependents",
    "parallelism",
    "podInfoOnMount",
    "priority",
    "privileged",
    "progressDeadlineSeconds",
    "readOnlyRootFilesystem",
    "replicas",
    "revisionHistoryLimit",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "shareProcessNamespace",
    "storageClassName",
    "suspend",
    "terminationGracePeriodSeconds",
    "tolerationSeconds",
    "ttlSecondsAfterFinished",
    "value",
];

/// A field of a message: its name in JSON, and how it is written.
#[derive(Clone, Debug)]
struct Field {
    name: String,
    form: char,
}

type Table = BTreeMap<String, BTreeMap<u64, Field>>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table::new();
        let mut name = String::new();
        for line in include_str!("wire.txt").lines() {
            match line.strip_prefix("  ") {
                None => name = line.to_owned(),
                Some(fields) => {
                    let fields = fields.split(';').filter_map(|field| field.trim().split_once(' '));
                    let fields = fields.filter_map(|(number, field)| {
                        let (name, form) = field.split_once(':').unwrap_or((field, " "));
                        let (name, form) = (name.to_owned(), form.chars().next()?);
                        Some((number.parse().ok()?, Field { name, form }))
                    });
                    table.entry(name.clone()).or_default().extend(fields);
                }
            }
        }
        table
    })
}

/// One field as it is sent.
enum Sent<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for at in 0..10 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Reads the next field, with its number.
    fn field(&mut self) -> Option<(u64, Sent<'a>)> {
        let tag = self.number()?;
        let sent = match tag & 7 {
            0 => Sent::Number(self.number()?),
            1 => Sent::Number(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Sent::Bytes(self.take(length)?)
            }
            5 => Sent::Number(u32::from_le_bytes(self.take(4)?.try_into().ok()?).into()),
            _ => return None,
        };
        Some((tag >> 3, sent))
    }
}

/// Reads every field of a message.
fn fields(bytes: &[u8]) -> Option<Vec<(u64, Sent<'_>)>> {
    let mut rest = Rest(bytes);
    let mut all = Vec::new();
    while !rest.0.is_empty() {
        all.push(rest.field()?);
    }
    Some(all)
}

/// Returns the bytes of a field of a message; empty when it has none.
fn bytes<'a>(all: &[(u64, Sent<'a>)], wanted: u64) -> &'a [u8] {
    let found = all.iter().rev().find_map(|(number, sent)| match sent {
        Sent::Bytes(bytes) if *number == wanted => Some(*bytes),
        _ => None,
    });
    found.unwrap_or_default()
}

fn number(all: &[(u64, Sent<'_>)], wanted: u64) -> i64 {
    let found = all.iter().find_map(|(number, sent)| match sent {
        Sent::Number(value) if *number == wanted => Some(*value as i64),
        _ => None,
    });
    found.unwrap_or_default()
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

/// Reads an object.
pub(super) fn read(body: &[u8]) -> Option<Value> {
    let envelope = fields(body.strip_prefix(MAGIC)?)?;
    let of = fields(bytes(&envelope, 1))?;
    let (version, kind) = (text(bytes(&of, 1))?, text(bytes(&of, 2))?);
    if !table().contains_key(&kind) {
        return None;
    }
    let mut object = Map::from_iter([
        ("apiVersion".to_owned(), json!(version)),
        ("kind".to_owned(), json!(kind)),
    ]);
    message(bytes(&envelope, 2), &kind, &Type::Fields(kind.clone()), &mut object)?;
    Some(Value::Object(object))
}

/// Reads a message into the members of an object of a type.
fn message(sent: &[u8], name: &str, ty: &Type, to: &mut Map<String, Value>) -> Option<()> {
    let known = table().get(name)?;
    for (number, sent) in fields(sent)? {
        let Some(field) = known.get(&number) else { continue };
        if let (Some(inner), Sent::Bytes(sent)) = (field.name.strip_prefix('+'), &sent) {
            message(sent, inner, ty, to)?;
            continue;
        }
        let of = ty.member(&field.name)?;
        match of.plain() {
            Type::Map(of) => {
                let Sent::Bytes(entry) = sent else { return None };
                let entry = fields(entry)?;
                let value = value(&Sent::Bytes(bytes(&entry, 2)), of, field.form)?;
                let all = to.entry(&field.name).or_insert_with(|| json!({}));
                all.as_object_mut()?.insert(text(bytes(&entry, 1))?, value);
            }
            Type::List(of, _) => {
                let all = to.entry(&field.name).or_insert_with(|| json!([]));
                all.as_array_mut()?.push(value(&sent, of, field.form)?);
            }
            of => {
                let value = value(&sent, of, field.form)?;
                if MEANT.contains(&field.name.as_str()) || !is_nothing(&value) {
                    to.insert(field.name.clone(), value);
                }
            }
        }
    }
    Some(())
}

/// Tells whether a value is what is sent of a field that says nothing.
fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false))
        || value == ""
        || value.as_i64() == Some(0)
        || value.as_f64() == Some(0.0)
}

fn value(sent: &Sent<'_>, of: &Type, form: char) -> Option<Value> {
    let sent = match sent {
        Sent::Number(number) => {
            return Some(match of {
                Type::Truth => json!(*number != 0),
                Type::Number => json!(f64::from_bits(*number)),
                _ => json!(*number as i64),
            });
        }
        Sent::Bytes(bytes) => *bytes,
    };
    Some(match (form, of.plain()) {
        ('t', _) => time(&fields(sent)?),
        ('y', _) => json!(STANDARD.encode(sent)),
        ('j', _) => serde_json::from_slice(bytes(&fields(sent)?, 1)).ok()?,
        ('x', _) => {
            let all = fields(sent)?;
            match number(&all, 1) {
                0 => json!(number(&all, 2)),
                _ => json!(text(bytes(&all, 3))?),
            }
        }
        (_, Type::Quantity) => json!(text(bytes(&fields(sent)?, 1))?),
        (_, of @ Type::Fields(name)) => {
            let mut members = Map::new();
            message(sent, name, of, &mut members)?;
            Value::Object(members)
        }
        _ => json!(text(sent)?),
    })
}

/// Reads a time; the one of an empty message is none.
fn time(all: &[(u64, Sent<'_>)]) -> Value {
    if all.is_empty() {
        return Value::Null;
    }
    let at = jiff::Timestamp::new(number(all, 1), number(all, 2) as i32);
    at.map_or(Value::Null, |at| json!(at.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a field that has bytes.
    fn sent(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        assert!(length < 128);
        [&[number << 3 | 2, length], bytes].concat()
    }

    fn object(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let of = [sent(1, version.as_bytes()), sent(2, kind.as_bytes())].concat();
        [MAGIC, &sent(1, &of), &sent(2, raw)].concat()
    }

    #[test]
    fn what_is_empty_is_left_out_unless_it_is_meant() {
        let metadata = [sent(1, b"keys"), sent(3, b""), sent(8, b"")].concat();
        let entry = [sent(1, b"a"), sent(2, &[0, 255])].concat();
        let raw = [sent(1, &metadata), sent(2, &entry), sent(3, b"Opaque"), vec![5 << 3, 0]];
        assert_eq!(
            read(&object("v1", "Secret", &raw.concat())),
            Some(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys" },
                "data": { "a": "AP8=" }, "type": "Opaque", "immutable": false }))
        );
    }

    #[test]
    fn what_json_has_among_others_is_found_there() {
        let claim = [sent(1, b"data"), vec![2 << 3, 1]].concat();
        let volume = [sent(1, b"disk"), sent(2, &sent(10, &claim))].concat();
        let seconds = [vec![4 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]];
        let spec = [sent(1, &volume), seconds.concat()].concat();
        let pod = read(&object("v1", "Pod", &sent(2, &spec))).unwrap();
        let claim = json!({ "claimName": "data", "readOnly": true });
        assert_eq!(
            pod["spec"]["volumes"],
            json!([{ "name": "disk",
            "persistentVolumeClaim": claim }])
        );
        assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], -1);
    }

    #[test]
    fn what_is_cut_short_or_unknown_is_refused() {
        let whole = object("v1", "ConfigMap", &sent(1, &sent(1, b"name")));
        assert!(read(&whole).is_some());
        assert_eq!(read(&whole[..whole.len() - 1]), None);
        assert_eq!(read(&object("v1", "Wolf", b"")), None);
        assert_eq!(read(b"{}"), None);
    }

    #[test]
    fn every_field_has_a_type() {
        for (name, fields) in table() {
            let ty = Type::Fields(name.clone());
            let Some(known) = ty.fields() else {
                let is_inner = |field: &Field| field.name == format!("+{name}");
                assert!(table().values().flat_map(BTreeMap::values).any(is_inner), "{name}");
                continue;
            };
            for field in fields.values() {
                let inner = field.name.strip_prefix('+');
                let is_known = inner
                    .map_or(known.contains_key(&field.name), |inner| table().contains_key(inner));
                assert!(is_known, "{name}.{}", field.name);
            }
        }
    }
}
