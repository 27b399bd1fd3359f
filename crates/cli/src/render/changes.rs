//! The fields that an update changes, one line for each thing that differs.
use super::page::Page;
use super::style::{Paint, Word, columns, words};
use super::value::{compact, reference};
use provision_core::{Change, Diff, Marks};
use serde_json::{Map, Value};

/// Adds the changes below their step.
pub(super) fn write(page: &mut Page, indent: usize, diff: &Diff) {
    let widest = diff.0.iter().map(|change| columns(&change.field)).max().unwrap_or(0);
    let width = widest.min(page.style.width / 3) + 2;
    for change in &diff.0 {
        let mut name = Word::plain(format!("{}:", change.field));
        for row in rows(change) {
            page.hang(indent, &[(name, width)], &row);
            name = Word::plain("");
        }
    }
}

/// Returns the only thing that differs, where it fits in `room` columns beside its step.
pub(super) fn short(diff: &Diff, room: usize) -> Option<Vec<Word>> {
    let [change] = diff.0.as_slice() else { return None };
    let rows = rows(change);
    let [row] = rows.as_slice() else { return None };
    let mut line = vec![Word::plain(format!("{}:", change.field))];
    line.extend(row.iter().cloned());
    let width: usize = line.iter().map(|word| columns(&word.text) + 1).sum();
    (width <= room + 1).then_some(line)
}

fn rows(change: &Change) -> Vec<Vec<Word>> {
    let whole = || vec![arrow(&change.from, &change.to)];
    if reference(&change.from).or(reference(&change.to)).is_some() {
        return whole();
    }
    let rows = match (&change.from, &change.to) {
        (Value::Object(from), Value::Object(to)) => of_maps(from, to),
        (Value::Null, Value::Object(to)) => of_maps(&Map::new(), to),
        (Value::Array(from), Value::Array(to)) => of_sets(from, to),
        _ => whole(),
    };
    if rows.is_empty() { whole() } else { rows }
}

fn of_maps(from: &Map<String, Value>, to: &Map<String, Value>) -> Vec<Vec<Word>> {
    let gone = from.keys().filter(|key| !to.contains_key(*key));
    let keys = to.keys().chain(gone).filter(|key| !Marks::is_mark(key));
    let row = |key: &String| {
        let (before, after) = (from.get(key), to.get(key));
        match (before.filter(|v| !v.is_null()), after.filter(|v| !v.is_null())) {
            (before, after) if before == after => None,
            (None, Some(after)) => Some(entry('+', &format!("{key}: {}", compact(after)))),
            (_, None) => Some(entry('-', key)),
            (Some(before), Some(after)) => {
                let mut row = entry('~', &format!("{key}:"));
                row.extend(arrow(before, after));
                Some(row)
            }
        }
    };
    keys.filter_map(row).collect()
}

fn of_sets(from: &[Value], to: &[Value]) -> Vec<Vec<Word>> {
    let added = to.iter().filter(|v| !from.contains(v)).map(|v| entry('+', &compact(v)));
    let gone = from.iter().filter(|v| !to.contains(v)).map(|v| entry('-', &compact(v)));
    added.chain(gone).collect()
}

fn entry(sign: char, text: &str) -> Vec<Word> {
    let paint = match sign {
        '+' => Paint::Green,
        '-' => Paint::Red,
        _ => Paint::Yellow,
    };
    words(paint, &format!("{sign} {text}"))
}

fn arrow(from: &Value, to: &Value) -> Vec<Word> {
    let mut row = words(Paint::Red, &compact(from));
    row.push(Word::new(Paint::Dim, "→"));
    row.extend(words(Paint::Green, &compact(to)));
    row
}
