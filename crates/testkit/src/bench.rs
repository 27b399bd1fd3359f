//! One world with one state, and runs of the engine over them.
use crate::fault::Fault;
use crate::kinds::drivers;
use crate::world::{Object, World};
use provision_core::plan::{Question, Refused, plan};
use provision_core::{
    ADDRESS_MARK, Address, Drivers, Error, Graph, Line, Marks, Plan, Record, Scope, State,
    World as Servers, sources,
};
use provision_engine::{
    Adoptions, Engine, Header, Journal, LocalSecrets, MemoryStore, Outcome, STATE_FORMAT, Stop,
    Store, parse,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

const CLUSTER: &str = "demo";
const LINEAGE: &str = "lineage-1";

/// One world, one state, and how the engine is made that works on them.
#[derive(Clone)]
pub struct Bench {
    /// The world.
    pub world: World,
    /// The state, as it stands in its store.
    pub text: MemoryStore,
    /// Addresses that a run may take over.
    pub adopt: Adoptions,
    /// Addresses that a run may replace.
    pub replace: BTreeSet<provision_core::Address>,
    /// What may stop a run.
    pub stop: Stop,
    /// Every line that was ever written.
    written: Arc<Mutex<String>>,
    wrap_drivers: fn(Drivers) -> Drivers,
    keep_line: fn(&str) -> bool,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ran {
    /// It came to an end of its own.
    Through(Box<Plan>, Outcome),
    /// Its plan was refused.
    Refused(Refused),
    /// Nothing could be observed.
    Blind(Error),
    /// Its process was ended.
    Crashed,
}

impl Ran {
    /// Returns plan and outcome of a run that came to an end.
    ///
    /// # Panics
    /// When it did not.
    pub fn through(self) -> (Plan, Outcome) {
        match self {
            Self::Through(plan, outcome) => (*plan, outcome),
            other => panic!("not through: {other:?}"),
        }
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            world: World::default(),
            text: MemoryStore::default(),
            adopt: Adoptions::new(),
            replace: BTreeSet::new(),
            stop: Stop::default(),
            written: Arc::default(),
            wrap_drivers: |drivers| drivers,
            keep_line: |_| true,
        }
    }
}

impl Bench {
    /// Makes a bench whose engine has other drivers, or whose journal loses lines.
    pub fn broken(wrap_drivers: fn(Drivers) -> Drivers, keep_line: fn(&str) -> bool) -> Self {
        Self { wrap_drivers, keep_line, ..Self::default() }
    }

    /// Plans and applies once.
    pub async fn run(&self, graphs: &[Graph], fault: Option<Fault>) -> Ran {
        self.world.begin(fault);
        tokio::select! {
            biased;
            () = self.world.ended() => Ran::Crashed,
            ran = self.live(graphs) => ran,
        }
    }

    /// Plans and changes nothing.
    pub async fn plan(&self, graphs: &[Graph]) -> Result<Plan, Ran> {
        self.world.begin(None);
        self.plan_now(graphs).await
    }

    async fn plan_now(&self, graphs: &[Graph]) -> Result<Plan, Ran> {
        let drivers = (self.wrap_drivers)(drivers(&self.world));
        let engine = Engine::new(&drivers, self.marks(), &LocalSecrets, 8);
        let state = self.state();
        self.decide(&engine, &drivers, graphs, &state).await.map(|(plan, _)| plan)
    }

    /// Returns the addresses of everything of ours that the engine finds in the world.
    ///
    /// # Errors
    /// When it cannot be told.
    pub async fn leftovers(&self) -> provision_core::Result<Vec<Address>> {
        self.world.begin(None);
        let drivers = drivers(&self.world);
        let engine = Engine::new(&drivers, self.marks(), &LocalSecrets, 8);
        let left = engine.leftovers().await?.into_iter();
        Ok(left.filter_map(|live| live.address).collect())
    }

    /// Plans in a world that something was done to after it began to count.
    pub async fn plan_while(
        &self,
        graphs: &[Graph],
        change: impl FnOnce(&World),
    ) -> Result<Plan, Ran> {
        self.world.begin(None);
        change(&self.world);
        self.plan_now(graphs).await
    }

    async fn live(&self, graphs: &[Graph]) -> Ran {
        let drivers = (self.wrap_drivers)(drivers(&self.world));
        let engine = Engine::new(&drivers, self.marks(), &LocalSecrets, 8).until(self.stop.clone());
        let state = self.state();
        let (plan, observed) = match self.decide(&engine, &drivers, graphs, &state).await {
            Ok(decided) => decided,
            Err(ran) => return ran,
        };
        let Ok(journal) = self.journal() else { return Ran::Crashed };
        let outcome = engine.apply(&journal, graphs, &observed, &plan).await;
        if outcome.is_complete() && journal.compact().is_err() {
            return Ran::Crashed;
        }
        Ran::Through(Box::new(plan), outcome)
    }

    async fn decide(
        &self,
        engine: &Engine<'_>,
        drivers: &Drivers,
        graphs: &[Graph],
        state: &State,
    ) -> Result<(Plan, provision_core::Observed), Ran> {
        let empty = Graph::new();
        let first = graphs.first().unwrap_or(&empty);
        let observed = engine.observe(first, state, &self.adopt).await.map_err(Ran::Blind)?;
        let adopt = self.adopt.keys().cloned().collect();
        let marks = self.marks();
        let question = Question {
            graphs,
            state,
            observed: &observed,
            drivers,
            marks: &marks,
            adopt: &adopt,
            replace: &self.replace,
        };
        let plan = plan(&question).map_err(Ran::Refused)?;
        Ok((plan, observed))
    }

    /// Returns what refers to something that is not on record.
    pub fn dangling(&self) -> Vec<String> {
        dangling(&self.state())
    }

    fn marks(&self) -> Marks {
        Marks { lineage: Some(LINEAGE.into()), cluster: CLUSTER.into() }
    }

    fn journal(&self) -> io::Result<Journal> {
        let (world, text, keep_line) = (self.world.clone(), self.text.clone(), self.keep_line);
        let loaded = self.loaded();
        let last = loaded.as_ref().map(|loaded| (loaded.serial, loaded.prev.clone()));
        let store = Box::new(WorldStore {
            world,
            text,
            keep_line,
            last,
            life: self.world.life(),
            written: self.written.clone(),
        });
        match loaded {
            Some(loaded) => Ok(Journal::resume(store, loaded)),
            None => Journal::begin(
                store,
                Header {
                    format: STATE_FORMAT.into(),
                    cluster: CLUSTER.into(),
                    provider: "fake".into(),
                    scope: Scope { world: Servers::Sandbox, place: BTreeMap::new() },
                    lineage: LINEAGE.into(),
                },
            ),
        }
    }

    fn loaded(&self) -> Option<provision_engine::Loaded> {
        let text = self.text.0.lock().expect("nothing panics while it holds the text").clone();
        match text.is_empty() {
            true => None,
            false => parse(Path::new("memory"), &text).expect("the state is good"),
        }
    }

    /// Returns how many entries of an event were ever written.
    pub fn announced(&self, event: &str) -> usize {
        let written = self.written.lock().expect("nothing panics while it holds the lines");
        written.lines().filter(|line| line.contains(&format!("\"event\":\"{event}\""))).count()
    }

    /// Returns what is on record.
    pub fn state(&self) -> State {
        self.loaded().map(|loaded| loaded.state).unwrap_or_default()
    }

    /// Returns what the world holds, each object by its address and with ids named so too, so
    /// that two worlds that came about differently compare equal.
    pub fn picture(&self) -> Vec<String> {
        let objects = self.world.objects();
        let names: BTreeMap<&str, String> =
            objects.iter().map(|(id, object)| (id.as_str(), name_of(id, object))).collect();
        let mut lines: Vec<_> = objects
            .iter()
            .map(|(id, object)| format!("{} {}", names[id.as_str()], named(&object.body, &names)))
            .collect();
        lines.sort();
        lines
    }

    /// Returns what is wrong with the world and the record of it: objects that nobody has on
    /// record, and records of nothing.
    pub fn faults(&self) -> Vec<String> {
        let (objects, state) = (self.world.objects(), self.state());
        let id = |record: &Record| Some(record.outputs.as_ref()?.get("id")?.as_str()?.to_owned());
        let recorded: BTreeSet<String> = state.records().values().filter_map(id).collect();
        let orphans = objects.keys().filter(|id| !recorded.contains(*id));
        let ghosts = recorded.iter().filter(|id| !objects.contains_key(*id));
        let unsettled = state.records().iter().filter(|(_, record)| !record.is_settled());
        orphans
            .map(|id| format!("orphan {id}"))
            .chain(ghosts.map(|id| format!("ghost {id}")))
            .chain(unsettled.map(|(address, _)| format!("unsettled {address}")))
            .collect()
    }
}

/// Returns references of records to what is not on record: nothing can be made of such a record
/// when it is read again.
fn dangling(state: &State) -> Vec<String> {
    let refers = |(address, record): (&Address, &Record)| {
        let missing = sources(&record.spec).into_iter().filter(|to| state.get(to).is_none());
        missing.map(|to| format!("{address} refers to {to}")).collect::<Vec<_>>()
    };
    state.records().iter().flat_map(refers).collect()
}

fn name_of(id: &str, object: &Object) -> String {
    let address = object.tag(ADDRESS_MARK).map(|address| format!("{} {address}", object.kind));
    address.unwrap_or_else(|| id.rsplit_once('-').map_or(id, |(kind, _)| kind).to_owned())
}

fn named(body: &Value, names: &BTreeMap<&str, String>) -> Value {
    match body {
        Value::String(text) => names.get(text.as_str()).unwrap_or(text).clone().into(),
        Value::Array(items) => items.iter().map(|item| named(item, names)).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), named(v, names))).collect(),
        other => other.clone(),
    }
}

