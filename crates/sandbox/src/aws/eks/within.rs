//! What the inside of a cluster meets of AWS: its machines, add-ons and roles.
use super::super::autoscaling::group;
use super::super::ec2::living::{self, Place};
use super::super::iam::trust_policy;
use super::addon::{ADDON, OWN};
use super::addon_versions;
use super::found::children;
use super::node_group::{NODE_GROUP, has_network, machines_of};
use super::pod_identity::ASSOCIATION;
use super::versions;
use crate::world::{Key, Object, World};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How large a disk is in GiB that nobody says the size of.
const USUAL_DISK: u64 = 20;

/// A machine that becomes a node of a cluster.
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) instance: Object,
    pub(crate) node_group: Object,
    pub(crate) has_network: bool,
}

/// Returns the machines of a cluster that there are and do not end.
pub(crate) fn machines(world: &World, cluster: &Key) -> Vec<Machine> {
    let Some(cluster) = world.get(cluster) else { return Vec::new() };
    let groups = children(world, cluster, NODE_GROUP.kind);
    let groups = groups.iter().filter_map(|key| world.get(key));
    let of_group = |node_group: &Object| -> Vec<Machine> {
        let scaling = machines_of(world, node_group).and_then(|key| world.get(&key));
        let ids = scaling.map(|scaling| group::machines(world, scaling)).unwrap_or_default();
        let has_network = has_network(world, node_group);
        let machine = |id: String| {
            let instance = world.get(&Key::new("ec2.instance", &id))?.clone();
            Some(Machine { id, instance, node_group: node_group.clone(), has_network })
        };
        ids.into_iter().filter_map(machine).collect()
    };
    groups.flat_map(of_group).collect()
}

/// The disks of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Disks {
    /// The size of its first disk, in GiB.
    pub(crate) root: u64,
    /// Whether pods and images are on the machine's own disks, joined into one.
    pub(crate) joined: bool,
}

/// Returns what the launch template and the size of a node group make of its nodes' disks.
pub(crate) fn disks(world: &World, node_group: &Object) -> Disks {
    let named = node_group.hidden.get("template").cloned().unwrap_or_default();
    let text = |member: &str| named[member].as_str().unwrap_or_default();
    let place = Place::of(node_group);
    let data = living::template(world, &place, text("LaunchTemplateId"), text("Version"));
    let data = data.unwrap_or_default();
    let mappings = data["blockDeviceMappingSet"].as_array().into_iter().flatten();
    let size = |mapping: &Value| mapping["ebs"]["volumeSize"].as_u64();
    let own = node_group.body.get("diskSize").and_then(Value::as_u64);
    let user_data = STANDARD.decode(data["userData"].as_str().unwrap_or_default());
    let user_data = String::from_utf8(user_data.unwrap_or_default()).unwrap_or_default();
    Disks {
        root: mappings.filter_map(size).next().or(own).unwrap_or(USUAL_DISK),
        joined: user_data.contains("node.eks.aws") && user_data.contains("strategy: RAID0"),
    }
}

/// An add-on whose software is in a cluster.
pub(crate) struct Addon {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The role that its service account names.
    pub(crate) role: String,
    /// What it is configured with; nothing is null.
    pub(crate) configuration: Value,
}

/// Returns the add-ons whose software is in a cluster, with those that EKS installed itself.
pub(crate) fn addons(world: &World, cluster: &Key) -> Vec<Addon> {
    let Some(cluster) = world.get(cluster) else { return Vec::new() };
    let keys = children(world, cluster, ADDON.kind);
    let there = keys.iter().filter_map(|key| world.get(key));
    let made = there.filter(|addon| addon.text("status") != "CREATE_FAILED");
    let mut all: Vec<Addon> = made
        .map(|addon| Addon {
            name: addon.text("addonName").to_owned(),
            version: addon.text("addonVersion").to_owned(),
            role: addon.text("serviceAccountRoleArn").to_owned(),
            configuration: configuration(addon),
        })
        .collect();
    if cluster.hidden.get("own add-ons") == Some(&json!(true)) {
        let minor = versions::minor(cluster.text("version")).unwrap_or_default();
        for name in OWN {
            let version = addon_versions::offer(name).and_then(|offer| offer.default(minor));
            let version = version.unwrap_or_default().to_owned();
            if !all.iter().any(|addon| addon.name == name) {
                let (name, role) = (name.to_owned(), String::new());
                all.push(Addon { name, version, role, configuration: Value::Null });
            }
        }
    }
    all
}

fn configuration(addon: &Object) -> Value {
    serde_json::from_str(addon.text("configurationValues")).unwrap_or_default()
}

/// Returns the role that the pods of a service account take on through Pod Identity.
pub(crate) fn role_of(
    world: &World,
    cluster: &Key,
    namespace: &str,
    account: &str,
) -> Option<String> {
    let cluster = world.get(cluster)?;
    let keys = children(world, cluster, ASSOCIATION.kind);
    let mut all = keys.iter().filter_map(|key| world.get(key));
    let found =
        all.find(|it| it.text("namespace") == namespace && it.text("serviceAccount") == account);
    Some(found?.text("roleArn").to_owned())
}

/// Tells whether a role trusts the service accounts of a cluster, whose issuer IAM knows.
pub(crate) fn trusts_issuer(world: &World, cluster: &Key, role: &str) -> bool {
    let issuer = world.get(cluster).and_then(|it| it.body.get("identity").cloned());
    let issuer = issuer.and_then(|it| Some(it["oidc"]["issuer"].as_str()?.to_owned()));
    let issuer = issuer.unwrap_or_default().trim_start_matches("https://").to_owned();
    let is_known = world.of("iam.oidc_provider").any(|(key, _)| key.id.ends_with(&issuer));
    let trust = trust_policy(world, role).unwrap_or_default();
    !issuer.is_empty()
        && is_known
        && trust.contains(&issuer)
        && trust.contains("sts:AssumeRoleWithWebIdentity")
}

/// Returns the tags that the driver for volumes is configured to give them.
pub(crate) fn volume_tags(world: &World, cluster: &Object) -> BTreeMap<String, String> {
    let addons = children(world, cluster, ADDON.kind).into_iter();
    let mut addons = addons.filter_map(|key| world.get(&key));
    let driver = addons.find(|addon| addon.text("addonName") == "aws-ebs-csi-driver");
    let told = driver.map(configuration).unwrap_or_default();
    let tags = told.pointer("/controller/extraVolumeTags").cloned().unwrap_or_default();
    serde_json::from_value(tags).unwrap_or_default()
}
