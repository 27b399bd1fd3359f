//! What happens during a run, shown as it happens.
mod live;
mod running;
#[cfg(test)]
mod tests;
mod ticker;
mod words;

use super::duration::clock;
pub(crate) use super::finish::Finish;
use super::finish::error;
use super::plan::View;
use super::style::{Style, clean, is_dumb};
use crate::args::Global;
use live::Live;
pub(super) use live::{FRAME, picture, size};
use provision_core::{Event, EventKind};
use running::Running;
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ticker::Ticker;

/// The format of an event line.
const EVENT_FORMAT: &str = "provision.event/v1";
/// How long plain lines may be silent: some build servers end a job that says nothing for long.
const SILENCE: Duration = Duration::from_secs(60);

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One moving line per running step, for terminals.
    Live,
    /// One line per event.
    Plain,
    /// One JSON object per event.
    Json,
    /// Nothing but what went wrong, at the end.
    Quiet,
}

impl Mode {
    /// Returns how a command shows what it does, by its flags and where its output goes.
    pub(crate) fn of(global: &Global) -> Self {
        match () {
            () if global.json => Self::Json,
            () if global.quiet => Self::Quiet,
            // Log lines and moving lines would overwrite one another.
            () if global.logs() || is_dumb() => Self::Plain,
            () if io::stderr().is_terminal() && io::stdout().is_terminal() => Self::Live,
            () => Self::Plain,
        }
    }
}

/// Shows a run. It may be shared between threads; a closed pipe silences it.
pub(crate) struct Reporter {
    mode: Mode,
    style: Style,
    inner: Arc<Mutex<Inner>>,
    ticker: Option<Ticker>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    time: Time,
    seq: u64,
    running: Running,
    /// What each stage is about.
    stages: Vec<String>,
    live: Option<Live>,
    /// When the last plain line was written.
    spoke: Duration,
}

/// A clock of its own, which shows the time since some beginning.
type Clock = Box<dyn Fn() -> Duration + Send>;

/// Where the time comes from.
pub(crate) enum Time {
    Real(Instant),
    /// What a simulated clock shows is told, and the real one is for those who wait.
    Simulated(Instant, Duration, Clock),
    #[cfg(test)]
    Set(Arc<std::sync::atomic::AtomicU64>),
}

impl Time {
    /// Begins to count the real time.
    pub(crate) fn real() -> Self {
        Self::Real(Instant::now())
    }

    /// Begins to count the time of another clock.
    pub(crate) fn simulated(clock: impl Fn() -> Duration + Send + 'static) -> Self {
        Self::Simulated(Instant::now(), clock(), Box::new(clock))
    }

    /// Returns how much time is told to have passed.
    fn elapsed(&self) -> Duration {
        match self {
            Self::Real(begin) => begin.elapsed(),
            Self::Simulated(_, begin, clock) => clock().saturating_sub(*begin),
            #[cfg(test)]
            Self::Set(seconds) => {
                Duration::from_secs(seconds.load(std::sync::atomic::Ordering::Relaxed))
            }
        }
    }

    /// Returns how much time has passed for who waits.
    fn waited(&self) -> Duration {
        match self {
            Self::Simulated(begin, ..) => begin.elapsed(),
            _ => self.elapsed(),
        }
    }

    fn now(&self) -> jiff::Timestamp {
        match self {
            Self::Real(_) | Self::Simulated(..) => jiff::Timestamp::now(),
            #[cfg(test)]
            Self::Set(_) => jiff::Timestamp::UNIX_EPOCH + self.elapsed(),
        }
    }
}

impl Reporter {
    /// Shows a run, with times as `time` tells them.
    pub(crate) fn new(mode: Mode, style: Style, time: Time) -> Self {
        let live = (mode == Mode::Live).then(|| Live::new(style, size));
        let mut this = Self::with(mode, style, Box::new(io::stdout()), time, live);
        this.ticker = match mode {
            Mode::Live | Mode::Plain => Some(Ticker::start(&this.inner)),
            Mode::Json | Mode::Quiet => None,
        };
        this
    }

    fn with(
        mode: Mode,
        style: Style,
        out: Box<dyn Write + Send>,
        time: Time,
        live: Option<Live>,
    ) -> Self {
        let (running, stages, spoke) = (Running::default(), Vec::new(), Duration::ZERO);
        let inner = Inner { out, time, seq: 0, running, stages, live, spoke };
        Self { mode, style, inner: Arc::new(Mutex::new(inner)), ticker: None }
    }

    /// Returns how much time is told to have passed.
    pub(crate) fn elapsed(&self) -> Duration {
        self.inner().time.elapsed()
    }

    /// Shows what is about to be done, for runs whose plan nobody has been shown. Where it has
    /// been, [`Reporter::expect`] does.
    pub(crate) fn planned(&self, view: &View<'_>) {
        self.expect(view);
        let mut inner = self.inner();
        match self.mode {
            Mode::Json => {
                let fields = json!({"summary": view.summary(), "plan": view.json()});
                inner.line("planned", None, fields);
            }
            Mode::Live | Mode::Plain => inner.write(&format!("{}\n", view.text(&self.style))),
            Mode::Quiet => {}
        }
    }

