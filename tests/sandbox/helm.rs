//! Values for the platform's chart, from what an apply recorded.
use crate::folder::{FILE, Folder};
use crate::served::Served;
use serde_json::Value;

/// Returns the values of a cluster as JSON.
fn values(folder: &Folder) -> Value {
    serde_json::from_str(&folder.ok(&["helm-values", "--json"])).expect("JSON")
}

#[test]
fn values_come_from_the_record_and_a_plan_warns_of_what_does_not_fit() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let ran = folder.run(&["helm-values"]);
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    assert!(ran.stderr.contains("`provision apply` records"), "{}", ran.stderr);
    folder.ok(&["apply", "--auto-approve"]);
    let told = values(&folder);
    assert_eq!(told["values"]["dataplane"]["executor"]["memory"], "55000m");
    assert_eq!(told["remarks"], serde_json::json!([]));

    folder.ok(&["helm-values", "--out", "values.yaml"]);
    let written = std::fs::read_to_string(folder.path("values.yaml")).expect("it is there");
    assert_eq!(written, folder.ok(&["helm-values"]));

    let small = "pools: { app: {}, driver: { machine: r5.xlarge }, executor: {} }\n";
    folder.write(&format!("{FILE}{small}"));
    let planned = folder.ok(&["plan"]).replace("\n         ", " ");
    assert!(planned.contains("a Spark driver asks for 7 cores and 60500 MiB"), "{planned}");
    folder.ok(&["apply", "--auto-approve"]);
    let told = values(&folder);
    assert_eq!(told["values"]["dataplane"]["driver"]["cores"], 3);
    assert!(told["remarks"][0].as_str().expect("a remark").starts_with("pool driver: "));
}
