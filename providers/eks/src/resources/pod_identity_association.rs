//! The role that pods of one service account take on.
//!
//! A service account has one association, whoever made it. Pods that are there already get the
//! role only when they start again, so it comes before what uses it.
use crate::aws::{Aws, Reply, Tags, known, missing, own, owned, retag_eks};
use aws_sdk_eks::types::PodIdentityAssociation as Found;
use provision_core::{
    Cx, Diff, Identity, Input, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};

/// The role that pods of one service account take on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PodIdentityAssociation {
    /// The name of the cluster.
    pub cluster: Input<String>,
    /// The namespace of the service account.
    pub namespace: String,
    /// The name of the service account.
    pub service_account: String,
    /// The ARN of the role.
    pub role: Input<String>,
    /// Its tags.
    pub tags: Tags,
}

/// What EKS decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

impl Resource for PodIdentityAssociation {
    const KIND: &'static str = "aws.eks.pod_identity_association";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("cluster", Rule::Immutable),
        ("namespace", Rule::Immutable),
        ("service_account", Rule::Immutable),
        ("tags", Rule::Tags),
    ];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 20 * 60, 30);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let Ok(cluster) = self.cluster.get() else { return Ok(None) };
        let found = match known {
            Some(known) => describe(cx, cluster, &known.id).await?,
            None => None,
        };
        if found.is_some() {
            return Ok(found);
        }
        match self.id(cx, cluster).await? {
            Some(id) => describe(cx, cluster, &id).await,
            None => Ok(None),
        }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.eks.create_pod_identity_association();
        let call = call.cluster_name(self.cluster.get()?).namespace(&self.namespace);
        let call = call.service_account(&self.service_account).role_arn(self.role.get()?);
        let call = call.client_request_token(cx.token());
        let call = call.set_tags(Some(self.tags.clone().into_iter().collect()));
        let made = call.send().await.reply("eks:CreatePodIdentityAssociation")?.association;
        let made =
            made.ok_or_else(|| missing("eks:CreatePodIdentityAssociation", "association"))?;
        Ok(Started::made(outputs(&made)))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        if !diff.touches(&["role"]) {
            return retag_eks(cx.cloud, &live.outputs.arn, diff).await;
        }
        let call = cx.cloud.eks.update_pod_identity_association();
        let call = call.cluster_name(self.cluster.get()?).association_id(&live.outputs.id);
        let call = call.role_arn(self.role.get()?);
        call.send().await.reply("eks:UpdatePodIdentityAssociation").map(|_| Started::done())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.eks.delete_pod_identity_association();
        let call = call.cluster_name(live.spec.cluster.get()?).association_id(&live.outputs.id);
        call.send().await.gone("eks:DeletePodIdentityAssociation")
    }
}

impl PodIdentityAssociation {
    /// Finds the id of the service account's association.
    async fn id(&self, cx: &Cx<'_, Aws>, cluster: &str) -> Result<Option<String>> {
        let call = cx.cloud.eks.list_pod_identity_associations().cluster_name(cluster);
        let call = call.namespace(&self.namespace).service_account(&self.service_account);
        let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let found = found.inside("eks:ListPodIdentityAssociations")?.unwrap_or_default();
        Ok(found.into_iter().find_map(|association| association.association_id))
    }
}

async fn describe(
    cx: &Cx<'_, Aws>,
    cluster: &str,
    id: &str,
) -> Result<Option<Live<PodIdentityAssociation>>> {
    let call = cx.cloud.eks.describe_pod_identity_association().cluster_name(cluster);
    let found = call.association_id(id).send().await;
    let found = found.inside("eks:DescribePodIdentityAssociation")?;
    Ok(found.and_then(|answer| answer.association).map(|it| live(cx.marks(), it)))
}

fn outputs(association: &Found) -> Outputs {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Outputs { id: text(&association.association_id), arn: text(&association.association_arn) }
}

fn live(marks: &Marks, association: Found) -> Live<PodIdentityAssociation> {
    let outputs = outputs(&association);
    let tags = own(association.tags.into_iter().flatten());
    owned(marks, tags, Phase::Ready, outputs, |tags| PodIdentityAssociation {
        cluster: known(association.cluster_name),
        namespace: association.namespace.unwrap_or_default(),
        service_account: association.service_account.unwrap_or_default(),
        role: known(association.role_arn),
        tags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours};
    use provision_core::Owner;

    fn found(tags: Vec<(String, String)>) -> Live<PodIdentityAssociation> {
        let found = Found::builder()
            .cluster_name("acme")
            .namespace("kube-system")
            .service_account("ebs-csi-controller-sa")
            .role_arn("arn:aws:iam::123456789012:role/r")
            .association_id("a-1")
            .set_tags(Some(tags.into_iter().collect()));
        live(&marks(), found.build())
    }

    #[test]
    fn what_eks_tells_becomes_the_spec() {
        let live = found(ours("pod-identity/ebs-csi"));
        assert_eq!((live.owner, live.outputs.id.as_str()), (Owner::Ours, "a-1"));
        assert_eq!(live.spec.service_account, "ebs-csi-controller-sa");
        assert_eq!(live.spec.role, Input::Known("arn:aws:iam::123456789012:role/r".into()));
    }

    #[test]
    fn one_that_an_add_on_made_is_not_ours() {
        assert!(matches!(found(Vec::new()).owner, Owner::Foreign(_)));
    }
}
