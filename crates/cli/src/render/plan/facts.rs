//! The facts that a plan would record.
use crate::render::page::Page;
use crate::render::style::{Paint, Word, columns, words};
use crate::render::value::compact;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Lists new facts, short ones first. Shapes of machines go by their names.
pub(super) fn write(page: &mut Page, facts: &BTreeMap<String, Value>) {
    let mut rows: Vec<(String, Vec<Line>)> = Vec::new();
    let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let told = page.style.width.saturating_sub(4 + widest(facts.keys()));
    for (key, value) in facts {
        match (key.split_once('/'), value) {
            (Some((family, name)), Value::Object(map)) if !map.values().all(Value::is_string) => {
                families.entry(family).or_default().push(name);
            }
            (_, Value::Null) => {
                rows.push((key.clone(), vec![Line::of(words(Paint::Dim, "(withdrawn)"))]))
            }
            (_, Value::Object(map)) => rows.push((key.clone(), entries(map, told))),
            _ => rows.push((key.clone(), vec![Line::of(words(Paint::Plain, &compact(value)))])),
        }
    }
    rows.sort_by_key(|(_, lines)| {
        (lines.len(), lines.iter().map(|line| line.words.len()).sum::<usize>())
    });
    let families = families.into_iter();
    rows.extend(
        families.map(|(f, names)| {
            (f.to_owned(), vec![Line::of(words(Paint::Plain, &names.join(", ")))])
        }),
    );
    if rows.is_empty() {
        return;
    }
    page.heading(Paint::Bold, "Will be recorded");
    let width = widest(rows.iter().map(|(key, _)| key)) + 2;
    for (key, lines) in rows {
        let mut name = key.as_str();
        for line in lines {
            let mut lead = vec![(Word::new(Paint::Dim, name), width)];
            lead.extend(line.name);
            page.hang(2, &lead, &line.words);
            name = "";
        }
    }
}

/// Something that is said of a fact.
struct Line {
    /// What it is about, and the width of the column that this stands in.
    name: Option<(Word, usize)>,
    words: Vec<Word>,
}

impl Line {
    fn of(words: Vec<Word>) -> Self {
        Self { name: None, words }
    }
}

/// Writes a map in one line if there is room, and otherwise one line for each entry.
fn entries(map: &Map<String, Value>, room: usize) -> Vec<Line> {
    let pairs: Vec<_> = map.iter().map(|(k, v)| format!("{k} {}", compact(v))).collect();
    let one = pairs.join(", ");
    if columns(&one) <= room {
        return vec![Line::of(words(Paint::Plain, &one))];
    }
    let width = widest(map.keys()) + 1;
    let line = |(key, value): (&String, &Value)| {
        let words = words(Paint::Plain, &compact(value));
        Line { name: Some((Word::plain(key), width)), words }
    };
    map.iter().map(line).collect()
}

fn widest<'k>(keys: impl Iterator<Item = &'k String>) -> usize {
    keys.map(|key| columns(key)).max().unwrap_or(0)
}
