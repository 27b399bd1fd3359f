//! How a run ended.
mod skipped;

use super::duration::{minutes, span};
use super::page::Page;
use super::parts::place;
use super::plan::{ACTIONS, losses};
use super::style::{Paint, Style, Word, columns, words};
use super::trouble::said;
use super::value::compact;
use crate::failure::advice;
use provision_core::{Action, Address, Error};
use provision_engine::Outcome;
use provision_spec::Loss;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What to do about what is degraded: where the next run has something to do, and elsewhere.
const REPAIRED: &str = "the next run makes what can be had by then; a pool that waits for capacity gets \
    it sooner with other machines or zones";
const WATCHED: &str = "no run changes unasked what is there and not well: do what its words say, or wait \
    where the cloud mends it; `provision plan` tells when it is well";

/// The end of a run, and what there is to say about it.
pub(crate) struct Finish<'a> {
    /// How it ended.
    pub(crate) outcome: &'a Outcome,
    /// What the user needs to know of the cluster, by name.
    pub(crate) outputs: &'a BTreeMap<String, Value>,
    /// What of the degraded the next run has something to do for.
    pub(crate) unmade: &'a BTreeSet<Address>,
    /// How many objects went with what they were in, without a step of their own.
    pub(crate) along: usize,
    /// Whether everything was to be removed.
    pub(crate) destroyed: bool,
    /// What is still there although it was to go, by address, each with its kind and id. A run
    /// that leaves something has not ended well.
    pub(crate) left: &'a [(String, String)],
    /// What a destroy that ended well was not to remove, such as volumes.
    pub(crate) stays: &'a [Loss],
    /// The commands to type next, each with what it does.
    pub(crate) next: &'a [(String, &'static str)],
    /// How long it took; nothing where no clock measures that.
    pub(crate) elapsed: Option<Duration>,
    /// How long that usually takes.
    pub(crate) expected: Duration,
    /// Whether both are in simulated time.
    pub(crate) simulated: bool,
}

