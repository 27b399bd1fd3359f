//! Every field of the cluster file that can change, one at a time: the plan shows exactly that
//! change, applying it makes the plan empty, what is of somebody else stays as it is, and at the end
//! nothing is left.
use crate::boto::Boto;
use crate::folder::{FILE, Folder};
use crate::life::Life;
use crate::phase::PHASES;
use crate::served::Served;
use crate::world;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use table::{EDITS, Edit};

mod table;

/// What cannot be edited alone, and why, or what tests it.
const ELSEWHERE: [(&str, &str); 15] = [
    ("aks", "of another provider"),
    ("gke", "of another provider"),
    ("oke", "of another provider"),
    ("name", "what the cluster is"),
    ("provider", "what the cluster is"),
    ("region", "what the cluster is"),
    ("network.cidr", "capacity.rs: it is refused"),
    ("profile", "only a set of defaults"),
    ("kubernetes.version", "upgrade.rs"),
    ("eks.account", "roles.rs; it is where the cluster is"),
    ("eks.assumeRole.arn", "roles.rs"),
    ("eks.assumeRole.externalId", "roles.rs"),
    ("tags", "the test of tags"),
    ("manifests", "manifests.rs"),
    ("storageClasses.kind", "it has one value"),
];

/// Takes the generation off an address, which says nothing of what changes.
fn step(step: &str) -> String {
    let (head, fields) = step.split_once(':').map_or((step, ""), |(head, rest)| (head, rest));
    let generations = ["pool/", "launch-template/", "scaling-tags/"];
    let is_one = generations.iter().any(|it| head.contains(it)) && head.matches('/').count() == 2;
    let head = if is_one { head.rsplit_once('/').map_or(head, |(head, _)| head) } else { head };
    if fields.is_empty() { head.to_owned() } else { format!("{head}:{fields}") }
}

fn planned(folder: &Folder) -> Vec<String> {
    let mut steps: Vec<_> = folder.changes().iter().map(|it| step(it)).collect();
    steps.sort();
    steps
}

#[test]
fn every_field_changes_alone() {
    let Life { served, mut folder } = Life::from(&PHASES[0].before, FILE);
    folder.set("REGISTRY_TOKEN", "one-token");
    fs::write(folder.path("token"), "another-token\n").expect("it can be written");
    folder.ok(&["plan"]);
    let before = world::ids(&served.world());
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);
    for Edit { what, rest, steps } in EDITS {
        folder.write(&format!("{FILE}{rest}"));
        assert_eq!(planned(&folder), *steps, "{what}");
        folder.ok(&["apply", "--auto-approve"]);
        assert_eq!(folder.plan(), [""; 0], "{what}: applied");
        PHASES[0].spares(&served.world());
    }
    folder.ok(&["destroy", "--auto-approve"]);
    folder.ok(&["plan"]);
    assert_eq!(world::ids(&served.world()), before);
    PHASES[0].spares(&served.world());
}

/// Adds the paths of the fields of a part of the schema, such as `pools.max`.
fn fields(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let mut parts = vec![schema, &schema["items"]];
    for several in ["oneOf", "anyOf"] {
        parts.extend(schema[several].as_array().into_iter().flatten());
    }
    let its: Vec<_> = parts.iter().filter_map(|part| part["properties"].as_object()).collect();
    if its.is_empty() {
        found.insert(path.to_owned());
    }
    for (name, field) in its.into_iter().flatten() {
        match path {
            "" => fields(field, name, found),
            _ => fields(field, &format!("{path}.{name}"), found),
        }
    }
}

