//! What others do to what is ours, or leave in it.
use crate::boto::Boto;
use crate::crash::killed_at;
use crate::folder::{FILE, Folder};
use crate::phase;
use crate::served::Served;
use serde_json::{Value, json};

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const DESTROY: [&str; 2] = ["destroy", "--auto-approve"];

/// Returns a world with a cluster of the shortest file, its folder, and what there was before.
fn built() -> (Served, Folder, Vec<String>) {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&["plan"]);
    let before = served.objects();
    folder.ok(&APPLY);
    (served, folder, before)
}

/// Returns an object of EC2 that carries an address of ours.
fn at(boto: &Boto<'_>, method: &str, list: &str, address: &str) -> Value {
    let filter = json!({ "Filters": [{ "Name": "tag:provision-address", "Values": [address] }] });
    boto.call("ec2", method, &filter)[list][0].clone()
}

#[test]
fn what_keeps_a_cluster_is_named_before_anything_goes() {
    let (served, folder, before) = built();
    let boto = Boto::at_home(&served);
    let cluster = json!({ "clusterName": "acme-prod" });
    boto.make_node_group("gpu");
    assert_eq!(folder.plan(), [""; 0], "it is nothing to a plan");

    let there = served.objects();
    let words = ["node group gpu in cluster acme-prod is not ours", "aws eks delete-nodegroup"];
    folder.run(&DESTROY).refused(1, &words);
    folder.run(&["plan", "--replace", "cluster"]).refused(1, &words);
    folder.run(&["apply", "--replace", "cluster", "--auto-approve"]).refused(1, &words);
    assert_eq!(served.objects(), there, "nothing was changed");

    let gone = json!({ "clusterName": "acme-prod", "nodegroupName": "gpu" });
    boto.call("eks", "delete_nodegroup", &gone);
    // On an instant clock it is requests that let time pass.
    let is_there = || boto.call("eks", "list_nodegroups", &cluster).to_string().contains("gpu");
    assert!((0..200).any(|_| !is_there()), "it goes");
    serverless(&boto, &folder);
    let there = served.objects();
    let words =
        ["Fargate profile jobs in cluster acme-prod is not ours", "aws eks delete-fargate-profile"];
    folder.run(&DESTROY).refused(1, &words);
    assert_eq!(served.objects(), there, "nothing was changed");
    let gone = json!({ "clusterName": "acme-prod", "fargateProfileName": "jobs" });
    boto.call("eks", "delete_fargate_profile", &gone);
    let profiles = || boto.call("eks", "list_fargate_profiles", &cluster).to_string();
    assert!((0..200).any(|_| !profiles().contains("jobs")), "it goes");
    boto.call("iam", "delete_role", &json!({ "RoleName": "jobs" }));
    let protection = |is_on: bool| {
        let config = json!({ "name": "acme-prod", "deletionProtection": is_on });
        boto.call("eks", "update_cluster_config", &config);
        (0..3).for_each(|_| drop(folder.plan()));
    };
    protection(true);
    let there = served.objects();
    let words = ["cluster acme-prod has deletion protection", "--no-deletion-protection"];
    folder.run(&DESTROY).refused(1, &words);
    assert_eq!(served.objects(), there, "nothing was changed");
    protection(false);
    folder.ok(&DESTROY);
    assert_eq!(served.objects(), before);
}

/// Somebody lets pods of a namespace run on Fargate.
fn serverless(boto: &Boto<'_>, folder: &Folder) {
    let pods = json!({ "Service": "eks-fargate-pods.amazonaws.com" });
    let statement = json!({ "Effect": "Allow", "Principal": pods, "Action": "sts:AssumeRole" });
    let trust = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let role = json!({ "RoleName": "jobs", "AssumeRolePolicyDocument": trust });
    let role = boto.call("iam", "create_role", &role)["Role"]["Arn"].clone();
    // On an instant clock it is requests that let time pass.
    folder.plan();
    let profile = json!({ "clusterName": "acme-prod", "fargateProfileName": "jobs",
        "podExecutionRoleArn": role, "selectors": [{ "namespace": "jobs" }] });
    boto.call("eks", "create_fargate_profile", &profile);
}

