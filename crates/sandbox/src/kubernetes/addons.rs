//! What the add-ons of EKS bring into a cluster.
use super::default;
use super::driver;
use super::kind::Kind;
use super::objects::{self, Cluster, condition, items, name, text};
use super::pods::reference;
use crate::aws::{self, Addon};
use crate::behaviour::Behaviour;
use crate::world::World;
use serde_json::{Value, json};

pub(super) const BROUGHT: Behaviour = Behaviour {
    service: "kubernetes",
    what: "an add-on brings its workloads, with their service accounts, requests and tolerations, the \
        CSIDriver, the kinds of snapshots, whose fields are not checked, and the APIService of \
        metrics, which nothing serves; no further objects. Whether aws-eks-nodeagent is told to \
        enforce network policies is as enableNetworkPolicy of vpc-cni says; nothing enforces them, \
        since nothing runs",
    seconds: 0,
    source: "Amazon EKS User Guide, AWS add-ons and cni-network-policy-configure; the requests are an \
        assumption",
};

/// A workload of an add-on.
struct Workload {
    addon: &'static str,
    /// Whether it is one pod on each node.
    is_on_each: bool,
    name: &'static str,
    account: &'static str,
    image: &'static str,
    /// What its pods want of processors and memory; nothing when empty.
    wants: (&'static str, &'static str),
}

const fn w(
    addon: &'static str,
    is_on_each: bool,
    names: (&'static str, &'static str, &'static str),
    wants: (&'static str, &'static str),
) -> Workload {
    let (name, account, image) = names;
    Workload { addon, is_on_each, name, account, image, wants }
}

const WORKLOADS: &[Workload] = &[
    w(
        "aws-ebs-csi-driver",
        false,
        ("ebs-csi-controller", "ebs-csi-controller-sa", "aws-ebs-csi-driver"),
        ("60m", "240Mi"),
    ),
    w(
        "aws-ebs-csi-driver",
        true,
        ("ebs-csi-node", "ebs-csi-node-sa", "aws-ebs-csi-driver"),
        ("30m", "120Mi"),
    ),
    w("coredns", false, ("coredns", "coredns", "coredns"), ("100m", "70Mi")),
    w(
        "eks-pod-identity-agent",
        true,
        ("eks-pod-identity-agent", "default", "eks-pod-identity-agent"),
        ("", ""),
    ),
    w("kube-proxy", true, ("kube-proxy", "kube-proxy", "kube-proxy"), ("100m", "")),
    w(
        "metrics-server",
        false,
        ("metrics-server", "metrics-server", "metrics-server"),
        ("100m", "200Mi"),
    ),
    w(
        "snapshot-controller",
        false,
        ("snapshot-controller", "snapshot-controller", "csi-snapshotter"),
        ("10m", "20Mi"),
    ),
    w("vpc-cni", true, ("aws-node", "aws-node", "amazon-k8s-cni"), ("25m", "")),
];

/// What enforces network policies beside the plugin that gives pods their addresses.
const AGENT: (&str, &str) = ("aws-eks-nodeagent", "aws-network-policy-agent");

/// Where a workload has the containers of its pods.
const CONTAINERS: &str = "/spec/template/spec/containers";

/// The API that the add-on for metrics brings.
const METRICS: &str = "v1beta1.metrics.k8s.io";

/// The group of snapshots, and its kinds: plural, and whether each is in a namespace.
const SNAPSHOTS: &str = "snapshot.storage.k8s.io";
const OF_SNAPSHOTS: [(&str, &str, bool); 3] = [
    ("VolumeSnapshot", "volumesnapshots", true),
    ("VolumeSnapshotClass", "volumesnapshotclasses", false),
    ("VolumeSnapshotContent", "volumesnapshotcontents", false),
];

/// Who made what add-ons bring.
const MANAGER: &str = "eks";

impl Workload {
    fn kind(&self) -> &'static Kind {
        Kind::named(if self.is_on_each { "daemonsets" } else { "deployments" })
    }

    /// Returns the containers of its pods.
    fn containers(&self, cluster: &Cluster, addon: &Addon) -> Vec<Value> {
        let domain = aws::domain(&cluster.region);
        let registry = format!("602401143452.dkr.ecr.{}.{domain}/eks", cluster.region);
        let mut requests = json!({});
        for (resource, wanted) in [("cpu", self.wants.0), ("memory", self.wants.1)] {
            if !wanted.is_empty() {
                requests[resource] = json!(wanted);
            }
        }
        let container = |name: &str, image: &str| {
            json!({ "name": name, "image": format!("{registry}/{image}:{}", addon.version),
                "resources": { "requests": requests } })
        };
        let mut all = vec![container(self.name, self.image)];
        if self.addon == "vpc-cni" {
            let told = addon.configuration["enableNetworkPolicy"].as_str().unwrap_or("false");
            let mut agent = container(AGENT.0, AGENT.1);
            agent["args"] =
                json!(["--enable-ipv6=false", format!("--enable-network-policy={told}")]);
            all.push(agent);
        }
        all
    }

    fn made(&self, containers: &[Value]) -> Value {
        let labels = json!({ "app.kubernetes.io/name": self.name });
        let (class, tolerations) = match self.is_on_each {
            true => ("system-node-critical", json!([{ "operator": "Exists" }])),
            false => (
                "system-cluster-critical",
                json!([{ "key": "CriticalAddonsOnly", "operator": "Exists" }]),
            ),
        };
        let mut spec = json!({
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "serviceAccountName": self.account,
                    "priorityClassName": class,
                    "tolerations": tolerations,
                    "containers": containers,
                },
            },
        });
        if self.is_on_each {
            spec["template"]["spec"]["hostNetwork"] = json!(true);
        } else {
            spec["replicas"] = json!(2);
        }
        json!({ "metadata": { "name": self.name, "namespace": "kube-system", "labels": labels },
            "spec": spec })
    }

    /// Makes the workload, or gives it other images and arguments.
    fn bring(&self, world: &mut World, cluster: &Cluster, addon: &Addon) {
        let mut account =
            json!({ "metadata": { "name": self.account, "namespace": "kube-system" } });
        if !addon.role.is_empty() {
            let role = json!({ "eks.amazonaws.com/role-arn": addon.role });
            account["metadata"]["annotations"] = role;
        }
        objects::install(world, cluster, Kind::named("serviceaccounts"), account, MANAGER);
        let (kind, containers) = (self.kind(), self.containers(cluster, addon));
        match objects::get(world, cluster, kind, "kube-system", self.name) {
            Some(live) => {
                let mut its = items(&live, CONTAINERS).to_vec();
                for wanted in containers {
                    match its.iter_mut().find(|it| it["name"] == wanted["name"]) {
                        None => its.push(wanted),
                        Some(container) => {
                            container["image"] = wanted["image"].clone();
                            if let Some(arguments) = wanted.get("args") {
                                container["args"] = arguments.clone();
                            }
                        }
                    }
                }
                objects::set(world, cluster, kind, &live, CONTAINERS, json!(its));
            }
            None => {
                let mut value = self.made(&containers);
                default::fill(kind, &mut value);
                objects::install(world, cluster, kind, value, MANAGER);
            }
        }
    }
}

