//! A group of nodes: how it is made, and what must be true for that.
use super::super::ec2::machines;
use super::super::{Answer, Call, Refusal};
use super::found::{body, check_tags, children, invalid, one_of, refusal, room, show, working};
use super::launch_template::{self, Named, Template};
use super::node_group::{self, NODE_GROUP};
use super::node_repair::Repair;
use super::node_shape::{self, CAPACITY, IMAGES, Scaling, Taint, UpdateConfig, release};
use super::token::Asked;
use super::{access_entry, network, roles, versions};
use crate::behaviour::Behaviour;
use crate::faults::Effect;
use crate::world::{Key, Object};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most node groups of a cluster.
pub(super) const LIMIT: Behaviour = Behaviour {
    service: "eks",
    what: "a cluster has at most 30 managed node groups, of at most 450 nodes",
    seconds: 0,
    source: "Amazon EKS User Guide, service quotas",
};
const MOST: usize = 30;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    cluster_name: String,
    nodegroup_name: String,
    #[serde(default)]
    scaling_config: Scaling,
    disk_size: Option<u64>,
    subnets: Vec<String>,
    #[serde(default)]
    instance_types: Vec<String>,
    ami_type: Option<String>,
    node_role: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    taints: Vec<Taint>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    client_request_token: Option<String>,
    launch_template: Option<Named>,
    update_config: Option<UpdateConfig>,
    node_repair_config: Option<Repair>,
    capacity_type: Option<String>,
    version: Option<String>,
    release_version: Option<String>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(group) = asked.made_before(call, NODE_GROUP.kind)?.and_then(|key| call.get(&key)) {
        return Ok(json!({ "nodegroup": show(group) }));
    }
    let of_group = |refusal: Refusal| {
        refusal
            .field("clusterName", request.cluster_name.as_str())
            .field("nodegroupName", request.nodegroup_name.as_str())
    };
    let cluster = working(call, &request.cluster_name)?.clone();
    name(call, &cluster, &request.nodegroup_name).map_err(of_group)?;
    let size =
        request.scaling_config.over(default_size(&request.scaling_config)).map_err(of_group)?;
    let template = shape(call, &request).map_err(of_group)?;
    let version = version(&cluster, &request, template.as_ref()).map_err(of_group)?;
    subnets(call, &cluster, &request.subnets).map_err(of_group)?;
    roles::of_nodes(call, &request.node_role).map_err(of_group)?;
    let path = format!("{}/{}/{}", request.cluster_name, request.nodegroup_name, call.world.uuid());
    let arn = call.arn("eks", &format!("nodegroup/{path}"));
    let mut group = call.object();
    node_group::stamp(&mut group, call.world.now);
    group.body.extend(told(&request, &arn, version, size, template.as_ref()));
    group.tags = request.tags.clone();
    if let Some(template) = &template {
        node_group::launch_with(&mut group, template);
    }
    group.hide("full", call.effect == Some(Effect::Capacity));
    asked.keep(&mut group);
    node_group::begin(call.world, &mut group);
    let shown = show(&group);
    call.world.put(Key::new(NODE_GROUP.kind, arn), group);
    access_entry::of_nodes(call.world, &cluster, &request.node_role);
    Ok(json!({ "nodegroup": shown }))
}

/// Returns the size that a group gets when its request names none, or only a part of it.
fn default_size(asked: &Scaling) -> [u64; 3] {
    let min = asked.min_size.unwrap_or(1);
    let max = asked.max_size.unwrap_or(min.max(2));
    [min, max, min.max(2.min(max))]
}

fn name(call: &Call<'_>, cluster: &Object, name: &str) -> Result<(), Refusal> {
    let is_fit =
        |(n, c): (usize, char)| c.is_ascii_alphanumeric() || (n > 0 && (c == '-' || c == '_'));
    if !(1..=63).contains(&name.len()) || !name.chars().enumerate().all(is_fit) {
        return Err(invalid(format!(
            "The nodegroup name {name:?} must have 1 to 63 characters and match \
             ^[0-9A-Za-z][A-Za-z0-9\\-_]*$"
        )));
    }
    if NODE_GROUP.key(call, cluster.text("name"), name).is_some() {
        let message = format!(
            "NodeGroup already exists with name {name} and cluster name {}",
            cluster.text("name")
        );
        return Err(refusal("ResourceInUseException", message));
    }
    let is_full = children(call.world, cluster, NODE_GROUP.kind).len() >= MOST;
    room(call, is_full, "Node group limit exceeded for cluster.")
}

/// Checks what the nodes are to be, and returns their launch template.
fn shape(call: &Call<'_>, request: &Create) -> Result<Option<Template>, Refusal> {
    node_shape::labels(&request.labels)?;
    node_shape::taints(&request.taints)?;
    check_tags(&request.tags, &request.tags, "InvalidParameterException")?;
    if let Some(updates) = &request.update_config {
        updates.check()?;
    }
    if let Some(repair) = &request.node_repair_config {
        repair.check()?;
    }
    if let Some(image) = &request.ami_type {
        one_of("amiType", image, IMAGES)?;
    }
    if let Some(capacity) = &request.capacity_type {
        one_of("capacityType", capacity, &CAPACITY)?;
    }
    if request.instance_types.len() > 20 {
        return Err(invalid("A node group has at most 20 instance types"));
    }
    let unknown = |name: &&String| machines::find(name).is_none();
    if let Some(name) = request.instance_types.iter().find(unknown) {
        return Err(invalid(format!(
            "The following supplied instance types do not exist: [{name}]"
        )));
    }
    fits_image(&request.instance_types, request.ami_type.as_deref())?;
    let Some(named) = &request.launch_template else { return Ok(None) };
    let template = launch_template::find(call, named)?;
    template.check(!request.instance_types.is_empty())?;
    if request.disk_size.is_some() {
        return Err(invalid("Disk size must be specified within the launch template."));
    }
    match template.has_image() && request.ami_type.as_deref().is_some_and(|image| image != "CUSTOM")
    {
        true => Err(invalid("An amiType cannot be given with an image in the launch template.")),
        false => Ok(Some(template)),
    }
}

