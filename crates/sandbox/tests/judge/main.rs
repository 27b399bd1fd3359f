//! The sandbox, judged by what others wrote: botocore's models, boto3, the AWS CLI, and moto.
mod stage;

#[path = "../../../../tests/common/cloud.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod cloud;
#[path = "../../../../tests/common/judge.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod judge;
#[path = "../../../../tests/common/recorder.rs"]
mod recorder;
#[path = "../../../../tests/common/relay.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod relay;
#[path = "../../../../tests/common/server.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod server;

use provision_sandbox::Speed;
use serde_json::{Value, json};
use stage::{Stage, answer, docs, kept, run, script, sources};
use std::fs;
use std::path::PathBuf;

const SCENARIOS: [&str; 13] = [
    "networks",
    "gateways",
    "groups",
    "tags",
    "identity",
    "policies",
    "keys",
    "callers",
    "clusters",
    "pools",
    "access",
    "places",
    "balancers",
];

/// How much faster than the real clock that of whole stacks is: they have to wait, but not long.
const SPEED: f64 = 600.0;

#[test]
fn the_judge_finds_each_kind_of_bad_reply() {
    let told = run("bad_responses.py", &[]);
    assert_eq!(told["missed"], json!([]), "{told:#}");
    assert!(told["bad"].as_u64() > Some(40), "{told:#}");
}

/// Plays every scenario, and returns where its steps and its calls are written.
fn play(name: &str, stage: &Stage) -> [PathBuf; 2] {
    let steps = answer(script("scene.py").arg(stage.url()).args(SCENARIOS));
    let [told, calls] = ["steps", "calls"].map(|kind| kept(&format!("{name}.{kind}")));
    fs::write(&told, steps.to_string()).expect("it can be written");
    stage.write(&calls);
    [told, calls]
}

/// Has a script make a stack and take it down. Returns what the script tells, and where its calls
/// are written.
fn whole_stack(file: &str) -> (Value, PathBuf) {
    let stage = Stage::sandbox(Speed::Times(SPEED));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut command = script(file);
    command.args([stage.url(), &stage.control(), &SPEED.to_string()]).arg(folder.path());
    let told = answer(&mut command);
    let calls = kept(&format!("{file}.calls"));
    stage.write(&calls);
    assert_eq!(told["before"], told["after"], "{told:#}");
    (told, calls)
}

fn is_empty(verdict: &Value, members: &[&str]) {
    for member in members {
        assert_eq!(verdict[member], json!([]), "{verdict:#}");
    }
}

/// Returns what the judge finds in the replies of moto's best services: nothing, if it is not too
/// strict.
fn too_strict(verdict: &Value) -> Vec<&str> {
    let all = verdict["findings"].as_array().expect("a list");
    let is_reply = |it: &&str| it.contains(": reply: ");
    let best = |it: &&str| ["ec2:", "iam:", "sts:"].iter().any(|service| it.starts_with(service));
    all.iter().filter_map(Value::as_str).filter(is_reply).filter(best).collect()
}

/// Together they do every operation of the sandbox, so they are one test.
#[test]
fn scenarios_and_whole_stacks_are_valid_and_differ_from_moto_as_the_docs_list() {
    let (ours, theirs, boto3, cli) = std::thread::scope(|scope| {
        let cli = scope.spawn(|| whole_stack("cli.py"));
        let theirs = scope.spawn(|| play("moto", &Stage::moto()));
        let ours = play("sandbox", &Stage::sandbox(Speed::Instant));
        let boto3 = whole_stack("stack.py");
        (ours, theirs.join().expect("it is played"), boto3, cli.join().expect("it is made"))
    });
    let verdict = run("verdict.py", &[&sources(), &ours[1], &boto3.1, &cli.1]);
    is_empty(&verdict, &["findings", "unjudged"]);
    assert!(verdict["judged"].as_u64() > Some(1000), "{verdict:#}");
    for (used, least) in [("waiters", 15), ("paginators", 25)] {
        let all = boto3.0[used].as_array();
        assert!(all.is_some_and(|all| all.len() >= least), "{:#}", boto3.0);
    }

    let strict = run("verdict.py", &[&sources(), &theirs[1]]);
    assert_eq!(too_strict(&strict), [""; 0]);

    let table = docs("sandbox-and-moto.md");
    let told = run("compare.py", &[&ours[0], &theirs[0], &table]);
    is_empty(&told, &["unexplained", "stale"]);
    let wrong = kept("wrong.md");
    let text = fs::read_to_string(table).expect("it is there");
    fs::write(&wrong, text.replace("| `DryRunOperation` |", "| `ok` |"))
        .expect("it can be written");
    let told = run("compare.py", &[&ours[0], &theirs[0], &wrong]);
    let row = |outcome: &str| json!([["networks: only asked", "outcome", outcome, "ok"]]);
    assert_eq!((&told["unexplained"], &told["stale"]), (&row("DryRunOperation"), &row("ok")));
}
