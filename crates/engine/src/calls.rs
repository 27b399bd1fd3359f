//! How the engine calls a cloud: within a bound, on a clock, and with a way to be stopped.
use crate::journal::Journal;
use crate::listings::Listings;
use crate::pace::{Backoff, Pace};
use crate::stop::Stop;
use provision_core::{
    Address, At, Driver, Drivers, Error, Event, EventKind, Kind, Marks, Result, Secrets, Step,
};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Observes one cluster's cloud objects and carries out plans for them.
pub struct Engine<'a> {
    pub(crate) drivers: &'a Drivers,
    pub(crate) marks: Marks,
    pub(crate) secrets: &'a dyn Secrets,
    pub(crate) pace: Pace,
    stop: Stop,
    /// Asked when something failed that ends the run.
    pub(crate) halt: Stop,
    pub(crate) listings: Listings,
    events: Option<&'a (dyn Fn(Event) + Send + Sync)>,
    bound: Semaphore,
}

/// Why a step ended before it was done.
#[derive(Debug)]
pub(crate) enum Ended {
    Failed(Error),
    Stopped,
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Failed(error) => error,
            Ended::Stopped => Self::new(Kind::Retry, "interrupted"),
        }
    }
}

/// How often the first call of a run is made at most: nobody waits long for a cloud that is not
/// there.
const FIRST_CALLS: usize = 3;

/// Makes a call that changes nothing and comes before any engine, again while its failure passes, until
/// somebody says to stop.
///
/// # Errors
/// What the call failed with in the end.
pub async fn first_call<T>(
    pace: Pace,
    stop: &Stop,
    call: impl AsyncFn() -> Result<T>,
) -> Result<T> {
    tokio::select! {
        biased;
        done = a_few_times(pace, call) => done,
        () = stop.asked() => Err(Ended::Stopped.into()),
    }
}

async fn a_few_times<T>(pace: Pace, call: impl AsyncFn() -> Result<T>) -> Result<T> {
    let mut backoff = Backoff::new();
    for _ in 1..FIRST_CALLS {
        match call().await {
            Err(e) if e.kind.is_transient() => {
                tracing::debug!(error = %e, "asked again");
                tokio::time::sleep(backoff.next(pace, false)).await;
            }
            done => return done,
        }
    }
    call().await
}

/// How long it takes until something is looked at again that somebody waits for.
const NEXT_LOOK: Duration = Duration::from_secs(2);

/// The same at least on our own clock, where a simulated one is much faster.
const LEAST_NEXT_LOOK: Duration = Duration::from_millis(20);

/// Looks until there is an answer, also past failures that pass. `None` when that takes longer than
/// `patience`, or as soon as somebody says to stop.
///
/// # Errors
/// What a look failed with that no later one mends.
pub async fn look_until<T>(
    pace: Pace,
    patience: Duration,
    stop: &Stop,
    look: impl AsyncFn() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let (begun, longest) = (Instant::now(), pace.patience(patience, LEAST_LOOKING));
    loop {
        let is_over = begun.elapsed() >= longest;
        match look().await {
            Ok(None) => {}
            Err(error) if error.kind.is_transient() && !is_over => {}
            answer => return answer,
        }
        if is_over || stop.is_asked() {
            return Ok(None);
        }
        tokio::select! {
            () = tokio::time::sleep(pace.of(NEXT_LOOK).max(LEAST_NEXT_LOOK)) => {}
            () = stop.asked() => {}
        }
    }
}

/// How long a read that fails may be tried again while nothing but looking is going on.
const PATIENCE: Duration = Duration::from_secs(120);

/// The least of it on our own clock where the cloud is at fault: a read may be many calls, each of which
/// fails before all are well, and a call that hangs takes as long as one may.
const LEAST_PATIENCE: Duration = Duration::from_secs(45);

/// The least on our own clock that somebody waits for what may never come.
const LEAST_LOOKING: Duration = Duration::from_secs(3);

impl<'a> Engine<'a> {
    /// Makes an engine for the objects with these marks, with at most `bound` calls at once.
    pub fn new(drivers: &'a Drivers, marks: Marks, secrets: &'a dyn Secrets, bound: usize) -> Self {
        Self {
            drivers,
            marks,
            secrets,
            pace: Pace::REAL,
            stop: Stop::default(),
            halt: Stop::default(),
            listings: Listings::default(),
            events: None,
            bound: Semaphore::new(bound.max(1)),
        }
    }

    /// Sets how fast it waits.
    #[must_use]
    pub fn at_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Sets what may stop it.
    #[must_use]
    pub fn until(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Sets who is told what happens.
    #[must_use]
    pub fn telling(mut self, events: &'a (dyn Fn(Event) + Send + Sync)) -> Self {
        self.events = Some(events);
        self
    }

    pub(crate) fn driver(&self, kind: &str) -> Result<&'a dyn Driver> {
        let driver = self.drivers.get(kind).map(AsRef::as_ref);
        driver.ok_or_else(|| Error::invalid(format!("this version does not know kind {kind}")))
    }

