//! Resources with their types erased, as the engine drives them.
use crate::address::Address;
use crate::diff::{Diff, Rule};
use crate::error::{Error, Result};
use crate::marks::Marks;
use crate::plan::Action;
use crate::resource::{
    Cx, Identity, Live, Operation, Owner, Phase, Progress, Resource, Started, Timing,
};
use crate::secret::Secrets;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Every kind that a provider knows, by name.
pub type Drivers = BTreeMap<&'static str, Box<dyn Driver>>;

/// What holds for a kind, whatever the object.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// See [`Resource::KIND`].
    pub kind: &'static str,
    /// See [`Resource::RULES`].
    pub rules: &'static [(&'static str, Rule)],
    /// See [`Resource::IDENTITY`].
    pub identity: Identity,
    /// See [`Resource::PRECIOUS`].
    pub precious: bool,
    /// See [`Resource::TIMING`].
    pub timing: Timing,
    /// See [`Resource::GUARDED`].
    pub guarded: bool,
    /// See [`Resource::EARLY`].
    pub early: bool,
    /// See [`Resource::YIELDS`].
    pub yields: bool,
    /// See [`Resource::DISPENSABLE`].
    pub dispensable: bool,
}

impl Meta {
    /// Returns the field that holds tags or labels, and so the marks.
    pub fn tags_field(&self) -> Option<&'static str> {
        self.rules.iter().find(|(_, rule)| *rule == Rule::Tags).map(|(field, _)| *field)
    }

    /// Returns `spec` as it is sent: with the marks of `address` among its tags.
    pub fn marked(&self, mut spec: Value, marks: &Marks, address: &Address) -> Value {
        let tags = self.tags_field().and_then(|field| spec.get_mut(field));
        if let Some(Value::Object(tags)) = tags {
            tags.extend(marks.of(address).map(|(key, value)| (key.to_owned(), value.into())));
        }
        spec
    }

    /// Tells whether `diff` has a change that the cloud cannot make in place.
    pub fn must_replace(&self, diff: &Diff) -> bool {
        diff.0.iter().any(|change| self.is_immutable(&change.field))
    }

    /// Tells whether what waits for a step of this kind may begin when that is not done with, but
    /// has seen the object go, or its create accepted.
    pub fn lets_go(&self, action: Action, next: &Self, next_action: Action) -> bool {
        match (action, next_action) {
            (Action::Delete, Action::Delete) => next.guarded,
            (Action::Delete, _) | (_, Action::Delete) => false,
            _ => self.early && action != Action::Update,
        }
    }

    /// Tells whether the cloud cannot change `field` in place.
    pub fn is_immutable(&self, field: &str) -> bool {
        self.rules.contains(&(field, Rule::Immutable))
    }
}

/// Where a call runs; see [`Cx`].
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// Whose objects are ours.
    pub marks: &'a Marks,
    /// The object's address.
    pub address: &'a Address,
    /// The idempotency token of a create.
    pub token: &'a str,
    /// The outputs of the parent it is within.
    pub within: Option<&'a Value>,
    /// Reads secrets.
    pub secrets: &'a dyn Secrets,
}

/// A [`Live`] with its types erased.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveValue {
    /// The kind.
    pub kind: &'static str,
    /// See [`Live::address`].
    pub address: Option<Address>,
    /// See [`Live::spec`].
    pub spec: Value,
    /// See [`Live::outputs`].
    pub outputs: Value,
    /// See [`Live::phase`].
    pub phase: Phase,
    /// See [`Live::owner`].
    pub owner: Owner,
    /// See [`Live::unobserved`].
    pub unobserved: &'static [&'static str],
}

impl LiveValue {
    /// Returns the cloud's id, if the kind has one.
    pub fn id(&self) -> Option<&str> {
        self.outputs.get("id")?.as_str()
    }
}

/// A [`Started`] with its types erased.
pub type StartedValue = Started<Value>;

/// A [`Resource`] with its types erased.
pub trait Driver: Send + Sync {
    /// Returns what holds for the kind.
    fn meta(&self) -> Meta;
    /// See [`Resource::deadline`].
    fn deadline(&self, _spec: &Value) -> Duration {
        self.meta().timing.deadline
    }
    /// See [`Resource::list`].
    fn list<'a>(&'a self, at: At<'a>) -> BoxFuture<'a, Result<Option<Vec<LiveValue>>>>;
    /// See [`Resource::read`].
    fn read<'a>(
        &'a self,
        at: At<'a>,
        spec: &'a Value,
        known: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<Option<LiveValue>>>;
    /// See [`Resource::create`].
    fn create<'a>(&'a self, at: At<'a>, spec: &'a Value) -> BoxFuture<'a, Result<StartedValue>>;
    /// See [`Resource::update`].
    fn update<'a>(
        &'a self,
        at: At<'a>,
        spec: &'a Value,
        live: LiveValue,
        diff: &'a Diff,
    ) -> BoxFuture<'a, Result<StartedValue>>;
    /// See [`Resource::delete`].
    fn delete<'a>(&'a self, at: At<'a>, live: LiveValue) -> BoxFuture<'a, Result<StartedValue>>;
    /// See [`Resource::poll`].
    fn poll<'a>(&'a self, at: At<'a>, operation: &'a Operation) -> BoxFuture<'a, Result<Progress>>;
}

