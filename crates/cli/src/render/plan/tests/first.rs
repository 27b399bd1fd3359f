//! The first plan of a whole cluster.
use super::*;

fn network() -> Vec<Step> {
    let table = |at: &str| {
        let spec = json!({"vpc": id("vpc"), "tags": tags("route-table")});
        create(&format!("route-table/{at}"), "aws.ec2.route_table", spec)
    };
    let route = |at: &str, target: &str| {
        let spec = json!({"route_table": id(&format!("route-table/{at}")),
                          "destination": "0.0.0.0/0", "target": id(target)});
        create(&format!("route/{at}"), "aws.ec2.route", spec)
    };
    let vpc = json!({"cidr": "10.0.0.0/16", "dns_support": true, "dns_hostnames": true,
                     "tags": tags("vpc")});
    let mut steps = vec![
        create("vpc", "aws.ec2.vpc", vpc),
        create("internet-gateway", "aws.ec2.internet_gateway", json!({"vpc": id("vpc")})),
        table("public"),
        route("public", "internet-gateway"),
    ];
    for (slot, zone) in ZONES.into_iter().enumerate() {
        for (side, cidr) in [("public", 240 + slot), ("private", 16 * slot)] {
            let size = if side == "public" { 24 } else { 20 };
            let at = format!("{side}/{zone}");
            let spec = json!({"vpc": id("vpc"), "cidr": format!("10.0.{cidr}.0/{size}"),
                              "zone": zone, "tags": tags("subnet")});
            steps.push(create(&format!("subnet/{at}"), "aws.ec2.subnet", spec));
            let spec = json!({"subnet": id(&format!("subnet/{at}")),
                              "route_table": id(&format!("route-table/{at}"))});
            let kind = "aws.ec2.route_table_association";
            steps.push(create(&format!("association/{at}"), kind, spec));
        }
        steps.push(table(&format!("private/{zone}")));
        steps.push(route(&format!("private/{zone}"), "nat-gateway/us-east-1a"));
    }
    let nat = json!({"subnet": id("subnet/public/us-east-1a"),
                     "allocation": id("elastic-ip/us-east-1a")});
    let s3 = json!({"vpc": id("vpc"), "service": "com.amazonaws.us-east-1.s3",
                    "route_tables": ZONES.map(|z| id(&format!("route-table/private/{z}")))});
    steps.push(create("elastic-ip/us-east-1a", "aws.ec2.elastic_ip", json!({"tags": tags("ip")})));
    steps.push(create("nat-gateway/us-east-1a", "aws.ec2.nat_gateway", nat));
    steps.push(create("endpoint/s3", "aws.ec2.vpc_endpoint", s3));
    steps
}

fn role(name: &str, policies: &[&str]) -> Step {
    let attached = |policy: &&str| (format!("arn:aws:iam::aws:policy/{policy}"), json!("attached"));
    let policies: serde_json::Map<_, _> = policies.iter().map(attached).collect();
    let spec = json!({"name": format!("provision-acme-prod-us-east-1-{name}"),
                      "trust": {"Statement": []}, "policies": policies});
    create(&format!("role/{name}"), "aws.iam.role", spec)
}

