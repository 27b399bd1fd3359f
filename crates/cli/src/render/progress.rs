//! What happens during a run, shown as it happens.
mod live;
#[cfg(test)]
mod tests;
mod words;

use super::duration::clock;
pub(crate) use super::finish::Finish;
use super::finish::error;
use super::plan::View;
use super::style::{Style, clean};
use live::Live;
use provision_core::{Action, Address, Event, EventKind};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The format of an event line.
const EVENT_FORMAT: &str = "provision.event/v1";
/// How long one step stays silent about calls that are made again.
const RETRY_SILENCE: Duration = Duration::from_secs(10);

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One moving line per running step, on standard error, for terminals.
    Live,
    /// One line per event.
    Plain,
    /// One JSON object per event.
    Json,
    /// Nothing but what went wrong, at the end.
    Quiet,
}

/// Shows a run. It may be shared between threads; a closed pipe silences it.
pub(crate) struct Reporter {
    mode: Mode,
    style: Style,
    time: Time,
    inner: Mutex<Inner>,
}

/// What a step is known by while it runs.
type Key = (Address, Action);

struct Inner {
    out: Box<dyn Write + Send>,
    seq: u64,
    steps: BTreeMap<Key, Running>,
    live: Option<Live>,
}

/// A step under way.
struct Running {
    since: Duration,
    retried: Option<(Duration, String)>,
}

/// Where the time comes from.
enum Time {
    Real(Instant),
    #[cfg(test)]
    Set(std::sync::Arc<std::sync::atomic::AtomicU64>),
}

impl Time {
    fn elapsed(&self) -> Duration {
        match self {
            Self::Real(begin) => begin.elapsed(),
            #[cfg(test)]
            Self::Set(seconds) => {
                Duration::from_secs(seconds.load(std::sync::atomic::Ordering::Relaxed))
            }
        }
    }

    fn now(&self) -> jiff::Timestamp {
        match self {
            Self::Real(_) => jiff::Timestamp::now(),
            #[cfg(test)]
            Self::Set(_) => jiff::Timestamp::UNIX_EPOCH + self.elapsed(),
        }
    }
}

impl Reporter {
    /// Begins to count the time. [`Mode::Live`] becomes [`Mode::Plain`] where standard error is
    /// no terminal.
    pub(crate) fn new(mode: Mode, style: Style) -> Self {
        let mode = match mode {
            Mode::Live if !io::stderr().is_terminal() => Mode::Plain,
            mode => mode,
        };
        Self::with(mode, style, Box::new(io::stdout()), Time::Real(Instant::now()))
    }

    fn with(mode: Mode, style: Style, out: Box<dyn Write + Send>, time: Time) -> Self {
        let live = (mode == Mode::Live).then(|| Live::new(style));
        let inner = Mutex::new(Inner { out, seq: 0, steps: BTreeMap::new(), live });
        Self { mode, style, time, inner }
    }

    /// Shows what is about to be done, for runs whose plan nobody has been shown. Where it has
    /// been, [`Reporter::expect`] does.
    pub(crate) fn planned(&self, view: &View<'_>) {
        self.expect(view.plan.steps.len());
        let mut inner = self.inner();
        match self.mode {
            Mode::Json => {
                let fields = json!({"summary": view.summary(), "plan": view.json()});
                self.line(&mut inner, "planned", None, fields);
            }
            Mode::Live | Mode::Plain => inner.write(&format!("{}\n", view.text(&self.style))),
            Mode::Quiet => {}
        }
    }

    /// Sets how many steps there will be, so that moving lines can tell how far the run is.
    pub(crate) fn expect(&self, steps: usize) {
        if let Some(live) = &self.inner().live {
            live.expect(steps);
        }
    }

    /// Shows one event.
    pub(crate) fn event(&self, event: &Event) {
        let mut inner = self.inner();
        match self.mode {
            Mode::Json => self.json(&mut inner, event),
            Mode::Plain => self.plain(&mut inner, event),
            Mode::Live => {
                if let Some(live) = &mut inner.live {
                    live.event(event);
                }
            }
            Mode::Quiet => {}
        }
    }