/// A store whose writes are effects of a world, and which may lose lines unnoticed.
struct WorldStore {
    world: World,
    text: MemoryStore,
    keep_line: fn(&str) -> bool,
    last: Option<(u64, String)>,
    life: usize,
    written: Arc<Mutex<String>>,
}

impl WorldStore {
    /// Returns the lines that are kept, numbered and chained as if there had been no others.
    fn kept(&mut self, lines: &[u8]) -> Vec<u8> {
        let mut kept = Vec::new();
        let text = std::str::from_utf8(lines).expect("lines are text");
        for text in text.lines().filter(|line| (self.keep_line)(line)) {
            let bytes = match serde_json::from_str::<Line>(text) {
                Ok(line) => {
                    let (n, prev) = self.last.clone().unwrap_or((line.n - 1, line.prev.clone()));
                    let (bytes, seal) = Line { n: n + 1, prev, ..line }.sealed();
                    self.last = Some((n + 1, seal));
                    bytes
                }
                Err(_) => {
                    self.last = Some((0, Line::hash(text.as_bytes())));
                    text.as_bytes().to_vec()
                }
            };
            kept.extend(bytes);
            kept.push(b'\n');
        }
        kept
    }
}

impl Store for WorldStore {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let kept = self.kept(lines);
        let text = String::from_utf8_lossy(&kept);
        self.written.lock().expect("nothing panics while it holds the lines").push_str(&text);
        self.world.write(self.life, || self.text.append(&kept))
    }

    fn replace(&mut self, text: &[u8]) -> io::Result<()> {
        self.world.write(self.life, || self.text.replace(text))
    }
}
