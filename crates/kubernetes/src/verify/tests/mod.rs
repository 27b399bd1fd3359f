//! A cluster that is as the platform needs it, and each way to break it.
use super::super::Ended;
use super::super::wanted::Platform;
use super::*;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use breaks::BREAKS;
use provision_spec::Profile;
use serde_json::{Value, json};
use std::collections::BTreeSet;

mod breaks;

/// When clusters are judged.
fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

fn node(name: &str, label: &str, capacity: &str) -> Value {
    json!({
        "metadata": { "name": name, "labels": {
            label: "true", "eks.amazonaws.com/capacityType": capacity } },
        "spec": {},
        "status": {
            "allocatable": { "cpu": "7910m", "memory": "63977472Ki" },
            "conditions": [{ "type": "Ready", "status": "True" }],
            "nodeInfo": { "kubeletVersion": "v1.35.1-eks-0000000" },
        },
    })
}

fn workload(namespace: &str, name: &str, container: Value, status: Value) -> Value {
    json!({ "metadata": { "name": name, "namespace": namespace },
        "spec": { "template": { "spec": { "containers": [container],
            "tolerations": [{ "operator": "Exists" }] } } },
        "status": status })
}

fn secret(config: &Value) -> Value {
    let data = BASE64_STANDARD.encode(config.to_string());
    json!({ "type": "kubernetes.io/dockerconfigjson", "data": { ".dockerconfigjson": data } })
}

fn pod(name: &str, phase: &str, conditions: Value) -> Value {
    json!({ "metadata": { "name": name, "uid": name }, "spec": {},
        "status": { "phase": phase, "conditions": conditions } })
}

/// Something that is told of a pod, at a second.
fn event(of: &str, second: u32, reason: &str, message: &str) -> Value {
    json!({ "involvedObject": { "uid": of }, "reason": reason, "message": message,
        "lastTimestamp": format!("2026-11-30T12:00:{second:02}Z") })
}

/// What an autoscaler tells of itself, and when it did.
fn status(written: &Value, said: &str) -> Value {
    let annotations = json!({ "cluster-autoscaler.kubernetes.io/last-updated": written });
    json!({ "metadata": { "annotations": annotations }, "data": { "status": said } })
}

/// A pod that the scheduler finds no node for.
fn unscheduled(message: &str) -> Value {
    let said = json!({ "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": message });
    pod("api-0", "Pending", json!([said]))
}

/// A cluster with a node for each pool, and everything that the platform needs.
fn good() -> Snapshot {
    let nodes = [
        node("one", "appNodes", "ON_DEMAND"),
        node("two", "driverNodes", "ON_DEMAND"),
        node("three", "executorNodes", "SPOT"),
    ];
    let on = |node: &Value| {
        json!({ "metadata": { "name": node["metadata"]["name"] },
            "spec": { "drivers": [{ "name": "ebs.csi.aws.com" }] } })
    };
    let image = "registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.0";
    let scaler = json!({ "image": image, "command": ["./cluster-autoscaler", "--nodes=1:3:app"] });
    let proxy = json!({ "resources": { "requests": { "cpu": "100m", "memory": "120Mi" } } });
    let amazon = json!({ "args": ["--enable-network-policy=true"] });
    let up = json!({ "numberReady": 3 });
    let config = json!({ "auths": { "https://index.docker.io/v1/": {
        "auth": BASE64_STANDARD.encode("qualyticsai:token") } } });
    let class = json!({
        "metadata": { "name": "fast",
            "annotations": { "storageclass.kubernetes.io/is-default-class": "true" } },
        "provisioner": "ebs.csi.aws.com",
        "parameters": { "type": "gp3" },
        "volumeBindingMode": "WaitForFirstConsumer",
    });
    let old = json!({ "metadata": { "name": "gp2" }, "provisioner": "kubernetes.io/aws-ebs" });
    Snapshot {
        version: json!({ "gitVersion": "v1.35.1-eks-0000000" }),
        groups: Ok(vec!["apps".into(), "rbac.authorization.k8s.io".into()]),
        node_drivers: Ok(nodes.iter().map(on).collect()),
        nodes: Ok(nodes.into()),
        deployments: Ok(vec![workload(
            "kube-system",
            "cluster-autoscaler",
            scaler,
            json!({ "readyReplicas": 1 }),
        )]),
        daemons: Ok(vec![
            workload("kube-system", "aws-node", amazon, up.clone()),
            workload("kube-system", "kube-proxy", proxy, up),
        ]),
        bindings: Ok(vec![json!({ "metadata": { "name": "cluster-admin" },
            "roleRef": { "name": "cluster-admin" },
            "subjects": [{ "kind": "Group", "name": "system:masters" }] })]),
        classes: Ok(vec![class, old]),
        drivers: Ok(vec![json!({ "metadata": { "name": "ebs.csi.aws.com" } })]),
        ingress_classes: Ok(vec![json!({ "metadata": { "name": "nginx" } })]),
        metrics: Ok(Some(json!({
            "spec": { "service": { "name": "metrics-server", "namespace": "kube-system" } },
            "status": { "conditions": [{ "type": "Available", "status": "True" }] },
        }))),
        autoscaler: Ok(None),
        node_pools: Ok(Vec::new()),
        vpc_cni: Ok(None),
        namespace: Ok(Some(json!({
            "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "baseline" } },
            "status": { "phase": "Active" },
        }))),
        secret: Ok(Some(secret(&config))),
        pods: Ok(vec![pod("api-0", "Running", json!([]))]),
        events: Ok(Vec::new()),
        claims: Ok(Vec::new()),
        probes: PROBED.map(|(pool, node)| (pool.to_owned(), Ended::Ran(node.to_owned()))).into(),
    }
}