    /// Says which steps there will be, so that moving lines can tell how far the run is, and what
    /// each stage is about.
    pub(crate) fn expect(&self, view: &View<'_>) {
        let mut inner = self.inner();
        inner.running.expect(view.plan);
        inner.stages = view.stages.iter().map(ToString::to_string).collect();
    }

    /// Shows one event.
    pub(crate) fn event(&self, event: &Event) {
        let mut inner = self.inner();
        let now = inner.time.elapsed();
        if matches!(event.what, EventKind::Started)
            && let Some(stage) = inner.running.enter(event)
        {
            inner.begin(stage, self.mode);
        }
        let since = inner.running.note(event, now);
        match self.mode {
            Mode::Json => inner.json(event),
            Mode::Plain => inner.plain(event, now, since),
            Mode::Live => inner.live(event, now, since),
            Mode::Quiet => {}
        }
    }

    /// Says something that is about the whole run, such as that it is being stopped. JSON has no
    /// place for it.
    pub(crate) fn note(&self, text: &str) {
        self.inner().note(text, self.mode);
    }

    /// Shows how the run ended. Nothing may be shown after it.
    pub(crate) fn finished(&self, finish: &Finish<'_>) {
        let mut inner = self.inner();
        let style = inner.live.as_ref().map_or(self.style, |live| live.fitted(&self.style));
        inner.end();
        match self.mode {
            Mode::Json => inner.line("finished", None, Value::Object(finish.json())),
            Mode::Quiet => inner.write(&finish.trouble_text(&style)),
            Mode::Live | Mode::Plain => inner.write(&format!("\n{}", finish.text(&style))),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reporter {
    /// Takes the moving lines away when a run ended with an error.
    fn drop(&mut self) {
        drop(self.ticker.take());
        self.inner().end();
    }
}

impl Inner {
    /// Says that a later stage begins, if it is known what it is about.
    fn begin(&mut self, stage: usize, mode: Mode) {
        if let Some(title) = self.stages.get(stage).filter(|title| !title.is_empty()).cloned() {
            self.note(&title, mode);
        }
    }

    fn note(&mut self, text: &str, mode: Mode) {
        match mode {
            Mode::Live => self.say(text),
            Mode::Plain => self.tell(text),
            Mode::Json | Mode::Quiet => {}
        }
    }

    fn plain(&mut self, event: &Event, now: Duration, since: Duration) {
        let is_again = matches!(event.what, EventKind::Retrying(_));
        if is_again && self.running.is_noise(event, self.time.waited()) {
            return;
        }
        if let Some(text) = words::of(event, now.saturating_sub(since)) {
            self.tell(&format!("{}: {text}", event.address));
        }
    }

    /// Writes a plain line.
    fn tell(&mut self, text: &str) {
        self.spoke = self.time.waited();
        self.write(&format!("[{}] {}\n", clock(self.time.elapsed()), clean(text)));
    }

    /// Moves the lines of a terminal, and breaks a long silence elsewhere.
    fn tick(&mut self) {
        let now = self.time.elapsed();
        if self.live.is_some() {
            self.draw(&[], now);
        } else if self.time.waited().saturating_sub(self.spoke) >= SILENCE
            && let Some(text) = self.running.summary(now)
        {
            self.tell(&text);
        }
    }

    fn live(&mut self, event: &Event, now: Duration, since: Duration) {
        let Some(live) = &self.live else { return };
        let above = live.ended(event, now.saturating_sub(since), self.running.width());
        self.draw(&above, now);
    }

    /// Writes text above the moving lines.
    fn say(&mut self, text: &str) {
        let above = self.live.as_ref().map(|live| live.broken(text)).unwrap_or_default();
        self.draw(&above, self.time.elapsed());
    }

    fn draw(&mut self, above: &[String], now: Duration) {
        if let Some(live) = &mut self.live {
            let text = live.draw(above, &self.running, now, self.time.waited());
            self.write(&text);
        }
    }

    /// Takes the moving lines away for good.
    fn end(&mut self) {
        if let Some(mut live) = self.live.take() {
            let text = live.clear();
            self.write(&text);
        }
    }

    fn json(&mut self, event: &Event) {
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
        self.line(name, Some(event), more);
    }

    /// Writes one line of JSON. Numbers are given out under the same lock that lines are
    /// written under, so that they stand in order.
    fn line(&mut self, name: &str, event: Option<&Event>, more: Value) {
        self.seq += 1;
        let mut line = Map::new();
        line.insert("format".into(), EVENT_FORMAT.into());
        line.insert("seq".into(), self.seq.into());
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
        self.write(&format!("{}\n", Value::Object(line)));
    }

    /// Writes and flushes. A reader that has gone away is no reason to stop a run.
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}
