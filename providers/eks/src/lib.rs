//! Amazon EKS: its resources, its facts, and what a cluster is made of.
//!
//! [`Eks`] is the way in. To add a kind: write `resources/<kind>.rs`, add a line to
//! [`resources::drivers`], and use it in `stack.rs`.
mod addons;
mod arn;
mod assume;
mod aws;
mod calls;
mod classify;
mod connect;
mod facts;
mod losses;
mod names;
pub mod resources;
mod section;
mod stack;
mod wire;
mod zones;

pub use assume::AssumeRole;
pub use aws::Aws;
pub use section::Section;
pub use stack::stack;

use futures::future::BoxFuture;
use provision_core::{
    Action, Drivers, Error, Facts, Graph, LiveValue, Observed, Plan, Resource, Result, Scope, State,
};
use provision_spec::{
    ClusterSpec, Field, Loss, Nat, Pool, Provider, ProviderName, Session, Target, Volumes,
};
use resources::Cluster;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Amazon's managed Kubernetes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Eks;

impl Provider for Eks {
    fn name(&self) -> &'static str {
        ProviderName::Eks.word()
    }

    fn parallelism(&self) -> usize {
        10
    }

    fn check_section(&self, spec: &ClusterSpec, section: &Field<'_>) {
        Section::read(section, &spec.region);
    }

    fn connect<'a>(&'a self, target: &'a Target<'_>) -> BoxFuture<'a, Result<Box<dyn Session>>> {
        Box::pin(async { Ok(Box::new(connect::connect(target).await?) as Box<dyn Session>) })
    }

    fn kinds(&self) -> Drivers {
        connect::kinds()
    }

    fn stack(&self, spec: &ClusterSpec, facts: &Facts) -> Result<Vec<Graph>> {
        let section = Section::of(spec).map_err(|e| Error::invalid(e.to_string()))?;
        Ok(vec![stack(spec, &section, facts)?])
    }

    fn unmanaged(&self, spec: &ClusterSpec) -> Vec<String> {
        let section = Section::of(spec).unwrap_or_default();
        let parts =
            [(section.no_access, "access entries"), (section.no_pod_identity, "pod identity")];
        let ours = parts.into_iter().filter(|(left_out, _)| !left_out);
        ours.map(|(_, words)| words.to_owned()).chain(spec.unmanaged()).collect()
    }

    fn warnings(&self, spec: &ClusterSpec, facts: &Facts) -> Vec<String> {
        let section = Section::of(spec).unwrap_or_default();
        let mut warnings = Vec::new();
        warnings.extend(spec.pools.iter().filter_map(|pool| without(pool, spec, facts)));
        if spec.kubernetes.api.is_open() {
            warnings.push(
                "the Kubernetes API answers the whole internet; list networks in \
                 kubernetes.api.allow"
                    .to_owned(),
            );
        }
        if spec.network.nat == Nat::None {
            warnings.push(
                "network.nat is none: nodes have no way to the APIs of EC2, EKS and ECR, and \
                 will not join unless somebody else makes one"
                    .to_owned(),
            );
        }
        let has = |name: &str| section.addons.iter().any(|addon| addon == name);
        if !section.addons.is_empty() && !has(addons::NETWORK) {
            warnings.push(
                "eks.addons leaves out vpc-cni: no node gets ready, and every pool fails, unless \
                 somebody brings another network plugin while the pools are made"
                    .to_owned(),
            );
        }
        warnings
    }

    fn refusal(&self, _: &ClusterSpec, scope: &Scope, plan: &Plan) -> Option<String> {
        let makes_cluster = |step: &provision_core::Step| {
            step.action == Action::Create && step.kind == Cluster::KIND
        };
        let locked_out =
            scope.world == provision_core::World::Vendor && plan.steps.iter().any(makes_cluster);
        locked_out.then(|| {
            "this version manages no access entries, and a cluster that lets in nobody but those \
             with one could be entered by no one"
                .to_owned()
        })
    }

    fn losses(&self, observed: &Observed, volumes: Volumes) -> Vec<Loss> {
        losses::of(observed, volumes)
    }

    fn parts(&self, live: &LiveValue) -> Vec<String> {
        losses::parts(live)
    }

    fn outputs(&self, state: &State) -> BTreeMap<String, Value> {
        let told = |name: &str| state.output("cluster", name).and_then(Value::as_str);
        let region = told("arn").and_then(|arn| arn.split(':').nth(3));
        let all = [
            ("cluster", told("id")),
            ("endpoint", told("endpoint")),
            ("region", region),
            ("oidcIssuer", told("issuer")),
            ("version", told("version")),
        ];
        let known = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let known = known.filter(|(_, value)| !value.is_empty());
        known.map(|(name, value)| (name.to_owned(), json!(value))).collect()
    }
}

/// Warns of machine types that a pool asks for and the region does not have.
fn without(pool: &Pool, spec: &ClusterSpec, facts: &Facts) -> Option<String> {
    let absent = facts::absent(facts);
    let missing = pool.machine.iter().filter(|name| absent.contains(*name));
    let missing: Vec<_> = missing.map(String::as_str).collect();
    let (pool, region) = (&pool.name, &spec.region);
    let warning = format!("pool {pool} goes without {}, which {region} lacks", missing.join(", "));
    (!missing.is_empty()).then_some(warning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use provision_core::{Cause, Diff, Step, World};

    #[test]
    fn what_is_left_out_by_name_is_not_missed() {
        let of = |rest: &str| Eks.unmanaged(&stack::tests::spec(rest)).len();
        let all = of("");
        assert_eq!(of("eks: { access: [], podIdentity: false }"), all - 2);
    }

    #[test]
    fn a_cluster_that_nobody_could_enter_is_not_made_at_the_vendor() {
        let step = Step {
            stage: 0,
            action: Action::Create,
            address: "cluster".into(),
            kind: Cluster::KIND.into(),
            cause: Cause::File,
            changes: Diff::default(),
            slot: None,
            lane: None,
            after: Default::default(),
        };
        let plan = Plan { steps: vec![step], ..Plan::default() };
        let spec = stack::tests::spec("");
        let refusal = |world, plan: &Plan| {
            Eks.refusal(&spec, &Scope { world, place: Default::default() }, plan)
        };
        assert!(refusal(World::Vendor, &plan).is_some());
        assert!(refusal(World::Loopback, &plan).is_none());
        assert!(refusal(World::Vendor, &Plan::default()).is_none());
    }

    #[test]
    fn an_open_api_is_warned_about() {
        let of = |rest: &str| Eks.warnings(&stack::tests::spec(rest), &Facts::default());
        assert!(of("")[0].contains("whole internet"));
        assert!(of("kubernetes: { api: { allow: [203.0.113.0/24] } }").is_empty());
        assert!(of("network: { nat: none }")[1].contains("will not join"));
    }

    #[test]
    fn nodes_without_a_network_plugin_are_warned_about() {
        let of = |addons: &str| {
            let spec = stack::tests::spec(&format!("eks: {{ addons: {addons} }}"));
            let told = Eks.warnings(&spec, &Facts::default());
            told.iter().any(|warning| warning.contains("leaves out vpc-cni"))
        };
        assert!(of("[coredns]") && !of("[coredns, vpc-cni]"));
        assert!(!of("[]"), "then EKS brings it itself");
    }
}
