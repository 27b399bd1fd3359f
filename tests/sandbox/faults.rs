//! Every operation meets every fault: the run ends right, or in a clear error and the next one
//! ends right, and either way it comes to the same.
use crate::folder::Ran;
use crate::phase::{PHASES, Phase};
use crate::proxy::is_read;
use crate::served::Served;
use crate::sweep;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;

/// What passes by itself.
const PASSING: [&str; 6] =
    ["throttle", "error-before", "error-after", "cut-after", "slow", "stale"];
/// What somebody has to see to.
const LASTING: [&str; 4] = ["denied", "expired", "capacity", "quota"];

/// How many operations of a sample hang in one case, which costs the time limit of a call each time.
const HANGING: usize = 6;
/// How many operations of a sample are refused alone.
const ALONE: usize = 24;
/// Where every request is wanted: in one case one of so many meets what passes by itself, and so many meet
/// what hangs or lasts.
const APART: usize = 10;

/// What removes the things that a cluster left behind. Where one is refused, the others are tried and then
/// that again, which is not told if it went.
const OF_LEFTOVERS: [&str; 7] = [
    "DeleteLoadBalancer",
    "DeleteNetworkInterface",
    "DeleteSecurityGroup",
    "DeleteTargetGroup",
    "DeleteVolume",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
];

/// An operation, or `*` for any, and which of its requests is meant.
type Request = (String, usize);

/// One fault of some requests in a phase.
struct Case {
    phase: &'static Phase,
    effect: &'static str,
    requests: Vec<Request>,
}

/// What the cases of a fault came to.
#[derive(Default)]
struct Tally {
    requests: usize,
    /// The faults that nothing met: their phase and operation.
    unmet: Vec<String>,
    /// How many runs failed.
    failed: usize,
}

impl Case {
    fn name(&self) -> String {
        let all = self.requests.iter().map(|(operation, count)| format!("{operation} {count}"));
        let (phase, effect) = (self.phase.name, self.effect);
        format!("{phase}: {effect} at {}", all.collect::<Vec<_>>().join(", "))
    }

    /// Runs until it ends well, and compares. Returns the operations whose faults nothing met, and how
    /// many runs failed.
    fn meet(&self) -> (Vec<String>, usize) {
        let life = self.phase.begin();
        let fault = |(operation, count): &Request| json!({ "operation": operation, "nth": count, "effect": self.effect });
        life.served.faults(&self.requests.iter().map(fault).collect::<Vec<_>>());
        let left = || -> Vec<String> {
            let name = |fault: &Value| fault["operation"].as_str().unwrap_or_default().to_owned();
            life.served.faults_left().iter().map(name).collect()
        };
        let mut runs = 0;
        loop {
            let mut met = left();
            let ran = life.folder.run(self.phase.command);
            let not_yet = left();
            met.retain(|operation| !not_yet.contains(operation));
            runs += 1;
            if ran.code == Some(0) {
                self.borne(&ran, &met);
                break;
            }
            // A run that fails has met one of them at least.
            let most = self.requests.len();
            assert!(runs <= most, "{runs} runs: {}{}", ran.stdout, ran.stderr);
            self.told(&ran, &met);
        }
        let (left, failed) = (left(), runs - 1);
        life.served.faults(&[]);
        self.phase.check(&life);
        (left, failed)
    }

    /// Fails unless a run that ended well may have met what it did: without a look at something it warns
    /// and goes on, and plans again in the end.
    fn borne(&self, ran: &Ran, met: &[String]) {
        let text = format!("{}{}", ran.stdout, ran.stderr);
        let is_warned = |it: &String| {
            // A cluster that may not know yet what its caller may do is asked again.
            // The policy of somebody else's key may hide it.
            let is_hidden = it == "ListResourceTags";
            let is_borne = it.contains(' ') || is_hidden || text.contains(&format!(":{it}: "));
            // Groups that were left behind are looked at once more to take back their rules.
            let is_of_leftovers =
                it == "DescribeSecurityGroups" || OF_LEFTOVERS.contains(&it.as_str());
            is_look(it) && is_borne || is_of_leftovers
        };
        // A cluster that does not know a token any longer is asked with another.
        let is_asked_anew = |it: &String| it.contains(' ');
        match self.effect {
            "expired" => assert!(met.iter().all(is_asked_anew), "{met:?} stopped nothing: {text}"),
            "denied" => assert!(met.iter().all(is_warned), "{met:?} are not all in {text}"),
            "quota" | "capacity" => assert!(met.is_empty(), "{met:?} stopped nothing: {text}"),
            _ => {}
        }
    }

