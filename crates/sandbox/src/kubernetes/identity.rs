//! The roles of AWS that pods take on.
use super::kind::Kind;
use super::objects::{self, Cluster, text};
use crate::aws;
use crate::behaviour::Behaviour;
use crate::world::World;
use serde_json::Value;

pub(super) const AGENT: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a pod takes on the role of its service account's Pod Identity association if the agent \
        runs, or that of the account's annotation if the role trusts the issuer of the cluster; \
        never that of its node",
    seconds: 0,
    source: "Amazon EKS User Guide, EKS Pod Identity and IAM roles for service accounts",
};

/// Returns the role that pods of a service account have.
pub(super) fn of(
    world: &World,
    cluster: &Cluster,
    namespace: &str,
    account: &str,
) -> Option<String> {
    let kind = Kind::named("daemonsets");
    let agent = objects::get(world, cluster, kind, "kube-system", "eks-pod-identity-agent");
    let runs = |it: &Value| it["status"]["numberReady"].as_u64() > Some(0);
    if agent.is_some_and(|it| runs(&it))
        && let Some(role) = aws::role_of(world, &cluster.key, namespace, account)
    {
        return Some(role);
    }
    let kind = Kind::named("serviceaccounts");
    let account = objects::get(world, cluster, kind, namespace, account)?;
    let role = text(&account, "/metadata/annotations/eks.amazonaws.com~1role-arn");
    aws::trusts_issuer(world, &cluster.key, role).then(|| role.to_owned())
}
