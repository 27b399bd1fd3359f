//! Software that EKS installs in a cluster and keeps there.
//!
//! One that finds no node to run on is degraded until there is one. What somebody changed in the
//! cluster itself survives another version of it, but not another configuration.
use super::cluster;
use super::update::{begun, failure, poll, words};
use crate::aws::{Aws, Reply, Tags, is_of_cluster, known, missing, own, owned, retag_eks};
use aws_sdk_eks::types::{Addon as Found, AddonHealth, AddonStatus, ResolveConflicts};
use futures::future::try_join_all;
use provision_core::{
    Cx, Diff, Identity, Input, Live, Marks, Operation, Phase, Progress, Resource, Result, Rule,
    Started, Timing,
};
use serde::{Deserialize, Serialize};

/// Software that EKS installs in a cluster and keeps there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddOn {
    /// Its name, such as `vpc-cni`.
    pub name: String,
    /// The name of the cluster.
    pub cluster: Input<String>,
    /// Its version, such as `v1.19.0-eksbuild.2`.
    pub version: String,
    /// The version it is made with, which is higher where the control plane is ahead.
    #[serde(default)]
    pub first_version: String,
    /// What is other than EKS has it, as JSON; empty for nothing.
    pub configuration: String,
    /// Its tags.
    pub tags: Tags,
}

/// What EKS decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Cluster and name, as `acme/vpc-cni`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

impl Resource for AddOn {
    const KIND: &'static str = "aws.eks.addon";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("name", Rule::Immutable),
        ("cluster", Rule::Immutable),
        ("version", Rule::AtLeast),
        ("first_version", Rule::CreateOnly),
        ("tags", Rule::Tags),
    ];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing =
        Timing::new(5, 30 * 60, 30).making(60).changing(90).leaving(30).recovering_within(10 * 60);
    const EARLY: bool = true;
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        let Ok(cluster::Outputs { id: cluster, .. }) = cx.within() else {
            return Ok(Some(Vec::new()));
        };
        let pages = cx.cloud.eks.list_addons().cluster_name(&cluster).into_paginator();
        let names: Result<Vec<_>, _> = pages.items().send().collect().await;
        let names = names.inside("eks:ListAddons")?.unwrap_or_default();
        let found = try_join_all(names.iter().map(|name| find(cx, &cluster, name))).await?;
        let ours = |live: &Live<Self>| is_of_cluster(cx.marks(), &live.spec.tags);
        Ok(Some(found.into_iter().flatten().filter(ours).collect()))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let Ok(cluster) = self.cluster.get() else { return Ok(None) };
        find(cx, cluster, &self.name).await
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.eks.create_addon().cluster_name(self.cluster.get()?);
        let call = call.addon_name(&self.name).addon_version(&self.first_version);
        // Where EKS installed it without managing it, that becomes the add-on.
        let call = call.resolve_conflicts(ResolveConflicts::Overwrite);
        let values = Some(&self.configuration).filter(|values| !values.is_empty());
        let call = call.set_configuration_values(values.cloned());
        let call = call.client_request_token(cx.token());
        let call = call.set_tags(Some(self.tags.clone().into_iter().collect()));
        let made = call.send().await.reply("eks:CreateAddon")?.addon;
        let made = made.ok_or_else(|| missing("eks:CreateAddon", "add-on"))?;
        Ok(Started::made(outputs(&made)))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        if !diff.touches(&["version", "configuration"]) {
            return retag_eks(cx.cloud, &live.outputs.arn, diff).await;
        }
        let cluster = self.cluster.get()?;
        let call = cx.cloud.eks.update_addon().cluster_name(cluster).addon_name(&self.name);
        let version = diff.touches(&["version"]).then(|| self.version.clone());
        let call = call.set_addon_version(version);
        let call = match diff.touches(&["configuration"]) {
            // A value that somebody changed in the cluster would win over one that is asked for.
            true => call
                .configuration_values(self.values())
                .resolve_conflicts(ResolveConflicts::Overwrite),
            false => call.resolve_conflicts(ResolveConflicts::Preserve),
        };
        let answer = call.send().await.reply("eks:UpdateAddon")?;
        Ok(begun(&format!("{cluster}/addon/{}", self.name), answer.update))
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.eks.delete_addon().cluster_name(live.spec.cluster.get()?);
        // Its software stays, and may be what every pod of the cluster needs.
        call.addon_name(&live.spec.name).preserve(true).send().await.gone("eks:DeleteAddon")
    }

    async fn poll(cx: &Cx<'_, Aws>, operation: &Operation) -> Result<Progress> {
        poll(cx, operation).await
    }
}

