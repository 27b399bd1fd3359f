//! Every operation meets every fault: the run ends right, or in a clear error and the next one
//! ends right, and either way it comes to the same.
use crate::folder::Ran;
use crate::life::Life;
use crate::phase::{PHASES, Phase};
use crate::sweep;
use serde_json::json;
use std::collections::BTreeSet;

/// What passes by itself.
const PASSING: [&str; 6] =
    ["throttle", "error-before", "error-after", "cut-after", "slow", "stale"];
/// What somebody has to see to.
const LASTING: [&str; 4] = ["denied", "expired", "capacity", "quota"];

/// How many operations of a sample hang, which costs the time limit of a call each time.
const HANGING: usize = 2;
/// How many operations of a sample meet credentials that have expired, each in a run of its own.
const EXPIRED: usize = 4;
/// How many runs it takes at most until every operation was refused once that some run reaches.
const RUNS: usize = 30;

/// One fault of some operations in a phase.
struct Case {
    phase: &'static Phase,
    effect: &'static str,
    operations: Vec<String>,
}

impl Case {
    fn name(&self) -> String {
        let Self { phase, effect, operations } = self;
        match &operations[..] {
            [one] => format!("{}: {effect} at {one}", phase.name),
            all => format!("{}: {effect} at {} operations", phase.name, all.len()),
        }
    }

    /// Runs until every fault was met, and compares.
    fn meet(&self) {
        let life = self.phase.begin();
        let fault = |name: &String| json!({ "operation": name, "effect": self.effect });
        life.served.faults(&self.operations.iter().map(fault).collect::<Vec<_>>());
        let mut runs = 0;
        loop {
            let so_far = life.served.requests().len();
            let ran = life.folder.run(self.phase.command);
            runs += 1;
            if ran.code == Some(0) {
                break;
            }
            let most = if self.operations.len() == 1 { 1 } else { RUNS };
            assert!(runs <= most, "{runs} runs: {}{}", ran.stdout, ran.stderr);
            self.told(&ran, &life, so_far);
        }
        self.phase.check(&life);
    }

    /// Fails unless a run that failed tells what it met, with the exit code that is meant for it.
    fn told(&self, ran: &Ran, life: &Life, so_far: usize) {
        let text = format!("{}{}", ran.stdout, ran.stderr);
        let code = ran.code.expect("it was not killed");
        let met: BTreeSet<String> = life.served.requests()[so_far..]
            .iter()
            .filter(|request| [400, 403].iter().any(|status| request["status"] == *status))
            .filter_map(|request| Some(request["operation"].as_str()?.to_owned()))
            .filter(|operation| self.operations.contains(operation))
            .collect();
        match self.effect {
            "expired" => assert_eq!(code, 77, "{text}"),
            // Who cannot even ask who they are has no credentials that are good for anything.
            "denied" => {
                let expected = if met.contains("GetCallerIdentity") { 77 } else { 1 };
                assert_eq!(code, expected, "{text}");
                // What a refusal has kept out of the cluster sees nothing inside in the next run.
                let is_blind = text.contains("could not be observed");
                let named = |it: &&String| text.contains(&format!(":{it}: "));
                let is_named = is_blind || met.iter().any(|it| named(&it));
                assert!(is_named, "none of {met:?} is in {text}");
                let words = ["not authorized", "told to refuse", "Forbidden"];
                assert!(words.iter().any(|words| text.contains(words)), "{text}");
            }
            "quota" => assert_eq!(code, 1, "{text}"),
            "capacity" => assert!([1, 4].contains(&code), "{code}: {text}"),
            other => panic!("a run with {other} failed: {text}"),
        }
    }
}

/// Returns each operation with the first phase that calls it.
fn operations() -> Vec<(&'static Phase, String)> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for phase in PHASES.iter() {
        let new = phase.operations.iter().filter(|it| seen.insert((*it).clone()));
        all.extend(new.map(|operation| (phase, operation.clone())));
    }
    all
}

/// Returns a case for each operation.
fn one_by_one(effect: &'static str) -> Vec<Case> {
    let case = |(phase, operation)| Case { phase, effect, operations: vec![operation] };
    operations().into_iter().map(case).collect()
}

/// Returns a case for each phase: all its operations meet the fault, one run after another if need
/// be.
fn at_once(effect: &'static str) -> Vec<Case> {
    let all = operations();
    let of = |phase: &'static Phase| {
        let its = all.iter().filter(|(of, _)| of.name == phase.name);
        its.map(|(_, operation)| operation.clone()).collect()
    };
    let cases = PHASES.iter().map(|phase| Case { phase, effect, operations: of(phase) });
    cases.filter(|case| !case.operations.is_empty()).collect()
}

fn tried(cases: Vec<Case>, what: &str) {
    sweep::each(&format!("faults, {what}"), &cases, Case::name, Case::meet);
}

#[test]
fn what_passes_by_itself_stops_nothing() {
    match sweep::wants_all() {
        true => PASSING.iter().for_each(|effect| tried(one_by_one(effect), effect)),
        false => tried(PASSING.iter().flat_map(|effect| at_once(effect)).collect(), "passing"),
    }
    tried(sweep::chosen(one_by_one("hang"), HANGING), "hang");
}

#[test]
fn what_lasts_is_told_and_the_next_run_goes_on() {
    if sweep::wants_all() {
        return LASTING.iter().for_each(|effect| tried(one_by_one(effect), effect));
    }
    let together = ["denied", "capacity", "quota"];
    tried(together.iter().flat_map(|effect| at_once(effect)).collect(), "lasting");
    tried(sweep::chosen(one_by_one("expired"), EXPIRED), "expired");
}

#[test]
fn every_operation_is_met() {
    let all = operations();
    assert!(all.len() > 60, "{} operations", all.len());
    let names: BTreeSet<&str> = all.iter().map(|(_, operation)| operation.as_str()).collect();
    let inside = ["list storageclasses", "patch secrets", "delete storageclasses"];
    let outside = ["GetCallerIdentity", "CreateVpc", "DescribeCluster", "DeleteSubnet"];
    for name in outside.into_iter().chain(inside) {
        assert!(names.contains(name), "{names:?}");
    }
}
