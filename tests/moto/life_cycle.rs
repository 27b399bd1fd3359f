//! From nothing to a cluster, through changes, and back to nothing.
use crate::provision::{FILE, Folder, with_key_and_issuer};
use crate::proxy::{Fate, Proxy};
use crate::server::Moto;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What tells which machine types there are in which zone.
const OFFERS: &str = "DescribeInstanceTypeOfferings";

#[test]
fn a_cluster_is_made_changed_and_destroyed() {
    let moto = Moto::start();
    let before = moto.inventory();
    let folder = Folder::on(&moto, FILE);
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
    let labels = json!({ "executorNodes": "true", "tier": "batch" });
    let of_labels = json!({ "executorNodes": "true" });
    assert_eq!(
        changes(&folder),
        [
            (format!("update {}", pools["driver"]), json!([change("max", 3, 5)])),
            (
                format!("update {}", pools["executor"]),
                json!([change("labels", of_labels, labels.clone())])
            ),
        ]
    );
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);
    assert_eq!(group(&moto, "driver")["scalingConfig"]["maxSize"], 5);
    assert_eq!(group(&moto, "executor")["labels"], labels);

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
inCluster: false
eks: { irsa: true, addons: [], access: [], podIdentity: false }
";
    let folder = Folder::on(&moto, file);
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

#[test]
fn destroy_takes_along_what_is_ours_and_not_on_record() {
    let moto = Moto::start();
    let before = moto.inventory();
    let folder = Folder::on(&moto, &with_key_and_issuer());
    folder.ok(&["apply", "--auto-approve"]);
    let state = folder.path("acme-prod.state.jsonl");
    let text = std::fs::read_to_string(&state).expect("a state");
    let header = text.lines().next().expect("a header");
    std::fs::write(&state, format!("{header}\n")).expect("it can be written");
    folder.ok(&["destroy", "--auto-approve"]);
    assert_eq!(moto.inventory(), before);
}

#[test]
fn a_plan_without_changes_asks_little() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, |_| Fate::Pass);
    let mut folder = Folder::on(&moto, FILE);
    folder.set("AWS_ENDPOINT_URL", &proxy.url);
    folder.ok(&["apply", "--auto-approve"]);
    proxy.restart();
    assert_eq!(folder.plan(), [""; 0]);
    let calls = proxy.calls();
    assert!(calls.values().sum::<usize>() <= 35, "{calls:#?}");
    assert!(!calls.contains_key(OFFERS));

    let pools = "pools: { app: { zones: [us-east-1a] }, driver: {}, executor: {} }";
    folder.write(&format!("{FILE}{pools}\n"));
    folder.plan();
    assert!(proxy.calls().contains_key(OFFERS), "a pool that moves is checked");
}

#[test]
fn the_control_plane_may_use_the_key_and_others_may_attach_policies() {
    let moto = Moto::start();
    let before = moto.inventory();
    let folder = Folder::on(&moto, &format!("{FILE}kubernetes: {{ secretsKey: own }}\n"));
    folder.ok(&["apply", "--auto-approve"]);
    let role = moto.python("role.py", &["provision-acme-prod-us-east-1-cluster"]);
    let statement = &role["inline"]["secrets-key"]["Statement"][0];
    let actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants"];
    assert_eq!(statement["Action"], json!(actions));
    assert!(statement["Resource"].as_str().expect("an ARN").contains(":key/"));
    assert!(role["attached"].to_string().contains("ReadOnlyAccess"), "attached by somebody else");
    assert_eq!(folder.plan(), [""; 0]);
    folder.ok(&["destroy", "--auto-approve"]);
    assert_eq!(moto.inventory(), before);
}

#[test]
fn what_a_cluster_cannot_become_is_told_by_the_plan() {
    let moto = Moto::start();
    let folder = Folder::on(&moto, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let refused = |more: &str, words: &str| {
        folder.write(&format!("{FILE}{more}\n"));
        let ran = folder.run(&["plan"]);
        assert_eq!(ran.code, Some(65), "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(words), "{words} is not in {}", ran.stderr);
    };
    let pool = |more: &str| format!("pools: {{ app: {{ {more} }}, driver: {{}}, executor: {{}} }}");
    refused(&pool("machine: g5.2xlarge"), "g5.2xlarge has GPUs");
    folder.write(&format!("{FILE}kubernetes: {{ version: \"1.33\" }}\n"));
    assert_eq!(folder.plan(), [""; 0]);
}

/// Returns the steps of a plan with what each changes.
fn changes(folder: &Folder) -> Vec<(String, Value)> {
    let plan: Value = serde_json::from_str(&folder.ok(&["plan", "--json"])).expect("JSON");
    let steps = plan["steps"].as_array().expect("a plan has steps").iter();
    let word = |step: &Value, field: &str| step[field].as_str().unwrap_or("").to_owned();
    let named = |step: &Value| format!("{} {}", word(step, "action"), word(step, "address"));
    steps.map(|step| (named(step), step["changes"].clone())).collect()
}

fn change(field: &str, from: impl Into<Value>, to: impl Into<Value>) -> Value {
    json!({ "field": field, "from": from.into(), "to": to.into() })
}

/// Returns the node group of a pool, as boto3 sees it.
fn group(moto: &Moto, pool: &str) -> Value {
    let groups = moto.python("node_groups.py", &["acme-prod"]);
    let name = |group: &Value| group["nodegroupName"].as_str().unwrap_or("").to_owned();
    let mut groups = groups.as_array().expect("a list").iter();
    let group = groups.find(|group| name(group).starts_with(&format!("{pool}-")));
    group.expect("the pool has a group").clone()
}

fn pool_addresses(folder: &Folder) -> std::collections::BTreeMap<String, String> {
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
fn a_new_pool_is_up_before_the_old_one_goes(folder: &Folder, old: &str) {
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
