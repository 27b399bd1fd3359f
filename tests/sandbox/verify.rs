//! Whether a cluster is what the platform needs, whoever made it and whoever looks.
use crate::folder::{FILE, Folder, Ran};
use crate::kubectl::Kubectl;
use crate::rehearsal::Rehearsal;
use crate::served::Served;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

mod breaks;
mod old;
mod probes;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const TOKEN: &str = "secrets: { registryToken: { env: REGISTRY_TOKEN } }\n";
/// How often it is looked until what was done has taken hold: on an instant clock it is requests
/// that let time pass.
const LOOKS: usize = 20;

const INGRESS_DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";

fn ingress_class(name: &str, is_default: bool) -> Value {
    json!({ "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": { "name": name, "annotations": { INGRESS_DEFAULT: is_default.to_string() } },
        "spec": { "controller": "k8s.io/ingress-nginx" } })
}

/// Returns what `verify` says, and checks that it ends as what it says.
fn checks(folder: &Folder, more: &[&str]) -> Vec<Value> {
    let Ran { code, stdout, stderr } = folder.run(&[&["verify", "--json"], more].concat());
    let document: Value = serde_json::from_str(&stdout).expect(&stderr);
    assert_eq!(document["format"], "provision.verify/v1");
    let checks = document["checks"].as_array().expect("a list").clone();
    let fails = checks.iter().any(|check| check["status"] == "fail");
    assert_eq!(code, Some(if fails { 3 } else { 0 }), "{stderr}");
    checks
}

fn with<'a>(checks: &'a [Value], status: &str) -> Vec<&'a str> {
    let all = checks.iter().filter(|check| check["status"] == status);
    all.map(|check| check["id"].as_str().expect("an id")).collect()
}

/// Looks until these checks fail, and no other, and returns what was found.
fn until(folder: &Folder, failing: &[&str], why: &str) -> Vec<Value> {
    let mut last = Vec::new();
    for _ in 0..LOOKS {
        last = checks(folder, &[]);
        if with(&last, "fail") == failing {
            return last;
        }
    }
    last.retain(|check| check["status"] == "fail");
    panic!("{why}: {failing:?} and no other was to fail: {last:#?}");
}

/// A cluster with everything that the platform needs.
fn good(served: &Served) -> (Folder, Kubectl) {
    let mut folder = Folder::on(served, &format!("{FILE}{TOKEN}"));
    folder.set("REGISTRY_TOKEN", "one-token");
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(served);
    until(&folder, &[], "a cluster of a file");
    kubectl.create(&ingress_class("nginx", false));
    until(&folder, &[], "with everything");
    (folder, kubectl)
}

#[test]
fn whoever_may_see_little_is_told_so_and_nothing_fails() {
    let served = Served::start();
    let (folder, kubectl) = good(&served);
    kubectl.ok(&["create", "serviceaccount", "viewer"]);
    let account = "--serviceaccount=default:viewer";
    kubectl.ok(&["create", "clusterrolebinding", "viewer", "--clusterrole=view", account]);
    let token = kubectl.ok(&["create", "token", "viewer"]);
    let text = kubectl.ok(&["config", "view", "--raw", "-o", "json"]);
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    config["users"][0]["user"] = json!({ "token": token.trim() });
    fs::write(folder.path("viewer"), config.to_string()).expect("it can be written");
    let seen = checks(&folder, &["--kubeconfig", "viewer"]);
    assert_eq!(with(&seen, "fail"), [""; 0], "{seen:#?}");
    let skipped: Vec<_> = seen.iter().filter(|check| check["status"] == "skip").collect();
    let ids = with(&seen, "skip");
    for id in ["nodes.label.appNodes", "storage.default", "registry.secret", "metrics.api", "rbac"]
    {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
    for check in skipped {
        let why = check["found"].as_str().expect("a reason");
        assert!(why.contains("viewer\" cannot "), "{check}");
    }
    assert!(with(&seen, "pass").contains(&"namespace.labels"), "{seen:#?}");

    config["users"][0]["user"] = json!({ "token": "wrong" });
    fs::write(folder.path("viewer"), config.to_string()).expect("it can be written");
    let ran = folder.run(&["verify", "--kubeconfig", "viewer"]);
    assert_eq!(ran.code, Some(77), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("does not know the caller"), "{}", ran.stderr);
}

#[test]
fn any_cluster_can_be_looked_at_by_a_kubeconfig() {
    let served = Served::start();
    let (folder, kubectl) = good(&served);
    let text = kubectl.ok(&["config", "view", "--raw", "-o", "json"]);
    fs::write(folder.path("config"), text).expect("it can be written");
    let by = |more: &[&str]| checks(&folder, &[&["--kubeconfig", "config"], more].concat());
    assert_eq!(with(&by(&[]), "fail"), [""; 0]);
    folder.ok(&["kubeconfig", "--out", "own"]);
    let program = Path::new(env!("CARGO_BIN_EXE_provision")).parent().expect("it is in a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").expect("there is one"));
    let mut command = folder.command(&["verify", "--kubeconfig", "own"]);
    let ran = Ran::from(command.env("PATH", path).output().expect("it runs"));
    assert_eq!(ran.code, Some(0), "by an exec plugin: {}{}", ran.stdout, ran.stderr);
    let label = ["--profile", "none", "--label", "appNodes=true", "--label", "tier=one"];
    assert_eq!(with(&by(&label), "fail"), ["nodes.label.tier=one"]);
    let ran = folder.run(&[&["verify", "--kubeconfig", "config"], &label[..]].concat());
    for line in ["FAIL  nodes.label.tier=one", "hint:   ", "1 failed"] {
        assert!(ran.code == Some(3) && ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }

    kubectl.ok(&["taint", "nodes", "-l", "executorNodes=true", "spot=true:NoSchedule"]);
    assert_eq!(with(&by(&[]), "fail"), ["nodes.taints"]);
    assert_eq!(with(&by(&["--tolerate", "spot=true:NoSchedule"]), "fail"), [""; 0]);

    let ended = |arguments: &[&str]| {
        let ran = folder.run(&[&["verify"], arguments].concat());
        (ran.code, ran.stderr)
    };
    let (code, told) = ended(&["--kubeconfig", "config", "--context", "other"]);
    assert!(code == Some(65) && told.contains("context other"), "{code:?} {told}");
    let (code, told) = ended(&["--kubeconfig", "nowhere"]);
    assert!(code == Some(65) && told.contains("nowhere"), "{code:?} {told}");
    assert_eq!(ended(&["--label", "a=b"]).0, Some(64));
    assert_eq!(ended(&["--kubeconfig", "config", "--profile", "other"]).0, Some(64));
    let (code, told) = ended(&["--kubeconfig", "config", "--tolerate", "spot"]);
    assert!(code == Some(64) && told.contains("KEY=VALUE:EFFECT"), "{code:?} {told}");
}

#[test]
fn the_embedded_cluster_is_looked_at_too() {
    let folder = Rehearsal::of(FILE);
    let ran = folder.run(&["verify"]);
    assert_eq!(ran.code, Some(65), "{}{}", ran.stdout, ran.stderr);
    folder.ok(&APPLY);
    until(&folder, &[], "embedded");
    let told = folder.ok(&["verify"]);
    for line in ["DaemonSet kube-system/aws-node", "0 failed, 2 skipped."] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
}
