//! Brings one object to where it should be: look, create if missing, wait, update if different,
//! and look again until it is as asked.
use crate::calls::Ended;
use crate::work::{Done, Work};
use provision_core::{
    Action, Address, At, Diff, Entry, Error, EventKind, Identity, Kind, LiveValue, Meta, Node,
    Owner, Phase, Record, Rule, Stage, Verb, fingerprint,
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// How often a create may be told that something exists which no look shows.
const REFUSALS: usize = 3;

impl Work<'_> {
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
            let recorded = record.as_ref().and_then(|record| record.outputs.as_ref());
            let known = self.adopts.map(|live| &live.outputs).or(recorded);
            let want = self.meta.marked(spec, &self.engine.marks, self.address());
            let Some(live) = self.read(at, &want, known).await? else {
                if self.adopts.is_some() {
                    return Err(Error::invalid("what was to be adopted is not there").into());
                }
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
            self.last_seen("it is not to be seen yet");
            return self.engine.wait(self.turn()).await;
        }
        if let Some(error) = self.exists.take() {
            // "It exists" may also mean that something else about it is going on.
            if self.refusals > REFUSALS {
                return Err(error.into());
            }
            self.try_again(error).await?;
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

    /// Puts what was found without a record on record before it is changed: where it is, and that
    /// the cloud accepted nothing from us yet.
    async fn take_on_record(
        &self,
        node: &Node,
        want: &Value,
        live: &LiveValue,
    ) -> Result<(), Ended> {
        let (address, outputs) = (self.address().clone(), Some(live.outputs.clone()));
        self.announce(node, fingerprint(want)).await?;
        self.write(&Entry::Created { address: address.clone(), outputs }).await?;
        let spec = Value::Object(Default::default());
        self.write(&Entry::Updated { address, spec }).await.map(drop)
    }

    /// Makes one create call. A refusal keeps the `creating` record: only looks show that
    /// nothing is there, and the next run looks.
    async fn create(&mut self, at: At<'_>, n: u64, want: &Value) -> Result<(), Ended> {
        let token = token(&self.engine.marks, self.address(), n);
        let at = At { token: &token, ..at };
        (self.missing, self.called) = (None, true);
        self.engine.tell(self.step, EventKind::Called(Verb::Create));
        self.last_seen("it was asked for");
        match self.engine.call(self.driver.create(at, want)).await {
            Ok(started) => {
                let (address, outputs) = (self.address().clone(), started.outputs.clone());
                self.write(&Entry::Created { address, outputs }).await?;
                self.began(&started, self.meta.timing.making).await?;
                self.accepted();
                Ok(())
            }
            Err(e) if e.kind.is_transient() => self.try_again(e).await,
            Err(e) if e.kind == Kind::Exists => {
                self.exists = Some(e);
                self.refusals += 1;
                Ok(())
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Lets those go for whom it is enough that it is being made.
    fn accepted(&mut self) {
        if self.meta.early && self.step.action != Action::Update {
            self.let_go.now();
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
            && self.adopts.is_none()
        {
            let what = format!("an object that is not ours has its place: it {owner}");
            return match self.meta.yields {
                true => Ok(Some(Done::Degraded(what))),
                false => Err(Error::new(Kind::Exists, what).into()),
            };
        }
        if !matches!(live.phase, Phase::Broken(_)) {
            self.accepted();
        }
        match &live.phase {
            Phase::Busy(status) => {
                self.recovers_until = None;
                self.wait_for(status).await?;
                return Ok(None);
            }
            Phase::Broken(error) => return Err(error.clone().into()),
            Phase::Ready | Phase::Degraded(_) => {}
        }
        let withdrawn = record.as_ref().is_some_and(|record| record.has_withdrawn(want));
        let accepted =
            record.map(|record| record.ours(self.meta.tags_field(), &live.spec).into_owned());
        let known = accepted.as_ref().map(|spec| self.resolved(spec));
        let (rules, unobserved) = (self.meta.rules, live.unobserved);
        let diff = Diff::between(want, &live.spec, known.as_ref(), rules, unobserved);
        if diff.is_empty() {
            if withdrawn && self.begun.elapsed() < self.grace() {
                self.last_seen("what an earlier run set may not be to be seen yet");
                return self.engine.wait(self.turn()).await.map(|()| None);
            }
            if let Phase::Degraded(why) = &live.phase
                && self.may_recover(why).await?
            {
                return Ok(None);
            }
            return self.settled(node, live).await.map(Some);
        }
        self.recovers_until = None;
        if self.meta.must_replace(&diff) {
            let fields: Vec<_> = diff.0.iter().map(|change| change.field.as_str()).collect();
            let what = format!("it changed since the plan was made: {}", fields.join(", "));
            return Err(Error::invalid(what).into());
        }
        if self.record().is_none() {
            self.take_on_record(node, want, &live).await?;
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
            self.last_seen("the change is not to be seen yet");
            return self.engine.wait(self.turn()).await;
        }
        let address = self.address().clone();
        let sets = sets(&diff, self.meta);
        self.write(&Entry::Updating { address: address.clone(), sets }).await?;
        self.engine.tell(self.step, EventKind::Called(Verb::Update));
        let unobserved = live.unobserved;
        match self.engine.call(self.driver.update(at, want, live, &diff)).await {
            Ok(started) => {
                let spec = accept(accepted, &node.spec, &diff, unobserved, self.meta);
                self.write(&Entry::Updated { address, spec }).await?;
                let usually = self.meta.timing.of_change(&diff);
                self.sent = Some((diff, Instant::now()));
                self.began(&started, usually).await
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

/// Returns the keys that a change sets in maps which others write to as well.
fn sets(change: &Diff, meta: Meta) -> Map<String, Value> {
    let is_shared = |field: &str| meta.rules.contains(&(field, Rule::Tags));
    let shared = change.0.iter().filter(|change| is_shared(&change.field));
    let set = |keys: &Value| -> Map<String, Value> {
        let keys = keys.as_object().into_iter().flatten();
        keys.filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let fields = shared.map(|change| (change.field.clone(), set(&change.to)));
    fields.filter(|(_, keys)| !keys.is_empty()).map(|(field, keys)| (field, keys.into())).collect()
}

/// Derives the idempotency token of the create that line `n` announced.
fn token(marks: &provision_core::Marks, address: &Address, n: u64) -> String {
    let lineage = marks.lineage.as_deref().unwrap_or_default();
    let digest = Sha256::digest(format!("{lineage}\n{address}\n{n}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
