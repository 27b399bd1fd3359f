//! A plan as people read it, and as the document that scripts read.
mod facts;
pub(super) mod losses;
mod notes;
mod steps;
#[cfg(test)]
mod tests;

use super::duration::minutes;
use super::finish::counted;
use super::page::Page;
use super::style::{Paint, Style, Word, words};
use provision_core::{Action, Address, Plan, Scope, World};
use provision_spec::Loss;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

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
    /// What was looked up anew and is never recorded.
    pub(crate) seen: &'a BTreeMap<String, Value>,
    /// What each stage is about; empty where nobody said.
    pub(crate) stages: &'a [&'a str],
    /// What the file or its defaults ask for and this version leaves alone.
    pub(crate) unmanaged: &'a [String],
    /// What is good to know.
    pub(crate) notes: &'a [String],
    /// What the user should think about.
    pub(crate) warnings: &'a [String],
    /// What a person loses or keeps; `None` where nothing goes that holds anything.
    pub(crate) losses: Option<&'a [Loss]>,
    /// How long it usually takes.
    pub(crate) expected: Duration,
    /// Whether that is simulated time.
    pub(crate) simulated: bool,
    /// What goes with what it is in, without a step of its own.
    pub(crate) along: &'a [Address],
    /// The plan.
    pub(crate) plan: &'a Plan,
}

impl View<'_> {
    /// Returns the plan as text that ends with a line break and one line that sums it up.
    pub(crate) fn text(&self, style: &Style) -> String {
        let mut page = Page::new(style);
        self.header(&mut page);
        facts::write(&mut page, self.new_facts);
        steps::write(&mut page, self);
        if !self.along.is_empty() {
            page.heading(Paint::Bold, "Go with what they are in");
            let all = self.along.iter().map(Address::as_str).collect::<Vec<_>>().join(", ");
            page.hang(2, &[], &words(Paint::Red, &all));
        }
        notes::write(&mut page, self);
        losses::write(&mut page, self.losses.unwrap_or_default());
        page.gap();
        page.paragraph(Paint::Bold, &self.sum());
        page.text()
    }

    /// Returns the document of format `provision.plan/v1`.
    ///
    /// Beside what the contract names it always has `expectedSeconds`, `newFacts`, `seen`, `notes`,
    /// `warnings`, `along` (lists or maps that may be empty) and `unknown`, `degraded`, `kept` and
    /// `yields`, which are maps by address; where something is lost with what goes, `losses` too.
    pub(crate) fn json(&self) -> Value {
        let unknown = self.plan.unknown.iter().map(|(address, why)| (address, why.to_string()));
        let unknown: BTreeMap<_, _> = unknown.collect();
        let mut document = json!({
            "format": PLAN_FORMAT,
            "cluster": self.cluster,
            "provider": self.provider,
            "scope": self.scope,
            "lineage": self.lineage,
            "serial": self.serial,
            "facts": self.facts,
            "newFacts": self.new_facts,
            "seen": self.seen,
            "unmanaged": self.unmanaged,
            "notes": self.notes,
            "warnings": self.warnings,
            "unknown": unknown,
            "degraded": self.plan.degraded,
            "kept": self.plan.kept,
            "yields": self.plan.yields,
            "summary": self.summary(),
            "expectedSeconds": self.expected.as_secs(),
            "along": self.along,
            "steps": self.plan,
        });
        if let Some(losses) = self.losses {
            document["losses"] = json!(losses);
        }
        document
    }

    /// Counts the steps by action.
    pub(super) fn summary(&self) -> Value {
        let counts = ACTIONS.map(|action| (action.to_string(), self.plan.count(action).into()));
        Value::Object(counts.into_iter().collect())
    }

    fn header(&self, page: &mut Page) {
        let place = &self.scope.place;
        let mut parts = vec![match place.get("region") {
            Some(region) => format!("{} in {region}", self.provider),
            None => self.provider.to_owned(),
        }];
        let untold =
            |key: &str, value: &str| key == "region" || (key, value) == ("partition", "aws");
        let place = place.iter().filter(|(key, value)| !untold(key, value));
        parts.extend(place.map(|(key, value)| format!("{key} {value}")));
        match self.scope.world {
            World::Vendor => {}
            World::Loopback => parts.push("local servers".to_owned()),
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

    /// Says how long it is expected to take, where that is worth a word.
    fn expectation(&self) -> String {
        let simulated = if self.simulated { " of simulated time" } else { "" };
        match minutes(self.expected).filter(|_| self.plan.unknown.is_empty()) {
            None => String::new(),
            Some(1) => format!(" Expected to take about a minute{simulated}."),
            Some(minutes) => format!(" Expected to take about {minutes} minutes{simulated}."),
        }
    }

    fn sum(&self) -> String {
        let count = |action| self.plan.count(action);
        let unseen = match self.plan.unknown.len() {
            0 => String::new(),
            n if self.plan.is_known() => format!(" Then another: {n} could not be observed yet."),
            n => format!(" It cannot be applied: {n} could not be observed."),
        };
        if !self.plan.is_empty() || !unseen.is_empty() {
            let counts = counted(&[
                (count(Action::Create), "to create"),
                (count(Action::Update), "to change"),
                (count(Action::Adopt), "to adopt"),
                (count(Action::Delete), "to delete"),
                (self.along.len(), "to go with what they are in"),
            ]);
            let counts = if counts.is_empty() { "no changes".to_owned() } else { counts };
            let stages = match steps::stages(self.plan).len() {
                0 | 1 => String::new(),
                stages => format!(", in {stages} stages"),
            };
            return format!("Plan: {counts}{stages}.{unseen}{}", self.expectation());
        }
        if self.losses.is_some() {
            return "Nothing to destroy: nothing with the marks of this cluster is left."
                .to_owned();
        }
        let plan = self.plan;
        let but = match (plan.degraded.len(), plan.kept.len(), plan.yields.len()) {
            (0, 0, 0) => String::new(),
            (0, 0, yields) => format!(", {yields} left alone"),
            (0, kept, _) => format!(", {kept} kept for now"),
            (degraded, ..) => format!(", {degraded} degraded"),
        };
        let record = match self.new_facts.is_empty() {
            true => "",
            false => " The next apply records what is told above.",
        };
        format!("No changes. The cluster is as the file says{but}.{record}")
    }
}
