//! The program is killed at one call after another, and run again.
use crate::provision::{FILE, Folder};
use crate::proxy::{Fate, Proxy};
use crate::server::Moto;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many lives are lived; each one is killed while it builds, while it changes and while it
/// destroys, and every third time twice in a row.
const LIVES: usize = 18;

/// The change that counts from 1 at which the program is killed; odd lives before it, even after.
#[derive(Default)]
struct Plot {
    at: AtomicUsize,
    before: AtomicUsize,
}

impl Plot {
    fn fate(&self, change: usize) -> Fate {
        match change != 0 && change == self.at.load(Ordering::SeqCst) {
            true if self.before.load(Ordering::SeqCst) == 1 => Fate::KillBefore,
            true => Fate::KillAfter,
            false => Fate::Pass,
        }
    }
}

struct Life<'a> {
    moto: &'a Moto,
    proxy: &'a Proxy,
    plot: &'a Plot,
    folder: Folder,
    kills: usize,
}

impl Life<'_> {
    /// Kills `arguments` at its change number `at`, again at its first change if `twice`, then
    /// lets it run to its end.
    fn survive(&mut self, arguments: &[&str], at: usize, before: bool, twice: bool) {
        self.plot.before.store(usize::from(before), Ordering::SeqCst);
        for at in std::iter::once(at).chain(twice.then_some(1)) {
            self.plot.at.store(at, Ordering::SeqCst);
            self.proxy.restart();
            match self.proxy.run(&mut self.folder.command(arguments)) {
                None => self.kills += 1,
                Some(0) if twice => {}
                code => panic!("{arguments:?} was not killed at change {at}: {code:?}"),
            }
        }
        self.plot.at.store(0, Ordering::SeqCst);
        self.folder.ok(arguments);
        self.proxy.restart();
    }

    /// Compares the record with the cloud: as many objects, and each one on record.
    fn check(&self, expected: &BTreeMap<String, usize>, when: &str) {
        assert_eq!(self.moto.counts(), *expected, "{when}");
        let shown: Value =
            serde_json::from_str(&self.folder.ok(&["show", "--json"])).expect("the record is JSON");
        let record = shown.to_string();
        for object in self.moto.inventory() {
            let id = object["id"].as_str().unwrap_or("");
            let ours = object["tags"]["provision-lineage"].is_string();
            assert!(!ours || record.contains(id), "{when}: {id} is not on record");
        }
    }
}

fn changed() -> String {
    format!(
        "{FILE}pools:\n  app: {{ machine: m5.2xlarge }}\n  driver: {{ max: 5, labels: {{ \
         driverNodes: \"true\", tier: one }} }}\n  executor: {{ max: 9 }}\n"
    )
}

#[test]
fn a_killed_run_loses_nothing_and_makes_nothing_twice() {
    let moto = Moto::start();
    let empty = moto.inventory();
    let plot = Arc::new(Plot::default());
    let its = plot.clone();
    let proxy = Proxy::start(&moto.url, move |call| its.fate(call.change));
    let mut life =
        Life { moto: &moto, proxy: &proxy, plot: &plot, folder: Folder::on(&moto, FILE), kills: 0 };
    life.folder.set("AWS_ENDPOINT_URL", &proxy.url);
    let apply = ["apply", "--auto-approve"];
    let destroy = ["destroy", "--auto-approve"];

    life.folder.ok(&apply);
    let (build, built) = (proxy.restart().len(), life.moto.counts());
    life.folder.write(&changed());
    life.folder.ok(&apply);
    let (change, became) = (proxy.restart().len(), life.moto.counts());
    life.folder.ok(&destroy);
    let gone = proxy.restart().len();
    assert!(build > 35 && change > 4 && gone > 30, "{build} {change} {gone}");

    for number in 0..LIVES {
        let (before, twice) = (number % 2 == 1, number % 3 == 0);
        let spread = |calls: usize| 1 + number * calls / LIVES;
        life.folder.write(FILE);
        life.survive(&apply, spread(build), before, twice);
        life.check(&built, &format!("build {number}"));
        life.folder.write(&changed());
        life.survive(&apply, spread(change), before, twice);
        life.check(&became, &format!("change {number}"));
        life.survive(&destroy, spread(gone), before, twice);
        assert_eq!(moto.inventory(), empty, "destroy {number}");
    }
    assert!(life.kills >= 3 * LIVES, "{} kills", life.kills);
}
