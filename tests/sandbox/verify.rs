//! Whether a cluster is what the platform needs: each way to break one is told by its own check.
use crate::boto::Boto;
use crate::folder::{FILE, Folder, Ran};
use crate::kubectl::Kubectl;
use crate::rehearsal::Rehearsal;
use crate::served::Served;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const TOKEN: &str = "secrets: { registryToken: { env: REGISTRY_TOKEN } }\n";
const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
const INGRESS_DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
/// How often it is looked until what was done has taken hold: on an instant clock it is requests
/// that let time pass.
const LOOKS: usize = 20;

/// What is done to a cluster.
enum Deed {
    /// A command of kubectl, as it is typed.
    Kubectl(String),
    Create(Value),
    /// Another configuration of the network, as somebody gives it to EKS.
    Network(&'static str),
    /// An apply of the cluster file, which mends what is ours.
    Apply,
}

/// A way to break a cluster, and how it is mended.
struct Break {
    id: &'static str,
    says: &'static str,
    broken: Vec<Deed>,
    mended: Vec<Deed>,
}

use Deed::{Apply, Create, Network};

fn kubectl(line: impl Into<String>) -> Deed {
    Deed::Kubectl(line.into())
}

/// A workload of somebody else's in the namespace of the system.
fn workload(kind: &str, name: &str, spec: Value) -> Value {
    let labels = json!({ "app": name });
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": { "name": name, "namespace": "kube-system" },
        "spec": { "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": spec } },
    });
    if kind == "Deployment" {
        object["spec"]["replicas"] = json!(1);
    }
    object
}

/// A daemon that leaves no room for anything large on nodes with a label.
fn greedy() -> Value {
    let requests = json!({ "requests": { "cpu": "2" } });
    let container = json!({ "name": "greedy", "image": "greedy", "resources": requests });
    let selector = json!({ "driverNodes": "true" });
    workload("DaemonSet", "greedy", json!({ "containers": [container], "nodeSelector": selector }))
}

fn ingress_class(name: &str, is_default: bool) -> Value {
    json!({ "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": { "name": name, "annotations": { INGRESS_DEFAULT: is_default.to_string() } },
        "spec": { "controller": "k8s.io/ingress-nginx" } })
}

/// A storage class that is the default.
fn class(provisioner: &str, kind: &str, mode: &str) -> Value {
    json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": "theirs", "annotations": { DEFAULT: "true" } },
        "provisioner": provisioner, "parameters": { "type": kind }, "volumeBindingMode": mode })
}

