//! What is on record, as people read it.
use super::finish::outputs;
use super::page::Page;
use super::parts;
use super::style::{Paint, Style, Word, columns, words};
use super::value::compact;
use provision_core::{Address, Record};
use serde_json::Value;
use std::collections::BTreeMap;

/// Returns every recorded object with its id, by part of the cluster, and the outputs.
pub(crate) fn all(
    style: &Style,
    records: &BTreeMap<Address, Record>,
    cluster: &BTreeMap<String, Value>,
) -> String {
    let mut page = Page::new(style);
    let width = records.keys().map(|a| columns(a.as_str())).max().unwrap_or(0) + 2;
    for part in parts::titles() {
        let mut inside = records.iter().filter(|(a, _)| parts::title(a) == part).peekable();
        if inside.peek().is_some() {
            page.heading(Paint::Bold, part);
        }
        for (address, record) in inside {
            let id = record.outputs.as_ref().and_then(|o| o.get("id")?.as_str()).unwrap_or("");
            let mut said = words(Paint::Dim, id);
            if !record.is_settled() {
                said.push(Word::new(Paint::Yellow, "(not finished)"));
            }
            page.hang(2, &[(Word::plain(address.as_str()), width)], &said);
        }
    }
    outputs(&mut page, cluster);
    page.text()
}

/// Returns one recorded object: what was asked, and what the cloud decided.
pub(crate) fn one(style: &Style, address: &Address, record: &Record) -> String {
    let mut page = Page::new(style);
    let mut title = vec![
        Word::new(Paint::Bold, address.as_str()),
        Word::new(Paint::Dim, "·"),
        Word::new(Paint::Dim, &record.kind),
    ];
    if !record.is_settled() {
        title.push(Word::new(Paint::Yellow, "(not finished)"));
    }
    page.hang(0, &[], &title);
    let spec = record.accepted().unwrap_or(&record.spec);
    for (heading, value) in [("Spec", Some(spec)), ("Outputs", record.outputs.as_ref())] {
        let Some(Value::Object(fields)) = value else { continue };
        page.heading(Paint::Bold, heading);
        page.table(Paint::Dim, fields.iter().map(|(name, value)| (&**name, compact(value))));
    }
    page.text()
}
