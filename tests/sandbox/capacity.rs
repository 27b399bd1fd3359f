//! Pools for which there are no machines, or no room in the account.
use crate::boto::Boto;
use crate::folder::{FILE, Folder};
use crate::served::Served;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const NO_SPOT: &str = "UnfulfillableCapacity - Unable to fulfill capacity";

fn file(executor: &str, more: &str) -> String {
    format!("{FILE}pools: {{ executor: {{ {executor} }}, app: {{}}, driver: {{}}{more} }}\n")
}

/// Asks for a fault of the next node group that is made.
fn next_group(served: &Served, effect: &str) {
    served.faults(&[json!({ "operation": "CreateNodegroup", "effect": effect })]);
}

/// Lets the next group of executors find no machines.
pub(crate) fn no_spot(served: &Served) {
    let fault =
        json!({ "operation": "CreateNodegroup", "about": "executor", "effect": "capacity" });
    served.faults(&[fault]);
}

fn groups(served: &Served) -> Vec<String> {
    let is_group = |it: &String| it.contains("eks.node_group");
    served.objects().into_iter().filter(is_group).collect()
}

/// Returns the plan: its steps, each as action, pool and cause, and what it says is degraded.
fn plan(folder: &Folder) -> (Vec<String>, String) {
    let document: Value =
        serde_json::from_str(&folder.ok(&["plan", "--json"])).expect("a plan is JSON");
    let steps = document["steps"].as_array().expect("a plan has steps");
    let word = |step: &Value, field: &str| step[field].as_str().unwrap_or("").to_owned();
    let pool = |address: String| address.rsplit_once('/').map_or("", |(pool, _)| pool).to_owned();
    let step = |step: &Value| {
        format!("{} {} {}", word(step, "action"), pool(word(step, "address")), word(step, "cause"))
    };
    let of_pools = steps.iter().filter(|step| word(step, "address").starts_with("pool/"));
    (of_pools.map(step).collect(), document["degraded"].to_string())
}

#[test]
fn a_pool_without_spot_machines_is_degraded_and_made_by_the_next_run() {
    let served = Served::start();
    // What never came up is no loss, also where nothing may be lost.
    let folder = Folder::on(&served, &format!("{FILE}protect: true\n"));
    no_spot(&served);
    let ran = folder.run(&APPLY);
    assert_eq!(ran.code, Some(4), "{}{}", ran.stdout, ran.stderr);
    let told = ran.stdout.split("\n\n").find(|part| part.starts_with("Degraded\n"));
    let told: Vec<&str> = told.expect("it is told").lines().skip(1).collect();
    let of_its_own = |line: &&&str| !line.starts_with("   ");
    let whose: Vec<_> = told.iter().filter(of_its_own).map(|line| line.trim()).collect();
    assert_eq!(whose.len(), 2, "the pool and its tags: {told:?}");
    assert!(whose[0].starts_with("pool/executor/") && told.join(" ").contains(NO_SPOT), "{told:?}");
    assert!(whose[1].starts_with("scaling-tags/executor/"), "{told:?}");
    assert!(ran.stdout.contains("provision apply --auto-approve  # tries again"), "{}", ran.stdout);
    assert_eq!(groups(&served).len(), 3);

    // All else is there and well.
    let (steps, degraded) = plan(&folder);
    let again = ["delete pool/executor leftover", "create pool/executor leftover"];
    assert_eq!(steps, again);
    let rest: Vec<_> =
        folder.plan().into_iter().filter(|step| !step.contains("/executor/")).collect();
    assert_eq!(rest, [""; 0]);
    assert!(degraded.contains(NO_SPOT), "{degraded}");
    let kept = |mut all: Vec<String>| {
        let of_nodes = [
            "node_group",
            "autoscaling.",
            "instance",
            "network_interface",
            "volume",
            "kubernetes.",
        ];
        all.retain(|it| !of_nodes.iter().any(|of| it.contains(of)));
        all
    };
    let there = kept(served.objects());
    let calls = served.operations().len();
    folder.ok(&APPLY);
    let changes: Vec<_> = served.operations().split_off(calls);
    let changes: Vec<_> = changes.iter().filter(|it| it.ends_with("eNodegroup")).collect();
    let deleted = |it: &&&String| !it.starts_with("Describe");
    assert_eq!(
        changes.iter().filter(deleted).collect::<Vec<_>>(),
        [&"DeleteNodegroup", &"CreateNodegroup"]
    );
    assert_eq!((plan(&folder).1, folder.plan()), ("{}".to_owned(), vec![]));
    let now = kept(served.objects());
    let gone: Vec<_> = there.iter().filter(|it| !now.contains(it)).collect();
    assert!(gone.is_empty(), "nothing else of AWS was made anew: {gone:?}");
    folder.write(FILE);
    folder.ok(&APPLY);
    folder.ok(&["destroy", "--auto-approve"]);
}