/// Makes what add-ons bring that are there.
pub(super) fn follow(world: &mut World, cluster: &Cluster) {
    for addon in aws::addons(world, &cluster.key) {
        let its = WORKLOADS.iter().filter(|workload| workload.addon == addon.name);
        its.for_each(|workload| workload.bring(world, cluster, &addon));
        match addon.name.as_str() {
            "aws-ebs-csi-driver" => driver(world, cluster),
            "metrics-server" => metrics(world, cluster),
            "snapshot-controller" => snapshots(world, cluster),
            _ => {}
        }
    }
    csi_nodes(world, cluster);
}

fn driver(world: &mut World, cluster: &Cluster) {
    let kind = Kind::named("csidrivers");
    let mut value = json!({ "metadata": { "name": driver::NAME },
        "spec": { "attachRequired": true, "podInfoOnMount": false,
            "fsGroupPolicy": "ReadWriteOnceWithFSType" } });
    default::fill(kind, &mut value);
    objects::install(world, cluster, kind, value, MANAGER);
}

/// Defines the kinds of snapshots.
fn snapshots(world: &mut World, cluster: &Cluster) {
    let kind = Kind::named("customresourcedefinitions");
    for (of, plural, is_namespaced) in OF_SNAPSHOTS {
        let scope = if is_namespaced { "Namespaced" } else { "Cluster" };
        let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        let version = json!({ "name": "v1", "served": true, "storage": true,
            "schema": { "openAPIV3Schema": schema } });
        let mut value = json!({ "metadata": { "name": format!("{plural}.{SNAPSHOTS}") },
            "spec": { "group": SNAPSHOTS, "scope": scope, "versions": [version],
                "names": { "kind": of, "plural": plural } } });
        default::fill(kind, &mut value);
        objects::install(world, cluster, kind, value, MANAGER);
    }
}

