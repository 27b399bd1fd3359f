//! From nothing to a cluster, through changes, and back to nothing.
use crate::provision::{FILE, Folder};
use crate::server::Moto;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn a_cluster_is_made_changed_and_destroyed() {
    let moto = Moto::start();
    let before = moto.inventory();
    let folder = Folder::new(&moto, FILE);
    folder.ok(&["validate"]);
    assert_eq!(folder.run(&["plan", "--detailed-exitcode"]).code, Some(2));
    assert_eq!(moto.inventory(), before, "a plan changes nothing");
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.run(&["plan", "--detailed-exitcode"]).code, Some(0));
    the_node_groups_are_those_of_the_table(&moto);

    let changed = format!(
        "{FILE}pools:\n  app: {{}}\n  driver: {{ max: 5 }}\n  executor: \
         {{ labels: {{ executorNodes: \"true\", tier: batch }} }}\n"
    );
    folder.write(&changed);
    let pools = pool_addresses(&folder);
    assert_eq!(
        folder.plan(),
        [format!("update {}", pools["driver"]), format!("update {}", pools["executor"])]
    );
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);

    folder.write(&changed.replace("app: {}", "app: { machine: m5.2xlarge }"));
    a_new_pool_is_up_before_the_old_one_goes(&folder, &pools["app"]);
    assert_eq!(folder.plan(), [""; 0]);

    folder.ok(&["destroy", "--auto-approve"]);
    assert_eq!(moto.inventory(), before);
    assert_eq!(folder.ok(&["state", "list"]), "");
}

#[test]
fn every_option_of_the_file_has_its_life_cycle() {
    let moto = Moto::start();
    let before = moto.inventory();
    let file = "\
name: acme-dev
provider: eks
region: eu-west-1
profile: none
kubernetes: { secretsKey: own, api: { public: true, allow: [203.0.113.0/24] } }
network: { cidr: 10.20.0.0/16, zones: 2, nat: per-zone }
pools:
  app: { machine: m5.large, max: 2, diskGb: 50, labels: { team: data } }
  fast: { machine: [r5d.xlarge, r6id.xlarge], capacity: spot, max: 4,
          taints: [{ key: fast, value: \"true\", effect: NoSchedule }] }
tags: { team: platform }
eks: { irsa: true, addons: [], access: [], podIdentity: false }
";
    let folder = Folder::new(&moto, file);
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);

    folder.write(&file.replace("nat: per-zone", "nat: single"));
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);

    let state = folder.path("acme-dev.state.jsonl");
    std::fs::remove_file(folder.path("provision.yaml")).expect("it is there");
    folder.ok(&["destroy", "--auto-approve", "--state", state.to_str().expect("it is text")]);
    let region = moto.python("inventory.py", &["eu-west-1"]);
    assert_eq!(region, json!([]));
    assert_eq!(moto.inventory(), before);
}

fn pool_addresses(folder: &Folder<'_>) -> std::collections::BTreeMap<String, String> {
    let addresses = folder.ok(&["state", "list"]);
    let pools = addresses.lines().filter(|address| address.starts_with("pool/"));
    let name = |address: &str| address.split('/').nth(1).expect("a pool has a name").to_owned();
    pools.map(|address| (name(address), address.to_owned())).collect()
}

/// Compares what boto3 reads back with the table of the profile.
fn the_node_groups_are_those_of_the_table(moto: &Moto) {
    let groups = moto.python("node_groups.py", &["acme-prod"]);
    let mut found: Vec<_> = groups.as_array().expect("a list").iter().map(shape).collect();
    found.sort();
    let expected = [
        shape_of("appNodes", "ON_DEMAND", &["t3.2xlarge"], 3),
        shape_of("driverNodes", "ON_DEMAND", &["r5.2xlarge"], 3),
        shape_of(
            "executorNodes",
            "SPOT",
            &["r5ad.2xlarge", "r5d.2xlarge", "r5dn.2xlarge", "r6id.2xlarge"],
            12,
        ),
    ];
    assert_eq!(found, expected);
}

fn shape(group: &Value) -> String {
    let types = group["instanceTypes"].as_array().expect("a list");
    let types: BTreeSet<_> = types.iter().map(|t| t.as_str().expect("text")).collect();
    let scaling = &group["scalingConfig"];
    assert_eq!(group["subnets"].as_array().map(Vec::len), Some(3), "one subnet a zone");
    format!(
        "{} {} {types:?} {}..{}",
        group["labels"], group["capacityType"], scaling["minSize"], scaling["maxSize"]
    )
}

fn shape_of(label: &str, capacity: &str, types: &[&str], max: u32) -> String {
    let types: BTreeSet<_> = types.iter().collect();
    format!("{{\"{label}\":\"true\"}} \"{capacity}\" {types:?} 1..{max}")
}

/// Applies, and follows what the run tells about the pool in the slot of `old`.
fn a_new_pool_is_up_before_the_old_one_goes(folder: &Folder<'_>, old: &str) {
    let events = folder.ok(&["apply", "--auto-approve", "--json"]);
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    let place = |kind: &str, is_it: &dyn Fn(&str) -> bool| {
        let told = |e: &Value| e["type"] == kind && is_it(e["address"].as_str().unwrap_or(""));
        events.iter().position(told).unwrap_or_else(|| panic!("no {kind}: {events:#?}"))
    };
    let up = place("settled", &|address| address.starts_with("pool/app/") && address != old);
    let goes = place("started", &|address| address == old);
    place("removed", &|address| address == old);
    assert!(up < goes, "the new pool is up at {up}, the old one goes at {goes}");
    for (position, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], json!(position + 1), "numbers have no gaps");
    }
}
