//! Moving lines on a terminal.
use super::{Key, words};
use crate::render::duration::span;
use crate::render::style::{Paint, Style, clean};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use provision_core::{Event, EventKind};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// How often lines move.
const TICK: Duration = Duration::from_millis(120);
/// The column that addresses are shown in.
const ADDRESS: usize = 34;

/// A line for each running step, and one that sums up. Lines of ended steps scroll away upwards.
pub(super) struct Live {
    style: Style,
    bars: MultiProgress,
    steps: BTreeMap<Key, ProgressBar>,
    tally: Arc<Tally>,
    total: Option<ProgressBar>,
}

#[derive(Default)]
struct Tally {
    all: AtomicUsize,
    done: AtomicUsize,
    running: AtomicUsize,
}

impl Live {
    pub(super) fn new(style: Style) -> Self {
        let (steps, tally) = (BTreeMap::new(), Arc::default());
        Self { style, bars: MultiProgress::new(), steps, tally, total: None }
    }

    /// Sets how many steps there will be.
    pub(super) fn expect(&self, steps: usize) {
        self.tally.all.store(steps, Relaxed);
    }

    pub(super) fn event(&mut self, event: &Event) {
        let key = (event.address.clone(), event.action);
        match &event.what {
            EventKind::Started => self.begin(key, event),
            EventKind::Waiting(_) | EventKind::Retrying(_) => {
                let said = words::of(event, Duration::ZERO).unwrap_or_default();
                if let Some(bar) = self.steps.get(&key) {
                    bar.set_message(self.style.paint(Paint::Dim, &clean(&said)));
                }
            }
            what if words::is_end(what) => self.close(&key, event),
            _ => {}
        }
    }

    /// Prints a line above the moving ones.
    pub(super) fn say(&self, line: &str) {
        let _ = self.bars.println(line);
    }

    /// Takes the moving lines away.
    pub(super) fn end(self) {
        self.steps.values().chain(&self.total).for_each(ProgressBar::finish_and_clear);
        let _ = self.bars.clear();
    }

    fn begin(&mut self, key: Key, event: &Event) {
        if self.total.is_none() {
            self.total = Some(self.total());
        }
        let bar = ProgressBar::new_spinner()
            .with_style(look("  {spinner} {prefix} {since:>6}  {wide_msg}"));
        let last = self.total.as_ref().map(|total| self.bars.insert_before(total, bar.clone()));
        let bar = last.unwrap_or_else(|| self.bars.add(bar));
        bar.set_prefix(format!("{:<ADDRESS$}", clean(event.address.as_str())));
        bar.set_message(self.style.paint(Paint::Dim, &format!("{}…", words::doing(event.action))));
        bar.enable_steady_tick(TICK);
        self.steps.insert(key, bar);
        self.tally.running.store(self.steps.len(), Relaxed);
    }

    fn close(&mut self, key: &Key, event: &Event) {
        let bar = self.steps.remove(key);
        self.tally.running.store(self.steps.len(), Relaxed);
        let took = bar.as_ref().map(ProgressBar::elapsed).unwrap_or_default();
        let (sign, paint) = match &event.what {
            EventKind::Failed(_) => ("✗", Paint::Red),
            EventKind::Degraded(_) => ("!", Paint::Yellow),
            EventKind::Skipped(_) => ("·", Paint::Dim),
            _ => ("✓", Paint::Green),
        };
        if !matches!(event.what, EventKind::Failed(_) | EventKind::Skipped(_)) {
            self.tally.done.fetch_add(1, Relaxed);
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        let said = clean(&words::of(event, took).unwrap_or_default());
        let address = clean(event.address.as_str());
        self.say(&format!("  {} {address:<ADDRESS$} {said}", self.style.paint(paint, sign)));
    }

    /// Makes the line that sums up.
    fn total(&self) -> ProgressBar {
        let tally = Arc::clone(&self.tally);
        let write = move |state: &ProgressState, out: &mut dyn fmt::Write| {
            let done = tally.done.load(Relaxed);
            let (all, running) = (tally.all.load(Relaxed), tally.running.load(Relaxed));
            let took = span(state.elapsed());
            let of_all = if all > 0 { format!("/{all}") } else { String::new() };
            let _ = write!(out, "{done}{of_all} done, {running} running, {took}");
        };
        let bar = ProgressBar::new_spinner().with_style(look("  {tally}").with_key("tally", write));
        let bar = self.bars.add(bar);
        bar.enable_steady_tick(TICK);
        bar
    }
}

/// Returns the look of a line; a template that is not understood shows the plain text of a line.
fn look(template: &str) -> ProgressStyle {
    let since = |state: &ProgressState, out: &mut dyn fmt::Write| {
        let _ = out.write_str(&span(state.elapsed()));
    };
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_spinner()).with_key("since", since)
}
