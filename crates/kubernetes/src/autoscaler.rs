//! The cluster autoscaler, which makes machines for pods that find no place.
use crate::resources::Object;
use provision_core::{Graph, Handle, Place};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What everything of it is called.
pub const NAME: &str = "cluster-autoscaler";
/// Where it runs.
pub const NAMESPACE: &str = "kube-system";

const ACCOUNT: (&str, &str, &str) = ("v1", "ServiceAccount", "serviceaccounts");
const DEPLOYMENT: (&str, &str, &str) = ("apps/v1", "Deployment", "deployments");
const RBAC: &str = "rbac.authorization.k8s.io/v1";

/// What only a cloud knows of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Autoscaler {
    /// The minor version of Kubernetes that it is for, such as `1.35`.
    pub version: String,
    /// How it is called.
    pub arguments: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// The labels of the nodes that it runs on.
    pub nodes: BTreeMap<String, String>,
}

/// Adds the autoscaler to what is inside a cluster, each part where `placed` puts it, and what runs
/// where `running` puts that.
pub fn autoscaler(
    graph: &mut Graph,
    autoscaler: &Autoscaler,
    placed: impl Fn(Place) -> Place,
    running: impl FnOnce(Place) -> Place,
) {
    let of_namespace = |noun, body: &Value| Object::new(noun, NAMESPACE, NAME, body);
    let of_cluster = |noun, body: &Value| Object::new(noun, "", NAME, body);
    let parts = [
        ("service-account", of_namespace(ACCOUNT, &labelled(json!({})))),
        ("cluster-role", of_cluster((RBAC, "ClusterRole", "clusterroles"), &role(rules()))),
        (
            "cluster-role-binding",
            of_cluster(
                (RBAC, "ClusterRoleBinding", "clusterrolebindings"),
                &binding("ClusterRole"),
            ),
        ),
        ("role", of_namespace((RBAC, "Role", "roles"), &role(own_rules()))),
        ("role-binding", of_namespace((RBAC, "RoleBinding", "rolebindings"), &binding("Role"))),
    ];
    let parts: Vec<Handle<Object>> = parts
        .into_iter()
        .map(|(part, object)| graph.add(placed(Place::at(format!("autoscaler/{part}"))), object))
        .collect();
    let place = running(placed(Place::at("autoscaler/deployment")));
    let place = parts.iter().fold(place, Place::after);
    graph.add(place, of_namespace(DEPLOYMENT, &deployment(autoscaler)));
}

fn labelled(mut body: Value) -> Value {
    body["metadata"]["labels"] = json!({ "app.kubernetes.io/name": NAME });
    body
}

fn role(rules: Value) -> Value {
    labelled(json!({ "rules": rules }))
}

fn binding(kind: &str) -> Value {
    let account = json!({ "kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE });
    let role = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": NAME });
    let mut body = labelled(json!({ "roleRef": role }));
    body["subjects"] = json!([account]);
    body
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({ "apiGroups": [group], "resources": resources, "verbs": verbs })
}

fn named(group: &str, resource: &str, names: &[&str], verbs: &[&str]) -> Value {
    json!({ "apiGroups": [group], "resources": [resource], "resourceNames": names, "verbs": verbs })
}

/// What it looks at to tell whether a pod fits, and what it does about nodes.
fn rules() -> Value {
    const LOOK: [&str; 3] = ["get", "list", "watch"];
    let core = [
        "namespaces",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "replicationcontrollers",
        "services",
    ];
    let storage =
        ["csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments"];
    let devices = ["deviceclasses", "resourceclaims", "resourceslices"];
    json!([
        rule("", &["events"], &["create", "patch"]),
        rule("", &["pods/eviction"], &["create"]),
        rule("", &["pods/status"], &["update"]),
        rule("", &["nodes"], &["get", "list", "update", "watch"]),
        rule("", &core, &LOOK),
        rule("apps", &["daemonsets", "replicasets", "statefulsets"], &LOOK),
        rule("batch", &["cronjobs", "jobs"], &LOOK),
        rule("policy", &["poddisruptionbudgets"], &LOOK),
        rule("storage.k8s.io", &storage, &LOOK),
        rule("resource.k8s.io", &devices, &LOOK),
        rule("coordination.k8s.io", &["leases"], &["create"]),
        named("coordination.k8s.io", "leases", &[NAME], &["get", "update"]),
    ])
}

/// What it writes down beside itself.
fn own_rules() -> Value {
    let names = ["cluster-autoscaler-priority-expander", "cluster-autoscaler-status"];
    json!([
        rule("", &["configmaps"], &["create", "list", "watch"]),
        named("", "configmaps", &names, &["delete", "get", "update", "watch"]),
    ])
}

fn deployment(autoscaler: &Autoscaler) -> Value {
    let labels = json!({ "app.kubernetes.io/name": NAME });
    let command = ["./cluster-autoscaler".to_owned()];
    let command: Vec<_> = command.iter().chain(&autoscaler.arguments).collect();
    let environment = autoscaler.environment.iter();
    let environment: Vec<_> =
        environment.map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let container = json!({
        "name": NAME,
        "image": format!("registry.k8s.io/autoscaling/cluster-autoscaler:v{}.0", autoscaler.version),
        "command": command,
        "env": environment,
        "livenessProbe": { "httpGet": { "path": "/health-check", "port": 8085 } },
        "resources": { "requests": { "cpu": "100m", "memory": "600Mi" },
                       "limits": { "memory": "1Gi" } },
        "securityContext": { "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                             "capabilities": { "drop": ["ALL"] } },
    });
    labelled(json!({
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "serviceAccountName": NAME,
                    "priorityClassName": "system-cluster-critical",
                    "nodeSelector": autoscaler.nodes,
                    "containers": [container],
                    "securityContext": { "runAsNonRoot": true, "runAsUser": 65534,
                        "fsGroup": 65534, "seccompProfile": { "type": "RuntimeDefault" } },
                },
            },
        },
    }))
}
