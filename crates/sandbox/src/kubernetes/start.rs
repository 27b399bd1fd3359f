//! What a cluster has from the start, and what every namespace has.
use super::authority;
use super::kind::Kind;
use super::objects::{self, Cluster, name};
use super::roles;
use crate::world::World;
use serde_json::{Value, json};

/// The namespaces that a cluster has from the start.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// What is called that has the certificate of the authority.
const CERTIFICATE: &str = "kube-root-ca.crt";

/// Makes what is there from the start.
pub(super) fn fill(world: &mut World, cluster: &Cluster) {
    for namespace in NAMESPACES {
        let labels = json!({ "kubernetes.io/metadata.name": namespace });
        let value = json!({ "metadata": { "name": namespace, "labels": labels },
            "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Active" } });
        objects::ensure(world, cluster, Kind::named("namespaces"), value);
    }
    for (plural, value) in roles::all() {
        objects::ensure(world, cluster, Kind::named(plural), value);
    }
    let service = json!({
        "metadata": { "name": "kubernetes", "namespace": "default",
            "labels": { "component": "apiserver", "provider": "kubernetes" } },
        "spec": { "clusterIP": "172.20.0.1", "clusterIPs": ["172.20.0.1"], "type": "ClusterIP",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster",
            "ports": [{ "name": "https", "port": 443, "protocol": "TCP", "targetPort": 443 }] },
        "status": { "loadBalancer": {} },
    });
    objects::ensure(world, cluster, Kind::named("services"), service);
    for class in ["system-cluster-critical", "system-node-critical"] {
        let value = if class == "system-node-critical" { 2_000_001_000 } else { 2_000_000_000 };
        let class = json!({ "metadata": { "name": class }, "value": value,
            "preemptionPolicy": "PreemptLowerPriority" });
        objects::ensure(world, cluster, Kind::named("priorityclasses"), class);
    }
    storage(world, cluster);
    namespaces(world, cluster);
}

/// Makes the class `gp2`, which EKS makes in every cluster, and not as default since 1.30.
fn storage(world: &mut World, cluster: &Cluster) {
    let class = json!({
        "metadata": { "name": "gp2" },
        "provisioner": "kubernetes.io/aws-ebs",
        "parameters": { "fsType": "ext4", "type": "gp2" },
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    });
    objects::install(world, cluster, Kind::named("storageclasses"), class, "eks");
}

/// Makes what every namespace has: a service account and the certificate of the authority.
pub(super) fn namespaces(world: &mut World, cluster: &Cluster) {
    for namespace in objects::all(world, cluster, Kind::named("namespaces"), None) {
        if namespace["metadata"]["deletionTimestamp"].is_string() {
            continue;
        }
        let place = |its: &str| json!({ "name": its, "namespace": name(&namespace) });
        let account: Value = json!({ "metadata": place("default") });
        objects::ensure(world, cluster, Kind::named("serviceaccounts"), account);
        let maps = Kind::named("configmaps");
        if objects::get(world, cluster, maps, name(&namespace), CERTIFICATE).is_none() {
            let certificate = authority::certificate(world);
            let map = json!({ "metadata": place(CERTIFICATE), "data": { "ca.crt": certificate } });
            objects::ensure(world, cluster, maps, map);
        }
    }
}
