//! Changes to node groups: what does not need new machines, and what does.
use super::super::{Answer, Call, Refusal};
use super::found::{cluster_key, invalid, refusal, working};
use super::launch_template::{self, Named};
use super::node_group::NODE_GROUP;
use super::node_repair::Repair;
use super::node_shape::{self, Scaling, Taint, UpdateConfig, release, sizes};
use super::token::Asked;
use super::update::{self, New};
use super::versions;
use crate::behaviour::Behaviour;
use crate::world::{Key, Object};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) const CONFIGURED: Behaviour = Behaviour {
    service: "eks",
    what: "a node group is UPDATING its configuration, then ACTIVE",
    seconds: 30,
    source: "assumption",
};
pub(super) const ROLLED: Behaviour = Behaviour {
    service: "eks",
    what: "a node group is UPDATING to new machines, then ACTIVE",
    seconds: 10 * 60,
    source: "assumption",
};

/// The failure of an update whose new nodes do not come.
const NO_NODES: (&str, &str) = (
    "NodeCreationFailure",
    "Couldn't proceed with upgrade process as new nodes are not joining node group",
);

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Configure {
    cluster_name: String,
    nodegroup_name: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    taints: Taints,
    scaling_config: Option<Scaling>,
    update_config: Option<UpdateConfig>,
    node_repair_config: Option<Repair>,
    client_request_token: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Labels {
    #[serde(default)]
    add_or_update_labels: BTreeMap<String, String>,
    #[serde(default)]
    remove_labels: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Taints {
    #[serde(default)]
    add_or_update_taints: Vec<Taint>,
    #[serde(default)]
    remove_taints: Vec<Taint>,
}

/// Returns a group that can be changed now.
fn free<'a>(call: &'a Call<'_>, cluster: &str, name: &str) -> Result<(Key, &'a Object), Refusal> {
    cluster_key(call, cluster)?;
    let key = NODE_GROUP.get(call, cluster, name)?;
    let group =
        call.get(&key).filter(|group| matches!(group.text("status"), "ACTIVE" | "DEGRADED"));
    let group = group.ok_or_else(|| {
        let message = "Nodegroup cannot be updated as it is currently not in Active State";
        refusal("ResourceInUseException", message)
            .field("clusterName", cluster)
            .field("nodegroupName", name)
    })?;
    Ok((key, group))
}

pub(super) fn configure(call: &mut Call<'_>, request: Configure) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(answer) = update::begun_before(call, &asked)? {
        return Ok(answer);
    }
    let (target, group) = free(call, &request.cluster_name, &request.nodegroup_name)?;
    let (params, change) = configuration(&request, group).map_err(|refusal| {
        refusal
            .field("clusterName", request.cluster_name.as_str())
            .field("nodegroupName", request.nodegroup_name.as_str())
    })?;
    let new = New {
        target,
        kind: "ConfigUpdate",
        params,
        change: Value::Object(change),
        takes: &CONFIGURED,
        failure: NO_NODES,
    };
    update::begin(call, asked, new)
}

