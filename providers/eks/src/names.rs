//! What things are called in AWS.
//!
//! A cluster's name has at most 20 characters, a pool's too, and a region's at most 16 so far, so
//! every name keeps within its limit by construction.
use crate::aws::Tags;
use provision_core::{CLUSTER_MARK, Error, Result};
use provision_spec::ClusterSpec;
use std::collections::BTreeSet;

/// Regions that every account has; others must be enabled first.
///
/// Source: AWS Account Management Reference Guide, Enable or disable AWS Regions.
const ALWAYS_ON: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Tells whether every account of the first partition has a region.
pub(crate) fn is_always_on(region: &str) -> bool {
    ALWAYS_ON.contains(&region)
}

/// What takes a role on, each one of its own.
pub(crate) const ROLES: [&str; 4] = ["autoscaler", "cluster", "ebs-csi", "node"];

/// The tags by which an autoscaler finds the scaling groups of a cluster, whose name is `{}`.
pub(crate) const DISCOVERY: [&str; 2] =
    ["k8s.io/cluster-autoscaler/enabled", "k8s.io/cluster-autoscaler/{}"];

/// Returns the name of a role; IAM allows 64 characters and knows no regions.
pub(crate) fn role(cluster: &str, region: &str, of: &str) -> String {
    format!("provision-{cluster}-{region}-{of}")
}

/// Returns the alias of the key for secrets.
pub(crate) fn key_alias(cluster: &str) -> String {
    format!("alias/provision/{cluster}")
}

/// Returns the name under which EKS writes the control plane's logs.
pub(crate) fn log_group(cluster: &str) -> String {
    format!("/aws/eks/{cluster}/cluster")
}

/// Returns the name of a launch template; EC2 allows 128 characters.
pub(crate) fn launch_template(spec: &ClusterSpec, pool: &str, generation: &str) -> String {
    format!("provision/{}/{pool}/{generation}", spec.name)
}

/// Returns the name of a node group; EKS allows 63 characters.
pub(crate) fn node_group(pool: &str, generation: &str) -> String {
    format!("{pool}-{generation}")
}

/// Returns the tags of the object at `address`: the user's, and a `Name` where they hold none.
pub(crate) fn tags(spec: &ClusterSpec, address: &str) -> Tags {
    const NAME: &str = "Name";
    let mut tags = spec.tags.clone();
    // IAM ignores the case of keys.
    if !tags.keys().any(|key| key.eq_ignore_ascii_case(NAME)) {
        let name = format!("{}-{}", spec.name, address.replace('/', "-"));
        tags.insert(NAME.to_owned(), name);
    }
    tags
}

/// Returns the tags of a pool's machines and their disks.
///
/// Of our marks they carry the cluster's name alone: they are at no address, and come and go
/// with the node group.
pub(crate) fn machine_tags(spec: &ClusterSpec, pool: &str) -> Tags {
    let mut tags = tags(spec, pool);
    tags.insert(CLUSTER_MARK.to_owned(), spec.name.clone());
    tags
}

/// Returns the partition that a region belongs to, as ARNs name it.
pub(crate) fn partition(region: &str) -> Result<&'static str> {
    let words: Vec<_> = region.split('-').collect();
    Ok(match words[..] {
        ["cn", ..] => "aws-cn",
        ["eusc", ..] => "aws-eusc",
        ["us", "gov", ..] => "aws-us-gov",
        ["us", "iso", ..] => "aws-iso",
        ["us", "isob", ..] => "aws-iso-b",
        ["eu", "isoe", ..] => "aws-iso-e",
        ["us", "isof", ..] => "aws-iso-f",
        ["af" | "ap" | "ca" | "eu" | "il" | "me" | "mx" | "sa" | "us", place, ..]
            if !place.starts_with("iso") =>
        {
            "aws"
        }
        _ => return Err(Error::invalid(format!("region {region} is in no known partition"))),
    })
}

/// Returns what machines are called where a role says who may take it on.
pub(crate) fn machines(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "ec2.amazonaws.com.cn",
        _ => "ec2.amazonaws.com",
    }
}

/// Returns whom the tokens of service accounts are for, so that STS takes them. In China some
/// clients ask for tokens for STS under its name there, and others do not.
pub(crate) fn audiences(partition: &str) -> BTreeSet<String> {
    let of_china = Some("sts.amazonaws.com.cn").filter(|_| partition == "aws-cn");
    ["sts.amazonaws.com"].into_iter().chain(of_china).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::tests::spec;

    #[test]
    fn a_region_tells_its_partition() {
        for (region, wanted) in [
            ("us-east-1", "aws"),
            ("eu-central-2", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(partition(region).unwrap(), wanted, "{region}");
        }
        for region in ["moon-base-1", "us-isox-east-1"] {
            assert!(partition(region).unwrap_err().message.contains(region), "{region}");
        }
    }

    #[test]
    fn a_name_of_the_user_takes_the_place_of_ours_in_any_case() {
        let keys = |tags: &str| tags_of(tags).into_keys().collect::<Vec<_>>();
        assert_eq!(keys("{ team: a }"), ["Name", "team"]);
        assert_eq!(keys("{ name: mine }"), ["name"]);
        assert_eq!(tags_of("{ Name: mine }")["Name"], "mine");
    }

    fn tags_of(tags: &str) -> Tags {
        super::tags(&spec(&format!("tags: {tags}")), "vpc")
    }
}
