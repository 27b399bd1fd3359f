//! What the author of a resource implements.
use crate::address::Address;
use crate::diff::{Diff, Rule};
use crate::driver::At;
use crate::error::{Error, Result};
use crate::marks::Marks;
use crate::secret::SecretRef;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

/// One kind of cloud object.
///
/// The implementing struct is the spec: what is wanted, and what [`Resource::read`] reports of
/// a live object in the same shape. What the cluster file can set is never an `Option`; `None`
/// means that the cloud may choose. No method waits, polls or retries: the engine does. Each
/// makes at most one call that changes something, and returns.
pub trait Resource: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name recorded in state, such as `aws.ec2.vpc`. It never changes once released.
    const KIND: &'static str;
    /// How fields are compared, where not as they are. Names are those of the serialized form.
    const RULES: &'static [(&'static str, Rule)] = &[];
    /// What keeps a second object from being made when the reply to a create is lost.
    const IDENTITY: Identity = Identity::Mark;
    /// Whether losing it loses data or the cluster: never replaced unless asked for by address.
    const PRECIOUS: bool = false;
    /// How long the engine waits for this kind.
    const TIMING: Timing = Timing::QUICK;
    /// Whether the cloud itself refuses to remove it while something needs it. Then its removal is
    /// tried as soon as what needs it was seen to be gone; any other waits until that is certain.
    const GUARDED: bool = false;
    /// Whether what needs it and takes none of its outputs may begin as soon as the cloud has
    /// accepted its create.
    const EARLY: bool = false;
    /// Whether it gives way to what somebody else has in its place: that is told and left alone, and
    /// nothing is refused for it.
    const YIELDS: bool = false;
    /// Whether the cluster is there without it: where the cloud lacks capacity for one that never was
    /// ready, the run ends degraded, and the next makes it.
    const DISPENSABLE: bool = false;
    /// The clients it needs.
    type Cloud: Send + Sync + 'static;
    /// What the cloud decides: ids, endpoints. A kind that is found by id calls that field `id`.
    type Outputs: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Lists everything that carries our lineage, and everything that carries our cluster's name
    /// under another one. `None` when the API cannot.
    fn list(
        _cx: &Cx<'_, Self::Cloud>,
    ) -> impl Future<Output = Result<Option<Vec<Live<Self>>>>> + Send {
        async { Ok(None) }
    }
    /// Finds the object by its known id, or else by its mark or natural key. Always fresh. One
    /// that carries another lineage is reported as [`Owner::Foreign`], ours before theirs.
    fn read(
        &self,
        cx: &Cx<'_, Self::Cloud>,
        known: Option<&Self::Outputs>,
    ) -> impl Future<Output = Result<Option<Live<Self>>>> + Send;
    /// Brings the object into existence with one call that marks its owner and sends every
    /// field that cannot be observed later.
    fn create(
        &self,
        cx: &Cx<'_, Self::Cloud>,
    ) -> impl Future<Output = Result<Started<Self::Outputs>>> + Send;
    /// Starts moving an object towards this spec with one call, for as much of `diff` as that
    /// call can carry; the engine looks again and comes back with the rest.
    fn update(
        &self,
        cx: &Cx<'_, Self::Cloud>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> impl Future<Output = Result<Started<Self::Outputs>>> + Send;
    /// Starts removing the object with one call; the engine looks again and comes back while
    /// there is something to remove. Gone already is success.
    fn delete(
        cx: &Cx<'_, Self::Cloud>,
        live: &Live<Self>,
    ) -> impl Future<Output = Result<Started<Self::Outputs>>> + Send;
    /// Returns how long the engine waits for this object to settle, where that depends on its size.
    fn deadline(&self) -> Duration {
        Self::TIMING.deadline
    }
    /// Asks how an operation is doing. Kinds whose calls return none keep this default.
    fn poll(
        _cx: &Cx<'_, Self::Cloud>,
        _operation: &Operation,
    ) -> impl Future<Output = Result<Progress>> + Send {
        async { Ok(Progress::Done) }
    }
}

