//! Lives one life again and again, with one fault at each of its effects.
use crate::bench::{Bench, Ran};
use crate::fault::{Fault, FaultKind};
use crate::kinds::{Addon, Cluster, Gateway, Network, Pool, Route, Subnet, TagMap, Vault};
use provision_core::{Graph, Place, fingerprint, out};

/// What a sweep lives through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// From nothing to a cluster.
    Build,
    /// From one cluster to another.
    Change,
    /// From one cluster to one with more tags, which nobody wants any more when a run has failed.
    Extend,
    /// From one version to another in stages, with other machines too.
    Upgrade,
    /// From a cluster to nothing.
    Destroy,
}

impl Life {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Build, Self::Change, Self::Extend, Self::Upgrade, Self::Destroy];

    fn before(self) -> Option<Vec<Graph>> {
        match self {
            Self::Build => None,
            Self::Change | Self::Extend | Self::Upgrade => Some(first()),
            Self::Destroy => Some(second()),
        }
    }

    fn after(self) -> Vec<Graph> {
        match self {
            Self::Build => first(),
            Self::Change => second(),
            Self::Extend => extended(),
            Self::Upgrade => upgrade(),
            Self::Destroy => Vec::new(),
        }
    }

    /// What a run with a fault is taken back to, beside what it is gone on with to.
    fn back(self) -> Option<Vec<Graph>> {
        (self == Self::Extend).then(first)
    }
}

/// What a sweep found.
#[derive(Debug, Default)]
pub struct Sweep {
    /// How many lives were lived.
    pub lives: usize,
    /// What went wrong, and where.
    pub wrong: Vec<String>,
}

impl Sweep {
    /// Lives `life` with each of `faults` at each effect, each followed once by an apply, once by a
    /// destroy, and where that is possible by an apply of what was before, on what `bench` makes.
    pub async fn over(life: Life, faults: &[FaultKind], bench: impl Fn() -> Bench) -> Self {
        let mut sweep = Self::default();
        let undisturbed = bench();
        Self::begin(life, &undisturbed).await;
        let before = undisturbed.picture();
        undisturbed.run(&life.after(), None).await.through();
        let (effects, expected) = (undisturbed.world.effects(), undisturbed.picture());
        for &kind in faults {
            for at in 1..=effects.len() {
                if kind.is_survived() && !effects[at - 1] {
                    continue;
                }
                let fault = Fault { at, kind };
                sweep.live(life, fault, &bench, life.after(), &expected).await;
                sweep.live(life, fault, &bench, Vec::new(), &[]).await;
                if let Some(back) = life.back() {
                    sweep.live(life, fault, &bench, back, &before).await;
                }
            }
        }
        sweep
    }

    async fn begin(life: Life, bench: &Bench) {
        if let Some(before) = life.before() {
            bench.run(&before, None).await.through();
        }
    }

    /// Lives once with a fault, then goes on to `end` without one.
    async fn live(
        &mut self,
        life: Life,
        fault: Fault,
        bench: &impl Fn() -> Bench,
        end: Vec<Graph>,
        expected: &[String],
    ) {
        let bench = bench();
        Self::begin(life, &bench).await;
        let disturbed = bench.run(&life.after(), Some(fault)).await;
        let mut wrong = bench.dangling();
        let next = bench.run(&end, None).await;
        self.lives += 1;
        wrong.extend(bench.faults());
        match &next {
            Ran::Through(_, outcome) if outcome.is_complete() => {}
            other => wrong.push(format!("the next run: {other:?}")),
        }
        let picture = bench.picture();
        if picture != expected {
            wrong.push(format!("the world is {picture:#?} and not {expected:#?}"));
        }
        match bench.plan(&end).await {
            Ok(plan) if plan.is_empty() => {}
            other => wrong.push(format!("the plan after it: {other:?}")),
        }
        if !wrong.is_empty() {
            let towards = if end.is_empty() { "destroy" } else { "apply" };
            let wrong = wrong.join("\n  ");
            let ended = match disturbed {
                Ran::Through(_, outcome) => format!("{:?}", outcome.failed),
                other => format!("{other:?}"),
            };
            self.wrong.push(format!("{life:?} {fault:?} {towards} ({ended}):\n  {wrong}"));
        }
    }
}

/// Reads a team, and each word after it as one tag more.
fn tags(words: &str) -> TagMap {
    let mut words = words.split(' ').map(str::to_owned);
    let team = ("team".to_owned(), words.next().unwrap_or_default());
    words.map(|word| (word.clone(), word)).chain([team]).collect()
}

/// A cluster on two zones.
pub fn first() -> Vec<Graph> {
    vec![stack(&["a", "b"], "1.33", "old", "small", "h1")]
}

/// The same cluster on other zones, with another version, other tags and other machines.
pub fn second() -> Vec<Graph> {
    vec![stack(&["a", "c"], "1.34", "new", "large", "h2")]
}

/// The first cluster with more tags.
fn extended() -> Vec<Graph> {
    vec![stack(&["a", "b"], "1.33", "old cost owner", "small", "h1")]
}

/// The first cluster on other machines, and then two versions further, one at a time.
fn upgrade() -> Vec<Graph> {
    let stage = |version| stack(&["a", "b"], version, "old", "large", "h1");
    ["1.33", "1.34", "1.35"].map(stage).into()
}

/// Makes the graph of a cluster.
pub fn stack(zones: &[&str], version: &str, team: &str, machine: &str, hidden: &str) -> Graph {
    let mut g = Graph::new();
    let network =
        g.add("network", Network { cidr: "10.0.0.0/16".into(), dns: true, tags: tags(team) });
    let mut subnets = Vec::new();
    for zone in zones {
        let subnet = Subnet { network: out!(network.id), zone: (*zone).into(), tags: tags(team) };
        subnets.push(g.add(format!("subnet/{zone}"), subnet));
    }
    let first = subnets[0].clone();
    let gateway = g.add("gateway", Gateway { subnet: out!(first.id), tags: tags(team) });
    g.add("vault", Vault { network: out!(network.id), tags: tags(team) });
    let route = g.add("route", Route { network: out!(network.id), gateway: out!(gateway.id) });
    let cluster = g.add(
        "cluster",
        Cluster {
            name: "demo".into(),
            version: version.into(),
            subnets: subnets.iter().map(|subnet| out!(subnet.id)).collect(),
            hidden: hidden.into(),
            tags: tags(team),
        },
    );
    let addon = Addon { name: "dns".into(), version: "1".into(), tags: tags(team) };
    let addon = g.add(Place::at("addon/dns").within(&cluster), addon);
    let h = &fingerprint(&machine)[..8];
    let pool = Pool {
        name: format!("app-{h}"),
        cluster: out!(cluster.id),
        machine: machine.into(),
        version: version.into(),
        max: 3,
        tags: tags(team),
    };
    let place = Place::at(format!("pool/app/{h}")).slot("pool/app").after(&route).after(&addon);
    g.add(place.lane("cluster/demo", true), pool);
    g
}
