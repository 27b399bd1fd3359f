//! What a run is to do, and what there is to show of it.
use crate::commands::destroy::PROTECT;
use crate::failure::{Code, Failure, advice};
use crate::render;
use crate::run::Subject;
use provision_core::{Action, Address, Facts, Graph, Kind, Observed, Phase, Plan, Record, State};
use provision_spec::{Loss, Volumes};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::successors;

/// What is to be done, and everything it was decided from.
pub(crate) struct Decision {
    pub(crate) graphs: Vec<Graph>,
    pub(crate) facts: Facts,
    pub(crate) observed: Observed,
    pub(crate) plan: Plan,
    /// What is deleted and made again under its address.
    pub(crate) replace: BTreeSet<Address>,
}

impl Decision {
    /// Fails when something could not be observed that no step of the plan makes a way to: nobody
    /// knows then what to do.
    pub(crate) fn check_begin(&self) -> Result<(), Failure> {
        match self.plan.is_known() {
            true => Ok(()),
            false => self.check_known(),
        }
    }

    /// Fails when something could not be observed.
    pub(crate) fn check_known(&self) -> Result<(), Failure> {
        match self.plan.unknown.len() {
            0 => Ok(()),
            n => {
                let objects = if n == 1 { "object" } else { "objects" };
                let error = format!("{n} {objects} could not be observed");
                let mut failure = Failure::new(Code::PlanUnknown, error);
                let causes = self.plan.unknown.iter();
                failure.causes = causes.map(|(address, why)| format!("{address}: {why}")).collect();
                failure.hints = match self.plan.is_known() {
                    true => vec![self.how_it_goes_on()],
                    false => self.how_to_look(),
                };
                Err(failure)
            }
        }
    }

    /// Returns what makes the way to what could not be observed, where the plan itself does.
    fn how_it_goes_on(&self) -> String {
        let ways: BTreeSet<&str> = self.plan.awaited.values().map(Address::as_str).collect();
        let ways = ways.into_iter().collect::<Vec<_>>().join(" and ");
        format!("it is looked at once {ways} is made: `provision apply` does that, and goes on")
    }

    /// Returns what to do about what could not be observed: what follows from what the cloud said, if
    /// that is not too much.
    fn how_to_look(&self) -> Vec<String> {
        const MOST: usize = 3;
        const AGAIN: &str =
            "run the same command again when the cloud answers, or once the caller may look";
        let asked = self.plan.unknown.values().filter(|error| error.operation.is_some());
        let hints: BTreeSet<String> = asked
            .flat_map(|error| match error.kind {
                // The way in may have been made a moment ago, or never.
                Kind::Propagation => {
                    let hint = error.hint.as_deref().map(str::to_owned);
                    [Some(AGAIN.to_owned()), hint]
                }
                _ => [advice(error), None],
            })
            .flatten()
            .collect();
        match hints.len() {
            1..=MOST => hints.into_iter().collect(),
            _ => vec![AGAIN.to_owned()],
        }
    }

    /// Fails when a cluster that is protected would lose what is inside of something.
    pub(crate) fn check_protected(&self, subject: &Subject) -> Result<(), Failure> {
        let is_on_record = subject.state().facts().get(PROTECT) == Some(true);
        let is_protected = is_on_record || self.facts.get(PROTECT) == Some(true);
        let losses = self.losses(subject, &subject.state());
        let Some(loss) = losses.first().filter(|_| is_protected) else { return Ok(()) };
        let (cluster, what) = (&subject.header.cluster, format!("{} {}", loss.what, loss.name));
        let error = format!("cluster {cluster} is protected, and {what} {}", loss.becomes);
        Err(Failure::new(Code::Protected, error).hint(
            "keep it in the cluster file, or out of the record with `provision state forget`; to \
             lose it, set `protect: false` and apply that first",
        ))
    }

    /// Returns what a person loses, or keeps, where everything goes; nothing where it does not.
    fn removed(&self, subject: &Subject) -> Vec<Loss> {
        let losses = |volumes| subject.provider.losses(&self.observed, volumes);
        subject.removal.map(losses).unwrap_or_default()
    }

