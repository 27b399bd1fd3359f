//! The phases of a cluster's life, each of which can be lived again from its beginning.
use crate::decoys;
use crate::folder::FILE;
use crate::life::{APPLY, DESTROY, Life, Moment};
use crate::proxy::Fate;
use crate::world;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The phases of one life, in their order. They are lived through once, whoever asks.
pub(crate) static PHASES: LazyLock<Vec<Phase>> = LazyLock::new(phases);

/// A phase of a cluster's life: a command, what it begins with, and what it comes to.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) command: &'static [&'static str],
    file: String,
    pub(crate) before: Moment,
    /// What looks like ours and is not, as it was in the beginning.
    theirs: BTreeMap<String, String>,
    /// What there is in the end.
    told: Vec<String>,
    ids: BTreeSet<String>,
    /// The calls that change something: the operation, and which of its calls it is.
    pub(crate) changes: Vec<(String, usize)>,
    /// Those of them that change something inside the cluster.
    pub(crate) inside: Vec<(String, usize)>,
    /// Every request, as operations are called, and which of its requests it is.
    pub(crate) requests: Vec<(String, usize)>,
}

impl Phase {
    /// Lives through the phase once, and returns it with the moment that follows.
    fn record(
        name: &'static str,
        file: String,
        command: &'static [&'static str],
        before: Moment,
        theirs: &BTreeMap<String, String>,
    ) -> (Self, Moment) {
        let theirs = theirs.clone();
        let mut life = Life::from(&before, &file);
        let proxy = life.proxy(|_| Fate::Pass);
        life.ok(command);
        let changes = counted(proxy.restart());
        let requests = counted(life.served.operations());
        let inside = requests.iter().filter(|(operation, _)| is_change_inside(operation));
        let inside = inside.cloned().collect();
        life.ok(&["plan"]);
        let after = life.moment();
        let (told, ids) = (world::told(&after.world), world::ids(&after.world));
        (Self { name, command, file, before, theirs, told, ids, changes, inside, requests }, after)
    }

    /// Begins the phase anew.
    pub(crate) fn begin(&self) -> Life {
        Life::from(&self.before, &self.file)
    }

    /// Fails unless a life came to what the phase comes to.
    pub(crate) fn check(&self, life: &Life) {
        match self.command {
            APPLY => assert_eq!(life.folder.plan(), [""; 0]),
            _ => drop(life.ok(&["plan"])),
        }
        let world = life.moment().world;
        same(&world::told(&world), &self.told);
        self.spares(&world);
        if self.command == DESTROY {
            assert_eq!(world::ids(&world), self.ids);
        }
    }

    /// Fails unless what is of somebody else is in a world as it was.
    pub(crate) fn spares(&self, world: &[u8]) {
        let now = world::raw(world);
        for (name, object) in &self.theirs {
            assert_eq!(now.get(name), Some(object), "{name} is of somebody else");
        }
    }
}

/// Returns operations with how many of each there have been.
fn counted(operations: Vec<String>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let count = |operation: String| {
        let count = counts.entry(operation.clone()).or_default();
        *count += 1;
        (operation, *count)
    };
    operations.into_iter().map(count).collect()
}

/// Tells whether an operation changes something inside a cluster.
fn is_change_inside(operation: &str) -> bool {
    ["create ", "delete ", "patch ", "update "].iter().any(|verb| operation.starts_with(verb))
}

/// Compares what there is in two worlds.
pub(crate) fn same(now: &[String], then: &[String]) {
    let without = |of: &[String], those: &[String]| {
        let mut rest = of.to_vec();
        for it in those {
            if let Some(at) = rest.iter().position(|other| other == it) {
                rest.swap_remove(at);
            }
        }
        rest
    };
    let (more, less) = (without(now, then), without(then, now));
    assert!(more.is_empty() && less.is_empty(), "too much: {more:#?}\nmissing: {less:#?}");
}

/// The cluster file at first.
pub(crate) fn built() -> String {
    format!(
        "{FILE}kubernetes: {{ version: \"1.34\", secretsKey: own }}\neks: {{ irsa: true }}\n\
         secrets: {{ registryToken: {{ env: REGISTRY_TOKEN }} }}\nmanifests: [team.yaml]\n\
         support: {{ access: admin }}\n"
    )
}

/// The same cluster with other bounds, labels, machines, tags, volumes, manifests, ways in and ways
/// out.
pub(crate) fn changed() -> String {
    format!(
        "{FILE}kubernetes: {{ version: \"1.34\", secretsKey: own, api: {{ allow: [203.0.113.0/24] }} }}\n\
         network: {{ nat: per-zone }}\npools:\n  app: {{ machine: m5.2xlarge }}\n  \
         driver: {{ max: 5, labels: {{ driverNodes: \"true\", tier: one }} }}\n  \
         executor: {{ max: 9 }}\ntags: {{ team: platform }}\neks: {{ irsa: true }}\n\
         storageClasses: [{{ name: fast, default: false, iops: 4000 }}, {{ name: plain, default: true }}]\n\
         manifests: [changed.yaml]\nsupport: {{ access: admin, expires: 60d }}\n"
    )
}

/// The same cluster, two minors later.
pub(crate) fn upgraded() -> String {
    changed().replace("1.34", "1.36")
}

fn phases() -> Vec<Phase> {
    let untouched = Life::from(&Moment::default(), FILE);
    decoys::prepare(&untouched);
    let nothing = untouched.moment();
    let theirs = world::raw(&nothing.world);
    let is_default = |it: &String| it.contains("\"isDefault\":true");
    assert!(theirs.values().any(is_default), "the default network is somebody else's too");
    let (build, moment) = Phase::record("build", built(), APPLY, nothing.clone(), &theirs);
    let (change, moment) = Phase::record("change", changed(), APPLY, moment, &theirs);
    let (upgrade, moment) = Phase::record("upgrade", upgraded(), APPLY, moment, &theirs);
    let living = Life::from(&moment, &upgraded());
    living.served.event("acme-prod", "workload");
    living.ok(&["plan"]);
    let (destroy, _) = Phase::record("destroy", upgraded(), DESTROY, living.moment(), &theirs);
    assert_eq!(destroy.ids, world::ids(&nothing.world), "what is left");
    vec![build, change, upgrade, destroy]
}

#[test]
fn worlds_are_the_same_only_when_the_same_was_made() {
    let made = |file: &str| {
        let life = Life::from(&Moment::default(), file);
        life.ok(APPLY);
        life.ok(&["plan"]);
        world::told(&life.moment().world)
    };
    let (one, other) = (made(&built()), made(&built()));
    assert!(one.len() > 50, "{} objects", one.len());
    same(&one, &other);
    let tagged = made(&format!("{}tags: {{ team: a }}\n", built()));
    let differ = one.iter().filter(|it| !tagged.contains(it)).count();
    assert!(differ > 20, "{differ} of {} differ by a tag", one.len());
}
