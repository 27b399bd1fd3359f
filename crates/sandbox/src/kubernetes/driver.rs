//! The driver for volumes of EBS: what it makes for claims, attaches and takes away.
use super::events::{self, Said};
use super::identity;
use super::kind::Kind;
use super::objects::{self, Cluster, View, name, text};
use super::quantity::gib;
use super::spot::ZONE;
use crate::aws::{self, NewVolume, Place};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const MADE: Behaviour = Behaviour {
    service: "kubernetes",
    what: "the driver for EBS makes, attaches and deletes volumes at once, if its controller is ready \
        and has a role that may create volumes",
    seconds: 0,
    source: "aws-ebs-csi-driver, tagging and parameters; the time is an assumption",
};

/// What classes call the driver by.
pub(super) const NAME: &str = "ebs.csi.aws.com";

/// What classes call it by that came with Kubernetes once.
const FORMER: &str = "kubernetes.io/aws-ebs";

/// Its controller, which says what its pods and their service account are.
const CONTROLLER: &str = "ebs-csi-controller";

/// Returns why the driver makes no volumes now, if so: who tells, and what.
fn unable(world: &World, cluster: &Cluster) -> Option<(&'static str, String)> {
    let kind = Kind::named("deployments");
    let controller = objects::get(world, cluster, kind, "kube-system", CONTROLLER);
    let is_up = |it: &View| it["status"]["readyReplicas"].as_u64() > Some(0);
    let Some(controller) = controller.filter(is_up) else {
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{NAME}' or \
             manually by the system administrator. If volume creation is delayed, please verify \
             that the provisioner is running and correctly registered."
        );
        return Some(("ExternalProvisioning", message));
    };
    let account = text(&controller, "/spec/template/spec/serviceAccountName");
    let role = identity::of(world, cluster, "kube-system", account);
    let none = BTreeMap::new();
    let why = match role {
        None => "no EC2 IMDS role found, operation error ec2imds: GetMetadata, canceled",
        Some(role) if !aws::may(world, &role, "ec2:CreateVolume", &none) => {
            "api error UnauthorizedOperation: You are not authorized to perform this operation."
        }
        Some(_) => return None,
    };
    let message = format!("rpc error: code = Internal desc = Could not create volume: {why}");
    Some(("ProvisioningFailed", message))
}

/// Makes a volume for a claim, and tells whether it did.
pub(super) fn provide(
    world: &mut World,
    cluster: &Cluster,
    claim: &Value,
    class: &Value,
    zone: &str,
) -> bool {
    if ![NAME, FORMER].contains(&text(class, "/provisioner")) {
        return false;
    }
    if let Some((reason, message)) = unable(world, cluster) {
        let (by, sort) = match reason {
            "ProvisioningFailed" => (NAME, "Warning"),
            _ => ("persistentvolume-controller", "Normal"),
        };
        events::tell(world, cluster, claim, Said { by, sort, reason, message: &message });
        return false;
    }
    let its = format!("pvc-{}", text(claim, "/metadata/uid"));
    let size = gib(&claim["spec"]["resources"]["requests"]["storage"]).max(1);
    let id = volume(world, cluster, claim, class, (&its, size, zone));
    let kind = Kind::named("persistentvolumes");
    let capacity = json!({ "storage": format!("{size}Gi") });
    objects::ensure(world, cluster, kind, described(claim, class, (&its, &id, zone), &capacity));
    objects::edit(world, cluster, Kind::named("persistentvolumeclaims"), claim, |claim| {
        claim["spec"]["volumeName"] = json!(its);
        claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = json!("yes");
        claim["status"] = json!({ "phase": "Bound", "capacity": capacity,
            "accessModes": claim["spec"]["accessModes"] });
    });
    let message = format!("Successfully provisioned volume {its}");
    let reason = "ProvisioningSucceeded";
    let said = Said { by: NAME, sort: "Normal", reason, message: &message };
    events::tell(world, cluster, claim, said);
    true
}

