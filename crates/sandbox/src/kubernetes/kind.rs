//! The kinds of objects that the API serves.
use serde_json::Value;
use std::sync::OnceLock;

/// A kind of object, and how its resource is called.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kind {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) singular: String,
    pub(super) short: Vec<String>,
    pub(super) namespaced: bool,
    pub(super) subresources: Vec<String>,
    /// Whether it comes from a definition of the user's rather than with Kubernetes.
    pub(super) is_custom: bool,
}

/// Everything that can be done to stored objects.
pub(super) const VERBS: [&str; 8] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

const ADMISSION: &str = "admissionregistration.k8s.io";

/// The group that has another version than v1.
const SCALING: &str = "autoscaling";

/// Group, kind, plural, short names, whether it is namespaced, and subresources.
type Row = (&'static str, &'static str, &'static str, &'static str, bool, &'static str);

const BUILT_IN: &[Row] = &[
    ("", "ConfigMap", "configmaps", "cm", true, ""),
    ("", "Endpoints", "endpoints", "ep", true, ""),
    ("", "Event", "events", "ev", true, ""),
    ("", "LimitRange", "limitranges", "limits", true, ""),
    ("", "Namespace", "namespaces", "ns", false, "status"),
    ("", "Node", "nodes", "no", false, "status"),
    ("", "PersistentVolume", "persistentvolumes", "pv", false, "status"),
    ("", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", true, "status"),
    ("", "Pod", "pods", "po", true, "eviction status"),
    ("", "PodTemplate", "podtemplates", "", true, ""),
    ("", "ReplicationController", "replicationcontrollers", "rc", true, "scale status"),
    ("", "ResourceQuota", "resourcequotas", "quota", true, "status"),
    ("", "Secret", "secrets", "", true, ""),
    ("", "Service", "services", "svc", true, "status"),
    ("", "ServiceAccount", "serviceaccounts", "sa", true, "token"),
    (ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "", false, ""),
    (ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "", false, ""),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        "crd crds",
        false,
        "status",
    ),
    ("apiregistration.k8s.io", "APIService", "apiservices", "", false, "status"),
    ("apps", "ControllerRevision", "controllerrevisions", "", true, ""),
    ("apps", "DaemonSet", "daemonsets", "ds", true, "status"),
    ("apps", "Deployment", "deployments", "deploy", true, "scale status"),
    ("apps", "ReplicaSet", "replicasets", "rs", true, "scale status"),
    ("apps", "StatefulSet", "statefulsets", "sts", true, "scale status"),
    (SCALING, "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", true, "status"),
    ("batch", "CronJob", "cronjobs", "cj", true, "status"),
    ("batch", "Job", "jobs", "", true, "status"),
    ("coordination.k8s.io", "Lease", "leases", "", true, ""),
    ("discovery.k8s.io", "EndpointSlice", "endpointslices", "", true, ""),
    ("networking.k8s.io", "Ingress", "ingresses", "ing", true, "status"),
    ("networking.k8s.io", "IngressClass", "ingressclasses", "", false, ""),
    ("networking.k8s.io", "NetworkPolicy", "networkpolicies", "netpol", true, ""),
    ("node.k8s.io", "RuntimeClass", "runtimeclasses", "", false, ""),
    ("policy", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", true, "status"),
    ("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", "", false, ""),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings", "", false, ""),
    ("rbac.authorization.k8s.io", "Role", "roles", "", true, ""),
    ("rbac.authorization.k8s.io", "RoleBinding", "rolebindings", "", true, ""),
    ("scheduling.k8s.io", "PriorityClass", "priorityclasses", "pc", false, ""),
    ("storage.k8s.io", "CSIDriver", "csidrivers", "", false, ""),
    ("storage.k8s.io", "CSINode", "csinodes", "", false, ""),
    ("storage.k8s.io", "CSIStorageCapacity", "csistoragecapacities", "", true, ""),
    ("storage.k8s.io", "StorageClass", "storageclasses", "sc", false, ""),
    ("storage.k8s.io", "VolumeAttachment", "volumeattachments", "", false, "status"),
];

/// Kinds that are asked and answered, and not stored: group, kind, plural.
pub(super) const REVIEWS: [(&str, &str, &str); 2] = [
    ("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews"),
    ("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
];

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Returns the kinds that come with Kubernetes.
pub(super) fn built_in() -> &'static [Kind] {
    static ALL: OnceLock<Vec<Kind>> = OnceLock::new();
    ALL.get_or_init(|| BUILT_IN.iter().map(read).collect())
}

fn read((group, kind, plural, short, namespaced, subresources): &Row) -> Kind {
    Kind {
        group: (*group).to_owned(),
        version: if *group == SCALING { "v2" } else { "v1" }.to_owned(),
        kind: (*kind).to_owned(),
        plural: (*plural).to_owned(),
        singular: kind.to_lowercase(),
        short: words(short),
        namespaced: *namespaced,
        subresources: words(subresources),
        is_custom: false,
    }
}

impl Kind {
    /// Finds a kind that comes with Kubernetes by its plural, which is unique among them.
    pub(super) fn named(plural: &str) -> &'static Self {
        let found = built_in().iter().find(|kind| kind.plural == plural);
        found.expect("only kinds of the table are asked for")
    }

    /// Reads the kinds that a definition of the user's brings, one for each served version.
    pub(super) fn defined(definition: &Value) -> Vec<Self> {
        let spec = &definition["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let names = &spec["names"];
        let versions = spec["versions"].as_array().into_iter().flatten();
        let served = versions.filter(|version| version["served"] == true);
        let kind = |version: &Value| Self {
            group: text(&spec["group"]),
            version: text(&version["name"]),
            kind: text(&names["kind"]),
            plural: text(&names["plural"]),
            singular: names["singular"].as_str().unwrap_or_default().to_owned(),
            short: names["shortNames"].as_array().into_iter().flatten().map(text).collect(),
            namespaced: spec["scope"] == "Namespaced",
            subresources: match version["subresources"]["status"].is_object() {
                true => vec!["status".to_owned()],
                false => Vec::new(),
            },
            is_custom: true,
        };
        served.map(kind).collect()
    }

    /// Returns group and version, as objects say them.
    pub(super) fn api_version(&self) -> String {
        match self.group.is_empty() {
            true => self.version.clone(),
            false => format!("{}/{}", self.group, self.version),
        }
    }

    /// Returns the resource with its group, as errors call it.
    pub(super) fn resource(&self) -> String {
        with_group(&self.plural, &self.group)
    }

    /// Returns the kind with its group, as errors about what is in an object call it.
    pub(super) fn qualified(&self) -> String {
        with_group(&self.kind, &self.group)
    }

    /// Returns the kind of object of the world that these are.
    pub(super) fn key(&self) -> String {
        format!("kubernetes.{}", self.resource())
    }
}

fn with_group(name: &str, group: &str) -> String {
    match group.is_empty() {
        true => name.to_owned(),
        false => format!("{name}.{group}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn plurals_are_unique() {
        let all: BTreeSet<String> = built_in().iter().map(|kind| kind.plural.clone()).collect();
        assert_eq!(all.len(), BUILT_IN.len());
        assert_eq!(Kind::named("storageclasses").resource(), "storageclasses.storage.k8s.io");
        assert_eq!(Kind::named("pods").key(), "kubernetes.pods");
    }
}
