//! One step under way: what settling and removing have in common.
use crate::calls::{Ended, Engine};
use crate::journal::Journal;
use crate::pace::{Backoff, until_it_may_be_over, until_next_look};
use crate::queue::Ahead;
use provision_core::{
    Action, Address, At, Diff, Driver, Entry, Error, EventKind, Kind, LiveValue, Meta, Owner,
    Progress, Record, StartedValue, Step, resolve,
};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

/// How long something may take to be visible everywhere, which is then no reason to wait on.
const PROPAGATION: Duration = Duration::from_secs(5 * 60);

/// The least that a step is given on our own clock: more than one call that never ends may take.
const LEAST: Duration = Duration::from_secs(45);

/// What to do where time was up.
const GOES_ON: &str = "look at it in the cloud; the same command goes on waiting for it";

/// The same where the cloud has not taken a call.
const ANSWERS: &str = "run the same command again when the cloud answers";

/// The least that something degraded is given on our own clock to get well.
const LEAST_RECOVERY: Duration = Duration::from_secs(4);

/// How a step ended that did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Ready,
    Degraded(String),
    Removed,
    /// It is removed but stays on record, since what needs it does.
    Left(Address),
}

/// How a step lets those go that wait for it.
pub(crate) struct LetGo(Option<(usize, UnboundedSender<usize>)>);

impl LetGo {
    pub(crate) fn of(step: usize, tell: &UnboundedSender<usize>) -> Self {
        Self(Some((step, tell.clone())))
    }

    /// Lets them go, once.
    pub(crate) fn now(&mut self) {
        if let Some((step, tell)) = self.0.take() {
            // Nobody listens any more once the run has ended.
            let _ = tell.send(step);
        }
    }
}

/// What a step has from the run that it is part of.
pub(crate) struct Turn<'a> {
    pub(crate) step: &'a Step,
    /// The object, as the plan saw it.
    pub(crate) seen: Option<&'a LiveValue>,
    /// What that is within, as the plan saw it, unless the record is newer.
    pub(crate) parent: Option<&'a LiveValue>,
    /// A time after that.
    pub(crate) since: Instant,
    pub(crate) let_go: LetGo,
    pub(crate) ahead: Ahead,
}

