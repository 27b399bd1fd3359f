//! A group of worker nodes that EKS keeps at its size.
//!
//! Nothing about its machines can change, so all of that is in its address and its name. How
//! many there are is the autoscaler's: it is sent between the bounds and never compared.
use super::update::{begun, failure, poll, words};
use crate::aws::{
    Aws, Reply, Tags, all_known, is_of_cluster, known, missing, own, owned, retag_eks, values,
};
use aws_sdk_eks::types::{
    AmiTypes, CapacityTypes, LaunchTemplateSpecification, NodeRepairConfig, Nodegroup as Found,
    NodegroupHealth, NodegroupScalingConfig, NodegroupStatus, NodegroupUpdateConfig,
    Taint as FoundTaint, TaintEffect, UpdateLabelsPayload, UpdateTaintsPayload,
};
use provision_core::{
    Cx, Diff, Identity, Input, Live, Marks, Operation, Phase, Progress, Resource, Result, Rule,
    Started, Timing,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A group of worker nodes that EKS keeps at its size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeGroup {
    /// Its name.
    pub name: String,
    /// The name of the cluster.
    pub cluster: Input<String>,
    /// The ARN of the role its nodes take on.
    pub role: Input<String>,
    /// The subnets its nodes stand in.
    pub subnets: Vec<Input<String>>,
    /// The machine types that will do, the preferred first.
    pub machines: Vec<String>,
    /// On what terms machines are rented: `ON_DEMAND` or `SPOT`.
    pub capacity: String,
    /// The family of images, such as `AL2023_x86_64_STANDARD`.
    pub image: String,
    /// The version of Kubernetes that its nodes run at least; records of earlier versions lack it.
    #[serde(default)]
    pub version: String,
    /// The version of its first nodes, which EKS takes only if it is the control plane's.
    #[serde(default)]
    pub first_version: String,
    /// The id of the launch template.
    pub launch_template: Input<String>,
    /// The version of the launch template.
    pub launch_template_version: Input<String>,
    /// The least number of nodes.
    pub min: i32,
    /// The greatest number of nodes.
    pub max: i32,
    /// The labels of its nodes.
    pub labels: BTreeMap<String, String>,
    /// The taints of its nodes.
    pub taints: BTreeSet<Taint>,
    /// How many nodes may be missing while it is updated.
    pub max_unavailable: i32,
    /// Whether EKS takes the place of a node that does not get well.
    pub repair: bool,
    /// Its tags, which are not those of its machines.
    pub tags: Tags,
}

/// Keeps off a node what does not tolerate it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value, which may be empty.
    pub value: String,
    /// What it does, in the notation of EKS: `NO_SCHEDULE`.
    pub effect: String,
}

/// Changes that take longer than others: EKS makes new machines and drains the old ones.
const SLOW: &[(&str, u64)] = &[("version", 10 * 60), ("launch_template_version", 10 * 60)];

/// What EKS decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Cluster and name, as `acme/app-12345678`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// How many nodes there are meant to be at the moment.
    pub desired: i32,
    /// The name of its scaling group.
    pub scaling_group: String,
}

