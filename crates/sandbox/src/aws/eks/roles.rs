//! Roles that EKS and its nodes and pods take on.
use super::super::iam::{Unassumable, assumable, attached};
use super::super::{Call, Refusal, domain};
use super::found::invalid;

/// The policy that the role of every cluster has.
const OF_CLUSTERS: &[&str] = &["AmazonEKSClusterPolicy"];

/// The policy that the role of every node has.
const OF_NODES: &[&str] = &["AmazonEKSWorkerNodePolicy"];

/// Checks the role of a control plane.
///
/// # Errors
/// When EKS cannot take it on yet, or has not heard of its policies.
pub(super) fn of_cluster(call: &Call<'_>, cluster: &str, arn: &str) -> Result<(), Refusal> {
    let message = match assumable(call.world, arn, "eks.amazonaws.com") {
        Err(Unassumable::Missing) => format!(
            "Role with arn: {arn}, could not be assumed because it does not exist or the trusted \
             entity is not correct"
        ),
        Err(Unassumable::Untrusted) => {
            "Role could not be assumed because the trusted entity is not correct".to_owned()
        }
        Ok(()) => {
            return policies(call, arn, OF_CLUSTERS).map_err(|r| r.field("clusterName", cluster));
        }
    };
    Err(invalid(message).field("clusterName", cluster))
}

/// Checks the role of nodes.
///
/// # Errors
/// When EC2 cannot take it on yet, or EKS has not heard of its policies.
pub(super) fn of_nodes(call: &Call<'_>, arn: &str) -> Result<(), Refusal> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let machines = format!("ec2.{}", domain(&call.region));
    match assumable(call.world, arn, &machines) {
        Err(Unassumable::Missing) => {
            Err(invalid(format!("The role with name {name} cannot be found: {arn} does not exist")))
        }
        Err(Unassumable::Untrusted) => Err(invalid(format!(
            "Following required service principals [{machines}] were not found in the trust \
             relationships of nodeRole {arn}"
        ))),
        Ok(()) => policies(call, arn, OF_NODES),
    }
}

/// Checks a role that pods take on through Pod Identity.
///
/// # Errors
/// When Pod Identity cannot take it on yet.
pub(super) fn of_pods(call: &Call<'_>, arn: &str) -> Result<(), Refusal> {
    match assumable(call.world, arn, "pods.eks.amazonaws.com") {
        Ok(()) => Ok(()),
        Err(Unassumable::Missing) => {
            Err(invalid(format!("Role provided in the request does not exist: {arn}")))
        }
        Err(Unassumable::Untrusted) => Err(invalid(
            "Trust policy of the role provided in the request must allow pods.eks.amazonaws.com \
             the actions sts:AssumeRole and sts:TagSession",
        )),
    }
}

fn policies(call: &Call<'_>, arn: &str, needed: &[&str]) -> Result<(), Refusal> {
    let attached = attached(call.world, arn);
    let is_attached =
        |name: &&&str| attached.iter().any(|arn| arn.rsplit('/').next() == Some(**name));
    match needed.iter().find(|name| !is_attached(name)) {
        None => Ok(()),
        Some(_) => Err(invalid(format!(
            "The provided role doesn't have the Amazon EKS Managed Policies associated with it. \
             Please ensure the following policies [{}] are attached",
            needed.join(", ")
        ))),
    }
}
