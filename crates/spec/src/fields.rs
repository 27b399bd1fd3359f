//! Reads typed fields from the tree, collecting every problem instead of stopping at the first.
//!
//! Each reader gives `None` when the field was refused, after reporting why, so that the caller
//! goes on with a placeholder: what was read with problems is never used.

mod scalar;

use std::collections::BTreeMap;

use crate::nearest::nearest;
use crate::source::Report;
use crate::tree::{Entry, Kind, Node, Scalar, Span, Value, quote, shorten};

/// One field of the file: its value, and its name for messages.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    report: &'a Report,
    path: String,
    name: &'a str,
    key: Span,
    node: &'a Node,
}

/// The fields of a map whose names are known; others have been refused.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    report: &'a Report,
    path: String,
    span: Span,
    entries: &'a [Entry],
}

impl<'a> Field<'a> {
    /// Bounds the items of every list.
    pub const MOST_ITEMS: usize = 200;

    /// Takes a whole file, or a whole section, as a field; the path is empty for a file.
    #[must_use]
    pub fn root(report: &'a Report, path: &'a str, node: &'a Node) -> Self {
        Self { report, path: path.to_owned(), name: path, key: node.span, node }
    }

    /// Gives the last part of the path as it was written.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Gives the place of the name.
    #[must_use]
    pub fn key(&self) -> Span {
        self.key
    }

    /// Gives the way to the field from the root, `pools.app.min`; long names are cut.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Gives the same value under the name of a field around it.
    #[must_use]
    pub(crate) fn with_path_of(self, outer: &Self) -> Self {
        Self { path: outer.path.clone(), ..self }
    }

