//! The simulated Kubernetes API, judged by what others wrote: kubectl, the one on the PATH, and the
//! Python client of Kubernetes.
#[path = "../../../../tests/common/cloud.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod cloud;
#[path = "../../../../tests/common/judge.rs"]
mod judge;
#[path = "../../../../tests/common/server.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod server;

use cloud::{DAY, KEY};
use jiff::Timestamp;
use judge::Calls;
use provision_sandbox::{Sandbox, Settings, Speed};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The longest that any script may take, in seconds.
const PATIENCE: &str = "900";

/// How much faster than the real clock that of the clouds is.
const SPEED: f64 = 600.0;

/// A sandbox of which every call of AWS is judged in the end.
struct Heard {
    sandbox: Sandbox,
    _calls: Calls,
}

/// Starts a sandbox; its world is in memory unless a file is told.
fn started(world: Option<PathBuf>) -> Heard {
    let credential = format!("{KEY}:{KEY}").parse().expect("it is one");
    let (speed, credentials) = (Speed::Times(SPEED), vec![credential]);
    let calls = Calls::new();
    let (recording, lags) = (Some(calls.path().to_owned()), false);
    let begins = format!("{DAY}T00:00:00Z").parse::<Timestamp>().ok().map(Into::into);
    let settings =
        Settings { begins, world, speed, credentials, recording, lags, ..Settings::default() };
    Heard { sandbox: Sandbox::start(settings).expect("it starts"), _calls: calls }
}

/// Runs one of the Python files beside this one on some sandboxes, and returns what it found.
fn judged(file: &str, sandboxes: &[Heard], folder: &Path) -> Value {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes");
    let output = judge::python(PATIENCE)
        .arg(here.join(file))
        .args(sandboxes.iter().map(|heard| heard.sandbox.aws()))
        .arg(folder)
        .env_remove("KUBECONFIG")
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let [told, errors] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    assert!(output.status.success(), "{file}: {told}{errors}");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// Requires that a file finds nothing wrong, and looks at so much at least.
fn flawless(file: &str, least: u64) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let found = judged(file, &[started(None)], folder.path());
    assert_eq!(found["wrong"], json!([]), "{found:#}");
    assert!(found["count"].as_u64() > Some(least), "{found:#}");
}

#[test]
fn kubectl_finds_nothing_wrong() {
    flawless("with_kubectl.py", 45);
}

#[test]
fn what_runs_within_a_cluster_runs_as_on_aws() {
    flawless("with_nodes.py", 55);
}

#[test]
fn an_autoscaler_acts_only_with_all_that_it_needs() {
    flawless("with_autoscaler.py", 11);
}

#[test]
fn the_python_client_finds_nothing_wrong() {
    flawless("with_client.py", 25);
}

#[test]
fn two_sandboxes_answer_for_one_cluster() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let world = folder.path().join("acme.sandbox.json");
    let both = [started(Some(world.clone())), started(Some(world))];
    let found = judged("with_two.py", &both, folder.path());
    assert_eq!(found["wrong"], json!([]), "{found:#}");
    assert!(found["count"].as_u64() > Some(6), "{found:#}");
}
