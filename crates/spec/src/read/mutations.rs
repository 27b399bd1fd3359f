//! One mistake at a time, and files made to hurt.

use std::time::{Duration, Instant};

use super::tests::{SHORT, problems};
use super::*;
use crate::tree::Entry;

/// Every field of the file that this version supports, one per line where that is possible.
const EVERY: &str = "\
name: acme-prod
provider: eks
region: us-east-1
profile: qualytics
kubernetes:
  version: 1.35
  api:
    public: true
    allow: [203.0.113.0/24]
  secretsKey: managed
network:
  cidr: 10.0.0.0/16
  zones: [us-east-1a, us-east-1b]
  nat: single
pools:
  app:
    machine: t3.2xlarge
    capacity: on-demand
    min: 1
    max: 3
    labels: { appNodes: true }
    taints:
      - key: dedicated
        value: app
        effect: NoSchedule
    diskGb: 100
    zones: [us-east-1a]
storageClasses: []
tags: { team: platform }
protect: false
inCluster: true
manifests: []
support:
  access: admin
  expires: 30d
eks:
  account: \"123456789012\"
";

#[test]
fn a_secret_is_never_shown() {
    for more in [
        "secrets: hunter2",
        "secrets: { registryToken: hunter2 }",
        "secrets: { hunter2: x }",
        "secrets: { hunter2 }",
        "secrets: { hunter2, hunter2 }",
        "secrets: [hunter2]",
        "secrets:\n  registryToken:\n    hunter2\n",
        "secrets:\n  registryToken: |\n    hunter2\n",
        "secrets: { registryToken: [hunter2] }",
        "secrets: { registryToken: { env: hunter2-x } }",
        "secrets: { registryToken: { value: hunter2 } }",
        "secrets: { registryToken: { env: { a: hunter2 } } }",
        "secrets:\n  registryToken: \"hunter2\n",
        "secrets:\n  registryToken: hunter2: x\n",
        "secrets: { registryToken: *hunter2 }",
        "secrets: { registryToken: &hunter2 x }",
        "secrets: { registryToken: !hunter2 x }",
        "registryToken: hunter2",
        "secrets: { registry-token: hunter2 }",
    ] {
        let problems = problems(&format!("{SHORT}{more}"));
        let shown =
            format!("{problems} {problems:?} {}", serde_json::to_string(&problems).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn hostile_files_are_refused_quickly() {
    let many_pools: String = (0..30_000).map(|n| format!("  p{n}: {{ mix: 1 }}\n")).collect();
    let started = Instant::now();
    for text in [
        "x".repeat(10 << 20),
        format!("{SHORT}pools:\n{many_pools}"),
        format!("{SHORT}pools: {{ {} }}", "a".repeat(900_000)),
        format!("{SHORT}tags: {{ {} }}", "a: b, ".repeat(40_000)),
        format!("{SHORT}network: {{ zones: [{}] }}", "us-east-1a, ".repeat(40_000)),
        format!("{SHORT}secrets:\n{}", "  hunter2: x\n".repeat(20_000)),
        format!("{SHORT}network: {}{}", "[".repeat(20_000), "]".repeat(20_000)),
        "\0".to_owned(),
    ] {
        assert!(problems(&text).to_string().len() < 200_000);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn every_field_notices_a_mistake_at_its_line() {
    assert!(read("a.yaml", EVERY.as_bytes()).is_ok(), "{}", problems(EVERY));
    let lines: Vec<&str> = EVERY.lines().collect();
    let mut tried = 0;
    for (index, line) in lines.iter().enumerate() {
        let Some((key, value)) = line.split_once(':') else { continue };
        if line.contains("account") {
            continue;
        }
        let free = key.starts_with("  app");
        let deep = value.trim().is_empty();
        let misspelt = format!("{key}xyz:{value}");
        let wrong = if deep { None } else { Some(format!("{key}: [{{ a: b }}]")) };
        let nothing = if deep { None } else { Some(format!("{key}:")) };
        let mutations = [(!free).then_some(misspelt), wrong, nothing];
        for mutation in mutations.into_iter().flatten() {
            let mut lines = lines.clone();
            lines[index] = &mutation;
            assert_problem_at(&lines, index + 1);
            tried += 1;
        }
        if !deep && !key.contains('-') {
            let mut lines = lines.clone();
            lines.insert(index, line);
            assert_problem_at(&lines, index + 2);
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried}");
}

fn assert_problem_at(lines: &[&str], line: usize) {
    let text = lines.join("\n");
    let problems = problems(&text);
    assert!(problems.iter().any(|problem| problem.line == line), "line {line}\n{problems}");
}

#[test]
fn every_top_field_is_read() {
    let key = |name: &&str| Entry {
        key: (*name).to_owned(),
        span: crate::Span::START,
        value: Node::made(Value::Map(Vec::new())),
    };
    let text = crate::print::yaml(&Node::made(Value::Map(FIELDS.iter().map(key).collect())));
    let problems = problems(&text);
    for (line, name) in (1..).zip(FIELDS) {
        let harmless = ["kubernetes", "network", "pools", "tags", "secrets", "support"];
        let section = ["eks", "gke", "aks", "oke"];
        let found = problems.iter().any(|problem| problem.line == line);
        assert!(found || harmless.contains(&name) || section.contains(&name), "{name}\n{problems}");
    }
}
