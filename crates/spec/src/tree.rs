//! A file as values with places: lists, maps and scalars as they were written.
//!
//! A small part of YAML on purpose: one document, no anchors, aliases or tags, and nothing is
//! converted; `1.30` stays the text "1.30". Time and memory are bounded for any input.

mod parse;

pub(crate) use parse::{parse, parse_all};

use crate::problem::Problems;
use crate::source::{Report, Source};
use crate::{print, redact};

/// Reads a file of some other kind than a cluster file.
///
/// # Errors
/// With everything that is wrong with it as YAML of this part.
pub fn read(file: &str, bytes: &[u8]) -> Result<Node, Problems> {
    let report = Report::new(Source::new(file, bytes)?);
    let root = parse(&report).unwrap_or_else(|| Node::made(Value::List(Vec::new())));
    report.finish(root)
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Counts lines from 1.
    pub line: usize,
    /// Counts characters from 1.
    pub column: usize,
    /// Counts the characters concerned on that line, at least 1.
    pub width: usize,
}

impl Span {
    /// The beginning of a file.
    pub const START: Self = Self { line: 1, column: 1, width: 1 };
}

/// A value and its place. Two are equal when they read the same, wherever they stand.
#[derive(Debug, Clone)]
pub struct Node {
    /// Holds what was written.
    pub value: Value,
    /// Says where; of an empty scalar, the place of its key.
    pub span: Span,
}

/// The three shapes of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, which a reader interprets.
    Scalar(Scalar),
    /// Values in order.
    List(Vec<Node>),
    /// Fields in the order of the file, no two of the same name.
    Map(Vec<Entry>),
}

/// One field of a map. Two are equal when name and value are, wherever they stand.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Holds the name.
    pub key: String,
    /// Says where the name stands.
    pub span: Span,
    /// Holds the value.
    pub value: Node,
}

/// Text, and whether it was quoted. Two are equal when every reader sees the same.
#[derive(Debug, Clone, Eq)]
pub struct Scalar {
    /// Holds the text without quotes, escapes resolved.
    pub text: String,
    /// Says that it had no quotes, so that `true`, `3` and `null` are more than text.
    pub plain: bool,
}

/// What a scalar can be read as, besides text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// Plain `true` or `false`.
    Boolean,
    /// Plain digits, perhaps with a sign, dots or an exponent.
    Number,
    /// Anything else.
    Text,
}

impl Scalar {
    /// Says what the scalar can be read as, besides text.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if !self.plain {
            return Kind::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "false" => Kind::Boolean,
            text if text.parse::<f64>().is_ok() && text.contains(|c: char| c.is_ascii_digit()) => {
                Kind::Number
            }
            _ => Kind::Text,
        }
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        let kind = self.kind();
        kind == other.kind() && (kind == Kind::Null || self.text == other.text)
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

impl Node {
    /// Makes a map that was written nowhere.
    #[must_use]
    pub fn map<'a>(fields: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let field =
            |(key, value): (&str, Self)| Entry { key: key.to_owned(), span: Span::START, value };
        Self::made(Value::Map(fields.into_iter().map(field).collect()))
    }

    /// Prints it as YAML that reads back the same.
    #[must_use]
    pub fn yaml(&self) -> String {
        print::yaml(self)
    }

    /// Makes a value that stands in no file.
    #[must_use]
    pub(crate) fn made(value: Value) -> Self {
        Self { value, span: Span::START }
    }

    /// Gives the field of that name, or the item of that number.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => {
                entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
            }
            Value::List(items) => items.get(name.parse::<usize>().ok()?),
            Value::Scalar(_) => None,
        }
    }

    /// Says what stands here, for "found …" in a message; long text is cut.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.value {
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
            Value::Scalar(scalar) => match scalar.kind() {
                Kind::Null => "nothing".to_owned(),
                Kind::Text if !scalar.plain => format!("the text {}", quote(&scalar.text)),
                _ => quote(&scalar.text),
            },
        }
    }
}

/// Puts text of the file between backticks for a message, see [`shorten`].
pub(crate) fn quote(text: &str) -> String {
    format!("`{}`", shorten(text))
}

/// Cuts text of the file for a message: to one line, not too long, without what may be a secret.
pub(crate) fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    let shown = redact::shown(line);
    let count = shown.chars().take(LONGEST).count();
    let mut short = String::new();
    for c in shown.chars().take(LONGEST) {
        if c.is_control() {
            short.extend(c.escape_default());
        } else {
            short.push(c);
        }
    }
    if count < text.chars().count() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_show_short_text_without_secrets() {
        let long = "x".repeat(100);
        for (text, wanted) in [
            ("acme", "acme"),
            ("a\u{1b}b", "a\\u{1b}b"),
            ("a\nb", "a…"),
            ("\na", "…"),
            ("secretsKey", "secretsKey"),
            ("x registryToken: hunter2", "x registryToken…"),
            ("registryToken:hunter2", "registryToken…"),
            (long.as_str(), &format!("{}…", &long[..60])),
        ] {
            assert_eq!(shorten(text), wanted);
        }
    }
}
