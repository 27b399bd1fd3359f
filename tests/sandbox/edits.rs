//! Every field of the cluster file that can change, one at a time: the plan shows exactly that
//! change, applying it makes the plan empty, what is of somebody else stays as it is, and at the end
//! nothing is left.
use crate::boto::Boto;
use crate::folder::{FILE, Folder, named};
use crate::life::Life;
use crate::phase::PHASES;
use crate::served::Served;
use crate::world;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use table::{EDITS, Edit};

mod table;

const APPLY: &[&str] = &["apply", "--auto-approve"];

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
    ("eks.account", "errors.rs: it is where the cluster is, and another is refused"),
    ("eks.assumeRole.arn", "roles.rs"),
    ("eks.assumeRole.externalId", "roles.rs"),
    ("tags", "the test of tags"),
    ("manifests", "manifests.rs"),
    ("storageClasses.kind", "it has one value"),
];

/// What is left out of values that begin with it.
const PREFIXES: [&str; 3] = [
    "arn:aws:iam::aws:policy/",
    "arn:aws:eks::aws:cluster-access-policy/",
    "k8s.io/cluster-autoscaler/node-template/",
];

/// Returns action and address of a step without the generation, which says nothing of what changes.
fn step(step: &Value) -> String {
    let named = named(step);
    let generations = ["pool/", "launch-template/", "scaling-tags/"];
    let is_one = generations.iter().any(|it| named.contains(it)) && named.matches('/').count() == 2;
    let cut = if is_one { named.rsplit_once('/') } else { None };
    cut.map(|(named, _)| named.to_owned()).unwrap_or(named)
}

/// Writes a value without chance and without quotes; what is known later as `address.output`.
fn value(value: &Value) -> String {
    let list = |all: Vec<String>| all.join(", ");
    match value {
        Value::String(text) => {
            let prefix = PREFIXES.iter().find(|it| text.starts_with(**it));
            world::without_chance(text.trim_start_matches(prefix.unwrap_or(&"")))
        }
        Value::Array(items) => format!("[{}]", list(items.iter().map(self::value).collect())),
        Value::Object(its) if its.contains_key("$from") => {
            format!("{}.{}", self::value(&its["$from"]), self::value(&its["output"]))
        }
        Value::Object(its) => list(its.values().map(self::value).collect()),
        other => other.to_string(),
    }
}

/// Writes what changes in a step as `field: from → to`; of tags and entries, each that does.
fn changed(change: &Value) -> Vec<String> {
    let field = self::value(&change["field"]);
    let [from, to] = ["from", "to"].map(|end| change[end].as_object());
    match (from, to) {
        (Some(from), Some(to)) => to
            .keys()
            .filter(|key| from.get(*key) != to.get(*key))
            .map(|key| {
                let name = self::value(&key.as_str().into());
                let [from, to] = [from, to].map(|end| value(end.get(key).unwrap_or(&Value::Null)));
                format!("{field} {name}: {from} → {to}")
            })
            .collect(),
        _ => vec![format!("{field}: {} → {}", value(&change["from"]), value(&change["to"]))],
    }
}

/// Returns the steps of a plan by their names, each update once for everything that changes in it.
fn planned(folder: &Folder) -> Vec<String> {
    let told = |it: &Value| -> Vec<String> {
        match it["changes"].as_array().filter(|_| it["action"] == "update") {
            Some(all) if !all.is_empty() => {
                let all = all.iter().flat_map(changed);
                all.map(|change| format!("{} {change}", step(it))).collect()
            }
            _ => vec![step(it)],
        }
    };
    let mut steps: Vec<_> = folder.steps().iter().flat_map(told).collect();
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
    let mut reached = BTreeSet::new();
    for (tags, change) in [
        ("{ team: platform }", "tags team: null → platform"),
        ("{ team: core }", "tags team: platform → core"),
        ("{}", "tags team: core → null"),
    ] {
        folder.write(&format!("{FILE}tags: {tags}\n"));
        let steps = planned(&folder).into_iter();
        let steps = steps.map(|step| match step.strip_suffix(&format!(" {change}")) {
            Some(step) => step.to_owned(),
            None => panic!("{step} does more than {change}"),
        });
        let steps: BTreeSet<_> = steps.collect();
        assert!(reached.is_empty() || reached == steps, "{change}: {reached:?} {steps:?}");
        folder.ok(&["apply", "--auto-approve"]);
        assert_eq!(folder.plan(), [""; 0]);
        reached = steps;
    }
    for one in ["vpc", "cluster", "role/node", "log-group", "nat-gateway/us-east-1a"] {
        assert!(reached.contains(&format!("update {one}")), "{one}: {reached:?}");
    }
}

#[test]
fn a_key_of_somebody_else_encrypts_secrets_and_stays() {
    let served = Served::start();
    let boto = Boto::at_home(&served);
    let key = boto.call("kms", "create_key", &json!({}))["KeyMetadata"].clone();
    let folder = Folder::on(&served, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let id = key["KeyId"].as_str().expect("an id");
    folder.write(&format!("{FILE}kubernetes: {{ secretsKey: {id} }}\n"));
    let policy = "create role-policy/cluster".to_owned();
    let arn = world::without_chance(key["Arn"].as_str().expect("an ARN"));
    assert_eq!(planned(&folder), [policy, format!("update cluster secrets_key: null → {arn}")]);
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);
    let cluster = boto.call("eks", "describe_cluster", &json!({ "name": "acme-prod" }));
    let used = &cluster["cluster"]["encryptionConfig"][0]["provider"]["keyArn"];
    assert_eq!(*used, key["Arn"]);
    folder.ok(&["destroy", "--auto-approve"]);
    let after = boto.call("kms", "describe_key", &json!({ "KeyId": id }))["KeyMetadata"].clone();
    assert_eq!(after["KeyState"], "Enabled");
}

