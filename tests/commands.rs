//! The program without any cloud: what it prints, and how it exits.
#[path = "commands/fields.rs"]
mod fields;
#[path = "common/page.rs"]
mod page;
#[path = "commands/reference.rs"]
mod reference;
#[path = "commands/schema.rs"]
mod schema;

use provision_core::{Entry, Facts, Scope, World};
use provision_engine::{FileStore, Header, Journal, STATE_FORMAT};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

fn folder(file: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("provision.yaml"), file).expect("it can be written");
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    run_with(&[], folder, arguments)
}

fn run_with(set: &[(&str, &str)], folder: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provision"));
    let output: Output = command
        .args(arguments)
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .envs(set.iter().copied())
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
    let (code, _, stderr) = run(&folder(GOOD), &["plan", "--state", "s3://bucket/key"]);
    assert_eq!(code, 64, "{stderr}");
    assert!(stderr.contains("not a local file is not supported yet"), "{stderr}");
    let (code, _, stderr) = run(&folder(&GOOD.replace("eks", "gke")), &["validate"]);
    assert_eq!((code, stderr.matches("not supported yet").count()), (65, 1), "{stderr}");
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
fn a_filter_of_log_lines_is_read_before_anything_is_done() {
    let validate = |filter| run_with(&[("PROVISION_LOG", filter)], &folder(GOOD), &["validate"]);
    for nothing in ["", " "] {
        assert_eq!(validate(nothing), run(&folder(GOOD), &["validate"]));
    }
    let (code, stdout, stderr) = validate("provision=loud");
    assert_eq!((code, stdout.as_str()), (64, ""));
    assert!(stderr.starts_with("error: PROVISION_LOG is `provision=loud`"), "{stderr}");
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

fn files(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("the folder can be read");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.map(|entry| name(entry.expect("an entry"))).collect();
    names.sort();
    names
}

const INIT: [&str; 7] =
    ["init", "--provider", "eks", "--name", "acme-prod", "--region", "us-east-1"];

#[test]
fn init_writes_a_file_that_is_valid_with_everything_that_is_commented_out() {
    for profile in ["qualytics", "none"] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let arguments = [&INIT[..], &["--profile", profile]].concat();
        let (code, stdout, stderr) = run(&folder, &arguments);
        assert_eq!((code, stderr.as_str()), (0, ""));
        assert_eq!(files(&folder), ["provision.schema.json", "provision.yaml"]);
        let read = |name| fs::read_to_string(folder.path().join(name)).expect("it is there");
        let (file, schema) = (read("provision.yaml"), read("provision.schema.json"));
        insta::assert_snapshot!(format!("init_{profile}"), format!("{stdout}---\n{file}"));
        assert_eq!(schema, run(&folder, &["schema"]).1);
        assert_eq!(run(&folder, &["validate"]).0, 0);
        let (fields, more) = file.split_once("defaults:\n").expect("a part is commented out");
        let more = more.replace("\n# ", "\n").replacen("# ", "", 1);
        fs::write(folder.path().join("all.yaml"), format!("{fields}defaults:\n{more}"))
            .expect("it can be written");
        let (code, _, stderr) = run(&folder, &["validate", "all.yaml"]);
        assert_eq!(code, 0, "{more}\n{stderr}");
    }
}

#[test]
fn init_never_overwrites() {
    let folder = folder(GOOD);
    let (code, stdout, stderr) = run(&folder, &INIT);
    assert_eq!((code, stdout.as_str()), (1, ""));
    insta::assert_snapshot!(stderr);
    let kept = fs::read_to_string(folder.path().join("provision.yaml")).expect("it is there");
    assert_eq!((kept.as_str(), files(&folder)), (GOOD, vec!["provision.yaml".to_owned()]));
    let schema = folder.path().join("provision.schema.json");
    fs::write(&schema, "{}").expect("it can be written");
    let (code, stdout, _) = run(&folder, &[&INIT[..], &["other.yaml", "--json"]].concat());
    let document: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!((code, &document["format"]), (0, &Value::from("provision.init/v1")));
    assert_eq!(document["next"][1], "provision plan other.yaml");
    assert_eq!(fs::read_to_string(&schema).expect("it is there"), "{}");
}

/// The reader's own words, and nothing written.
#[test]
fn init_refuses_what_the_reader_would() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (provider, name, region, words) in [
        ("eks", "Acme", "us-east-1", "name must be lowercase words joined by `-`, at most 20"),
        ("eks", "a\nprovider: gke", "us-east-1", "name must be lowercase words joined by `-`"),
        ("eks", "acme", "us-east-1a", "hint: that is a zone; write `us-east-1`"),
        ("gke", "acme", "europe-west1", "gke is not supported yet"),
        ("aks", "acme", "eastus", "aks is not supported yet"),
        ("oke", "acme", "us-ashburn-1", "oke is not supported yet"),
        ("ecs", "acme", "us-east-1", "hint: did you mean `eks`?"),
    ] {
        let arguments = ["init", "--provider", provider, "--name", name, "--region", region];
        let (code, stdout, stderr) = run(&folder, &arguments);
        assert_eq!((code, stdout.as_str()), (65, ""), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
        assert!(files(&folder).is_empty());
    }
    let file = "name: Acme\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n";
    let (_, _, of_file) = run(&self::folder(file), &["validate"]);
    let arguments = ["init", "--provider", "eks", "--name", "Acme", "--region", "us-east-1"];
    let (_, _, of_arguments) = run(&folder, &arguments);
    let problem = |text: &str| text.split_once(": ").map(|(_, problem)| problem.to_owned());
    let first = |text: String| text.lines().next().and_then(problem);
    assert_eq!(first(of_arguments), first(of_file));
}

#[test]
fn a_graph_without_facts_names_the_one_that_is_missing() {
    let (code, stdout, stderr) = run(&folder(GOOD), &["graph"]);
    assert_eq!((code, stdout.as_str()), (65, ""));
    insta::assert_snapshot!(stderr);
}

#[test]
fn a_graph_is_drawn_from_recorded_facts() {
    let folder = folder(GOOD);
    record_facts(&folder.path().join("acme-prod.state.jsonl"));
    let (code, dot, stderr) = run(&folder, &["graph"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(run(&folder, &["graph"]).1, dot);
    for line in [
        "  subgraph \"cluster Network\" {",
        "    \"vpc\" [label=\"vpc\\naws.ec2.vpc\"];",
        "    subgraph \"cluster slot pool/app\" {",
        "  \"internet-gateway\" -> \"vpc\";",
        "  \"cluster\" -> \"log-group\" [style=dashed];",
    ] {
        assert!(dot.lines().any(|l| l == line), "{line} is not in\n{dot}");
    }
    assert!(!dot.contains("cluster Other"), "a kind has no part\n{dot}");
    assert_eq!(dot.matches('{').count(), dot.matches('}').count());
}

#[test]
fn a_plan_tells_that_protection_begins_or_ends() {
    let told = |file: &str, recorded: &[bool]| {
        let folder = folder(file);
        let more = recorded.iter().map(|it| ("protect", Value::from(*it)));
        record(&folder.path().join("acme-prod.state.jsonl"), more);
        let (_, stdout, stderr) = run(&folder, &["plan", "--offline", "--json"]);
        let plan: Value = serde_json::from_str(&stdout).expect(&stderr);
        plan["newFacts"]["protect"].clone()
    };
    let protected = format!("{GOOD}protect: true\n");
    assert_eq!(told(&protected, &[]), true);
    assert_eq!(told(&protected, &[false]), true);
    assert_eq!(told(&protected, &[true]), Value::Null);
    assert_eq!(told(GOOD, &[true]), false);
    assert_eq!(told(GOOD, &[]), Value::Null);
}

/// Writes a state that holds nothing but the facts of the goldens.
fn record_facts(path: &Path) {
    record(path, std::iter::empty());
}

/// Writes a state that holds nothing but the facts of the goldens and some more.
fn record(path: &Path, more: impl Iterator<Item = (&'static str, Value)>) {
    let facts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/eks-facts.json");
    let facts = fs::read(facts).expect("fixture facts");
    let facts: Facts = serde_json::from_slice(&facts).expect("facts are JSON");
    let place = [("region".to_owned(), "us-east-1".to_owned())].into();
    let header = Header {
        format: STATE_FORMAT.to_owned(),
        cluster: "acme-prod".to_owned(),
        provider: "eks".to_owned(),
        scope: Scope { world: World::Vendor, place },
        lineage: "0123456789abcdef0123".to_owned(),
    };
    let store = FileStore::open(path, 0).expect("a state can be written");
    let journal = Journal::begin(Box::new(store), header).expect("a state can be begun");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let more = more.map(|(key, value)| (key.to_owned(), value));
    for (key, value) in facts.recorded.into_iter().chain(more) {
        let fact = Entry::Fact { key, value };
        runtime.block_on(journal.record(&fact)).expect("a fact can be recorded");
    }
}

#[test]
fn wrong_usage_is_an_object_where_json_is_asked_for() {
    let folder = folder(GOOD);
    for ask in [&["--json"][..], &["--log-format", "json"], &["--log-format=json"]] {
        let (code, stdout, stderr) = run(&folder, &[&["plan", "--no-such-flag"], ask].concat());
        assert_eq!((code, stdout.as_str()), (64, ""));
        let error: Value = serde_json::from_str(&stderr).expect("one JSON document");
        assert_eq!((&error["code"], &error["exit"]), (&"usage".into(), &64.into()));
        assert_eq!(error["error"], "unexpected argument '--no-such-flag' found");
    }
}

#[test]
fn every_shell_has_completions() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, script, stderr) = run(&folder, &["completions", shell]);
        assert_eq!((code, stderr.as_str()), (0, ""));
        for word in ["provision", "completions", "detailed-exitcode", "auto-approve"] {
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
    }
    let (code, _, stderr) = run(&folder, &["completions", "tcsh"]);
    assert_eq!(code, 64);
    assert!(stderr.contains("[possible values: bash, elvish, fish, powershell, zsh]"), "{stderr}");
}

#[test]
fn the_manual_has_every_command_once() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (code, page, stderr) = run(&folder, &["man"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    for once in [".TH provision 1", "\\-\\-parallelism", "\\-\\-offline", ".ie "] {
        assert_eq!(page.lines().filter(|line| line.contains(once)).count(), 1, "{once}");
    }
    let (_, environment) = page.split_once(".SH ENVIRONMENT").expect("it is told");
    for variable in
        ["HTTPS_PROXY, else ALL_PROXY", "PROVISION_ENDPOINT_<EKS|", "The vendor\\*(Aqs own"]
    {
        assert!(environment.contains(variable), "{variable} is not in {environment}");
    }
    let headings = page.lines().filter(|line| line.starts_with(".S"));
    insta::assert_snapshot!(headings.collect::<Vec<_>>().join("\n"));
}