type Params = Vec<(&'static str, String)>;

fn configuration(
    request: &Configure,
    group: &Object,
) -> Result<(Params, Map<String, Value>), Refusal> {
    let (mut params, mut change) = (Vec::new(), Map::new());
    if let Some(scaling) = &request.scaling_config {
        let size = scaling.over(sizes(group.body.get("scalingConfig")))?;
        let names = ["MinSize", "MaxSize", "DesiredSize"];
        params.extend(names.into_iter().zip(size.map(|size| size.to_string())));
        change.insert("scalingConfig".to_owned(), node_shape::scaling(size));
    }
    let Labels { add_or_update_labels: add, remove_labels: remove } = &request.labels;
    if !add.is_empty() || !remove.is_empty() {
        change.insert("labels".to_owned(), relabel(group, add, remove)?);
        params.push(("LabelsToAdd", json!(add).to_string()));
        params.push(("LabelsToRemove", json!(remove).to_string()));
    }
    let Taints { add_or_update_taints: add, remove_taints: remove } = &request.taints;
    if !add.is_empty() || !remove.is_empty() {
        change.insert("taints".to_owned(), retaint(group, add, remove)?);
        params.push(("TaintsToAdd", json!(add).to_string()));
        params.push(("TaintsToRemove", json!(remove).to_string()));
    }
    if let Some(updates) = &request.update_config {
        updates.check()?;
        params.extend(updates.max_unavailable.map(|n| ("MaxUnavailable", n.to_string())));
        let percentage = updates.max_unavailable_percentage;
        params.extend(percentage.map(|n| ("MaxUnavailablePercentage", n.to_string())));
        change.insert("updateConfig".to_owned(), json!(updates));
    }
    if let Some(repair) = &request.node_repair_config {
        repair.check()?;
        params.push(("NodeRepairConfig", json!(repair).to_string()));
        change.insert("nodeRepairConfig".to_owned(), json!(repair));
    }
    match change.is_empty() {
        true => Err(invalid("No changes were provided for the node group")),
        false => Ok((params, change)),
    }
}

fn relabel(
    group: &Object,
    add: &BTreeMap<String, String>,
    remove: &[String],
) -> Result<Value, Refusal> {
    node_shape::labels(add)?;
    if let Some(both) = remove.iter().find(|key| add.contains_key(*key)) {
        return Err(invalid(format!("The label {both} is both added and removed")));
    }
    let labels = group.body.get("labels").cloned().unwrap_or_default();
    let mut labels: BTreeMap<String, String> = serde_json::from_value(labels).unwrap_or_default();
    labels.retain(|key, _| !remove.contains(key));
    labels.extend(add.clone());
    Ok(json!(labels))
}

fn retaint(group: &Object, add: &[Taint], remove: &[Taint]) -> Result<Value, Refusal> {
    let taints = group.body.get("taints").cloned().unwrap_or_default();
    let mut taints: Vec<Taint> = serde_json::from_value(taints).unwrap_or_default();
    let same = |a: &Taint, b: &Taint| (&a.key, &a.effect) == (&b.key, &b.effect);
    taints.retain(|old| !remove.iter().chain(add).any(|other| same(old, other)));
    taints.extend_from_slice(add);
    node_shape::taints(&taints)?;
    Ok(json!(taints))
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Upgrade {
    cluster_name: String,
    nodegroup_name: String,
    version: Option<String>,
    release_version: Option<String>,
    launch_template: Option<Named>,
    #[serde(default)]
    force: bool,
    client_request_token: Option<String>,
}

pub(super) fn upgrade(call: &mut Call<'_>, request: Upgrade) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(answer) = update::begun_before(call, &asked)? {
        return Ok(answer);
    }
    let (target, group) = free(call, &request.cluster_name, &request.nodegroup_name)?;
    let of_group = |refusal: Refusal| {
        refusal
            .field("clusterName", request.cluster_name.as_str())
            .field("nodegroupName", request.nodegroup_name.as_str())
    };
    let (mut params, mut change) = version(call, &request, group).map_err(of_group)?;
    let template = template(call, &request, group).map_err(of_group)?;
    if let Some(template) = &template {
        params.push(("LaunchTemplateVersion", template.version.clone()));
        change.insert("launchTemplate".to_owned(), template.told());
    }
    if let Some(template) = template {
        let mut next = Object { body: group.body.clone(), ..Object::default() };
        super::node_group::launch_with(&mut next, &template);
        let next = Value::Object(next.hidden);
        call.world.edit(&target, |group| group.hide("next template", next));
    }
    let new = New {
        target,
        kind: "VersionUpdate",
        params,
        change: Value::Object(change),
        takes: &ROLLED,
        failure: NO_NODES,
    };
    update::begin(call, asked, new)
}

/// Decides the version that nodes go to: forward only, and never beyond the cluster.
fn version(
    call: &Call<'_>,
    request: &Upgrade,
    group: &Object,
) -> Result<(Params, Map<String, Value>), Refusal> {
    let cluster = working(call, &request.cluster_name)?;
    let (from, most) = (group.text("version"), cluster.text("version"));
    let to = request.version.as_deref().unwrap_or(from);
    let minor = |name: &str| versions::minor(name).unwrap_or_default();
    let Some(version) = versions::known(to).filter(|version| version.minor <= minor(most)) else {
        return Err(invalid(format!(
            "Requested Nodegroup Kubernetes version {to} is not valid for cluster version {most}"
        )));
    };
    if version.minor < minor(from) {
        return Err(invalid(format!(
            "Unsupported Kubernetes minor version update from {from} to {to}"
        )));
    }
    let wanted = request.release_version.clone().unwrap_or_else(|| release(version));
    if !wanted.starts_with(&format!("{to}.")) {
        return Err(invalid(format!(
            "Requested release version {wanted} is not valid for kubernetes version {to}."
        )));
    }
    let params = vec![("Version", to.to_owned()), ("ReleaseVersion", wanted.clone())];
    let change = [("version", to.to_owned()), ("releaseVersion", wanted)];
    Ok((
        params,
        change.map(|(name, value)| (name.to_owned(), Value::from(value))).into_iter().collect(),
    ))
}

/// Finds the version of its launch template that a group goes to.
fn template(
    call: &Call<'_>,
    request: &Upgrade,
    group: &Object,
) -> Result<Option<launch_template::Template>, Refusal> {
    let Some(named) = &request.launch_template else { return Ok(None) };
    let Some(own) = group.body.get("launchTemplate") else {
        return Err(invalid(
            "You cannot add a launch template to a node group that was created without one.",
        ));
    };
    let template = launch_template::find(call, named)?;
    if own["id"] != template.id.as_str() {
        return Err(invalid(
            "The launch template must be the one that the node group was created with.",
        ));
    }
    template.check(group.body.contains_key("instanceTypes"))?;
    Ok(Some(template))
}
