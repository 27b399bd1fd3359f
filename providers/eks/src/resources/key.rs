//! The key that encrypts a cluster's secrets.
//!
//! KMS can neither be asked by tag nor keep a name unique, so a key whose id was lost is looked
//! for among all keys of the region. One whose deletion is scheduled counts as gone.
use crate::aws::{Aws, Reply, Tags, is_of_cluster, is_of_object, missing, own, owned, pick};
use aws_sdk_eks::types::{Cluster, ClusterStatus};
use aws_sdk_kms::types::{KeyMetadata, KeyState, Tag};
use provision_core::{
    Cx, Diff, Error, Identity, Kind, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};

/// How long a key can still be rescued after its deletion was asked for.
pub(crate) const DAYS_TO_RESCUE: i32 = 30;

/// The key that encrypts a cluster's secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// What it is for.
    pub description: String,
    /// Whether its material changes every year.
    pub rotation: bool,
    /// Its tags.
    pub tags: Tags,
}

/// What KMS decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// Its ARN.
    #[serde(default)]
    pub arn: String,
}

impl Resource for Key {
    const KIND: &'static str = "aws.kms.key";
    const RULES: &'static [(&'static str, Rule)] = &[("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Mark;
    const PRECIOUS: bool = true;
    const TIMING: Timing = Timing::new(2, 20 * 60, 30);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        search(cx, |tags| is_of_cluster(cx.marks(), tags)).await.map(Some)
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let Some(known) = known else {
            return search(cx, |tags| is_of_object(cx, tags)).await.map(pick);
        };
        let Some(tags) = tags_of(cx.cloud, &known.id).await? else { return Ok(None) };
        describe(cx, &known.id, tags).await
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.kms.create_key().description(&self.description);
        let call = call.set_tags(Some(self.tags.iter().map(tag).collect::<Result<_>>()?));
        let made = call.send().await.reply("kms:CreateKey")?.key_metadata;
        let made = made.ok_or_else(|| missing("kms:CreateKey", "key"))?;
        Ok(Started::made(Outputs { id: made.key_id, arn: made.arn.unwrap_or_default() }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let (kms, id) = (&cx.cloud.kms, &live.outputs.id);
        if diff.touches(&["description"]) {
            let call = kms.update_key_description().key_id(id).description(&self.description);
            return call.send().await.reply("kms:UpdateKeyDescription").map(|_| Started::done());
        }
        if diff.touches(&["rotation"]) && self.rotation {
            let call = kms.enable_key_rotation().key_id(id);
            return call.send().await.reply("kms:EnableKeyRotation").map(|_| Started::done());
        }
        if diff.touches(&["rotation"]) {
            let call = kms.disable_key_rotation().key_id(id);
            return call.send().await.reply("kms:DisableKeyRotation").map(|_| Started::done());
        }
        let change = diff.tags("tags");
        if change.set.is_empty() {
            let call = kms.untag_resource().key_id(id).set_tag_keys(Some(change.remove));
            return call.send().await.reply("kms:UntagResource").map(|_| Started::done());
        }
        let tags = change.set.iter().map(|(key, value)| tag((key, value)));
        let call = kms.tag_resource().key_id(id).set_tags(Some(tags.collect::<Result<_>>()?));
        call.send().await.reply("kms:TagResource").map(|_| Started::done())
    }

    /// Whatever was seen when this was planned: EKS never lets go of the key of a cluster's secrets.
    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let name = &cx.marks().cluster;
        let cluster = cx.cloud.eks.describe_cluster().name(name).send().await;
        let cluster = cluster.found("eks:DescribeCluster")?.and_then(|answer| answer.cluster);
        if cluster.is_some_and(|cluster| may_use(cluster, &live.outputs.arn)) {
            let what = format!("cluster {name} encrypts its secrets with it, or may be about to");
            return Err(Error::new(Kind::Blocked, what));
        }
        let call = cx.cloud.kms.schedule_key_deletion().key_id(&live.outputs.id);
        let call = call.pending_window_in_days(DAYS_TO_RESCUE);
        call.send().await.gone("kms:ScheduleKeyDeletion")
    }
}

/// Tells whether a cluster encrypts its secrets with a key, or may do so by what EKS is at work on.
fn may_use(cluster: Cluster, key: &str) -> bool {
    let at_work = [ClusterStatus::Creating, ClusterStatus::Updating];
    let mut used = cluster.encryption_config.into_iter().flatten();
    cluster.status.is_some_and(|status| at_work.contains(&status))
        || used.any(|it| it.provider.and_then(|it| it.key_arn).as_deref() == Some(key))
}

/// Looks through every key of the region for those with certain tags.
async fn search(cx: &Cx<'_, Aws>, wanted: impl Fn(&Tags) -> bool) -> Result<Vec<Live<Key>>> {
    let keys: Result<Vec<_>, _> =
        cx.cloud.kms.list_keys().into_paginator().items().send().collect().await;
    let ids = keys.reply("kms:ListKeys")?.into_iter().filter_map(|key| key.key_id);
    let mut found = Vec::new();
    for id in ids {
        let tags = match tags_of(cx.cloud, &id).await {
            // The policy of somebody else's key may hide it from us.
            Err(error) if error.kind == Kind::Denied => None,
            tags => tags?,
        };
        if let Some(tags) = tags.filter(&wanted) {
            found.extend(describe(cx, &id, tags).await?);
        }
    }
    Ok(found)
}

async fn describe(cx: &Cx<'_, Aws>, id: &str, tags: Tags) -> Result<Option<Live<Key>>> {
    let call = cx.cloud.kms.describe_key().key_id(id);
    let key = call.send().await.found("kms:DescribeKey")?.and_then(|answer| answer.key_metadata);
    let Some(key) = key.filter(|key| !is_going(key)) else { return Ok(None) };
    let call = cx.cloud.kms.get_key_rotation_status().key_id(id);
    let rotation = call.send().await.found("kms:GetKeyRotationStatus")?;
    let rotation = rotation.is_some_and(|status| status.key_rotation_enabled);
    Ok(Some(live(cx.marks(), key, rotation, tags)))
}

/// Returns the tags of a key, by its id.
pub(super) async fn tags_of(aws: &Aws, id: &str) -> Result<Option<Tags>> {
    let pages = aws.kms.list_resource_tags().key_id(id).into_paginator();
    let tags: Result<Vec<_>, _> = pages.items().send().collect().await;
    let tags = tags.found("kms:ListResourceTags")?;
    Ok(tags.map(|tags| own(tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)))))
}

