use super::*;
use serde_json::{Value, json};

/// A cluster file with a few lines of its own.
pub(crate) fn spec(rest: &str) -> ClusterSpec {
    let text =
        format!("name: acme-prod\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n{rest}\n");
    provision_spec::read("a.yaml", text.as_bytes()).unwrap()
}

/// Facts of three zones and the profile's machines.
pub(crate) fn facts() -> Facts {
    let machine = |arch: &str, nvme_gb: u64| {
        let arch = if arch == "arm64" { facts::Arch::Arm } else { facts::Arch::X86 };
        json!(facts::Machine { vcpus: 8, memory_mib: 65536, arch, nvme_gb, max_pods: Some(58) })
    };
    let facts = [
        ("zones", json!(["us-east-1a", "us-east-1b", "us-east-1c"])),
        ("zone-slots", json!({"us-east-1a": 0, "us-east-1b": 1, "us-east-1c": 2})),
        ("control-plane-zones", json!(["us-east-1a", "us-east-1b", "us-east-1c"])),
        ("version", json!("1.35")),
        ("addons/1.35", addons_of("1.35")),
        ("administrator", json!("arn:aws:iam::123456789012:user/ann")),
        ("machine/t3.2xlarge", machine("x86_64", 0)),
        ("machine/r5.2xlarge", machine("x86_64", 0)),
        ("machine/m8g.2xlarge", machine("arm64", 0)),
        ("machine/r5d.2xlarge", machine("x86_64", 300)),
        ("machine/r6id.2xlarge", machine("x86_64", 474)),
        ("machine/r5dn.2xlarge", machine("x86_64", 300)),
        ("machine/r5ad.2xlarge", machine("x86_64", 300)),
    ];
    let recorded = facts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Facts { recorded, ..Facts::default() }
}

/// Versions of the add-ons for a version of Kubernetes.
pub(crate) fn addons_of(minor: &str) -> Value {
    json!({
        "aws-ebs-csi-driver": "v1.53.0-eksbuild.1",
        "coredns": "v1.13.1-eksbuild.1",
        "eks-pod-identity-agent": "v1.3.10-eksbuild.1",
        "kube-proxy": format!("v{minor}.1-eksbuild.2"),
        "metrics-server": "v0.8.0-eksbuild.3",
        "vpc-cni": "v1.21.1-eksbuild.1",
    })
}

/// The only graph of a cluster file.
pub(crate) fn graph(rest: &str, facts: &Facts) -> Graph {
    only(&spec(rest), &Section::default(), facts)
}

/// The graph of a cluster that is at its version, or new.
pub(crate) fn only(spec: &ClusterSpec, section: &Section, facts: &Facts) -> Graph {
    let mut graphs = stack(spec, section, facts).unwrap();
    assert_eq!(graphs.len(), 1);
    graphs.remove(0)
}

fn addresses(graph: &Graph, group: &str) -> Vec<String> {
    let all = graph.nodes().iter().map(|node| &node.address);
    all.filter(|address| address.group() == group).map(ToString::to_string).collect()
}

fn fields(graph: &Graph, group: &str, field: &str) -> BTreeMap<String, Value> {
    let nodes = graph.nodes().iter().filter(|node| node.address.group() == group);
    nodes.map(|node| (node.address.to_string(), node.spec[field].clone())).collect()
}

#[test]
fn another_zone_moves_no_subnet() {
    let mut two = facts();
    two.recorded.insert("zones".into(), json!(["us-east-1b", "us-east-1c"]));
    let (few, many) = (graph("", &two), graph("", &facts()));
    let (few, many) = (fields(&few, "subnet", "cidr"), fields(&many, "subnet", "cidr"));
    assert_eq!((few.len(), many.len()), (4, 6));
    assert!(few.iter().all(|(address, cidr)| many[address] == *cidr));
    assert_eq!(many["subnet/private/us-east-1b"], "10.0.16.0/20");
    assert_eq!(many["subnet/public/us-east-1a"], "10.0.240.0/24");
}

#[test]
fn nat_changes_gateways_and_routes_alone() {
    let of = |nat: &str| graph(&format!("network: {{ nat: {nat} }}"), &facts());
    let (single, per_zone, none) = (of("single"), of("per-zone"), of("none"));
    assert_eq!(addresses(&single, "nat-gateway"), ["nat-gateway/us-east-1a"]);
    assert_eq!(addresses(&per_zone, "elastic-ip").len(), 3);
    assert_eq!(addresses(&none, "route"), ["route/public"]);
    assert_eq!(addresses(&none, "route-table"), addresses(&per_zone, "route-table"));
    let target =
        |graph: &Graph| fields(graph, "route", "target")["route/private/us-east-1c"].clone();
    assert_eq!(target(&single)["$from"], "nat-gateway/us-east-1a");
    assert_eq!(target(&per_zone)["$from"], "nat-gateway/us-east-1c");
}