    /// Fails unless a run that a single refusal ended tells of just that: the operation, the cloud's word
    /// for it, and AWS's id of the request.
    fn told_of(&self, operation: &str, text: &str) {
        let words: &[&str] = match self.effect {
            "denied" => &["AccessDenied", "UnauthorizedOperation", "Forbidden"],
            "expired" => &["Expired", "Unauthorized"],
            "quota" => &["LimitExceeded", "TooManyTags"],
            // What was made tells of it later.
            _ => return,
        };
        // Without the way in there is nothing to be seen inside, whoever was refused.
        let Some(told) = words_of(operation, text) else {
            assert!(text.contains("could not be observed"), "{operation} is not in {text}");
            return;
        };
        let is_told = words.iter().any(|word| told.contains(word));
        assert!(is_told, "{words:?} are not said of {operation} in {text}");
        let has_id = operation.contains(' ') || told.contains("request ");
        assert!(has_id, "no id of {operation}'s request is in {text}");
    }

    /// Fails unless a run that failed tells what it met, with the exit code that is meant for it.
    fn told(&self, ran: &Ran, met: &[String]) {
        let text = format!("{}{}", ran.stdout, ran.stderr);
        let code = ran.code.expect("it was not killed");
        let names = |operation: &String| text.contains(&format!(":{operation}: "));
        let is_named = met.iter().any(names);
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        assert!(says(&["hint: "]), "what to do is not in {text}");
        if let [(operation, _)] = &self.requests[..]
            && !OF_LEFTOVERS.contains(&operation.as_str())
        {
            self.told_of(operation, &text);
        }
        let is_of_aws = met.iter().filter(|it| !it.contains(' ')).any(names);
        let is_refused = ["expired", "denied", "quota"].contains(&self.effect);
        // A Kubernetes API gives its requests no ids.
        let is_id = |text: &str| text.chars().all(|it| it.is_ascii_hexdigit() || it == '-');
        let whole = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut after = whole.split("request ").skip(1);
        let has_id =
            !is_of_aws || !is_refused || after.any(|rest| rest.get(..36).is_some_and(is_id));
        assert!(has_id, "no id of a request is in {text}");
        match self.effect {
            "expired" => {
                assert_eq!(code, 77, "{text}");
                assert!(says(&["expired"]), "{text}");
            }
            // Who cannot even ask who they are has no credentials that are good for anything.
            "denied" => {
                let is_nobody = met.iter().any(|it| it == "GetCallerIdentity");
                assert_eq!(code, if is_nobody { 77 } else { 1 }, "{text}");
                let is_told =
                    |it: &String| is_look(it) || names(it) || OF_LEFTOVERS.contains(&it.as_str());
                let untold: Vec<_> = met.iter().filter(|it| !is_told(it)).collect();
                assert!(untold.is_empty(), "{untold:?} of {met:?} are not in {text}");
                // What a refusal has kept out of the cluster sees nothing inside in the next run.
                let is_blind = text.contains("could not be observed");
                assert!(is_named || is_blind, "none of {met:?} is in {text}");
                assert!(says(&["not authorized", "told to refuse", "Forbidden"]), "{text}");
            }
            "quota" => {
                assert_eq!(code, 1, "{text}");
                assert!(is_named, "none of {met:?} is in {text}");
                assert!(says(&["imit", "quota", "TooMany"]), "{text}");
            }
            // Node groups are made all the same, and say later that there is no room; updates end
            // with one of these codes of EKS.
            "capacity" => {
                let ended = [
                    "AccessDenied",
                    "IpNotAvailable",
                    "NodeCreationFailure",
                    "ConfigurationConflict",
                ];
                let is_told = match code {
                    4 => {
                        let is_of_pool = met.iter().any(|it| it.contains("odegroup"));
                        is_of_pool && says(&["pool/"]) && says(&["apacity"])
                    }
                    _ => code == 1 && (is_named && says(&["apacity"]) || says(&ended)),
                };
                assert!(is_told, "{code}: {met:?}: {text}");
            }
            // What has to be read at once is given up where one call after another hangs, and so is
            // what is waited for, of which the pace leaves time for few of them.
            "hang" => {
                assert_eq!(code, 1, "{text}");
                assert!(says(&["timed out", "not done after"]), "{text}");
            }
            other => panic!("a run with {other} failed: {text}"),
        }
    }
}

