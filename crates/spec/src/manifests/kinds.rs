//! The kinds that come with Kubernetes: what they are called in paths, and which are in a namespace.

/// How objects of a kind are found in the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) plural: String,
    pub(super) namespaced: bool,
}

/// The kinds of a group: those in a namespace, and those in none.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const KINDS: &[Row] = &[
    (
        "",
        &[
            "ConfigMap",
            "Endpoints",
            "LimitRange",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
        &["Namespace", "Node", "PersistentVolume"],
    ),
    (
        "admissionregistration.k8s.io",
        &[],
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &[], &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &[], &["APIService"]),
    ("apps", &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"], &[]),
    ("autoscaling", &["HorizontalPodAutoscaler"], &[]),
    ("batch", &["CronJob", "Job"], &[]),
    ("certificates.k8s.io", &[], &["CertificateSigningRequest"]),
    ("coordination.k8s.io", &["Lease"], &[]),
    ("discovery.k8s.io", &["EndpointSlice"], &[]),
    ("flowcontrol.apiserver.k8s.io", &[], &["FlowSchema", "PriorityLevelConfiguration"]),
    (
        "networking.k8s.io",
        &["Ingress", "NetworkPolicy"],
        &["IPAddress", "IngressClass", "ServiceCIDR"],
    ),
    ("node.k8s.io", &[], &["RuntimeClass"]),
    ("policy", &["PodDisruptionBudget"], &[]),
    ("rbac.authorization.k8s.io", &["Role", "RoleBinding"], &["ClusterRole", "ClusterRoleBinding"]),
    (
        "resource.k8s.io",
        &["ResourceClaim", "ResourceClaimTemplate"],
        &["DeviceClass", "ResourceSlice"],
    ),
    ("scheduling.k8s.io", &[], &["PriorityClass"]),
    (
        "storage.k8s.io",
        &["CSIStorageCapacity"],
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ),
];

/// Returns the group that an `apiVersion` names, which is empty for what was there first.
pub(super) fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Finds a kind that comes with Kubernetes. `None` for any other.
pub(super) fn built_in(api_version: &str, kind: &str) -> Option<Place> {
    let of = group(api_version);
    let (_, within, without) = KINDS.iter().find(|(group, ..)| *group == of)?;
    let namespaced = within.contains(&kind);
    let is_known = namespaced || without.contains(&kind);
    is_known.then(|| Place { plural: plural(kind), namespaced })
}

/// Returns what a kind is called in paths, which follows from English.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y') {
        _ if kind == "endpoints" => kind,
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if kind.ends_with('s') => format!("{kind}es"),
        _ => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_those_of_the_api() {
        for (api_version, kind, wanted, namespaced) in [
            ("v1", "Endpoints", "endpoints", true),
            ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true),
            ("networking.k8s.io/v1", "Ingress", "ingresses", true),
            ("networking.k8s.io/v1", "IPAddress", "ipaddresses", false),
            ("storage.k8s.io/v1", "StorageClass", "storageclasses", false),
            ("storage.k8s.io/v1", "CSIStorageCapacity", "csistoragecapacities", true),
            ("apiregistration.k8s.io/v1", "APIService", "apiservices", false),
            ("apps/v1beta1", "Deployment", "deployments", true),
        ] {
            let place = Place { plural: wanted.to_owned(), namespaced };
            assert_eq!(built_in(api_version, kind), Some(place), "{kind}");
        }
        assert_eq!(built_in("v1", "Deployment"), None);
        assert_eq!(built_in("acme.com/v1", "Pod"), None);
    }
}
