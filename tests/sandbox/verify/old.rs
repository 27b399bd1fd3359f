//! Clusters of versions that are over, and one that is too small.
use super::{APPLY, checks, with};
use crate::folder::{FILE, Folder};
use crate::kubectl::Kubectl;
use crate::served::Served;
use serde_json::{Value, json};
use std::fs;

/// The first of March 2026, in milliseconds since 1970, when EKS supported 1.29 and 1.30.
const THEN: u64 = 1_772_323_200_000;

/// A day after the end of 1.30, and before that of 1.34.
const LATER: u64 = 1_795_219_200_000;

/// A cluster of version 1.30, made when that was supported, on a day when it is so no more and AWS
/// has not come to upgrade it yet.
fn old() -> Folder {
    let folder = Folder::embedded(&format!("{FILE}kubernetes: {{ version: \"1.30\" }}\n"));
    let world = json!({ "format": "provision.sandbox/v1", "seed": 1, "serial": 0, "now": THEN,
                        "drawn": 0, "objects": [] });
    fs::write(folder.path("acme-prod.sandbox.json"), world.to_string()).expect("it is written");
    folder.ok(&APPLY);
    let place = folder.path("acme-prod.sandbox.json");
    let text = fs::read(&place).expect("there is a world");
    let mut world: Value = serde_json::from_slice(&text).expect("a world is JSON");
    world["now"] = LATER.into();
    let objects = world["objects"].as_array_mut().expect("it has objects");
    let cluster =
        objects.iter_mut().find(|it| it[0]["kind"] == "eks.cluster").expect("it is there");
    cluster[1]["turns"] = json!([]);
    fs::write(&place, world.to_string()).expect("it is written");
    folder
}

#[test]
fn a_version_that_nobody_supports_any_longer_fails_for_that_alone() {
    let folder = old();
    let seen = checks(&folder, &[]);
    assert_eq!(with(&seen, "fail"), ["kubernetes.support"], "{seen:#?}");
    let told = folder.run(&["verify"]).stdout;
    assert!(told.contains("1.30, by EKS until 2026-07-23"), "{told}");

    // A year earlier somebody made the same cluster of the version before, which no file asks for.
    let place = folder.path("acme-prod.sandbox.json");
    let mut world = fs::read_to_string(&place).expect("there is a world");
    for (now, then) in [("\"1.30\"", "\"1.29\""), ("v1.30.14-eks-", "v1.29.15-eks-")] {
        assert!(world.contains(now), "{now}");
        world = world.replace(now, then);
    }
    fs::write(&place, world).expect("it is written");
    let seen = checks(&folder, &[]);
    assert_eq!(with(&seen, "fail"), ["kubernetes.version"], "{seen:#?}");
    let told = folder.run(&["verify"]).stdout;
    for line in ["v1.29.15-eks-", "wanted: 1.30 or later", "1.29 is too old in any case"] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
}

#[test]
fn a_cluster_with_too_little_in_total_fails_for_that_alone() {
    let served = Served::start();
    let folder = Folder::on(&served, &format!("{FILE}pools: {{ app: {{}}, spark: {{}} }}\n"));
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(&served);
    fs::write(folder.path("config"), kubectl.ok(&["config", "view", "--raw"])).expect("written");
    let labels = ["--label", "appNodes=true", "--label", "sparkNodes=true"];
    kubectl.ok(&[
        "create",
        "secret",
        "docker-registry",
        "regcred",
        "-n",
        "qualytics",
        "--docker-username=qualyticsai",
        "--docker-password=one-token",
    ]);
    let seen = checks(&folder, &[&["--kubeconfig", "config"], &labels[..]].concat());
    assert_eq!(with(&seen, "fail"), ["nodes.allocatable"], "{seen:#?}");
    let check = seen.iter().find(|check| check["id"] == "nodes.allocatable").expect("it is there");
    assert_eq!(check["found"], "15.8 cores and 97 GB");
    assert_eq!(check["wanted"], "16 cores and 80 GB");
    assert_eq!(with(&checks(&folder, &[]), "fail"), [""; 0], "with what its pools may have");
}
