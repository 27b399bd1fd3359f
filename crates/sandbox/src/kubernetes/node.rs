//! What a node of a machine is like: its labels, taints and sizes.
use super::objects::{self, Cluster};
use crate::aws::{self, Disks, Machine, Shape};
use crate::behaviour::Behaviour;
use crate::world::Object;
use serde_json::{Map, Value, json};

pub(super) const RESERVED: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a node keeps 255 MiB and 11 for each of its most pods for itself, 100 MiB against \
        eviction, and 6, 1, 0.5, 0.5 and then 0.25 % of its processors; firmware and kernel keep \
        3.15 % of its memory before",
    seconds: 0,
    source: "Amazon EKS AMI, how nodes reserve resources; the last part is an assumption",
};

/// How many pods a node has at most, by its processors.
const MOST_PODS: [(u32, u64); 2] = [(30, 110), (u32::MAX, 250)];

const GIB: u64 = 1 << 30;

/// Makes the node of a machine.
pub(super) fn made(cluster: &Cluster, machine: &Machine, disks: Disks) -> Value {
    let (instance, group) = (&machine.instance, &machine.node_group);
    let zone = zone(instance);
    let its = instance.text("privateDnsName");
    let shape = aws::shape(instance.text("instanceType"));
    let (capacity, allocatable) = shape.map(|shape| sizes(shape, disks)).unwrap_or_default();
    let patch = aws::patch(group.text("version"));
    json!({
        "metadata": {
            "name": its,
            "labels": labels(cluster, group, instance, zone),
            "annotations": { "node.alpha.kubernetes.io/ttl": "0" },
        },
        "spec": { "providerID": format!("aws:///{zone}/{}", machine.id) },
        "status": {
            "capacity": capacity,
            "allocatable": allocatable,
            "addresses": [
                { "type": "InternalIP", "address": instance.text("privateIpAddress") },
                { "type": "InternalDNS", "address": its },
                { "type": "Hostname", "address": its },
            ],
            "conditions": [],
            "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } },
            "images": [],
            "nodeInfo": {
                "architecture": architecture(instance),
                "bootID": "",
                "containerRuntimeVersion": "containerd://2.1.5",
                "kernelVersion": "6.12.55-74.119.amzn2023",
                "kubeProxyVersion": "",
                "kubeletVersion": format!("v{patch}-eks-0000000"),
                "machineID": machine.id,
                "operatingSystem": "linux",
                "osImage": "Amazon Linux 2023",
                "systemUUID": machine.id,
            },
        },
    })
}

/// Returns the zone that a machine is in.
fn zone(instance: &Object) -> &str {
    let place = instance.body.get("placement");
    place.and_then(|it| it["availabilityZone"].as_str()).unwrap_or_default()
}

fn architecture(instance: &Object) -> &'static str {
    if instance.text("architecture") == "arm64" { "arm64" } else { "amd64" }
}

/// Returns the labels of a node: those of kubelet and of EKS, and those of its group.
fn labels(cluster: &Cluster, group: &Object, instance: &Object, zone: &str) -> Value {
    let (region, architecture) = (cluster.region.as_str(), architecture(instance));
    let kind = instance.text("instanceType");
    let capacity = match instance.text("instanceLifecycle") {
        "spot" => "SPOT",
        _ => "ON_DEMAND",
    };
    let mut labels = Map::new();
    let own = group.body.get("labels").and_then(Value::as_object).into_iter().flatten();
    labels.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    for (name, value) in [
        ("beta.kubernetes.io/arch", architecture),
        ("beta.kubernetes.io/instance-type", kind),
        ("beta.kubernetes.io/os", "linux"),
        ("eks.amazonaws.com/capacityType", capacity),
        ("eks.amazonaws.com/nodegroup", group.text("nodegroupName")),
        ("failure-domain.beta.kubernetes.io/region", region),
        ("failure-domain.beta.kubernetes.io/zone", zone),
        ("kubernetes.io/arch", architecture),
        ("kubernetes.io/hostname", instance.text("privateDnsName")),
        ("kubernetes.io/os", "linux"),
        ("node.kubernetes.io/instance-type", kind),
        ("topology.k8s.aws/zone-id", zone_id(instance)),
        ("topology.kubernetes.io/region", region),
        ("topology.kubernetes.io/zone", zone),
    ] {
        labels.insert(name.to_owned(), json!(value));
    }
    Value::Object(labels)
}