impl Resource for NodeGroup {
    const KIND: &'static str = "aws.eks.node_group";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("name", Rule::Immutable),
        ("cluster", Rule::Immutable),
        ("role", Rule::Immutable),
        ("subnets", Rule::CreateOnly),
        ("machines", Rule::CreateOnly),
        ("capacity", Rule::Immutable),
        ("image", Rule::Immutable),
        ("version", Rule::AtLeast),
        ("first_version", Rule::CreateOnly),
        ("launch_template", Rule::Immutable),
        ("tags", Rule::Tags),
    ];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing =
        Timing::new(5, 90 * 60, 30).making(3 * 60).changing(60).changing_slowly(SLOW).leaving(210);
    const EARLY: bool = true;
    const DISPENSABLE: bool = true;
    type Cloud = Aws;
    type Outputs = Outputs;

    /// EKS brings one node after the other to another version, and gives the pods of each a quarter of
    /// an hour to go.
    fn deadline(&self) -> Duration {
        const NODE: u64 = 15 * 60;
        let turns = self.max.unsigned_abs().div_ceil(self.max_unavailable.unsigned_abs().max(1));
        let all = Duration::from_secs(60 * 60 + NODE * u64::from(turns));
        all.clamp(Self::TIMING.deadline, Duration::from_secs(24 * 60 * 60))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        let cluster = &cx.marks().cluster;
        // Moto 5.2 answers 500 when asked for the groups of a cluster that is not there.
        let parent = cx.cloud.eks.describe_cluster().name(cluster).send().await;
        if parent.found("eks:DescribeCluster")?.is_none() {
            return Ok(Some(Vec::new()));
        }
        let pages = cx.cloud.eks.list_nodegroups().cluster_name(cluster).into_paginator();
        let names: Result<Vec<_>, _> = pages.items().send().collect().await;
        let mut all = Vec::new();
        for name in names.found("eks:ListNodegroups")?.unwrap_or_default() {
            let found = find(cx, cluster, &name).await?;
            all.extend(found.filter(|live| is_of_cluster(cx.marks(), &live.spec.tags)));
        }
        Ok(Some(all))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let Ok(cluster) = self.cluster.get() else { return Ok(None) };
        find(cx, cluster, &self.name).await
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.eks.create_nodegroup().cluster_name(self.cluster.get()?);
        let call = call.nodegroup_name(&self.name).node_role(self.role.get()?);
        let call = call.set_subnets(Some(values(&self.subnets)?));
        let call = call.set_instance_types(Some(self.machines.clone()));
        let call = call.capacity_type(CapacityTypes::from(self.capacity.as_str()));
        let call = call.ami_type(AmiTypes::from(self.image.as_str()));
        let call = call.version(&self.first_version);
        let call = call.launch_template(self.template()?).scaling_config(self.scaling(self.min));
        let call = call.set_labels(Some(self.labels.clone().into_iter().collect()));
        let call = call.set_taints(Some(self.taints.iter().map(taint).collect()));
        let call = call.update_config(self.updates()).client_request_token(cx.token());
        let call = call.node_repair_config(self.repairs());
        let call = call.set_tags(Some(self.tags.clone().into_iter().collect()));
        let made = call.send().await.reply("eks:CreateNodegroup")?.nodegroup;
        let made = made.ok_or_else(|| missing("eks:CreateNodegroup", "node group"))?;
        Ok(Started::made(outputs(&made)))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let (eks, cluster) = (&cx.cloud.eks, self.cluster.get()?);
        let path = format!("{cluster}/{}", self.name);
        if diff.touches(&["min", "max", "labels", "taints", "max_unavailable", "repair"]) {
            let touches = |fields: &[&str]| diff.touches(fields).then_some(());
            let scaling = touches(&["min", "max"]).map(|()| self.scaling(live.outputs.desired));
            let call = eks.update_nodegroup_config().cluster_name(cluster);
            let call = call.nodegroup_name(&self.name).set_scaling_config(scaling);
            let call = call.set_labels(touches(&["labels"]).map(|()| self.relabel(&live.spec)));
            let call = call.set_taints(touches(&["taints"]).map(|()| self.retaint(&live.spec)));
            let updates = touches(&["max_unavailable"]).map(|()| self.updates());
            let repairs = touches(&["repair"]).map(|()| self.repairs());
            let call = call.set_update_config(updates).set_node_repair_config(repairs);
            let answer = call.send().await;
            return Ok(begun(&path, answer.reply("eks:UpdateNodegroupConfig")?.update));
        }
        if diff.touches(&["version", "launch_template_version"]) {
            let touches = |field: &str| diff.touches(&[field]).then_some(());
            let template = touches("launch_template_version").map(|()| self.template());
            let call = eks.update_nodegroup_version().cluster_name(cluster);
            let call = call.nodegroup_name(&self.name).set_launch_template(template.transpose()?);
            let call = call.set_version(touches("version").map(|()| self.version.clone()));
            let answer = call.send().await.reply("eks:UpdateNodegroupVersion")?;
            return Ok(begun(&path, answer.update));
        }
        retag_eks(cx.cloud, &live.outputs.arn, diff).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.eks.delete_nodegroup().cluster_name(live.spec.cluster.get()?);
        let call = call.nodegroup_name(&live.spec.name);
        call.send().await.gone("eks:DeleteNodegroup")
    }

    async fn poll(cx: &Cx<'_, Aws>, operation: &Operation) -> Result<Progress> {
        poll(cx, operation).await
    }
}

impl NodeGroup {
    fn scaling(&self, desired: i32) -> NodegroupScalingConfig {
        let scaling = NodegroupScalingConfig::builder().min_size(self.min).max_size(self.max);
        scaling.desired_size(desired.max(self.min).min(self.max)).build()
    }

    fn updates(&self) -> NodegroupUpdateConfig {
        NodegroupUpdateConfig::builder().max_unavailable(self.max_unavailable).build()
    }

    fn repairs(&self) -> NodeRepairConfig {
        NodeRepairConfig::builder().enabled(self.repair).build()
    }

    /// Names the template by id alone: EKS refuses id and name together.
    fn template(&self) -> Result<LaunchTemplateSpecification> {
        let template = LaunchTemplateSpecification::builder().id(self.launch_template.get()?);
        Ok(template.version(self.launch_template_version.get()?).build())
    }

    fn relabel(&self, live: &Self) -> UpdateLabelsPayload {
        let gone: Vec<_> =
            live.labels.keys().filter(|key| !self.labels.contains_key(*key)).cloned().collect();
        let set = self.labels.iter().filter(|(key, value)| live.labels.get(*key) != Some(value));
        let set = set.map(|(key, value)| (key.clone(), value.clone())).collect();
        let gone = (!gone.is_empty()).then_some(gone);
        UpdateLabelsPayload::builder()
            .set_add_or_update_labels(Some(set))
            .set_remove_labels(gone)
            .build()
    }

