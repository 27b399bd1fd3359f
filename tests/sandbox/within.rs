//! What is within a cluster: add-ons, access entries, Pod Identity, tags of scaling groups.
use crate::boto::Boto;
use crate::folder::{FILE, Folder};
use crate::served::Served;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const BOB: &str = "arn:aws:iam::123456789012:user/bob";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
/// The default add-ons but for one, which somebody else brings.
const FIVE: &str = "eks: { addons: [vpc-cni, kube-proxy, eks-pod-identity-agent, coredns, \
                    aws-ebs-csi-driver] }\n";

fn of_cluster(rest: Value) -> Value {
    let mut all = json!({ "clusterName": "acme-prod" });
    let rest = rest.as_object().expect("parameters are a map").clone();
    all.as_object_mut().expect("a map").extend(rest);
    all
}

fn eks(boto: &Boto<'_>, method: &str, rest: Value) -> Value {
    boto.call("eks", method, &of_cluster(rest))
}

/// Returns the scaling group of the pool `app`.
fn group(boto: &Boto<'_>) -> Value {
    let groups = boto.call("autoscaling", "describe_auto_scaling_groups", &json!({}));
    let mut groups = groups["AutoScalingGroups"].as_array().expect("a list").iter();
    let is_app = |group: &&Value| {
        group["AutoScalingGroupName"].as_str().is_some_and(|name| name.contains("app-"))
    };
    groups.find(is_app).expect("the pool has a group").clone()
}

fn tag(boto: &Boto<'_>, key: &str) -> Option<(String, bool)> {
    let group = group(boto);
    let mut tags = group["Tags"].as_array().expect("a list").iter();
    let tag = tags.find(|tag| tag["Key"] == key)?;
    Some((tag["Value"].as_str()?.to_owned(), tag["PropagateAtLaunch"].as_bool()?))
}

/// Somebody else puts things of their own beside ours, and tags on ours.
fn others_come(boto: &Boto<'_>) {
    let whole = json!({ "type": "cluster" });
    let entry = json!({ "principalArn": BOB });
    eks(boto, "create_access_entry", entry.clone());
    for principal in [BOB, "arn:aws:iam::123456789012:user/sandbox"] {
        let policy = json!({ "principalArn": principal, "policyArn": VIEW, "accessScope": whole });
        eks(boto, "associate_access_policy", policy);
    }
    eks(boto, "create_addon", json!({ "addonName": "metrics-server" }));
    let role = "arn:aws:iam::123456789012:role/provision-acme-prod-us-east-1-ebs-csi";
    let pod = json!({ "namespace": "default", "serviceAccount": "other", "roleArn": role });
    eks(boto, "create_pod_identity_association", pod);
    let addon = eks(boto, "describe_addon", json!({ "addonName": "coredns" }));
    let ours = json!({ "principalArn": "arn:aws:iam::123456789012:user/sandbox" });
    let entry = eks(boto, "describe_access_entry", ours);
    for arn in [&addon["addon"]["addonArn"], &entry["accessEntry"]["accessEntryArn"]] {
        let tags = json!({ "resourceArn": arn, "tags": { "cost": "1" } });
        boto.call("eks", "tag_resource", &tags);
    }
    let name = &group(boto)["AutoScalingGroupName"];
    let theirs = json!({ "ResourceId": name, "ResourceType": "auto-scaling-group", "Key": "cost",
                         "Value": "1", "PropagateAtLaunch": true });
    boto.call("autoscaling", "create_or_update_tags", &json!({ "Tags": [theirs] }));
}

