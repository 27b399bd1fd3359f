//! What a run is to do, and what there is to show of it.
use crate::failure::{Code, Failure};
use crate::render;
use crate::run::Subject;
use provision_core::{Address, Facts, Graph, Observed, Plan, State};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
                Err(failure.hint(
                    "run the same command again when the cloud answers, or once the caller may look",
                ))
            }
        }
    }

    /// Returns the facts that are not on record yet.
    pub(crate) fn new_facts(&self, state: &State) -> BTreeMap<String, Value> {
        let old = state.facts().recorded;
        let new = self.facts.recorded.iter().filter(|(key, value)| old.get(*key) != Some(value));
        new.map(|(key, value)| (key.clone(), value.clone())).collect()
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
                (provider.unmanaged(spec), provider.notes(facts), provider.warnings(spec, facts))
            }
            _ => Default::default(),
        };
        let stages: Vec<_> = self.graphs.iter().map(Graph::title).collect();
        let new_facts = match self.graphs.is_empty() {
            true => BTreeMap::new(),
            false => self.new_facts(state),
        };
        let losses =
            subject.removal.map(|volumes| subject.provider.losses(&self.observed, volumes));
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
            plan: &self.plan,
        })
    }
}
