//! What keeps a cluster from going: EKS deletes none that has a node group, whoever made it.
use crate::aws::{Aws, Reply, own};
use provision_core::{CLUSTER_MARK, Error, Result};

/// Checks that a cluster has no node group but ours, before what they all stand on is taken away.
pub(crate) async fn check(aws: &Aws, cluster: &str) -> Result<()> {
    // Moto 5.2 answers 500 when asked for the groups of a cluster that is not there.
    let found = aws.eks.describe_cluster().name(cluster).send().await;
    if found.found("eks:DescribeCluster")?.is_none() {
        return Ok(());
    }
    let pages = aws.eks.list_nodegroups().cluster_name(cluster).into_paginator();
    let names: std::result::Result<Vec<_>, _> = pages.items().send().collect().await;
    let mut theirs = Vec::new();
    for name in names.found("eks:ListNodegroups")?.unwrap_or_default() {
        let call = aws.eks.describe_nodegroup().cluster_name(cluster).nodegroup_name(&name);
        let group = call.send().await.found("eks:DescribeNodegroup")?.and_then(|it| it.nodegroup);
        let is_theirs = |tags| own(tags).get(CLUSTER_MARK).is_none_or(|its| its != cluster);
        if group.is_some_and(|group| is_theirs(group.tags.into_iter().flatten())) {
            theirs.push(name);
        }
    }
    let Some(first) = theirs.first() else { return Ok(()) };
    let (groups, are) =
        if theirs.len() == 1 { ("node group", "is") } else { ("node groups", "are") };
    let told = theirs.join(", ");
    Err(Error::invalid(format!("{groups} {told} in cluster {cluster} {are} not ours")).hint(format!(
        "nothing was changed, for EKS keeps a cluster that has a node group; remove it first, as with \
         `aws eks delete-nodegroup --region {} --cluster-name {cluster} --nodegroup-name {first}`",
        aws.region
    )))
}
