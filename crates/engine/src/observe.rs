//! Looks at everything that is wanted or on record: lists first, then reads, in graph order.
use crate::calls::{Ended, Engine};
use crate::listings::Listing;
use crate::pace::until_next_look;
use crate::targets::{Target, Turns, targets};
use futures::stream::{FuturesUnordered, StreamExt};
use provision_core::{
    Address, Error, Graph, Identity, Kind, LiveValue, Observed, Owner, Result, Seen, Stage, State,
    resolve,
};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tracing::Instrument;

/// Addresses whose object, though somebody else's, may become ours, with its id if given.
pub type Adoptions = BTreeMap<Address, Option<String>>;

/// What one look needs.
struct Look<'a> {
    target: &'a Target<'a>,
    known: Option<Cow<'a, Value>>,
    adopted: bool,
    parent: Parent<'a>,
}

/// The parent that an object is within.
enum Parent<'a> {
    None,
    Living(&'a Address, Arc<LiveValue>),
    Gone,
    Unknown(Error),
}

/// What a listing shows; nothing when the API cannot list, and the reason when it failed.
type Heard = std::result::Result<Option<Arc<Listing>>, Error>;

type Listed = OnceCell<Heard>;

/// How long a listing may show what has gone at least, on our own clock.
const LEAST_LAG: Duration = Duration::from_secs(1);

/// How soon a listing that shows something left is asked for again, at first.
const LISTED_AGAIN: Duration = Duration::from_secs(5);