fn pod(mut spec: Value) -> Value {
    let wanted = spec["requests"].take();
    spec.as_object_mut().expect("a map").remove("requests");
    let container = json!({ "name": "api", "image": "api", "resources": { "requests": wanted } });
    spec["containers"] = json!([container]);
    json!({ "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "api", "namespace": "qualytics" }, "spec": spec })
}

/// Makes our class the default one, or not.
fn set(is_default: bool) -> Deed {
    kubectl(format!("annotate --overwrite storageclass fast {DEFAULT}={is_default}"))
}

/// Takes away the pod that waits.
fn no_pod() -> Deed {
    kubectl("delete --wait=false pod -n qualytics api")
}

fn of(id: &'static str, says: &'static str, broken: Vec<Deed>, mended: Vec<Deed>) -> Break {
    Break { id, says, broken, mended }
}

/// Ways that concern nodes.
fn of_nodes() -> Vec<Break> {
    let spot = "eks.amazonaws.com/capacityType=SPOT";
    let back = "eks.amazonaws.com/capacityType=ON_DEMAND";
    vec![
        of(
            "nodes.label.appNodes",
            "not ready or cordoned",
            vec![kubectl("cordon -l appNodes=true")],
            vec![kubectl("uncordon -l appNodes=true")],
        ),
        of(
            "nodes.label.driverNodes",
            "no node",
            vec![kubectl("label nodes -l driverNodes=true mark=1 driverNodes-")],
            vec![kubectl("label nodes -l mark=1 driverNodes=true mark-")],
        ),
        of(
            "nodes.taints",
            "a=b:NoSchedule on ip-",
            vec![kubectl("taint nodes -l executorNodes=true a=b:NoSchedule")],
            vec![kubectl("taint nodes -l executorNodes=true a=b:NoSchedule-")],
        ),
        of(
            "nodes.spot",
            "elsewhere: ip-",
            vec![kubectl(format!("label --overwrite nodes -l driverNodes=true {spot}"))],
            vec![kubectl(format!("label --overwrite nodes -l driverNodes=true {back}"))],
        ),
        of(
            "nodes.fit.driver",
            "(daemons)",
            vec![Create(greedy())],
            vec![kubectl("delete --wait=false daemonset -n kube-system greedy")],
        ),
        of(
            "autoscaling",
            "no pod is ready",
            vec![kubectl("scale -n kube-system deployment cluster-autoscaler --replicas=0")],
            vec![kubectl("scale -n kube-system deployment cluster-autoscaler --replicas=1")],
        ),
        of(
            "autoscaling",
            "no autoscaler is there",
            vec![kubectl("delete --wait=false deployment -n kube-system cluster-autoscaler")],
            vec![Apply],
        ),
    ]
}

/// Ways that concern storage.
fn of_storage() -> Vec<Break> {
    let other = |id, says, class| {
        let gone = kubectl("delete --wait=false storageclass theirs");
        of(id, says, vec![set(false), Create(class)], vec![gone, set(true)])
    };
    let two = "storageclass.kubernetes.io/is-default-class=true";
    let one = "storageclass.kubernetes.io/is-default-class-";
    vec![
        of("storage.default", "none of fast, fast-retain, gp2", vec![set(false)], vec![set(true)]),
        of(
            "storage.default",
            "fast, gp2",
            vec![kubectl(format!("annotate storageclass gp2 {two}"))],
            vec![kubectl(format!("annotate storageclass gp2 {one}"))],
        ),
        other("storage.ssd", "st1", class("ebs.csi.aws.com", "st1", "WaitForFirstConsumer")),
        other("storage.binding", "Immediate", class("ebs.csi.aws.com", "gp3", "Immediate")),
        other(
            "storage.driver",
            "is not registered",
            class("disk.csi.example.com", "fast", "WaitForFirstConsumer"),
        ),
    ]
}

/// Ways that concern what the cluster itself serves.
fn of_services() -> Vec<Break> {
    vec![
        of(
            "rbac",
            "ClusterRoleBinding oops",
            vec![kubectl(
                "create clusterrolebinding oops --clusterrole=cluster-admin \
                 --group=system:authenticated",
            )],
            vec![kubectl("delete --wait=false clusterrolebinding oops")],
        ),
        of(
            "metrics.api",
            "not available",
            vec![kubectl("scale -n kube-system deployment metrics-server --replicas=0")],
            vec![kubectl("scale -n kube-system deployment metrics-server --replicas=2")],
        ),
        of(
            "network.policy",
            "nothing is there",
            vec![Network(r#"{"enableNetworkPolicy":"false"}"#)],
            vec![Apply],
        ),
        of(
            "ingress.class",
            "defaults one, two",
            vec![Create(ingress_class("one", true)), Create(ingress_class("two", true))],
            vec![kubectl("delete --wait=false ingressclass one two")],
        ),
    ]
}

/// Ways that concern the platform's namespace.
fn of_platform() -> Vec<Break> {
    let enforce = "pod-security.kubernetes.io/enforce=privileged";
    let none = "pod-security.kubernetes.io/enforce-";
    let empty = r#"{"data":{".dockerconfigjson":"e30="}}"#;
    let large = json!({ "requests": { "cpu": "100" } });
    let lost = json!({ "nodeSelector": { "nothing": "true" } });
    let claim = json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": "data", "namespace": "qualytics" },
        "spec": { "accessModes": ["ReadWriteOnce"], "storageClassName": "quick",
            "resources": { "requests": { "storage": "1Gi" } } } });
    let volumes = json!({ "volumes": [{ "name": "data",
        "persistentVolumeClaim": { "claimName": "data" } }] });
    let no_claim = kubectl("delete --wait=false pvc -n qualytics data");
    let pending = "workload.pending";
    vec![
        of(
            "namespace.labels",
            "privileged",
            vec![kubectl(format!("label --overwrite namespace qualytics {enforce}"))],
            vec![Apply],
        ),
        of(
            "namespace.labels",
            "not set",
            vec![kubectl(format!("label namespace qualytics {none}"))],
            vec![Apply],
        ),
        of(
            "registry.secret",
            "no entry for",
            vec![kubectl(format!("patch secret -n qualytics regcred --type=merge -p {empty}"))],
            vec![Apply],
        ),
        of(
            "registry.secret",
            "there is no secret regcred",
            vec![kubectl("delete --wait=false secret -n qualytics regcred")],
            vec![Apply],
        ),
        of(
            "registry.secret",
            "of type Opaque",
            vec![
                kubectl("delete --wait=false secret -n qualytics regcred"),
                kubectl("create secret generic -n qualytics regcred"),
            ],
            vec![kubectl("delete --wait=false secret -n qualytics regcred"), Apply],
        ),
        of(pending, "api: resources: ", vec![Create(pod(large))], vec![no_pod()]),
        of(pending, "api: selectors: ", vec![Create(pod(lost))], vec![no_pod()]),
        of(
            pending,
            "api: storage classes: claim data names class quick, which is not there",
            vec![Create(claim), Create(pod(volumes))],
            vec![no_pod(), no_claim],
        ),
        of(
            "namespace",
            "there is no namespace qualytics",
            vec![kubectl("delete --wait=false namespace qualytics")],
            vec![Apply],
        ),
    ]
}

/// Returns what `verify` says, and checks that it ends as what it says.
fn checks(folder: &Folder, more: &[&str]) -> Vec<Value> {
    let Ran { code, stdout, stderr } = folder.run(&[&["verify", "--json"], more].concat());
    let document: Value = serde_json::from_str(&stdout).expect(&stderr);
    assert_eq!(document["format"], "provision.verify/v1");
    let checks = document["checks"].as_array().expect("a list").clone();
    let fails = checks.iter().any(|check| check["status"] == "fail");
    assert_eq!(code, Some(if fails { 3 } else { 0 }), "{stderr}");
    checks
}

fn with<'a>(checks: &'a [Value], status: &str) -> Vec<&'a str> {
    let all = checks.iter().filter(|check| check["status"] == status);
    all.map(|check| check["id"].as_str().expect("an id")).collect()
}