/// Returns what is told of an operation that failed, without line breaks; `None` where it is not named.
fn words_of(operation: &str, text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, rest) = text.split_once(&format!(":{operation}: "))?;
    Some(rest.chars().take(600).collect())
}

/// Returns each operation with the first phase that calls it.
fn operations() -> Vec<(&'static Phase, String)> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for phase in PHASES.iter() {
        let names = phase.requests.iter().map(|(operation, _)| operation);
        let new = names.filter(|it| seen.insert((*it).clone()));
        all.extend(new.map(|operation| (phase, operation.clone())));
    }
    all
}

/// Returns cases in which together each request of a phase meets the fault, in each case one of each of
/// some operations. Requests are counted through all runs of a case: what ended the first may leave the
/// rest to another request of their operation in the next.
fn each_in_each_phase(effect: &'static str) -> Vec<Case> {
    let of = |phase: &'static Phase| {
        let mut all = phase.requests.clone();
        all.sort();
        let most = all.iter().map(|(_, count)| *count).max().unwrap_or_default();
        // Those of one operation follow each other, and are no more than cases.
        let cases = most.max(all.len().div_ceil(APART));
        let its = move |first| all.iter().skip(first).step_by(cases).cloned().collect();
        (0..cases).map(move |first| Case { phase, effect, requests: its(first) })
    };
    PHASES.iter().flat_map(of).collect()
}

/// Parts cases, so that each has so many requests at most.
fn parted(cases: &[Case], most: usize) -> Vec<Case> {
    let parts = |case: &Case| {
        let (phase, effect) = (case.phase, case.effect);
        let part = move |it: &[Request]| Case { phase, effect, requests: it.to_vec() };
        case.requests.chunks(most).map(part).collect::<Vec<_>>()
    };
    cases.iter().flat_map(parts).collect()
}

/// Leaves out requests to whose operation a fault means nothing, which the sandbox knows. Of any
/// operation it counts those to which it means something.
fn meaningful(mut cases: Vec<Case>) -> Vec<Case> {
    let (served, mut known) = (Served::start(), BTreeMap::new());
    for Case { phase, effect, requests } in &mut cases {
        let mut means = |operation: &String| -> bool {
            let fault = || json!({ "operation": operation, "effect": effect });
            let key = (*effect, operation.clone());
            *known.entry(key).or_insert_with(|| served.takes(&fault()))
        };
        let all = phase.requests.iter().filter(|(operation, _)| means(operation)).count();
        requests.retain(|(operation, count)| match operation.as_str() {
            "*" => *count <= all,
            _ => means(operation),
        });
    }
    cases.retain(|case| !case.requests.is_empty());
    cases
}

fn is_look(operation: &str) -> bool {
    is_read(operation) || ["get ", "list ", "watch "].iter().any(|it| operation.starts_with(it))
}

/// Returns cases in which together every request of a phase meets the fault, while those between
/// go well.
fn everywhere(effect: &'static str) -> Vec<Case> {
    let cases = |phase: &'static Phase| {
        (1..=APART).map(move |first| {
            let counts = (first..=phase.requests.len()).step_by(APART);
            Case { phase, effect, requests: counts.map(|count| ("*".to_owned(), count)).collect() }
        })
    };
    PHASES.iter().flat_map(cases).collect()
}

/// Returns a case for each phase: all its operations meet the fault, one run after another if need
/// be.
fn at_once(effect: &'static str) -> Vec<Case> {
    let all = operations();
    let of = |phase: &'static Phase| {
        let its = all.iter().filter(|(of, _)| of.name == phase.name);
        its.map(|(_, operation)| (operation.clone(), 1)).collect()
    };
    let cases = PHASES.iter().map(|phase| Case { phase, effect, requests: of(phase) });
    cases.filter(|case| !case.requests.is_empty()).collect()
}

