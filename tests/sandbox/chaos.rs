//! Transient faults by chance: whatever they hit, a cluster is there after a few runs, and gone
//! after a few.
use crate::life::{APPLY, DESTROY, Life};
use crate::phase::{PHASES, built};
use crate::{sweep, world};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many worlds there are, in each of which a cluster is built, and in how many of a sample it is
/// destroyed too.
const WORLDS: u64 = 200;
const SAMPLE: usize = 16;

/// The share of calls that a fault befalls.
const SHARE: f64 = 0.05;
const EFFECTS: [&str; 6] =
    ["throttle", "error-before", "error-after", "cut-after", "slow", "stale"];

/// The most runs that a command may take.
const RUNS: usize = 3;

fn faults() -> Vec<Value> {
    let chance = SHARE / EFFECTS.len() as f64;
    EFFECTS.map(|effect| json!({ "operation": "*", "chance": chance, "effect": effect })).into()
}

/// What the runs of all worlds came to.
#[derive(Default)]
struct Tally {
    calls: AtomicUsize,
    befallen: AtomicUsize,
    /// How many commands ended well in the first run, in the second, in the third.
    ended: [AtomicUsize; RUNS],
}

/// Runs a command again until it ends well.
fn converge(life: &Life, arguments: &[&str], tally: &Tally) {
    let before = life.served.requests().len();
    life.served.faults(&faults());
    let mut told = Vec::new();
    while told.len() < RUNS {
        let ran = life.folder.run(arguments);
        if ran.code == Some(0) {
            tally.calls.fetch_add(life.served.requests().len() - before, Ordering::SeqCst);
            tally.befallen.fetch_add(life.served.befallen(), Ordering::SeqCst);
            tally.ended[told.len()].fetch_add(1, Ordering::SeqCst);
            return life.served.faults(&[]);
        }
        told.push(format!("{:?}: {}{}", ran.code, ran.stdout, ran.stderr));
    }
    panic!("{arguments:?} ends well in none of {RUNS} runs: {}", told.join("\n"));
}

/// Builds a cluster in the world of a seed, and destroys it if that is wanted too.
fn live(seed: u64, is_destroyed: bool, tally: &Tally) {
    let life = Life::from(&PHASES[0].before.of_seed(seed), &built());
    converge(&life, APPLY, tally);
    PHASES[0].check(&life);
    if is_destroyed {
        converge(&life, DESTROY, tally);
        life.ok(&["plan"]);
        let world = life.moment().world;
        assert_eq!(world::ids(&world), world::ids(&PHASES[0].before.world));
        PHASES[0].spares(&world);
    }
}

#[test]
fn whatever_chance_brings_a_few_runs_are_enough() {
    let seeds: Vec<u64> = (1..=WORLDS).collect();
    let destroyed = sweep::chosen(seeds.clone(), SAMPLE);
    let (name, tally) = (|seed: &u64| format!("seed {seed}"), Tally::default());
    sweep::each("chaos", sweep::BUSY, &seeds, name, |seed| {
        live(*seed, destroyed.contains(seed), &tally)
    });
    let Tally { calls, befallen, ended } = tally;
    let (calls, befallen) = (calls.into_inner(), befallen.into_inner());
    sweep::tell(&format!(
        "chaos: {befallen} of {calls} calls befallen; ended well in run 1, 2, 3: {ended:?}"
    ));
    let share = befallen as f64 / calls as f64;
    assert!((SHARE * 0.8..SHARE * 1.2).contains(&share), "{share} of all calls");
}