#[test]
fn what_others_have_in_a_cluster_is_left_alone() {
    let served = Served::start();
    let folder = Folder::on(&served, &format!("{FILE}{FIVE}"));
    let boto = Boto::at_home(&served);
    folder.ok(&APPLY);
    others_come(&boto);
    assert_eq!(folder.plan(), [""; 0]);

    let labels = "pools: { app: { labels: { tier: one } }, driver: {}, executor: {} }\n";
    folder.write(&format!("{FILE}{FIVE}tags: {{ team: a }}\n{labels}"));
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    let hint = "k8s.io/cluster-autoscaler/node-template/label/tier";
    assert_eq!(tag(&boto, hint), Some(("one".into(), false)));
    assert_eq!(tag(&boto, "cost"), Some(("1".into(), true)));
    let found_by = "k8s.io/cluster-autoscaler/";
    for (key, value) in [("enabled", "true"), ("acme-prod", "owned")] {
        let tag = tag(&boto, &format!("{found_by}{key}")).map(|(value, _)| value);
        assert_eq!(tag.as_deref(), Some(value), "an autoscaler finds it by {key}");
    }
    assert_eq!(tag(&boto, "eks:cluster-name").map(|(value, _)| value), Some("acme-prod".into()));
    assert_eq!(tag(&boto, &hint.replace("tier", "appNodes")), None, "it left the file");

    let bob = eks(&boto, "list_associated_access_policies", json!({ "principalArn": BOB }));
    assert_eq!(bob["associatedAccessPolicies"][0]["policyArn"], VIEW);
    let entries = eks(&boto, "list_access_entries", json!({}));
    let node = "arn:aws:iam::123456789012:role/provision-acme-prod-us-east-1-node";
    assert!(entries["accessEntries"].as_array().is_some_and(|all| all.contains(&json!(node))));
    let pods = eks(&boto, "list_pod_identity_associations", json!({}));
    assert_eq!(pods["associations"].as_array().map(Vec::len), Some(3));

    folder.write(FILE);
    let ran = folder.run(&["plan"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("--adopt addon/metrics-server"), "{}", ran.stderr);
    let adopt = ["apply", "--auto-approve", "--adopt", "addon/metrics-server"];
    served.faults(&[json!({ "operation": "TagResource", "effect": "denied" })]);
    let ran = folder.run(&adopt);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    let again = "\n  provision apply --adopt addon/metrics-server --auto-approve\n";
    assert!(ran.stdout.contains(again), "{}", ran.stdout);
    folder.ok(&adopt);
    assert_eq!(folder.plan(), [""; 0]);
}

#[test]
fn whoever_makes_the_cluster_stays_the_administrator() {
    let served = Served::start();
    // Somebody else tried first, and made nothing.
    let failed = Folder::on(&served, &format!("{FILE}inCluster: false\n"));
    served.faults(&[json!({ "operation": "CreateVpc", "effect": "denied" })]);
    assert_eq!(failed.run(&APPLY).code, Some(1));
    let state = std::fs::read(failed.path("acme-prod.state.jsonl")).expect("there is a state");
    let boto = Boto::at_home(&served);
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::123456789012:root" },
        "Action": "sts:AssumeRole",
    });
    let trust = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let role = json!({ "RoleName": "deploy", "Path": "/team/", "AssumeRolePolicyDocument": trust });
    boto.call("iam", "create_role", &role);
    // On an instant clock it is requests that let time pass.
    failed.plan();
    let arn = "arn:aws:iam::123456789012:role/team/deploy";
    let outside = format!("{FILE}inCluster: false\n");
    let folder =
        Folder::on(&served, &format!("{outside}eks: {{ assumeRole: {{ arn: \"{arn}\" }} }}\n"));
    std::fs::write(folder.path("acme-prod.state.jsonl"), state).expect("it can be written");
    folder.ok(&APPLY);
    let entry = json!({ "principalArn": arn });
    let policies = eks(&boto, "list_associated_access_policies", entry);
    let all = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
    assert_eq!(policies["associatedAccessPolicies"][0]["policyArn"], all);

    folder.write(&outside);
    assert_eq!(folder.plan(), [""; 0], "another caller wants the same");
    let so_far = served.operations().len();
    folder.ok(&APPLY);
    let reads = ["Describe", "Get", "List"];
    let again = &served.operations()[so_far..];
    assert!(again.iter().all(|it| reads.iter().any(|read| it.starts_with(read))), "{again:?}");
}

