//! Where the control plane writes its logs.
//!
//! EKS makes it itself, kept for ever and without tags, whenever it writes and finds none: so
//! ours is there before the cluster, and may come back for about a minute after both are gone.
use crate::aws::{Aws, Reply, Tags, is_of_cluster, own, owned};
use crate::names;
use aws_sdk_cloudwatchlogs::types::LogGroup as Found;
use provision_core::{
    Cx, Diff, Identity, LINEAGE_MARK, Live, Marks, Owner, Phase, Resource, Result, Rule, Started,
    Timing,
};
use serde::{Deserialize, Serialize};

/// Where the control plane writes its logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogGroup {
    /// Its name, which EKS decides.
    pub name: String,
    /// How long events are kept, in days; 0 is for ever.
    pub retention: i32,
    /// Its tags.
    pub tags: Tags,
}

/// What CloudWatch decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

impl Resource for LogGroup {
    const KIND: &'static str = "aws.logs.log_group";
    const RULES: &'static [(&'static str, Rule)] =
        &[("name", Rule::Immutable), ("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(5, 20 * 60, 60).returning();
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        let found = find(cx, &names::log_group(&cx.marks().cluster)).await?.into_iter();
        let found = found.filter(|(_, tags)| is_of_cluster(cx.marks(), tags));
        Ok(Some(found.map(|(group, tags)| live(cx.marks(), group, tags, false)).collect()))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let found = find(cx, &self.name).await?;
        Ok(found.map(|(group, tags)| live(cx.marks(), group, tags, known.is_some())))
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.logs.create_log_group().log_group_name(&self.name);
        let tags = self.tags.clone().into_iter().collect();
        call.set_tags(Some(tags)).send().await.reply("logs:CreateLogGroup")?;
        Ok(Started::done())
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let (logs, arn) = (&cx.cloud.logs, &live.outputs.arn);
        if diff.touches(&["retention"]) && self.retention > 0 {
            let call = logs.put_retention_policy().log_group_name(&self.name);
            let call = call.retention_in_days(self.retention);
            return call.send().await.reply("logs:PutRetentionPolicy").map(|_| Started::done());
        }
        if diff.touches(&["retention"]) {
            let call = logs.delete_retention_policy().log_group_name(&self.name);
            return call.send().await.reply("logs:DeleteRetentionPolicy").map(|_| Started::done());
        }
        let change = diff.tags("tags");
        if change.set.is_empty() {
            let call = logs.untag_resource().resource_arn(arn).set_tag_keys(Some(change.remove));
            return call.send().await.reply("logs:UntagResource").map(|_| Started::done());
        }
        let tags = change.set.into_iter().collect();
        let call = logs.tag_resource().resource_arn(arn).set_tags(Some(tags));
        call.send().await.reply("logs:TagResource").map(|_| Started::done())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.logs.delete_log_group().log_group_name(&live.spec.name);
        call.send().await.gone("logs:DeleteLogGroup")
    }
}

async fn find(cx: &Cx<'_, Aws>, name: &str) -> Result<Option<(Found, Tags)>> {
    let call = cx.cloud.logs.describe_log_groups().log_group_name_prefix(name);
    let found = call.send().await.found("logs:DescribeLogGroups")?;
    let mut all = found.and_then(|answer| answer.log_groups).unwrap_or_default().into_iter();
    let named = |group: &Found| group.log_group_name.as_deref() == Some(name);
    let Some(group) = all.find(named) else { return Ok(None) };
    let call = cx.cloud.logs.list_tags_for_resource().resource_arn(arn(&group));
    let tags = call.send().await.found("logs:ListTagsForResource")?;
    Ok(tags.map(|answer| (group, own(answer.tags.into_iter().flatten()))))
}

/// Returns the ARN that tag calls take, without the `:*` that stands for its streams.
fn arn(group: &Found) -> String {
    let arn = group.log_group_arn.as_deref().or(group.arn.as_deref()).unwrap_or_default();
    arn.trim_end_matches(":*").to_owned()
}

/// Maps a group. An unmarked one that takes the place of ours is what EKS made of it.
fn live(marks: &Marks, group: Found, tags: Tags, recorded: bool) -> Live<LogGroup> {
    let made_by_eks = recorded && !tags.contains_key(LINEAGE_MARK);
    let arn = arn(&group);
    let name = group.log_group_name.unwrap_or_default();
    let retention = group.retention_in_days.unwrap_or_default();
    let outputs = Outputs { id: name.clone(), arn };
    let spec = |tags| LogGroup { name, retention, tags };
    let mut live = owned(marks, tags, Phase::Ready, outputs, spec);
    if made_by_eks {
        live.owner = Owner::Inherited;
    }
    live
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours};

    #[test]
    fn an_unmarked_group_is_ours_only_where_ours_was() {
        let group = || Found::builder().log_group_name("/aws/eks/acme/cluster").arn("a:*").build();
        let theirs = live(&marks(), group(), Tags::new(), false);
        assert!(matches!(theirs.owner, Owner::Foreign(_)));
        assert_eq!(theirs.outputs.arn, "a");
        assert_eq!(live(&marks(), group(), Tags::new(), true).owner, Owner::Inherited);
        let tags = ours("log-group").into_iter().collect();
        assert_eq!(live(&marks(), group(), tags, true).owner, Owner::Ours);
    }
}
