//! A cluster file as somebody would write it: block YAML, one value a line.
use crate::fields::below;
use serde_json::Value;
use std::collections::BTreeMap;

/// Text, and on which line each value begins, by its JSON pointer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) lines: Vec<String>,
    pub(crate) places: BTreeMap<String, usize>,
}

impl Page {
    pub(crate) fn new(file: &Value) -> Self {
        let mut page = Self::default();
        page.write("", file, 0);
        page
    }

    pub(crate) fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }

    /// Gives every field that is at `at` a second time, right after the first.
    pub(crate) fn twice(&self, at: &str) -> Self {
        let (begin, mut twice) = (self.places[at] - 1, self.clone());
        let indent = |line: &str| line.len() - line.trim_start().len();
        let outer = indent(&self.lines[begin]);
        let below = self.lines[begin + 1..].iter().take_while(|line| indent(line) > outer).count();
        let field = self.lines[begin..=begin + below].to_vec();
        twice.lines.splice(begin + below + 1..begin + below + 1, field);
        twice.places.insert(at.to_owned(), begin + below + 2);
        twice
    }

    /// Returns the last line of what is at `at`.
    pub(crate) fn last(&self, at: &str) -> usize {
        let first = self.places[at];
        let below = |(place, _): &(&String, &usize)| place.starts_with(&format!("{at}/"));
        self.places.iter().filter(below).map(|(_, line)| *line).fold(first, usize::max)
    }

    fn write(&mut self, at: &str, value: &Value, depth: usize) {
        let parts: Vec<(String, String, &Value)> = match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (below(at, name), format!("{}:", quoted(name)), value))
                .collect(),
            Value::Array(items) => {
                let part = |(n, value)| (format!("{at}/{n}"), "-".to_owned(), value);
                items.iter().enumerate().map(part).collect()
            }
            _ => Vec::new(),
        };
        for (at, begin, value) in parts {
            let is_deep = value.as_object().is_some_and(|fields| !fields.is_empty())
                || value.as_array().is_some_and(|items| !items.is_empty());
            let rest = if is_deep { String::new() } else { format!(" {value}") };
            self.lines.push(format!("{}{begin}{rest}", "  ".repeat(depth)));
            self.places.insert(at.clone(), self.lines.len());
            self.write(&at, value, depth + 1);
        }
    }
}

/// Quotes a name that is more than letters.
fn quoted(name: &str) -> String {
    match name.chars().all(|c| c.is_ascii_alphanumeric()) {
        true => name.to_owned(),
        false => Value::from(name).to_string(),
    }
}
