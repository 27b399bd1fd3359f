//! The roles that a cluster has from the start, and what the access policies of EKS allow.
use serde_json::{Value, json};

/// What reading is.
const READ: [&str; 3] = ["get", "list", "watch"];

/// What writing is.
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];

/// Resources within a namespace that anybody may see who may see it, by group.
const VIEWED: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "namespaces",
            "namespaces/status",
            "persistentvolumeclaims",
            "persistentvolumeclaims/status",
            "pods",
            "pods/log",
            "pods/status",
            "replicationcontrollers",
            "resourcequotas",
            "serviceaccounts",
            "services",
            "services/status",
        ],
    ),
    (
        "apps",
        &[
            "controllerrevisions",
            "daemonsets",
            "daemonsets/status",
            "deployments",
            "deployments/scale",
            "deployments/status",
            "replicasets",
            "replicasets/scale",
            "replicasets/status",
            "statefulsets",
            "statefulsets/scale",
            "statefulsets/status",
        ],
    ),
    ("autoscaling", &["horizontalpodautoscalers", "horizontalpodautoscalers/status"]),
    ("batch", &["cronjobs", "cronjobs/status", "jobs", "jobs/status"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("networking.k8s.io", &["ingresses", "ingresses/status", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets", "poddisruptionbudgets/status"]),
];

/// Resources within a namespace that its editors may change, by group.
const EDITED: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "configmaps",
            "events",
            "persistentvolumeclaims",
            "pods",
            "replicationcontrollers",
            "secrets",
            "serviceaccounts",
            "services",
        ],
    ),
    (
        "apps",
        &[
            "daemonsets",
            "deployments",
            "deployments/scale",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
        ],
    ),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("networking.k8s.io", &["ingresses", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets"]),
];

const RBAC: &str = "rbac.authorization.k8s.io";

fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Value {
    json!({ "apiGroups": groups, "resources": resources, "verbs": verbs })
}

fn on(table: &[(&str, &[&str])], verbs: &[&str]) -> Vec<Value> {
    table.iter().map(|(group, resources)| rule(&[group], resources, verbs)).collect()
}

/// Returns the rules of a role of the cluster's by its name; none when there is no such role.
pub(super) fn rules(name: &str) -> Vec<Value> {
    let edited = || {
        let secrets = [rule(&[""], &["secrets", "pods/exec", "pods/portforward"], &READ)];
        let token = [
            rule(&[""], &["pods/eviction", "pods/exec", "serviceaccounts/token"], &["create"]),
            rule(&[""], &["serviceaccounts"], &["impersonate"]),
        ];
        [on(VIEWED, &READ), on(EDITED, &WRITE), secrets.into(), token.into()].concat()
    };
    let paths = |paths: &[&str]| json!({ "nonResourceURLs": paths, "verbs": ["get"] });
    match name {
        "cluster-admin" => {
            vec![rule(&["*"], &["*"], &["*"]), json!({ "nonResourceURLs": ["*"], "verbs": ["*"] })]
        }
        "admin" => {
            let verbs = [&READ[..], &WRITE].concat();
            let roles = rule(&[RBAC], &["roles", "rolebindings"], &verbs);
            [edited(), vec![roles]].concat()
        }
        "edit" => edited(),
        "view" => on(VIEWED, &READ),
        "eks:admin-view" => vec![rule(&["*"], &["*"], &READ)],
        "eks:secret-reader" => vec![rule(&[""], &["secrets"], &READ)],
        "system:basic-user" => vec![
            rule(
                &["authorization.k8s.io"],
                &["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
                &["create"],
            ),
            rule(&["authentication.k8s.io"], &["selfsubjectreviews"], &["create"]),
        ],
        "system:discovery" => {
            vec![paths(&[
                "/api",
                "/api/*",
                "/apis",
                "/apis/*",
                "/healthz",
                "/livez",
                "/openapi",
                "/openapi/*",
                "/readyz",
                "/version",
                "/version/",
            ])]
        }
        "system:public-info-viewer" => {
            vec![paths(&["/healthz", "/livez", "/readyz", "/version", "/version/"])]
        }
        _ => Vec::new(),
    }
}

/// Roles of the cluster's, and the groups that have them everywhere.
const BOUND: [(&str, &[&str]); 7] = [
    ("cluster-admin", &["system:masters"]),
    ("admin", &[]),
    ("edit", &[]),
    ("view", &[]),
    ("system:basic-user", &["system:authenticated"]),
    ("system:discovery", &["system:authenticated"]),
    ("system:public-info-viewer", &["system:authenticated", "system:unauthenticated"]),
];

/// Returns roles and bindings that a cluster has from the start, each with the plural of its kind.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let labels = json!({ "kubernetes.io/bootstrapping": "rbac-defaults" });
    let notes = json!({ "rbac.authorization.kubernetes.io/autoupdate": "true" });
    let metadata = |name: &str| json!({ "name": name, "labels": labels, "annotations": notes });
    let mut all = Vec::new();
    for (name, groups) in BOUND {
        let role = json!({ "metadata": metadata(name), "rules": rules(name) });
        all.push(("clusterroles", role));
        if groups.is_empty() {
            continue;
        }
        let subject = |group: &&str| json!({ "kind": "Group", "apiGroup": RBAC, "name": group });
        let binding = json!({
            "metadata": metadata(name),
            "roleRef": { "apiGroup": RBAC, "kind": "ClusterRole", "name": name },
            "subjects": groups.iter().map(subject).collect::<Vec<_>>(),
        });
        all.push(("clusterrolebindings", binding));
    }
    all
}

/// Returns the role whose rules an access policy of EKS has.
pub(super) fn of_policy(policy: &str) -> &'static str {
    match policy {
        "AmazonEKSClusterAdminPolicy" => "cluster-admin",
        "AmazonEKSAdminPolicy" => "admin",
        "AmazonEKSAdminViewPolicy" => "eks:admin-view",
        "AmazonEKSEditPolicy" => "edit",
        "AmazonEKSSecretReaderPolicy" => "eks:secret-reader",
        "AmazonEKSViewPolicy" => "view",
        _ => "",
    }
}
