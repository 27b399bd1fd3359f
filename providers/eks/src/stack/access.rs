//! Who gets in: people and programs into the cluster, and pods into the account.
use super::Stack;
use crate::resources::{
    AccessEntry, Cluster, PodIdentityAssociation, RolePolicy, Statement, for_cluster, trust_of_pods,
};
use crate::{access, names};
use provision_core::{Error, Handle, Place, Result, out};
use provision_kubernetes::autoscaler;

/// The namespace of the pods that get roles.
const NAMESPACE: &str = autoscaler::NAMESPACE;
/// What the driver of volumes may do.
const EBS_CSI_POLICIES: [&str; 1] = ["service-role/AmazonEBSCSIDriverPolicy"];
/// What the autoscaler looks at.
const AUTOSCALER_READS: [&str; 9] = [
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeAutoScalingInstances",
    "autoscaling:DescribeLaunchConfigurations",
    "autoscaling:DescribeScalingActivities",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:GetInstanceTypesFromInstanceRequirements",
    "eks:DescribeNodegroup",
];
/// What the autoscaler changes, in scaling groups of the cluster alone.
const AUTOSCALER_CHANGES: [&str; 2] =
    ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"];

/// The roles that pods get.
pub(super) struct Identities {
    /// Of the driver of volumes.
    pub(super) volumes: Handle<PodIdentityAssociation>,
    /// Of the autoscaler.
    pub(super) autoscaler: Handle<PodIdentityAssociation>,
}

impl Stack<'_> {
    /// Lets in whom the file names, or else whoever applied it first.
    pub(super) fn access_entries(
        &mut self,
        cluster: &Handle<Cluster>,
    ) -> Result<Vec<Handle<AccessEntry>>> {
        let partition = names::partition(&self.spec.region)?;
        let mut entries = Vec::new();
        for (principal, policies) in access::granted(self.section, self.facts)? {
            let address = access::address(&principal);
            if self.graph.node(&address.as_str().into()).is_some() {
                let what = format!("eks.access: {principal} is there with another path");
                return Err(Error::invalid(what).hint("an account has one role or user of a name"));
            }
            let arn =
                |name: String| format!("arn:{partition}:eks::aws:cluster-access-policy/{name}");
            let entry = AccessEntry {
                principal,
                cluster: out!(cluster.id),
                purpose: "STANDARD".into(),
                policies: for_cluster(policies.into_iter().map(arn)),
                tags: names::tags(self.spec, &address),
            };
            entries.push(self.graph.add(Place::at(address).within(cluster), entry));
        }
        Ok(entries)
    }

    /// Gives the driver of volumes and the autoscaler their roles, which they wait for.
    pub(super) fn pod_identities(&mut self, cluster: &Handle<Cluster>) -> Result<Identities> {
        let volumes = self.pod_identity(cluster, "ebs-csi", "ebs-csi-controller-sa", None)?;
        let policy = self.autoscaler_policy();
        let autoscaler =
            self.pod_identity(cluster, "autoscaler", autoscaler::NAME, Some(policy))?;
        Ok(Identities { volumes, autoscaler })
    }

    fn pod_identity(
        &mut self,
        cluster: &Handle<Cluster>,
        of: &str,
        account: &str,
        statements: Option<Vec<Statement>>,
    ) -> Result<Handle<PodIdentityAssociation>> {
        let trust = trust_of_pods(&self.spec.name, NAMESPACE, account);
        let managed: &[&str] = if statements.is_some() { &[] } else { &EBS_CSI_POLICIES };
        let role = self.role(of, trust, managed)?;
        let address = format!("pod-identity/{of}");
        let association = PodIdentityAssociation {
            cluster: out!(cluster.id),
            namespace: NAMESPACE.into(),
            service_account: account.into(),
            role: out!(role.arn),
            tags: names::tags(self.spec, &address),
        };
        let mut place = Place::at(address).within(cluster);
        if let Some(statements) = statements {
            let policy = RolePolicy { name: of.into(), role: out!(role.id), statements };
            place = place.after(&self.graph.add(format!("role-policy/{of}"), policy));
        }
        Ok(self.graph.add(place, association))
    }

    fn autoscaler_policy(&self) -> Vec<Statement> {
        let owned = format!("aws:ResourceTag/k8s.io/cluster-autoscaler/{}", self.spec.name);
        let statement = |actions: &[&str], equal: &[(String, &str)]| Statement {
            actions: actions.iter().map(ToString::to_string).collect(),
            resource: "*".to_owned().into(),
            equal: equal.iter().map(|(key, value)| (key.clone(), (*value).to_owned())).collect(),
        };
        vec![statement(&AUTOSCALER_READS, &[]), statement(&AUTOSCALER_CHANGES, &[(owned, "owned")])]
    }
}

#[cfg(test)]
mod tests {
    use crate::section::{Access, Section};
    use crate::stack::stack;
    use crate::stack::tests::{facts, graph, only, spec};
    use provision_core::Result;
    use serde_json::json;

    fn entries(principals: &[&str]) -> Result<Vec<String>> {
        let policies = ["AmazonEKSViewPolicy".to_owned()];
        let of = |principal: &&str| ((*principal).to_owned(), policies.clone().into());
        let access = Some(principals.iter().map(of).collect::<Access>());
        let graphs = stack(&spec(""), &Section { access, ..Section::default() }, &facts())?;
        let entries = graphs[0].nodes().iter().filter(|node| node.kind == "aws.eks.access_entry");
        Ok(entries.map(|node| node.address.to_string()).collect())
    }

    #[test]
    fn whoever_applied_first_is_the_administrator() {
        let graph = graph("", &facts());
        let entry = graph.node(&"access-entry/user/123456789012/ann".into()).unwrap();
        let policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
        assert_eq!(entry.spec["policies"], json!({ policy: "cluster" }));
        assert_eq!(entry.within, Some("cluster".into()));
    }

    #[test]
    fn each_principal_has_an_entry_of_its_own() {
        let [one, two] = ["role/admin", "role/team/admin"]
            .map(|role| format!("arn:aws:iam::123456789012:{role}"));
        assert_eq!(entries(&[]).unwrap(), [""; 0]);
        assert_eq!(entries(&[&one]).unwrap(), ["access-entry/role/123456789012/admin"]);
        let error = entries(&[&one, &two]).unwrap_err();
        assert!(error.message.contains("with another path"), "{error}");
    }

    #[test]
    fn pods_get_roles_before_the_add_on_that_needs_one() {
        let graph = graph("", &facts());
        let needs = |address: &str| &graph.node(&address.into()).unwrap().needs;
        assert!(needs("addon/aws-ebs-csi-driver").contains("pod-identity/ebs-csi"));
        assert!(needs("pod-identity/autoscaler").contains("role-policy/autoscaler"));
        let policy = &graph.node(&"role-policy/autoscaler".into()).unwrap().spec["statements"];
        let owned = json!({ "aws:ResourceTag/k8s.io/cluster-autoscaler/acme-prod": "owned" });
        assert_eq!(policy[1]["equal"], owned);
        assert_eq!(policy[0]["equal"], json!({}));
    }

    #[test]
    fn without_pod_identity_there_is_nothing_of_it() {
        let section = Section { pod_identity: false, ..Section::default() };
        let graph = only(&spec(""), &section, &facts());
        let of = |group: &str| graph.nodes().iter().any(|node| node.address.group() == group);
        assert!(!of("pod-identity") && !of("role-policy") && !of("scaling-tags"));
        assert!(graph.node(&"role/ebs-csi".into()).is_none());
    }
}