    /// Says something that is about the whole run, such as that it is being stopped. JSON has no
    /// place for it.
    pub(crate) fn note(&self, text: &str) {
        let mut inner = self.inner();
        match (self.mode, &inner.live) {
            (Mode::Live, Some(live)) => live.say(&clean(text)),
            (Mode::Live | Mode::Plain, _) => {
                let line = format!("[{}] {}\n", clock(self.time.elapsed()), clean(text));
                inner.write(&line);
            }
            (Mode::Json | Mode::Quiet, _) => {}
        }
    }

    /// Shows how the run ended. Nothing may be shown after it.
    pub(crate) fn finished(&self, finish: &Finish<'_>) {
        let mut inner = self.inner();
        if let Some(live) = inner.live.take() {
            live.end();
        }
        match self.mode {
            Mode::Json => self.line(&mut inner, "finished", None, Value::Object(finish.json())),
            Mode::Quiet => inner.write(&finish.trouble_text(&self.style)),
            Mode::Live | Mode::Plain => inner.write(&format!("\n{}", finish.text(&self.style))),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plain(&self, inner: &mut Inner, event: &Event) {
        let now = self.time.elapsed();
        let key = (event.address.clone(), event.action);
        let since = match &event.what {
            EventKind::Started => {
                inner.steps.insert(key.clone(), Running { since: now, retried: None });
                now
            }
            EventKind::Retrying(_) if inner.is_noise(&key, now, event) => return,
            _ => inner.steps.get(&key).map_or(now, |running| running.since),
        };
        if words::is_end(&event.what) {
            inner.steps.remove(&key);
        }
        if let Some(text) = words::of(event, now.saturating_sub(since)) {
            inner.write(&format!("[{}] {}: {}\n", clock(now), event.address, clean(&text)));
        }
    }

    fn json(&self, inner: &mut Inner, event: &Event) {
        let (name, more) = match &event.what {
            EventKind::Called(_) => return,
            EventKind::Started => ("started", json!({})),
            EventKind::Waiting(status) => ("waiting", json!({"status": status})),
            EventKind::Retrying(e) => ("retrying", json!({"error": error(e)})),
            EventKind::Settled(outputs) => ("settled", json!({"outputs": outputs})),
            EventKind::Adopted(outputs) => ("adopted", json!({"outputs": outputs})),
            EventKind::Degraded(why) => ("degraded", json!({"reason": why})),
            EventKind::Removed => ("removed", json!({})),
            EventKind::Skipped(why) => ("skipped", json!({"reason": why})),
            EventKind::Failed(e) => ("failed", json!({"error": error(e)})),
        };
        self.line(inner, name, Some(event), more);
    }

    /// Writes one line of JSON. Numbers are given out under the same lock that lines are
    /// written under, so that they stand in order.
    fn line(&self, inner: &mut Inner, name: &str, event: Option<&Event>, more: Value) {
        inner.seq += 1;
        let mut line = Map::new();
        line.insert("format".into(), EVENT_FORMAT.into());
        line.insert("seq".into(), inner.seq.into());
        line.insert("time".into(), format!("{:.3}", self.time.now()).into());
        line.insert("type".into(), name.into());
        line.insert("address".into(), event.map(|event| event.address.as_str()).into());
        if let Some(event) = event {
            line.insert("kind".into(), event.kind.as_str().into());
            line.insert("action".into(), event.action.to_string().into());
        }
        if let Value::Object(more) = more {
            line.extend(more);
        }
        inner.write(&format!("{}\n", Value::Object(line)));
    }
}

impl Inner {
    /// Writes and flushes. A reader that has gone away is no reason to stop a run.
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }

    /// Tells whether a step said the same, or anything, about a call made again a moment ago.
    fn is_noise(&mut self, key: &Key, now: Duration, event: &Event) -> bool {
        let (Some(step), EventKind::Retrying(error)) = (self.steps.get_mut(key), &event.what)
        else {
            return false;
        };
        let text = super::finish::without_request(error);
        let noise = step.retried.as_ref().is_some_and(|(when, before)| {
            *before == text || now.saturating_sub(*when) < RETRY_SILENCE
        });
        if !noise {
            step.retried = Some((now, text));
        }
        noise
    }
}