/// Drives resources of type `R` with one cloud's clients. Types are erased here and nowhere else.
pub struct Typed<R: Resource>(Arc<R::Cloud>);

impl<R: Resource> Typed<R> {
    /// Returns the kind with its driver, ready to be collected into [`Drivers`].
    pub fn driver(cloud: &Arc<R::Cloud>) -> (&'static str, Box<dyn Driver>) {
        (R::KIND, Box::new(Self(cloud.clone())))
    }

    fn cx<'a>(&'a self, at: At<'a>) -> Cx<'a, R::Cloud> {
        Cx { cloud: &self.0, at }
    }
}

impl<R: Resource> Driver for Typed<R> {
    fn meta(&self) -> Meta {
        Meta {
            kind: R::KIND,
            rules: R::RULES,
            identity: R::IDENTITY,
            precious: R::PRECIOUS,
            timing: R::TIMING,
            guarded: R::GUARDED,
            early: R::EARLY,
            yields: R::YIELDS,
            dispensable: R::DISPENSABLE,
        }
    }

    fn deadline(&self, spec: &Value) -> Duration {
        from::<R>(spec).map_or(R::TIMING.deadline, |spec| spec.deadline())
    }

    fn list<'a>(&'a self, at: At<'a>) -> BoxFuture<'a, Result<Option<Vec<LiveValue>>>> {
        Box::pin(async move {
            let found = R::list(&self.cx(at)).await?;
            found.map(|all| all.into_iter().map(erased).collect()).transpose()
        })
    }

    fn read<'a>(
        &'a self,
        at: At<'a>,
        spec: &'a Value,
        known: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<Option<LiveValue>>> {
        Box::pin(async move {
            let (spec, known): (R, _) = (from(spec)?, known.map(from::<R::Outputs>).transpose()?);
            spec.read(&self.cx(at), known.as_ref()).await?.map(erased).transpose()
        })
    }

    fn create<'a>(&'a self, at: At<'a>, spec: &'a Value) -> BoxFuture<'a, Result<StartedValue>> {
        Box::pin(async move { started(from::<R>(spec)?.create(&self.cx(at)).await?) })
    }

    fn update<'a>(
        &'a self,
        at: At<'a>,
        spec: &'a Value,
        live: LiveValue,
        diff: &'a Diff,
    ) -> BoxFuture<'a, Result<StartedValue>> {
        Box::pin(async move {
            started(from::<R>(spec)?.update(&self.cx(at), &typed(live)?, diff).await?)
        })
    }

    fn delete<'a>(&'a self, at: At<'a>, live: LiveValue) -> BoxFuture<'a, Result<StartedValue>> {
        Box::pin(async move { started(R::delete(&self.cx(at), &typed(live)?).await?) })
    }

    fn poll<'a>(&'a self, at: At<'a>, operation: &'a Operation) -> BoxFuture<'a, Result<Progress>> {
        Box::pin(async move { R::poll(&self.cx(at), operation).await })
    }
}

fn typed<R: Resource>(live: LiveValue) -> Result<Live<R>> {
    let LiveValue { address, spec, outputs, phase, owner, unobserved, .. } = live;
    let (spec, outputs) = (from(&spec)?, from(&outputs)?);
    Ok(Live { address, spec, outputs, phase, owner, unobserved })
}

fn erased<R: Resource>(live: Live<R>) -> Result<LiveValue> {
    let Live { address, spec, outputs, phase, owner, unobserved } = live;
    let (spec, outputs) = (to(&spec)?, to(&outputs)?);
    Ok(LiveValue { kind: R::KIND, address, spec, outputs, phase, owner, unobserved })
}

fn started<O: Serialize>(started: Started<O>) -> Result<StartedValue> {
    let outputs = started.outputs.map(|outputs| to(&outputs)).transpose()?;
    Ok(Started { outputs, operation: started.operation })
}

fn from<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value)
        .map_err(|e| Error::invalid(format!("{}: {e}", std::any::type_name::<T>())))
}

fn to<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| Error::invalid(e.to_string()))
}