#[test]
fn a_pool_whose_template_lost_its_version_is_degraded_can_be_replaced_and_goes() {
    let (served, folder, before) = built();
    let boto = Boto::at_home(&served);
    let all = boto.call("ec2", "describe_launch_templates", &json!({}));
    let all = all["LaunchTemplates"].as_array().expect("a list").clone();
    let lost = |pool: &str| {
        let name = format!("provision/acme-prod/{pool}/");
        let is_its =
            |it: &&Value| it["LaunchTemplateName"].as_str().is_some_and(|it| it.starts_with(&name));
        let id = all.iter().find(is_its).expect("the pool has one")["LaunchTemplateId"].clone();
        let next = json!({ "LaunchTemplateId": id, "SourceVersion": "1",
            "LaunchTemplateData": { "Monitoring": { "Enabled": true } } });
        boto.call("ec2", "create_launch_template_version", &next);
        let second = json!({ "LaunchTemplateId": id, "DefaultVersion": "2" });
        boto.call("ec2", "modify_launch_template", &second);
        let first = json!({ "LaunchTemplateId": id, "Versions": ["1"] });
        boto.call("ec2", "delete_launch_template_versions", &first);
    };
    lost("app");
    // On an instant clock it is requests that let time pass.
    folder.ok(&["plan"]);
    let plan: Value = serde_json::from_str(&folder.ok(&["plan", "--json"])).expect("it is JSON");
    assert_eq!(plan["steps"], json!([]));
    assert!(plan["degraded"].to_string().contains("deleted its first version"), "{plan:#}");
    folder.ok(&["apply", "--auto-approve", "--replace", "pool/app"]);
    assert_eq!(folder.plan(), [""; 0]);
    lost("driver");
    folder.ok(&DESTROY);
    assert_eq!(served.objects(), before);
}

#[test]
fn what_lost_its_marks_is_adopted_by_its_id_or_forgotten() {
    let (served, folder, before) = built();
    let boto = Boto::at_home(&served);
    let strip = |id: &Value| {
        let marks = ["provision-lineage", "provision-address", "provision-cluster"];
        let marks = marks.map(|key| json!({ "Key": key }));
        boto.call("ec2", "delete_tags", &json!({ "Resources": [id], "Tags": marks }));
    };
    let subnet = at(&boto, "describe_subnets", "Subnets", "subnet/public/us-east-1b");
    strip(&subnet["SubnetId"]);
    // On an instant clock it is requests that let time pass.
    folder.run(&["plan"]);
    let words =
        ["is not ours", "`provision apply` with `--adopt ADDRESS`", "`provision state forget"];
    let ran = folder.run(&DESTROY);
    ran.refused(1, &words);
    assert!(!ran.stderr.contains("rename the cluster"), "{}", ran.stderr);
    folder.ok(&["apply", "--auto-approve", "--adopt", "subnet/public/us-east-1b"]);

    let address = "elastic-ip/us-east-1a";
    let ip = at(&boto, "describe_addresses", "Addresses", address)["AllocationId"].clone();
    strip(&ip);
    folder.ok(&["state", "forget", address]);
    let adopt = format!("{address}={}", ip.as_str().expect("it has an id"));
    let ran = folder.run(&["plan", "--adopt", "role/node=node"]);
    ran.refused(64, &["is found by its name", "write `--adopt role/node`"]);
    let told = folder.ok(&["apply", "--auto-approve", "--adopt", &adopt]);
    assert!(told.contains("1 adopted"), "{told}");
    assert_eq!(folder.plan(), [""; 0]);
    folder.ok(&DESTROY);
    assert_eq!(served.objects(), before);
}

