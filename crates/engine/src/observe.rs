//! Looks at everything that is wanted or on record: lists first, then reads, in graph order.
use crate::calls::{Ended, Engine};
use crate::listings::Listing;
use futures::stream::{FuturesUnordered, StreamExt};
use provision_core::{
    Address, Error, Graph, Identity, Kind, LiveValue, Observed, Owner, Record, Result, Seen, Stage,
    State, resolve, sources,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// Addresses whose object, though somebody else's, may become ours, with its id if given.
pub type Adoptions = BTreeMap<Address, Option<String>>;

/// An address to look at.
struct Target<'a> {
    address: &'a Address,
    kind: &'a str,
    spec: &'a Value,
    within: Option<&'a Address>,
    record: Option<&'a Record>,
    /// What must be looked at first, because its outputs are not on record.
    waits_for: BTreeSet<Address>,
}

/// What one look needs, with references resolved.
struct Look<'a> {
    target: &'a Target<'a>,
    spec: Value,
    known: Option<Value>,
    adopted: bool,
    parent: Parent<'a>,
}

/// The parent that an object is within.
enum Parent<'a> {
    None,
    Living(&'a Address, Value),
    Gone,
    Unknown(String),
}

type Listed = OnceCell<Option<Arc<Listing>>>;

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
        let known = Known::of(&observed);
        for listing in strays {
            let Some(listing) = listing? else { continue };
            add_marked(&mut observed, &listing, &known);
            if graph.nodes().is_empty() {
                add_unmarked(&mut observed, &listing, &known);
            }
        }
        Ok(observed)
    }

    /// Looks at each target once what it waits for has been looked at.
    async fn look_at_all<'t>(
        &self,
        targets: &'t [Target<'t>],
        state: &State,
        adoptions: &Adoptions,
        listed: &HashMap<(&'t str, Option<&'t Address>), Listed>,
    ) -> Result<Observed> {
        let mut observed = Observed::default();
        let mut missing: Vec<usize> = targets.iter().map(|t| t.waits_for.len()).collect();
        let mut waiting: HashMap<&Address, Vec<usize>> = HashMap::new();
        for (i, target) in targets.iter().enumerate() {
            target.waits_for.iter().for_each(|on| waiting.entry(on).or_default().push(i));
        }
        let mut ready: Vec<usize> = (0..targets.len()).filter(|&i| missing[i] == 0).collect();
        let mut running = FuturesUnordered::new();
        loop {
            for i in ready.drain(..) {
                let look = Look::new(&targets[i], state, &observed, adoptions);
                let cell = &listed[&(targets[i].kind, targets[i].within)];
                running.push(async move { (i, self.look(look, cell).await) });
            }
            let Some((i, seen)) = running.next().await else { return Ok(observed) };
            let address = targets[i].address;
            observed.0.insert(address.clone(), seen?);
            for &next in waiting.get(address).into_iter().flatten() {
                missing[next] -= 1;
                ready.extend((missing[next] == 0).then_some(next));
            }
        }
    }

    async fn look(&self, look: Look<'_>, listed: &Listed) -> Result<Seen> {
        match self.try_look(look, listed).await {
            Ok(seen) => Ok(seen),
            Err(Ended::Failed(error)) if error.kind.is_fatal() => Err(error),
            Err(Ended::Failed(error)) => Ok(Seen::Unknown(error.to_string())),
            Err(Ended::Stopped) => Ok(Seen::Unknown("interrupted".into())),
        }
    }

    async fn try_look(&self, look: Look<'_>, listed: &Listed) -> Result<Seen, Ended> {
        let (target, adopted) = (look.target, look.adopted);
        let parent = match &look.parent {
            Parent::None => None,
            Parent::Living(address, outputs) => Some((*address, outputs)),
            Parent::Gone => return Ok(Seen::Absent),
            Parent::Unknown(why) => return Ok(Seen::Unknown(why.clone())),
        };
        let listing = self.listing(listed, target.kind, parent).await?;
        let listing_found = listing.as_deref().map(|l| found_in(l, &look));
        match listing_found {
            Some(found) if !found.is_empty() => return Ok(seen(found)),
            _ => {}
        }
        let driver = self.driver(target.kind)?;
        let meta = driver.meta();
        let named = meta.identity == Identity::Name || adopted || look.known.is_some();
        if listing.is_some() && !named && target.record.is_none() {
            return Ok(Seen::Absent);
        }
        let at = self.at(target.address, parent.map(|(_, outputs)| outputs));
        let made = target.record.is_some_and(|record| record.stage != Stage::Creating);
        let grace = if made { meta.timing.grace } else { Duration::ZERO };
        let until = Instant::now() + self.pace.of(grace);
        loop {
            let read = async || driver.read(at, &look.spec, look.known.as_ref()).await;
            match self.ask(None, read).await? {
                Some(live) => return Ok(Seen::Live(Box::new(live))),
                None if Instant::now() >= until => return Ok(Seen::Absent),
                None => self.wait(meta.timing.poll.min(grace)).await?,
            }
        }
    }

    /// Lists a kind once for everybody who looks. A listing that failed in a way that concerns
    /// only itself counts as one that the API does not have: what it would show is read instead.
    async fn listing(
        &self,
        cell: &Listed,
        kind: &str,
        parent: Option<(&Address, &Value)>,
    ) -> Result<Option<Arc<Listing>>> {
        let list = async || match self.list(kind, parent).await {
            Ok(listing) => Ok(listing),
            Err(Ended::Failed(error)) if error.kind.is_fatal() => Err(error),
            Err(Ended::Failed(_)) => Ok(None),
            Err(Ended::Stopped) => Err(Error::new(Kind::Retry, "interrupted")),
        };
        cell.get_or_try_init(list).await.cloned()
    }

    /// Lists everything that carries our lineage, of every kind that can be listed.
    ///
    /// # Errors
    /// When a listing fails: then nobody knows whether something is left.
    pub async fn leftovers(&self) -> Result<Vec<LiveValue>> {
        let mut left = Vec::new();
        let kinds = self.drivers.keys().map(|kind| self.list(kind, None));
        for listing in futures::future::join_all(kinds).await {
            match listing {
                Ok(Some(all)) => {
                    let lives = all.marked.values().flatten();
                    left.extend(lives.filter(|live| live.owner == Owner::Ours).cloned());
                }
                Ok(None) => {}
                Err(Ended::Failed(error)) => return Err(error),
                Err(Ended::Stopped) => return Err(Error::new(Kind::Retry, "interrupted")),
            }
        }
        left.sort_by(|a, b| a.address.cmp(&b.address));
        Ok(left)
    }
}

