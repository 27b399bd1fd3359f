//! The line that plan, apply and destroy have in common: file, state, caller, facts, graphs,
//! what is there, plan.
mod consent;
mod open;

use crate::args::Global;
use crate::commands::destroy::PROTECT;
use crate::decision::Decision;
use crate::failure::{Code, Exit, Failure};
use crate::render::progress::Time;
use crate::render::spinner;
use crate::sandbox::Rehearsal;
use crate::{place, providers};
use provision_core::plan::{Question, plan};
use provision_core::{
    Address, Drivers, Facts, Graph, Marks, Observed, Plan, Scope, Seen, State, World,
};
use provision_engine::{
    Adoptions, Engine, Header, Loaded, LocalSecrets, Pace, first_call, look_until, new_lineage,
};
use provision_spec::{ClusterSpec, Provider, Session, Target, Volumes};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use consent::Consent;
use consent::{check_adoptions, replacements};

/// How long a way into a cluster that was just made may take to be there.
const WAY_IN: Duration = Duration::from_secs(120);

/// What a terminal shows as long as nothing is decided.
const LOOKING: &str = "looking at what there is";

/// A cluster, its state, and who calls.
pub(crate) struct Subject {
    pub(crate) provider: &'static dyn Provider,
    /// `None` when a state is destroyed without a file.
    pub(crate) spec: Option<ClusterSpec>,
    pub(crate) state_path: PathBuf,
    pub(crate) loaded: Option<Loaded>,
    /// `None` offline.
    pub(crate) session: Option<Box<dyn Session>>,
    drivers: Option<Drivers>,
    /// What becomes of volumes, when everything is to be removed.
    pub(crate) removal: Option<Volumes>,
    /// The simulated cloud that the session is with, which ends with the subject.
    rehearsal: Option<Rehearsal>,
    /// Whose objects are ours: as the state says, or as a new one will.
    pub(crate) header: Header,
}

impl Subject {
    /// Finds credentials and checks that they lead to where the state's objects are.
    pub(crate) async fn connect(
        global: &Global,
        spec: Option<ClusterSpec>,
        state_path: &Path,
        loaded: Option<Loaded>,
        removal: Option<Volumes>,
    ) -> Result<Self, Failure> {
        let header = loaded.as_ref().map(|loaded| loaded.header.clone());
        let (provider, region) = match (&spec, &header) {
            (Some(spec), _) => (providers::of(spec)?, Some(spec.region.clone())),
            (None, Some(header)) => {
                (providers::known(&header.provider)?, header.scope.place.get("region").cloned())
            }
            (None, None) => unreachable!("a subject has a file or a state"),
        };
        if let Some(header) = &header {
            place::same_world(state_path, header, global.sandbox)?;
        }
        let name = spec.as_ref().map(|spec| &spec.name);
        let name = name.or(header.as_ref().map(|header| &header.cluster));
        let cluster = name.map(String::as_str).unwrap_or_default();
        let rehearsal = match global.sandbox {
            true => Some(Rehearsal::start(global, state_path, cluster)?),
            false => None,
        };
        let target = Target {
            cluster,
            region: region.unwrap_or_default(),
            spec: spec.as_ref(),
            recorded: loaded.as_ref().map(|loaded| loaded.state.facts()).unwrap_or_default(),
            scope: header.as_ref().map(|header| &header.scope),
            simulation: rehearsal.as_ref().map(Rehearsal::simulation),
            removal,
        };
        let pace = match (&rehearsal, &header) {
            (Some(rehearsal), _) => rehearsal.pace(),
            (None, Some(header)) => pace_of(header.scope.world),
            (None, None) => Pace::REAL,
        };
        let session =
            first_call(pace, &global.stop, async || provider.connect(&target).await).await?;
        tracing::info!(caller = session.caller(), "connected");
        if let Some(header) = &header {
            place::same_scope(state_path, header, session.scope())?;
        }
        let header = match (header, &spec) {
            (Some(header), _) => header,
            (None, Some(spec)) => new_header(spec, session.scope().clone())?,
            (None, None) => unreachable!("a subject has a file or a state"),
        };
        let (state_path, session) = (state_path.to_owned(), Some(session));
        Ok(Self {
            provider,
            spec,
            state_path,
            loaded,
            session,
            drivers: None,
            removal,
            rehearsal,
            header,
        })
    }