/// What keeps a second object from being made when the reply to a create is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nothing but its marks: it must be looked for through the grace before another is made.
    Mark,
    /// The create takes an idempotency token.
    Token,
    /// A name or natural key that the cloud keeps unique.
    Name,
}

/// Which part of its grace passes at least until an object counts as gone that was seen to go.
const SEEN_TO_GO: u32 = 4;

/// How long the engine waits for a kind, all on the clock of the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The least time between two looks while something is going on.
    pub poll: Duration,
    /// How long an object may take to settle or to go.
    pub deadline: Duration,
    /// How long reads may lag behind what happened.
    pub grace: Duration,
    /// How long an object that was just made or changed may be degraded before it counts as that.
    pub recovery: Duration,
    /// How long it usually takes to be made; zero where nobody knows, or it is there at once.
    pub making: Duration,
    /// How long a change usually takes.
    pub changing: Duration,
    /// Fields of which a change usually takes longer than that, each with the seconds it takes.
    pub slow: &'static [(&'static str, u64)],
    /// How long it usually takes to go.
    pub leaving: Duration,
    /// Whether the cloud may make it again by itself when it has just gone.
    pub returns: bool,
}

impl Timing {
    /// For what is there as soon as it is made.
    pub const QUICK: Self = Self::new(2, 20 * 60, 20);

    /// Makes a timing from seconds.
    pub const fn new(poll: u64, deadline: u64, grace: u64) -> Self {
        Self {
            poll: Duration::from_secs(poll),
            deadline: Duration::from_secs(deadline),
            grace: Duration::from_secs(grace),
            recovery: Duration::ZERO,
            making: Duration::ZERO,
            changing: Duration::ZERO,
            slow: &[],
            leaving: Duration::ZERO,
            returns: false,
        }
    }

    /// Sets how long, in seconds, a new or changed object may be degraded and get well by itself.
    #[must_use]
    pub const fn recovering_within(self, seconds: u64) -> Self {
        Self { recovery: Duration::from_secs(seconds), ..self }
    }

    /// Tells how many seconds it usually takes to be made.
    #[must_use]
    pub const fn making(mut self, seconds: u64) -> Self {
        self.making = Duration::from_secs(seconds);
        self
    }

    /// Tells how many seconds a change usually takes.
    #[must_use]
    pub const fn changing(mut self, seconds: u64) -> Self {
        self.changing = Duration::from_secs(seconds);
        self
    }

    /// Tells of which fields a change usually takes longer, each with its seconds.
    #[must_use]
    pub const fn changing_slowly(mut self, fields: &'static [(&'static str, u64)]) -> Self {
        self.slow = fields;
        self
    }

    /// Returns how long a change usually takes, by the slowest of its fields.
    pub fn of_change(&self, diff: &Diff) -> Duration {
        let slow = self.slow.iter().filter(|(field, _)| diff.touches(&[field]));
        let slow = slow.map(|(_, seconds)| Duration::from_secs(*seconds));
        slow.fold(self.changing, Duration::max)
    }

    /// Tells how many seconds it usually takes to go.
    #[must_use]
    pub const fn leaving(mut self, seconds: u64) -> Self {
        self.leaving = Duration::from_secs(seconds);
        self
    }

    /// Returns how long an object must be missing that was there until the cloud accepted its
    /// removal, and that has been `known` for so long.
    ///
    /// A read that lags shows what was before. What has been known for longer than reads may lag
    /// was there all that time, so that nothing can only be what comes after it.
    pub fn until_surely_gone(&self, known: Duration) -> Duration {
        match self.returns {
            true => self.grace,
            false => self.grace.saturating_sub(known).max(self.grace / SEEN_TO_GO),
        }
    }

    /// Tells that the cloud may make it again by itself, for no longer than the grace.
    #[must_use]
    pub const fn returning(mut self) -> Self {
        self.returns = true;
        self
    }
}

