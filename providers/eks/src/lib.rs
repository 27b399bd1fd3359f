//! Amazon EKS: its resources, its facts, and what a cluster is made of.
//!
//! [`Eks`] is the way in. To add a kind: write `resources/<kind>.rs`, add a line to
//! [`resources::drivers`], and use it in `stack.rs`.
mod access;
mod addons;
mod arn;
mod assume;
mod aws;
mod calls;
mod classify;
mod connect;
mod endpoints;
mod facts;
mod losses;
mod names;
mod removal;
pub mod resources;
mod rooms;
mod section;
mod stack;
mod token;
mod versions;
mod wire;
mod zones;

pub use assume::AssumeRole;
pub use aws::Aws;
pub use section::{Access, Section};
pub use stack::stack;
pub use token::token;

use futures::future::BoxFuture;
use provision_core::{Drivers, Error, Facts, Graph, LiveValue, Observed, Result, State, resolve};
use provision_spec::chart::misfits;
use provision_spec::{
    Chosen, ClusterSpec, Entrance, Field, Loss, Nat, Node, Pool, Provider, ProviderName, Room,
    SecretsKey, Session, Taint, Target, Token, Volumes,
};
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

    fn resolved(&self, spec: &ClusterSpec) -> Node {
        Section::of(spec).unwrap_or_default().resolved()
    }

    fn connect<'a>(&'a self, target: &'a Target<'_>) -> BoxFuture<'a, Result<Box<dyn Session>>> {
        Box::pin(async { Ok(Box::new(connect::connect(target).await?) as Box<dyn Session>) })
    }

    fn token<'a>(&'a self, entrance: &'a Entrance) -> BoxFuture<'a, Result<Token>> {
        Box::pin(connect::token(entrance))
    }

    fn entrance(&self, spec: &ClusterSpec) -> Entrance {
        let role = Section::of(spec).ok().and_then(|section| section.assume_role);
        let (role, word) = role.map(|role| (role.arn, role.external_id)).unwrap_or_default();
        Entrance { cluster: spec.name.clone(), region: spec.region.clone(), role, word }
    }

    fn chosen(&self) -> Chosen {
        token::chosen()
    }

    fn kinds(&self) -> Drivers {
        connect::kinds()
    }

    fn stack(&self, spec: &ClusterSpec, facts: &Facts) -> Result<Vec<Graph>> {
        let section = Section::of(spec).map_err(|e| Error::invalid(e.to_string()))?;
        stack(spec, &section, facts)
    }

    fn unmanaged(&self, spec: &ClusterSpec) -> Vec<String> {
        let section = Section::of(spec).unwrap_or_default();
        let without = spec.in_cluster && !section.pod_identity;
        let autoscaler = "cluster-autoscaler, which has no role without eks.podIdentity";
        without.then(|| autoscaler.to_owned()).into_iter().collect()
    }

    fn notes(&self, spec: &ClusterSpec, facts: &Facts) -> Vec<String> {
        let in_use = facts.get::<String>(facts::LIVE_KEY).is_some_and(|key| !key.is_empty());
        let lasts = !in_use && spec.kubernetes.secrets_key != SecretsKey::Managed;
        let lasts = lasts.then(|| {
            "kubernetes.secretsKey lasts: EKS never lets go of a key that encrypts the secrets of a \
             cluster, and a cluster is lost with its key"
                .to_owned()
        });
        versions::lower(spec, facts).into_iter().chain(versions::note(facts)).chain(lasts).collect()
    }

    fn warnings(&self, spec: &ClusterSpec, facts: &Facts) -> Vec<String> {
        let section = Section::of(spec).unwrap_or_default();
        let mut warnings: Vec<_> = versions::warning(facts).into_iter().collect();
        warnings.extend(spec.pools.iter().filter_map(|pool| without(pool, spec, facts)));
        warnings.extend(misfits(spec, &rooms::of(spec, facts)));
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
        if section.pod_identity && !has(addons::POD_IDENTITY_AGENT) {
            warnings.push(
                "pods get no roles without eks-pod-identity-agent: add it to eks.addons, or write \
                 `podIdentity: false`"
                    .to_owned(),
            );
        }
        if section.access.as_ref().is_some_and(|access| access.is_empty()) {
            let inside =
                if spec.in_cluster { ", and nothing inside can be made before" } else { "" };
            warnings.push(format!(
                "eks.access is []: nobody can enter the cluster until somebody makes access \
                 entries for it{inside}"
            ));
        }
        if let Some(caller) = facts.get::<String>(facts::LEFT_OUT).filter(|_| spec.in_cluster) {
            warnings.push(format!(
                "eks.access does not give AmazonEKSClusterAdminPolicy to {caller}, who runs this: \
                 what is inside the cluster cannot be made unless somebody else lets them"
            ));
        }
        if spec.in_cluster && !spec.kubernetes.api.public {
            warnings.push(
                "kubernetes.api.public is false: what is inside the cluster can only be looked at \
                 and made from its network"
                    .to_owned(),
            );
        }
        if spec.in_cluster && !spec.storage_classes.is_empty() && !has(addons::EBS_CSI_DRIVER) {
            warnings.push(
                "eks.addons leaves out aws-ebs-csi-driver: no volume of storageClasses is made \
                 unless somebody brings that driver"
                    .to_owned(),
            );
        }
        warnings
    }

    fn rooms(&self, spec: &ClusterSpec, facts: &Facts) -> Vec<Room> {
        rooms::of(spec, facts)
    }

    fn tainted(&self, _: &Pool) -> Vec<Taint> {
        // EKS taints no node by itself, spot ones neither.
        Vec::new()
    }

    fn losses(&self, observed: &Observed, volumes: Volumes) -> Vec<Loss> {
        losses::of(observed, volumes)
    }

    fn parts(&self, live: &LiveValue) -> Vec<String> {
        losses::parts(live)
    }

    fn recall(&self, state: &State) -> BTreeMap<String, Value> {
        let version = state.output("cluster", "version").cloned();
        let version = version.map(|version| (facts::LIVE.to_owned(), version));
        let output = |address: &str, name: &str| state.output(address, name);
        let cluster = state.get(&"cluster".into()).filter(|cluster| cluster.is_settled());
        let key = cluster.map(|cluster| resolve(&cluster.spec["secrets_key"], &output));
        let key = key.filter(Value::is_string).map(|key| (facts::LIVE_KEY.to_owned(), key));
        version.into_iter().chain(key).collect()
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

    #[test]
    fn an_autoscaler_that_can_have_no_role_is_told() {
        let told = |rest: &str| Eks.unmanaged(&stack::tests::spec(rest)).len();
        assert_eq!(["", "eks: { podIdentity: false }"].map(told), [0, 1]);
        assert_eq!(told("inCluster: false\neks: { podIdentity: false }"), 0);
    }

    #[test]
    fn a_cluster_that_nobody_can_enter_and_pods_without_roles_are_warned_about() {
        let of = |eks: &str| {
            let spec = stack::tests::spec(&format!("eks: {{ {eks} }}"));
            Eks.warnings(&spec, &Facts::default()).join("; ")
        };
        assert!(of("access: []").contains("nobody can enter"));
        assert!(of("addons: []").contains("without eks-pod-identity-agent"));
        assert!(!of("addons: [], podIdentity: false").contains("agent"));
        assert!(!of("").contains("enter") && !of("").contains("agent"));
    }

    #[test]
    fn whoever_leaves_themselves_out_is_warned() {
        let ann = "arn:aws:iam::123456789012:user/ann";
        let seen = [(facts::LEFT_OUT.to_owned(), json!(ann))].into();
        let facts = Facts { seen, ..Facts::default() };
        let of = |rest: &str| Eks.warnings(&stack::tests::spec(rest), &facts).join("; ");
        assert!(of("").contains(&format!("AmazonEKSClusterAdminPolicy to {ann}")));
        assert!(!of("inCluster: false").contains("eks.access"));
    }

    #[test]
    fn a_key_that_lasts_is_told_until_it_is_in_use() {
        let of = |key: &str, seen: &[&str]| {
            let seen = seen.iter().map(|arn| (facts::LIVE_KEY.to_owned(), json!(arn)));
            let facts = Facts { seen: seen.collect(), ..Facts::default() };
            let spec = stack::tests::spec(&format!("kubernetes: {{ secretsKey: {key} }}"));
            Eks.notes(&spec, &facts).iter().any(|note| note.contains("secretsKey lasts"))
        };
        assert!(of("own", &[]) && of("alias/a", &[]));
        assert!(of("own", &[""]), "EKS is at work, and nobody knows");
        assert!(!of("managed", &[]) && !of("own", &["arn:aws:kms:us-east-1:1:key/a"]));
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
