//! Versions of Kubernetes: upgrades in stages, by us and by AWS, and versions that cannot be had.
use crate::boto::Boto;
use crate::capacity::no_spot;
use crate::crash::killed_at;
use crate::folder::{FILE, Folder};
use crate::served::Served;
use serde_json::{Value, json};

/// What brings the control plane, an add-on and a pool to a version.
const PLANE: &str = "UpdateClusterVersion";
const ADDON: &str = "UpdateAddon";
const POOL: &str = "UpdateNodegroupVersion";

/// A simulated AWS, and what it tells of versions.
pub(crate) struct Cloud {
    pub(crate) served: Served,
}

impl Cloud {
    pub(crate) fn start() -> Self {
        Self { served: Served::start() }
    }

    /// Returns a member of every object of a kind, in the order of their ids.
    fn told(&self, kind: &str, member: &str) -> Vec<String> {
        let objects = self.served.everything();
        let its = objects.iter().filter(|object| object[0]["kind"] == kind);
        its.map(|object| object[1]["body"][member].as_str().unwrap_or_default().into()).collect()
    }

    /// Returns the calls that bring something to a version.
    fn upgrades(&self) -> Vec<String> {
        let mut calls = self.served.operations();
        calls.retain(|name| [PLANE, ADDON, POOL].contains(&name.as_str()));
        calls
    }

    fn count(&self, operation: &str) -> usize {
        self.served.operations().iter().filter(|name| *name == operation).count()
    }
}

/// A cluster file for a version, with more lines.
pub(crate) fn file(version: &str, more: &str) -> String {
    format!("{FILE}kubernetes: {{ version: \"{version}\" }}\n{more}")
}

/// A cluster of version 1.34.
fn built(cloud: &Cloud) -> Folder {
    let folder = Folder::on(&cloud.served, &file("1.34", ""));
    folder.ok(&["apply", "--auto-approve"]);
    folder
}

/// Returns the steps of a plan as stage, action, address without generation, and new version.
fn steps(folder: &Folder) -> Vec<String> {
    let plan: Value = serde_json::from_str(&folder.ok(&["plan", "--json"])).expect("it is JSON");
    let step = |step: &Value| {
        let text = |field: &str| step[field].as_str().unwrap_or_default().to_owned();
        let address = text("address").split('/').take(2).collect::<Vec<_>>().join("/");
        let changes = step["changes"].as_array().into_iter().flatten();
        let to = changes.filter(|change| change["field"] == "version").map(|change| &change["to"]);
        let to: String = to.filter_map(|to| Some(format!(" {}", to.as_str()?))).collect();
        format!("{} {} {address}{to}", step["stage"], text("action"))
    };
    plan["steps"].as_array().expect("a plan has steps").iter().map(step).collect()
}

/// Returns the steps that bring everything to a version.
fn climb(stage: usize, version: &str) -> Vec<String> {
    let (proxy, dns) = addons(version);
    let pools = ["pool/app", "pool/driver", "pool/executor"].map(|pool| (pool, version));
    let first = [("cluster", version), ("addon/kube-proxy", proxy)];
    let all = first.into_iter().chain(pools).chain([("addon/coredns", dns)]);
    let new = all.filter(|(_, version)| !version.is_empty());
    let new = new.map(|(address, version)| format!("{stage} update {address} {version}"));
    new.chain([format!("{stage} update autoscaler/deployment")]).collect()
}

/// Returns the versions of the add-ons that change with a version: kube-proxy, and coredns.
fn addons(version: &str) -> (&'static str, &'static str) {
    match version {
        "1.35" => ("v1.35.1-eksbuild.2", "v1.13.1-eksbuild.1"),
        "1.36" => ("v1.36.0-eksbuild.2", ""),
        _ => panic!("no add-ons are known for {version}"),
    }
}

/// Checks that the control plane, every node group and the add-ons have a version, and that nothing
/// is left to do.
fn is_at(cloud: &Cloud, folder: &Folder, version: &str) {
    assert_eq!(steps(folder), [""; 0]);
    assert_eq!(cloud.told("eks.cluster", "version"), [version]);
    let groups = cloud.told("eks.node_group", "version");
    assert!(groups.len() >= 3 && groups.iter().all(|it| it == version), "{groups:?}");
    let addons = cloud.told("eks.addon", "addonVersion");
    assert_eq!(addons.len(), 6, "{addons:?}");
    let proxy = format!("v{version}.");
    assert!(addons.iter().any(|addon| addon.starts_with(&proxy)), "{addons:?}");
}