/// Returns what a listing says of a target: ours, or else somebody else's if nothing of ours is
/// on record there.
fn found_in(listing: &Listing, look: &Look<'_>) -> Vec<LiveValue> {
    let marked = listing.marked.get(look.target.address).map(Vec::as_slice).unwrap_or_default();
    let ours = marked.iter().filter(|live| !matches!(live.owner, Owner::Foreign(_))).cloned();
    let ours: Vec<_> = ours.collect();
    if !ours.is_empty() {
        return ours;
    }
    match look.known.as_ref().and_then(|known| known.get("id")?.as_str()) {
        Some(id) => listing.unmarked.get(id).cloned().into_iter().collect(),
        None => marked.first().cloned().into_iter().collect(),
    }
}

/// Returns what several finds at one address amount to; the same object twice is one.
fn seen(mut found: Vec<LiveValue>) -> Seen {
    found.dedup_by(|a, b| a.outputs == b.outputs);
    match found.len() {
        0 => Seen::Absent,
        1 => Seen::Live(Box::new(found.remove(0))),
        _ => Seen::Many(found),
    }
}

/// Adds what carries our lineage and is neither wanted nor on record. An object that was seen at
/// its recorded address stays there, whatever its mark says now.
fn add_marked(observed: &mut Observed, listing: &Listing, known: &Known) {
    for (address, lives) in &listing.marked {
        if !observed.0.contains_key(address) {
            let ours = lives.iter().filter(|live| live.owner == Owner::Ours && !known.has(live));
            let seen = seen(ours.cloned().collect());
            observed.0.extend((seen != Seen::Absent).then(|| (address.clone(), seen)));
        }
    }
}

/// Adds the unmarked parts of what is ours. They go with it, and may be in its way, when
/// everything goes; at any other time they may be somebody else's additions.
fn add_unmarked(observed: &mut Observed, listing: &Listing, known: &Known) {
    for (id, live) in listing.unmarked.iter().filter(|(_, live)| !known.has(live)) {
        let address = Address::from(format!("stray/{id}"));
        observed.0.insert(address, Seen::Live(Box::new(live.clone())));
    }
}

/// What was seen at an address of ours, by kind and id.
struct Known(HashSet<(&'static str, String)>);

impl Known {
    fn of(observed: &Observed) -> Self {
        let lives = observed.0.values().filter_map(|seen| match seen {
            Seen::Live(live) => Some((live.kind, live.id()?.to_owned())),
            _ => None,
        });
        Self(lives.collect())
    }

    fn has(&self, live: &LiveValue) -> bool {
        live.id().is_some_and(|id| self.0.contains(&(live.kind, id.to_owned())))
    }
}

fn targets<'a>(graph: &'a Graph, state: &'a State) -> Vec<Target<'a>> {
    let records = state.records();
    let wanted = graph.nodes().iter().map(|node| {
        let (kind, record) = (node.kind, records.get(&node.address));
        (&node.address, kind, &node.spec, node.within.as_ref(), record, node.refers.clone())
    });
    let unwanted = records.iter().filter(|(address, _)| graph.node(address).is_none());
    let unwanted = unwanted.map(|(address, r)| {
        (address, r.kind.as_str(), &r.spec, r.within.as_ref(), Some(r), sources(&r.spec))
    });
    let known = |address: &Address| records.get(address).is_some_and(|r| r.outputs.is_some());
    let there = |address: &Address| graph.node(address).is_some() || records.contains_key(address);
    wanted
        .chain(unwanted)
        .map(|(address, kind, spec, within, record, refers)| {
            let unknown = refers.into_iter().filter(|a| !known(a)).chain(within.cloned());
            let waits_for = unknown.filter(|a| there(a) && a != address).collect();
            Target { address, kind, spec, within, record, waits_for }
        })
        .collect()
}

impl<'a> Look<'a> {
    fn new(
        target: &'a Target<'a>,
        state: &State,
        observed: &Observed,
        adoptions: &Adoptions,
    ) -> Self {
        let output = |from: &str, name: &str| match observed.0.get(from) {
            Some(Seen::Live(live)) => live.outputs.get(name),
            _ => state.output(from, name),
        };
        let adoption = adoptions.get(target.address);
        let recorded = target.record.and_then(|record| record.outputs.clone());
        let known = match adoption {
            Some(Some(id)) => Some(json!({ "id": id })),
            _ => recorded,
        };
        let parent = match target.within {
            None => Parent::None,
            Some(address) => match observed.0.get(address) {
                Some(Seen::Live(live)) => Parent::Living(address, live.outputs.clone()),
                Some(Seen::Unknown(why)) => Parent::Unknown(format!("{address}: {why}")),
                _ => Parent::Gone,
            },
        };
        let spec = resolve(target.spec, &output);
        Self { target, spec, known, adopted: adoption.is_some(), parent }
    }
}
