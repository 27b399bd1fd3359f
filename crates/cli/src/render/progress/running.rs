//! The steps under way, and how far the run is.
use super::words;
use crate::render::duration::span;
use crate::render::finish::without_request;
use crate::render::style::columns;
use provision_core::{Action, Address, Event, EventKind, Plan};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long one step stays silent about calls that are made again.
const RETRY_SILENCE: Duration = Duration::from_secs(10);
/// How many running steps a summary names.
const NAMED: usize = 3;

/// The steps under way in the order in which they began, and what became of the others.
#[derive(Default)]
pub(super) struct Running {
    pub(super) steps: Vec<Step>,
    pub(super) all: usize,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
    width: usize,
    /// The stages in which each step is still to come, the first one first.
    coming: BTreeMap<(Address, Action), VecDeque<usize>>,
    /// The stage of the step that began last.
    stage: usize,
}

/// A step under way.
pub(super) struct Step {
    pub(super) address: Address,
    action: Action,
    pub(super) since: Duration,
    /// What the cloud said last, in short.
    pub(super) said: String,
    retried: Option<(Duration, String)>,
}

impl Running {
    pub(super) fn expect(&mut self, plan: &Plan) {
        let widths = plan.steps.iter().map(|step| columns(step.address.as_str()));
        (self.all, self.width) = (plan.steps.len(), widths.max().unwrap_or(0));
        for step in &plan.steps {
            let coming = self.coming.entry((step.address.clone(), step.action)).or_default();
            coming.push_back(step.stage);
        }
    }

    /// Takes note that a step begins, and returns its stage if no other of it began before.
    pub(super) fn enter(&mut self, event: &Event) -> Option<usize> {
        let coming = self.coming.get_mut(&(event.address.clone(), event.action))?;
        let stage = coming.pop_front()?;
        (std::mem::replace(&mut self.stage, stage) < stage).then_some(stage)
    }

    /// Returns how many columns the longest address takes so far.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Takes note of an event, and returns when its step began.
    pub(super) fn note(&mut self, event: &Event, now: Duration) -> Duration {
        self.width = self.width.max(columns(event.address.as_str()));
        if matches!(event.what, EventKind::Started) {
            self.steps.push(Step {
                address: event.address.clone(),
                action: event.action,
                since: now,
                said: words::brief(event),
                retried: None,
            });
        }
        let Some(place) = self.steps.iter().position(|step| step.is_of(event)) else {
            self.count(&event.what);
            return now;
        };
        let since = self.steps[place].since;
        match &event.what {
            EventKind::Waiting(_) | EventKind::Retrying(_) => {
                self.steps[place].said = words::brief(event);
            }
            what if words::is_end(what) => {
                self.count(what);
                drop(self.steps.remove(place));
            }
            _ => {}
        }
        since
    }

    fn count(&mut self, what: &EventKind) {
        match what {
            EventKind::Failed(_) => self.failed += 1,
            EventKind::Skipped(_) => self.skipped += 1,
            what => self.done += usize::from(words::is_end(what)),
        }
    }

    /// Tells whether a step said the same, or anything, about a call made again a moment ago.
    pub(super) fn is_noise(&mut self, event: &Event, now: Duration) -> bool {
        let step = self.steps.iter_mut().find(|step| step.is_of(event));
        let (Some(step), EventKind::Retrying(error)) = (step, &event.what) else { return false };
        let text = without_request(error);
        let noise = step.retried.as_ref().is_some_and(|(when, before)| {
            *before == text || now.saturating_sub(*when) < RETRY_SILENCE
        });
        if !noise {
            step.retried = Some((now, text));
        }
        noise
    }

    /// Says in one line what the run is waiting for; `None` when for nothing.
    pub(super) fn summary(&self, now: Duration) -> Option<String> {
        let of = |step: &Step| {
            format!("{} ({}, {})", step.address, step.said, span(now.saturating_sub(step.since)))
        };
        let mut named: Vec<_> = self.steps.iter().take(NAMED).map(of).collect();
        match self.steps.len().checked_sub(NAMED) {
            Some(more) if more > 0 => named.push(format!("and {more} more")),
            _ if named.is_empty() => return None,
            _ => {}
        }
        Some(format!("{}; waiting for {}", self.tally(), named.join(", ")))
    }

    /// Counts what was done and what was not.
    pub(super) fn tally(&self) -> String {
        let mut tally = match self.all {
            0 => format!("{} done", self.done),
            all => format!("{} of {all} done", self.done),
        };
        for (count, what) in [(self.failed, "failed"), (self.skipped, "skipped")] {
            if count > 0 {
                tally.push_str(&format!(", {count} {what}"));
            }
        }
        tally
    }
}

impl Step {
    fn is_of(&self, event: &Event) -> bool {
        self.address == event.address && self.action == event.action
    }
}