/// Looks until these checks fail, and no other, and returns what was found.
fn until(folder: &Folder, failing: &[&str], why: &str) -> Vec<Value> {
    let mut last = Vec::new();
    for _ in 0..LOOKS {
        last = checks(folder, &[]);
        if with(&last, "fail") == failing {
            return last;
        }
    }
    last.retain(|check| check["status"] == "fail");
    panic!("{why}: {failing:?} and no other was to fail: {last:#?}");
}

fn done(served: &Served, folder: &Folder, kubectl: &Kubectl, deeds: &[Deed]) {
    for deed in deeds {
        match deed {
            Deed::Kubectl(line) => drop(kubectl.ok(&line.split(' ').collect::<Vec<_>>())),
            Deed::Create(object) => kubectl.create(object),
            Deed::Network(values) => {
                let addon = json!({ "clusterName": "acme-prod", "addonName": "vpc-cni",
                    "configurationValues": values, "resolveConflicts": "OVERWRITE" });
                Boto::at_home(served).call("eks", "update_addon", &addon);
            }
            Deed::Apply => drop(folder.ok(&APPLY)),
        }
    }
}

/// A cluster with everything that the platform needs.
fn good(served: &Served) -> (Folder, Kubectl) {
    let mut folder = Folder::on(served, &format!("{FILE}{TOKEN}"));
    folder.set("REGISTRY_TOKEN", "one-token");
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(served);
    until(&folder, &[], "a cluster of a file");
    kubectl.create(&ingress_class("nginx", false));
    until(&folder, &[], "with everything");
    (folder, kubectl)
}

#[test]
fn each_way_to_break_a_cluster_fails_its_own_check_and_no_other() {
    let served = Served::start();
    let (folder, kubectl) = good(&served);
    let so_far = served.requests().len();
    checks(&folder, &[]);
    let asked = served.requests().split_off(so_far);
    let inside: Vec<_> = asked.iter().filter(|it| it["service"] == "kubernetes").collect();
    let reads = |it: &Value| !it["operation"].as_str().is_some_and(|it| it.contains("create"));
    assert!(inside.len() > 10 && inside.iter().all(|it| reads(it)), "{inside:?}");
    for Break { id, says, broken, mended } in
        [of_nodes(), of_storage(), of_services(), of_platform()].into_iter().flatten()
    {
        done(&served, &folder, &kubectl, &broken);
        let checks = until(&folder, &[id], says);
        let check = checks.iter().find(|check| check["id"] == id).expect("it is there");
        assert!(check["found"].as_str().is_some_and(|it| it.contains(says)), "{says}: {check}");
        assert!(check["wanted"].is_string() && check["hint"].is_string(), "{check}");
        done(&served, &folder, &kubectl, &mended);
    }
    until(&folder, &[], "all of it mended");
}