impl Engine<'_> {
    /// Looks at everything that `graph` wants or `state` knows, and at everything else of the
    /// same kinds that carries our lineage; with an empty graph, at every kind there is.
    ///
    /// # Errors
    /// Only what ends a run, such as credentials that were refused. What cannot be observed for
    /// another reason is [`Seen::Unknown`].
    pub async fn observe(
        &self,
        graph: &Graph,
        state: &State,
        adoptions: &Adoptions,
    ) -> Result<Observed> {
        let targets = targets(graph, state);
        let mut kinds: BTreeSet<&str> = targets.iter().map(|target| target.kind).collect();
        if graph.nodes().is_empty() {
            kinds.extend(self.drivers.keys());
        }
        let listed: HashMap<(&str, Option<&Address>), Listed> = targets
            .iter()
            .map(|target| ((target.kind, target.within), Listed::new()))
            .chain(kinds.iter().map(|kind| ((*kind, None), Listed::new())))
            .collect();
        let strays = kinds.iter().map(|kind| self.listing(&listed[&(*kind, None)], kind, None));
        let strays: Vec<_> = strays.collect::<futures::stream::FuturesOrdered<_>>().collect().await;

        let mut observed = self.look_at_all(&targets, state, adoptions, &listed).await?;
        let mut found = Vec::new();
        let known = LazyCell::new(|| Known::of(&observed));
        let is_known = |live: &LiveValue| known.has(live);
        let has_place = |a: &Address| graph.node(a).is_some() || state.get(a).is_some();
        for listing in strays {
            let Ok(Some(listing)) = listing? else { continue };
            found.extend(marked(&listing, has_place, is_known));
            if graph.nodes().is_empty() {
                found.extend(unmarked(&listing, is_known));
            }
        }
        for (address, seen) in found {
            observed.0.entry(address).or_insert(seen);
        }
        Ok(observed)
    }

    /// Looks at each target once what it waits for has been looked at. Only what no listing
    /// tells is asked for.
    async fn look_at_all<'t>(
        &self,
        targets: &'t [Target<'t>],
        state: &'t State,
        adoptions: &Adoptions,
        listed: &HashMap<(&'t str, Option<&'t Address>), Listed>,
    ) -> Result<Observed> {
        let mut observed = Observed::default();
        let mut turns = Turns::new(targets);
        let mut running = FuturesUnordered::new();
        loop {
            while let Some(i) = turns.next() {
                let target = &targets[i];
                let look = Look::new(target, &observed, adoptions);
                let cell = &listed[&(target.kind, target.within)];
                if let Some(seen) = self.told(&look, cell) {
                    observed.0.insert(target.address.clone(), seen);
                    turns.end(target.address);
                } else {
                    let spec = resolved(target.spec, state, &observed);
                    let span = tracing::info_span!("look", address = %target.address);
                    let look = async move { (target.address, self.look(look, &spec, cell).await) };
                    running.push(look.instrument(span));
                }
            }
            let Some((address, seen)) = running.next().await else { return Ok(observed) };
            observed.0.insert(address.clone(), seen?);
            turns.end(address);
        }
    }

    /// Returns what is known of a target without a call for it alone.
    fn told(&self, look: &Look<'_>, listed: &Listed) -> Option<Seen> {
        match &look.parent {
            Parent::Gone => return Some(Seen::Absent),
            Parent::Unknown(why) => return Some(Seen::Unknown(why.clone())),
            Parent::None | Parent::Living(..) => {}
        }
        let listing = listed.get()?.as_ref().ok()?.as_deref()?;
        match found_in(listing, look) {
            Seen::Absent => {}
            found => return Some(found),
        }
        let is_named = self.driver(look.target.kind).ok()?.meta().identity == Identity::Name;
        let may_be_there =
            is_named || look.adopted || look.known.is_some() || look.target.record.is_some();
        (!may_be_there).then_some(Seen::Absent)
    }

    async fn look(&self, look: Look<'_>, spec: &Value, listed: &Listed) -> Result<Seen> {
        match self.try_look(look, spec, listed).await {
            Ok(seen) => Ok(seen),
            Err(Ended::Failed(error)) if error.kind.is_fatal() => Err(error),
            Err(Ended::Failed(error)) => Ok(Seen::Unknown(error)),
            Err(Ended::Stopped) => Ok(Seen::Unknown(Error::new(Kind::Retry, "interrupted"))),
        }
    }

    async fn try_look(&self, look: Look<'_>, spec: &Value, listed: &Listed) -> Result<Seen, Ended> {
        let (target, parent) = (look.target, look.parent.living());
        let heard = self.listing(listed, target.kind, parent).await?;
        if let Some(seen) = self.told(&look, listed) {
            return Ok(seen);
        }
        let driver = self.driver(target.kind)?;
        let meta = driver.meta();
        let at = self.at(target.address, parent.map(|(_, outputs)| outputs));
        let made = target.record.is_some_and(|record| record.stage != Stage::Creating);
        let grace = if made { self.pace.of(meta.timing.grace) } else { Duration::ZERO };
        let (begun, turn) = (Instant::now(), self.pace.of(meta.timing.poll));
        loop {
            let read = async || driver.read(at, spec, look.known.as_deref()).await;
            if let Some(live) = self.ask(None, read).await? {
                return Ok(Seen::Live(Arc::new(live)));
            }
            let missing = begun.elapsed();
            if missing >= grace {
                break;
            }
            self.pause(until_next_look(turn, missing, grace)).await?;
        }
        Ok(match heard {
            Err(why) if made => Seen::Unknown(why),
            _ => Seen::Absent,
        })
    }

    /// Lists a kind once for everybody who looks. When it fails in a way that concerns only itself,
    /// what is wanted or on record is read instead, and what else there is stays unknown.
    async fn listing(
        &self,
        cell: &Listed,
        kind: &str,
        parent: Option<(&Address, &Value)>,
    ) -> Result<Heard> {
        let list = async || match self.list(kind, parent).await {
            Ok(listing) => Ok(Ok(listing)),
            Err(Ended::Failed(error)) if error.kind.is_fatal() => Err(error),
            Err(Ended::Failed(error)) => {
                let left_out = "what is not on record is not seen";
                tracing::warn!("{kind} cannot be listed, so {left_out}: {error}");
                Ok(Err(error))
            }
            Err(ended @ Ended::Stopped) => Err(ended.into()),
        };
        cell.get_or_try_init(list).await.cloned()
    }

    /// Lists everything that carries our lineage, of every kind that can be listed.
    ///
    /// # Errors
    /// When a listing fails: then nobody knows whether something is left.
    pub async fn leftovers(&self) -> Result<Vec<LiveValue>> {
        let mut first = None;
        loop {
            let left = self.listed_as_ours().await?;
            // One listing may take long enough that a second would never be asked for.
            let since = *first.get_or_insert_with(Instant::now);
            let graces = left.iter().filter_map(|live| self.drivers.get(live.kind));
            let graces = graces.map(|it| self.pace.patience(it.meta().timing.grace, LEAST_LAG));
            let grace = graces.max().unwrap_or_default();
            // A listing may lag, and show what has just gone.
            if since.elapsed() >= grace {
                return Ok(left);
            }
            let turn = self.pace.of(LISTED_AGAIN);
            if self.pause(until_next_look(turn, since.elapsed(), grace)).await.is_err() {
                return Ok(left);
            }
        }
    }

    async fn listed_as_ours(&self) -> Result<Vec<LiveValue>> {
        let mut left = Vec::new();
        let kinds = self.drivers.keys().map(|kind| self.list(kind, None));
        for listing in futures::future::join_all(kinds).await {
            match listing {
                Ok(Some(all)) => {
                    let lives = all.marked.values().flatten();
                    let ours = lives.filter(|live| live.owner == Owner::Ours);
                    left.extend(ours.map(|live| LiveValue::clone(live)));
                }
                Ok(None) => {}
                Err(ended) => return Err(ended.into()),
            }
        }
        left.sort_by(|a, b| a.address.cmp(&b.address));
        Ok(left)
    }
}