#[test]
fn two_versions_are_two_stages() {
    let cloud = Cloud::start();
    let folder = built(&cloud);
    is_at(&cloud, &folder, "1.34");
    folder.write(&file("1.36", ""));
    assert_eq!(steps(&folder), [climb(1, "1.35"), climb(2, "1.36")].concat());
    let text = folder.ok(&["plan"]);
    assert!(text.contains("\nStage 1 of 2: Upgrade to 1.35\n"), "{text}");
    assert!(text.contains("Kubernetes 1.36 is in standard support until 20"), "{text}");
    assert!(text.contains("\nPlan: 13 to change, in 2 stages.\n"), "{text}");
    let offline = folder.run(&["plan", "--offline"]);
    assert_eq!(offline.code, Some(65), "{}", offline.stdout);
    assert!(offline.stderr.contains("fact addons/1.35"), "{}", offline.stderr);
    let text = folder.ok(&["apply", "--auto-approve"]);
    assert!(text.contains("] Upgrade to 1.36\n"), "{text}");
    let stage = |addons: usize| [vec![PLANE], vec![ADDON; addons], vec![POOL; 3]].concat();
    assert_eq!(cloud.upgrades(), [stage(2), stage(1)].concat(), "control plane, add-ons, pools");
    is_at(&cloud, &folder, "1.36");
    folder.write(&file("1.35", ""));
    is_at(&cloud, &folder, "1.36");
    assert!(folder.ok(&["plan", "--offline"]).contains("\nNo changes."));
}

#[test]
fn what_aws_upgrades_by_itself_is_left_alone_until_the_file_follows() {
    let cloud = Cloud::start();
    let folder = built(&cloud);
    cloud.served.event("acme-prod", "upgrade");
    while cloud.told("eks.cluster", "status") != ["ACTIVE"] {
        assert_eq!(steps(&folder), [""; 0]);
    }
    assert_eq!(steps(&folder), [""; 0]);
    assert_eq!(cloud.told("eks.cluster", "version"), ["1.35"]);

    let pools = "pools: { app: { machine: m5.2xlarge }, driver: {}, executor: {} }\n";
    folder.write(&file("1.34", pools));
    folder.ok(&["apply", "--auto-approve"]);
    let mut groups = cloud.told("eks.node_group", "version");
    groups.sort();
    assert_eq!(groups, ["1.34", "1.34", "1.35"], "a new group is of the control plane's version");
    let addon = json!({ "clusterName": "acme-prod", "addonName": "kube-proxy" });
    let boto = Boto::at_home(&cloud.served);
    boto.call("eks", "delete_addon", &addon);
    let is_there = || {
        let all = boto.call("eks", "list_addons", &json!({ "clusterName": "acme-prod" }));
        all["addons"].as_array().expect("a list").contains(&json!("kube-proxy"))
    };
    assert!((0..200).any(|_| !is_there()), "it goes");
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(steps(&folder), [""; 0]);
    let made = boto.call("eks", "describe_addon", &addon)["addon"]["addonVersion"].clone();
    assert_eq!(made, addons("1.35").0, "so is a new add-on");

    folder.write(&file("1.36", pools));
    let (_, dns) = addons("1.35");
    let lag = [("pool/driver", "1.35"), ("pool/executor", "1.35"), ("addon/coredns", dns)];
    let before = cloud.upgrades().len();
    let lag = lag.map(|(address, version)| format!("0 update {address} {version}"));
    let lag = lag.into_iter().chain(["0 update autoscaler/deployment".to_owned()]).collect();
    assert_eq!(steps(&folder), [lag, climb(1, "1.36")].concat());
    folder.ok(&["apply", "--auto-approve"]);
    is_at(&cloud, &folder, "1.36");
    let calls = [ADDON, POOL, POOL, PLANE, ADDON, POOL, POOL, POOL];
    assert_eq!(cloud.upgrades()[before..], calls, "coredns lags, and goes before the pools");
}