impl AddOn {
    /// Returns the configuration as an update sends it, which takes away what was set before.
    fn values(&self) -> &str {
        match self.configuration.as_str() {
            "" => NOTHING,
            values => values,
        }
    }
}

/// The configuration that sets nothing.
const NOTHING: &str = "{}";

async fn find(cx: &Cx<'_, Aws>, cluster: &str, name: &str) -> Result<Option<Live<AddOn>>> {
    let call = cx.cloud.eks.describe_addon().cluster_name(cluster).addon_name(name);
    let found = call.send().await.inside("eks:DescribeAddon")?;
    Ok(found.and_then(|answer| answer.addon).map(|addon| live(cx.marks(), addon)))
}

fn outputs(addon: &Found) -> Outputs {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let id = format!("{}/{}", text(&addon.cluster_name), text(&addon.addon_name));
    Outputs { id, arn: text(&addon.addon_arn) }
}

fn phase(status: Option<&AddonStatus>, health: Option<AddonHealth>) -> Phase {
    let issues = health.and_then(|health| health.issues).unwrap_or_default().into_iter();
    let issues: Vec<_> = issues.map(|it| (it.code.map(|c| c.to_string()), it.message)).collect();
    let reported = |status: &AddonStatus| format!("EKS reports it as {status}");
    match status {
        Some(AddonStatus::Active) => Phase::Ready,
        Some(status @ (AddonStatus::Degraded | AddonStatus::UpdateFailed)) => {
            let words = words(&issues);
            Phase::Degraded(if words.is_empty() { reported(status) } else { words })
        }
        Some(status @ (AddonStatus::CreateFailed | AddonStatus::DeleteFailed)) => {
            Phase::Broken(failure(issues, &reported(status)))
        }
        status => Phase::Busy(status.map_or_else(String::new, ToString::to_string)),
    }
}

fn live(marks: &Marks, addon: Found) -> Live<AddOn> {
    let outputs = outputs(&addon);
    let phase = phase(addon.status.as_ref(), addon.health);
    let values = addon.configuration_values.filter(|values| values.trim() != NOTHING);
    let tags = own(addon.tags.into_iter().flatten());
    owned(marks, tags, phase, outputs, |tags| AddOn {
        name: addon.addon_name.unwrap_or_default(),
        cluster: known(addon.cluster_name),
        version: addon.addon_version.unwrap_or_default(),
        first_version: String::new(),
        configuration: values.unwrap_or_default(),
        tags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours};
    use aws_sdk_eks::types::{AddonIssue, AddonIssueCode};
    use provision_core::Owner;

    fn found(status: AddonStatus, values: &str) -> Live<AddOn> {
        let issue = AddonIssue::builder()
            .code(AddonIssueCode::InsufficientNumberOfReplicas)
            .message("no replicas")
            .build();
        let found = Found::builder()
            .addon_name("coredns")
            .cluster_name("acme")
            .addon_version("v1.13.1-eksbuild.1")
            .configuration_values(values)
            .status(status)
            .health(AddonHealth::builder().issues(issue).build())
            .set_tags(Some(ours("addon/coredns").into_iter().collect()));
        live(&marks(), found.build())
    }

    #[test]
    fn what_eks_tells_becomes_the_spec() {
        let live = found(AddonStatus::Active, "{}");
        assert_eq!((live.phase, live.owner), (Phase::Ready, Owner::Ours));
        assert_eq!((live.spec.configuration.as_str(), live.spec.values()), ("", "{}"));
        assert_eq!(live.spec.version, "v1.13.1-eksbuild.1");
        assert_eq!(live.address, Some("addon/coredns".into()));
        assert_eq!(found(AddonStatus::Active, r#"{"a":1}"#).spec.values(), r#"{"a":1}"#);
    }

    #[test]
    fn what_serves_is_degraded_and_what_was_never_there_is_broken() {
        let words = "InsufficientNumberOfReplicas: no replicas";
        for status in [AddonStatus::Degraded, AddonStatus::UpdateFailed] {
            assert_eq!(found(status, "").phase, Phase::Degraded(words.into()));
        }
        assert!(matches!(found(AddonStatus::CreateFailed, "").phase, Phase::Broken(_)));
        assert_eq!(found(AddonStatus::Updating, "").phase, Phase::Busy("UPDATING".into()));
    }
}
