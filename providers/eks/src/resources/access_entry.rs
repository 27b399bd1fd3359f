//! Who may use the API of a cluster, and what for.
//!
//! Its policies are associated one by one, and a namespace narrows one down; ours hold for the
//! whole cluster. A principal has one entry, so those that EKS makes for nodes are never ours.
use crate::aws::{Aws, Reply, Tags, known, missing, own, owned, retag_eks};
use aws_sdk_eks::types::{
    AccessEntry as Found, AccessScope, AccessScopeType, AssociatedAccessPolicy,
};
use provision_core::{
    Cx, Diff, Identity, Input, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What stands at a policy that holds for the whole cluster.
const CLUSTER: &str = "cluster";

/// Who may use the API of a cluster, and what for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// The ARN of the role or user.
    pub principal: String,
    /// The name of the cluster.
    pub cluster: Input<String>,
    /// What it is for: `STANDARD` is for people and programs, others are for nodes.
    pub purpose: String,
    /// The access policies: each ARN with `cluster`. Others that somebody associated are left
    /// alone until the entry goes.
    pub policies: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Tags,
}

/// What EKS decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Cluster and principal, as `acme/arn:aws:iam::123456789012:role/admin`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

impl Resource for AccessEntry {
    const KIND: &'static str = "aws.eks.access_entry";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("principal", Rule::Immutable),
        ("cluster", Rule::Immutable),
        ("purpose", Rule::Immutable),
        ("tags", Rule::Tags),
        ("policies", Rule::Tags),
    ];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 20 * 60, 30);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let Ok(cluster) = self.cluster.get() else { return Ok(None) };
        let (eks, principal) = (&cx.cloud.eks, &self.principal);
        let call = eks.describe_access_entry().cluster_name(cluster).principal_arn(principal);
        let found = call.send().await.inside("eks:DescribeAccessEntry")?;
        let Some(entry) = found.and_then(|answer| answer.access_entry) else { return Ok(None) };
        let call = eks.list_associated_access_policies().cluster_name(cluster);
        let pages = call.principal_arn(principal).into_paginator();
        let policies: Result<Vec<_>, _> = pages.items().send().collect().await;
        let policies = policies.inside("eks:ListAssociatedAccessPolicies")?.unwrap_or_default();
        Ok(Some(live(cx.marks(), entry, policies)))
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.eks.create_access_entry().cluster_name(self.cluster.get()?);
        let call = call.principal_arn(&self.principal).r#type(&self.purpose);
        let call = call.client_request_token(cx.token());
        let call = call.set_tags(Some(self.tags.clone().into_iter().collect()));
        let made = call.send().await.reply("eks:CreateAccessEntry")?.access_entry;
        let made = made.ok_or_else(|| missing("eks:CreateAccessEntry", "access entry"))?;
        Ok(Started::made(outputs(&made)))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let (eks, cluster) = (&cx.cloud.eks, self.cluster.get()?);
        let policies = diff.tags("policies");
        if let Some((policy, _)) = policies.set.first() {
            let scope = AccessScope::builder().r#type(AccessScopeType::Cluster).build();
            let call = eks.associate_access_policy().cluster_name(cluster).access_scope(scope);
            let call = call.principal_arn(&self.principal).policy_arn(policy);
            return call.send().await.reply("eks:AssociateAccessPolicy").map(|_| Started::done());
        }
        if let Some(policy) = policies.remove.first() {
            let call = eks.disassociate_access_policy().cluster_name(cluster);
            let call = call.principal_arn(&self.principal).policy_arn(policy);
            return call.send().await.gone("eks:DisassociateAccessPolicy");
        }
        retag_eks(cx.cloud, &live.outputs.arn, diff).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.eks.delete_access_entry().cluster_name(live.spec.cluster.get()?);
        call.principal_arn(&live.spec.principal).send().await.gone("eks:DeleteAccessEntry")
    }
}

/// Writes the ARNs of policies as an entry holds them.
pub(crate) fn for_cluster(policies: impl IntoIterator<Item = String>) -> BTreeMap<String, String> {
    policies.into_iter().map(|policy| (policy, CLUSTER.to_owned())).collect()
}

fn outputs(entry: &Found) -> Outputs {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let id = format!("{}/{}", text(&entry.cluster_name), text(&entry.principal_arn));
    Outputs { id, arn: text(&entry.access_entry_arn) }
}

/// Tells where a policy holds: in the cluster, or in which namespaces.
fn scope(scope: Option<AccessScope>) -> String {
    match scope.map(|scope| (scope.r#type, scope.namespaces.unwrap_or_default())) {
        Some((Some(AccessScopeType::Namespace), namespaces)) => {
            format!("namespaces {}", namespaces.join(", "))
        }
        _ => CLUSTER.to_owned(),
    }
}

fn live(marks: &Marks, entry: Found, policies: Vec<AssociatedAccessPolicy>) -> Live<AccessEntry> {
    let outputs = outputs(&entry);
    let policy =
        |policy: AssociatedAccessPolicy| Some((policy.policy_arn?, scope(policy.access_scope)));
    let tags = own(entry.tags.into_iter().flatten());
    owned(marks, tags, Phase::Ready, outputs, |tags| AccessEntry {
        principal: entry.principal_arn.unwrap_or_default(),
        cluster: known(entry.cluster_name),
        purpose: entry.r#type.unwrap_or_default(),
        policies: policies.into_iter().filter_map(policy).collect(),
        tags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours};
    use provision_core::Owner;

    const ADMIN: &str = "arn:aws:iam::123456789012:role/admin";

    fn policy(arn: &str, scope: AccessScope) -> AssociatedAccessPolicy {
        AssociatedAccessPolicy::builder().policy_arn(arn).access_scope(scope).build()
    }

    #[test]
    fn an_entry_comes_with_its_policies_and_where_they_hold() {
        let found = Found::builder().cluster_name("acme").principal_arn(ADMIN).r#type("STANDARD");
        let found = found.set_tags(Some(ours("access-entry/x").into_iter().collect())).build();
        let cluster = AccessScope::builder().r#type(AccessScopeType::Cluster).build();
        let namespaces = AccessScope::builder().r#type(AccessScopeType::Namespace);
        let namespaces = namespaces.namespaces("a").namespaces("b").build();
        let live = live(&marks(), found, vec![policy("x", cluster), policy("y", namespaces)]);
        let policies: Vec<_> = live.spec.policies.into_iter().collect();
        let pair = |policy: &str, scope: &str| (policy.to_owned(), scope.to_owned());
        assert_eq!(policies, [pair("x", "cluster"), pair("y", "namespaces a, b")]);
        assert_eq!(live.outputs.id, format!("acme/{ADMIN}"));
        assert_eq!(live.owner, Owner::Ours);
    }

    #[test]
    fn an_entry_of_eks_for_nodes_is_not_ours() {
        let found = Found::builder().principal_arn(ADMIN).r#type("EC2_LINUX").build();
        let live = live(&marks(), found, Vec::new());
        assert!(matches!(live.owner, Owner::Foreign(_)));
        assert_eq!(live.spec.purpose, "EC2_LINUX");
    }
}