    pub(crate) fn at<'b>(&'b self, address: &'b Address, within: Option<&'b Value>) -> At<'b> {
        At { marks: &self.marks, address, token: "", within, secrets: self.secrets }
    }

    /// Makes one call within the bound.
    pub(crate) async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let _place = self.bound.acquire().await.expect("the bound is never closed");
        call.await
    }

    /// Asks the cloud many things, and all of them again while the failure of one passes.
    ///
    /// # Errors
    /// What the cloud answered in the end.
    pub async fn asked<T>(&self, calls: impl AsyncFn() -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + self.patience(Kind::Retry);
        self.ask(Some(deadline), calls).await.map_err(Error::from)
    }

    /// Makes a call that changes nothing, again while its failure passes and there is time. Nobody who
    /// says to stop waits for it.
    pub(crate) async fn ask<T>(
        &self,
        deadline: Option<Instant>,
        call: impl AsyncFn() -> Result<T>,
    ) -> Result<T, Ended> {
        let begun = Instant::now();
        let until = |kind| deadline.unwrap_or_else(|| begun + self.patience(kind));
        let mut backoff = Backoff::new();
        loop {
            let answer = tokio::select! {
                biased;
                answer = self.call(call()) => answer,
                () = self.stop.asked() => return Err(Ended::Stopped),
                () = self.halt.asked() => return Err(Ended::Stopped),
            };
            match answer {
                Err(e) if e.kind.is_transient() && Instant::now() < until(e.kind) => {
                    let overdue = begun.elapsed() > self.pace.of(PATIENCE);
                    self.pause(backoff.next(self.pace, overdue)).await?;
                }
                done => return Ok(done?),
            }
        }
    }

    /// Returns how long a call that changes nothing is made again while its failure passes.
    fn patience(&self, failure: Kind) -> Duration {
        let least = if failure == Kind::Retry { LEAST_PATIENCE } else { LEAST_LOOKING };
        self.pace.patience(PATIENCE, least)
    }

    /// Waits for a span of the cloud's clock, or until asked to stop.
    pub(crate) async fn wait(&self, span: Duration) -> Result<(), Ended> {
        self.pause(self.pace.of(span)).await
    }

    /// Waits for a span of our own clock, or until asked to stop.
    pub(crate) async fn pause(&self, span: Duration) -> Result<(), Ended> {
        tokio::select! {
            () = self.stop.asked() => Err(Ended::Stopped),
            () = self.halt.asked() => Err(Ended::Stopped),
            () = tokio::time::sleep(span) => Ok(()),
        }
    }

    /// Tells whether nothing new may begin.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_asked() || self.halt.is_asked()
    }

    pub(crate) fn tell(&self, step: &Step, what: EventKind) {
        if let Some(tell) = self.events {
            let (address, kind) = (step.address.clone(), step.kind.clone());
            tell(Event { address, kind, action: step.action, what });
        }
    }

    /// Writes down what the cloud decided, before anything that relies on it is made.
    ///
    /// # Errors
    /// [`Kind::Journal`] when it cannot be written.
    pub async fn record_facts(
        &self,
        journal: &Journal,
        facts: &provision_core::Facts,
    ) -> Result<()> {
        let old = journal.with(provision_core::State::facts).recorded;
        let gone = old.keys().filter(|key| !facts.recorded.contains_key(*key));
        let gone = gone.map(|key| (key.clone(), Value::Null));
        let new = facts.recorded.iter().filter(|(key, value)| old.get(*key) != Some(value));
        let new = new.map(|(key, value)| (key.clone(), value.clone()));
        for (key, value) in gone.chain(new) {
            journal.record(&provision_core::Entry::Fact { key, value }).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn nobody_who_says_to_stop_waits_for_a_first_call() {
        let stop = Stop::default();
        let call = async || std::future::pending::<Result<()>>().await;
        let asked = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            stop.ask();
        };
        let begun = Instant::now();
        let (ended, ()) = tokio::join!(first_call(Pace::REAL, &stop, call), asked);
        assert_eq!(ended.unwrap_err().message, "interrupted");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_call_is_made_again_a_few_times_while_its_failure_passes() {
        let tries = async |failures: usize, kind: Kind| {
            let made = Cell::new(0);
            let call = async || {
                made.set(made.get() + 1);
                match made.get() > failures {
                    true => Ok(()),
                    false => Err(Error::new(kind, "no")),
                }
            };
            let ended = first_call(Pace::REAL, &Stop::default(), call).await;
            (ended.map_err(|error| error.kind), made.get())
        };
        assert_eq!(tries(0, Kind::Retry).await, (Ok(()), 1));
        assert_eq!(tries(2, Kind::Retry).await, (Ok(()), 3));
        assert_eq!(tries(3, Kind::Retry).await, (Err(Kind::Retry), 3));
        assert_eq!(tries(1, Kind::Auth).await, (Err(Kind::Auth), 1));
    }
}
