//! Removes one object: look, delete, wait, and look again until it is gone for good.
use crate::calls::Ended;
use crate::work::{Done, Work};
use provision_core::{
    Action, Address, At, Entry, Error, EventKind, Kind, LiveValue, Owner, Phase, Progress, Record,
    Verb,
};
use serde_json::Value;
use tokio::time::Instant;

/// What is being removed: a recorded object, or one that was only seen.
struct Doomed {
    spec: Value,
    known: Option<Value>,
    within: Option<Address>,
}

/// Returns what is on record. What was seen of the same object says more than its record does.
fn recorded(record: &Record, seen: Option<&LiveValue>) -> Doomed {
    let id = |outputs: &Value| outputs.get("id").cloned();
    let is_same = |seen: &&LiveValue| record.outputs.as_ref().map(id) == Some(id(&seen.outputs));
    let known = seen.filter(is_same).map(|seen| &seen.outputs).or(record.outputs.as_ref());
    Doomed { spec: record.spec.clone(), known: known.cloned(), within: record.within.clone() }
}

/// Returns what was only seen, if there is such.
fn found(record: Option<&Record>, seen: Option<&LiveValue>) -> Doomed {
    let spec = seen.map_or(Value::Null, |seen| seen.spec.clone());
    let known = seen.map(|seen| seen.outputs.clone());
    Doomed { spec, known, within: record.and_then(|record| record.within.clone()) }
}

/// What an accepted delete call was about, and when it was made.
type Sent = (Value, Instant);

impl Work<'_> {
    /// Removes everything that is ours at the address, of which the plan has `seen` one.
    pub(crate) async fn remove(mut self, seen: Option<&LiveValue>) -> Result<Done, Ended> {
        debug_assert_eq!(self.step.action, Action::Delete, "only delete steps remove");
        let (mut sent, mut another): (Option<Sent>, Option<LiveValue>) = (None, None);
        loop {
            self.may_go_on()?;
            let record = self.record();
            let doomed = match (&record, &another) {
                (Some(record), None) => recorded(record, seen),
                (record, another) => found(record.as_ref(), another.as_ref().or(seen)),
            };
            let parent = self.parent(doomed.within.as_ref());
            let at = self.engine.at(self.address(), parent.as_ref());
            if let Some(record) = &record
                && !self.operation_ended(at, record).await?
            {
                continue;
            }
            let spec = self.resolved(&doomed.spec);
            if let Some(live) = self.read(at, &spec, doomed.known.as_ref()).await? {
                self.missing = None;
                self.known.get_or_insert_with(Instant::now);
                self.send_off(at, live, &mut sent).await?;
                continue;
            }
            if sent.is_some() {
                self.let_go.now();
            }
            if !self.look_again(sent.is_some()).await? {
                another = self.another(doomed.within.as_ref().zip(parent.as_ref())).await?;
                if another.is_none() {
                    return self.gone(record.is_some()).await;
                }
                self.missing = None;
            }
        }
    }

    /// Does what an object that is there needs so that it goes: waits, or makes a delete call
    /// unless one was accepted that may not be seen yet.
    async fn send_off(
        &mut self,
        at: At<'_>,
        live: LiveValue,
        sent: &mut Option<Sent>,
    ) -> Result<(), Ended> {
        if let Owner::Foreign(owner) = &live.owner {
            let what = format!("an object that is not ours has its place: it {owner}");
            return Err(Error::new(Kind::Exists, what).into());
        }
        if let Phase::Busy(status) = &live.phase {
            return self.wait_for(status).await;
        }
        let recent = sent.as_ref().filter(|(_, when)| when.elapsed() < self.grace());
        if let Phase::Broken(error) = &live.phase
            && sent.is_some()
            && recent.is_none()
        {
            return Err(error.clone().into());
        }
        if recent.is_some_and(|(spec, _)| *spec == live.spec) {
            return self.wait_for("deleting").await;
        }
        let before = live.spec.clone();
        if self.delete(at, live).await? {
            *sent = Some((before, Instant::now()));
        }
        Ok(())
    }

    /// Follows what is going on. One that ended badly stands in the way of nothing here.
    async fn operation_ended(&mut self, at: At<'_>, record: &Record) -> Result<bool, Ended> {
        let Some(operation) = &record.operation else { return Ok(true) };
        let poll = async || self.driver.poll(at, operation).await;
        match self.engine.ask(Some(self.deadline), poll).await? {
            Progress::Running(status) => {
                self.wait_for(&status).await?;
                Ok(false)
            }
            Progress::Done | Progress::Failed(_) => {
                let address = self.address().clone();
                self.write(&Entry::Operation { address, operation: None }).await?;
                Ok(true)
            }
        }
    }

    /// Makes one delete call. True when it was accepted.
    async fn delete(&mut self, at: At<'_>, live: LiveValue) -> Result<bool, Ended> {
        self.write(&Entry::Deleting { address: self.address().clone() }).await?;
        self.engine.tell(self.step, EventKind::Called(Verb::Delete));
        match self.engine.call(self.driver.delete(at, live)).await {
            Ok(started) => {
                self.began(&started, self.meta.timing.leaving).await?;
                Ok(true)
            }
            Err(e) if e.kind.is_transient() => self.try_again(e).await.map(|()| false),
            Err(e) => Err(e.into()),
        }
    }

    /// Returns an object of ours that the kind's listing still shows at the address.
    pub(crate) async fn another(
        &self,
        parent: Option<(&Address, &Value)>,
    ) -> Result<Option<LiveValue>, Ended> {
        let listing = self.engine.list(self.meta.kind, parent).await?;
        let lives = listing.as_ref().and_then(|listing| listing.marked.get(self.address()));
        let ours = lives.into_iter().flatten().find(|live| live.owner == Owner::Ours);
        Ok(ours.map(|live| LiveValue::clone(live)))
    }

    /// Records that it is gone, once what needs it is: no record refers to one that is no more.
    async fn gone(&mut self, recorded: bool) -> Result<Done, Ended> {
        if let Err(address) = self.all_ahead_end().await {
            return Ok(Done::Left(address));
        }
        if recorded {
            self.write(&Entry::Gone { address: self.address().clone() }).await?;
        }
        Ok(Done::Removed)
    }
}

/// Makes the error for a step that has nothing to work on.
pub(crate) fn unplanned(address: &Address) -> Error {
    Error::new(Kind::Invalid, format!("{address} is not part of what was planned"))
}