#[test]
fn a_nat_gateway_comes_after_its_way_to_the_internet() {
    let graph = graph("", &facts());
    let needs = &graph.node(&"nat-gateway/us-east-1a".into()).unwrap().needs;
    assert!(needs.contains("route/public") && needs.contains("association/public/us-east-1a"));
}

#[test]
fn the_key_and_the_oidc_provider_are_there_when_asked_for() {
    let plain = graph("", &facts());
    assert!(plain.node(&"key".into()).is_none() && plain.node(&"oidc-provider".into()).is_none());
    let mut own = facts();
    own.recorded.insert("secrets-key".into(), json!({"asked": "own"}));
    let section = Section { irsa: true, ..Section::default() };
    let graph = only(&spec(""), &section, &own);
    let cluster = graph.node(&"cluster".into()).unwrap();
    assert_eq!(cluster.spec["secrets_key"], json!({"$from": "key", "output": "arn"}));
    let policy = &graph.node(&"role-policy/cluster".into()).unwrap().spec;
    assert_eq!(policy["statements"][0]["resource"], json!({"$from": "key", "output": "arn"}));
    assert!(cluster.needs.contains("role-policy/cluster"));
    assert!(plain.node(&"role-policy/cluster".into()).is_none());
    assert!(graph.node(&"oidc-provider".into()).unwrap().refers.contains("cluster"));
}

#[test]
fn a_closed_api_allows_nobody() {
    let closed = graph("kubernetes: { api: { public: false } }", &facts());
    let cluster = &closed.node(&"cluster".into()).unwrap().spec;
    assert_eq!((&cluster["public"], &cluster["public_cidrs"]), (&json!(false), &json!([])));
}

#[test]
fn names_keep_within_their_limits() {
    let long = "a23456789-b234567890";
    assert_eq!(long.len(), 20);
    let mut spec = spec(&format!("pools: {{ {long}: {{ machine: t3.2xlarge, max: 9 }} }}"));
    (spec.name, spec.region) = (long.into(), "ap-southeast-99".into());
    let graph = only(&spec, &Section::default(), &facts());
    let limits = [("role", 64), ("launch-template", 128), ("pool", 63), ("cluster", 100)];
    for (group, limit) in limits {
        for (address, name) in fields(&graph, group, "name") {
            assert!(name.as_str().unwrap().len() <= limit, "{address}: {name}");
        }
    }
    let tags = graph.nodes().iter().filter_map(|node| node.spec.get("tags")?.as_object());
    assert!(tags.flatten().all(|(_, value)| value.as_str().unwrap().len() <= 256));
}

#[test]
fn every_role_is_among_those_that_are_listed() {
    let graph = graph("", &facts());
    let names = fields(&graph, "role", "name").into_values();
    let listed = names::ROLES.map(|of| json!(names::role("acme-prod", "us-east-1", of)));
    assert_eq!(names.collect::<Vec<_>>(), listed);
}

#[test]
fn no_role_trusts_an_issuer_and_iam_knows_that_of_the_own_cluster_alone() {
    let section = Section { irsa: true, ..Section::default() };
    let graph = only(&spec(""), &section, &facts());
    let providers = fields(&graph, "oidc-provider", "issuer");
    let issuer = json!({"$from": "cluster", "output": "issuer"});
    assert_eq!(providers.into_values().collect::<Vec<_>>(), [issuer]);
    let roles = fields(&graph, "role", "trust");
    assert!(roles.len() > 3, "{roles:?}");
    for (address, trust) in roles {
        let statements = trust["Statement"].as_array().unwrap();
        let is_service = |it: &Value| it["Principal"].as_object().unwrap().keys().eq(["Service"]);
        assert!(statements.iter().all(is_service), "{address}: {trust}");
    }
}

#[test]
fn every_role_has_the_boundary_of_the_file() {
    let boundary = "arn:aws:iam::123456789012:policy/boundary".to_owned();
    let section = Section { boundary: boundary.clone(), ..Section::default() };
    let bounded = only(&spec(""), &section, &facts());
    let (bounded, plain) =
        (fields(&bounded, "role", "boundary"), fields(&graph("", &facts()), "role", "boundary"));
    assert!(bounded.len() > 1 && bounded.values().all(|it| *it == json!(boundary)));
    assert!(plain.values().all(|it| *it == json!("")));
}