/// Where the probe of each pool ran.
const PROBED: [(&str, &str); 3] = [("app", "one"), ("driver", "two"), ("executor", "three")];

fn wanted() -> Wanted {
    Wanted::of_profile(Profile::Qualytics, &[], &[])
}

fn ids(verdicts: &[Verdict], status: Status) -> Vec<&str> {
    verdicts.iter().filter(|it| it.status == status).map(|it| it.id.as_str()).collect()
}

/// Returns something of a snapshot that may be read.
fn of<T>(seen: &mut Result<T, Unread>) -> &mut T {
    seen.as_mut().unwrap()
}

fn first(seen: &mut Result<Vec<Value>, Unread>) -> &mut Value {
    of(seen).first_mut().unwrap()
}

#[test]
fn a_good_cluster_passes_every_check() {
    let verdicts = judge(&good(), &wanted(), now());
    let passed = ids(&verdicts, Status::Pass);
    assert_eq!(passed.len(), verdicts.len(), "{verdicts:#?}");
    // Three labels, and three pools, which two checks are made for.
    assert_eq!(verdicts.len(), CHECKS.len() + 6);
    let mut unprobed = good();
    unprobed.probes.clear();
    assert_eq!(judge(&unprobed, &wanted(), now()).len(), verdicts.len() - 3);
}

#[test]
fn each_way_to_break_a_cluster_fails_its_own_check_and_no_other() {
    for (id, says, broken) in BREAKS {
        let mut cluster = good();
        broken(&mut cluster);
        let verdicts = judge(&cluster, &wanted(), now());
        assert_eq!(ids(&verdicts, Status::Fail), [*id], "{says}: {verdicts:#?}");
        let verdict = verdicts.iter().find(|it| it.id == *id).unwrap();
        assert!(verdict.found.contains(says), "{says} is not in {verdict:?}");
        assert!(verdict.hint.as_ref().is_some_and(|hint| !hint.is_empty()), "{verdict:?}");
    }
}

#[test]
fn every_check_has_a_way_to_fail() {
    let broken: BTreeSet<_> = BREAKS.iter().map(|(id, ..)| *id).collect();
    for check in CHECKS.iter().filter(|check| check.id != "nodes.system") {
        let root = check.id.split('<').next().unwrap();
        assert!(broken.iter().any(|id| id.starts_with(root)), "{}", check.id);
    }
    assert!(BREAKS.len() >= 25);
}

#[test]
fn a_file_whose_pools_are_all_tainted_leaves_none_for_the_system() {
    let taint = json!([{ "key": "a", "effect": "NoSchedule" }]);
    let mut cluster = good();
    of(&mut cluster.nodes).iter_mut().for_each(|node| node["spec"]["taints"] = taint.clone());
    let mut wanted = wanted();
    let [key, value] = ["a".to_owned(), String::new()];
    let tolerated =
        provision_spec::Taint { key, value, effect: provision_spec::Effect::NoSchedule };
    wanted.pools.iter_mut().for_each(|pool| pool.tolerated.push(tolerated.clone()));
    assert_eq!(ids(&judge(&cluster, &wanted, now()), Status::Fail), ["nodes.system"]);
}