/// Tries cases, so many at once for each processor, and tells of each fault what it met.
fn tried(what: &str, cases: Vec<Case>, per_processor: usize) {
    let cases = meaningful(cases);
    let tally: Mutex<BTreeMap<&str, Tally>> = Mutex::default();
    let name = format!("faults that {what}");
    sweep::each(&name, per_processor, &cases, Case::name, |case| {
        let (unmet, failed) = case.meet();
        let mut tally = tally.lock().expect("no thread panics here");
        let its = tally.entry(case.effect).or_default();
        its.requests += case.requests.len();
        its.unmet.extend(unmet.into_iter().map(|it| format!("{} {it}", case.phase.name)));
        its.failed += failed;
    });
    for (effect, Tally { requests, unmet, failed }) in tally.into_inner().expect("all have ended") {
        sweep::tell(&format!("faults, {effect}: {failed} runs ended with it"));
        assert!(failed > 0 || !LASTING.contains(&effect), "{effect} stopped nothing");
        sweep::few(&format!("faults, {effect}"), &unmet, requests);
    }
}

#[test]
fn what_passes_by_itself_stops_nothing() {
    let of = if sweep::wants_all() { everywhere } else { at_once };
    let cases = PASSING.iter().flat_map(|effect| of(effect)).collect();
    tried("pass", cases, sweep::BUSY);
}

#[test]
fn what_hangs_is_given_up_and_made_again() {
    let cases = match sweep::wants_all() {
        true => each_in_each_phase("hang"),
        false => parted(&at_once("hang"), HANGING),
    };
    tried("hang", cases, sweep::IDLE);
}

#[test]
fn what_lasts_is_told_and_the_next_run_goes_on() {
    let of = if sweep::wants_all() { each_in_each_phase } else { at_once };
    let cases = LASTING.iter().flat_map(|effect| of(effect)).collect();
    tried("last", cases, sweep::BUSY);
}

#[test]
fn a_single_refusal_is_told_as_what_it_is_and_the_next_run_ends_well() {
    let cases = LASTING.iter().flat_map(|effect| parted(&at_once(effect), 1)).collect();
    tried("last, each alone", sweep::chosen(meaningful(cases), ALONE), sweep::BUSY);
}

/// What the program may call and no phase does, and why, or which tests let it meet faults.
const ELSEWHERE: [(&str, &str); 9] = [
    ("kms:CreateGrant", "what EKS calls with our credentials"),
    ("iam:CreateServiceLinkedRole", "what EKS calls with our credentials"),
    ("iam:PassRole", "what EKS checks"),
    ("ec2:RunInstances", "what EKS calls with our credentials"),
    ("logs:DeleteRetentionPolicy", "only where the log group of another version is found"),
    ("kms:DisableKeyRotation", "only where the key of another version is found"),
    ("eks:ListAccessPolicies", "only for a policy that EKS does not have: within.rs"),
    ("kms:TagResource", "only for a key that is there before its tags: permissions.rs"),
    ("kms:UpdateAlias", "only where the alias of another key is taken over"),
];

/// Returns the operations that the reference says may be called.
fn permitted() -> BTreeSet<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference.md");
    let text = fs::read_to_string(file).expect("there is a reference");
    let (_, rest) = text.split_once("<!-- permissions").expect("it lists permissions");
    let (_, rest) = rest.split_once("```text\n").expect("in a block");
    let (all, _) = rest.split_once("```").expect("that ends");
    all.lines().map(str::to_owned).collect()
}

#[test]
fn every_operation_is_met() {
    let all = operations();
    let names: BTreeSet<&str> = all.iter().map(|(_, operation)| operation.as_str()).collect();
    for name in ["list storageclasses", "patch secrets", "delete storageclasses"] {
        assert!(names.contains(name), "{names:?}");
    }
    let elsewhere = ELSEWHERE.map(|(name, _)| name);
    let called: BTreeSet<&String> = PHASES.iter().flat_map(|phase| &phase.calls).collect();
    let permitted = permitted();
    let is_unmet = |name: &&String| !called.contains(name) && !elsewhere.contains(&name.as_str());
    let unmet: Vec<_> = permitted.iter().filter(is_unmet).collect();
    assert!(unmet.is_empty(), "no phase calls {unmet:?}");
    let met: Vec<_> = elsewhere.iter().filter(|it| called.contains(&it.to_string())).collect();
    assert!(met.is_empty(), "a phase calls {met:?}");
}
