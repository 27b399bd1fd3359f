//! What things are called in AWS.
//!
//! A cluster's name has at most 20 characters, a pool's too, and a region's at most 16 so far, so
//! every name keeps within its limit by construction.
use crate::aws::Tags;
use provision_core::CLUSTER_MARK;
use provision_spec::ClusterSpec;

/// Returns the name of a role; IAM allows 64 characters and knows no regions.
pub(crate) fn role(spec: &ClusterSpec, of: &str) -> String {
    format!("provision-{}-{}-{of}", spec.name, spec.region)
}

/// Returns the alias of the key for secrets.
pub(crate) fn key_alias(spec: &ClusterSpec) -> String {
    format!("alias/provision/{}", spec.name)
}

/// Returns the name under which EKS writes the control plane's logs.
pub(crate) fn log_group(spec: &ClusterSpec) -> String {
    format!("/aws/eks/{}/cluster", spec.name)
}

/// Returns the name of a launch template; EC2 allows 128 characters.
pub(crate) fn launch_template(spec: &ClusterSpec, pool: &str, generation: &str) -> String {
    format!("provision/{}/{pool}/{generation}", spec.name)
}

/// Returns the name of a node group; EKS allows 63 characters.
pub(crate) fn node_group(pool: &str, generation: &str) -> String {
    format!("{pool}-{generation}")
}

/// Returns the tags of the object at `address`: a `Name`, and the user's, which win.
pub(crate) fn tags(spec: &ClusterSpec, address: &str) -> Tags {
    let name = format!("{}-{}", spec.name, address.replace('/', "-"));
    let mut tags = Tags::from([("Name".to_owned(), name)]);
    tags.extend(spec.tags.clone());
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
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}