    /// Makes do with what is on record.
    pub(crate) fn offline(
        global: &Global,
        spec: ClusterSpec,
        state_path: &Path,
        loaded: Option<Loaded>,
    ) -> Result<Self, Failure> {
        let provider = providers::of(&spec)?;
        let world = if global.sandbox { World::Sandbox } else { World::Vendor };
        if let Some(loaded) = &loaded {
            place::same_world(state_path, &loaded.header, global.sandbox)?;
        }
        let place = BTreeMap::from([("region".to_owned(), spec.region.clone())]);
        let header = match &loaded {
            Some(loaded) => loaded.header.clone(),
            None => new_header(&spec, Scope { world, place })?,
        };
        let (state_path, drivers) = (state_path.to_owned(), Some(provider.kinds()));
        let spec = Some(spec);
        Ok(Self {
            provider,
            spec,
            state_path,
            loaded,
            session: None,
            drivers,
            removal: None,
            rehearsal: None,
            header,
        })
    }

    pub(crate) fn state(&self) -> State {
        self.loaded.as_ref().map(|loaded| loaded.state.clone()).unwrap_or_default()
    }

    pub(crate) fn serial(&self) -> u64 {
        self.loaded.as_ref().map_or(0, |loaded| loaded.serial)
    }

    /// Returns the state's identity, if there is a state.
    pub(crate) fn lineage(&self) -> Option<&str> {
        self.loaded.as_ref().map(|loaded| loaded.header.lineage.as_str())
    }

    pub(crate) fn marks(&self) -> Marks {
        self.header.marks()
    }

    pub(crate) fn drivers(&self) -> &Drivers {
        match (&self.session, &self.drivers) {
            (Some(session), _) => session.drivers(),
            (None, Some(drivers)) => drivers,
            (None, None) => unreachable!("a subject without a session has kinds"),
        }
    }

