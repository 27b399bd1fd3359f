//! The program without any cloud: what it prints, and how it exits.
use serde_json::Value;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

fn folder(file: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("provision.yaml"), file).expect("it can be written");
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provision"));
    let output: Output = command
        .args(arguments)
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .output()
        .expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("output is text");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

const GOOD: &str = "name: acme-prod\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n";

#[test]
fn a_good_file_is_valid() {
    let (code, stdout, stderr) = run(&folder(GOOD), &["validate"]);
    let line = "provision.yaml is valid: cluster acme-prod on eks in us-east-1, 3 pools\n";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, line, ""));
}

#[test]
fn every_problem_of_a_file_is_shown_at_once() {
    let file = "name: Acme\nprovider: eks\nregon: us-east-1\nprofile: qualytics\n\
                pools: { app: { min: 5, max: 2 } }\neks: { acount: \"1\" }\n";
    let (code, stdout, stderr) = run(&folder(file), &["validate"]);
    assert_eq!((code, stdout.as_str()), (65, ""));
    insta::assert_snapshot!(stderr);
    let (code, stdout, stderr) = run(&folder(file), &["validate", "--json"]);
    assert_eq!((code, stdout.as_str()), (65, ""));
    let error: Value = serde_json::from_str(&stderr).expect("an error is one JSON object");
    assert_eq!(error["format"], "provision.error/v1");
    assert_eq!(error["exit"], 65);
    assert!(error["problems"].as_array().is_some_and(|problems| problems.len() >= 4), "{error}");
}

#[test]
fn what_is_not_built_yet_is_refused_by_name() {
    for (arguments, words, exit) in [
        (&["plan", "--sandbox"][..], "--sandbox is not supported yet", 64),
        (&["plan", "--state", "s3://bucket/key"], "not a local file is not supported yet", 64),
        (&["destroy", "--auto-approve", "--delete-volumes"], "--delete-volumes is not", 64),
    ] {
        let (code, _, stderr) = run(&folder(GOOD), arguments);
        assert_eq!(code, exit, "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    }
    let file = format!("{GOOD}inCluster: true\nmanifests: [a.yaml]\n");
    let (code, _, stderr) = run(&folder(&file), &["validate"]);
    assert_eq!((code, stderr.matches("not supported yet").count()), (65, 2), "{stderr}");
}

#[test]
fn wrong_usage_is_exit_64_and_nobody_to_ask_is_too() {
    let (code, _, _) = run(&folder(GOOD), &["paln"]);
    assert_eq!(code, 64);
    for command in ["apply", "destroy"] {
        let (code, _, stderr) = run(&folder(GOOD), &[command]);
        assert_eq!(code, 64, "{stderr}");
        assert!(stderr.contains("--auto-approve"), "{stderr}");
    }
}

#[test]
fn a_missing_file_says_what_to_do() {
    let (code, _, stderr) = run(&folder(GOOD), &["validate", "other.yaml"]);
    assert_eq!(code, 65);
    insta::assert_snapshot!(stderr);
}

#[test]
fn the_resolved_file_reads_back_as_itself() {
    let folder = folder(GOOD);
    let (code, resolved, _) = run(&folder, &["show", "--resolved"]);
    assert_eq!(code, 0);
    fs::write(folder.path().join("again.yaml"), &resolved).expect("it can be written");
    let (code, again, stderr) = run(&folder, &["show", "again.yaml", "--resolved"]);
    assert_eq!((code, again), (0, resolved), "{stderr}");
}

#[test]
fn a_plan_without_a_cloud_names_the_fact_that_is_missing() {
    let (code, _, stderr) = run(&folder(GOOD), &["plan", "--offline"]);
    assert_eq!(code, 65, "{stderr}");
    assert!(stderr.contains("is not on record"), "{stderr}");
}
