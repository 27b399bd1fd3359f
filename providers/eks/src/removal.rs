//! What keeps a cluster from going: EKS deletes none that has a node group, whoever made it, or that
//! somebody protected.
use crate::aws::{Aws, Reply, own};
use crate::resources::Cluster;
use provision_core::{Action, CLUSTER_MARK, Error, Plan, Resource, Result};
use std::collections::HashMap;

/// Checks that a cluster which a plan deletes has no node group but ours and no protection, before what
/// they all stand on is taken away.
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
    let Some(first) = theirs.first() else { return Ok(()) };
    let (groups, are, them) = match theirs.len() {
        1 => ("node group", "is", "it"),
        _ => ("node groups", "are", "them"),
    };
    let told = theirs.join(", ");
    Err(Error::invalid(format!("{groups} {told} in cluster {cluster} {are} not ours")).hint(format!(
        "nothing was changed, for EKS keeps a cluster that has a node group; remove {them} first, as with \
         `aws eks delete-nodegroup --region {} --cluster-name {cluster} --nodegroup-name {first}`",
        aws.region
    )))
}