/// Takes the kinds of snapshots away, with all objects of them.
fn forget_snapshots(world: &mut World, cluster: &Cluster) {
    let kind = Kind::named("customresourcedefinitions");
    for (_, plural, _) in OF_SNAPSHOTS {
        let name = format!("{plural}.{SNAPSHOTS}");
        let Some(definition) = objects::get(world, cluster, kind, "", &name) else { continue };
        for of in Kind::defined(&definition) {
            for value in objects::all(world, cluster, &of, None) {
                objects::remove(world, cluster, &of, &value);
            }
        }
        objects::remove(world, cluster, kind, &definition);
    }
}

/// Registers the API of metrics, which is available once its pods are ready.
fn metrics(world: &mut World, cluster: &Cluster) {
    let kind = Kind::named("apiservices");
    let spec = json!({ "group": "metrics.k8s.io", "version": "v1beta1",
        "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": true,
        "service": { "name": "metrics-server", "namespace": "kube-system", "port": 443 } });
    let service = json!({ "metadata": { "name": METRICS }, "spec": spec });
    objects::install(world, cluster, kind, service, MANAGER);
    let of = Kind::named("deployments");
    let server = objects::get(world, cluster, of, "kube-system", "metrics-server");
    let is_up = server.is_some_and(|it| it["status"]["readyReplicas"].as_u64() > Some(0));
    let said = match is_up {
        true => json!({ "status": "True", "reason": "Passed",
            "message": "all checks passed" }),
        false => json!({ "status": "False", "reason": "MissingEndpoints",
            "message": "endpoints for service/metrics-server in \"kube-system\" have no \
                addresses with port name \"https\"" }),
    };
    let now = world.now;
    let live = objects::get(world, cluster, kind, "", METRICS).unwrap_or_default();
    objects::edit(world, cluster, kind, &live, |it| condition(it, "Available", said, now));
}

/// Says of every node which drivers it has.
fn csi_nodes(world: &mut World, cluster: &Cluster) {
    let kind = Kind::named("csinodes");
    let pods = objects::all(world, cluster, Kind::named("pods"), Some("kube-system"));
    for node in objects::all(world, cluster, Kind::named("nodes"), None) {
        let is_driver = |pod: &Value| {
            text(pod, "/spec/nodeName") == name(&node)
                && text(pod, "/spec/serviceAccountName") == "ebs-csi-node-sa"
                && text(pod, "/status/phase") == "Running"
        };
        let id = text(&node, "/spec/providerID").rsplit('/').next().unwrap_or_default();
        let driver = json!({ "name": driver::NAME, "nodeID": id,
            "topologyKeys": ["kubernetes.io/os", "topology.ebs.csi.aws.com/zone",
                "topology.kubernetes.io/zone"],
            "allocatable": { "count": 25 } });
        let drivers = pods.iter().any(|pod| is_driver(pod)).then_some(driver);
        let drivers = json!(drivers.into_iter().collect::<Vec<_>>());
        let its = json!({ "metadata": { "name": name(&node), "ownerReferences": reference(&node) },
            "spec": { "drivers": drivers } });
        objects::ensure(world, cluster, kind, its);
        if let Some(live) = objects::get(world, cluster, kind, "", name(&node)) {
            objects::set(world, cluster, kind, &live, "/spec/drivers", drivers);
        }
    }
}

/// Takes away what an add-on brought that has gone.
pub(crate) fn forget(world: &mut World, key: &crate::world::Key, addon: &str) {
    let cluster = world.get(key).and_then(|object| Cluster::of(key, object));
    let Some(cluster) = cluster.filter(|cluster| super::settle::has_begun(world, cluster)) else {
        return;
    };
    for workload in WORKLOADS.iter().filter(|workload| workload.addon == addon) {
        let value = json!({ "metadata": { "name": workload.name, "namespace": "kube-system" } });
        objects::remove(world, &cluster, workload.kind(), &value);
    }
    if addon == "snapshot-controller" {
        return forget_snapshots(world, &cluster);
    }
    let left = match addon {
        "aws-ebs-csi-driver" => ("csidrivers", driver::NAME),
        "metrics-server" => ("apiservices", METRICS),
        _ => return,
    };
    let value = json!({ "metadata": { "name": left.1 } });
    objects::remove(world, &cluster, Kind::named(left.0), &value);
}
