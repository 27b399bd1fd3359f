//! What a living cluster left behind goes with it; volumes only when that is asked for; and
//! nothing of anybody else.
use crate::boto::Boto;
use crate::folder::{FILE, Folder};
use crate::judged::script;
use crate::served::Served;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

/// The tags that the driver for EBS gives to the volume of a claim.
const DRIVER: [&str; 3] = [
    "ebs.csi.aws.com/cluster=true",
    "kubernetes.io/created-for/pvc/name=data",
    "kubernetes.io/created-for/pvc/namespace=default",
];

/// A cluster that has served a while, and what there was before it.
struct Lived {
    served: Served,
    folder: Folder,
    before: Vec<String>,
}

impl Lived {
    fn start() -> Self {
        let served = Served::start();
        let folder = Folder::on(&served, FILE);
        folder.ok(&["plan"]);
        let before = served.objects();
        folder.ok(&["apply", "--auto-approve"]);
        served.event("acme-prod", "workload");
        assert_eq!(folder.plan(), [""; 0], "what a cluster does is no drift");
        Self { served, folder, before }
    }

    /// Returns what there is beside what was there before.
    fn grown(&self) -> Vec<String> {
        let now = self.served.objects();
        now.into_iter().filter(|object| !self.before.contains(object)).collect()
    }
}

fn by_hand(served: &Served, arguments: &[&str]) -> Value {
    let arguments: Vec<_> = arguments.iter().map(Path::new).collect();
    script("tests/sandbox/leftovers.py", &served.url, &arguments)
}

/// Makes a volume like one of a claim of the cluster `owner`, and returns its id.
fn volume(served: &Served, owner: &str) -> String {
    let owner = format!("kubernetes.io/cluster/{owner}");
    let made = by_hand(served, &[&["volume", &owner][..], &DRIVER].concat());
    made.as_str().expect("an id").to_owned()
}

/// Returns what is there once it does not change by itself any more.
fn at_rest<T: PartialEq>(look: impl Fn() -> T) -> T {
    let mut last = look();
    for _ in 0..20 {
        let now = look();
        if now == last {
            return now;
        }
        last = now;
    }
    panic!("it does not come to rest");
}

/// Returns the keys of an object's tags.
fn keys(object: &Value) -> BTreeSet<&str> {
    let tags = object["Tags"].as_array().into_iter().flatten();
    tags.filter_map(|tag| tag["Key"].as_str()).collect()
}

#[test]
fn a_workload_goes_with_its_cluster_and_volumes_stay_unmarked() {
    let lived = Lived::start();
    let there = by_hand(&lived.served, &["show"]);
    let mut all = there.as_object().expect("objects").values().map(keys);
    let told = all.find(|keys| keys.contains("CSIVolumeName")).expect("a volume");
    assert!(told.contains("provision-cluster"), "the driver tells whose it is: {told:?}");
    let shown = lived.folder.ok(&["destroy", "--auto-approve"]);
    for words in [
        "Will be lost",
        "classic load balancer  a",
        "elb.us-east-1.amazonaws.com",
        "Kubernetes 1.35",
        "1 of t3.2xlarge",
    ] {
        assert!(shown.contains(words), "{words} is not in {shown}");
    }
    let new = lived.grown();
    let [volume] = &new[..] else { panic!("not one volume: {new:?}") };
    let id = volume.rsplit(' ').next().unwrap_or_default().trim_matches('"');
    let of = "20 GiB of claim default/data-postgresql-0";
    let (_, kept) = shown.split_once("Will stay").expect("a volume stays");
    assert!(kept.contains(id) && kept.contains(of), "{kept}");
    let (_, end) = shown.split_once("Destroyed").expect("it ends");
    let (_, stays) =
        end.split_once("Kept, without the marks of the cluster").expect("it is told again");
    assert!(stays.contains(id) && stays.contains(of), "{stays}");
    let there = by_hand(&lived.served, &["show"]);
    let told = keys(&there[id]);
    assert!(told.contains("kubernetes.io/created-for/pvc/name"), "{told:?}");
    let marks = ["kubernetes.io/cluster/acme-prod", "ebs.csi.aws.com/cluster", "provision-cluster"];
    for mark in marks {
        assert!(!told.contains(mark), "{told:?}");
    }
    lived.folder.ok(&["destroy", "--auto-approve", "--delete-volumes"]);
    assert_eq!(lived.grown(), new, "it is nobody's any more");
}

