//! The simulated Kubernetes API, judged by what others wrote: kubectl, the one on the PATH, and the
//! Python client of Kubernetes.
#[path = "../../../../tests/common/cloud.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod cloud;
#[path = "../../../../tests/common/server.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod server;

use cloud::{KEY, environment};
use provision_sandbox::{Sandbox, Settings, Speed};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// The longest that any script may take, in seconds.
const PATIENCE: &str = "240";

/// How much faster than the real clock that of the clouds is.
const SPEED: f64 = 600.0;

/// Runs one of the Python files beside this one, and returns what it found.
fn judged(file: &str) -> Value {
    let credential = format!("{KEY}:{KEY}").parse().expect("it is one");
    let (speed, credentials) = (Speed::Times(SPEED), vec![credential]);
    let settings = Settings { speed, credentials, lags: false, ..Settings::default() };
    let sandbox = Sandbox::start(settings).expect("it starts");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes");
    let mut command = Command::new("timeout");
    let output = environment(&mut command)
        .arg(PATIENCE)
        .arg(server::python())
        .arg(here.join(file))
        .arg(sandbox.aws())
        .arg(folder.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("KUBECONFIG")
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let [told, errors] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    assert!(output.status.success(), "{file}: {told}{errors}");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

#[test]
fn kubectl_finds_nothing_wrong() {
    let found = judged("with_kubectl.py");
    assert_eq!(found["wrong"], json!([]), "{found:#}");
    assert!(found["count"].as_u64() > Some(40), "{found:#}");
}

#[test]
fn what_runs_within_a_cluster_runs_as_on_aws() {
    let found = judged("with_nodes.py");
    assert_eq!(found["wrong"], json!([]), "{found:#}");
    assert!(found["count"].as_u64() > Some(40), "{found:#}");
}

#[test]
fn an_autoscaler_acts_only_with_all_that_it_needs() {
    let found = judged("with_autoscaler.py");
    assert_eq!(found["wrong"], json!([]), "{found:#}");
    assert!(found["count"].as_u64() > Some(10), "{found:#}");
}

#[test]
fn the_python_client_finds_nothing_wrong() {
    let found = judged("with_client.py");
    assert_eq!(found["wrong"], json!([]), "{found:#}");
    assert!(found["count"].as_u64() > Some(25), "{found:#}");
}