fn zone_id(instance: &Object) -> &str {
    let place = instance.body.get("placement");
    place.and_then(|it| it["availabilityZoneId"].as_str()).unwrap_or_default()
}

/// Returns the taints that a node group gives its nodes.
pub(super) fn taints(group: &Object) -> Vec<Value> {
    let taint = |taint: &Value| {
        let effect = match objects::text(taint, "/effect") {
            "NO_SCHEDULE" => "NoSchedule",
            "NO_EXECUTE" => "NoExecute",
            _ => "PreferNoSchedule",
        };
        let mut shown = json!({ "key": taint["key"], "effect": effect });
        if taint["value"].is_string() {
            shown["value"] = taint["value"].clone();
        }
        shown
    };
    let own = group.body.get("taints").and_then(Value::as_array).into_iter().flatten();
    own.map(taint).collect()
}

/// Returns what a machine has, and what of that is for pods.
fn sizes(shape: &Shape, disks: Disks) -> (Value, Value) {
    let pods = most_pods(shape);
    let memory = shape.memory_mib * 9_685 / 10_000;
    let reserved = 255 + 11 * pods + 100;
    let (count, each) = shape.disks;
    let disk = match disks.joined && count > 0 {
        true => u64::from(count) * each * 1_000_000_000,
        false => disks.root * GIB,
    };
    let show = |cpu: String, memory: u64, disk: u64| {
        json!({ "cpu": cpu, "memory": format!("{}Ki", memory * 1024),
            "ephemeral-storage": disk.to_string(), "pods": pods.to_string(),
            "hugepages-1Gi": "0", "hugepages-2Mi": "0" })
    };
    let cores = u64::from(shape.vcpus);
    let free = show(
        format!("{}m", cores * 1000 - reserved_cpu(cores)),
        memory.saturating_sub(reserved),
        (disk / 10 * 9).saturating_sub(GIB),
    );
    (show(cores.to_string(), memory, disk), free)
}

/// Returns how many pods a machine has addresses for, within what EKS sets as the most.
fn most_pods(shape: &Shape) -> u64 {
    let (interfaces, addresses) = shape.interfaces;
    let most = MOST_PODS.iter().find(|(vcpus, _)| shape.vcpus <= *vcpus);
    let most = most.map_or(0, |(_, most)| *most);
    (u64::from(interfaces) * u64::from(addresses - 1) + 2).min(most)
}

/// Returns how many thousandths of processors a node keeps for itself.
fn reserved_cpu(cores: u64) -> u64 {
    let of = |core: u64| match core {
        0 => 600,
        1 => 100,
        2 | 3 => 50,
        _ => 25,
    };
    (0..cores).map(of).sum::<u64>() / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISKS: Disks = Disks { root: 100, joined: false };

    fn mib(value: &Value) -> u128 {
        super::super::quantity::thousandths(value).unwrap() / 1000 / 1_048_576
    }

    #[test]
    fn a_node_keeps_some_for_itself() {
        let shape = aws::shape("r5d.2xlarge").unwrap();
        let (capacity, free) = sizes(shape, DISKS);
        assert_eq!((&capacity["cpu"], &capacity["pods"]), (&json!("8"), &json!("58")));
        assert_eq!(free["cpu"], "7910m");
        assert_eq!((mib(&capacity["memory"]), mib(&free["memory"])), (63_471, 62_478));
        assert_eq!(mib(&capacity["ephemeral-storage"]), 100 * 1024);
    }

    #[test]
    fn disks_of_a_machine_count_when_they_are_joined() {
        let joined = Disks { joined: true, ..DISKS };
        let storage = |name: &str, disks| {
            sizes(aws::shape(name).unwrap(), disks).0["ephemeral-storage"].clone()
        };
        assert_eq!(storage("r5d.2xlarge", joined), "300000000000");
        assert_eq!(storage("m5.large", joined), (100 * GIB).to_string(), "it has none");
    }

    #[test]
    fn large_machines_have_as_many_pods_as_eks_lets_them() {
        let pods = |name: &str| most_pods(aws::shape(name).unwrap());
        assert_eq!((pods("m5.large"), pods("c6i.4xlarge"), pods("c6i.16xlarge")), (29, 110, 250));
    }
}
