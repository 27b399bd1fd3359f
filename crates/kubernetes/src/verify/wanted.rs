//! What a cluster is judged by.
use provision_spec::room::{DATABASE, Spark};
use provision_spec::{Capacity, ClusterSpec, Profile, ProviderName, Registry, Taint};
use std::collections::{BTreeMap, BTreeSet};

/// What is wanted of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Groups of nodes with the same labels.
    pub(super) pools: Vec<Pool>,
    /// The platform that is to run there.
    pub(super) platform: Option<Platform>,
}

/// Nodes with the same labels, and what is to run there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pool {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    /// On what terms its machines are rented; `None` for any.
    pub(super) capacity: Option<Capacity>,
    pub(super) min: u32,
    /// The greatest number of nodes, if anybody has said so.
    pub(super) max: Option<u32>,
    /// What its pods tolerate.
    pub(super) tolerated: Vec<Taint>,
    /// The largest pod that is to run there.
    pub(super) pod: Option<Pod>,
}

/// A pod, by what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pod {
    pub(super) what: &'static str,
    /// In thousandths of a core.
    pub(super) cpu: u64,
    /// In MiB.
    pub(super) memory: u64,
    /// Whether the chart can be told to make it smaller.
    pub(super) is_spark: bool,
}

/// What the platform needs beside nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Platform {
    pub(super) namespace: &'static str,
    /// Where images are pulled from with a secret, unless that is not wanted.
    pub(super) registry: Option<Registry>,
    /// How many cores pods can use in total.
    pub(super) cores: u64,
    /// How much memory, in bytes.
    pub(super) memory: u64,
}

impl Pod {
    fn database() -> Self {
        let (cpu, memory) = DATABASE;
        Self { what: "the platform's database", cpu, memory, is_spark: false }
    }

    fn spark(what: &'static str) -> Self {
        let size = Spark::WANTED;
        Self { what, cpu: size.cores * 1000, memory: size.pod_memory(), is_spark: true }
    }

    /// Returns the largest pod of a pool of a profile.
    fn of(profile: Profile, pool: &str) -> Option<Self> {
        match (profile, pool) {
            (Profile::None, _) => None,
            (Profile::Qualytics, "app") => Some(Self::database()),
            (Profile::Qualytics, "driver") => Some(Self::spark("a Spark driver")),
            (Profile::Qualytics, "executor" | "spark") => Some(Self::spark("a Spark executor")),
            (Profile::Qualytics, _) => None,
        }
    }
}

impl Platform {
    /// Returns what the platform of a profile needs.
    /// Source of the least size: the platform's deployment guide.
    fn of(profile: Profile) -> Option<Self> {
        let (namespace, registry) = (profile.namespace()?, profile.registry());
        Some(Self { namespace, registry, cores: 16, memory: 80_000_000_000 })
    }
}

impl Wanted {
    /// Returns what a cluster file wants. `tainted` tells how a cloud taints nodes by itself, which
    /// the chart's values take into account.
    #[must_use]
    pub fn of_file(
        spec: &ClusterSpec,
        tainted: impl Fn(&provision_spec::Pool) -> Vec<Taint>,
    ) -> Self {
        let pool = |pool: &provision_spec::Pool| Pool {
            name: pool.name.clone(),
            labels: pool.labels.clone(),
            capacity: Some(pool.capacity),
            min: pool.min,
            max: Some(pool.max),
            tolerated: pool.taints.iter().cloned().chain(tainted(pool)).collect(),
            pod: Pod::of(spec.profile, &pool.name),
        };
        let mut platform = Platform::of(spec.profile);
        if let Some(platform) = &mut platform {
            platform.registry = platform.registry.filter(|_| spec.secrets.registry_token.is_some());
        }
        Self { pools: spec.pools.iter().map(pool).collect(), platform }
    }

    /// Returns what a profile wants of a cluster that no file describes, where `labels`, if there
    /// are any, stand for the pools that there are, and whose pods tolerate some taints.
    #[must_use]
    pub fn of_profile(profile: Profile, labels: &[(String, String)], tolerated: &[Taint]) -> Self {
        // Labels and terms are the same on every cloud.
        let known = profile.pool_names().iter();
        let known: Vec<_> = known
            .filter_map(|name| profile.pool(ProviderName::Eks, name))
            .map(|pool| Pool {
                pod: Pod::of(profile, &pool.name),
                name: pool.name,
                labels: pool.labels,
                capacity: Some(pool.capacity),
                min: 1,
                max: None,
                tolerated: tolerated.to_vec(),
            })
            .collect();
        let usual = profile.pools(ProviderName::Eks);
        let is_usual = |pool: &&Pool| usual.iter().any(|it| it.name == pool.name);
        let labelled = |(key, value): &(String, String)| {
            let labels = BTreeMap::from([(key.clone(), value.clone())]);
            let known = known.iter().find(|pool| pool.labels == labels);
            known.cloned().unwrap_or_else(|| Pool {
                name: format!("{key}={value}"),
                labels,
                capacity: None,
                min: 1,
                max: None,
                tolerated: tolerated.to_vec(),
                pod: None,
            })
        };
        let pools = match labels {
            [] => known.iter().filter(is_usual).cloned().collect(),
            labels => labels.iter().map(labelled).collect(),
        };
        Self { pools, platform: Platform::of(profile) }
    }

    /// Returns the platform's namespace; empty where there is none.
    #[must_use]
    pub fn namespace(&self) -> &'static str {
        self.platform.as_ref().map_or("", |platform| platform.namespace)
    }

    /// Returns the labels of all pools, each once.
    pub(super) fn labels(&self) -> BTreeSet<(&str, &str)> {
        let all = self.pools.iter().flat_map(|pool| &pool.labels);
        all.map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }
}