/// Kills an apply of a file after it made a call that takes hold.
fn killed_after(served: &Served, folder: &Folder, file: &str, operation: &str) {
    folder.write(file);
    let so_far = served.operations().iter().filter(|it| *it == operation).count();
    served.faults(&[json!({ "operation": operation, "effect": "hang-after" })]);
    killed_at(folder, served, operation, so_far + 1);
    served.faults(&[]);
}

#[test]
fn what_a_run_that_died_gave_away_goes_when_nobody_wants_it_any_more() {
    let served = Served::start();
    let access = |policy| format!("{FILE}eks: {{ {} }}\n", phase::access(&[("bob", policy)]));
    let first = access("View");
    let folder = Folder::on(&served, &first);
    folder.ok(&APPLY);
    let boto = Boto::at_home(&served);
    let policies = || {
        let entry = json!({ "clusterName": "acme-prod",
            "principalArn": "arn:aws:iam::123456789012:user/bob" });
        let all = boto.call("eks", "list_associated_access_policies", &entry);
        let all = all["associatedAccessPolicies"].as_array().expect("a list").clone();
        all.iter().map(|it| it["policyArn"].to_string()).collect::<Vec<_>>()
    };
    killed_after(&served, &folder, &access("ClusterAdmin"), "AssociateAccessPolicy");
    assert!(policies().iter().any(|it| it.contains("ClusterAdmin")), "it was given");
    folder.write(&first);
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    let now = policies();
    assert!(now.len() == 1 && now[0].contains("ViewPolicy"), "{now:?}");

    let tagged = format!("{first}tags: {{ cost: \"1\" }}\n");
    let is_tagged = || served.everything().iter().any(|it| it.to_string().contains("\"cost\""));
    killed_after(&served, &folder, &tagged, "TagRole");
    assert!(is_tagged(), "it was set");
    folder.write(&first);
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    assert!(!is_tagged(), "a tag that nobody wants is still there");
}

#[test]
fn what_was_never_set_and_others_have_stays_theirs() {
    let (served, folder, _) = built();
    let boto = Boto::at_home(&served);
    let vpc = at(&boto, "describe_vpcs", "Vpcs", "vpc")["VpcId"].clone();
    let theirs = json!({ "Resources": [vpc], "Tags": [{ "Key": "cost", "Value": "42" }] });
    boto.call("ec2", "create_tags", &theirs);
    // On an instant clock it is requests that let time pass.
    assert_eq!(folder.plan(), [""; 0]);
    served.faults(&[json!({ "operation": "CreateTags", "effect": "denied", "count": 1000 })]);
    folder.write(&format!("{FILE}tags: {{ cost: \"1\" }}\n"));
    assert_eq!(folder.run(&APPLY).code, Some(1));
    served.faults(&[]);
    folder.write(FILE);
    folder.ok(&APPLY);
    let tags = at(&boto, "describe_vpcs", "Vpcs", "vpc")["Tags"].to_string();
    assert!(tags.contains("\"cost\"") && tags.contains("\"42\""), "{tags}");
}

#[test]
fn the_roles_of_pods_outlive_their_cluster() {
    let (served, folder, _) = built();
    let so_far = served.history().len();
    folder.ok(&DESTROY);
    let history = served.history().split_off(so_far);
    let gone = |kind: &str, name: &str| {
        let is_it = |moment: &Value| {
            let id = moment["id"].as_str().is_some_and(|id| id.ends_with(name));
            moment["kind"] == kind && id && moment["status"].is_null()
        };
        history.iter().position(is_it).unwrap_or_else(|| panic!("{kind} {name} does not go"))
    };
    let cluster = gone("eks.cluster", "acme-prod");
    for of in ["ebs-csi", "autoscaler"] {
        let role = gone("iam.role", &format!("provision-acme-prod-us-east-1-{of}"));
        assert!(cluster < role, "{of}: {role} is before {cluster}");
    }
}
