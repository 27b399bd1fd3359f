//! How a run ended.
use super::duration::span;
use super::page::Page;
use super::plan::ACTIONS;
use super::style::{Paint, Style, Word, columns, words};
use super::value::compact;
use provision_core::{Action, Error};
use provision_engine::{Outcome, Skip};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The end of a run, and what there is to say about it.
pub(crate) struct Finish<'a> {
    /// How it ended.
    pub(crate) outcome: &'a Outcome,
    /// What the user needs to know of the cluster, by name.
    pub(crate) outputs: &'a BTreeMap<String, Value>,
    /// Whether everything was to be removed.
    pub(crate) destroyed: bool,
    /// What is still there although it was to go, by address, each with its kind and id. A run
    /// that leaves something has not ended well.
    pub(crate) left: &'a [(String, String)],
    /// The commands to type next.
    pub(crate) next: &'a [String],
    /// How long it took.
    pub(crate) elapsed: Duration,
}

impl Finish<'_> {
    /// Returns the end as text.
    pub(super) fn text(&self, style: &Style) -> String {
        let mut page = Page::new(style);
        page.gap();
        page.paragraph(Paint::Bold, &self.headline());
        self.trouble(&mut page);
        if !self.outputs.is_empty() {
            page.heading(Paint::Bold, "Outputs");
            let outputs = self.outputs.iter();
            page.table(Paint::Plain, outputs.map(|(name, value)| (&**name, compact(value))));
        }
        if !self.next.is_empty() {
            page.heading(Paint::Bold, "Next");
            for command in self.next {
                page.hang(2, &[], &[Word::new(Paint::Cyan, command)]);
            }
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
            "fatal": outcome.fatal.as_ref().map(error),
            "destroyed": self.destroyed,
            "elapsedSeconds": self.elapsed.as_secs(),
            "next": self.next,
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

    fn headline(&self) -> String {
        let word = match self.status() {
            "failed" => "Not finished",
            "interrupted" => "Interrupted",
            _ if self.destroyed => "Destroyed",
            _ => "Applied",
        };
        let only_deletes = ACTIONS.iter().all(|a| *a == Action::Delete || self.done(*a) == 0);
        let done = match self.destroyed && only_deletes {
            true => format!("{} deleted", self.done(Action::Delete)),
            false => format!(
                "{} created, {} changed, {} adopted, {} deleted",
                self.done(Action::Create),
                self.done(Action::Update),
                self.done(Action::Adopt),
                self.done(Action::Delete)
            ),
        };
        let outcome = self.outcome;
        let counts = [
            (outcome.failed.len(), "failed"),
            (outcome.skipped.len(), "not done"),
            (outcome.degraded.len(), "degraded"),
            (self.left.len(), "still there"),
        ];
        let counts: Vec<_> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let end = if counts.is_empty() { "" } else { "; " };
        format!("{word}: {done} in {}{end}{}.", span(self.elapsed), counts.join(", "))
    }

    fn trouble(&self, page: &mut Page) {
        let outcome = self.outcome;
        let mut failed: Vec<(&str, &Error)> =
            outcome.failed.iter().map(|(address, error)| (address.as_str(), error)).collect();
        let ended = outcome.fatal.iter().filter(|e| !outcome.failed.iter().any(|(_, f)| f == *e));
        failed.extend(ended.map(|error| ("the run", error)));
        if !failed.is_empty() {
            page.heading(Paint::Red, "Failed");
            let widest = failed.iter().map(|(address, _)| columns(address)).max().unwrap_or(0);
            let width = widest.min(page.style.width / 2) + 2;
            for (address, error) in failed {
                let said = words(Paint::Plain, &without_request(error));
                page.hang(2, &[(Word::new(Paint::Red, address), width)], &said);
                if let Some(id) = &error.request_id {
                    let id = Word::new(Paint::Dim, format!("request {id}"));
                    page.hang(2, &[(Word::plain(""), width)], &[id]);
                }
            }
        }
        if !outcome.degraded.is_empty() {
            page.heading(Paint::Yellow, "Degraded");
            let degraded = outcome.degraded.iter();
            page.table(Paint::Yellow, degraded.map(|(a, why)| (a.as_str(), why.clone())));
        }
        self.skipped(page);
        if !self.left.is_empty() {
            page.heading(Paint::Red, "Still in the cloud");
            page.table(Paint::Red, self.left.iter().map(|(what, which)| (&**what, which.clone())));
        }
        let how = match self.status() {
            "interrupted" => "Run the same command again; it goes on where it stopped.",
            "failed" => {
                "Once this is put right, run the same command again; it goes on where it stopped."
            }
            _ => return,
        };
        page.gap();
        page.paragraph(Paint::Plain, how);
    }

    fn skipped(&self, page: &mut Page) {
        let mut reasons: Vec<(&Skip, Vec<&str>)> = Vec::new();
        for (address, why) in &self.outcome.skipped {
            match reasons.iter_mut().find(|(reason, _)| *reason == why) {
                Some((_, addresses)) => addresses.push(address.as_str()),
                None => reasons.push((why, vec![address.as_str()])),
            }
        }
        if reasons.is_empty() {
            return;
        }
        page.heading(Paint::Bold, "Not done");
        for (why, addresses) in reasons {
            page.hang(2, &[], &words(Paint::Dim, &format!("{why}:")));
            page.hang(4, &[], &words(Paint::Plain, &addresses.join(", ")));
        }
    }
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