#[test]
fn whoever_may_see_little_is_told_so_and_nothing_fails() {
    let served = Served::start();
    let (folder, kubectl) = good(&served);
    kubectl.ok(&["create", "serviceaccount", "viewer"]);
    let account = "--serviceaccount=default:viewer";
    kubectl.ok(&["create", "clusterrolebinding", "viewer", "--clusterrole=view", account]);
    let token = kubectl.ok(&["create", "token", "viewer"]);
    let text = kubectl.ok(&["config", "view", "--raw", "-o", "json"]);
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    config["users"][0]["user"] = json!({ "token": token.trim() });
    fs::write(folder.path("viewer"), config.to_string()).expect("it can be written");
    let seen = checks(&folder, &["--kubeconfig", "viewer"]);
    assert_eq!(with(&seen, "fail"), [""; 0], "{seen:#?}");
    let skipped: Vec<_> = seen.iter().filter(|check| check["status"] == "skip").collect();
    let ids = with(&seen, "skip");
    for id in ["nodes.label.appNodes", "storage.default", "registry.secret", "metrics.api", "rbac"]
    {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
    for check in skipped {
        let why = check["found"].as_str().expect("a reason");
        assert!(why.contains("viewer\" cannot "), "{check}");
    }
    assert!(with(&seen, "pass").contains(&"namespace.labels"), "{seen:#?}");

    config["users"][0]["user"] = json!({ "token": "wrong" });
    fs::write(folder.path("viewer"), config.to_string()).expect("it can be written");
    let ran = folder.run(&["verify", "--kubeconfig", "viewer"]);
    assert_eq!(ran.code, Some(77), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("does not know the caller"), "{}", ran.stderr);
}

#[test]
fn any_cluster_can_be_looked_at_by_a_kubeconfig() {
    let served = Served::start();
    let (folder, kubectl) = good(&served);
    let text = kubectl.ok(&["config", "view", "--raw", "-o", "json"]);
    fs::write(folder.path("config"), text).expect("it can be written");
    let by = |more: &[&str]| checks(&folder, &[&["--kubeconfig", "config"], more].concat());
    assert_eq!(with(&by(&[]), "fail"), [""; 0]);
    folder.ok(&["kubeconfig", "--out", "own"]);
    let program = Path::new(env!("CARGO_BIN_EXE_provision")).parent().expect("it is in a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").expect("there is one"));
    let mut command = folder.command(&["verify", "--kubeconfig", "own"]);
    let ran = Ran::from(command.env("PATH", path).output().expect("it runs"));
    assert_eq!(ran.code, Some(0), "by an exec plugin: {}{}", ran.stdout, ran.stderr);
    let label = ["--profile", "none", "--label", "appNodes=true", "--label", "tier=one"];
    assert_eq!(with(&by(&label), "fail"), ["nodes.label.tier=one"]);
    let ran = folder.run(&[&["verify", "--kubeconfig", "config"], &label[..]].concat());
    for line in ["FAIL  nodes.label.tier=one", "hint:   ", "1 failed"] {
        assert!(ran.code == Some(3) && ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }

    let ended = |arguments: &[&str]| {
        let ran = folder.run(&[&["verify"], arguments].concat());
        (ran.code, ran.stderr)
    };
    let (code, told) = ended(&["--kubeconfig", "config", "--context", "other"]);
    assert!(code == Some(65) && told.contains("context other"), "{code:?} {told}");
    let (code, told) = ended(&["--kubeconfig", "nowhere"]);
    assert!(code == Some(65) && told.contains("nowhere"), "{code:?} {told}");
    assert_eq!(ended(&["--label", "a=b"]).0, Some(64));
    assert_eq!(ended(&["--kubeconfig", "config", "--profile", "other"]).0, Some(64));
}

#[test]
fn the_embedded_cluster_is_looked_at_too() {
    let folder = Rehearsal::of(FILE);
    let ran = folder.run(&["verify"]);
    assert_eq!(ran.code, Some(65), "{}{}", ran.stdout, ran.stderr);
    folder.ok(&APPLY);
    until(&folder, &[], "embedded");
    let told = folder.ok(&["verify"]);
    for line in ["DaemonSet kube-system/aws-node", "0 failed, 2 skipped."] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
}

/// What the probes may leave: pods, claims and volumes.
fn left(kubectl: &Kubectl) -> Vec<String> {
    let named = kubectl.ok(&["get", "pods,pvc,pv", "-n", "qualytics", "-o", "name"]);
    named.lines().map(str::to_owned).collect()
}

/// A pod that takes the room on the node of drivers, and no daemon.
fn hog() -> Value {
    let requests = json!({ "requests": { "cpu": "4" } });
    let container = json!({ "name": "hog", "image": "hog", "resources": requests });
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "hog" },
        "spec": { "containers": [container], "nodeSelector": { "driverNodes": "true" } } })
}

