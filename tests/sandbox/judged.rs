//! What we made, as boto3 and the AWS CLI read it; and that the judge of every call finds what is
//! wrong.
use crate::folder::{FILE, Folder};
use crate::judge::{self, python, root};
use crate::served::Served;
use serde_json::{Value, json};
use std::path::Path;

/// The longest that a script may take, in seconds.
const PATIENCE: &str = "1200";

/// Runs a Python file against a server, and returns the JSON that it prints.
pub(crate) fn script(file: &str, url: &str, arguments: &[&Path]) -> Value {
    let mut command = python(PATIENCE);
    let command = command.arg(root(file)).args(arguments).env("AWS_ENDPOINT_URL", url);
    let output = command.output().expect("python runs");
    assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

#[test]
fn others_read_what_was_made() {
    let served = Served::start();
    let file = format!("{FILE}kubernetes: {{ secretsKey: own }}\neks: {{ irsa: true }}\n");
    let folder = Folder::on(&served, &file);
    folder.ok(&["apply", "--auto-approve"]);

    let read = script("tests/sandbox/read_back.py", &served.url, &[]);
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
}

#[test]
fn a_call_that_is_wrong_is_found() {
    let served = Served::start();
    Folder::on(&served, FILE).ok(&["plan"]);
    let calls = served.recorded();
    let of = |operation: &str| {
        let mut all = calls.lines().filter(|call| call.contains(operation));
        all.next().expect("it is called").to_owned()
    };
    let zones = of("Action=DescribeAvailabilityZones");
    let wrongs = [
        (zones.replace("&Version", "&Zones=1&Version"), "request: Zones"),
        (zones.replace("zoneName>", "zoneTitle>"), "reply: .availabilityZoneInfo[].zoneTitle"),
        (zones.replace("Action=Describe", "Action=Prescribe"), "no operation PrescribeAvail"),
        (zones.replace("\"host\",\"", "\"host\",\"x"), "its signature is wrong"),
    ];
    for (wrong, words) in wrongs {
        let told = judge::findings(&wrong);
        assert!(told.iter().any(|it| it.contains(words)), "{words}: {told:#?}");
    }
}
