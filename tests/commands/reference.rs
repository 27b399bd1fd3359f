//! The pages about the cluster file: every field that the schema has, every mistake that is told.
use crate::page::{hold, table};
use provision_spec::Problem;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rows of a table about the fields of a schema.
struct Fields {
    definitions: Value,
    rows: Vec<[String; 4]>,
}

impl Fields {
    /// Adds a row for each field of a section, and for all that is within it.
    fn section(&mut self, within: &str, section: &Value) {
        let required: Vec<_> = section["required"].as_array().into_iter().flatten().collect();
        for (name, field) in section["properties"].as_object().into_iter().flatten() {
            let is_required = required.iter().any(|it| *it == name);
            self.field(&format!("{within}{name}"), field, is_required);
        }
    }

    fn field(&mut self, path: &str, field: &Value, is_required: bool) {
        let default = match field.get("default") {
            Some(default) => code(&flow(default)),
            None if is_required => "required".to_owned(),
            None => String::new(),
        };
        let told = field["description"].as_str().unwrap_or_default().to_owned();
        self.rows.push([code(path), self.holds(field), default, told]);
        let (named, others) = (&field["properties"], &field["additionalProperties"]);
        self.section(&format!("{path}."), field);
        if named.is_object() && others.is_object() {
            self.pointed(&format!("{path}.<name>"), others);
        }
        if field["items"]["properties"].is_object() {
            self.section(&format!("{path}[]."), &field["items"]);
        }
    }

    /// Adds a row for what stands for itself in the schema, and for all that is within it.
    fn pointed(&mut self, path: &str, field: &Value) {
        let definition = self.definition(field).clone();
        self.field(path, &definition, false);
    }

    fn definition<'a>(&'a self, field: &'a Value) -> &'a Value {
        match field["$ref"].as_str() {
            Some(place) => &self.definitions[place.rsplit('/').next().expect("a place has a name")],
            None => field,
        }
    }

    /// Says what a field may hold.
    fn holds(&self, field: &Value) -> String {
        if let Some(place) = field["$ref"].as_str() {
            return format!("as a {}", place.rsplit('/').next().expect("a place has a name"));
        }
        if field.get("not").is_some_and(|not| *not == Value::Object(Map::new())) {
            return "nothing yet".to_owned();
        }
        if let Some(only) = field.get("const") {
            return format!("only {}", code(&flow(only)));
        }
        let mut words: Vec<_> = texts(&field["enum"]);
        for choice in field["anyOf"].as_array().into_iter().flatten() {
            words.extend(texts(&choice["enum"]));
        }
        let kinds = match &field["type"] {
            Value::String(kind) => vec![kind.as_str()],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let is_text = kinds.contains(&"string");
        let of_kind = |kind: &&str| match *kind {
            "number" | "integer" | "boolean" if is_text => None,
            "string" => Some("text".to_owned()),
            "number" | "integer" => Some(format!("a number{}", range(field, "imum", "from"))),
            "boolean" => Some("`true` or `false`".to_owned()),
            "array" if field["maxItems"] == 0 => Some("only `[]`".to_owned()),
            "array" => Some(format!("a list{}", range(field, "Items", "of"))),
            "object" if field["properties"].is_object() => Some("fields".to_owned()),
            "object" => Some("names and their values".to_owned()),
            other => panic!("no words for {other}"),
        };
        words.extend(kinds.iter().filter_map(of_kind));
        let holds = or(&words);
        match field["examples"].get(0).or(field["items"]["examples"].get(0)) {
            Some(example) if example.is_string() => format!("{holds}, as {}", code(&flow(example))),
            _ => holds,
        }
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn texts(words: &Value) -> Vec<String> {
    words.as_array().into_iter().flatten().map(|word| code(&flow(word))).collect()
}

fn or(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Says between which bounds a number is, or a count of items.
fn range(field: &Value, what: &str, word: &str) -> String {
    let (least, most) = (&field[format!("min{what}")], &field[format!("max{what}")]);
    match (least.as_u64(), most.as_u64()) {
        (Some(least), Some(most)) => format!(" {word} {least} to {most}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, None) => String::new(),
    }
}

/// Writes a value as YAML does in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

#[test]
fn every_field_is_documented() {
    let schema = provision_spec::schema();
    let mut fields = Fields { definitions: schema["$defs"].clone(), rows: Vec::new() };
    fields.section("", &schema);
    assert!(fields.rows.len() > 40, "only {} fields", fields.rows.len());
    let is_untold = |row: &&[String; 4]| row[1].is_empty() || row[3].is_empty();
    let untold: Vec<_> = fields.rows.iter().filter(is_untold).collect();
    assert!(untold.is_empty(), "nothing says what these are: {untold:?}");
    let table = table(["field", "holds", "default", ""], &fields.rows);
    hold("cluster-file.md", &[("fields", table)]);
}

/// Collects the codes of mistakes that the sources of a folder tell.
fn codes(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            codes(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("codes.rs") {
            let text = fs::read_to_string(&path).expect("it can be read");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let literals = code.split('"').filter(|it| is_code(it));
            found.extend(literals.map(str::to_owned));
        }
    }
}

fn is_code(literal: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
    literal.strip_prefix("file.").is_some_and(|rest| rest.split('-').all(is_word))
}

#[test]
fn every_mistake_is_documented() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut told = BTreeSet::new();
    for folder in ["crates/spec/src", "providers"] {
        codes(&root.join(folder), &mut told);
    }
    let known: BTreeSet<_> = Problem::CODES.iter().map(|(code, ..)| (*code).to_owned()).collect();
    assert_eq!(known.len(), Problem::CODES.len(), "each code is listed once");
    assert_eq!(known, told, "the list of codes, and those that the sources have");
    let row = |(name, means, remedy): &(&str, &str, &str)| {
        [code(name), (*means).to_owned(), (*remedy).to_owned()]
    };
    let rows: Vec<_> = Problem::CODES.iter().map(row).collect();
    let table = table(["code", "means", "what to do"], &rows);
    hold("errors.md", &[("mistakes", table)]);
}
