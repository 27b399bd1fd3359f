//! What the engine itself costs, with a cloud that answers at once: CPU time of planning and
//! applying graphs of many sizes. `cargo bench --bench scale` prints the table in the docs, and
//! fails when a cost is over its limit. A command is measured in a process of its own, as it is
//! run, so that no cost depends on the heap that another one left behind.
use provision_core::plan::{Question, plan};
use provision_core::{
    Cx, Diff, Driver, Graph, Input, Live, Marks, Observed, Owner, Phase, Plan, Resource, Rule,
    Scope, Started, State, Timing, Typed, World, out,
};
use provision_engine::{
    Adoptions, Engine, FileStore, Header, Journal, LocalSecrets, STATE_FORMAT, load,
};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

/// The sizes of the table.
const SIZES: [usize; 4] = [500, 2_500, 5_000, 20_000];
/// How often each size is measured. Limits are for the median; the least is shown beside it.
const ROUNDS: usize = 5;
/// What is measured, and the seconds that it may take of [`LIMITED`] resources. An apply begins
/// with a plan, as the command does.
const COLUMNS: [(&str, f64); 3] = [("first plan", 0.1), ("apply", 1.0), ("no-op plan", 0.1)];
/// The size that the limits are for.
const LIMITED: usize = 5_000;
/// How many times as much a resource may cost at one size as at another.
const FLAT: f64 = 1.5;
/// How many resources one cluster has.
const CLUSTER: usize = 35;