    /// Returns what stays of that.
    pub(crate) fn stays(&self, subject: &Subject) -> Vec<Loss> {
        let mut losses = self.removed(subject);
        losses.retain(|loss| loss.kept);
        losses
    }

    /// Returns what is lost with what goes: with what is made again under its address, and what goes
    /// along with something, also what the cloud keeps there. What never came up is no loss.
    fn losses(&self, subject: &Subject, state: &State) -> Vec<Loss> {
        let of = |action| self.plan.steps.iter().filter(move |step| step.action == action);
        let made: BTreeSet<&Address> = of(Action::Create).map(|step| &step.address).collect();
        let again = of(Action::Delete).map(|step| &step.address).filter(|it| made.contains(it));
        let goes: BTreeSet<Address> = again.cloned().chain(self.along(state)).collect();
        let was_made = |address: &Address| {
            let live = self.observed.live(address);
            let is_broken = live.is_some_and(|live| matches!(live.phase, Phase::Broken(_)));
            state.get(address).is_some_and(Record::is_settled) && !is_broken
        };
        let is_lost = |address: &Address| goes.contains(address) && was_made(address);
        let seen = self.observed.0.iter().filter(|(address, _)| is_lost(address));
        let seen = Observed(seen.map(|(a, seen)| (a.clone(), seen.clone())).collect());
        let mut losses = subject.provider.losses(&seen, Volumes::Delete);
        losses.extend(provision_kubernetes::losses(&self.plan, &self.observed));
        losses
    }

    /// Returns what of a record goes with what it is in, and so without a step of its own.
    pub(crate) fn along(&self, state: &State) -> Vec<Address> {
        let deletes = self.plan.steps.iter().filter(|step| step.action == Action::Delete);
        let deleted: BTreeSet<&Address> = deletes.map(|step| &step.address).collect();
        let parent = |address: &Address| state.get(address)?.within.clone();
        let goes = |address: &&Address| {
            let mut parents = successors(parent(address), parent);
            !deleted.contains(address) && parents.any(|parent| deleted.contains(&parent))
        };
        state.records().keys().filter(goes).cloned().collect()
    }

    /// Returns the facts that are not on record yet, and null for those that go from it.
    pub(crate) fn new_facts(&self, state: &State) -> BTreeMap<String, Value> {
        let (old, now) = (state.facts().recorded, &self.facts.recorded);
        let new = now.iter().filter(|(key, value)| old.get(*key) != Some(value));
        let new = new.map(|(key, value)| (key.clone(), value.clone()));
        let gone = old.keys().filter(|key| !now.contains_key(*key));
        new.chain(gone.map(|key| (key.clone(), Value::Null))).collect()
    }

    /// Returns what a person or a script is shown of it, with `state` on record.
    pub(crate) fn shown<T>(
        &self,
        subject: &Subject,
        state: &State,
        show: impl FnOnce(&render::plan::View<'_>) -> T,
    ) -> T {
        let (unmanaged, notes, warnings) = match &subject.spec {
            Some(spec) if !self.graphs.is_empty() => {
                let (provider, facts) = (subject.provider, &self.facts);
                (
                    provider.unmanaged(spec),
                    provider.notes(spec, facts),
                    provider.warnings(spec, facts),
                )
            }
            _ => Default::default(),
        };
        let stages: Vec<_> = self.graphs.iter().map(Graph::title).collect();
        let new_facts = match self.graphs.is_empty() {
            true => BTreeMap::new(),
            false => self.new_facts(state),
        };
        let losses = match subject.removal {
            Some(_) => Some(self.removed(subject)),
            None => Some(self.losses(subject, state)).filter(|losses| !losses.is_empty()),
        };
        show(&render::plan::View {
            cluster: &subject.header.cluster,
            provider: &subject.header.provider,
            scope: &subject.header.scope,
            lineage: subject.lineage(),
            serial: subject.serial(),
            new_facts: &new_facts,
            facts: &self.facts.recorded,
            seen: &self.facts.seen,
            stages: &stages,
            unmanaged: &unmanaged,
            notes: &notes,
            warnings: &warnings,
            losses: losses.as_deref(),
            expected: subject.expected(&self.plan),
            simulated: subject.is_simulated(),
            along: &self.along(state),
            plan: &self.plan,
        })
    }
}