    /// Gives the value.
    #[must_use]
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// Gives the collector of problems.
    #[must_use]
    pub fn report(&self) -> &'a Report {
        self.report
    }

    /// Reports that the value is wrong; the message goes on after the path, without "found".
    pub fn refuse(&self, code: &'static str, message: impl AsRef<str>, hint: Option<String>) {
        self.refuse_at(self.node.span, code, message, hint);
    }

    /// Reports that the field has no business here, at its name.
    pub fn refuse_key(&self, code: &'static str, message: impl AsRef<str>, hint: Option<String>) {
        self.refuse_at(self.key, code, message, hint);
    }

    fn refuse_at(
        &self,
        span: Span,
        code: &'static str,
        message: impl AsRef<str>,
        hint: Option<String>,
    ) {
        let subject = if self.path.is_empty() { "file" } else { &self.path };
        self.report.refuse(code, span, format!("{subject} {}", message.as_ref()), hint);
    }

    fn refuse_type(&self, wanted: &str, hint: Option<String>) {
        let message = format!("must be {wanted}, found {}", self.node.describe());
        self.refuse("file.wrong-type", message, hint);
    }

    /// Says whether the field is there but has no value.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(scalar) if scalar.kind() == Kind::Null)
    }

    fn refuse_null(&self) -> Option<()> {
        if !self.is_empty() {
            return Some(());
        }
        let hint = "write a value, or remove the line to get the default".to_owned();
        self.refuse("file.empty-value", "has no value", Some(hint));
        None
    }

    /// Reads a map whose field names are known, and refuses every other name.
    pub fn fields(&self, names: &[&str]) -> Option<Fields<'a>> {
        let entries = self.map()?;
        for entry in entries.iter().filter(|entry| !names.contains(&entry.key.as_str())) {
            self.refuse_unknown(entry, names);
        }
        let (report, path, span) = (self.report, self.path.clone(), self.node.span);
        Some(Fields { report, path, span, entries })
    }

    fn refuse_unknown(&self, entry: &Entry, names: &[&str]) {
        let hint = nearest(&entry.key, names.iter().copied())
            .map(|name| format!("did you mean `{name}`?"))
            .unwrap_or_else(|| format!("fields here: {}", names.join(", ")));
        let path = join(&self.path, &entry.key);
        let message = format!("{path} is not a field of the cluster file");
        self.report.refuse("file.unknown-field", entry.span, message, Some(hint));
    }

    /// Reads a map whose names the user chooses, in the order of the file.
    pub fn entries(&self) -> Option<Vec<Field<'a>>> {
        let entries = self.map()?;
        Some(entries.iter().map(|entry| child(self.report, &self.path, entry)).collect())
    }

    fn map(&self) -> Option<&'a [Entry]> {
        self.refuse_null()?;
        if let Value::Map(entries) = &self.node.value {
            return Some(entries);
        }
        let hint = format!("write its fields below `{}:`, indented", self.name);
        self.refuse_type("a map", Some(hint));
        None
    }

    /// Reads a list of at most [`Field::MOST_ITEMS`].
    pub fn list(&self) -> Option<Vec<Field<'a>>> {
        self.refuse_null()?;
        let Value::List(items) = &self.node.value else {
            let hint = match &self.node.value {
                Value::Scalar(scalar) => format!("write `[{}]`", shorten(&scalar.text)),
                _ => "put `[` and `]` around it, or `- ` before each item".to_owned(),
            };
            self.refuse_type("a list", Some(hint));
            return None;
        };
        if items.len() > Self::MOST_ITEMS {
            let message = format!("has {} items, more than {}", items.len(), Self::MOST_ITEMS);
            self.refuse("file.out-of-range", message, Some("remove some of them".to_owned()));
            return None;
        }
        let item = |(position, node): (usize, &'a Node)| Field {
            path: format!("{}[{position}]", self.path),
            key: node.span,
            node,
            ..self.clone()
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// Reads a list, or a single value that stands for a list of one.
    pub fn one_or_many(&self) -> Option<Vec<Field<'a>>> {
        match self.node.value {
            Value::Scalar(_) => self.refuse_null().map(|()| vec![self.clone()]),
            _ => self.list(),
        }
    }

    /// Reads every item of a list, and refuses an item that is there twice.
    pub fn each<T: PartialEq>(
        items: Option<Vec<Field<'a>>>,
        read: impl Fn(&Field<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = items?;
        let mut all = Vec::with_capacity(items.len());
        for item in &items {
            let one = read(item);
            if one.is_some() && all.contains(&one) {
                let again = format!("repeats {}", item.node.describe());
                item.refuse("file.duplicate-item", again, Some("remove one of the two".to_owned()));
            }
            all.push(one);
        }
        all.into_iter().collect()
    }

    /// Reads a map of texts; `true` and `1.30` are taken as they are written.
    pub fn texts(&self) -> Option<BTreeMap<String, String>> {
        let entries = self.entries()?;
        let read = |field: &Field<'a>| Some((field.name.to_owned(), field.text()?.to_owned()));
        let texts: Vec<_> = entries.iter().map(read).collect();
        texts.into_iter().collect()
    }
}

impl<'a> Fields<'a> {
    /// Gives a field if it is in the file. The name must be among those given to [`Field::fields`].
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<Field<'a>> {
        let entry = self.entries.iter().find(|entry| entry.key == name)?;
        Some(child(self.report, &self.path, entry))
    }

    /// Gives a field, or reports that it is missing; the example is a value somebody may want.
    pub fn required(&self, name: &str, example: &str) -> Option<Field<'a>> {
        let field = self.optional(name);
        if field.is_none() {
            let message = format!("{} is missing", join(&self.path, name));
            let hint = format!("add `{name}: {example}`");
            self.report.refuse("file.missing-field", self.span, message, Some(hint));
        }
        field
    }
}

fn child<'a>(report: &'a Report, path: &str, entry: &'a Entry) -> Field<'a> {
    let (path, name) = (join(path, &entry.key), entry.key.as_str());
    Field { report, path, name, key: entry.span, node: &entry.value }
}

fn join(path: &str, name: &str) -> String {
    let name = shorten(name);
    if path.is_empty() { name } else { format!("{path}.{name}") }
}
