//! A plan as people read it, and as the document that scripts read.
mod notes;
mod steps;
#[cfg(test)]
mod tests;

use super::page::Page;
use super::style::{Paint, Style, Word, words};
use super::value::compact;
use provision_core::{Action, Plan, Scope, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The format of the document.
const PLAN_FORMAT: &str = "provision.plan/v1";
/// The actions, in the order in which they are counted.
pub(super) const ACTIONS: [Action; 4] =
    [Action::Create, Action::Update, Action::Adopt, Action::Delete];

/// A plan with everything that is said beside it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The cluster's name.
    pub(crate) cluster: &'a str,
    /// The provider's, such as `eks`.
    pub(crate) provider: &'a str,
    /// Where the cluster is.
    pub(crate) scope: &'a Scope,
    /// The identity of the state; `None` before the first apply.
    pub(crate) lineage: Option<&'a str>,
    /// The serial of the state.
    pub(crate) serial: u64,
    /// The facts that an apply would record; null withdraws one.
    pub(crate) new_facts: &'a BTreeMap<String, Value>,
    /// All facts that the plan rests on, the new ones among them.
    pub(crate) facts: &'a BTreeMap<String, Value>,
    /// What the file or its defaults ask for and this version leaves alone.
    pub(crate) unmanaged: &'a [String],
    /// What the user should think about.
    pub(crate) warnings: &'a [String],
    /// Whether it removes everything.
    pub(crate) destroys: bool,
    /// The plan.
    pub(crate) plan: &'a Plan,
}

impl View<'_> {
    /// Returns the plan as text that ends with a line break and one line that sums it up.
    pub(crate) fn text(&self, style: &Style) -> String {
        let mut page = Page::new(style);
        self.header(&mut page);
        self.recorded(&mut page);
        steps::write(&mut page, self.plan);
        notes::write(&mut page, self);
        page.gap();
        page.paragraph(Paint::Bold, &self.sum());
        page.text()
    }

    /// Returns the document of format `provision.plan/v1`.
    ///
    /// Beside what the contract names it always has `newFacts`, `warnings` (lists or maps that
    /// may be empty) and `unknown`, `degraded` and `kept`, which are maps by address.
    pub(crate) fn json(&self) -> Value {
        json!({
            "format": PLAN_FORMAT,
            "cluster": self.cluster,
            "provider": self.provider,
            "scope": self.scope,
            "lineage": self.lineage,
            "serial": self.serial,
            "facts": self.facts,
            "newFacts": self.new_facts,
            "unmanaged": self.unmanaged,
            "warnings": self.warnings,
            "unknown": self.plan.unknown,
            "degraded": self.plan.degraded,
            "kept": self.plan.kept,
            "summary": self.summary(),
            "steps": self.plan,
        })
    }

    /// Counts the steps by action.
    pub(super) fn summary(&self) -> Value {
        let counts = ACTIONS.map(|action| (action.to_string(), self.plan.count(action).into()));
        Value::Object(counts.into_iter().collect())
    }

    fn header(&self, page: &mut Page) {
        let mut parts = vec![self.provider.to_owned()];
        let place = self.scope.place.iter();
        let place =
            place.filter(|(key, value)| (key.as_str(), value.as_str()) != ("partition", "aws"));
        parts.extend(place.map(|(key, value)| format!("{key} {value}")));
        match self.scope.world {
            World::Vendor => {}
            World::Loopback => parts.push("servers on this machine".to_owned()),
            World::Sandbox => parts.push("sandbox".to_owned()),
        }
        if self.lineage.is_none() {
            parts.push("not applied yet".to_owned());
        }
        let last = parts.len() - 1;
        let mut header = vec![Word::new(Paint::Bold, self.cluster), Word::new(Paint::Dim, "·")];
        for (i, part) in parts.iter().enumerate() {
            let end = if i < last { " ·" } else { "" };
            header.push(Word::new(Paint::Dim, format!("{part}{end}")));
        }
        page.hang(0, &[], &header);
    }

    /// Lists the facts that would be recorded, short ones first. Machine shapes go by their names.
    fn recorded(&self, page: &mut Page) {
        let mut rows: Vec<(String, Vec<Word>)> = Vec::new();
        let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in self.new_facts {
            match key.split_once('/') {
                Some((family, name)) if value.is_object() => {
                    families.entry(family).or_default().push(name);
                }
                _ if value.is_null() => rows.push((key.clone(), words(Paint::Dim, "(withdrawn)"))),
                _ => rows.push((key.clone(), words(Paint::Plain, &fact(value)))),
            }
        }
        rows.sort_by_key(|(_, words)| words.len());
        let families = families.into_iter();
        rows.extend(
            families.map(|(f, names)| (f.to_owned(), words(Paint::Plain, &names.join(", ")))),
        );
        if rows.is_empty() {
            return;
        }
        page.heading(Paint::Bold, "Will be recorded");
        let width = rows.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0) + 2;
        for (key, value) in rows {
            page.hang(2, &[(Word::new(Paint::Dim, key), width)], &value);
        }
    }

    fn sum(&self) -> String {
        let count = |action| self.plan.count(action);
        let unseen = match self.plan.unknown.len() {
            0 => String::new(),
            n => format!(" It cannot be applied: {n} could not be observed."),
        };
        if !self.plan.is_empty() || !unseen.is_empty() {
            return format!(
                "Plan: {} to create, {} to change, {} to adopt, {} to delete.{unseen}",
                count(Action::Create),
                count(Action::Update),
                count(Action::Adopt),
                count(Action::Delete),
            );
        }
        if self.destroys {
            return "Nothing to destroy: nothing of this cluster is left.".to_owned();
        }
        let but = match (self.plan.degraded.len(), self.plan.kept.len()) {
            (0, 0) => String::new(),
            (0, kept) => format!(", {kept} kept for now"),
            (degraded, _) => format!(", {degraded} degraded"),
        };
        format!("No changes. The cluster is as the file says{but}.")
    }
}

/// Writes a fact: a map of simple values without braces.
fn fact(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            map.iter().map(|(k, v)| format!("{k} {}", compact(v))).collect::<Vec<_>>().join(", ")
        }
        _ => compact(value),
    }
}