#[test]
fn what_may_not_be_read_is_skipped_with_the_reason_and_fails_nothing() {
    let denied = || Unread("not allowed to look: no".into());
    let mut cluster = good();
    cluster.nodes = Err(denied());
    cluster.secret = Err(denied());
    cluster.classes = Err(denied());
    cluster.probed("app", Ended::Denied("no".into()));
    let verdicts = judge(&cluster, &wanted(), now());
    assert_eq!(ids(&verdicts, Status::Fail), [""; 0], "{verdicts:#?}");
    let skipped = ids(&verdicts, Status::Skip);
    for id in
        ["nodes.label.appNodes", "nodes.fit.app", "registry.secret", "storage.ssd", "probe.app"]
    {
        assert!(skipped.contains(&id), "{id}: {skipped:?}");
    }
    let told = verdicts.iter().filter(|it| it.status == Status::Skip);
    assert!(told.clone().count() > 8 && told.clone().all(|it| it.found.ends_with(": no")));
}

#[test]
fn other_clusters_pass_by_what_they_have() {
    let passes = |id: &str, cluster: &Snapshot| {
        let verdicts = judge(cluster, &wanted(), now());
        assert_eq!(ids(&verdicts, Status::Fail), [""; 0], "{verdicts:#?}");
        let verdict = verdicts.into_iter().find(|it| it.id == id).unwrap();
        (verdict.status, verdict.found)
    };
    let mut karpenter = good();
    of(&mut karpenter.deployments).clear();
    karpenter.node_pools = Ok(vec![json!({ "metadata": { "name": "app" },
        "status": { "conditions": [{ "type": "Ready", "status": "True" }] } })]);
    assert_eq!(passes("autoscaling", &karpenter).1, "Karpenter, with pools app");
    let mut hidden = good();
    of(&mut hidden.deployments).clear();
    for written in [Value::Null, json!("2026-11-30 11:50:00.12 +0000 UTC"), json!("somewhen")] {
        hidden.autoscaler = Ok(Some(status(&written, "")));
        assert_eq!(passes("autoscaling", &hidden).0, Status::Pass);
    }
    for said in [
        "autoscalerStatus: Running\nnodeGroups:\n- name: eks-app\n  health: {}\n",
        "Cluster-wide:\n  Health: Healthy\n\nNodeGroups:\n  Name:        eks-app\n",
        "autoscalerStatus: Initializing\n",
    ] {
        let mut told = good();
        told.autoscaler = Ok(Some(status(&Value::Null, said)));
        assert_eq!(passes("autoscaling", &told).0, Status::Pass, "{said}");
    }
    let mut automatic = good();
    of(&mut automatic.daemons).clear();
    let data = json!({ "data": { "enable-network-policy-controller": "true" } });
    automatic.vpc_cni = Ok(Some(data));
    assert_eq!(passes("network.policy", &automatic).0, Status::Pass);
    let mut at_home = good();
    first(&mut at_home.classes)["provisioner"] = json!("rancher.io/local-path");
    assert_eq!(passes("storage.driver", &at_home).0, Status::Skip);
    assert_eq!(passes("storage.ssd", &at_home).0, Status::Skip);
    let mut late = good();
    late.version = json!({ "gitVersion": "v1.32.9-eks-0000000" });
    late.nodes = Ok(of(&mut late.nodes)
        .clone()
        .into_iter()
        .map(|mut node| {
            node["status"]["nodeInfo"]["kubeletVersion"] = json!("v1.31.1");
            node
        })
        .collect());
    assert!(passes("kubernetes.support", &late).1.contains("in extended support"));
}

#[test]
fn a_cloud_with_dates_of_its_own_is_not_judged_by_those_of_upstream() {
    type Change = fn(&mut Snapshot);
    let support = |change: Change| {
        let mut cluster = good();
        cluster.version = json!({ "gitVersion": "v1.34.9" });
        of(&mut cluster.nodes).iter_mut().for_each(|node| {
            node["status"]["nodeInfo"]["kubeletVersion"] = json!("v1.34.9");
        });
        change(&mut cluster);
        let verdicts = judge(&cluster, &wanted(), now());
        let verdict = verdicts.into_iter().find(|it| it.id == "kubernetes.support").unwrap();
        (verdict.status, verdict.found)
    };
    let clouds: [(&str, Change); 3] = [
        ("GKE", |it| it.version = json!({ "gitVersion": "v1.34.9-gke.1200" })),
        ("AKS", |it| {
            first(&mut it.nodes)["metadata"]["labels"]["kubernetes.azure.com/cluster"] = json!("a");
        }),
        ("OKE", |it| first(&mut it.nodes)["spec"]["providerID"] = json!("ocid1.instance.oc1..a")),
    ];
    for (cloud, change) in clouds {
        let (status, found) = support(change);
        assert_eq!(status, Status::Skip, "{found}");
        assert!(found.ends_with(&format!("until when {cloud} supports it is not known here")));
    }
    let young = |it: &mut Snapshot| it.version = json!({ "gitVersion": "v1.35.1-gke.1200" });
    assert_eq!(support(young).0, Status::Pass);
}