#[test]
fn volumes_go_when_that_is_asked_for() {
    let lived = Lived::start();
    let there = lived.served.objects();
    let shown = lived.folder.ok(&["destroy", "--auto-approve", "--delete-volumes", "--json"]);
    let planned: Value = serde_json::from_str(shown.lines().next().expect("a line")).expect("JSON");
    let goes = |address: &str| {
        let steps = planned["plan"]["steps"].as_array().expect("steps");
        let step = steps.iter().find(|step| step["address"] == address).expect("it goes");
        step["object"].as_str().expect("it is named").to_owned()
    };
    for (kind, address) in [
        ("ec2.vpc", "vpc"),
        ("ec2.nat_gateway", "nat-gateway/us-east-1a"),
        ("iam.role", "role/node"),
        ("eks.cluster", "cluster"),
    ] {
        let (kind, id) = (format!("\"{kind}\" "), format!("{}\"", goes(address)));
        let is_there = |it: &String| it.starts_with(&kind) && it.ends_with(&id);
        assert!(there.iter().any(is_there), "{address} is no {kind}{id}");
    }
    let losses = planned["plan"]["losses"].as_array().expect("losses").clone();
    let volume = losses.iter().find(|loss| loss["what"] == "volume").expect("a volume");
    assert_eq!(
        (&volume["kept"], &volume["becomes"]),
        (&json!(false), &json!("goes with everything on it"))
    );
    assert_eq!(lived.grown(), [""; 0]);
}

#[test]
fn a_cluster_that_somebody_took_away_leaves_nothing_either() {
    let lived = Lived::start();
    by_hand(&lived.served, &["nameless"]);
    by_hand(&lived.served, &["lose", "acme-prod"]);
    std::fs::remove_file(lived.folder.path("provision.yaml")).expect("it is there");
    let state = ["--state", "acme-prod.state.jsonl"];
    lived.folder.ok(&[&["destroy", "--auto-approve", "--delete-volumes"][..], &state].concat());
    assert_eq!(lived.grown(), [""; 0]);
}

#[test]
fn a_lost_state_is_no_lost_cluster() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let nothing = folder.ok(&["destroy", "--auto-approve"]);
    assert_eq!(nothing, "Nothing to destroy: there is no state at acme-prod.state.jsonl.\n");
    folder.ok(&["apply", "--auto-approve"]);
    let before = served.objects();
    std::fs::remove_file(folder.path("acme-prod.state.jsonl")).expect("there is a state");
    let ran = folder.run(&["destroy", "--auto-approve"]);
    assert_eq!(ran.code, Some(65), "{}{}", ran.stdout, ran.stderr);
    for words in ["there is no state at acme-prod.state.jsonl, and", "objects", "vpc-", "--adopt"] {
        assert!(ran.stderr.contains(words), "{words} is not in {}", ran.stderr);
    }
    assert_eq!(served.objects(), before);
}

#[test]
fn volumes_go_also_where_the_state_lost_all_but_its_header() {
    let lived = Lived::start();
    let state = lived.folder.path("acme-prod.state.jsonl");
    let text = std::fs::read_to_string(&state).expect("a state");
    let (header, _) = text.split_once('\n').expect("a header");
    std::fs::write(&state, format!("{header}\n")).expect("it can be written");
    lived.folder.ok(&["destroy", "--auto-approve", "--delete-volumes"]);
    assert_eq!(lived.grown(), [""; 0]);
}

#[test]
fn volumes_go_also_where_the_role_of_the_cluster_was_made_anew() {
    let lived = Lived::start();
    let boto = Boto::at_home(&lived.served);
    let role = json!({ "RoleName": "provision-acme-prod-us-east-1-cluster" });
    let attached = boto.call("iam", "list_attached_role_policies", &role);
    for policy in attached["AttachedPolicies"].as_array().expect("a list") {
        let its = json!({ "RoleName": role["RoleName"], "PolicyArn": policy["PolicyArn"] });
        boto.call("iam", "detach_role_policy", &its);
    }
    let before = boto.call("iam", "get_role", &role)["Role"].clone();
    boto.call("iam", "delete_role", &role);
    let trust = before["AssumeRolePolicyDocument"].to_string();
    let again = json!({ "RoleName": role["RoleName"], "Tags": before["Tags"],
                        "AssumeRolePolicyDocument": trust });
    boto.call("iam", "create_role", &again);
    lived.folder.ok(&["apply", "--auto-approve"]);
    lived.folder.ok(&["destroy", "--auto-approve", "--delete-volumes"]);
    assert_eq!(lived.grown(), [""; 0]);
}

