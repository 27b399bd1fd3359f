//! What happens in a living cluster without anybody calling AWS for it.
use super::super::autoscaling::group;
use super::super::classic_elb::balancer as classic;
use super::super::ec2::living::{self, NewInterface, NewVolume, Place};
use super::super::elb::balancer::{self, NewBalancer};
use super::cluster_life;
use super::found::children;
use super::node_group::{NODE_GROUP, machines_of};
use super::within::volume_tags;
use crate::behaviour::Behaviour;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const SCALED: Behaviour = Behaviour {
    service: "eks",
    what: "the autoscaler of a cluster that has one gives a node group another size within its bounds",
    seconds: 10 * 60,
    source: "assumption",
};

/// Something that happens to a cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    /// The name of the cluster.
    cluster: String,
    /// Where it is, if there are several of that name.
    account: Option<String>,
    region: Option<String>,
    event: Kind,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Its controllers make load balancers of both kinds and a volume, and its network add-on a spare interface
    /// and one that it leaks.
    Workload,
    /// It has an autoscaler from now on.
    Autoscaler,
    /// AWS upgrades it, as at the end of support.
    Upgrade,
}

/// Lets something happen.
///
/// # Errors
/// When there is no such cluster, or it cannot happen to it now.
pub(crate) fn happen(world: &mut World, event: &Event) -> Result<(), String> {
    let (key, cluster) = meant(world, event)?;
    match event.event {
        Kind::Workload => work(world, &cluster),
        Kind::Autoscaler => {
            scale(world, &key);
            Ok(())
        }
        Kind::Upgrade => cluster_life::upgrade_itself(world, &key),
    }
}

/// Returns the cluster that an event is about.
fn meant(world: &World, event: &Event) -> Result<(Key, Object), String> {
    let is = |wanted: &Option<String>, it: &str| wanted.as_ref().is_none_or(|text| text == it);
    let mut its = world.of("eks.cluster").filter(|(_, it)| {
        it.text("name") == event.cluster
            && is(&event.account, &it.account)
            && is(&event.region, &it.region)
    });
    match (its.next(), its.next()) {
        (Some((key, cluster)), None) => Ok((key.clone(), cluster.clone())),
        (None, _) => Err(format!("there is no cluster {}", event.cluster)),
        _ => Err(format!(
            "there are several clusters {}: name its account and region",
            event.cluster
        )),
    }
}

/// Makes what controllers of a cluster make, and what they leave behind when they are gone.
fn work(world: &mut World, cluster: &Object) -> Result<(), String> {
    let (place, name) = (Place::of(cluster), cluster.text("name"));
    let network = cluster.body.get("resourcesVpcConfig").cloned().unwrap_or_default();
    let subnets: Vec<String> =
        serde_json::from_value(network["subnetIds"].clone()).unwrap_or_default();
    let text = |member: &str| network[member].as_str().unwrap_or_default().to_owned();
    if text("clusterSecurityGroupId").is_empty() || cluster.text("status") == "DELETING" {
        return Err(format!("the cluster {name} has no network"));
    }
    let own = |more: &[(&str, &str)]| -> BTreeMap<String, String> {
        let owned = (format!("kubernetes.io/cluster/{name}"), "owned".to_owned());
        let more = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        more.chain([owned]).collect()
    };
    let balancer = format!("k8s-ingress-nginx-{}", world.digits(10));
    let tags = own(&[
        ("elbv2.k8s.aws/cluster", name),
        ("service.k8s.aws/stack", "ingress/nginx"),
        ("service.k8s.aws/resource", "LoadBalancer"),
    ]);
    let described = (balancer.as_str(), "[k8s] Managed SecurityGroup for LoadBalancer");
    let vpc = text("vpcId");
    let group = living::security_group(world, &place, &vpc, described, tags.clone());
    let new = NewBalancer {
        place: place.clone(),
        name: &balancer,
        vpc: &vpc,
        subnets: &subnets,
        group: &group,
        tags,
    };
    balancer::create(world, new);
    service(world, cluster, &subnets, own);
    let machine = machines(world, cluster).into_iter().next();
    claim(world, cluster, machine.as_ref(), &subnets, own);
    connect(world, cluster, machine.as_deref(), &subnets);
    Ok(())
}