#[test]
fn every_field_of_the_schema_is_edited() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/provision.schema.json");
    let schema = fs::read_to_string(file).expect("there is a schema");
    let mut schema: Value = serde_json::from_str(&schema).expect("it is JSON");
    // Its fields are the names of pools, which all have the same fields.
    schema["properties"]["pools"] = schema["$defs"]["pool"].take();
    let mut all = BTreeSet::new();
    fields(&schema, "", &mut all);
    assert!(all.contains("pools.max") && all.contains("eks.permissionsBoundary"), "{all:?}");
    let edited = EDITS.iter().map(|edit| edit.what.split(',').next().unwrap_or_default());
    let edited: Vec<String> = edited
        .map(|what| what.replace(".app.", ".").replace(".executor.", "."))
        .chain(ELSEWHERE.map(|(field, _)| field.to_owned()))
        .collect();
    let missing: Vec<_> = all.iter().filter(|field| !edited.contains(field)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn tags_reach_everything_that_takes_some_and_change_nothing_else() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    folder.write(&format!("{FILE}tags: {{ team: platform }}\n"));
    let steps = planned(&folder);
    let fields: BTreeSet<&str> = steps
        .iter()
        .flat_map(|step| step.split_once(": ").map_or("", |(_, fields)| fields).split(' '))
        .collect();
    assert!(steps.iter().all(|step| step.starts_with("update ")), "{steps:?}");
    assert_eq!(fields, ["tags"].into());
    for reached in ["vpc", "cluster", "role/node", "log-group", "nat-gateway/us-east-1a"] {
        assert!(steps.contains(&format!("update {reached}: tags")), "{reached}: {steps:?}");
    }
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);
}

/// Returns how many nodes each group is meant to have.
fn sizes(boto: &Boto<'_>) -> Vec<Value> {
    let groups = boto.call("autoscaling", "describe_auto_scaling_groups", &json!({}));
    let groups = groups["AutoScalingGroups"].as_array().expect("a list").clone();
    groups.into_iter().map(|group| group["DesiredCapacity"].clone()).collect()
}

#[test]
fn what_an_autoscaler_and_a_policy_of_tags_change_is_no_drift() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let boto = Boto::at_home(&served);
    let before = sizes(&boto);
    served.event("acme-prod", "autoscaler");
    let mut rounds = 0..40;
    assert!(
        rounds.any(|_| {
            assert_eq!(folder.plan(), [""; 0]);
            sizes(&boto) != before
        }),
        "{before:?}"
    );

    let of_ours =
        json!({ "Filters": [{ "Name": "tag:provision-cluster", "Values": ["acme-prod"] }] });
    let mut resources = Vec::new();
    for (method, all, id) in [
        ("describe_addresses", "Addresses", "AllocationId"),
        ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        ("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
        ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
        ("describe_route_tables", "RouteTables", "RouteTableId"),
        ("describe_subnets", "Subnets", "SubnetId"),
        ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
        ("describe_vpcs", "Vpcs", "VpcId"),
    ] {
        let found = boto.call("ec2", method, &of_ours);
        let found = found[all].as_array().filter(|found| !found.is_empty()).expect(method);
        resources.extend(found.iter().map(|it| it[id].clone()));
    }
    let tags = json!([{ "Key": "cost-center", "Value": "of a policy" }]);
    boto.call("ec2", "create_tags", &json!({ "Resources": resources, "Tags": tags }));
    let cluster = boto.call("eks", "describe_cluster", &json!({ "name": "acme-prod" }));
    let mut arns = vec![cluster["cluster"]["arn"].clone()];
    let its = json!({ "clusterName": "acme-prod" });
    for group in boto.call("eks", "list_nodegroups", &its)["nodegroups"].as_array().expect("a list")
    {
        let its = json!({ "clusterName": "acme-prod", "nodegroupName": group });
        let group = boto.call("eks", "describe_nodegroup", &its);
        arns.push(group["nodegroup"]["nodegroupArn"].clone());
    }
    let tags = json!({ "cost-center": "of a policy" });
    for arn in arns {
        boto.call("eks", "tag_resource", &json!({ "resourceArn": arn, "tags": tags }));
    }
    boto.call(
        "iam",
        "tag_role",
        &json!({ "RoleName": "provision-acme-prod-us-east-1-node",
        "Tags": [{ "Key": "cost-center", "Value": "of a policy" }] }),
    );
    assert_eq!(folder.plan(), [""; 0]);
}