#[test]
fn a_taint_that_the_chart_tolerates_is_none_to_fail_for() {
    let mut cluster = good();
    let spot = json!({ "key": "spot", "value": "true", "effect": "NoSchedule" });
    of(&mut cluster.nodes)[2]["spec"]["taints"] = json!([spot]);
    let failing = |taints: &[&str]| {
        let taints: Vec<_> = taints.iter().map(|it| it.parse().unwrap()).collect();
        let wanted = Wanted::of_profile(Profile::Qualytics, &[], &taints);
        let verdicts = judge(&cluster, &wanted, now());
        ids(&verdicts, Status::Fail).join(" ")
    };
    assert_eq!(failing(&[]), "nodes.taints");
    assert_eq!(failing(&["spot=false:NoSchedule", "spot=true:NoExecute"]), "nodes.taints");
    assert_eq!(failing(&["spot=true:NoSchedule"]), "");
    assert_eq!(failing(&["spot:NoSchedule"]), "", "without a value it is of any");
    for wrong in ["spot", "spot=true", "spot:Never", ":NoSchedule"] {
        assert!(wrong.parse::<provision_spec::Taint>().is_err(), "{wrong}");
    }
}

#[test]
fn a_pod_that_a_node_is_made_for_is_on_its_way() {
    let found = |events: Vec<Value>| {
        let mut cluster = good();
        cluster.pods = Ok(vec![unscheduled("0/3 nodes are available: 3 Insufficient cpu.")]);
        cluster.events = Ok(events);
        let verdicts = judge(&cluster, &wanted(), now());
        verdicts.into_iter().find(|it| it.id == "workload.pending").unwrap().status
    };
    let [coming, not] = ["TriggeredScaleUp", "NotTriggerScaleUp"];
    assert_eq!(found(vec![event("api-0", 1, coming, "")]), Status::Pass);
    assert_eq!(found(vec![event("api-0", 1, "Nominated", "")]), Status::Pass);
    let both = [event("api-0", 2, not, ""), event("api-0", 1, coming, "")];
    assert_eq!(found(both.into()), Status::Fail, "what was told last counts");
    assert_eq!(found(vec![event("api-1", 1, coming, "")]), Status::Fail, "of another pod");
}

#[test]
fn pools_count_as_large_as_they_may_be() {
    let mut cluster = good();
    of(&mut cluster.nodes).truncate(1);
    let mut wanted = wanted();
    wanted.pools.truncate(1);
    wanted.pools[0].max = Some(3);
    let verdicts = judge(&cluster, &wanted, now());
    let total = verdicts.iter().find(|it| it.id == "nodes.allocatable").unwrap();
    assert_eq!(total.status, Status::Pass, "{total:?}");
    let told = "7.9 cores and 65 GB, and 23.7 cores and 196 GB at the most that the pools may have";
    assert_eq!(total.found, told);
}

#[test]
fn labels_stand_for_pools_where_no_file_describes_them() {
    let label = |key: &str| (key.to_owned(), "true".to_owned());
    let merged = Wanted::of_profile(Profile::Qualytics, &[label("sparkNodes"), label("mine")], &[]);
    let names: Vec<_> = merged.pools.iter().map(|pool| pool.name.as_str()).collect();
    assert_eq!(names, ["spark", "mine=true"]);
    let none = Wanted::of_profile(Profile::None, &[label("mine")], &[]);
    assert_eq!((none.platform.map(|it: Platform| it.cores), none.namespace()), (None, ""));
    let verdicts = judge(&good(), &none, now());
    assert_eq!(ids(&verdicts, Status::Fail), ["nodes.label.mine"]);
    assert!(!verdicts.iter().any(|it| it.id.starts_with("nodes.fit")), "{verdicts:?}");
}