fn tag((key, value): (&String, &String)) -> Result<Tag> {
    let tag = Tag::builder().tag_key(key).tag_value(value).build();
    tag.map_err(|error| Error::invalid(error.to_string()))
}

fn is_going(key: &KeyMetadata) -> bool {
    use KeyState::{PendingDeletion, PendingReplicaDeletion};
    matches!(key.key_state, Some(PendingDeletion | PendingReplicaDeletion))
}

fn live(marks: &Marks, key: KeyMetadata, rotation: bool, tags: Tags) -> Live<Key> {
    let phase = match key.key_state {
        None | Some(KeyState::Enabled) => Phase::Ready,
        Some(KeyState::Creating | KeyState::Updating) => Phase::Busy("Creating".into()),
        Some(state) => Phase::Degraded(format!("the key is {state}")),
    };
    let outputs = Outputs { id: key.key_id, arn: key.arn.unwrap_or_default() };
    let description = key.description.unwrap_or_default();
    owned(marks, tags, phase, outputs, |tags| Key { description, rotation, tags })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours};
    use aws_sdk_eks::types::{EncryptionConfig, Provider};

    #[test]
    fn a_key_that_a_cluster_uses_or_may_be_about_to_stays() {
        let cluster = |status: ClusterStatus, key: Option<&str>| {
            let of = |key: &str| {
                let provider = Provider::builder().key_arn(key).build();
                EncryptionConfig::builder().provider(provider).build()
            };
            let cluster = Cluster::builder().status(status);
            cluster.set_encryption_config(key.map(|key| vec![of(key)])).build()
        };
        let uses = |status, key| may_use(cluster(status, key), "arn:ours");
        assert!(uses(ClusterStatus::Active, Some("arn:ours")));
        assert!(uses(ClusterStatus::Updating, None), "by what EKS is at work on");
        assert!(!uses(ClusterStatus::Active, None));
        assert!(!uses(ClusterStatus::Active, Some("arn:theirs")));
        assert!(!uses(ClusterStatus::Failed, None));
    }

    #[test]
    fn a_key_on_its_way_out_counts_as_gone() {
        let of = |state| KeyMetadata::builder().key_id("k").key_state(state).build().unwrap();
        assert!(is_going(&of(KeyState::PendingDeletion)));
        assert!(!is_going(&of(KeyState::Disabled)));
        let live = live(&marks(), of(KeyState::Disabled), true, ours("key").into_iter().collect());
        assert_eq!(live.phase, Phase::Degraded("the key is Disabled".into()));
        assert_eq!(live.address, Some("key".into()));
    }
}
