//! What a cluster on EKS is made of.
mod access;
mod addons;
mod inside;
mod network;
mod pool;
mod scaling;
mod stage;

use crate::facts::{self, Secrets};
use crate::names;
use crate::resources::{
    Cluster, Key, KeyAlias, LEFTOVERS, Leftovers, LogGroup, OidcProvider, Role, RolePolicy,
    Statement, attached, trust,
};
use crate::section::Section;
use crate::versions::{self, STANDARD};
use network::Networking;
use pool::Needed;
use provision_core::{Error, Facts, Graph, Handle, Input, Place, Result, out};
use provision_spec::ClusterSpec;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stage::{Stage, stages};
use std::collections::BTreeMap;

/// How long the control plane's logs are kept, in days.
const LOG_DAYS: i32 = 90;
/// What the control plane logs: who asked what, and whom it let in.
const LOGS: [&str; 3] = ["api", "audit", "authenticator"];
/// What the control plane may do.
const CLUSTER_POLICIES: [&str; 1] = ["AmazonEKSClusterPolicy"];
/// What the control plane may do with the key that encrypts its secrets.
const KEY_ACTIONS: [&str; 4] = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants"];
/// What nodes may do: join, pull images, and give addresses to pods.
const NODE_POLICIES: [&str; 3] =
    ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"];

/// What the stack is made from.
struct Stack<'a> {
    spec: &'a ClusterSpec,
    section: &'a Section,
    facts: &'a Facts,
    /// The zones with their slots, in the order of the slots.
    zones: Vec<(String, usize)>,
    stage: Stage,
    graph: Graph,
}

/// Returns the resources of a cluster, for each version that it goes through.
///
/// # Errors
/// [`Kind::Invalid`](provision_core::Kind::Invalid) naming a fact that is missing, or what the
/// facts make impossible.
pub fn stack(spec: &ClusterSpec, section: &Section, facts: &Facts) -> Result<Vec<Graph>> {
    let live: Option<String> = facts.get(facts::LIVE);
    let live = live.and_then(|version| version.parse().ok());
    let stages = stages(versions::wanted(spec, facts), live);
    stages.into_iter().map(|stage| graph(spec, section, facts, stage)).collect()
}

fn graph(spec: &ClusterSpec, section: &Section, facts: &Facts, stage: Stage) -> Result<Graph> {
    let names: Vec<String> = fact(facts, facts::ZONES)?;
    let slots: BTreeMap<String, usize> = fact(facts, facts::SLOTS)?;
    let missing = |zone: &String| Error::invalid(format!("zone {zone} has no slot on record"));
    let slot = |zone: String| Ok((zone.clone(), *slots.get(&zone).ok_or_else(|| missing(&zone))?));
    let mut zones = names.into_iter().map(slot).collect::<Result<Vec<_>>>()?;
    zones.sort_by_key(|(_, slot)| *slot);
    let graph = Graph::titled(stage.title());
    let mut stack = Stack { spec, section, facts, zones, stage, graph };
    let network = stack.network()?;
    let cluster = stack.cluster(&network)?;
    if section.irsa {
        stack.oidc_provider(&cluster)?;
    }
    let machines = names::machines(names::partition(&spec.region)?);
    let role = stack.role("node", trust(machines), &NODE_POLICIES)?;
    let entries = stack.access_entries(&cluster)?;
    let inside = stack.inside(&cluster, &entries);
    let identities = section.pod_identity.then(|| stack.pod_identities(&cluster)).transpose()?;
    let of_volumes = identities.as_ref().map(|identities| &identities.volumes);
    let addons = stack.addons_of_nodes(&cluster)?;
    let needed = Needed { network: &network, cluster: &cluster, role: &role, addons: &addons };
    let pools = spec.pools.iter().map(|pool| stack.pool(pool, &needed));
    let pools = pools.collect::<Result<Vec<_>>>()?;
    let on_nodes = stack.addons_on_nodes(&cluster, &pools, of_volumes)?;
    stack.snapshots(&cluster, &entries, &on_nodes);
    if let Some(identities) = &identities {
        stack.autoscaler(&cluster, &entries, &identities.autoscaler, &pools);
    }
    stack.manifests(&cluster, &entries, &inside, &pools)?;
    Ok(stack.graph)
}