#[test]
fn a_version_that_cannot_be_had_is_refused_and_one_that_costs_is_warned_about() {
    let cloud = Cloud::start();
    let folder = Folder::on(&cloud.served, &file("1.99", ""));
    for (version, why) in [
        ("1.99", "EKS does not offer Kubernetes 1.99"),
        ("1.30", "EKS does not support Kubernetes 1.30 any more since 2026-07-23"),
    ] {
        folder.write(&file(version, ""));
        let ran = folder.run(&["plan"]);
        let there = "there is 1.36, 1.35, 1.34, and in extended support 1.33, 1.32, 1.31";
        assert_eq!(ran.code, Some(65), "{}", ran.stderr);
        let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&format!("kubernetes.version: {why}; {there}")), "{told}");
    }
    folder.write(&file("1.33", ""));
    let plan: Value = serde_json::from_str(&folder.ok(&["plan", "--json"])).expect("it is JSON");
    let support = json!({ "version": "1.33", "status": "extended", "standardUntil": "2026-07-29",
                          "extendedUntil": "2027-07-29" });
    assert_eq!(plan["seen"]["support"], support);
    let dear = "standard support of Kubernetes 1.33 ended on 2026-07-29: its control plane costs";
    assert!(plan["warnings"][0].as_str().is_some_and(|warning| warning.starts_with(dear)));
    folder.ok(&["apply", "--auto-approve"]);
    is_at(&cloud, &folder, "1.33");
    folder.write(&file("1.35", ""));
    assert!(folder.changes().contains(&"update cluster: version support".into()));
    folder.ok(&["apply", "--auto-approve"]);
    is_at(&cloud, &folder, "1.35");
}

#[test]
fn an_upgrade_that_fails_is_told_and_gone_on_with() {
    let cloud = Cloud::start();
    let folder = built(&cloud);
    folder.write(&file("1.35", ""));
    let cluster = ("UpdateClusterVersion", "IpNotAvailable: One or more of the subnets");
    let group = ("UpdateNodegroupVersion", "NodeCreationFailure: Couldn't proceed with upgrade");
    for (operation, words) in [cluster, group] {
        let before = cloud.count(operation);
        cloud.served.faults(&[json!({ "operation": operation, "effect": "capacity" })]);
        let ran = folder.run(&["apply", "--auto-approve"]);
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
        let calls = if operation == cluster.0 { 1 } else { 3 };
        assert_eq!(cloud.count(operation), before + calls, "none is sent again");
    }
    folder.ok(&["apply", "--auto-approve"]);
    is_at(&cloud, &folder, "1.35");
}

