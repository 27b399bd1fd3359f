//! Whose the things are that controllers make: told by the tags that they give them.
use crate::aws::{Aws, Reply, Tags};
use aws_sdk_ec2::types::Tag;
use aws_sdk_eks::types::Cluster as Living;
use provision_core::{Cx, LINEAGE_MARK, Result};
use std::collections::BTreeSet;

/// The tag of a volume that the driver for EBS made.
pub(super) const OF_DRIVER: &str = "ebs.csi.aws.com/cluster";
/// The tag with which that driver says whose volume it is.
pub(super) const NAME_OF_DRIVER: &str = "ebs.csi.aws.com/cluster-name";
/// What begins the tag with which Kubernetes marks what is of a cluster.
const OF_KUBERNETES: &str = "kubernetes.io/cluster/";
/// The tag with which the network plugin says which machine it made an interface for.
const OF_MACHINE: &str = "node.k8s.amazonaws.com/instance_id";
/// Tags whose value is the name of the cluster: of the load balancer controller, of the network
/// plugin, of the driver for EBS, of EKS, and of what EKS runs by itself.
const NAMING: [&str; 5] = [
    "elbv2.k8s.aws/cluster",
    "cluster.k8s.amazonaws.com/name",
    NAME_OF_DRIVER,
    "aws:eks:cluster-name",
    "eks:eks-cluster-name",
];

/// Whose leftovers are looked at, and where.
pub(super) struct Scene<'a> {
    pub(super) aws: &'a Aws,
    pub(super) cluster: &'a str,
    pub(super) lineage: Option<&'a str>,
    /// The network; `None` when it is gone.
    pub(super) vpc: Option<String>,
    /// When the cluster or its role was made, in seconds since 1970; `None` where nobody looked yet.
    pub(super) since: Option<i64>,
}

impl<'a> Scene<'a> {
    pub(super) fn of(cx: &Cx<'a, Aws>, vpc: Option<String>, since: Option<i64>) -> Self {
        let (aws, marks) = (cx.cloud, cx.marks());
        Self { aws, cluster: &marks.cluster, lineage: marks.lineage.as_deref(), vpc, since }
    }

    /// Returns the cluster of that name, whosever it is, as long as it is there.
    pub(super) async fn living(&self) -> Result<Option<Living>> {
        let found = self.aws.eks.describe_cluster().name(self.cluster).send().await;
        Ok(found.found("eks:DescribeCluster")?.and_then(|answer| answer.cluster))
    }

    /// Returns the tag with which Kubernetes marks what is of this cluster.
    pub(super) fn kubernetes_tag(&self) -> String {
        format!("{OF_KUBERNETES}{}", self.cluster)
    }

    /// Tells whether tags say that something was made by this cluster, and by nobody else.
    pub(super) fn owns(&self, tags: &Tags) -> bool {
        self.says(tags) == Some(true)
    }

    /// Tells the same of an interface of the network plugin that is in some groups, of which some are
    /// the cluster's. Where the plugin was not told the cluster's name, only the machine is in the
    /// tags, which may be gone: then the groups tell, which are those of the machine.
    pub(super) fn owns_interface(
        &self,
        tags: &Tags,
        groups: &[&str],
        ours: &BTreeSet<&str>,
    ) -> bool {
        let is_within = !groups.is_empty() && groups.iter().all(|group| ours.contains(group));
        let is_of_plugin = tags.contains_key(OF_MACHINE) && is_within;
        self.says(tags).unwrap_or(is_of_plugin)
    }

    /// Tells whose something is by its tags; `None` where they do not say.
    fn says(&self, tags: &Tags) -> Option<bool> {
        let says = |(key, value): (&String, &String)| match key.strip_prefix(OF_KUBERNETES) {
            Some(cluster) if value == "owned" => Some(cluster == self.cluster),
            _ if key == LINEAGE_MARK => Some(Some(value.as_str()) == self.lineage),
            _ if NAMING.contains(&key.as_str()) => Some(value == self.cluster),
            _ => None,
        };
        let said: Vec<bool> = tags.iter().filter_map(says).collect();
        (!said.is_empty()).then(|| said.into_iter().all(|is_ours| is_ours))
    }

    /// Tells whether something is in the network of this cluster.
    pub(super) fn is_here(&self, vpc: Option<&str>) -> bool {
        vpc.is_some() && vpc == self.vpc.as_deref()
    }
}

/// Reads EC2's notation of tags, those of AWS among them.
pub(super) fn tags(tags: Option<Vec<Tag>>) -> Tags {
    let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
    tags.into_iter().flatten().filter_map(pair).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::connect::tests::nowhere;

    /// The leftovers of cluster `acme` with lineage `l1`, in network `vpc-1`.
    pub(in super::super) fn scene(aws: &Aws) -> Scene<'_> {
        let vpc = Some("vpc-1".to_owned());
        Scene { aws, cluster: "acme", lineage: Some("l1"), vpc, since: None }
    }

    #[test]
    fn only_what_names_this_cluster_and_no_other_is_its_own() {
        let aws = nowhere();
        let owns = |tags: &[(&str, &str)]| {
            let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            scene(&aws).owns(&tags.iter().map(pair).collect())
        };
        let kubernetes = ("kubernetes.io/cluster/acme", "owned");
        for ours in [
            &[kubernetes][..],
            &[kubernetes, ("elbv2.k8s.aws/cluster", "acme"), ("team", "data")],
            &[("cluster.k8s.amazonaws.com/name", "acme")],
            &[("aws:eks:cluster-name", "acme"), ("kubernetes.io/cluster/other", "shared")],
            &[(LINEAGE_MARK, "l1")],
        ] {
            assert!(owns(ours), "{ours:?}");
        }
        for theirs in [
            &[][..],
            &[("Name", "acme")],
            &[("kubernetes.io/cluster/acme", "shared")],
            &[("kubernetes.io/cluster/acme-2", "owned")],
            &[("elbv2.k8s.aws/cluster", "acme-2")],
            &[kubernetes, ("kubernetes.io/cluster/acme-2", "owned")],
            &[kubernetes, ("elbv2.k8s.aws/cluster", "acme-2")],
            &[kubernetes, (LINEAGE_MARK, "l2")],
            &[kubernetes, (NAME_OF_DRIVER, "acme-2")],
        ] {
            assert!(!owns(theirs), "{theirs:?}");
        }
    }
}
