//! Engines with one protection taken away, to show that each is needed.
use futures::future::BoxFuture;
use provision_core::{
    At, Diff, Driver, Drivers, Error, Kind, LiveValue, Meta, Operation, Progress, Result,
    StartedValue,
};
use serde_json::Value;
use std::time::Duration;

/// Believes the first look that finds nothing.
pub fn without_grace(drivers: Drivers) -> Drivers {
    wrapped(drivers, Weakness::NoGrace)
}

/// Makes a create again when its reply is lost, as clients do that retry by themselves.
pub fn blind_retries(drivers: Drivers) -> Drivers {
    wrapped(drivers, Weakness::BlindRetry)
}

/// Cannot reach clusters.
pub fn without_clusters(drivers: Drivers) -> Drivers {
    wrapped(drivers, Weakness::NoClusters)
}

/// Gives way to what somebody else has.
pub fn yielding(drivers: Drivers) -> Drivers {
    wrapped(drivers, Weakness::Yields)
}

/// Cannot list.
pub fn without_lists(drivers: Drivers) -> Drivers {
    wrapped(drivers, Weakness::NoLists)
}

/// Tells whether a journal that forgets what it announced keeps this line.
pub fn forgetful(line: &str) -> bool {
    !line.contains("\"event\":\"creating\"") && !line.contains("\"event\":\"created\"")
}

#[derive(Clone, Copy, PartialEq)]
enum Weakness {
    NoGrace,
    BlindRetry,
    NoClusters,
    NoLists,
    Yields,
}

fn wrapped(drivers: Drivers, weakness: Weakness) -> Drivers {
    let weak = |inner| Box::new(Weak { inner, weakness }) as Box<dyn Driver>;
    drivers.into_iter().map(|(kind, inner)| (kind, weak(inner))).collect()
}

struct Weak {
    inner: Box<dyn Driver>,
    weakness: Weakness,
}

impl Weak {
    fn reach(&self) -> Result<()> {
        match self.weakness == Weakness::NoClusters && self.inner.meta().kind == "fake.cluster" {
            true => Err(Error::new(Kind::Denied, "not allowed to look")),
            false => Ok(()),
        }
    }
}

impl Driver for Weak {
    fn meta(&self) -> Meta {
        let mut meta = self.inner.meta();
        if self.weakness == Weakness::NoGrace {
            meta.timing.grace = Duration::ZERO;
        }
        meta.yields = self.weakness == Weakness::Yields;
        meta
    }

    fn list<'a>(&'a self, at: At<'a>) -> BoxFuture<'a, Result<Option<Vec<LiveValue>>>> {
        Box::pin(async move {
            self.reach()?;
            match self.weakness == Weakness::NoLists {
                true => Err(Error::new(Kind::Denied, "not allowed to list")),
                false => self.inner.list(at).await,
            }
        })
    }

    fn read<'a>(
        &'a self,
        at: At<'a>,
        spec: &'a Value,
        known: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<Option<LiveValue>>> {
        Box::pin(async move {
            self.reach()?;
            self.inner.read(at, spec, known).await
        })
    }

    fn create<'a>(&'a self, at: At<'a>, spec: &'a Value) -> BoxFuture<'a, Result<StartedValue>> {
        Box::pin(async move {
            match self.inner.create(at, spec).await {
                Err(e) if e.kind == Kind::Retry && self.weakness == Weakness::BlindRetry => {
                    self.inner.create(at, spec).await
                }
                done => done,
            }
        })
    }

    fn update<'a>(
        &'a self,
        at: At<'a>,
        spec: &'a Value,
        live: LiveValue,
        diff: &'a Diff,
    ) -> BoxFuture<'a, Result<StartedValue>> {
        self.inner.update(at, spec, live, diff)
    }

    fn delete<'a>(&'a self, at: At<'a>, live: LiveValue) -> BoxFuture<'a, Result<StartedValue>> {
        self.inner.delete(at, live)
    }

    fn poll<'a>(&'a self, at: At<'a>, operation: &'a Operation) -> BoxFuture<'a, Result<Progress>> {
        self.inner.poll(at, operation)
    }
}
