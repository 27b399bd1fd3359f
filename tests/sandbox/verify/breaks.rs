//! Each way to break a cluster is told by its own check, and by no other.
use super::{APPLY, checks, good, ingress_class, until};
use crate::boto::Boto;
use crate::folder::Folder;
use crate::kubectl::Kubectl;
use crate::served::Served;
use serde_json::{Value, json};

const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";

/// What is done to a cluster.
enum Deed {
    /// A command of kubectl, as it is typed.
    Kubectl(String),
    Create(Value),
    /// A call of EKS about an add-on.
    Addon(&'static str, Value),
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

use Deed::{Addon, Apply, Create};

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

/// A storage class that is the default.
fn class(provisioner: &str, kind: &str, mode: &str) -> Value {
    json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": "theirs", "annotations": { DEFAULT: "true" } },
        "provisioner": provisioner, "parameters": { "type": kind }, "volumeBindingMode": mode })
}

/// A pod of the platform; what it asks for and its image are in its specification.
fn pod(mut spec: Value) -> Value {
    let fields = spec.as_object_mut().expect("a map");
    let [wanted, image] = ["requests", "image"].map(|field| fields.remove(field));
    let image = image.unwrap_or_else(|| json!("api"));
    spec["containers"] =
        json!([{ "name": "api", "image": image, "resources": { "requests": wanted } }]);
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
    let off = r#"{"enableNetworkPolicy":"false"}"#;
    let off = json!({ "addonName": "vpc-cni", "configurationValues": off,
        "resolveConflicts": "OVERWRITE" });
    let small = json!({ "requests": { "cpu": "100m" } });
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
            "metrics.api",
            "not registered",
            vec![Addon("delete_addon", json!({ "addonName": "metrics-server" }))],
            vec![Apply],
        ),
        of("network.policy", "nothing is there", vec![Addon("update_addon", off)], vec![Apply]),
        of(
            "ingress.class",
            "none",
            vec![kubectl("delete --wait=false ingressclass nginx"), Create(pod(small))],
            vec![no_pod(), Create(ingress_class("nginx", false))],
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
    // {"auths":{"https://index.docker.io/v1/":{"username":"a"}}}
    let half = r#"{"data":{".dockerconfigjson":"eyJhdXRocyI6eyJodHRwczovL2luZGV4LmRvY2tlci5pby92MS8iOnsidXNlcm5hbWUiOiJhIn19fQ=="}}"#;
    let large = json!({ "requests": { "cpu": "100" } });
    let lost = json!({ "nodeSelector": { "nothing": "true" } });
    let claim = json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": "data", "namespace": "qualytics" },
        "spec": { "accessModes": ["ReadWriteOnce"], "storageClassName": "quick",
            "resources": { "requests": { "storage": "1Gi" } } } });
    let volumes = json!({ "volumes": [{ "name": "data",
        "persistentVolumeClaim": { "claimName": "data" } }] });
    let secret = json!({ "volumes": [{ "name": "creds", "secret": { "secretName": "creds" } }] });
    let unnamed = json!({ "image": "Api:1" });
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
            "no user or no password",
            vec![kubectl(format!("patch secret -n qualytics regcred --type=merge -p {half}"))],
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
            "api: image pulls: InvalidImageName: ",
            vec![Create(pod(unnamed))],
            vec![no_pod()],
        ),
        of(
            pending,
            "api: missing configuration: FailedMount: MountVolume.SetUp failed",
            vec![Create(pod(secret))],
            vec![no_pod()],
        ),
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

fn done(served: &Served, folder: &Folder, kubectl: &Kubectl, deeds: &[Deed]) {
    for deed in deeds {
        match deed {
            Deed::Kubectl(line) => drop(kubectl.ok(&line.split(' ').collect::<Vec<_>>())),
            Deed::Create(object) => kubectl.create(object),
            Deed::Addon(method, parameters) => {
                let mut parameters = parameters.clone();
                parameters["clusterName"] = json!("acme-prod");
                Boto::at_home(served).call("eks", method, &parameters);
            }
            Deed::Apply => drop(folder.ok(&APPLY)),
        }
    }
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