/// Checks that machines have the processor that their image is for.
fn fits_image(types: &[String], image: Option<&str>) -> Result<(), Refusal> {
    let Some(image) = image.filter(|image| *image != "CUSTOM") else { return Ok(()) };
    let wanted = if image.contains("ARM_64") { "arm64" } else { "x86_64" };
    let is_other =
        |name: &&String| machines::find(name).is_some_and(|m| m.architecture() != wanted);
    match types.iter().find(is_other) {
        None => Ok(()),
        Some(name) => Err(invalid(format!(
            "[{name}] is not a valid instance type for requested amiType {image}"
        ))),
    }
}

/// Checks the version of nodes, which is that of the cluster, or that of an image of their own.
fn version(
    cluster: &Object,
    request: &Create,
    template: Option<&Template>,
) -> Result<(String, String), Refusal> {
    let is_told = request.version.is_some() || request.release_version.is_some();
    if is_told && template.is_some_and(Template::has_image) {
        return Err(invalid(
            "You cannot specify a version or a release version when the launch template has an \
             image ID.",
        ));
    }
    let of_cluster = cluster.text("version");
    let wanted = request.version.as_deref().unwrap_or(of_cluster);
    let Some(version) = versions::known(wanted).filter(|_| wanted == of_cluster) else {
        return Err(invalid(format!(
            "Requested Nodegroup Kubernetes version {wanted} is not valid for cluster version \
             {of_cluster}"
        )));
    };
    let newest = release(version);
    match &request.release_version {
        Some(release) if !release.starts_with(&format!("{wanted}.")) => Err(invalid(format!(
            "Requested release version {release} is not valid for kubernetes version {wanted}."
        ))),
        release => Ok((wanted.to_owned(), release.clone().unwrap_or(newest))),
    }
}

pub(super) fn subnets(call: &Call<'_>, cluster: &Object, ids: &[String]) -> Result<(), Refusal> {
    let vpc = cluster.body.get("resourcesVpcConfig").map(|config| config["vpcId"].clone());
    if ids.is_empty() {
        return Err(invalid("Subnets are required to create a node group"));
    }
    for id in ids {
        let subnet = network::subnet(call, id)
            .ok_or_else(|| invalid(format!("The subnet ID '{id}' does not exist")))?;
        if Some(json!(subnet.text("vpcId"))) != vpc {
            let message = format!("Subnet {id} is not in the VPC of the cluster");
            return Err(invalid(message));
        }
    }
    Ok(())
}

fn told(
    request: &Create,
    arn: &str,
    (version, release): (String, String),
    size: [u64; 3],
    template: Option<&Template>,
) -> serde_json::Map<String, Value> {
    let image = match template.is_some_and(Template::has_image) {
        true => "CUSTOM",
        false => request.ami_type.as_deref().unwrap_or("AL2023_x86_64_STANDARD"),
    };
    let own_type = template.and_then(Template::machine);
    let types = match request.instance_types.is_empty() {
        true if own_type.is_some() => None,
        true => Some(vec!["t3.medium".to_owned()]),
        false => Some(request.instance_types.clone()),
    };
    let disk = template.is_none().then(|| request.disk_size.unwrap_or(20));
    let default = UpdateConfig {
        max_unavailable: Some(1),
        max_unavailable_percentage: None,
        update_strategy: None,
    };
    let unrepaired = Repair::default();
    body(json!({
        "nodegroupName": request.nodegroup_name,
        "nodegroupArn": arn,
        "clusterName": request.cluster_name,
        "version": version,
        "releaseVersion": release,
        "status": "CREATING",
        "capacityType": request.capacity_type.as_deref().unwrap_or("ON_DEMAND"),
        "scalingConfig": node_shape::scaling(size),
        "instanceTypes": types,
        "subnets": request.subnets,
        "amiType": image,
        "nodeRole": request.node_role,
        "labels": request.labels,
        "taints": (!request.taints.is_empty()).then_some(&request.taints),
        "diskSize": disk,
        "health": { "issues": [] },
        "updateConfig": request.update_config.as_ref().unwrap_or(&default),
        "nodeRepairConfig": request.node_repair_config.as_ref().unwrap_or(&unrepaired),
        "launchTemplate": template.map(Template::told),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_defaults_that_fit() {
        let size = |min, max, desired| {
            let asked = Scaling { min_size: min, max_size: max, desired_size: desired };
            asked.over(default_size(&asked)).ok()
        };
        assert_eq!(size(None, None, None), Some([1, 2, 2]));
        assert_eq!(size(Some(3), None, None), Some([3, 3, 3]));
        assert_eq!(size(Some(1), Some(12), Some(1)), Some([1, 12, 1]));
        assert_eq!(size(Some(5), Some(2), None), None);
    }
}
