//! Every call of a cluster's whole life, and every reply, judged by botocore's models; and what we
//! made, as boto3 and the AWS CLI read it.
use crate::cloud::environment;
use crate::folder::{FILE, Folder};
use crate::recorder::Recorder;
use crate::served::Served;
use crate::server::python;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Runs a Python file against a server, and returns the JSON that it prints.
pub(crate) fn script(file: &str, url: &str, arguments: &[&Path]) -> Value {
    let folders = ["crates/sandbox/tests/judge", "tests/aws"].map(root);
    let output = environment(&mut Command::new(python()))
        .arg(root(file))
        .args(arguments)
        .env("PYTHONPATH", std::env::join_paths(folders).expect("no path has a colon"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("AWS_ENDPOINT_URL", url)
        .output()
        .expect("python runs");
    assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

#[test]
fn a_whole_life_is_valid_and_others_read_what_was_made() {
    let served = Served::start();
    let recorder = Recorder::start(&served.url);
    let file = format!("{FILE}kubernetes: {{ secretsKey: own }}\neks: {{ irsa: true }}\n");
    let folder = Folder::at(&recorder.url, &file);
    folder.ok(&["apply", "--auto-approve"]);

    let read = script("tests/sandbox/read_back.py", &recorder.url, &[]);
    let pool = |machines: &[&str], capacity: &str, max: u32, label: &str| {
        json!({ "machines": machines, "capacity": capacity, "min": 1, "max": max,
                "labels": { label: "true" } })
    };
    let spot = ["r5d.2xlarge", "r6id.2xlarge", "r5dn.2xlarge", "r5ad.2xlarge"];
    let pools = json!({
        "app": pool(&["t3.2xlarge"], "ON_DEMAND", 3, "appNodes"),
        "driver": pool(&["r5.2xlarge"], "ON_DEMAND", 3, "driverNodes"),
        "executor": pool(&spot, "SPOT", 12, "executorNodes"),
    });
    assert_eq!(read["pools"], pools, "{read:#}");
    let addons = read["addons"].as_object().expect("a map");
    assert_eq!((addons.len(), addons.values().all(|it| it == "ACTIVE")), (6, true), "{read:#}");
    let entries = json!(["role/provision-acme-prod-us-east-1-node", "user/sandbox"]);
    let pods = json!(["kube-system/cluster-autoscaler", "kube-system/ebs-csi-controller-sa"]);
    assert_eq!((&read["entries"], &read["pods"]), (&entries, &pods));
    assert_eq!((&read["cluster"], &read["subnets"]), (&json!("ACTIVE 1.35"), &json!(6)));
    assert_eq!((&read["encrypted"], &read["unmarked"]), (&json!(true), &json!([])));

    let newer = file.replace("secretsKey: own", "secretsKey: own, version: \"1.36\"");
    assert_ne!(newer, file);
    folder.write(&format!("{newer}tags: {{ team: a }}\npools: {{ app: {{ max: 4 }} }}\n"));
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);
    folder.ok(&["destroy", "--auto-approve"]);

    let recording = folder.path("calls");
    std::fs::write(&recording, recorder.lines()).expect("it can be written");
    let sources = root("crates/sandbox/src/aws");
    let verdict = "crates/sandbox/tests/judge/verdict.py";
    let verdict = script(verdict, &recorder.url, &[&sources, &recording]);
    assert_eq!(verdict["findings"], json!([]), "{verdict:#}");
    assert!(verdict["judged"].as_u64() > Some(300), "{verdict:#}");
}