#[test]
fn what_is_of_others_stays_as_it_is() {
    let served = Served::start();
    let former = volume(&served, "acme-prod=owned");
    let folder = Folder::on(&served, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    by_hand(&served, &["neighbour", "acme-prod-b"]);
    served.event("acme-prod-b", "workload");
    let theirs: BTreeSet<String> = {
        let there = by_hand(&served, &["show"]);
        let all = there.as_object().expect("objects");
        let is_theirs = |(_, it): &(&String, &Value)| {
            it.to_string().contains("acme-prod-b") || it["RequesterId"] == "amazon-elb"
        };
        all.iter().filter(is_theirs).map(|(id, _)| id.clone()).collect()
    };
    assert!(theirs.len() >= 8, "{theirs:?}");
    let like_ours = ["acme-prod-b=owned", "acme-prod=shared", "acme=owned", "acme-prod/=owned"];
    let like_ours = like_ours.map(|owner| volume(&served, owner));
    let decoys = || {
        let there = by_hand(&served, &["show"]);
        let all = theirs.iter().chain(&like_ours).chain([&former]);
        all.map(|id| (id.clone(), there[id].clone())).collect::<Vec<_>>()
    };
    let before = at_rest(decoys);
    served.event("acme-prod", "workload");

    let ran = folder.run(&["destroy", "--auto-approve", "--delete-volumes"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("leftovers: deleted"), "{}", ran.stdout);
    assert!(ran.stdout.contains("DependencyViolation"), "{}", ran.stdout);
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let look = "`aws ec2 describe-network-interfaces --region us-east-1 --filters Name=subnet-id,Values=subnet-";
    assert!(told.contains(look), "{told}");
    assert_eq!(decoys(), before);
    let there = by_hand(&served, &["show"]);
    let ours = there.to_string();
    assert!(!ours.contains("\"acme-prod\""), "something of ours is left: {there:#}");
}

#[test]
fn what_keeps_a_network_can_be_found_with_what_is_said() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let boto = Boto::at_home(&served);
    let ours = json!({ "Filters": [{ "Name": "tag:provision-cluster", "Values": ["acme-prod"] }] });
    let vpc = boto.call("ec2", "describe_vpcs", &ours)["Vpcs"][0]["VpcId"].clone();
    let group = json!({ "GroupName": "theirs", "Description": "theirs", "VpcId": vpc });
    let group = boto.call("ec2", "create_security_group", &group)["GroupId"].clone();
    let ran = folder.run(&["destroy", "--auto-approve"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let vpc = vpc.as_str().expect("it has an id");
    let look = format!(
        "`aws ec2 describe-security-groups --region us-east-1 --filters Name=vpc-id,Values={vpc}`"
    );
    assert!(told.contains(&look), "{told}");
    boto.call("ec2", "delete_security_group", &json!({ "GroupId": group }));
    folder.ok(&["destroy", "--auto-approve"]);
}

#[test]
fn what_turns_up_after_the_plan_is_named_and_goes_the_next_time() {
    let lived = Lived::start();
    let boto = Boto::at_home(&lived.served);
    let addresses = boto.call("ec2", "describe_addresses", &json!({}));
    let mut tags = addresses["Addresses"][0]["Tags"].clone();
    for tag in tags.as_array_mut().expect("it has tags") {
        if tag["Key"] == "provision-address" {
            tag["Value"] = json!("elastic-ip/late");
        }
    }
    lived.served.faults(&[json!({ "operation": "DeleteVpc", "effect": "hang" })]);
    let mut command = lived.folder.command(&["destroy", "--auto-approve", "--delete-volumes"]);
    let mut destroy = command.stdout(Stdio::piped()).spawn().expect("it starts");
    assert!(lived.served.is_called("DeleteVpc", 1, &mut destroy), "it ended before");
    let late = json!({ "Domain": "vpc",
        "TagSpecifications": [{ "ResourceType": "elastic-ip", "Tags": tags }] });
    boto.call("ec2", "allocate_address", &late);
    let output = destroy.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(!told.contains("Failed"), "no step failed: {told}");
    let (_, there) = told.split_once("Still in the cloud").expect("something is left");
    assert!(there.contains("elastic-ip/late"), "{there}");
    lived.folder.ok(&["destroy", "--auto-approve"]);
    assert_eq!(lived.grown(), [""; 0]);
}

#[test]
fn what_cannot_go_is_named_and_goes_the_next_time() {
    let lived = Lived::start();
    lived
        .served
        .faults(&[json!({ "operation": "DeleteLoadBalancer", "effect": "denied", "count": 1000 })]);
    let ran = lived.folder.run(&["destroy", "--auto-approve", "--delete-volumes"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    let (_, end) = ran.stdout.split_once("Failed").expect("a step failed");
    for words in
        ["elasticloadbalancing:DeleteLoadBalancer", "load balancer k8s-ingress-nginx-", "request "]
    {
        assert!(end.contains(words), "{words} is not in {end}");
    }
    let (_, there) = end.split_once("Still in the cloud").expect("something is left");
    for what in ["load balancer k8s-ingress-nginx-", "security group"] {
        assert!(there.contains(what), "{what} is not in {there}");
    }
    assert!(!there.contains("volume vol-"), "it is kept by nothing: {there}");
    let again = "\n  provision destroy --delete-volumes --auto-approve\n";
    assert!(there.contains(again), "what was asked for is asked for again: {there}");
    lived.served.faults(&[]);
    lived.folder.ok(&["destroy", "--auto-approve", "--delete-volumes"]);
    assert_eq!(lived.grown(), [""; 0]);
}

#[test]
fn a_run_that_dies_while_it_removes_them_is_gone_on_with() {
    for operation in ["DeleteLoadBalancer", "DeleteSecurityGroup"] {
        let lived = Lived::start();
        lived.served.faults(&[json!({ "operation": operation, "effect": "hang", "count": 1 })]);
        let arguments = ["destroy", "--auto-approve", "--delete-volumes"];
        let mut run =
            lived.folder.command(&arguments).stdout(Stdio::null()).spawn().expect("it runs");
        assert!(lived.served.is_called(operation, 1, &mut run), "it ended before {operation}");
        run.kill().and_then(|()| run.wait()).expect("it ends");
        lived.served.faults(&[]);
        lived.folder.ok(&arguments);
        assert_eq!(lived.grown(), [""; 0], "{operation}");
    }
}

#[test]
fn a_rule_of_somebody_else_that_keeps_a_group_of_ours_is_told_at_once() {
    let lived = Lived::start();
    let boto = Boto::at_home(&lived.served);
    let ours = json!({ "Filters": [{ "Name": "tag:provision-address", "Values": ["vpc"] }] });
    let vpc = boto.call("ec2", "describe_vpcs", &ours)["Vpcs"][0]["VpcId"].clone();
    let group = |name: &str, tags: Value| {
        let its = json!({ "GroupName": name, "Description": name, "VpcId": vpc,
            "TagSpecifications": [{ "ResourceType": "security-group", "Tags": tags }] });
        boto.call("ec2", "create_security_group", &its)["GroupId"].clone()
    };
    let owned = json!([{ "Key": "kubernetes.io/cluster/acme-prod", "Value": "owned" }]);
    let balanced = group("k8s-elb-of-ours", owned);
    let theirs = group("database", json!([{ "Key": "team", "Value": "data" }]));
    let rule = json!({ "GroupId": theirs, "IpPermissions": [{ "IpProtocol": "tcp",
        "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{ "GroupId": balanced }] }] });
    boto.call("ec2", "authorize_security_group_ingress", &rule);
    let theirs = theirs.as_str().expect("an id");
    let ran = lived.folder.run(&["destroy", "--auto-approve", "--delete-volumes"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = format!("security group {theirs}, which is not ours, has a rule that names it");
    let what = format!("--group-ids {theirs}` shows that rule");
    assert!(told.contains(&why) && told.contains(&what), "{told}");
    assert!(!told.contains("not done after"), "nobody waits for somebody else: {told}");
    boto.call("ec2", "delete_security_group", &json!({ "GroupId": theirs }));
    lived.folder.ok(&["destroy", "--auto-approve", "--delete-volumes"]);
    assert_eq!(lived.grown(), [""; 0]);
}
