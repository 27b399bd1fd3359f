//! Brings one object to where it should be: look, create if missing, wait, update if different,
//! and look again until it is as asked.
use crate::calls::{Ended, Engine};
use crate::journal::Journal;
use crate::pace::Backoff;
use provision_core::{
    Action, Address, At, Diff, Driver, Entry, Error, EventKind, Identity, Kind, LiveValue, Meta,
    Node, Owner, Phase, Progress, Record, Rule, Stage, StartedValue, Step, Verb, fingerprint,
    resolve,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::Instant;

/// How a step ended that did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Ready,
    Degraded(String),
    Removed,
}

/// One step under way: what it is about, and what it has seen and sent so far.
pub(crate) struct Work<'a> {
    pub(crate) engine: &'a Engine<'a>,
    pub(crate) journal: &'a Journal,
    pub(crate) step: &'a Step,
    pub(crate) driver: &'a dyn Driver,
    pub(crate) meta: Meta,
    pub(crate) deadline: Instant,
    pub(crate) backoff: Backoff,
    /// Since when looks have found nothing.
    pub(crate) missing: Option<Instant>,
    /// The cloud's last word, for the error when time is up.
    pub(crate) status: String,
    /// Whether this step has made a create call.
    called: bool,
    /// The refusal of a create because something is there already.
    exists: Option<Error>,
    /// What the last update was to change, and when it was sent.
    sent: Option<(Diff, Instant)>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        engine: &'a Engine<'a>,
        journal: &'a Journal,
        step: &'a Step,
    ) -> Result<Self, Ended> {
        let driver = engine.driver(&step.kind)?;
        let meta = driver.meta();
        Ok(Self {
            engine,
            journal,
            step,
            driver,
            meta,
            deadline: Instant::now() + engine.pace.of(meta.timing.deadline),
            backoff: Backoff::new(),
            missing: None,
            status: "nothing was seen of it".into(),
            called: false,
            exists: None,
            sent: None,
        })
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
        within.and_then(|parent| self.journal.with(|s| s.get(parent)?.outputs.clone()))
    }

    /// Fails when time is up or somebody asked to stop. Called before each turn of a loop.
    pub(crate) fn may_go_on(&self) -> Result<(), Ended> {
        if self.engine.is_stopping() {
            return Err(Ended::Stopped);
        }
        if Instant::now() > self.deadline {
            let minutes = self.meta.timing.deadline.as_secs() / 60;
            let what = format!("not done after {minutes} minutes; last seen: {}", self.status);
            return Err(Error::invalid(what).into());
        }
        Ok(())
    }

    /// Waits one turn while the cloud is at work, and tells so when its word changes.
    pub(crate) async fn wait_for(&mut self, status: &str) -> Result<(), Ended> {
        if self.status != status {
            self.status = status.to_owned();
            self.engine.tell(self.step, EventKind::Waiting(status.to_owned()));
        }
        self.engine.wait(self.meta.timing.poll).await
    }

    /// Waits before making a call again whose failure passes.
    pub(crate) async fn try_again(&mut self, error: Error) -> Result<(), Ended> {
        self.status = error.to_string();
        self.engine.tell(self.step, EventKind::Retrying(error));
        self.engine.wait(self.backoff.next()).await
    }

    /// Returns since when looks have found nothing, which begins now if they just have.
    pub(crate) fn missing_for(&mut self) -> Duration {
        self.missing.get_or_insert_with(Instant::now).elapsed()
    }

    /// Returns how long to wait before looking again for what reads may not show yet.
    pub(crate) fn turn(&self) -> Duration {
        match self.meta.timing.grace.is_zero() {
            true => self.meta.timing.poll,
            false => self.meta.timing.poll.min(self.meta.timing.grace),
        }
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

    /// Records what an accepted call began.
    pub(crate) async fn began(&self, started: &StartedValue) -> Result<(), Ended> {
        if let Some(operation) = started.operation.clone() {
            let (address, operation) = (self.address().clone(), Some(operation));
            self.write(&Entry::Operation { address, operation }).await?;
        }
        Ok(())
    }

    /// Brings the object to what `node` says.
    pub(crate) async fn settle(mut self, node: &Node) -> Result<Done, Ended> {
        loop {
            self.may_go_on()?;
            let record = self.record();
            let parent = self.parent(node.within.as_ref());
            let at = self.engine.at(self.address(), parent.as_ref());
            if let Some(record) = &record
                && !self.follow(at, record).await?
            {
                continue;
            }
            let spec = self.resolved(&node.spec);
            let known = record.as_ref().and_then(|record| record.outputs.as_ref());
            let want = self.meta.marked(spec, &self.engine.marks, self.address());
            let Some(live) = self.read(at, &want, known).await? else {
                self.make(node, at, &want, record).await?;
                continue;
            };
            self.missing = None;
            if let Some(done) = self.tend(node, at, &want, live, record).await? {
                return Ok(done);
            }
        }
    }

    /// Creates the object that a look did not find, once it is certain that there is none.
    async fn make(
        &mut self,
        node: &Node,
        at: At<'_>,
        want: &Value,
        record: Option<Record>,
    ) -> Result<(), Ended> {
        let request = fingerprint(want);
        let resumed = record.as_ref().filter(|record| record.stage == Stage::Creating);
        let resumed = resumed.and_then(|r| r.creating.clone()).filter(|(_, r)| *r == request);
        if !self.is_certainly_absent(node, record.as_ref(), resumed.is_some()).await? {
            self.status = "it is not to be seen yet".into();
            return self.engine.wait(self.turn()).await;
        }
        if let Some(error) = self.exists.take() {
            return Err(error.into());
        }
        let n = match resumed.filter(|_| self.meta.identity != Identity::Mark) {
            Some((n, _)) => n,
            None => self.announce(node, request).await?,
        };
        self.create(at, n, want).await
    }

    /// Tells whether a look that found nothing settles that there is nothing. Reads may lag, so
    /// what may have been made is looked for through the grace, unless making it again is safe.
    async fn is_certainly_absent(
        &mut self,
        node: &Node,
        record: Option<&Record>,
        resumed: bool,
    ) -> Result<bool, Ended> {
        let safe = match (record, self.meta.identity) {
            _ if self.exists.is_some() => false,
            (None, _) => true,
            // The plan was made from looks through the grace.
            (Some(r), _) if r.stage != Stage::Creating => {
                self.step.action == Action::Create && !self.called
            }
            (Some(_), Identity::Name) => true,
            (Some(_), Identity::Token) => resumed,
            (Some(_), Identity::Mark) => false,
        };
        if safe {
            return Ok(true);
        }
        if self.missing_for() < self.grace() {
            return Ok(false);
        }
        let parent = self.parent(node.within.as_ref());
        Ok(self.another(node.within.as_ref().zip(parent.as_ref())).await?.is_none())
    }

    async fn announce(&self, node: &Node, request: String) -> Result<u64, Ended> {
        self.write(&Entry::Creating {
            address: self.address().clone(),
            kind: node.kind.to_owned(),
            spec: node.spec.clone(),
            request,
            needs: node.needs.clone(),
            within: node.within.clone(),
            slot: node.slot.clone(),
            lane: node.lane.clone(),
        })
        .await
    }

    /// Makes one create call. A refusal keeps the `creating` record: only looks show that
    /// nothing is there, and the next run looks.
    async fn create(&mut self, at: At<'_>, n: u64, want: &Value) -> Result<(), Ended> {
        let token = token(&self.engine.marks, self.address(), n);
        let at = At { token: &token, ..at };
        (self.missing, self.called) = (None, true);
        self.engine.tell(self.step, EventKind::Called(Verb::Create));
        self.status = "it was asked for".into();
        match self.engine.call(self.driver.create(at, want)).await {
            Ok(started) => {
                let (address, outputs) = (self.address().clone(), started.outputs.clone());
                self.write(&Entry::Created { address, outputs }).await?;
                self.began(&started).await
            }
            Err(e) if e.kind.is_transient() => self.try_again(e).await,
            Err(e) if e.kind == Kind::Exists => {
                self.exists = Some(e);
                Ok(())
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Decides what an object that is there needs. `Some` when it needs nothing more.
    async fn tend(
        &mut self,
        node: &Node,
        at: At<'_>,
        want: &Value,
        live: LiveValue,
        record: Option<Record>,
    ) -> Result<Option<Done>, Ended> {
        if let Owner::Foreign(owner) = &live.owner
            && self.step.action != Action::Adopt
        {
            let what = format!("an object that is not ours has its place: it {owner}");
            return Err(Error::new(Kind::Exists, what).into());
        }
        match &live.phase {
            Phase::Busy(status) => {
                self.wait_for(status).await?;
                return Ok(None);
            }
            Phase::Broken(error) => return Err(error.clone().into()),
            Phase::Ready | Phase::Degraded(_) => {}
        }
        let accepted = record.and_then(|record| record.accepted);
        let known = accepted.as_ref().map(|spec| self.resolved(spec));
        let (rules, unobserved) = (self.meta.rules, live.unobserved);
        let diff = Diff::between(want, &live.spec, known.as_ref(), rules, unobserved);
        if diff.is_empty() {
            return self.settled(node, live).await.map(Some);
        }
        if self.meta.must_replace(&diff) {
            let fields: Vec<_> = diff.0.iter().map(|change| change.field.as_str()).collect();
            let what = format!("it changed since the plan was made: {}", fields.join(", "));
            return Err(Error::invalid(what).into());
        }
        if self.record().is_none() {
            // What was found without a record is put on record before it is changed.
            self.announce(node, fingerprint(want)).await?;
        }
        self.update(node, at, want, live, accepted, diff).await.map(|()| None)
    }

    /// Sends one update: everything that can be observed, or else one field that cannot.
    async fn update(
        &mut self,
        node: &Node,
        at: At<'_>,
        want: &Value,
        live: LiveValue,
        accepted: Option<Value>,
        mut diff: Diff,
    ) -> Result<(), Ended> {
        let hidden = |field: &str| live.unobserved.contains(&field);
        match diff.0.iter().all(|change| hidden(&change.field)) {
            true => diff.0.truncate(1),
            false => diff.0.retain(|change| !hidden(&change.field)),
        }
        let grace = self.grace();
        if self.sent.as_ref().is_some_and(|(sent, when)| *sent == diff && when.elapsed() < grace) {
            self.status = "the change is not to be seen yet".into();
            return self.engine.wait(self.turn()).await;
        }
        let address = self.address().clone();
        self.write(&Entry::Updating { address: address.clone() }).await?;
        self.engine.tell(self.step, EventKind::Called(Verb::Update));
        let unobserved = live.unobserved;
        match self.engine.call(self.driver.update(at, want, live, &diff)).await {
            Ok(started) => {
                let spec = accept(accepted, &node.spec, &diff, unobserved, self.meta);
                self.write(&Entry::Updated { address, spec }).await?;
                self.sent = Some((diff, Instant::now()));
                self.began(&started).await
            }
            Err(e) if e.kind.is_transient() => self.try_again(e).await,
            Err(e) => Err(e.into()),
        }
    }

    async fn settled(&self, node: &Node, live: LiveValue) -> Result<Done, Ended> {
        self.write(&Entry::Settled {
            address: self.address().clone(),
            kind: node.kind.to_owned(),
            spec: node.spec.clone(),
            outputs: live.outputs,
            needs: node.needs.clone(),
            within: node.within.clone(),
            slot: node.slot.clone(),
            lane: node.lane.clone(),
        })
        .await?;
        Ok(match live.phase {
            Phase::Degraded(why) => Done::Degraded(why),
            _ => Done::Ready,
        })
    }
}

/// Returns the last accepted spec with the unobserved fields that were sent. The rest is
/// compared with the cloud, and counts as accepted when it has settled.
fn accept(
    accepted: Option<Value>,
    spec: &Value,
    sent: &Diff,
    unobserved: &[&str],
    meta: Meta,
) -> Value {
    let is_tags = |field: &str| meta.rules.contains(&(field, Rule::Tags));
    let mut accepted = accepted.unwrap_or_else(|| Value::Object(Default::default()));
    if let Value::Object(fields) = &mut accepted {
        for change in &sent.0 {
            let field = change.field.as_str();
            if unobserved.contains(&field) && !is_tags(field) {
                fields.insert(field.to_owned(), spec[field].clone());
            }
        }
    }
    accepted
}

/// Derives the idempotency token of the create that line `n` announced.
fn token(marks: &provision_core::Marks, address: &Address, n: u64) -> String {
    let lineage = marks.lineage.as_deref().unwrap_or_default();
    let digest = Sha256::digest(format!("{lineage}\n{address}\n{n}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
