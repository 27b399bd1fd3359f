//! Runs the steps of a plan: each as soon as what it waits for is done.
use crate::calls::{Ended, Engine};
use crate::excused::{excuse_capacity, excuse_waiting};
use crate::journal::Journal;
use crate::queue::{Ahead, Queue};
use crate::remove::unplanned;
use crate::work::{Done, LetGo, Turn, Work};
use futures::stream::{FuturesUnordered, StreamExt};
use provision_core::{
    Action, Address, Error, EventKind, Graph, LiveValue, Observed, Phase, Plan, Seen, Step, resolve,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::Instrument;

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many steps of each action ended well.
    pub done: BTreeMap<Action, usize>,
    /// What is there and not well, in the cloud's words.
    pub degraded: BTreeMap<Address, String>,
    /// What of that lacks capacity, or waits for something that does: the next run goes on with it.
    pub put_off: BTreeSet<Address>,
    /// What failed.
    pub failed: Vec<(Address, Error)>,
    /// What was not tried, and why.
    pub skipped: Vec<(Address, Skip)>,
    /// What ended the run: credentials, or a journal that cannot be written.
    pub fatal: Option<Error>,
    /// Whether somebody asked it to stop before it was done.
    pub interrupted: bool,
}

/// Why a step was not tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// What it needs did not end well.
    #[error("needs {0} first")]
    Needs(Address),
    /// What takes its place is there and not ready.
    #[error("kept until {0} is ready")]
    Kept(Address),
    /// Somebody asked the run to stop.
    #[error("interrupted")]
    Interrupted,
    /// The run ended before its turn.
    #[error("the run ended before its turn")]
    Ended,
    /// The stage before its own did not end well, for want of this.
    #[error("waits for {0} of the stage before")]
    Stage(Address),
    /// It waits, in the end, for itself: a mistake of the plan.
    #[error("it waits for itself; please report this plan")]
    Stuck,
}

impl Outcome {
    /// Tells whether everything was done, whether or not all is well.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty()
            && self.skipped.is_empty()
            && self.fatal.is_none()
            && !self.interrupted
    }

    /// Returns why no further stage begins, unless everything was done so far.
    fn ends(&self) -> Option<Skip> {
        if self.fatal.is_some() {
            return Some(Skip::Ended);
        }
        if self.interrupted {
            return Some(Skip::Interrupted);
        }
        let failed = self.failed.first().map(|(address, _)| address);
        let first = failed.or(self.skipped.first().map(|(address, _)| address))?;
        Some(Skip::Stage(first.clone()))
    }
}

/// What one step's end means to those that wait for it.
pub(crate) enum Verdict {
    Done,
    /// Done, but not well enough for what it takes the place of to go.
    NotReady,
    NotDone,
}

impl Engine<'_> {
    /// Carries out `plan`, which was made from `graphs` and `observed`. A failed step stops only
    /// what needs it; nothing is undone; what is left, the next run does.
    pub async fn apply(
        &self,
        journal: &Journal,
        graphs: &[Graph],
        observed: &Observed,
        plan: &Plan,
    ) -> Outcome {
        let mut outcome = Outcome { degraded: plan.degraded.clone(), ..Outcome::default() };
        let nothing = [Graph::new()];
        let graphs = if graphs.is_empty() { &nothing[..] } else { graphs };
        let (mut begin, mut behind, since) = (0, None, Instant::now());
        let before = &parents(journal, graphs);
        let job = |graph| Job { engine: self, journal, graph, observed, before, since };
        for (stage, graph) in graphs.iter().enumerate() {
            let end = begin + plan.steps[begin..].iter().take_while(|s| s.stage == stage).count();
            let steps = &plan.steps[begin..end];
            if let Some(why) = outcome.ends().or(behind.clone().map(Skip::Stage)) {
                outcome.skipped.extend(steps.iter().map(|s| (s.address.clone(), why.clone())));
            } else {
                job(graph).run(steps, begin, &mut outcome).await;
                excuse_capacity(self.drivers, journal, &mut outcome);
            }
            behind = behind.or_else(|| self.lagging(steps, &outcome));
            excuse_waiting(steps, &mut outcome);
            begin = end;
        }
        if !plan.steps.is_empty() && !self.is_stopping() {
            job(&graphs[graphs.len() - 1]).look_at_degraded(plan, &mut outcome).await;
        }
        outcome
    }

    /// Returns what a cluster can do without and is there as it was before these steps, for want of
    /// capacity: a cloud takes no further step with a cluster until that has followed. What is not there
    /// yet keeps nothing.
    fn lagging(&self, steps: &[Step], outcome: &Outcome) -> Option<Address> {
        let is_dispensable =
            |step: &&Step| self.driver(&step.kind).is_ok_and(|it| it.meta().dispensable);
        let is_left = |step: &Step| outcome.skipped.iter().any(|(it, _)| *it == step.address);
        let lags = |step: &&Step| match step.action {
            Action::Update => outcome.put_off.contains(&step.address) || is_left(step),
            // The old generation in a slot.
            Action::Delete => is_left(step),
            Action::Create | Action::Adopt => false,
        };
        steps.iter().filter(is_dispensable).find(lags).map(|step| step.address.clone())
    }
}