#[test]
fn a_pod_of_the_platforms_size_runs_in_each_pool_and_goes() {
    let served = Served::start();
    let (folder, kubectl) = good(&served);
    let seen = checks(&folder, &["--probe"]);
    assert_eq!(with(&seen, "fail"), [""; 0], "{seen:#?}");
    for id in ["probe.app", "probe.driver", "probe.executor"] {
        let check = seen.iter().find(|check| check["id"] == id).expect(id);
        let told = [&check["found"], &check["wanted"]].map(|it| it.as_str().unwrap_or_default());
        assert!(told[0].starts_with("it ran on ip-"), "{check}");
        assert!(told[1].ends_with("with a volume"), "{check}");
    }
    let operations = served.operations();
    let count = |operation: &str| operations.iter().filter(|it| *it == operation).count();
    assert!(count("create pods") >= 3 && count("delete pods") >= 3);
    assert_eq!(left(&kubectl), [""; 0], "they are gone, and so are their volumes");

    let pools = "pools: { app: {}, driver: { max: 1 }, executor: {} }\n";
    folder.write(&format!("{FILE}{TOKEN}{pools}"));
    folder.ok(&APPLY);
    kubectl.create(&hog());
    let seen = checks(&folder, &["--probe"]);
    assert_eq!(with(&seen, "fail"), ["probe.driver"], "the autoscaler makes no room: {seen:#?}");
    let check = seen.iter().find(|check| check["id"] == "probe.driver").expect("it is there");
    assert!(check["found"].to_string().contains("did not run: resources: "), "{check}");
    assert_eq!(left(&kubectl), [""; 0]);
}

#[test]
fn probes_go_also_when_they_are_stopped_and_are_named_when_they_cannot() {
    let served = Served::start();
    let (folder, kubectl) = good(&served);
    kubectl.create(&hog());
    let made = || served.operations().iter().filter(|it| *it == "create pods").count();
    let before = made();
    let mut command = folder.command(&["verify", "--probe"]);
    // Nobody waits less than a minute for the pod that does not run.
    command.env("PROVISION_TIME_SCALE", "10").stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().expect("it starts");
    let since = Instant::now();
    while made() < before + 3 {
        assert!(since.elapsed() < Duration::from_secs(30), "no probe is made");
        std::thread::sleep(Duration::from_millis(50));
    }
    let kill = ["-s", "INT", &run.id().to_string()];
    assert!(Command::new("kill").args(kill).status().expect("it runs").success());
    let ended = Ran::from(run.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(130), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("their pods are removed"), "{}", ended.stderr);
    assert_eq!(left(&kubectl), [""; 0]);

    kubectl.ok(&["delete", "--wait=false", "pod", "hog"]);
    served.faults(&[json!({ "operation": "delete pods", "count": 100, "effect": "denied" })]);
    let ran = folder.run(&["verify", "--probe"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("in namespace qualytics could not be removed"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("kubectl delete pod -n qualytics provision-probe-"),
        "{}",
        ran.stderr
    );
    served.faults(&[]);
    assert!(left(&kubectl).iter().filter(|it| it.starts_with("pod/provision-probe-")).count() == 3);
}