/// Returns a fact.
fn fact<T: DeserializeOwned>(facts: &Facts, key: &str) -> Result<T> {
    facts.get(key).ok_or_else(|| {
        Error::invalid(format!("fact {key} is not on record"))
            .hint("`provision apply` records it; until then `provision plan` asks AWS for it")
    })
}

impl Stack<'_> {
    fn cluster(&mut self, network: &Networking) -> Result<Handle<Cluster>> {
        let secrets_key = self.secrets_key();
        let role = self.role("cluster", trust("eks.amazonaws.com"), &CLUSTER_POLICIES)?;
        let key_policy = secrets_key.clone().map(|resource| {
            let (name, role) = ("secrets-key".to_owned(), out!(role.id));
            let actions = KEY_ACTIONS.map(String::from).into();
            let statements = vec![Statement { actions, resource, equal: BTreeMap::new() }];
            self.graph.add("role-policy/cluster", RolePolicy { name, role, statements })
        });
        let logs = self.graph.add(
            "log-group",
            LogGroup {
                name: names::log_group(&self.spec.name),
                retention: LOG_DAYS,
                tags: names::tags(self.spec, "log-group"),
            },
        );
        let first: Vec<String> = fact(self.facts, facts::CONTROL_PLANE_ZONES)?;
        let subnets = first.iter().filter_map(|zone| network.private.get(zone));
        let subnets = subnets.map(|subnet| out!(subnet.id)).collect();
        let api = &self.spec.kubernetes.api;
        let allow = api.allow.iter().filter(|_| api.public).map(ToString::to_string);
        let cluster = Cluster {
            name: self.spec.name.clone(),
            version: self.stage.version.to_string(),
            role: out!(role.arn),
            subnets,
            public: api.public,
            private: true,
            public_cidrs: allow.collect(),
            logs: LOGS.map(String::from).into(),
            authentication: "API".into(),
            creator_is_admin: false,
            bootstrap_addons: self.section.addons.is_empty(),
            support: self.stage.is_last.then(|| self.support()),
            secrets_key,
            tags: names::tags(self.spec, "cluster"),
        };
        let leftovers = self.leftovers(network, &role);
        let mut place = Place::at("cluster").after(&logs).after(&leftovers);
        if let Some(policy) = &key_policy {
            place = place.after(policy);
        }
        Ok(self.graph.add(place, cluster))
    }

    /// Adds what the cluster will leave behind in the network. The role tells its age.
    fn leftovers(&mut self, network: &Networking, role: &Handle<Role>) -> Handle<Leftovers> {
        let vpc = &network.vpc;
        let place = network.subnets.iter().fold(Place::at(LEFTOVERS).after(role), Place::after);
        self.graph.add(place, Leftovers { vpc: out!(vpc.id), found: Vec::new() })
    }

    /// Returns what is to happen at the end of standard support.
    fn support(&self) -> String {
        self.facts.get(facts::SUPPORT_POLICY).unwrap_or_else(|| STANDARD.to_owned())
    }

    fn secrets_key(&mut self) -> Option<Input<String>> {
        let secrets: Secrets = self.facts.get(facts::SECRETS_KEY)?;
        if let Some(arn) = secrets.arn {
            return Some(arn.into());
        }
        let key = self.graph.add(
            "key",
            Key {
                description: format!("secrets of EKS cluster {}", self.spec.name),
                rotation: true,
                tags: names::tags(self.spec, "key"),
            },
        );
        let alias = KeyAlias { name: names::key_alias(&self.spec.name), key: out!(key.id) };
        self.graph.add("key-alias", alias);
        Some(out!(key.arn))
    }

    fn role(&mut self, of: &str, trust: Value, policies: &[&str]) -> Result<Handle<Role>> {
        let address = format!("role/{of}");
        let partition = names::partition(&self.spec.region)?;
        let arn = |policy: &&str| format!("arn:{partition}:iam::aws:policy/{policy}");
        let role = Role {
            name: names::role(&self.spec.name, &self.spec.region, of),
            trust,
            policies: attached(policies.iter().map(arn)),
            boundary: self.section.boundary.clone(),
            tags: names::tags(self.spec, &address),
        };
        Ok(self.graph.add(address, role))
    }

    fn oidc_provider(&mut self, cluster: &Handle<Cluster>) -> Result<()> {
        let provider = OidcProvider {
            issuer: out!(cluster.issuer),
            audiences: names::audiences(names::partition(&self.spec.region)?),
            tags: names::tags(self.spec, "oidc-provider"),
        };
        self.graph.add("oidc-provider", provider);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
