//! Every field of the cluster file that can change, one at a time: the plan shows exactly that
//! change, applying it makes the plan empty, and at the end nothing is left.
use crate::boto::Boto;
use crate::folder::{FILE, Folder};
use crate::served::Served;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

/// A file that differs from the one before in one field, and what the plan then says: action,
/// address without generation, and the fields that change.
struct Edit {
    what: &'static str,
    rest: &'static str,
    steps: &'static [&'static str],
}

const EDITS: &[Edit] = &[
    Edit {
        what: "kubernetes.api.allow",
        rest: "kubernetes: { api: { allow: [203.0.113.0/24] } }\n",
        steps: &["update cluster: public_cidrs"],
    },
    Edit {
        what: "inCluster",
        rest: "kubernetes: { api: { allow: [203.0.113.0/24] } }\ninCluster: false\n",
        steps: &[
            "delete autoscaler/cluster-role",
            "delete autoscaler/cluster-role-binding",
            "delete autoscaler/deployment",
            "delete autoscaler/role",
            "delete autoscaler/role-binding",
            "delete autoscaler/service-account",
            "delete default-storage-class",
            "delete namespace/qualytics",
            "delete storage-class/fast",
            "delete storage-class/fast-retain",
        ],
    },
    Edit {
        what: "kubernetes.api.public, where nothing inside is ours",
        rest: "kubernetes: { api: { public: false } }\ninCluster: false\n",
        steps: &["update cluster: public public_cidrs"],
    },
    Edit {
        what: "kubernetes.api, back to its default",
        rest: "inCluster: false\n",
        steps: &["update cluster: public public_cidrs"],
    },
    Edit {
        what: "inCluster, back to its default",
        rest: "",
        steps: &[
            "create autoscaler/cluster-role",
            "create autoscaler/cluster-role-binding",
            "create autoscaler/deployment",
            "create autoscaler/role",
            "create autoscaler/role-binding",
            "create autoscaler/service-account",
            "create default-storage-class",
            "create namespace/qualytics",
            "create storage-class/fast",
            "create storage-class/fast-retain",
        ],
    },
    Edit {
        what: "storageClasses.iops",
        rest: "storageClasses: [{ name: fast, iops: 4000, throughput: 200 }, { name: fast-retain }]\n",
        steps: &["create storage-class/fast", "delete storage-class/fast"],
    },
    Edit {
        what: "storageClasses.default",
        rest: "storageClasses: [{ name: fast, iops: 4000, throughput: 200, default: false }, \
               { name: fast-retain, default: true }]\n",
        steps: &["update default-storage-class: class"],
    },
    Edit {
        what: "storageClasses.encrypted",
        rest: "storageClasses: [{ name: fast, iops: 4000, throughput: 200, default: false }, \
               { name: fast-retain, default: true, encrypted: false }]\n",
        steps: &["create storage-class/fast-retain", "delete storage-class/fast-retain"],
    },
    Edit {
        what: "storageClasses.reclaim, and another class",
        rest: "storageClasses: [{ name: plain, default: true }, \
               { name: fast-retain, encrypted: false, reclaim: delete }]\n",
        steps: &[
            "create storage-class/fast-retain",
            "create storage-class/plain",
            "delete storage-class/fast",
            "delete storage-class/fast-retain",
            "update default-storage-class: class",
        ],
    },
    Edit {
        what: "storageClasses, none",
        rest: "storageClasses: []\n",
        steps: &[
            "delete default-storage-class",
            "delete storage-class/fast-retain",
            "delete storage-class/plain",
        ],
    },
    Edit {
        what: "secrets.registryToken",
        rest: "storageClasses: []\nsecrets: { registryToken: { env: REGISTRY_TOKEN } }\n",
        steps: &["create secret/regcred"],
    },
    Edit {
        what: "secrets.registryToken, from elsewhere",
        rest: "storageClasses: []\nsecrets: { registryToken: { file: token } }\n",
        steps: &["update secret/regcred: password"],
    },
    Edit {
        what: "what is inside, back to its default",
        rest: "",
        steps: &[
            "create default-storage-class",
            "create storage-class/fast",
            "create storage-class/fast-retain",
            "delete secret/regcred",
        ],
    },
    Edit {
        what: "network.nat",
        rest: "network: { nat: per-zone }\n",
        steps: &[
            "create elastic-ip/us-east-1b",
            "create elastic-ip/us-east-1c",
            "create nat-gateway/us-east-1b",
            "create nat-gateway/us-east-1c",
            "update route/private/us-east-1b: target",
            "update route/private/us-east-1c: target",
        ],
    },
    Edit {
        what: "network.nat, back to its default",
        rest: "",
        steps: &[
            "delete elastic-ip/us-east-1b",
            "delete elastic-ip/us-east-1c",
            "delete nat-gateway/us-east-1b",
            "delete nat-gateway/us-east-1c",
            "update route/private/us-east-1b: target",
            "update route/private/us-east-1c: target",
        ],
    },
    Edit {
        what: "pools.app.max",
        rest: "pools: { app: { max: 5 }, driver: {}, executor: {} }\n",
        steps: &["update pool/app: max"],
    },
    Edit {
        what: "pools.app.min",
        rest: "pools: { app: { max: 5, min: 2 }, driver: {}, executor: {} }\n",
        steps: &["update pool/app: min"],
    },
    Edit {
        what: "pools.app.taints",
        rest: "pools: { app: { taints: [{ key: only, value: app, effect: NoSchedule }] }, \
               driver: {}, executor: {} }\n",
        steps: &["update pool/app: min max taints", "update scaling-tags/app: tags"],
    },
    Edit {
        what: "pools.app.labels",
        rest: "pools: { app: { labels: { appNodes: \"true\", tier: one } }, driver: {}, \
               executor: {} }\n",
        steps: &["update pool/app: labels taints", "update scaling-tags/app: tags"],
    },
    Edit {
        what: "pools.app.diskGb",
        rest: "pools: { app: { diskGb: 150 }, driver: {}, executor: {} }\n",
        steps: &[
            "create launch-template/app",
            "create pool/app",
            "create scaling-tags/app",
            "delete launch-template/app",
            "delete pool/app",
        ],
    },
    Edit {
        what: "pools.app.machine",
        rest: "pools: { app: { machine: m5.2xlarge }, driver: {}, executor: {} }\n",
        steps: &[
            "create launch-template/app",
            "create pool/app",
            "create scaling-tags/app",
            "delete launch-template/app",
            "delete pool/app",
        ],
    },
    Edit {
        what: "pools.app.zones",
        rest: "pools: { app: { machine: m5.2xlarge, zones: [us-east-1b] }, driver: {}, \
               executor: {} }\n",
        steps: &[
            "create launch-template/app",
            "create pool/app",
            "create scaling-tags/app",
            "delete launch-template/app",
            "delete pool/app",
        ],
    },
    Edit {
        what: "pools.executor.capacity",
        rest: "pools: { app: { machine: m5.2xlarge, zones: [us-east-1b] }, driver: {}, \
               executor: { capacity: on-demand } }\n",
        steps: &[
            "create launch-template/executor",
            "create pool/executor",
            "create scaling-tags/executor",
            "delete launch-template/executor",
            "delete pool/executor",
        ],
    },
    Edit {
        what: "pools, one more",
        rest: "pools: { app: { machine: m5.2xlarge, zones: [us-east-1b] }, driver: {}, \
               executor: { capacity: on-demand }, gateway: { machine: m5.2xlarge, \
               capacity: on-demand, min: 1, max: 2 } }\n",
        steps: &[
            "create launch-template/gateway",
            "create pool/gateway",
            "create scaling-tags/gateway",
        ],
    },
    Edit {
        what: "pools, back to those of the profile",
        rest: "",
        steps: &[
            "create launch-template/app",
            "create launch-template/executor",
            "create pool/app",
            "create pool/executor",
            "create scaling-tags/app",
            "create scaling-tags/executor",
            "delete launch-template/app",
            "delete launch-template/executor",
            "delete launch-template/gateway",
            "delete pool/app",
            "delete pool/executor",
            "delete pool/gateway",
        ],
    },
    Edit { what: "eks.irsa", rest: "eks: { irsa: true }\n", steps: &["create oidc-provider"] },
    Edit { what: "eks.irsa, back to its default", rest: "", steps: &["delete oidc-provider"] },
    Edit {
        what: "eks.permissionsBoundary",
        rest: "eks: { permissionsBoundary: \"arn:aws:iam::aws:policy/PowerUserAccess\" }\n",
        steps: &[
            "update role/autoscaler: boundary",
            "update role/cluster: boundary",
            "update role/ebs-csi: boundary",
            "update role/node: boundary",
        ],
    },
    Edit {
        what: "eks.permissionsBoundary, another",
        rest: "eks: { permissionsBoundary: \"arn:aws:iam::aws:policy/ReadOnlyAccess\" }\n",
        steps: &[
            "update role/autoscaler: boundary",
            "update role/cluster: boundary",
            "update role/ebs-csi: boundary",
            "update role/node: boundary",
        ],
    },
    Edit {
        what: "eks.permissionsBoundary, back to its default",
        rest: "",
        steps: &[
            "update role/autoscaler: boundary",
            "update role/cluster: boundary",
            "update role/ebs-csi: boundary",
            "update role/node: boundary",
        ],
    },
    Edit {
        what: "eks.addons",
        rest: "eks: { addons: [vpc-cni, kube-proxy, eks-pod-identity-agent, coredns, \
               aws-ebs-csi-driver] }\n",
        steps: &["delete addon/metrics-server"],
    },
    Edit {
        what: "eks.addons, back to their default",
        rest: "",
        steps: &["create addon/metrics-server"],
    },
    Edit {
        what: "eks.access",
        rest: "inCluster: false\n\
               eks: { access: [{ principal: \"arn:aws:iam::123456789012:user/ann\", \
               policy: AmazonEKSViewPolicy }] }\n",
        steps: &[
            "create access-entry/user/123456789012/ann",
            "delete access-entry/user/123456789012/sandbox",
            "delete autoscaler/cluster-role",
            "delete autoscaler/cluster-role-binding",
            "delete autoscaler/deployment",
            "delete autoscaler/role",
            "delete autoscaler/role-binding",
            "delete autoscaler/service-account",
            "delete default-storage-class",
            "delete namespace/qualytics",
            "delete storage-class/fast",
            "delete storage-class/fast-retain",
        ],
    },
    Edit {
        what: "eks.access, another policy",
        rest: "inCluster: false\n\
               eks: { access: [{ principal: \"arn:aws:iam::123456789012:user/ann\", \
               policy: AmazonEKSEditPolicy }] }\n",
        steps: &["update access-entry/user/123456789012/ann: policies"],
    },
    Edit {
        what: "eks.access, back to its default",
        rest: "inCluster: false\n",
        steps: &[
            "create access-entry/user/123456789012/sandbox",
            "delete access-entry/user/123456789012/ann",
        ],
    },
    Edit {
        what: "inCluster, back to its default again",
        rest: "",
        steps: &[
            "create autoscaler/cluster-role",
            "create autoscaler/cluster-role-binding",
            "create autoscaler/deployment",
            "create autoscaler/role",
            "create autoscaler/role-binding",
            "create autoscaler/service-account",
            "create default-storage-class",
            "create namespace/qualytics",
            "create storage-class/fast",
            "create storage-class/fast-retain",
        ],
    },
    Edit {
        what: "eks.podIdentity",
        rest: "eks: { podIdentity: false }\n",
        steps: &[
            "delete autoscaler/cluster-role",
            "delete autoscaler/cluster-role-binding",
            "delete autoscaler/deployment",
            "delete autoscaler/role",
            "delete autoscaler/role-binding",
            "delete autoscaler/service-account",
            "delete pod-identity/autoscaler",
            "delete pod-identity/ebs-csi",
            "delete role-policy/autoscaler",
            "delete role/autoscaler",
            "delete role/ebs-csi",
            "delete scaling-tags/app",
            "delete scaling-tags/driver",
            "delete scaling-tags/executor",
        ],
    },
    Edit {
        what: "eks.podIdentity, back to its default",
        rest: "",
        steps: &[
            "create autoscaler/cluster-role",
            "create autoscaler/cluster-role-binding",
            "create autoscaler/deployment",
            "create autoscaler/role",
            "create autoscaler/role-binding",
            "create autoscaler/service-account",
            "create pod-identity/autoscaler",
            "create pod-identity/ebs-csi",
            "create role-policy/autoscaler",
            "create role/autoscaler",
            "create role/ebs-csi",
            "create scaling-tags/app",
            "create scaling-tags/driver",
            "create scaling-tags/executor",
        ],
    },
    Edit {
        what: "network.zones",
        rest: "network: { zones: [us-east-1a, us-east-1b, us-east-1c, us-east-1d] }\n\
               pools: { app: { zones: [us-east-1a, us-east-1b, us-east-1c] }, \
               driver: { zones: [us-east-1a, us-east-1b, us-east-1c] }, \
               executor: { zones: [us-east-1a, us-east-1b, us-east-1c] } }\n",
        steps: &[
            "create association/private/us-east-1d",
            "create association/public/us-east-1d",
            "create route-table/private/us-east-1d",
            "create route/private/us-east-1d",
            "create subnet/private/us-east-1d",
            "create subnet/public/us-east-1d",
            "update endpoint/s3: route_tables",
        ],
    },
    Edit {
        what: "network.zones, back to its default",
        rest: "",
        steps: &[
            "delete association/private/us-east-1d",
            "delete association/public/us-east-1d",
            "delete route-table/private/us-east-1d",
            "delete route/private/us-east-1d",
            "delete subnet/private/us-east-1d",
            "delete subnet/public/us-east-1d",
            "update endpoint/s3: route_tables",
        ],
    },
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
    let served = Served::start();
    let mut folder = Folder::on(&served, FILE);
    folder.set("REGISTRY_TOKEN", "one-token");
    fs::write(folder.path("token"), "another-token\n").expect("it can be written");
    folder.ok(&["plan"]);
    let before = served.objects();
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);
    for Edit { what, rest, steps } in EDITS {
        folder.write(&format!("{FILE}{rest}"));
        assert_eq!(planned(&folder), *steps, "{what}");
        folder.ok(&["apply", "--auto-approve"]);
        assert_eq!(folder.plan(), [""; 0], "{what}: applied");
    }
    folder.ok(&["destroy", "--auto-approve"]);
    assert_eq!(served.lasting(&before), before);
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
    let networks = boto.call("ec2", "describe_vpcs", &of_ours);
    let tags = json!([{ "Key": "cost-center", "Value": "of a policy" }]);
    let network = networks["Vpcs"][0]["VpcId"].clone();
    boto.call("ec2", "create_tags", &json!({ "Resources": [network], "Tags": tags }));
    let cluster = boto.call("eks", "describe_cluster", &json!({ "name": "acme-prod" }));
    let arn = cluster["cluster"]["arn"].clone();
    let tags = json!({ "cost-center": "of a policy" });
    boto.call("eks", "tag_resource", &json!({ "resourceArn": arn, "tags": tags }));
    boto.call(
        "iam",
        "tag_role",
        &json!({ "RoleName": "provision-acme-prod-us-east-1-node",
        "Tags": [{ "Key": "cost-center", "Value": "of a policy" }] }),
    );
    assert_eq!(folder.plan(), [""; 0]);
}