/// Returns what is on record of everything that something is within, or is to be.
fn parents(journal: &Journal, graphs: &[Graph]) -> BTreeMap<Address, Option<Value>> {
    let wanted = graphs.iter().flat_map(Graph::nodes).filter_map(|node| node.within.clone());
    journal.with(|state| {
        let recorded = state.records().values().filter_map(|record| record.within.clone());
        let all: BTreeSet<Address> = wanted.chain(recorded).collect();
        let outputs = |address: &Address| state.get(address)?.outputs.clone();
        let told = |address: Address| {
            let outputs = outputs(&address);
            (address, outputs)
        };
        all.into_iter().map(told).collect()
    })
}

/// One stage of a plan under way.
struct Job<'a> {
    engine: &'a Engine<'a>,
    journal: &'a Journal,
    graph: &'a Graph,
    observed: &'a Observed,
    /// What was on record of each parent when the run began.
    before: &'a BTreeMap<Address, Option<Value>>,
    /// When the run began, which is after everything was observed.
    since: Instant,
}

impl Job<'_> {
    async fn run(&self, steps: &[Step], begin: usize, outcome: &mut Outcome) {
        let mut queue = Queue::new(steps, begin);
        let is_put_off = |i: &usize| outcome.put_off.contains(&steps[*i].address);
        (0..steps.len()).filter(is_put_off).for_each(|i| queue.leave_out(i));
        let mut running = FuturesUnordered::new();
        let (tell, mut told) = mpsc::unbounded_channel();
        loop {
            while let Some(i) = queue.next(steps, self.engine.is_stopping()) {
                let Step { address, action, .. } = &steps[i];
                let span = tracing::info_span!("step", %address, %action);
                let (let_go, ahead) = (LetGo::of(i, &tell), queue.ahead(steps, i));
                let step = self.step(&steps[i], let_go, ahead).instrument(span);
                running.push(async move { (i, step.await) });
            }
            tokio::select! {
                biased;
                Some(i) = told.recv() => {
                    queue.release(i, |next| self.may_begin(&steps[i], &steps[next]));
                }
                ended = running.next() => {
                    let Some((i, ended)) = ended else { break };
                    let verdict = self.judge(&steps[i], ended, outcome);
                    queue.end(steps, i, &verdict);
                }
            }
        }
        outcome.interrupted |= self.engine.is_stopping() && outcome.fatal.is_none();
        for (i, why) in queue.left(steps, outcome) {
            self.engine.tell(&steps[i], EventKind::Skipped(why.to_string()));
            outcome.skipped.push((steps[i].address.clone(), why));
        }
    }

    /// Tells whether a step may begin when what it waits for is not done with but lets it go. One
    /// that takes its outputs may not: they are final when it has settled.
    fn may_begin(&self, before: &Step, next: &Step) -> bool {
        let node = self.graph.node(&next.address);
        if node.is_some_and(|node| {
            node.refers.contains(&before.address) || node.within.as_ref() == Some(&before.address)
        }) {
            return false;
        }
        let meta = |step: &Step| self.engine.driver(&step.kind).map(|driver| driver.meta());
        match (meta(before), meta(next)) {
            (Ok(meta), Ok(next_meta)) => meta.lets_go(before.action, &next_meta, next.action),
            _ => false,
        }
    }

    async fn step(&self, step: &Step, let_go: LetGo, ahead: Ahead) -> Result<Done, Ended> {
        self.engine.tell(step, EventKind::Started);
        let (seen, parent, since) = (self.seen(step), self.parent(step), self.since);
        let turn = Turn { step, seen, parent, since, let_go, ahead };
        let work = Work::new(self.engine, self.journal, turn)?;
        if step.action == Action::Delete {
            return work.remove(seen).await;
        }
        let node = self.graph.node(&step.address).ok_or_else(|| unplanned(&step.address))?;
        work.settling(&node.spec).settle(node).await
    }

    /// Returns what a step's object is within, as the plan saw it, unless the run has recorded it anew.
    fn parent(&self, step: &Step) -> Option<&LiveValue> {
        let wanted = self.graph.node(&step.address).and_then(|node| node.within.clone());
        let recorded = || self.journal.with(|state| state.get(&step.address)?.within.clone());
        let parent = wanted.or_else(recorded)?;
        self.unchanged(&parent)
    }

    /// Returns a parent as the plan saw it, unless the run has recorded it anew.
    fn unchanged(&self, parent: &Address) -> Option<&LiveValue> {
        let now = self.journal.with(|state| state.get(parent)?.outputs.clone());
        self.observed.live(parent).filter(|_| self.before.get(parent) == Some(&now))
    }

    /// Looks once more at what was degraded before the run and had no step in it: what was done
    /// elsewhere may have been what it lacked.
    async fn look_at_degraded(&self, plan: &Plan, outcome: &mut Outcome) {
        let had_step = |address: &Address| plan.steps.iter().any(|it| it.address == *address);
        for address in plan.degraded.keys().filter(|address| !had_step(address)) {
            let Some(record) = self.journal.with(|state| state.get(address).cloned()) else {
                continue;
            };
            let Ok(driver) = self.engine.driver(&record.kind) else { continue };
            let within = record.within.as_ref();
            let seen = within.and_then(|parent| Some(self.unchanged(parent)?.outputs.clone()));
            let (spec, recorded) = self.journal.with(|state| {
                let spec = resolve(&record.spec, &|from, name| state.output(from, name));
                (spec, within.and_then(|parent| state.get(parent)?.outputs.clone()))
            });
            let parent = seen.or(recorded);
            let at = self.engine.at(address, parent.as_ref());
            let known = record.outputs.as_ref();
            match self.engine.ask(None, async || driver.read(at, &spec, known).await).await {
                Ok(Some(LiveValue { phase: Phase::Ready, .. })) => {
                    outcome.degraded.remove(address);
                }
                Ok(Some(LiveValue { phase: Phase::Degraded(why), .. })) => {
                    outcome.degraded.insert(address.clone(), why);
                }
                _ => {}
            }
        }
    }

    /// Returns the object of a step, as the plan saw it.
    fn seen(&self, step: &Step) -> Option<&LiveValue> {
        match self.observed.0.get(&step.address)? {
            Seen::Live(live) => Some(live),
            Seen::Many(lives) => lives.first().map(AsRef::as_ref),
            Seen::Absent | Seen::Unknown(_) => None,
        }
    }

    /// Notes how a step ended, and tells.
    fn judge(&self, step: &Step, ended: Result<Done, Ended>, outcome: &mut Outcome) -> Verdict {
        let outputs = || self.journal.with(|s| s.get(&step.address)?.outputs.clone());
        let (verdict, event) = match ended {
            Ok(Done::Degraded(why)) => {
                outcome.degraded.insert(step.address.clone(), why.clone());
                (Verdict::NotReady, EventKind::Degraded(why))
            }
            Ok(Done::Removed) => {
                outcome.degraded.remove(&step.address);
                (Verdict::Done, EventKind::Removed)
            }
            Ok(Done::Left(by)) => {
                let why = Skip::Needs(by);
                outcome.skipped.push((step.address.clone(), why.clone()));
                (Verdict::NotDone, EventKind::Skipped(why.to_string()))
            }
            Ok(Done::Ready) => {
                outcome.degraded.remove(&step.address);
                let outputs = outputs().unwrap_or_default();
                let event = match step.action {
                    Action::Adopt => EventKind::Adopted(outputs),
                    _ => EventKind::Settled(outputs),
                };
                (Verdict::Done, event)
            }
            Err(Ended::Stopped) => {
                // What ended the run stops what is under way as somebody who asks does.
                let ended = outcome.fatal.is_some();
                let why = if ended { Skip::Ended } else { Skip::Interrupted };
                outcome.skipped.push((step.address.clone(), why.clone()));
                (Verdict::NotDone, EventKind::Skipped(why.to_string()))
            }
            Err(Ended::Failed(error)) => {
                if error.kind.is_fatal() {
                    self.engine.halt.ask();
                    outcome.fatal.get_or_insert(error.clone());
                }
                outcome.failed.push((step.address.clone(), error.clone()));
                (Verdict::NotDone, EventKind::Failed(error))
            }
        };
        if !matches!(verdict, Verdict::NotDone) {
            *outcome.done.entry(step.action).or_default() += 1;
        }
        self.engine.tell(step, event);
        verdict
    }
}