    /// Removes and sets by key and effect, which together tell a taint from another.
    fn retaint(&self, live: &Self) -> UpdateTaintsPayload {
        let same = |a: &Taint, b: &Taint| (&a.key, &a.effect) == (&b.key, &b.effect);
        let gone = live.taints.iter().filter(|old| !self.taints.iter().any(|new| same(old, new)));
        let gone: Vec<_> = gone.map(taint).collect();
        let set: Vec<_> = self.taints.difference(&live.taints).map(taint).collect();
        UpdateTaintsPayload::builder()
            .set_add_or_update_taints((!set.is_empty()).then_some(set))
            .set_remove_taints((!gone.is_empty()).then_some(gone))
            .build()
    }
}

async fn find(cx: &Cx<'_, Aws>, cluster: &str, name: &str) -> Result<Option<Live<NodeGroup>>> {
    let call = cx.cloud.eks.describe_nodegroup().cluster_name(cluster).nodegroup_name(name);
    let found = call.send().await.found("eks:DescribeNodegroup")?;
    Ok(found.and_then(|answer| answer.nodegroup).map(|group| live(cx.marks(), group)))
}

fn taint(taint: &Taint) -> FoundTaint {
    let built =
        FoundTaint::builder().key(&taint.key).effect(TaintEffect::from(taint.effect.as_str()));
    built.set_value((!taint.value.is_empty()).then(|| taint.value.clone())).build()
}

fn outputs(group: &Found) -> Outputs {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let desired = group.scaling_config.as_ref().and_then(|scaling| scaling.desired_size);
    let groups = group.resources.as_ref().and_then(|it| it.auto_scaling_groups.as_ref());
    Outputs {
        id: format!("{}/{}", text(&group.cluster_name), text(&group.nodegroup_name)),
        arn: text(&group.nodegroup_arn),
        desired: desired.unwrap_or_default(),
        scaling_group: groups.and_then(|all| all.first()?.name.clone()).unwrap_or_default(),
    }
}

fn phase(status: Option<&NodegroupStatus>, health: Option<NodegroupHealth>) -> Phase {
    let issues = health.and_then(|health| health.issues).unwrap_or_default().into_iter();
    let issues: Vec<_> = issues.map(|it| (it.code.map(|c| c.to_string()), it.message)).collect();
    match status {
        Some(NodegroupStatus::Active) => Phase::Ready,
        Some(NodegroupStatus::Degraded) => Phase::Degraded(words(&issues)),
        Some(status @ (NodegroupStatus::CreateFailed | NodegroupStatus::DeleteFailed)) => {
            Phase::Broken(failure(issues, &format!("EKS reports it as {status}")))
        }
        status => Phase::Busy(status.map_or_else(String::new, ToString::to_string)),
    }
}

/// Names the fields that an answer leaves out.
fn unobserved(group: &Found) -> &'static [&'static str] {
    match (group.update_config.is_some(), group.node_repair_config.is_some()) {
        (true, true) => &[],
        (true, false) => &["repair"],
        (false, true) => &["max_unavailable"],
        (false, false) => &["max_unavailable", "repair"],
    }
}

fn live(marks: &Marks, group: Found) -> Live<NodeGroup> {
    let outputs = outputs(&group);
    let unobserved = unobserved(&group);
    let phase = phase(group.status.as_ref(), group.health);
    let updates = group.update_config.and_then(|updates| updates.max_unavailable);
    let repair = group.node_repair_config.and_then(|repair| repair.enabled);
    let bounds = group.scaling_config.map(|scaling| (scaling.min_size, scaling.max_size));
    let (min, max) = bounds.unwrap_or_default();
    let template = group.launch_template.map(|template| (template.id, template.version));
    let (template, version) = template.unwrap_or_default();
    let taint = |taint: FoundTaint| Taint {
        key: taint.key.unwrap_or_default(),
        value: taint.value.unwrap_or_default(),
        effect: taint.effect.map(|effect| effect.to_string()).unwrap_or_default(),
    };
    let tags = own(group.tags.into_iter().flatten());
    let mut live = owned(marks, tags, phase, outputs, |tags| NodeGroup {
        name: group.nodegroup_name.unwrap_or_default(),
        cluster: known(group.cluster_name),
        role: known(group.node_role),
        subnets: all_known(group.subnets),
        machines: group.instance_types.unwrap_or_default(),
        capacity: group.capacity_type.map(|it| it.to_string()).unwrap_or_default(),
        image: group.ami_type.map(|it| it.to_string()).unwrap_or_default(),
        version: group.version.unwrap_or_default(),
        first_version: String::new(),
        launch_template: known(template),
        launch_template_version: known(version),
        min: min.unwrap_or_default(),
        max: max.unwrap_or_default(),
        labels: group.labels.into_iter().flatten().collect(),
        taints: group.taints.into_iter().flatten().map(taint).collect(),
        max_unavailable: updates.unwrap_or_default(),
        repair: repair.unwrap_or_default(),
        tags,
    });
    live.unobserved = unobserved;
    live
}

#[cfg(test)]
mod tests;