    pub(crate) fn engine(&self, global: &Global) -> Engine<'_> {
        let bound = global.parallelism.map_or(self.provider.parallelism(), usize::from);
        let engine = Engine::new(self.drivers(), self.marks(), &LocalSecrets, bound);
        engine.at_pace(self.pace()).until(global.stop.clone())
    }

    /// Returns how fast whoever waits for the cloud does.
    pub(crate) fn pace(&self) -> Pace {
        let pace = self.rehearsal.as_ref().map(Rehearsal::pace);
        pace.unwrap_or_else(|| pace_of(self.header.scope.world))
    }

    /// Begins to count the time as it is told: that of a simulated cloud within the program, else
    /// our own.
    pub(crate) fn time(&self) -> Time {
        self.rehearsal.as_ref().map_or_else(Time::real, Rehearsal::time)
    }

    /// Tells whether times are told in simulated time.
    pub(crate) fn is_simulated(&self) -> bool {
        self.header.scope.world == World::Sandbox
    }

    /// Tells whether the time that passes is a measure of anything. A clock that requests alone move
    /// counts these.
    pub(crate) fn is_timed(&self) -> bool {
        self.rehearsal.as_ref().is_none_or(|rehearsal| !rehearsal.is_instant())
    }

    /// Returns how long a plan usually takes, on the clock that times are told by.
    pub(crate) fn expected(&self, plan: &Plan) -> Duration {
        let pace = match self.is_simulated() {
            true => Pace::REAL,
            false => pace_of(self.header.scope.world),
        };
        pace.of(plan.expected(self.drivers()))
    }

    /// Decides what to do so that the cluster is as the file says.
    pub(crate) async fn decide(
        &self,
        global: &Global,
        spec: &ClusterSpec,
        recorded: Facts,
        consent: &Consent,
    ) -> Result<Decision, Failure> {
        spinner::during(global, LOOKING, self.decide_about(global, spec, recorded, consent)).await
    }

    async fn decide_about(
        &self,
        global: &Global,
        spec: &ClusterSpec,
        recorded: Facts,
        consent: &Consent,
    ) -> Result<Decision, Failure> {
        let mut facts = match &self.session {
            Some(session) => {
                let resolve = async || session.resolve(spec, &recorded).await;
                self.engine(global).asked(resolve).await.map_err(unresolved)?
            }
            None => Facts { seen: self.provider.recall(&self.state()), ..recorded },
        };
        // What was never protected needs no record of that.
        if spec.protect || facts.recorded.contains_key(PROTECT) {
            facts.recorded.insert(PROTECT.to_owned(), spec.protect.into());
        }
        let mut graphs = self.provider.stack(spec, &facts).map_err(unresolved)?;
        let replace = replacements(global, &graphs, &mut facts, &consent.replace)?;
        check_adoptions(global, &graphs, self.drivers(), consent)?;
        if facts.recorded.keys().any(|key| key.starts_with("generation/")) {
            graphs = self.provider.stack(spec, &facts).map_err(unresolved)?;
        }
        self.plan(global, graphs, facts, consent, replace).await
    }

    /// Looks again at what a decision that was carried out waited for, now that the way to it is
    /// made, and decides about that. `None` when it cannot be observed even so.
    pub(crate) async fn decide_again(
        &self,
        global: &Global,
        decision: &Decision,
        adopt: &Adoptions,
        state: &State,
    ) -> Result<Option<Decision>, Failure> {
        let Some(graph) = decision.graphs.last() else { return Ok(None) };
        let awaited = &decision.plan.awaited;
        let look = async || {
            let observed = self.engine(global).observe(graph, state, adopt).await?;
            let is_unseen = |it| matches!(observed.0.get(it), Some(Seen::Unknown(_)));
            Ok((!awaited.keys().any(is_unseen)).then_some(observed))
        };
        let seen = look_until(self.pace(), WAY_IN, &global.stop, look);
        let seen = spinner::during(global, "looking into the cluster", seen).await?;
        let Some(observed) = seen else { return Ok(None) };
        let (graphs, facts) = (vec![graph.clone()], decision.facts.clone());
        let replace = decision.replace.iter().filter(|it| awaited.contains_key(*it)).cloned();
        self.decided(graphs, facts, observed, state, adopt, replace.collect()).map(Some)
    }

    /// Decides what to do so that nothing of ours is left.
    pub(crate) async fn decide_to_destroy(&self, global: &Global) -> Result<Decision, Failure> {
        let facts = self.state().facts();
        let (nothing, nobody) = (Vec::new(), Consent::default());
        let decided = self.plan(global, nothing, facts, &nobody, BTreeSet::new());
        spinner::during(global, LOOKING, decided).await
    }

    async fn plan(
        &self,
        global: &Global,
        mut graphs: Vec<Graph>,
        facts: Facts,
        consent: &Consent,
        replace: BTreeSet<Address>,
    ) -> Result<Decision, Failure> {
        let (state, marks, nothing) = (self.state(), self.marks(), Graph::new());
        graphs.iter_mut().for_each(|graph| graph.remember(&state, self.drivers()));
        let first = graphs.first().unwrap_or(&nothing);
        let observed = match &self.session {
            Some(_) => self.engine(global).observe(first, &state, &consent.adopt).await?,
            None => Observed::of_record(&state, self.drivers(), &marks),
        };
        let decision = self.decided(graphs, facts, observed, &state, &consent.adopt, replace)?;
        if let Some(session) = &self.session {
            let (cluster, plan) = (&self.header.cluster, &decision.plan);
            let check = async || session.check_removal(cluster, plan).await;
            self.engine(global).asked(check).await?;
        }
        Ok(decision)
    }

    /// Plans from what was observed.
    fn decided(
        &self,
        graphs: Vec<Graph>,
        facts: Facts,
        observed: Observed,
        state: &State,
        adopt: &Adoptions,
        replace: BTreeSet<Address>,
    ) -> Result<Decision, Failure> {
        let (marks, adopt) = (self.marks(), adopt.keys().cloned().collect());
        let question = Question {
            graphs: &graphs,
            state,
            observed: &observed,
            drivers: self.drivers(),
            marks: &marks,
            adopt: &adopt,
            replace: &replace,
        };
        let plan = plan(&question)?;
        Ok(Decision { graphs, facts, observed, plan, replace })
    }
}

fn new_header(spec: &ClusterSpec, scope: Scope) -> Result<Header, Failure> {
    let lineage = new_lineage().map_err(|e| {
        Failure::new(Code::Lineage, "the system has no randomness to give").because(&e)
    })?;
    Ok(Header {
        format: provision_engine::STATE_FORMAT.to_owned(),
        cluster: spec.name.clone(),
        provider: spec.provider.word().to_owned(),
        scope,
        lineage,
    })
}

/// Makes what the cloud does not have a mistake of the file.
fn unresolved(error: provision_core::Error) -> Failure {
    match error.kind {
        provision_core::Kind::Invalid => {
            let mut failure = Failure::from(error).exiting(Exit::Mismatch);
            failure.code = Code::FileImpossible;
            failure
        }
        _ => error.into(),
    }
}

/// Returns how fast the engine waits. The clock of a vendor is never hurried: its reads lag by it.
fn pace_of(world: World) -> Pace {
    let scale = std::env::var("PROVISION_TIME_SCALE").ok().and_then(|text| text.parse().ok());
    scale.filter(|_| world != World::Vendor).map_or(Pace::REAL, Pace::scaled)
}
