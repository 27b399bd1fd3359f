//! A cloud in memory: slow, picky about dependencies, late to show what happened, and able to
//! end the process that calls it around any effect.
mod object;

use crate::fault::{Fault, FaultKind};
pub(crate) use object::Status;
pub use object::{Complaint, Object};
use provision_core::{Error, Kind, Operation, Progress, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long the world may show an old picture of itself: shorter than every kind's grace.
pub const LAG: Duration = Duration::from_secs(12);

/// How long a call takes.
const LATENCY: Duration = Duration::from_millis(100);

/// What a create asks for.
pub(crate) struct NewObject {
    pub(crate) kind: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) within: Option<String>,
    pub(crate) token: String,
    pub(crate) takes_token: bool,
    pub(crate) body: Value,
    pub(crate) takes: Duration,
}

/// A cloud. Clones are the same cloud.
#[derive(Clone)]
pub struct World(Arc<Mutex<Inner>>, Arc<watch::Sender<bool>>);

struct Inner {
    next: usize,
    /// Which process calls: writes of one that has ended come to nothing.
    life: usize,
    objects: BTreeMap<String, Object>,
    /// Every picture of every object, with the time from which it held.
    past: BTreeMap<String, Vec<(Instant, Option<Object>)>>,
    operations: BTreeMap<String, Instant>,
    operations_fail: bool,
    /// For each deleted object, every other one then, by kind, and whether it was ready.
    deleted_while: Vec<(String, Vec<(&'static str, bool)>)>,
    calls: Vec<String>,
    /// When each call was made, also of those that were asked about.
    times: Vec<(String, Instant)>,
    looks: Vec<(&'static str, Instant)>,
    effects: Vec<bool>,
    fault: Option<Fault>,
    /// The time that reads show, until the time when they show the present again.
    stale: Option<(Instant, Instant)>,
    /// Complaints for objects of a kind, raised when one is made.
    complaints: BTreeMap<&'static str, Complaint>,
}

impl Default for World {
    fn default() -> Self {
        let inner = Inner {
            next: 0,
            life: 0,
            objects: BTreeMap::new(),
            past: BTreeMap::new(),
            operations: BTreeMap::new(),
            operations_fail: false,
            deleted_while: Vec::new(),
            calls: Vec::new(),
            times: Vec::new(),
            looks: Vec::new(),
            effects: Vec::new(),
            fault: None,
            stale: None,
            complaints: BTreeMap::new(),
        };
        Self(Arc::new(Mutex::new(inner)), Arc::new(watch::channel(false).0))
    }
}

impl World {
    /// Arms a fault and counts effects from zero. A process that had ended may call again.
    pub fn begin(&self, fault: Option<Fault>) {
        let mut inner = self.inner();
        inner.fault = fault;
        inner.life += 1;
        inner.effects.clear();
        drop(inner);
        self.1.send_replace(false);
    }

    /// Returns the effects since [`World::begin`]: true for a call, false for a journal entry.
    pub fn effects(&self) -> Vec<bool> {
        self.inner().effects.clone()
    }

    /// Returns what was called since the last time this was asked.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().calls)
    }

    /// Returns when the last call was made that begins with these words.
    pub fn called_at(&self, begin: &str) -> Option<Instant> {
        let inner = self.inner();
        let mut calls = inner.times.iter().rev();
        calls.find(|(call, _)| call.starts_with(begin)).map(|(_, when)| *when)
    }

    /// Returns when one object of a kind was looked at, since the last time this was asked.
    pub fn looks(&self, kind: &str) -> Vec<Instant> {
        let looks = std::mem::take(&mut self.inner().looks).into_iter();
        looks.filter(|(of, _)| *of == kind).map(|(_, when)| when).collect()
    }

    pub(crate) fn look(&self, kind: &'static str) {
        self.inner().looks.push((kind, Instant::now()));
    }

    /// Returns the objects that are not leaving, by id.
    pub fn objects(&self) -> BTreeMap<String, Object> {
        let mut inner = self.inner();
        inner.advance();
        let objects = inner.objects.iter().filter(|(_, object)| object.leaves_at.is_none());
        objects.map(|(id, object)| (id.clone(), object.clone())).collect()
    }

    /// Changes objects behind everybody's back.
    pub fn tamper(&self, change: impl FnOnce(&mut BTreeMap<String, Object>)) {
        let mut inner = self.inner();
        change(&mut inner.objects);
        let ids: Vec<_> = inner.past.keys().chain(inner.objects.keys()).cloned().collect();
        ids.iter().for_each(|id| inner.remember(id));
    }

    /// Makes every later object of a kind complain; `None` makes them well.
    pub fn complain(&self, kind: &'static str, complaint: Option<Complaint>) {
        let mut inner = self.inner();
        match complaint {
            Some(complaint) => drop(inner.complaints.insert(kind, complaint)),
            None => drop(inner.complaints.remove(kind)),
        }
    }

    /// Makes every operation that is asked about fail, or not any more.
    pub fn fail_operations(&self, fail: bool) {
        self.inner().operations_fail = fail;
    }

    /// Returns, for each object that was deleted, how all others were then.
    pub fn deleted_while(&self) -> Vec<(String, Vec<(&'static str, bool)>)> {
        self.inner().deleted_while.clone()
    }

    /// Shows the past from now on, for as long as [`LAG`].
    pub fn lag(&self, back: Duration) {
        let now = Instant::now();
        self.inner().stale = Some((now - back, now + LAG));
    }

    /// Waits until the process has ended.
    pub async fn ended(&self) {
        let mut ended = self.1.subscribe();
        ended.wait_for(|ended| *ended).await.expect("the sender lives as long as self");
    }

    /// Returns which process calls.
    pub(crate) fn life(&self) -> usize {
        self.inner().life
    }

    /// Runs a journal write of a process around the armed fault.
    pub(crate) fn write(
        &self,
        life: usize,
        write: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        if *self.1.borrow() || self.life() != life {
            return Err(io::Error::other("the process has ended"));
        }
        let fault = self.inner().count(false);
        match fault {
            Some(FaultKind::CrashBefore) => self.end(),
            Some(FaultKind::CrashAfter | FaultKind::CrashUnseen) => {
                write().and_then(|()| self.end())
            }
            Some(FaultKind::DiskFull) => Err(io::Error::other("no space left")),
            _ => write(),
        }
    }

    fn end(&self) -> io::Result<()> {
        self.1.send_replace(true);
        Err(io::Error::other("the process has ended"))
    }

    /// Makes an effect around the armed fault. After the end of the process nothing returns.
    async fn effect<T>(&self, effect: impl FnOnce(&mut Inner) -> Result<T>) -> Result<T> {
        tokio::time::sleep(LATENCY).await;
        if *self.1.borrow() {
            std::future::pending::<()>().await;
        }
        let fault = self.inner().count(true);
        let result = match fault {
            Some(FaultKind::CrashBefore) => None,
            Some(FaultKind::Refused) => return Err(Error::new(Kind::Denied, "not allowed")),
            Some(FaultKind::Expired) => return Err(Error::new(Kind::Auth, "expired")),
            Some(FaultKind::Throttled) => return Err(Error::new(Kind::Retry, "slow down")),
            Some(FaultKind::Stale | FaultKind::CrashUnseen) => {
                self.lag(Duration::from_millis(1));
                Some(effect(&mut self.inner()))
            }
            _ => Some(effect(&mut self.inner())),
        };
        match (fault, result) {
            (Some(FaultKind::ReplyLost), Some(_)) => Err(Error::new(Kind::Retry, "reply lost")),
            (Some(FaultKind::CrashAfter | FaultKind::CrashUnseen), _) | (_, None) => {
                self.1.send_replace(true);
                std::future::pending().await
            }
            (_, Some(result)) => result,
        }
    }

    pub(crate) async fn create(&self, new: NewObject) -> Result<String> {
        self.effect(|inner| inner.create(new)).await
    }

    pub(crate) async fn modify(&self, id: &str, change: impl FnOnce(&mut Value)) -> Result<()> {
        self.effect(|inner| {
            inner.advance();
            let Some(object) = inner.objects.get_mut(id) else {
                return Err(Error::new(Kind::Retry, format!("there is no {id}")));
            };
            change(&mut object.body);
            inner.called(format!("modify {id}"));
            inner.remember(id);
            Ok(())
        })
        .await
    }

    /// Changes an object by an operation of its own.
    pub(crate) async fn operate(
        &self,
        id: &str,
        takes: Duration,
        change: impl FnOnce(&mut Value),
    ) -> Result<Operation> {
        let fails = self.inner().operations_fail;
        self.modify(id, |body| {
            if !fails {
                change(body)
            }
        })
        .await?;
        Ok(self.operation(takes))
    }

    /// Begins an operation.
    pub(crate) fn operation(&self, takes: Duration) -> Operation {
        let mut inner = self.inner();
        inner.next += 1;
        let name = format!("operation-{}", inner.next);
        inner.operations.insert(name.clone(), Instant::now() + takes);
        Operation(name)
    }

    pub(crate) fn progress(&self, operation: &Operation) -> Progress {
        let inner = self.inner();
        match inner.operations.get(&operation.0) {
            Some(_) if inner.operations_fail => Progress::Failed(Error::invalid("it failed")),
            Some(end) if Instant::now() < *end => Progress::Running("UPDATING".into()),
            _ => Progress::Done,
        }
    }

    pub(crate) async fn delete(&self, id: &str, takes: Duration) -> Result<()> {
        self.effect(|inner| inner.delete(id, takes)).await
    }

    /// Returns what a read shows, with the status then.
    pub(crate) async fn seen(
        &self,
        matches: impl Fn(&str, &Object) -> bool,
    ) -> Vec<(String, Object, Status)> {
        tokio::time::sleep(LATENCY).await;
        if *self.1.borrow() {
            std::future::pending::<()>().await;
        }
        let mut inner = self.inner();
        inner.advance();
        let now = Instant::now();
        let shown = inner.stale.filter(|(_, until)| now < *until).map_or(now, |(then, _)| then);
        let pictures = inner.past.iter().filter_map(|(id, pictures)| {
            let last = pictures.iter().rev().find(|(since, _)| *since <= shown)?;
            Some((id.clone(), last.1.clone()?))
        });
        pictures
            .filter(|(id, object)| matches(id, object))
            .map(|(id, object)| {
                let status = object.status(shown);
                (id, object, status)
            })
            .collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it holds the world")
    }
}

impl Inner {
    fn count(&mut self, is_call: bool) -> Option<FaultKind> {
        self.effects.push(is_call);
        let now = self.effects.len();
        let lasts = |kind| match kind {
            FaultKind::Expired => is_call,
            FaultKind::DiskFull => !is_call,
            _ => false,
        };
        let strikes = |f: &Fault| f.at == now || (f.at < now && lasts(f.kind));
        self.fault.filter(strikes).map(|fault| fault.kind)
    }

    fn called(&mut self, call: String) {
        self.times.push((call.clone(), Instant::now()));
        self.calls.push(call);
    }

    /// Lets go of what has left.
    fn advance(&mut self) {
        let now = Instant::now();
        let left = |object: &Object| object.leaves_at.is_some_and(|at| at <= now);
        let gone: Vec<_> =
            self.objects.iter().filter(|(_, o)| left(o)).map(|(id, _)| id.clone()).collect();
        for id in gone {
            self.objects.retain(|key, object| *key != id && object.within.as_ref() != Some(&id));
            let ids: Vec<_> = self.past.keys().cloned().collect();
            ids.iter().for_each(|id| self.remember(id));
        }
    }

    /// Keeps a picture of an object as it is now, if it changed.
    fn remember(&mut self, id: &str) {
        let now = self.objects.get(id).cloned();
        let pictures = self.past.entry(id.to_owned()).or_default();
        if pictures.last().is_none_or(|(_, last)| *last != now) {
            pictures.push((Instant::now(), now));
        }
    }

    fn create(&mut self, new: NewObject) -> Result<String> {
        self.advance();
        let NewObject { kind, name, within, token, takes_token, body, takes } = new;
        let same = |object: &&Object| object.kind == kind && object.token == token;
        if takes_token && let Some((id, twin)) = self.objects.iter().find(|(_, o)| same(o)) {
            let mismatch = || Error::invalid("the token was used for another request");
            return if twin.body == body { Ok(id.clone()) } else { Err(mismatch()) };
        }
        let taken = |object: &Object| object.kind == kind && object.name == name;
        if name.is_some() && self.objects.values().any(taken) {
            return Err(Error::new(Kind::Exists, format!("{name:?} exists")));
        }
        self.next += 1;
        let id = format!("{kind}-{}", self.next);
        let ready_at = Instant::now() + takes;
        let complaint = self.complaints.get(kind).cloned();
        let leaves_at = None;
        let object = Object { kind, name, within, body, token, ready_at, leaves_at, complaint };
        self.called(format!("create {id}"));
        self.objects.insert(id.clone(), object);
        self.remember(&id);
        Ok(id)
    }

    fn delete(&mut self, id: &str, takes: Duration) -> Result<()> {
        self.advance();
        let quoted = format!("\"{id}\"");
        let uses = |(_, object): &(&String, &Object)| object.body.to_string().contains(&quoted);
        if let Some((user, _)) = self.objects.iter().find(uses) {
            return Err(Error::new(Kind::Blocked, format!("{user} still uses {id}")));
        }
        let now = Instant::now();
        let others = self.objects.iter().filter(|(other, o)| *other != id && o.leaves_at.is_none());
        let others = others.map(|(_, o)| (o.kind, o.status(now) == Status::Ready)).collect();
        if let Some(object) = self.objects.get_mut(id) {
            self.deleted_while.push((id.to_owned(), others));
            object.leaves_at.get_or_insert(Instant::now() + takes);
            self.called(format!("delete {id}"));
            self.remember(id);
            self.advance();
        }
        Ok(())
    }
}