/// An object as the cloud reports it.
#[derive(Debug)]
pub struct Live<R: Resource> {
    /// The address its mark says, if it carries one.
    pub address: Option<Address>,
    /// What it is, in the shape of what may be asked.
    pub spec: R,
    /// What the cloud decided.
    pub outputs: R::Outputs,
    /// How it is.
    pub phase: Phase,
    /// Whose it is.
    pub owner: Owner,
    /// The fields of `spec` that the cloud does not tell; they hold any value.
    pub unobserved: &'static [&'static str],
}

/// How an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It works.
    Ready,
    /// The cloud is at work on it; the text is the cloud's own status word.
    Busy(String),
    /// It is there and serves, but something is wrong.
    Degraded(String),
    /// The cloud gave up on it. The kind tells a lack of capacity from other causes.
    Broken(Error),
}

/// Whose an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It carries our lineage.
    Ours,
    /// This kind carries no mark of its own; its parent does.
    Inherited,
    /// Somebody else's; the text says how we know.
    Foreign(String),
}

/// What a call that changes something began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started<O> {
    /// What the object is called, if the reply tells already.
    pub outputs: Option<O>,
    /// What is going on, if it has a name of its own.
    pub operation: Option<Operation>,
}

impl<O> Started<O> {
    /// A call that returned and left nothing to follow.
    pub const fn done() -> Self {
        Self { outputs: None, operation: None }
    }

    /// A create that told the new object's outputs.
    pub const fn made(outputs: O) -> Self {
        Self { outputs: Some(outputs), operation: None }
    }

    /// A call that began an operation.
    pub const fn running(operation: Operation) -> Self {
        Self { outputs: None, operation: Some(operation) }
    }
}

/// The cloud's name for something that is going on, enough to ask about it in a later run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Operation(pub String);

/// How an operation is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Still going on; the text is the cloud's own status word.
    Running(String),
    /// Ended well.
    Done,
    /// Ended badly.
    Failed(Error),
}

/// What a call may know about where it runs.
pub struct Cx<'a, C> {
    /// The clients.
    pub cloud: &'a C,
    pub(crate) at: At<'a>,
}

impl<'a, C> Cx<'a, C> {
    /// Makes the context of a call outside the engine, as tests of a kind do.
    pub fn new(cloud: &'a C, at: At<'a>) -> Self {
        Self { cloud, at }
    }

    /// Returns the object's address; in [`Resource::list`] it is empty.
    pub fn address(&self) -> &'a Address {
        self.at.address
    }

    /// Returns the marks of the cluster that this run is about.
    pub fn marks(&self) -> &'a Marks {
        self.at.marks
    }

    /// Returns the idempotency token of this create: 32 hex digits, the same when the same
    /// `creating` line is resumed.
    pub fn token(&self) -> &'a str {
        self.at.token
    }

    /// Tells whose an object with these tags is.
    pub fn owner(&self, tags: &BTreeMap<String, String>) -> Owner {
        self.at.marks.owner(tags)
    }

    /// Tells whether it is within anything: a listing of what strays is not.
    pub fn is_within(&self) -> bool {
        self.at.within.is_some()
    }

    /// Returns the observed outputs of the parent that this object is within.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) when the kind was placed within nothing, or
    /// within a parent with other outputs.
    pub fn within<T: DeserializeOwned>(&self) -> Result<T> {
        let parent = self.at.within.ok_or_else(|| Error::invalid("it is within nothing"))?;
        T::deserialize(parent).map_err(|e| Error::invalid(format!("parent outputs: {e}")))
    }

    /// Reads a secret.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) when it is not there.
    pub fn secret(&self, secret: &SecretRef) -> Result<String> {
        self.at.secrets.read(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_long_been_known_is_surely_gone_sooner_and_never_at_once() {
        let timing = Timing::new(2, 20 * 60, 60);
        let gone = |timing: Timing, known| timing.until_surely_gone(Duration::from_secs(known));
        let all = [0, 20, 45, 600].map(|known| gone(timing, known).as_secs());
        assert_eq!(all, [60, 40, 15, 15]);
        assert_eq!(gone(timing.returning(), 600).as_secs(), 60);
    }
}