#[test]
fn an_add_on_without_a_node_is_degraded_until_there_is_one() {
    let served = Served::start();
    let pools = |min: u32| {
        let pool = format!("{{ min: {min} }}");
        format!("{FILE}pools: {{ app: {pool}, driver: {pool}, executor: {pool} }}\n")
    };
    let folder = Folder::on(&served, &pools(0));
    let ran = folder.run(&APPLY);
    assert_eq!(ran.code, Some(4), "{}{}", ran.stdout, ran.stderr);
    let told = format!("{}{}", ran.stdout, ran.stderr);
    let words = "InsufficientNumberOfReplicas";
    assert!(told.contains("addon/coredns") && told.contains(words), "{told}");
    assert_eq!(folder.plan(), [""; 0], "a degraded add-on alone is no change");
    folder.write(&pools(1));
    // The autoscaler moves to where there is always a node now.
    let moves = "update autoscaler/deployment";
    let steps = folder.plan();
    assert!(steps.iter().all(|it| it.starts_with("update pool/") || it == moves), "{steps:?}");
    let ran = folder.run(&APPLY);
    let is_well = matches!(ran.code, Some(0 | 4));
    assert!(is_well, "they were degraded when it began: {}{}", ran.stdout, ran.stderr);
    // On an instant clock it is requests that let time pass.
    let boto = Boto::at_home(&served);
    let status = || {
        let addon = eks(&boto, "describe_addon", json!({ "addonName": "coredns" }));
        addon["addon"]["status"].as_str().expect("a status").to_owned()
    };
    assert!((0..8).any(|_| status() == "ACTIVE"), "it is {}", status());
    assert!(folder.ok(&["plan"]).contains("The cluster is as the file says."));
}

#[test]
fn what_eks_does_not_offer_is_told_by_the_plan() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let refused = |rest: &str, words: &[&str]| {
        folder.write(&format!("{FILE}{rest}\n"));
        let ran = folder.run(&["plan"]);
        assert_eq!(ran.code, Some(65), "{}{}", ran.stdout, ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{word} is not in {}", ran.stderr);
        }
    };
    let addon = "eks.addons: EKS has no add-on core-dns for Kubernetes 1.35";
    refused("eks: { addons: [vpc-cni, core-dns] }", &[addon, "did you mean coredns?"]);
    let entry =
        "access: [{ principal: \"arn:aws:iam::123456789012:user/ann\", policy: AmazonEKSEdit }]";
    let policy = "eks.access: EKS has no access policy AmazonEKSEdit";
    refused(&format!("eks: {{ {entry} }}"), &[policy]);
}