/// Returns what a listing says of a target: ours, or else somebody else's if nothing of ours is
/// on record there.
fn found_in(listing: &Listing, look: &Look<'_>) -> Seen {
    let marked = listing.marked.get(look.target.address).map(Vec::as_slice).unwrap_or_default();
    let ours = marked.iter().filter(|live| !matches!(live.owner, Owner::Foreign(_)));
    match seen(ours) {
        Seen::Absent => {}
        ours => return ours,
    }
    match look.known.as_ref().and_then(|known| known.get("id")?.as_str()) {
        Some(id) => seen(listing.unmarked.get(id)),
        None => seen(marked.first()),
    }
}

/// Returns what several finds at one address amount to; the same object twice is one.
fn seen<'a>(found: impl IntoIterator<Item = &'a Arc<LiveValue>>) -> Seen {
    let mut found: Vec<_> = found.into_iter().cloned().collect();
    found.dedup_by(|a, b| a.outputs == b.outputs);
    match found.len() {
        0 | 1 => found.pop().map_or(Seen::Absent, Seen::Live),
        _ => Seen::Many(found),
    }
}

/// Returns what carries our lineage and is neither wanted nor on record. An object that was seen
/// at its recorded address stays there, whatever its mark says now.
fn marked(
    listing: &Listing,
    has_place: impl Fn(&Address) -> bool,
    is_known: impl Fn(&LiveValue) -> bool,
) -> Vec<(Address, Seen)> {
    let strays = listing.marked.iter().filter(|(address, _)| !has_place(address));
    let strays = strays.map(|(address, lives)| {
        let ours = lives.iter().filter(|live| live.owner == Owner::Ours && !is_known(live));
        (address.clone(), seen(ours))
    });
    strays.filter(|(_, seen)| *seen != Seen::Absent).collect()
}

/// Returns the unmarked parts of what is ours. They go with it, and may be in its way, when
/// everything goes; at any other time they may be somebody else's additions.
fn unmarked(listing: &Listing, is_known: impl Fn(&LiveValue) -> bool) -> Vec<(Address, Seen)> {
    let is_part = |live: &LiveValue| !matches!(live.owner, Owner::Foreign(_)) && !is_known(live);
    let strays = listing.unmarked.iter().filter(|(_, live)| is_part(live));
    strays.map(|(id, live)| (format!("stray/{id}").into(), Seen::Live(live.clone()))).collect()
}

/// What was seen at an address of ours, by kind and id.
struct Known<'a>(HashSet<(&'static str, &'a str)>);

impl<'a> Known<'a> {
    fn of(observed: &'a Observed) -> Self {
        let lives = observed.0.values().filter_map(|seen| match seen {
            Seen::Live(live) => Some((live.kind, live.id()?)),
            _ => None,
        });
        Self(lives.collect())
    }

    fn has(&self, live: &LiveValue) -> bool {
        live.id().is_some_and(|id| self.0.contains(&(live.kind, id)))
    }
}

/// Returns `spec` with what was just seen, or else is on record, in the place of references.
fn resolved(spec: &Value, state: &State, observed: &Observed) -> Value {
    resolve(spec, &|from, name| match observed.0.get(from) {
        Some(Seen::Live(live)) => live.outputs.get(name),
        _ => state.output(from, name),
    })
}

impl<'a> Look<'a> {
    fn new(target: &'a Target<'a>, observed: &Observed, adoptions: &Adoptions) -> Self {
        let adoption = adoptions.get(target.address);
        let recorded = target.record.and_then(|record| record.outputs.as_ref());
        let known = match adoption {
            Some(Some(id)) => Some(Cow::Owned(json!({ "id": id }))),
            _ => recorded.map(Cow::Borrowed),
        };
        let parent = match target.within {
            None => Parent::None,
            Some(address) => match observed.0.get(address) {
                Some(Seen::Live(live)) => Parent::Living(address, live.clone()),
                Some(Seen::Unknown(why)) => {
                    Parent::Unknown(Error::new(why.kind, format!("{address}: {why}")))
                }
                _ => Parent::Gone,
            },
        };
        Self { target, known, adopted: adoption.is_some(), parent }
    }
}

impl Parent<'_> {
    fn living(&self) -> Option<(&Address, &Value)> {
        match self {
            Self::Living(address, live) => Some((address, &live.outputs)),
            _ => None,
        }
    }
}