impl Finish<'_> {
    /// Returns the end as text.
    pub(super) fn text(&self, style: &Style) -> String {
        let mut page = Page::new(style);
        page.gap();
        let paint = match self.status() {
            "failed" => Paint::Red,
            "interrupted" | "degraded" => Paint::Yellow,
            _ => Paint::Green,
        };
        page.paragraph(paint, &self.headline());
        self.trouble(&mut page);
        if self.goes_on() {
            return page.text();
        }
        outputs(&mut page, self.outputs);
        losses::stays(&mut page, self.stays);
        if !self.next.is_empty() {
            page.heading(Paint::Bold, "Next");
            self.commands(&mut page);
        }
        page.text()
    }

    /// Returns what went wrong as text; empty when nothing did.
    pub(super) fn trouble_text(&self, style: &Style) -> String {
        let mut page = Page::new(style);
        self.trouble(&mut page);
        page.text()
    }

    /// Returns the fields of the `finished` event.
    pub(super) fn json(&self) -> Map<String, Value> {
        let outcome = self.outcome;
        let mut summary: Map<String, Value> =
            ACTIONS.iter().map(|action| (action.to_string(), self.done(*action).into())).collect();
        summary.insert("along".into(), self.along.into());
        summary.insert("degraded".into(), outcome.degraded.len().into());
        summary.insert("failed".into(), outcome.failed.len().into());
        summary.insert("skipped".into(), outcome.skipped.len().into());
        let failed = outcome.failed.iter();
        let failed: Vec<_> =
            failed.map(|(address, e)| json!({"address": address, "error": error(e)})).collect();
        let skipped = outcome.skipped.iter();
        let skipped: Vec<_> = skipped
            .map(|(address, why)| json!({"address": address, "reason": why.to_string()}))
            .collect();
        let left = self.left.iter();
        let left: Vec<_> =
            left.map(|(what, which)| json!({"address": what, "object": which})).collect();
        let fields = json!({
            "status": self.status(),
            "summary": summary,
            "outputs": self.outputs,
            "failed": failed,
            "skipped": skipped,
            "degraded": outcome.degraded,
            "left": left,
            "stays": self.stays,
            "fatal": outcome.fatal.as_ref().map(error),
            "destroyed": self.destroyed,
            "elapsedSeconds": self.elapsed.map(|elapsed| elapsed.as_secs()),
            "expectedSeconds": self.expected.as_secs(),
            "simulatedTime": self.simulated,
            "next": self.next.iter().map(|(command, _)| command).collect::<Vec<_>>(),
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    fn done(&self, action: Action) -> usize {
        self.outcome.done.get(&action).copied().unwrap_or_default()
    }

    fn status(&self) -> &'static str {
        let outcome = self.outcome;
        match () {
            () if outcome.fatal.is_some() || !outcome.failed.is_empty() => "failed",
            () if outcome.interrupted => "interrupted",
            () if !outcome.skipped.is_empty() || !self.left.is_empty() => "failed",
            () if !outcome.degraded.is_empty() => "degraded",
            () => "done",
        }
    }

    /// Tells whether there is something left to do.
    fn goes_on(&self) -> bool {
        matches!(self.status(), "failed" | "interrupted")
    }

    fn headline(&self) -> String {
        let outcome = self.outcome;
        let simulated = if self.simulated { " of simulated time" } else { "" };
        let took = |word: &str| match self.elapsed {
            Some(elapsed) => format!(" {word} {}{simulated}", span(elapsed)),
            None => String::new(),
        };
        let expected = minutes(self.expected);
        let beside = expected.filter(|_| self.elapsed.is_some());
        let beside = beside.map(|m| format!(" (expected about {m}m)")).unwrap_or_default();
        let how = match self.status() {
            "failed" => format!("Not finished{}", took("after")),
            "interrupted" => format!("Interrupted{}", took("after")),
            _ if self.destroyed => format!("Destroyed{}{beside}", took("in")),
            _ => format!("Applied{}{beside}", took("in")),
        };
        let done = [
            (self.done(Action::Create), "created"),
            (self.done(Action::Update), "changed"),
            (self.done(Action::Adopt), "adopted"),
            (self.done(Action::Delete), "deleted"),
            (self.along, "gone with what they were in"),
            (outcome.failed.len(), "failed"),
            (outcome.skipped.len(), "not done"),
        ];
        let but = [(outcome.degraded.len(), "degraded"), (self.left.len(), "still there")];
        let [done, but] = [counted(&done), counted(&but)];
        let done = if done.is_empty() { "nothing to do".to_owned() } else { done };
        let end = if but.is_empty() { String::new() } else { format!("; {but}") };
        let usually = expected.filter(|_| self.elapsed.is_none() && !self.goes_on());
        let usually =
            usually.map(|m| format!(" In reality it takes about {m}m.")).unwrap_or_default();
        format!("{how}: {done}{end}.{usually}")
    }

    fn trouble(&self, page: &mut Page) {
        let outcome = self.outcome;
        self.failed(page);
        if !outcome.degraded.is_empty() {
            page.heading(Paint::Yellow, "Degraded");
            let degraded = outcome.degraded.iter();
            page.table(Paint::Yellow, degraded.map(|(a, why)| (a.as_str(), why.clone())));
            page.gap();
            let (made, watched): (Vec<&Address>, Vec<&Address>) =
                outcome.degraded.keys().partition(|address| self.unmade.contains(*address));
            let hints = [(REPAIRED, made), (WATCHED, watched)].map(|(hint, whose)| {
                (hint.to_owned(), whose.into_iter().map(Address::as_str).collect())
            });
            write_hints(page, hints);
        }
        skipped::write(page, self);
        if !self.left.is_empty() {
            page.heading(Paint::Red, "Still in the cloud");
            page.table(Paint::Red, self.left.iter().map(|(what, which)| (&**what, which.clone())));
        }
        if !self.goes_on() {
            return;
        }
        page.gap();
        let how = match self.status() {
            "interrupted" => "The state is safe. To go on where this run stopped:",
            _ => "Once this is put right, go on where this run stopped:",
        };
        page.paragraph(Paint::Plain, how);
        self.commands(page);
    }

    fn failed(&self, page: &mut Page) {
        let mut failed: Vec<_> = self.outcome.failed.iter().collect();
        failed.sort_by(|(a, _), (b, _)| (place(a), a).cmp(&(place(b), b)));
        let failed = failed.into_iter().map(|(address, error)| (address.as_str(), error));
        // What ended the run is told as its error, once.
        let (ended, failed): (Vec<_>, Vec<_>) = failed.partition(|(_, e)| e.kind.is_fatal());
        if !failed.is_empty() {
            page.heading(Paint::Red, "Failed");
            let widest = failed.iter().map(|(address, _)| columns(address)).max().unwrap_or(0);
            let width = widest.min(page.style.width / 2) + 2;
            for (address, error) in &failed {
                let said = words(Paint::Plain, &without_request(error));
                page.hang(2, &[(Word::new(Paint::Red, address), width)], &said);
                if let Some(id) = &error.request_id {
                    let id = Word::new(Paint::Dim, format!("request {id}"));
                    page.hang(2, &[(Word::plain(""), width)], &[id]);
                }
            }
        }
        if !ended.is_empty() {
            page.heading(Paint::Red, "Stopped by the error that ended the run");
            page.table(Paint::Red, ended.iter().map(|(address, _)| (*address, String::new())));
        }
        let mut hints: Vec<(_, Vec<&str>)> = Vec::new();
        for (address, error) in &failed {
            let Some(hint) = advice(error) else { continue };
            match hints.iter_mut().find(|(other, _)| *other == hint) {
                Some((_, whose)) => whose.push(address),
                None => hints.push((hint, vec![address])),
            }
        }
        if !hints.is_empty() {
            page.gap();
        }
        write_hints(page, hints);
    }

    fn commands(&self, page: &mut Page) {
        let widest = self.next.iter().map(|(command, _)| columns(command)).max().unwrap_or(0);
        for (command, note) in self.next {
            let lead = [(Word::new(Paint::Cyan, command), widest + 2)];
            let note = if note.is_empty() { Vec::new() } else { vec![Word::new(Paint::Dim, note)] };
            page.hang(2, &lead, &note);
        }
    }
}

/// Adds hints, each with the addresses that it is for where there are several.
fn write_hints<'a>(page: &mut Page, hints: impl IntoIterator<Item = (String, Vec<&'a str>)>) {
    let hints: Vec<_> = hints.into_iter().filter(|(_, whose)| !whose.is_empty()).collect();
    for (hint, whose) in &hints {
        let whose =
            if hints.len() == 1 { String::new() } else { format!("{}: ", whose.join(", ")) };
        said(page, Paint::Cyan, "hint:", &format!("{whose}{hint}"));
    }
}

/// Adds what the user needs to know of a cluster.
pub(super) fn outputs(page: &mut Page, outputs: &BTreeMap<String, Value>) {
    if !outputs.is_empty() {
        page.heading(Paint::Bold, "Outputs");
        let rows = outputs.iter();
        page.table(Paint::Plain, rows.map(|(name, value)| (&**name, compact(value))));
    }
}

/// Lists counts, without those of nothing.
pub(super) fn counted(counts: &[(usize, &str)]) -> String {
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// Writes an error without its request id.
pub(super) fn without_request(error: &Error) -> String {
    Error { request_id: None, ..error.clone() }.to_string()
}

/// Returns an error as events carry it.
pub(super) fn error(error: &Error) -> Value {
    json!({
        "code": error.code,
        "message": error.message,
        "requestId": error.request_id,
        "operation": error.operation,
    })
}