/// A cloud that keeps what it is told, by address.
#[derive(Default)]
struct Shelf(Mutex<BTreeMap<String, Part>>);

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

    async fn list(cx: &Cx<'_, Shelf>) -> provision_core::Result<Option<Vec<Live<Self>>>> {
        let shelf = cx.cloud.0.lock().expect("nothing panics");
        Ok(Some(shelf.values().cloned().map(live).collect()))
    }

    async fn read(
        &self,
        cx: &Cx<'_, Shelf>,
        _: Option<&Outputs>,
    ) -> provision_core::Result<Option<Live<Self>>> {
        let shelf = cx.cloud.0.lock().expect("nothing panics");
        Ok(shelf.get(cx.address().as_str()).cloned().map(live))
    }

    async fn create(&self, cx: &Cx<'_, Shelf>) -> provision_core::Result<Started<Outputs>> {
        let mut shelf = cx.cloud.0.lock().expect("nothing panics");
        shelf.insert(cx.address().to_string(), self.clone());
        Ok(Started::made(Outputs { id: self.name.clone() }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Shelf>,
        _: &Live<Self>,
        _: &Diff,
    ) -> provision_core::Result<Started<Outputs>> {
        self.create(cx).await
    }

    async fn delete(
        cx: &Cx<'_, Shelf>,
        _: &Live<Self>,
    ) -> provision_core::Result<Started<Outputs>> {
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
struct Bench {
    shelf: Arc<Shelf>,
    drivers: BTreeMap<&'static str, Box<dyn Driver>>,
    marks: Marks,
    graphs: [Graph; 1],
    path: PathBuf,
}

impl Bench {
    fn new(size: usize, folder: &Path) -> Self {
        let shelf = Arc::new(Shelf::default());
        Self {
            drivers: [Typed::<Part>::driver(&shelf)].into(),
            shelf,
            marks: Marks { lineage: Some("bench".into()), cluster: "bench".into() },
            graphs: [graph(size)],
            path: folder.join("bench.state.jsonl"),
        }
    }

    /// Puts everything on the shelf as an apply leaves it.
    fn stock(&self) {
        let mut shelf = self.shelf.0.lock().expect("nothing panics");
        for node in self.graphs[0].nodes() {
            let mut part = Part::deserialize(&node.spec).expect("it is a part");
            for on in &mut part.uses {
                if let Input::Pending(pending) = on {
                    *on = pending.from.to_string().into();
                }
            }
            let marks = self.marks.of(&node.address);
            part.tags.extend(marks.map(|(key, value)| (key.to_owned(), value)));
            shelf.insert(node.address.to_string(), part);
        }
    }

    fn engine(&self) -> Engine<'_> {
        Engine::new(&self.drivers, self.marks.clone(), &LocalSecrets, 10)
    }

    async fn decide(&self) -> (Plan, Observed) {
        let state = match load(&self.path).expect("the state is good") {
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

    async fn apply(&self, plan: Plan, observed: Observed) {
        let header = Header {
            format: STATE_FORMAT.into(),
            cluster: self.marks.cluster.clone(),
            provider: "bench".into(),
            scope: Scope { world: World::Loopback, place: BTreeMap::new() },
            lineage: self.marks.lineage.clone().expect("it has one"),
        };
        let store = FileStore::begin(&self.path).expect("the state can be written");
        let journal = Journal::begin(Box::new(store), header).expect("it can be begun");
        let outcome = self.engine().apply(&journal, &self.graphs, &observed, &plan).await;
        assert!(outcome.is_complete(), "{:?}", outcome.failed.first());
        journal.compact().expect("it can be shortened");
    }
}

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Plans for nothing yet and applies; returns the seconds of the plan, and of both. Timed are
/// observing, planning, carrying out, and shortening the state; not the making of the graph.
fn first(bench: &Bench) -> Vec<f64> {
    let begun = cpu();
    let (plan, observed) = block_on(bench.decide());
    let planned = cpu();
    block_on(bench.apply(plan, observed));
    vec![planned - begun, cpu() - begun]
}

/// Plans what is there already; returns the seconds, and the megabytes of the whole process. Timed
/// are loading the state, observing, and planning; not the making of graph and cloud.
fn again(bench: &Bench) -> Vec<f64> {
    bench.stock();
    let begun = cpu();
    let (plan, _observed) = block_on(bench.decide());
    let taken = cpu() - begun;
    assert!(plan.is_empty(), "the second plan is empty");
    vec![taken, peak_memory().unwrap_or(f64::NAN)]
}

fn block_on<T>(task: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(task)
}

/// Returns the most memory that this process ever had, with the graph and the cloud.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix(" kB")?.parse().ok().map(|kib: f64| kib * 1024.0 / 1e6)
}

type Measure = fn(&Bench) -> Vec<f64>;

/// The measurements, by the argument that a process of its own gets.
const PARTS: [(&str, Measure); 2] = [("first", first), ("again", again)];

/// What one thing cost in each round.
#[derive(Clone, Default)]
struct Cost(Vec<f64>);

impl Cost {
    fn add(&mut self, round: f64) {
        self.0.push(round);
        self.0.sort_by(f64::total_cmp);
    }

    fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    fn least(&self) -> f64 {
        self.0[0]
    }
}

/// What each size costs: the columns, and the memory.
type Costs = BTreeMap<usize, Vec<Cost>>;

fn measure_all() -> Costs {
    let mut all = Costs::new();
    for size in std::iter::repeat_n(SIZES, ROUNDS).flatten() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let costs = PARTS.iter().flat_map(|(part, _)| measure(part, size, folder.path()));
        let row = all.entry(size).or_insert_with(|| vec![Cost::default(); COLUMNS.len() + 1]);
        row.iter_mut().zip(costs).for_each(|(all, cost)| all.add(cost));
    }
    all
}

/// Runs this program for one measurement.
fn measure(part: &str, size: usize, folder: &Path) -> Vec<f64> {
    let program = std::env::current_exe().expect("it runs");
    let mut command = Command::new(program);
    let output = command.args([part, &size.to_string()]).arg(folder).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("it prints text");
    text.split_whitespace().map(|number| number.parse().expect("it prints numbers")).collect()
}

/// Writes the table of the docs.
fn table(costs: &Costs) -> Result<String, std::fmt::Error> {
    let mut text = String::from("| resources |");
    for (what, _) in COLUMNS {
        write!(text, " {what} | least | each |")?;
    }
    write!(text, " memory |\n|---|{}---|", "---|---|---|".repeat(COLUMNS.len()))?;
    for (&size, row) in costs {
        write!(text, "\n| {size} |")?;
        for cost in &row[..COLUMNS.len()] {
            let (seconds, least) = (cost.median(), cost.least());
            let each = seconds / size as f64 * 1e6;
            write!(text, " {seconds:.3} s | {least:.3} s | {each:.1} µs |")?;
        }
        write!(text, " {:.0} MB |", row[COLUMNS.len()].median())?;
    }
    Ok(text)
}

/// Returns what costs more than it may.
fn broken(costs: &Costs) -> Vec<String> {
    let mut broken = Vec::new();
    for (i, (what, limit)) in COLUMNS.into_iter().enumerate() {
        let seconds = costs.get(&LIMITED).map_or(0.0, |row| row[i].median());
        if seconds > limit {
            broken.push(format!("{what} of {LIMITED}: {seconds:.3} s, and may take {limit} s"));
        }
        let each = costs.iter().map(|(size, row)| row[i].median() / *size as f64);
        let mut each: Vec<_> = each.collect();
        each.sort_by(f64::total_cmp);
        let spread = each.last().zip(each.first()).map_or(1.0, |(most, least)| most / least);
        if spread > FLAT {
            broken.push(format!("{what}: a resource costs up to {spread:.2} times the least"));
        }
    }
    broken
}

#[expect(clippy::print_stdout, reason = "the table is what it is run for")]
fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [part, size, folder] = arguments.as_slice() {
        let size = size.parse().expect("a size is a number");
        let bench = Bench::new(size, Path::new(folder));
        let (_, run) = PARTS.iter().find(|(name, _)| name == part).expect("it is a part");
        run(&bench).iter().for_each(|number| println!("{number}"));
        return ExitCode::SUCCESS;
    }
    // As a test it only shows that it works.
    if arguments.iter().all(|argument| argument != "--bench") {
        let folder = tempfile::tempdir().expect("a folder can be made");
        PARTS.iter().for_each(|(_, run)| drop(run(&Bench::new(CLUSTER, folder.path()))));
        return ExitCode::SUCCESS;
    }
    let costs = measure_all();
    println!("{}", table(&costs).expect("text takes text"));
    let broken = broken(&costs);
    broken.iter().for_each(|limit| println!("over the limit: {limit}"));
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