/// Makes a volume of EBS as the parameters of a class say, and returns its id.
fn volume(
    world: &mut World,
    cluster: &Cluster,
    claim: &Value,
    class: &Value,
    (its, size, zone): (&str, u64, &str),
) -> String {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut tags = BTreeMap::from([
        pair("CSIVolumeName", its),
        pair("KubernetesCluster", &cluster.name),
        pair("Name", &format!("{}-dynamic-{its}", cluster.name)),
        pair("ebs.csi.aws.com/cluster", "true"),
        pair("kubernetes.io/created-for/pv/name", its),
        pair("kubernetes.io/created-for/pvc/name", name(claim)),
        pair("kubernetes.io/created-for/pvc/namespace", text(claim, "/metadata/namespace")),
        pair(&format!("kubernetes.io/cluster/{}", cluster.name), "owned"),
    ]);
    let told = world.get(&cluster.key).map(|object| aws::volume_tags(world, object));
    tags.extend(told.unwrap_or_default());
    let parameter = |name: &str| text(class, &format!("/parameters/{name}")).to_owned();
    let marked = class["parameters"].as_object().into_iter().flatten();
    let marked = marked.filter(|(name, _)| name.starts_with("tagSpecification_"));
    let marked = marked.filter_map(|(_, value)| value.as_str()?.split_once('='));
    tags.extend(marked.map(|(name, value)| pair(name, value)));
    let place = Place { account: cluster.account.clone(), region: cluster.region.clone() };
    let id = aws::volume(world, &place, NewVolume { zone, size, instance: None, tags });
    let sort = Some(parameter("type")).filter(|sort| !sort.is_empty());
    let sort = sort.unwrap_or_else(|| "gp3".to_owned());
    let number = |name: &str| parameter(name).parse::<u64>().ok();
    let of_gp3 = |usual: u64| (sort == "gp3").then_some(usual);
    let (iops, throughput) =
        (number("iops").or(of_gp3(3000)), number("throughput").or(of_gp3(125)));
    world.edit(&Key::new("ec2.volume", &id), |volume| {
        volume.set("encrypted", parameter("encrypted") == "true");
        volume.set("volumeType", sort.as_str());
        volume.set("iops", iops);
        volume.set("throughput", throughput);
    });
    id
}

fn described(
    claim: &Value,
    class: &Value,
    (its, id, zone): (&str, &str, &str),
    capacity: &Value,
) -> Value {
    let rule = json!({ "key": ZONE, "operator": "In", "values": [zone] });
    let format = text(class, "/parameters/csi.storage.k8s.io~1fstype");
    let format = if format.is_empty() { "ext4" } else { format };
    json!({
        "metadata": { "name": its, "annotations": { "pv.kubernetes.io/provisioned-by": NAME } },
        "spec": {
            "capacity": capacity,
            "accessModes": claim["spec"]["accessModes"],
            "persistentVolumeReclaimPolicy": class["reclaimPolicy"],
            "storageClassName": class["metadata"]["name"],
            "volumeMode": claim["spec"]["volumeMode"],
            "mountOptions": class["mountOptions"],
            "csi": { "driver": NAME, "volumeHandle": id, "fsType": format },
            "nodeAffinity": { "required": {
                "nodeSelectorTerms": [{ "matchExpressions": [rule] }] } },
            "claimRef": { "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "name": claim["metadata"]["name"], "namespace": claim["metadata"]["namespace"],
                "uid": claim["metadata"]["uid"] },
        },
        "status": { "phase": "Bound" },
    })
}

/// Attaches volumes to the machines of the pods that use them, and takes them off others.
pub(super) fn attach(world: &mut World, cluster: &Cluster, pods: &[View], nodes: &[View]) {
    for volume in objects::all(world, cluster, Kind::named("persistentvolumes"), None) {
        let of = &volume["spec"]["claimRef"];
        let uses = |pod: &&View| {
            pod["metadata"]["namespace"] == of["namespace"]
                && !super::pods::is_over(pod)
                && super::claims::used(pod).iter().any(|its| of["name"] == *its)
        };
        let on = pods.iter().filter(uses).map(|pod| text(pod, "/spec/nodeName"));
        let node = on.filter_map(|on| nodes.iter().find(|node| name(node) == on)).next();
        let machine = node.and_then(|node| text(node, "/spec/providerID").rsplit('/').next());
        let id = text(&volume, "/spec/csi/volumeHandle");
        let key = Key::new("ec2.volume", id);
        let Some(live) = world.get(&key) else { continue };
        let attached = live.body.get("attachmentSet").and_then(|all| all[0]["instanceId"].as_str());
        if text(&volume, "/spec/csi/driver") == NAME && attached != machine {
            aws::attach(world, id, machine);
        }
    }
}

/// Takes a volume away that was for a claim that has gone, once it is on no machine.
pub(super) fn remove(world: &mut World, cluster: &Cluster, volume: &Value) {
    let key = Key::new("ec2.volume", text(volume, "/spec/csi/volumeHandle"));
    let attached = world.get(&key).map(|live| items_of(live.body.get("attachmentSet")));
    if unable(world, cluster).is_none() && attached.is_none_or(|count| count == 0) {
        world.remove(&key);
        objects::remove(world, cluster, Kind::named("persistentvolumes"), volume);
    }
}

fn items_of(list: Option<&Value>) -> usize {
    list.and_then(Value::as_array).map_or(0, Vec::len)
}
