//! What others do to what is ours, or leave in it.
use crate::boto::Boto;
use crate::folder::{FILE, Folder, Ran};
use crate::served::Served;
use serde_json::{Value, json};
use std::process::Stdio;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const DESTROY: [&str; 2] = ["destroy", "--auto-approve"];

/// Applies a file, and returns what there was before.
fn built(served: &Served, folder: &Folder) -> Vec<String> {
    folder.ok(&["plan"]);
    let before = served.objects();
    folder.ok(&APPLY);
    before
}

fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
    let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(told.contains(word), "{word} is not in {told}");
    }
}

/// Returns an object of EC2 that carries an address of ours.
fn at(boto: &Boto<'_>, method: &str, list: &str, address: &str) -> Value {
    let filter = json!({ "Filters": [{ "Name": "tag:provision-address", "Values": [address] }] });
    boto.call("ec2", method, &filter)[list][0].clone()
}

#[test]
fn a_node_group_of_somebody_else_is_named_before_anything_goes() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let before = built(&served, &folder);
    let boto = Boto::at_home(&served);
    let cluster = json!({ "clusterName": "acme-prod" });
    let groups = boto.call("eks", "list_nodegroups", &cluster)["nodegroups"].clone();
    let ours = json!({ "clusterName": "acme-prod", "nodegroupName": groups[0] });
    let ours = boto.call("eks", "describe_nodegroup", &ours)["nodegroup"].clone();
    let theirs = json!({ "clusterName": "acme-prod", "nodegroupName": "gpu",
        "nodeRole": ours["nodeRole"], "subnets": ours["subnets"] });
    boto.call("eks", "create_nodegroup", &theirs);
    assert_eq!(folder.plan(), [""; 0], "it is nothing to a plan");

    let there = served.objects();
    let words = ["node group gpu in cluster acme-prod is not ours", "aws eks delete-nodegroup"];
    refused(&folder.run(&DESTROY), 1, &words);
    assert_eq!(served.objects(), there, "nothing was changed");

    let gone = json!({ "clusterName": "acme-prod", "nodegroupName": "gpu" });
    boto.call("eks", "delete_nodegroup", &gone);
    while boto.call("eks", "list_nodegroups", &cluster).to_string().contains("gpu") {}
    folder.ok(&DESTROY);
    let now = served.objects();
    assert_eq!(now, before);
}

#[test]
fn a_pool_whose_template_lost_its_version_is_degraded_can_be_replaced_and_goes() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let before = built(&served, &folder);
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
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let before = built(&served, &folder);
    let boto = Boto::at_home(&served);
    let strip = |id: &Value| {
        let marks = ["provision-lineage", "provision-address", "provision-cluster"];
        let marks = marks.map(|key| json!({ "Key": key }));
        boto.call("ec2", "delete_tags", &json!({ "Resources": [id], "Tags": marks }));
    };
    let subnet = at(&boto, "describe_subnets", "Subnets", "subnet/public/us-east-1b");
    strip(&subnet["SubnetId"]);
    folder.run(&["plan"]);
    let words =
        ["is not ours", "`provision apply` with `--adopt ADDRESS`", "`provision state forget"];
    let ran = folder.run(&DESTROY);
    refused(&ran, 1, &words);
    assert!(!ran.stderr.contains("rename the cluster"), "{}", ran.stderr);
    folder.ok(&["apply", "--auto-approve", "--adopt", "subnet/public/us-east-1b"]);

    let address = "elastic-ip/us-east-1a";
    let ip = at(&boto, "describe_addresses", "Addresses", address)["AllocationId"].clone();
    strip(&ip);
    folder.ok(&["state", "forget", address]);
    let adopt = format!("{address}={}", ip.as_str().expect("it has an id"));
    let ran = folder.run(&["plan", "--adopt", "role/node=node"]);
    refused(&ran, 64, &["is found by its name", "write `--adopt role/node`"]);
    let told = folder.ok(&["apply", "--auto-approve", "--adopt", &adopt]);
    assert!(told.contains("1 adopted"), "{told}");
    assert_eq!(folder.plan(), [""; 0]);
    folder.ok(&DESTROY);
    assert_eq!(served.objects(), before);
}

#[test]
fn what_a_run_that_died_gave_away_goes_when_nobody_wants_it_any_more() {
    let served = Served::start();
    let bob = "arn:aws:iam::123456789012:user/bob";
    let access = |policy: &str, more: &str| {
        let ours = "arn:aws:iam::123456789012:user/sandbox";
        format!(
            "{FILE}eks:\n  access:\n    - {{ principal: \"{ours}\", policy: AmazonEKSClusterAdminPolicy }}\n    \
             - {{ principal: \"{bob}\", policy: {policy} }}\n{more}"
        )
    };
    let folder = Folder::on(&served, &access("AmazonEKSViewPolicy", ""));
    folder.ok(&APPLY);
    folder.write(&access("AmazonEKSClusterAdminPolicy", "tags: { cost: \"1\" }\n"));
    // Done, and the run dies before it hears of it.
    for operation in ["AssociateAccessPolicy", "TagRole"] {
        served.faults(&[
            json!({ "operation": operation, "effect": "error-after" }),
            json!({ "operation": operation, "nth": 2, "effect": "hang" }),
        ]);
        let mut run = folder
            .command(&APPLY)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        assert!(served.is_called(operation, 1, &mut run), "it ended before {operation}");
        run.kill().and_then(|()| run.wait()).expect("it ends");
        served.faults(&[]);
    }
    folder.write(&access("AmazonEKSViewPolicy", ""));
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    let boto = Boto::at_home(&served);
    let entry = json!({ "clusterName": "acme-prod", "principalArn": bob });
    let policies = boto.call("eks", "list_associated_access_policies", &entry);
    let policies = policies["associatedAccessPolicies"].as_array().expect("a list").clone();
    assert!(
        policies.len() == 1 && policies[0]["policyArn"].to_string().contains("ViewPolicy"),
        "{policies:?}"
    );
    let world = String::from_utf8(served.world()).expect("it is text");
    assert!(!world.contains("\"cost\""), "a tag that nobody wants is still there");
}

#[test]
fn the_roles_of_pods_outlive_their_cluster() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&APPLY);
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