fn first() -> Case {
    let mut steps = network();
    steps.push(role("cluster", &["AmazonEKSClusterPolicy"]));
    steps.push(role(
        "node",
        &[
            "AmazonEC2ContainerRegistryPullOnly",
            "AmazonEKSWorkerNodePolicy",
            "AmazonEKS_CNI_Policy",
        ],
    ));
    let key = json!({"description": "secrets of EKS cluster acme-prod", "rotation": true});
    steps.push(create("key", "aws.kms.key", key));
    let logs = json!({"name": "/aws/eks/acme-prod/cluster", "retention": 90});
    steps.push(create("log-group", "aws.logs.log_group", logs));
    let cluster = json!({"name": "acme-prod", "version": "1.35", "public": true, "private": true,
        "public_cidrs": ["203.0.113.0/24"], "logs": ["api", "audit"], "authentication": "API",
        "secrets_key": {"$from": "key", "output": "arn"}, "tags": tags("cluster")});
    steps.push(create("cluster", "aws.eks.cluster", cluster));
    steps.extend(pool("app", "1c688e46", "ON_DEMAND", 3, &["t3.2xlarge"]));
    let machines = ["r5d.2xlarge", "r6id.2xlarge", "r5dn.2xlarge", "r5ad.2xlarge"];
    steps.extend(pool("executor", "a62f1df6", "SPOT", 12, &machines));
    let mut case = Case::new(steps);
    case.lineage = None;
    case.facts = [
        ("version", json!("1.35")),
        ("zones", json!(ZONES)),
        ("zone-slots", json!({"us-east-1a": 0, "us-east-1b": 1, "us-east-1c": 2})),
        ("machine/t3.2xlarge", json!({"vcpus": 8, "memoryMib": 32768})),
        ("machine/r5d.2xlarge", json!({"vcpus": 8, "memoryMib": 65536})),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    case.unmanaged = ["add-ons", "storage classes", "namespace"].map(String::from).into();
    case.warnings = vec![
        "the API is open to every address (kubernetes.api.allow is 0.0.0.0/0); \
                          name the ranges that need it"
            .to_owned(),
    ];
    case
}

#[test]
fn a_first_plan_is_readable_on_a_narrow_terminal() {
    insta::assert_snapshot!(first().text(80), @r#"
    acme-prod · eks in us-east-1 · account 123456789012 · not applied yet

    Will be recorded
      version     1.35
      zones       us-east-1a, us-east-1b, us-east-1c
      zone-slots  us-east-1a 0, us-east-1b 1, us-east-1c 2
      machine     r5d.2xlarge, t3.2xlarge

    Network
      + vpc                                10.0.0.0/16
      + internet-gateway
      + subnet/private/us-east-1a          10.0.0.0/20
      + subnet/private/us-east-1b          10.0.16.0/20
      + subnet/private/us-east-1c          10.0.32.0/20
      + subnet/public/us-east-1a           10.0.240.0/24
      + subnet/public/us-east-1b           10.0.241.0/24
      + subnet/public/us-east-1c           10.0.242.0/24
      + elastic-ip/us-east-1a
      + nat-gateway/us-east-1a
      + route-table/private/us-east-1a
      + route-table/private/us-east-1b
      + route-table/private/us-east-1c
      + route-table/public
      + route/private/us-east-1a           0.0.0.0/0 · via nat-gateway/us-east-1a
      + route/private/us-east-1b           0.0.0.0/0 · via nat-gateway/us-east-1a
      + route/private/us-east-1c           0.0.0.0/0 · via nat-gateway/us-east-1a
      + route/public                       0.0.0.0/0 · via internet-gateway
      + association/private/us-east-1a
      + association/private/us-east-1b
      + association/private/us-east-1c
      + association/public/us-east-1a
      + association/public/us-east-1b
      + association/public/us-east-1c
      + endpoint/s3                        com.amazonaws.us-east-1.s3

    Identities
      + role/cluster                       AmazonEKSClusterPolicy
      + role/node                          AmazonEC2ContainerRegistryPullOnly,
                                           AmazonEKSWorkerNodePolicy,
                                           AmazonEKS_CNI_Policy

    Keys
      + key                                secrets of EKS cluster acme-prod

    Cluster
      + log-group                          kept 90 days
      + cluster                            version 1.35 · public endpoint ·
                                           open to 203.0.113.0/24 ·
                                           secrets under key

    Pools
      + pool/app/1c688e46                  1–3 nodes · t3.2xlarge · on demand ·
                                           appNodes=true
      + launch-template/app/1c688e46       100 GiB disk
      + pool/executor/a62f1df6             1–12 nodes · r5d.2xlarge, r6id.2xlarge,
                                           r5dn.2xlarge, r5ad.2xlarge · spot ·
                                           executorNodes=true
      + launch-template/executor/a62f1df6  100 GiB disk

    note:    not managed by this version: add-ons, storage classes, namespace
    warning: the API is open to every address (kubernetes.api.allow is 0.0.0.0/0);
             name the ranges that need it

    Plan: 34 to create.
    "#);
}

#[test]
fn a_first_plan_names_kinds_where_there_is_room() {
    insta::assert_snapshot!(first().text(120), @r#"
    acme-prod · eks in us-east-1 · account 123456789012 · not applied yet

    Will be recorded
      version     1.35
      zones       us-east-1a, us-east-1b, us-east-1c
      zone-slots  us-east-1a 0, us-east-1b 1, us-east-1c 2
      machine     r5d.2xlarge, t3.2xlarge

    Network
      + vpc                                aws.ec2.vpc                      10.0.0.0/16
      + internet-gateway                   aws.ec2.internet_gateway
      + subnet/private/us-east-1a          aws.ec2.subnet                   10.0.0.0/20
      + subnet/private/us-east-1b          aws.ec2.subnet                   10.0.16.0/20
      + subnet/private/us-east-1c          aws.ec2.subnet                   10.0.32.0/20
      + subnet/public/us-east-1a           aws.ec2.subnet                   10.0.240.0/24
      + subnet/public/us-east-1b           aws.ec2.subnet                   10.0.241.0/24
      + subnet/public/us-east-1c           aws.ec2.subnet                   10.0.242.0/24
      + elastic-ip/us-east-1a              aws.ec2.elastic_ip
      + nat-gateway/us-east-1a             aws.ec2.nat_gateway
      + route-table/private/us-east-1a     aws.ec2.route_table
      + route-table/private/us-east-1b     aws.ec2.route_table
      + route-table/private/us-east-1c     aws.ec2.route_table
      + route-table/public                 aws.ec2.route_table
      + route/private/us-east-1a           aws.ec2.route                    0.0.0.0/0 · via nat-gateway/us-east-1a
      + route/private/us-east-1b           aws.ec2.route                    0.0.0.0/0 · via nat-gateway/us-east-1a
      + route/private/us-east-1c           aws.ec2.route                    0.0.0.0/0 · via nat-gateway/us-east-1a
      + route/public                       aws.ec2.route                    0.0.0.0/0 · via internet-gateway
      + association/private/us-east-1a     aws.ec2.route_table_association
      + association/private/us-east-1b     aws.ec2.route_table_association
      + association/private/us-east-1c     aws.ec2.route_table_association
      + association/public/us-east-1a      aws.ec2.route_table_association
      + association/public/us-east-1b      aws.ec2.route_table_association
      + association/public/us-east-1c      aws.ec2.route_table_association
      + endpoint/s3                        aws.ec2.vpc_endpoint             com.amazonaws.us-east-1.s3

    Identities
      + role/cluster                       aws.iam.role                     AmazonEKSClusterPolicy
      + role/node                          aws.iam.role                     AmazonEC2ContainerRegistryPullOnly,
                                                                            AmazonEKSWorkerNodePolicy, AmazonEKS_CNI_Policy

    Keys
      + key                                aws.kms.key                      secrets of EKS cluster acme-prod

    Cluster
      + log-group                          aws.logs.log_group               kept 90 days
      + cluster                            aws.eks.cluster                  version 1.35 · public endpoint ·
                                                                            open to 203.0.113.0/24 · secrets under key

    Pools
      + pool/app/1c688e46                  aws.eks.node_group               1–3 nodes · t3.2xlarge · on demand ·
                                                                            appNodes=true
      + launch-template/app/1c688e46       aws.ec2.launch_template          100 GiB disk
      + pool/executor/a62f1df6             aws.eks.node_group               1–12 nodes · r5d.2xlarge, r6id.2xlarge,
                                                                            r5dn.2xlarge, r5ad.2xlarge · spot ·
                                                                            executorNodes=true
      + launch-template/executor/a62f1df6  aws.ec2.launch_template          100 GiB disk

    note:    not managed by this version: add-ons, storage classes, namespace
    warning: the API is open to every address (kubernetes.api.allow is 0.0.0.0/0); name the ranges that need it

    Plan: 34 to create.
    "#);
}

#[test]
fn no_line_is_wider_than_asked_and_no_mark_is_shown() {
    for width in [60, 80, 100, 120] {
        let text = first().text(width);
        assert!(!text.contains("provision-cluster"));
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    let case = first();
    let colored = case.view().text(&Style { color: true, width: 80 });
    assert!(colored.contains("\u{1b}[32m+\u{1b}[0m \u{1b}[32mvpc\u{1b}[0m"));
    let mut plain = colored;
    for code in ["0", "1", "2", "31", "32", "33", "36"] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(plain, case.text(80));
    assert!(!plain.contains('\u{1b}'));
}