/// Somebody else undoes what was made, each in another way.
fn others_undo(boto: &Boto<'_>) {
    let older = json!({ "addonName": "coredns", "addonVersion": "v1.12.4-eksbuild.1" });
    eks(boto, "update_addon", older);
    let told = json!({ "addonName": "vpc-cni",
        "configurationValues": "{\"enableNetworkPolicy\": \"false\"}" });
    eks(boto, "update_addon", told);
    eks(boto, "delete_addon", json!({ "addonName": "metrics-server" }));
    let entry = json!({ "principalArn": "arn:aws:iam::123456789012:user/sandbox",
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy" });
    eks(boto, "disassociate_access_policy", entry);
    let pod = json!({ "namespace": "kube-system", "serviceAccount": "ebs-csi-controller-sa" });
    let pods = eks(boto, "list_pod_identity_associations", pod);
    let role = "arn:aws:iam::123456789012:role/provision-acme-prod-us-east-1-autoscaler";
    let pod = json!({ "associationId": pods["associations"][0]["associationId"], "roleArn": role });
    eks(boto, "update_pod_identity_association", pod);
    let group = group(boto)["AutoScalingGroupName"].clone();
    let tag = |key: &str| json!({ "ResourceId": group, "ResourceType": "auto-scaling-group", "Key": key });
    let hint = "k8s.io/cluster-autoscaler/node-template/label/appNodes";
    boto.call("autoscaling", "delete_tags", &json!({ "Tags": [tag(hint)] }));
    let policy = json!({ "RoleName": "provision-acme-prod-us-east-1-autoscaler",
                         "PolicyName": "autoscaler" });
    boto.call("iam", "delete_role_policy", &policy);
}

#[test]
fn what_others_undid_is_put_back() {
    let served = Served::start();
    // Without its policy the caller sees nothing inside.
    let folder = Folder::on(&served, &format!("{FILE}inCluster: false\n"));
    let boto = Boto::at_home(&served);
    folder.ok(&APPLY);
    others_undo(&boto);
    // On an instant clock it is requests that let time pass.
    folder.plan();
    let mut changes: Vec<_> = folder.changes();
    changes.sort();
    let begin = ["create addon/metrics-server", "create role-policy/autoscaler"];
    let updates = [
        "update access-entry/user/123456789012/sandbox: policies",
        "update addon/coredns: version",
        "update addon/vpc-cni: configuration",
        "update pod-identity/ebs-csi: role",
        "update scaling-tags/app/1c688e46: tags",
    ];
    assert_eq!(changes, [&begin[..], &updates[..]].concat());
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
}

#[test]
fn an_update_of_an_add_on_that_fails_is_sent_again_by_the_next_run_only() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let boto = Boto::at_home(&served);
    folder.ok(&APPLY);
    let older = json!({ "addonName": "coredns", "addonVersion": "v1.12.4-eksbuild.1" });
    eks(&boto, "update_addon", older);
    folder.plan();
    served.faults(&[json!({ "operation": "UpdateAddon", "effect": "capacity" })]);
    let so_far = served.operations().len();
    let ran = folder.run(&APPLY);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert!(told.contains("ConfigurationConflict"), "{told}");
    let sent = served.operations()[so_far..].iter().filter(|it| *it == "UpdateAddon").count();
    assert_eq!(sent, 1, "it is sent once");
    assert_eq!(folder.changes(), ["update addon/coredns: version"]);
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
}

#[test]
fn a_cluster_that_is_still_being_made_has_nothing_within() {
    let served = Served::at("20");
    let folder = Folder::on(&served, FILE);
    let start = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.env("PROVISION_TIME_SCALE", "20").stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("it starts")
    };
    let mut apply = start(&APPLY);
    assert!(served.is_called("CreateCluster", 1, &mut apply), "it ended before");
    std::thread::sleep(Duration::from_millis(500));
    apply.kill().and_then(|()| apply.wait()).expect("it ends");
    let output = start(&["plan", "--json"]).wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let plan: Value = serde_json::from_slice(&output.stdout).expect("a plan is JSON");
    let steps = plan["steps"].as_array().expect("a plan has steps");
    let action = |address: &str| {
        let step = steps.iter().find(|step| step["address"] == address);
        step.map_or(&Value::Null, |step| &step["action"])
    };
    assert_eq!(action("cluster"), "adopt");
    assert_eq!(action("access-entry/user/123456789012/sandbox"), "create");
}

/// Returns what EKS was asked to make, in that order: add-ons by name, and pools.
fn asked(calls: &str) -> Vec<String> {
    let call = |line: &str| -> Value { serde_json::from_str(line).expect("a call is JSON") };
    let made = |call: Value| {
        let path = call["path"].as_str().expect("a call has a path");
        let body = || -> Value {
            serde_json::from_str(call["body"].as_str().unwrap_or_default()).expect("it is JSON")
        };
        match () {
            () if call["method"] != "POST" || call["status"] != 200 => None,
            () if path.ends_with("/addons") => body()["addonName"].as_str().map(str::to_owned),
            () if path.ends_with("/node-groups") => Some("pool".to_owned()),
            () => None,
        }
    };
    calls.lines().map(call).filter_map(made).collect()
}

#[test]
fn what_nodes_need_is_asked_for_before_the_pools_and_the_rest_after_one() {
    let served = Served::start();
    Folder::on(&served, FILE).ok(&APPLY);
    let asked = asked(&served.recorded());
    let first = asked.iter().position(|it| it == "pool").expect("there are pools");
    let (mut before, mut after) = (asked[..first].to_vec(), asked[first..].to_vec());
    before.sort();
    assert_eq!(before, ["eks-pod-identity-agent", "kube-proxy", "vpc-cni"]);
    after.sort();
    let rest = ["aws-ebs-csi-driver", "coredns", "metrics-server", "pool", "pool", "pool"];
    assert_eq!(after, rest);
}

#[test]
fn versions_on_record_are_not_asked_for_again() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&APPLY);
    let asked = || {
        let all = served.operations();
        all.iter().filter(|operation| *operation == "DescribeAddonVersions").count()
    };
    let once = asked();
    assert!(once > 0, "what EKS offers is asked for where nothing is on record");
    assert_eq!(folder.plan(), [""; 0]);
    folder.write(&format!("{FILE}tags: {{ team: a }}\n"));
    folder.ok(&APPLY);
    assert_eq!(asked(), once);
}