#[test]
fn a_cluster_without_room_is_no_degraded_one_and_may_go_elsewhere() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    served.faults(&[json!({ "operation": "CreateCluster", "effect": "capacity" })]);
    let ran = folder.run(&APPLY);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    let (_, told) = ran.stdout.split_once("Failed\n").expect("it failed");
    assert!(told.contains("UnsupportedAvailabilityZoneException"), "{told}");
    assert!(told.contains("other machines or zones"), "{told}");
    let elsewhere = "network: { zones: [us-east-1a, us-east-1c], cidr: 10.0.0.0/16 }\n\
                     kubernetes: { secretsKey: own }\n";
    folder.write(&format!("{FILE}{elsewhere}"));
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    for (now, other, told) in [
        ("us-east-1c", "us-east-1b", "network.zones leaves out us-east-1c"),
        ("own", "managed", "kubernetes.secretsKey cannot change from own to managed"),
        ("10.0.", "10.9.", "network.cidr cannot change from 10.0.0.0/16 to 10.9.0.0/16"),
    ] {
        folder.write(&format!("{FILE}{}", elsewhere.replace(now, other)));
        let ran = folder.run(&["plan"]);
        ran.refused(65, &[told, " hint: "]);
        assert!(!ran.stderr.contains("--replace"), "{}", ran.stderr);
    }
}

#[test]
fn the_old_machines_stay_until_there_are_new_ones() {
    let served = Served::start();
    let folder = Folder::on(&served, &file("", ""));
    folder.ok(&APPLY);
    let before = groups(&served);
    folder.write(&file("machine: [r6id.2xlarge, r5d.2xlarge]", ""));
    next_group(&served, "capacity");
    assert_eq!(folder.run(&APPLY).code, Some(4));
    let after = groups(&served);
    assert!(after.len() == 4 && before.iter().all(|group| after.contains(group)), "{after:?}");
    folder.ok(&APPLY);
    assert_eq!((groups(&served).len(), plan(&folder).0), (3, vec![]));
}

#[test]
fn a_pool_that_loses_its_machines_is_told_of_and_left_alone() {
    let served = Served::start();
    let folder = Folder::on(&served, &file("", ""));
    folder.ok(&APPLY);
    let boto = Boto::at_home(&served);
    let all = boto.call("autoscaling", "describe_auto_scaling_groups", &json!({}));
    let all = all["AutoScalingGroups"].as_array().expect("a list").clone();
    let is_spot = |group: &&Value| group["AutoScalingGroupName"].to_string().contains("executor");
    let name = &all.iter().find(is_spot).expect("there is one")["AutoScalingGroupName"];
    // Slow enough to see what passes within minutes.
    served.clock(10);
    served.faults(&[json!({ "operation": "SetDesiredCapacity", "effect": "capacity" })]);
    let more = json!({ "AutoScalingGroupName": name, "DesiredCapacity": 2 });
    boto.call("autoscaling", "set_desired_capacity", &more);
    let changes = |calls: &[String]| {
        let reads = ["Describe", "Get", "List", "get ", "list "];
        calls.iter().filter(|it| !reads.iter().any(|read| it.starts_with(read))).count()
    };
    let since = Instant::now();
    let degraded = loop {
        assert!(since.elapsed() < Duration::from_secs(60), "it is degraded for a while");
        let calls = served.operations().len();
        let ran = folder.run(&APPLY);
        assert_eq!(changes(&served.operations()[calls..]), 0, "{}", ran.stdout);
        if ran.code == Some(4) {
            break ran.stdout;
        }
    };
    assert!(degraded.contains("UnfulfillableCapacity"), "{degraded}");
}

#[test]
fn a_limit_of_the_account_is_named() {
    let served = Served::start();
    let folder = Folder::on(&served, &file("", ""));
    folder.ok(&APPLY);
    folder.write(&file("", ", more: { machine: m5.large, max: 2 }"));
    next_group(&served, "quota");
    let ran = folder.run(&APPLY);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    for words in ["ResourceLimitExceededException: ", "hint: ask the cloud to raise the limit"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    folder.ok(&APPLY);
    assert_eq!(plan(&folder).0, [""; 0]);
}