#[test]
fn route_tables_are_in_the_order_of_their_addresses() {
    let mut facts = facts();
    let slots = json!({"us-east-1a": 2, "us-east-1b": 1, "us-east-1c": 0});
    facts.recorded.insert("zone-slots".into(), slots);
    let graph = graph("", &facts);
    let tables = &graph.node(&"endpoint/s3".into()).unwrap().spec["route_tables"];
    let of = |table: &Value| table["$from"].as_str().unwrap().to_owned();
    let tables: Vec<_> = tables.as_array().unwrap().iter().map(of).collect();
    assert_eq!(tables.len(), 3);
    assert!(tables.is_sorted(), "{tables:?}");
}

#[test]
fn machines_have_another_name_in_china() {
    let mut spec = spec("");
    spec.region = "cn-north-1".into();
    let section = Section { access: Some([].into()), ..Section::default() };
    let graph = only(&spec, &section, &facts());
    let role = &graph.node(&"role/node".into()).unwrap().spec;
    let principal = &role["trust"]["Statement"][0]["Principal"]["Service"];
    assert_eq!(principal, "ec2.amazonaws.com.cn");
    let policies = role["policies"].as_object().unwrap();
    assert!(policies.keys().all(|arn| arn.starts_with("arn:aws-cn:iam::aws:policy/")));
}

#[test]
fn a_missing_fact_is_named() {
    let mut facts = facts();
    facts.recorded.remove("machine/t3.2xlarge");
    let error = stack(&spec(""), &Section::default(), &facts).unwrap_err();
    assert_eq!(error.message, "fact machine/t3.2xlarge is not on record");
}

/// The versions of control plane and pools, and the support policy, stage by stage.
fn climbed(rest: &str, recorded: &str, live: Option<&str>) -> Vec<(String, String, Value)> {
    let mut facts = facts();
    facts.recorded.insert("version".into(), json!(recorded));
    let addons = ["1.34", "1.36"].map(|minor| (format!("addons/{minor}"), addons_of(minor)));
    facts.recorded.extend(addons);
    facts.seen.extend(live.map(|live| ("live-version".to_owned(), json!(live))));
    let graphs = stack(&spec(rest), &Section::default(), &facts).unwrap();
    let of = |graph: &Graph| {
        let cluster = &graph.node(&"cluster".into()).unwrap().spec;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let pools: std::collections::BTreeSet<_> =
            fields(graph, "pool", "version").values().map(text).collect();
        assert_eq!(pools.len(), 1, "{pools:?}");
        (text(&cluster["version"]), pools.into_iter().collect(), cluster["support"].clone())
    };
    graphs.iter().map(of).collect()
}

#[test]
fn an_upgrade_takes_pools_along_stage_by_stage() {
    let row = |version: &str, support: Value| (version.to_owned(), version.to_owned(), support);
    let up = "kubernetes: { version: \"1.36\" }";
    assert_eq!(
        climbed(up, "1.34", Some("1.34")),
        [row("1.34", Value::Null), row("1.35", Value::Null), row("1.36", json!("STANDARD"))]
    );
    assert_eq!(climbed("", "1.34", Some("1.35")), [row("1.34", json!("STANDARD"))]);
    assert_eq!(climbed(up, "1.34", None), [row("1.36", json!("STANDARD"))]);
}

#[test]
fn addresses_are_the_same_in_every_stage() {
    let mut facts = facts();
    facts.recorded.insert("addons/1.34".into(), addons_of("1.34"));
    facts.seen.insert("live-version".into(), json!("1.34"));
    let spec = spec("kubernetes: { version: \"1.35\" }");
    let graphs = stack(&spec, &Section::default(), &facts).unwrap();
    let all = |graph: &Graph| -> std::collections::BTreeSet<_> {
        graph.nodes().iter().map(|node| node.address.clone()).collect()
    };
    assert_eq!(graphs.len(), 2);
    assert_eq!(all(&graphs[0]), all(&graphs[1]));
}

#[test]
fn a_node_group_is_made_with_the_version_of_its_control_plane() {
    let mut ahead = facts();
    ahead.seen.insert("live-version".into(), json!("1.36"));
    for (facts, version) in [(facts(), "1.35"), (ahead, "1.36")] {
        let first = fields(&graph("", &facts), "pool", "first_version");
        assert!(first.values().all(|it| it == version), "{first:?}");
    }
}