/// Makes the interfaces of the network add-on: a spare one on a machine, and one that it leaked.
fn connect(world: &mut World, cluster: &Object, machine: Option<&str>, subnets: &[String]) {
    let Some(subnet) = subnets.first() else { return };
    let group = cluster.body["resourcesVpcConfig"]["clusterSecurityGroupId"].as_str();
    let groups = [group.unwrap_or_default().to_owned()];
    let home = machine.and_then(|id| world.get(&Key::new("ec2.instance", id)));
    let home = home.map_or(subnet.as_str(), |machine| machine.text("subnetId")).to_owned();
    let of = machine.unwrap_or("i-0");
    let description = format!("aws-K8S-{of}");
    let new = |subnet, instance| NewInterface {
        subnet,
        description: &description,
        groups: &groups,
        instance,
        requester: None,
        tags: BTreeMap::from([
            ("cluster.k8s.amazonaws.com/name".to_owned(), cluster.text("name").to_owned()),
            ("node.k8s.amazonaws.com/instance_id".to_owned(), of.to_owned()),
        ]),
    };
    let place = Place::of(cluster);
    if machine.is_some() {
        living::interface(world, &place, new(&home, machine));
    }
    living::interface(world, &place, new(subnet, None));
}

/// Makes the classic load balancer of a service, as the controller within Kubernetes does: with a
/// security group, which the cluster's own lets in.
fn service(
    world: &mut World,
    cluster: &Object,
    subnets: &[String],
    own: impl Fn(&[(&str, &str)]) -> BTreeMap<String, String>,
) {
    let (place, network) = (Place::of(cluster), &cluster.body["resourcesVpcConfig"]);
    let text = |member: &str| network[member].as_str().unwrap_or_default();
    let name = format!("a{}", world.digits(31));
    let words = (format!("k8s-elb-{name}"), format!("Security group for Kubernetes ELB {name}"));
    let tags = own(&[("KubernetesCluster", cluster.text("name"))]);
    let group = living::security_group(world, &place, text("vpcId"), (&words.0, &words.1), tags);
    living::admit(world, &place, text("clusterSecurityGroupId"), &group);
    let new = classic::NewBalancer {
        place,
        name: &name,
        vpc: text("vpcId"),
        subnets,
        groups: &[group],
        listeners: vec![json!({
            "Protocol": "TCP",
            "LoadBalancerPort": 80,
            "InstanceProtocol": "TCP",
            "InstancePort": 31080,
        })],
        scheme: "internet-facing",
        tags: own(&[("kubernetes.io/service-name", "default/web")]),
    };
    classic::make(world, new);
}

/// Makes the volume of a claim, where a machine is that uses it.
fn claim(
    world: &mut World,
    cluster: &Object,
    machine: Option<&String>,
    subnets: &[String],
    own: impl Fn(&[(&str, &str)]) -> BTreeMap<String, String>,
) {
    let pv = format!("pvc-{}", world.uuid());
    let mut tags = own(&[
        ("ebs.csi.aws.com/cluster", "true"),
        ("CSIVolumeName", &pv),
        ("kubernetes.io/created-for/pv/name", &pv),
        ("kubernetes.io/created-for/pvc/name", "data-postgresql-0"),
        ("kubernetes.io/created-for/pvc/namespace", "default"),
    ]);
    tags.extend(volume_tags(world, cluster));
    let home = machine.and_then(|id| world.get(&Key::new("ec2.instance", id)));
    let home = home.map(|machine| machine.text("subnetId")).or(subnets.first().map(String::as_str));
    let home = home.and_then(|subnet| world.get(&living::subnet(subnet)));
    let zone = home.map(|subnet| subnet.text("availabilityZone")).unwrap_or_default().to_owned();
    let instance = machine.map(String::as_str);
    living::volume(world, &Place::of(cluster), NewVolume { zone: &zone, size: 20, instance, tags });
}

/// Returns the Auto Scaling groups of a cluster.
fn scaling(world: &World, cluster: &Object) -> Vec<Key> {
    let groups = children(world, cluster, NODE_GROUP.kind);
    let groups = groups.iter().filter_map(|key| world.get(key));
    let steady = groups.filter(|group| group.text("status") == "ACTIVE");
    steady.filter_map(|group| machines_of(world, group)).collect()
}

fn machines(world: &World, cluster: &Object) -> Vec<String> {
    let groups = scaling(world, cluster);
    let groups = groups.iter().filter_map(|key| world.get(key));
    groups.flat_map(|group| group::machines(world, group)).collect()
}

/// Gives one node group another size within its bounds, and does so again later.
pub(super) fn scale(world: &mut World, key: &Key) {
    let Some(cluster) = world.get(key).cloned() else { return };
    let groups = scaling(world, &cluster);
    let drawn = (world.chance() * groups.len() as f64) as usize;
    if let Some(chosen) = groups.get(drawn) {
        let [min, max, _] = world.get(chosen).map(group::size).unwrap_or_default();
        let desired = min + (world.chance() * (max - min + 1) as f64) as u64;
        group::resize(world, chosen, [min, max, desired]);
    }
    let at = world.after(&SCALED);
    world.edit(key, |cluster| {
        if !cluster.turns.iter().any(|turn| turn.word == "scale") {
            cluster.later(at, "scale");
        }
    });
}