/// One step under way: what it is about, and what it has seen and sent so far.
pub(crate) struct Work<'a> {
    pub(crate) engine: &'a Engine<'a>,
    pub(crate) journal: &'a Journal,
    pub(crate) step: &'a Step,
    pub(crate) driver: &'a dyn Driver,
    pub(crate) meta: Meta,
    pub(crate) begun: Instant,
    pub(crate) deadline: Instant,
    /// How long that is from its beginning, on the cloud's clock.
    allowed: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) let_go: LetGo,
    /// What let this step go and may be on record still.
    pub(crate) ahead: Ahead,
    /// Since when this run has known the object.
    pub(crate) known: Option<Instant>,
    /// Since when looks have found nothing.
    pub(crate) missing: Option<Instant>,
    /// The cloud's last word, for the error when time is up.
    status: String,
    /// What to do about that, where the driver says so.
    hint: Option<Box<str>>,
    /// What the object is within, as the plan saw it, where that is newer than the record.
    parent: Option<&'a LiveValue>,
    /// The object of somebody else that this step takes over, as the plan saw it.
    pub(crate) adopts: Option<&'a LiveValue>,
    /// Whether this step has made a create call.
    pub(crate) called: bool,
    /// Since when something has been going on that this step began, and how long it usually takes.
    going_on: Option<(Instant, Duration)>,
    /// Since when calls are refused until something else has happened.
    refused: Option<Instant>,
    /// Since when calls are refused for what may not be visible everywhere yet.
    propagating: Option<Instant>,
    /// The refusal of a create because something is there already.
    pub(crate) exists: Option<Error>,
    /// How often there has been such a refusal.
    pub(crate) refusals: usize,
    /// What the last update was to change, and when it was sent.
    pub(crate) sent: Option<(Diff, Instant)>,
    /// Until when it may get well by itself, where it is as it should be, and degraded.
    pub(crate) recovers_until: Option<Instant>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        engine: &'a Engine<'a>,
        journal: &'a Journal,
        turn: Turn<'a>,
    ) -> Result<Self, Ended> {
        let Turn { step, seen, parent, since, let_go, ahead } = turn;
        let foreign = |live: &&LiveValue| matches!(live.owner, Owner::Foreign(_));
        let driver = engine.driver(&step.kind)?;
        let (meta, begun) = (driver.meta(), Instant::now());
        Ok(Self {
            engine,
            journal,
            step,
            driver,
            meta,
            begun,
            allowed: meta.timing.deadline,
            deadline: begun + engine.pace.patience(meta.timing.deadline, LEAST),
            backoff: Backoff::new(),
            let_go,
            ahead,
            known: seen.map(|_| since),
            missing: None,
            status: "nothing was seen of it".into(),
            hint: None,
            parent,
            adopts: seen.filter(|_| step.action == Action::Adopt).filter(foreign),
            called: false,
            going_on: None,
            refused: None,
            propagating: None,
            exists: None,
            refusals: 0,
            sent: None,
            recovers_until: None,
        })
    }

    /// Gives it as long as its object may take to settle.
    pub(crate) fn settling(mut self, spec: &Value) -> Self {
        self.allowed = self.driver.deadline(spec);
        self.deadline = self.begun + self.engine.pace.patience(self.allowed, LEAST);
        self
    }

    pub(crate) fn address(&self) -> &'a Address {
        &self.step.address
    }

    pub(crate) fn record(&self) -> Option<Record> {
        self.journal.with(|state| state.get(self.address()).cloned())
    }

    pub(crate) fn resolved(&self, spec: &Value) -> Value {
        self.journal.with(|state| resolve(spec, &|from, output| state.output(from, output)))
    }

    /// Returns the outputs of the parent that the object is within.
    pub(crate) fn parent(&self, within: Option<&Address>) -> Option<Value> {
        let recorded = |parent| self.journal.with(|s| s.get(parent)?.outputs.clone());
        let seen = self.parent.map(|parent| parent.outputs.clone());
        within.and_then(|parent| seen.or_else(|| recorded(parent)))
    }

    /// Fails when time is up or somebody asked to stop. Called before each turn of a loop.
    pub(crate) fn may_go_on(&self) -> Result<(), Ended> {
        if self.engine.is_stopping() {
            return Err(Ended::Stopped);
        }
        if Instant::now() > self.deadline {
            let what = match self.begun.elapsed().as_secs() {
                seconds @ ..120 => format!("not done after {seconds} seconds"),
                seconds => format!("not done after {} minutes", seconds / 60),
            };
            let what = format!("{what}; last seen: {}", self.status);
            let hint = self.hint.clone().unwrap_or_else(|| GOES_ON.into());
            return Err(Error::invalid(what).hint(hint).into());
        }
        Ok(())
    }

    /// Takes down what there is to say of the step by now; what was to be done about the word before is
    /// over with that.
    pub(crate) fn last_seen(&mut self, status: &str) {
        (self.status, self.hint) = (status.to_owned(), None);
    }

    /// Waits one turn while the cloud is at work, and tells so when its word changes.
    pub(crate) async fn wait_for(&mut self, status: &str) -> Result<(), Ended> {
        if self.status != status {
            self.last_seen(status);
            self.engine.tell(self.step, EventKind::Waiting(status.to_owned()));
        }
        self.engine.wait(self.until_next_turn()).await
    }

    /// Returns how long to wait, on the cloud's clock, before looking again at what is going on.
    fn until_next_turn(&self) -> Duration {
        let (since, usually) = self.going_on.unwrap_or((self.begun, Duration::ZERO));
        let (least, waited) = (self.meta.timing.poll, self.engine.pace.cloud(since.elapsed()));
        until_it_may_be_over(least, usually, waited)
    }

    /// Waits one turn while something degraded may get well by itself. False when its time is up,
    /// or would be before the next look.
    ///
    /// Its time does not begin before all that let it go has ended: it may lack just that. If that
    /// did not end well, one more look tells how it is.
    pub(crate) async fn may_recover(&mut self, why: &str) -> Result<bool, Ended> {
        if !self.ahead.is_empty() {
            self.engine.tell(self.step, EventKind::Waiting(why.to_owned()));
            let ended_well = self.all_ahead_end().await.is_ok();
            self.ahead.clear();
            let now = Instant::now();
            self.deadline = now + self.engine.pace.patience(self.allowed, LEAST);
            self.going_on = Some((now, Duration::ZERO));
            self.recovers_until = (!ended_well).then_some(now);
            return self.may_go_on().map(|()| true);
        }
        let recovery = self.engine.pace.patience(self.meta.timing.recovery, LEAST_RECOVERY);
        let now = Instant::now();
        let until = *self.recovers_until.get_or_insert(now + recovery);
        if now >= until || now + self.engine.pace.of(self.until_next_turn()) >= self.deadline {
            return Ok(false);
        }
        self.wait_for(why).await.map(|()| true)
    }

    /// Waits before making a call again whose failure passes.
    pub(crate) async fn try_again(&mut self, error: Error) -> Result<(), Ended> {
        let pace = self.engine.pace;
        let mut overdue = self.begun.elapsed() > pace.of(self.allowed);
        if error.kind == Kind::Propagation {
            let spent = self.propagating.get_or_insert_with(Instant::now).elapsed();
            if spent > pace.patience(PROPAGATION, LEAST) {
                return Err(error.into());
            }
            overdue |= spent > pace.of(PROPAGATION);
        }
        let wait = match error.kind {
            Kind::Blocked | Kind::Propagation => {
                let refused = self.refused.get_or_insert_with(Instant::now).elapsed();
                self.backoff.again(pace, pace.cloud(refused), overdue)
            }
            _ => self.backoff.next(pace, overdue),
        };
        let answers = (error.kind == Kind::Retry).then_some(ANSWERS.into());
        (self.status, self.hint) = (error.to_string(), error.hint.clone().or(answers));
        self.engine.tell(self.step, EventKind::Retrying(error));
        self.engine.pause(wait).await
    }

    /// Waits until all that let this step go has ended.
    ///
    /// # Errors
    /// The first of them that did not end well.
    pub(crate) async fn all_ahead_end(&mut self) -> Result<(), Address> {
        let mut all = Ok(());
        for (address, end) in &mut self.ahead {
            let end = end.wait_for(Option::is_some).await.map(|end| *end);
            if !matches!(end, Ok(Some(true))) {
                all = all.and(Err(address.clone()));
            }
        }
        all
    }

    /// Returns since when looks have found nothing, which begins now if they just have.
    pub(crate) fn missing_for(&mut self) -> Duration {
        self.missing.get_or_insert_with(Instant::now).elapsed()
    }

    /// Waits for the next look for what is missing. False when it was missing for so long that it
    /// counts as gone; `seen_to_go` tells that its removal was accepted by then.
    pub(crate) async fn look_again(&mut self, seen_to_go: bool) -> Result<bool, Ended> {
        let missing = self.missing_for();
        let grace = if seen_to_go { self.parting() } else { self.grace() };
        if missing >= grace {
            return Ok(false);
        }
        let turn = self.engine.pace.of(self.turn());
        self.engine.pause(until_next_look(turn, missing, grace)).await.map(|()| true)
    }

    /// Returns how long to wait before looking again for what reads may not show yet.
    pub(crate) fn turn(&self) -> Duration {
        match self.meta.timing.grace.is_zero() {
            true => self.meta.timing.poll,
            false => self.meta.timing.poll.min(self.meta.timing.grace),
        }
    }

    /// Returns how long an object must be missing that was there until its removal was accepted.
    /// What counts is how long it had been known when a look first missed it.
    fn parting(&self) -> Duration {
        let missed = self.missing.unwrap_or_else(Instant::now);
        let known = self.known.map(|since| missed.saturating_duration_since(since));
        let (pace, known) = (self.engine.pace, known.unwrap_or_default());
        pace.of(self.meta.timing.until_surely_gone(pace.cloud(known)))
    }

    pub(crate) fn grace(&self) -> Duration {
        self.engine.pace.of(self.meta.timing.grace)
    }

    pub(crate) async fn write(&self, entry: &Entry) -> Result<u64, Ended> {
        Ok(self.journal.record(entry).await?)
    }

    pub(crate) async fn read(
        &self,
        at: At<'_>,
        spec: &Value,
        known: Option<&Value>,
    ) -> Result<Option<LiveValue>, Ended> {
        let read = async || self.driver.read(at, spec, known).await;
        self.engine.ask(Some(self.deadline), read).await
    }

    /// Follows the operation on record. True when none is left.
    pub(crate) async fn follow(&mut self, at: At<'_>, record: &Record) -> Result<bool, Ended> {
        let Some(operation) = &record.operation else { return Ok(true) };
        let poll = async || self.driver.poll(at, operation).await;
        let progress = self.engine.ask(Some(self.deadline), poll).await?;
        if let Progress::Running(status) = &progress {
            self.wait_for(status).await?;
            return Ok(false);
        }
        self.write(&Entry::Operation { address: self.address().clone(), operation: None }).await?;
        match progress {
            Progress::Failed(error) => Err(error.into()),
            _ => Ok(true),
        }
    }

    /// Records what an accepted call began, which usually takes so long.
    pub(crate) async fn began(
        &mut self,
        started: &StartedValue,
        usually: Duration,
    ) -> Result<(), Ended> {
        (self.going_on, self.refused) = (Some((Instant::now(), usually)), None);
        if let Some(operation) = started.operation.clone() {
            let (address, operation) = (self.address().clone(), Some(operation));
            self.write(&Entry::Operation { address, operation }).await?;
        }
        Ok(())
    }
}
