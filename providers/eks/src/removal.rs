//! What keeps a cluster from going: EKS deletes none that has a node group or a Fargate profile, whoever
//! made it, or that somebody protected.
use crate::aws::{Aws, Reply, own};
use crate::resources::Cluster;
use provision_core::{Action, CLUSTER_MARK, Error, Plan, Resource, Result};
use std::collections::HashMap;

/// Checks that a cluster which a plan deletes has no node group but ours, no Fargate profile and no
/// protection, before what they all stand on is taken away.
pub(crate) async fn check(aws: &Aws, cluster: &str, plan: &Plan) -> Result<()> {
    if !plan.steps.iter().any(|it| it.kind == Cluster::KIND && it.action == Action::Delete) {
        return Ok(());
    }
    let is_ours = |tags: Option<HashMap<String, String>>| {
        own(tags.into_iter().flatten()).get(CLUSTER_MARK).is_some_and(|its| its == cluster)
    };
    // Moto 5.2 answers 500 when asked for the groups of a cluster that is not there.
    let found = aws.eks.describe_cluster().name(cluster).send().await;
    let found = found.found("eks:DescribeCluster")?.and_then(|answer| answer.cluster);
    // One that somebody else made under the name is nothing that goes.
    let Some(found) = found.filter(|found| is_ours(found.tags.clone())) else { return Ok(()) };
    if found.deletion_protection == Some(true) {
        let message = format!("cluster {cluster} has deletion protection, which is not ours");
        return Err(Error::invalid(message).hint(format!(
            "nothing was changed; `aws eks update-cluster-config --region {} --name {cluster} \
             --no-deletion-protection` ends it",
            aws.region
        )));
    }
    let pages = aws.eks.list_nodegroups().cluster_name(cluster).into_paginator();
    let names: std::result::Result<Vec<_>, _> = pages.items().send().collect().await;
    let mut theirs = Vec::new();
    for name in names.found("eks:ListNodegroups")?.unwrap_or_default() {
        let call = aws.eks.describe_nodegroup().cluster_name(cluster).nodegroup_name(&name);
        let group = call.send().await.found("eks:DescribeNodegroup")?.and_then(|it| it.nodegroup);
        if group.is_some_and(|group| !is_ours(group.tags)) {
            theirs.push(name);
        }
    }
    if let Some(kept) = kept(aws, cluster, "node group", "nodegroup", &theirs) {
        return Err(kept);
    }
    let pages = aws.eks.list_fargate_profiles().cluster_name(cluster).into_paginator();
    let names: std::result::Result<Vec<_>, _> = pages.items().send().collect().await;
    let theirs = names.found("eks:ListFargateProfiles")?.unwrap_or_default();
    kept(aws, cluster, "Fargate profile", "fargate-profile", &theirs).map_or(Ok(()), Err)
}

/// Says that a cluster stays for what somebody else has in it; `option` is what the command of AWS calls
/// that.
fn kept(aws: &Aws, cluster: &str, what: &str, option: &str, names: &[String]) -> Option<Error> {
    let first = names.first()?;
    let (plural, are, them) =
        if names.len() == 1 { ("", "is", "it") } else { ("s", "are", "them") };
    let told = names.join(", ");
    let message = format!("{what}{plural} {told} in cluster {cluster} {are} not ours");
    Some(Error::invalid(message).hint(format!(
        "nothing was changed, for EKS keeps a cluster until its {what}s are gone; remove {them} first, \
         as with `aws eks delete-{option} --region {} --cluster-name {cluster} --{option}-name {first}`",
        aws.region
    )))
}
