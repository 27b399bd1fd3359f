//! What an autoscaler reads of a node group: tags of the scaling group that EKS made for it.
//!
//! The group is EKS's, and so are most of its tags: it has ours once it carries our marks. None
//! of them go on to machines.
use crate::aws::{Aws, Reply, Tags, known, own, owned};
use aws_sdk_autoscaling::types::{Filter, Tag, TagDescription};
use provision_core::{
    Cx, Diff, Identity, Input, LINEAGE_MARK, Live, Marks, Phase, Resource, Result, Rule, Started,
};
use serde::{Deserialize, Serialize};

/// The prefix of what tells an autoscaler about nodes that are not there.
pub(crate) const TEMPLATE: &str = "k8s.io/cluster-autoscaler/node-template";
/// What is told under it; the rest there belongs to others.
const TOLD: [&str; 3] = ["label/", "taint/", "resources/ephemeral-storage"];

/// What an autoscaler reads of a node group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingGroupTags {
    /// The name of the scaling group.
    pub group: Input<String>,
    /// The tags. Those of others are left alone.
    pub tags: Tags,
}

/// What follows from where they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// The name of the scaling group.
    pub id: String,
}

impl Resource for ScalingGroupTags {
    const KIND: &'static str = "aws.autoscaling.tags";
    const RULES: &'static [(&'static str, Rule)] =
        &[("group", Rule::Immutable), ("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Name;
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        // EKS makes the group some time after the node group.
        let Some(group) = self.group.get().ok().filter(|group| !group.is_empty()) else {
            return Ok(None);
        };
        let its = Filter::builder().name("auto-scaling-group").values(group).build();
        let pages = cx.cloud.autoscaling.describe_tags().filters(its).into_paginator();
        let found: Result<Vec<_>, _> = pages.items().send().collect().await;
        Ok(live(cx.marks(), group, found.reply("autoscaling:DescribeTags")?))
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let group = self.group.get()?;
        set(cx, group, &self.tags).await?;
        Ok(Started::made(Outputs { id: group.clone() }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let change = diff.tags("tags");
        if change.set.is_empty() {
            return remove(cx, &live.outputs.id, change.remove).await;
        }
        set(cx, &live.outputs.id, &change.set.into_iter().collect()).await?;
        Ok(Started::done())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let ours = live.spec.tags.keys().filter(|key| is_ours(key)).cloned().collect();
        remove(cx, &live.outputs.id, ours).await
    }
}

async fn set(cx: &Cx<'_, Aws>, group: &str, tags: &Tags) -> Result<()> {
    let tags = tags.iter().map(|(key, value)| {
        Tag::builder()
            .resource_id(group)
            .resource_type("auto-scaling-group")
            .key(key)
            .value(value)
            .propagate_at_launch(false)
            .build()
    });
    let call = cx.cloud.autoscaling.create_or_update_tags().set_tags(Some(tags.collect()));
    call.send().await.reply("autoscaling:CreateOrUpdateTags").map(drop)
}

async fn remove(cx: &Cx<'_, Aws>, group: &str, keys: Vec<String>) -> Result<Started<Outputs>> {
    let tags = keys.into_iter().map(|key| {
        Tag::builder().resource_id(group).resource_type("auto-scaling-group").key(key).build()
    });
    let call = cx.cloud.autoscaling.delete_tags().set_tags(Some(tags.collect()));
    call.send().await.gone("autoscaling:DeleteTags")
}

/// Tells whether a tag of a group that carries our marks is ours. EKS says itself which cluster
/// the group belongs to.
fn is_ours(key: &str) -> bool {
    let told = key.strip_prefix(TEMPLATE).and_then(|rest| rest.strip_prefix('/'));
    Marks::is_mark(key) || told.is_some_and(|rest| TOLD.iter().any(|it| rest.starts_with(it)))
}

fn live(marks: &Marks, group: &str, found: Vec<TagDescription>) -> Option<Live<ScalingGroupTags>> {
    let pair = |tag: TagDescription| Some((tag.key?, tag.value.unwrap_or_default()));
    let tags = own(found.into_iter().filter_map(pair));
    if !tags.contains_key(LINEAGE_MARK) {
        return None;
    }
    let outputs = Outputs { id: group.to_owned() };
    let group = known(Some(group.to_owned()));
    Some(owned(marks, tags, Phase::Ready, outputs, |tags| ScalingGroupTags { group, tags }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours};
    use provision_core::Owner;

    fn found(tags: &[(&str, &str)], marks: Vec<(String, String)>) -> Vec<TagDescription> {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let tag = |(key, value)| TagDescription::builder().key(key).value(value).build();
        tags.chain(marks).map(tag).collect()
    }

    #[test]
    fn they_are_there_once_the_group_carries_our_marks() {
        let of_eks = [("eks:cluster-name", "acme"), ("k8s.io/cluster-autoscaler/enabled", "true")];
        assert!(live(&marks(), "g", found(&of_eks, Vec::new())).is_none());
        let live = live(&marks(), "g", found(&of_eks, ours("scaling-tags/app/1"))).unwrap();
        assert_eq!(live.owner, Owner::Ours);
        assert_eq!(live.spec.tags.len(), 5);
    }

    #[test]
    fn what_others_say_stays_when_ours_goes() {
        for ours in [
            "provision-lineage",
            "k8s.io/cluster-autoscaler/node-template/label/appNodes",
            "k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for theirs in [
            "eks:cluster-name",
            "k8s.io/cluster-autoscaler/enabled",
            "k8s.io/cluster-autoscaler/node-template/autoscaling-options/scaledownunneededtime",
        ] {
            assert!(!is_ours(theirs), "{theirs}");
        }
    }
}