#[test]
fn a_group_of_somebody_else_that_lags_is_named() {
    let cloud = Cloud::start();
    let folder = built(&cloud);
    let boto = Boto::at_home(&cloud.served);
    boto.make_node_group("theirs");
    folder.write(&file("1.36", ""));
    let ran = folder.run(&["apply", "--auto-approve"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = "Nodegroups theirs must be updated to match cluster version 1.35";
    assert!(told.contains(words), "{told}");
    assert_eq!(cloud.count("UpdateClusterVersion"), 2, "{told}");
    let theirs =
        json!({ "clusterName": "acme-prod", "nodegroupName": "theirs", "version": "1.35" });
    boto.call("eks", "update_nodegroup_version", &theirs);
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(cloud.told("eks.cluster", "version"), ["1.36"]);
}

/// Kills an upgrade by two versions at the `nth` call of an operation, and lets the next run go on.
fn killed(operation: &str, nth: usize, effect: &str) {
    let cloud = Cloud::start();
    let folder = built(&cloud);
    folder.write(&file("1.36", ""));
    cloud.served.faults(&[json!({ "operation": operation, "nth": nth, "effect": effect })]);
    killed_at(&folder, &cloud.served, operation, nth);
    let left = steps(&folder);
    assert!(!left.is_empty() && left.iter().all(|step| !step.contains("1.35")), "{left:?}");
    folder.ok(&["apply", "--auto-approve"]);
    is_at(&cloud, &folder, "1.36");
    let calls = cloud.upgrades();
    let back = calls.windows(2).find(|two| *two == [POOL, ADDON]);
    assert_eq!(back, None, "{operation} {nth} {effect}: add-ons go before pools in {calls:?}");
}

#[test]
fn an_upgrade_that_was_killed_is_gone_on_with() {
    killed("UpdateClusterVersion", 2, "hang");
    killed("UpdateClusterVersion", 2, "hang-after");
    killed("UpdateNodegroupVersion", 5, "hang-after");
}

#[test]
fn new_machines_are_there_before_the_upgrade_and_the_old_ones_go() {
    let cloud = Cloud::start();
    let folder = built(&cloud);
    let pools = "pools: { app: { machine: m5.2xlarge }, driver: {}, executor: {} }\n";
    folder.write(&file("1.35", pools));
    let planned = steps(&folder);
    let made = planned.iter().position(|step| step.starts_with("0 create pool/app"));
    let gone = planned.iter().position(|step| step.starts_with("0 delete pool/app"));
    assert!(made.is_some() && made < gone, "{planned:?}");
    assert!(planned.ends_with(&climb(1, "1.35")), "{planned:?}");
    folder.ok(&["apply", "--auto-approve"]);
    let operations = cloud.served.operations();
    let last = |name: &str| operations.iter().rposition(|operation| operation == name);
    assert!(last("CreateNodegroup") < last("DeleteNodegroup"));
    let history = cloud.served.history();
    let of_pool = |moment: &&Value| {
        moment["kind"] == "eks.node_group" && moment["id"].to_string().contains("/app-")
    };
    let moments: Vec<_> = history.iter().filter(of_pool).collect();
    let old = &moments.iter().rfind(|it| it["status"].is_null()).expect("the old one goes")["id"];
    let first = |is_old: bool, status: &str| {
        moments.iter().position(|it| (it["id"] == *old) == is_old && it["status"] == status)
    };
    let (up, goes) = (first(false, "ACTIVE"), first(true, "DELETING"));
    assert!(up.is_some() && up < goes, "the new one is up before the old one goes: {moments:#?}");
    assert!(last("DeleteNodegroup") < last("UpdateClusterVersion"));
    is_at(&cloud, &folder, "1.35");
}

/// Returns what happens to the cluster when standard support of its version ends.
fn policy(cloud: &Cloud) -> Value {
    let objects = cloud.served.everything();
    let cluster = objects.iter().find(|it| it[0]["kind"] == "eks.cluster").expect("a cluster");
    cluster[1]["body"]["upgradePolicy"]["supportType"].clone()
}

/// Lets AWS keep the cluster in extended support when standard support ends, as its owner may.
fn extend(cloud: &Cloud, folder: &Folder) {
    let extended = json!({ "name": "acme-prod", "upgradePolicy": { "supportType": "EXTENDED" } });
    Boto::at_home(&cloud.served).call("eks", "update_cluster_config", &extended);
    while cloud.told("eks.cluster", "status") != ["ACTIVE"] {
        assert_eq!(steps(folder), [""; 0]);
    }
    assert_eq!((steps(folder), policy(cloud)), (vec![], json!("EXTENDED")));
}

#[test]
fn who_pays_for_extended_support_by_choice_goes_on_with_it() {
    for version in ["1.34", "1.35", "1.36"] {
        let cloud = Cloud::start();
        let folder = built(&cloud);
        assert_eq!(policy(&cloud), "STANDARD");
        extend(&cloud, &folder);
        folder.write(&file(version, ""));
        let changes = folder.changes();
        assert!(changes.iter().all(|it| !it.contains("support")), "{version}: {changes:?}");
        folder.ok(&["apply", "--auto-approve"]);
        assert_eq!((steps(&folder), policy(&cloud)), (vec![], json!("EXTENDED")), "{version}");
    }
}

#[test]
fn a_cluster_that_leaves_extended_support_ends_in_standard_support_after_a_kill_too() {
    let cloud = Cloud::start();
    let folder = Folder::on(&cloud.served, &file("1.33", ""));
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(policy(&cloud), "EXTENDED");
    folder.write(&file("1.34", ""));
    cloud.served.faults(&[json!({ "operation": "UpdateClusterConfig", "effect": "hang" })]);
    killed_at(&folder, &cloud.served, "UpdateClusterConfig", 1);
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!((steps(&folder), policy(&cloud)), (vec![], json!("STANDARD")));
}

#[test]
fn a_cluster_whose_state_is_lost_is_taken_over_at_the_version_that_it_has() {
    let cloud = Cloud::start();
    let folder = built(&cloud);
    extend(&cloud, &folder);
    let all = folder.ok(&["state", "list"]);
    std::fs::remove_file(folder.path("acme-prod.state.jsonl")).expect("there is a state");
    folder.write(FILE);
    let adopt = all.lines().flat_map(|address| ["--adopt", address]);
    folder.ok(&["apply", "--auto-approve"].into_iter().chain(adopt).collect::<Vec<_>>());
    is_at(&cloud, &folder, "1.34");
    assert_eq!(policy(&cloud), "EXTENDED", "as it is");
}

#[test]
fn a_cluster_without_spot_machines_is_upgraded_all_the_same() {
    let cloud = Cloud::start();
    let folder = Folder::on(&cloud.served, &file("1.34", ""));
    no_spot(&cloud.served);
    let apply = || folder.run(&["apply", "--auto-approve"]);
    assert_eq!(apply().code, Some(4));
    folder.write(&file("1.36", ""));
    no_spot(&cloud.served);
    let ran = apply();
    assert_eq!(ran.code, Some(4), "{}{}", ran.stdout, ran.stderr);
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let waits = "cluster waits for pool/executor/a62f1df6 of the stage before";
    assert!(told.contains(waits), "{told}");
    assert!(!told.contains("no run changes unasked"), "the next run goes on with all: {told}");
    assert_eq!(cloud.told("eks.cluster", "version"), ["1.35"], "EKS takes no further step");
    let mut groups = cloud.told("eks.node_group", "version");
    groups.sort();
    assert_eq!(groups, ["1.34", "1.35", "1.35"]);
    assert_eq!(apply().code, Some(0));
    is_at(&cloud, &folder, "1.36");
}

#[test]
fn new_machines_that_cannot_be_had_keep_a_cluster_where_its_old_ones_are() {
    let cloud = Cloud::start();
    let folder = built(&cloud);
    let pools = "pools: { app: {}, driver: {}, executor: { machine: m5d.2xlarge } }\n";
    folder.write(&file("1.36", pools));
    for _ in 0..2 {
        let none = json!({ "operation": "CreateNodegroup", "effect": "capacity" });
        cloud.served.faults(&[none]);
        let ran = folder.run(&["apply", "--auto-approve"]);
        assert_eq!(ran.code, Some(4), "{}{}", ran.stdout, ran.stderr);
        assert_eq!(cloud.told("eks.cluster", "version"), ["1.34"]);
    }
    folder.ok(&["apply", "--auto-approve"]);
    is_at(&cloud, &folder, "1.36");
}

#[test]
fn what_of_an_upgrade_has_not_begun_is_taken_back() {
    let cloud = Cloud::start();
    let folder = built(&cloud);
    folder.write(&file("1.36", ""));
    cloud.served.faults(&[json!({ "operation": PLANE, "effect": "denied" })]);
    let ran = folder.run(&["apply", "--auto-approve"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    let upgrades = cloud.upgrades();
    folder.write(&file("1.34", ""));
    assert_eq!(steps(&folder), ["0 adopt cluster"], "as left over");
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(cloud.upgrades(), upgrades, "nobody asks for one any more");
    is_at(&cloud, &folder, "1.34");
}

#[test]
fn a_version_that_nothing_was_made_of_binds_nobody() {
    let cloud = Cloud::start();
    let folder = Folder::on(&cloud.served, &file("1.36", ""));
    cloud.served.faults(&[json!({ "operation": "CreateVpc", "effect": "denied" })]);
    assert_eq!(folder.run(&["apply", "--auto-approve"]).code, Some(1));
    folder.write(&file("1.34", ""));
    folder.ok(&["apply", "--auto-approve"]);
    is_at(&cloud, &folder, "1.34");
}

#[test]
fn what_of_an_upgrade_may_have_begun_is_brought_to_its_end() {
    let cloud = Cloud::start();
    let folder = built(&cloud);
    folder.write(&file("1.36", ""));
    cloud.served.faults(&[json!({ "operation": PLANE, "effect": "hang-after" })]);
    killed_at(&folder, &cloud.served, PLANE, 1);
    folder.write(&file("1.34", ""));
    // What was accepted a moment ago is not seen by each read: requests let time pass.
    folder.run(&["plan"]);
    let mut ran = folder.run(&["apply", "--auto-approve"]);
    for _ in 0..20 {
        if ran.code == Some(0) {
            break;
        }
        ran.refused(65, &["EKS is at work on it", "aws eks wait cluster-active --name acme-prod"]);
        ran = folder.run(&["apply", "--auto-approve"]);
    }
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    is_at(&cloud, &folder, "1.35");
}
