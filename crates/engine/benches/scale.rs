//! What the engine itself costs, with a cloud that answers at once: CPU time of planning and
//! applying graphs of many sizes. `cargo bench --bench scale` prints the table in the docs.
use provision_core::plan::{Question, plan};
use provision_core::{
    Cx, Diff, Driver, Graph, Input, Live, Marks, Owner, Phase, Plan, Resource, Result, Rule, Scope,
    Started, State, Timing, Typed, World, out,
};
use provision_engine::{
    Adoptions, Engine, FileStore, Header, Journal, LocalSecrets, Pace, STATE_FORMAT, load,
};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The sizes of the table.
const SIZES: [usize; 4] = [500, 2_500, 5_000, 20_000];
/// How many resources one cluster has.
const CLUSTER: usize = 35;

/// A cloud that keeps what it is told, by address.
#[derive(Default)]
struct Shelf(Mutex<HashMap<String, Part>>);

/// Something with a few fields and a few references, as most cloud objects are.
#[derive(Clone, Serialize, Deserialize)]
struct Part {
    name: String,
    uses: Vec<Input<String>>,
    size: u64,
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Outputs {
    id: String,
}

impl Resource for Part {
    const KIND: &'static str = "bench.part";
    const RULES: &'static [(&'static str, Rule)] = &[("tags", Rule::Tags)];
    const TIMING: Timing = Timing::QUICK;
    type Cloud = Shelf;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Shelf>) -> Result<Option<Vec<Live<Self>>>> {
        let shelf = cx.cloud.0.lock().expect("nothing panics");
        Ok(Some(shelf.values().cloned().map(live).collect()))
    }

    async fn read(&self, cx: &Cx<'_, Shelf>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let shelf = cx.cloud.0.lock().expect("nothing panics");
        Ok(shelf.get(cx.address().as_str()).cloned().map(live))
    }

    async fn create(&self, cx: &Cx<'_, Shelf>) -> Result<Started<Outputs>> {
        let mut shelf = cx.cloud.0.lock().expect("nothing panics");
        shelf.insert(cx.address().to_string(), self.clone());
        Ok(Started::made(Outputs { id: self.name.clone() }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Shelf>,
        _: &Live<Self>,
        _: &Diff,
    ) -> Result<Started<Outputs>> {
        self.create(cx).await
    }

    async fn delete(cx: &Cx<'_, Shelf>, _: &Live<Self>) -> Result<Started<Outputs>> {
        cx.cloud.0.lock().expect("nothing panics").remove(cx.address().as_str());
        Ok(Started::done())
    }
}

fn live(part: Part) -> Live<Part> {
    let outputs = Outputs { id: part.name.clone() };
    Live {
        address: Marks::address(&part.tags),
        spec: part,
        outputs,
        phase: Phase::Ready,
        owner: Owner::Ours,
        unobserved: &[],
    }
}

/// Makes the graph of many clusters: in each, a trunk of six and leaves on every part of it.
fn graph(size: usize) -> Graph {
    let mut graph = Graph::new();
    let mut trunk = Vec::new();
    for i in 0..size {
        let (cluster, place) = (i / CLUSTER, i % CLUSTER);
        if place == 0 {
            trunk.clear();
        }
        let on = if place < 6 { trunk.len().saturating_sub(1) } else { place % 6 };
        let uses: Vec<Input<String>> = trunk
            .get(on)
            .map(|part: &provision_core::Handle<Part>| out!(part.id))
            .into_iter()
            .collect();
        let name = format!("cluster-{cluster}/part-{place}");
        let tags = [("team".to_owned(), "platform".to_owned())].into();
        let part = graph.add(name.clone(), Part { name, uses, size: 8, tags });
        if place < 6 {
            trunk.push(part);
        }
    }
    graph
}

/// The state and cloud of one measurement.
struct Bench<'a> {
    drivers: BTreeMap<&'static str, Box<dyn Driver>>,
    marks: Marks,
    graphs: [Graph; 1],
    path: &'a Path,
}

impl Bench<'_> {
    fn engine(&self) -> Engine<'_> {
        Engine::new(&self.drivers, self.marks.clone(), &LocalSecrets, 10)
            .at_pace(Pace::scaled(1000.0))
    }

    async fn decide(&self) -> (Plan, provision_core::Observed) {
        let state = match load(self.path).expect("the state is good") {
            Some(loaded) => loaded.state,
            None => State::default(),
        };
        let observed = self.engine().observe(&self.graphs[0], &state, &Adoptions::new()).await;
        let observed = observed.expect("the cloud answers");
        let nothing = BTreeSet::new();
        let question = Question {
            graphs: &self.graphs,
            state: &state,
            observed: &observed,
            drivers: &self.drivers,
            marks: &self.marks,
            adopt: &nothing,
            replace: &nothing,
        };
        (plan(&question).expect("nothing is in the way"), observed)
    }

    async fn apply(&self) {
        let (plan, observed) = self.decide().await;
        let header = Header {
            format: STATE_FORMAT.into(),
            cluster: self.marks.cluster.clone(),
            provider: "bench".into(),
            scope: Scope { world: World::Loopback, place: BTreeMap::new() },
            lineage: self.marks.lineage.clone().expect("it has one"),
        };
        let store = FileStore::begin(self.path).expect("the state can be written");
        let journal = Journal::begin(Box::new(store), header).expect("it can be begun");
        let outcome = self.engine().apply(&journal, &self.graphs, &observed, &plan).await;
        assert!(outcome.is_complete(), "{outcome:?}");
        journal.compact().expect("it can be shortened");
    }
}

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn measure(size: usize) -> (f64, f64) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("bench.state.jsonl");
    let shelf = Arc::new(Shelf::default());
    let bench = Bench {
        drivers: [Typed::<Part>::driver(&shelf)].into(),
        marks: Marks { lineage: Some("bench".into()), cluster: "bench".into() },
        graphs: [graph(size)],
        path: &path,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let since = cpu();
    runtime.block_on(bench.apply());
    let applied = cpu() - since;
    let since = cpu();
    let (plan, _) = runtime.block_on(bench.decide());
    assert!(plan.is_empty(), "the second plan is empty");
    (applied, cpu() - since)
}

fn main() {
    let mut out = std::io::stdout();
    let mut row = |text: String| writeln!(out, "{text}").expect("somebody reads");
    row("| resources | apply, CPU | a resource | no-op plan, CPU | a resource |".into());
    row("|---|---|---|---|---|".into());
    // As a test it only shows that it works.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let sizes = if is_bench { &SIZES[..] } else { &[CLUSTER] };
    for &size in sizes {
        let (apply, plan) = measure(size);
        let each = |seconds: f64| seconds / size as f64 * 1e6;
        row(format!(
            "| {size} | {apply:.2} s | {:.0} µs | {plan:.3} s | {:.1} µs |",
            each(apply),
            each(plan)
        ));
    }
}