/// Returns how many nodes each group is meant to have.
fn sizes(boto: &Boto<'_>) -> Vec<Value> {
    let groups = boto.call("autoscaling", "describe_auto_scaling_groups", &json!({}));
    let groups = groups["AutoScalingGroups"].as_array().expect("a list").clone();
    groups.into_iter().map(|group| group["DesiredCapacity"].clone()).collect()
}

/// Tags everything of the cluster that takes tags, as a policy of the account would.
fn tagged_by_a_policy(boto: &Boto<'_>) {
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
    let pairs = json!([{ "Key": "cost-center", "Value": "of a policy" }]);
    let map = json!({ "cost-center": "of a policy" });
    boto.call("ec2", "create_tags", &json!({ "Resources": resources, "Tags": pairs }));

    for arn in of_eks(boto) {
        boto.call("eks", "tag_resource", &json!({ "resourceArn": arn, "tags": map }));
    }
    for role in ["autoscaler", "cluster", "ebs-csi", "node"] {
        let name = format!("provision-acme-prod-us-east-1-{role}");
        boto.call("iam", "tag_role", &json!({ "RoleName": name, "Tags": pairs }));
    }
    let providers = boto.call("iam", "list_open_id_connect_providers", &json!({}));
    let arn = &providers["OpenIDConnectProviderList"][0]["Arn"];
    let its = json!({ "OpenIDConnectProviderArn": arn, "Tags": pairs });
    boto.call("iam", "tag_open_id_connect_provider", &its);
    let key = boto.call("kms", "describe_key", &json!({ "KeyId": "alias/provision/acme-prod" }));
    let of_key = json!([{ "TagKey": "cost-center", "TagValue": "of a policy" }]);
    let its = json!({ "KeyId": key["KeyMetadata"]["KeyId"], "Tags": of_key });
    boto.call("kms", "tag_resource", &its);
    let its = json!({ "logGroupNamePrefix": "/aws/eks/acme-prod/" });
    let group = boto.call("logs", "describe_log_groups", &its)["logGroups"][0].clone();
    let its = json!({ "resourceArn": group["logGroupArn"], "tags": map });
    boto.call("logs", "tag_resource", &its);
}

/// Returns the ARNs of the cluster and of all that EKS has in it.
fn of_eks(boto: &Boto<'_>) -> Vec<Value> {
    let cluster = boto.call("eks", "describe_cluster", &json!({ "name": "acme-prod" }));
    let mut arns = vec![cluster["cluster"]["arn"].clone()];
    for (list, all, id, describe, one, arn) in [
        ("list_addons", "addons", "addonName", "describe_addon", "addon", "addonArn"),
        (
            "list_access_entries",
            "accessEntries",
            "principalArn",
            "describe_access_entry",
            "accessEntry",
            "accessEntryArn",
        ),
        (
            "list_nodegroups",
            "nodegroups",
            "nodegroupName",
            "describe_nodegroup",
            "nodegroup",
            "nodegroupArn",
        ),
    ] {
        let found = boto.call("eks", list, &json!({ "clusterName": "acme-prod" }));
        for name in found[all].as_array().filter(|found| !found.is_empty()).expect(list) {
            let its = json!({ "clusterName": "acme-prod", id: name });
            arns.push(boto.call("eks", describe, &its)[one][arn].clone());
        }
    }
    let its = json!({ "clusterName": "acme-prod" });
    let found = boto.call("eks", "list_pod_identity_associations", &its);
    let found = found["associations"].as_array().filter(|found| !found.is_empty()).expect("some");
    arns.extend(found.iter().map(|it| it["associationArn"].clone()));
    arns
}

#[test]
fn what_an_autoscaler_and_a_policy_of_tags_change_is_no_drift() {
    let served = Served::start();
    let more = "kubernetes: { secretsKey: own }\neks: { irsa: true }\n";
    let folder = Folder::on(&served, &format!("{FILE}{more}"));
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
    tagged_by_a_policy(&boto);
    assert_eq!(folder.plan(), [""; 0]);
    folder.ok(&["destroy", "--auto-approve"]);
}

#[test]
fn a_key_that_encrypts_nothing_yet_binds_nobody() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(APPLY);
    let keys = || served.objects().into_iter().filter(|it| it.starts_with("\"kms")).count();
    let before = keys();
    let own = format!("{FILE}kubernetes: {{ secretsKey: own }}\n");
    folder.write(&own);
    let fault = json!({ "operation": "AssociateEncryptionConfig", "effect": "denied" });
    served.faults(&[fault]);
    assert_eq!(folder.run(APPLY).code, Some(1));
    folder.write(FILE);
    folder.ok(APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    assert_eq!(keys(), before, "the key goes");
    folder.write(&own);
    let warned = |arguments: &[&str]| folder.ok(arguments).contains("secretsKey lasts");
    assert!(warned(&["plan"]));
    folder.ok(APPLY);
    assert!(!warned(&["plan"]) && !warned(&["plan", "--offline"]), "it lasts already");
    folder.write(FILE);
    folder.run(&["plan"]).refused(65, &["secretsKey cannot change from own to managed"]);
}
