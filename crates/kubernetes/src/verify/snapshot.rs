//! What was seen of a cluster.
use super::entry::Entry;
use super::probe::Ended;
use provision_core::{Error, Kind, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// The namespace of the system.
const SYSTEM: &str = "kube-system";

/// Something that was looked for, unless the caller may not.
pub(super) type Seen<T> = std::result::Result<T, Unread>;

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread(pub(super) String);

impl From<&Unread> for Unread {
    fn from(unread: &Unread) -> Self {
        unread.clone()
    }
}

/// Everything that checks are made of, as the API tells it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What the API says of its own version.
    pub(super) version: Value,
    /// The groups of resources that are served.
    pub(super) groups: Seen<Vec<String>>,
    pub(super) nodes: Seen<Vec<Value>>,
    pub(super) deployments: Seen<Vec<Value>>,
    pub(super) daemons: Seen<Vec<Value>>,
    pub(super) bindings: Seen<Vec<Value>>,
    pub(super) classes: Seen<Vec<Value>>,
    pub(super) drivers: Seen<Vec<Value>>,
    /// Which drivers each node has.
    pub(super) node_drivers: Seen<Vec<Value>>,
    pub(super) ingress_classes: Seen<Vec<Value>>,
    /// The registration of the API of metrics.
    pub(super) metrics: Seen<Option<Value>>,
    /// What the cluster autoscaler tells of itself.
    pub(super) autoscaler: Seen<Option<Value>>,
    /// The pools of Karpenter.
    pub(super) node_pools: Seen<Vec<Value>>,
    /// What Amazon's network plugin is told where it is part of the control plane.
    pub(super) vpc_cni: Seen<Option<Value>>,
    pub(super) namespace: Seen<Option<Value>>,
    pub(super) secret: Seen<Option<Value>>,
    /// The pods of the platform.
    pub(super) pods: Seen<Vec<Value>>,
    /// What is told of them.
    pub(super) events: Seen<Vec<Value>>,
    /// The claims to volumes of the platform.
    pub(super) claims: Seen<Vec<Value>>,
    /// How the probe of each pool ended; empty where none were made.
    pub(super) probes: BTreeMap<String, Ended>,
}

impl Snapshot {
    /// Looks once at everything. `namespace` is the platform's and `secret` that of its registry,
    /// each empty where there is none.
    ///
    /// # Errors
    /// When the API does not answer or does not know the caller. What the caller may not read is no
    /// error.
    pub async fn read(entry: &Entry, namespace: &str, secret: &str) -> Result<Self> {
        let apps = "/apis/apps/v1";
        let storage = "/apis/storage.k8s.io/v1";
        let own = format!("/api/v1/namespaces/{namespace}");
        let system = format!("/api/v1/namespaces/{SYSTEM}/configmaps");
        let version = entry.get("/version").await?.unwrap_or_default();
        Ok(Self {
            version,
            groups: groups(entry).await?,
            nodes: list(entry, "/api/v1/nodes").await?,
            deployments: list(entry, &format!("{apps}/deployments")).await?,
            daemons: list(entry, &format!("{apps}/daemonsets")).await?,
            bindings: list(entry, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings").await?,
            classes: list(entry, &format!("{storage}/storageclasses")).await?,
            drivers: list(entry, &format!("{storage}/csidrivers")).await?,
            node_drivers: list(entry, &format!("{storage}/csinodes")).await?,
            ingress_classes: list(entry, "/apis/networking.k8s.io/v1/ingressclasses").await?,
            metrics: get(
                entry,
                "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io",
            )
            .await?,
            autoscaler: get(entry, &format!("{system}/cluster-autoscaler-status")).await?,
            node_pools: list(entry, "/apis/karpenter.sh/v1/nodepools").await?,
            vpc_cni: get(entry, &format!("{system}/amazon-vpc-cni")).await?,
            namespace: match namespace {
                "" => Ok(None),
                _ => get(entry, &own).await?,
            },
            secret: match secret {
                "" => Ok(None),
                _ => get(entry, &format!("{own}/secrets/{secret}")).await?,
            },
            pods: match namespace {
                "" => Ok(Vec::new()),
                _ => list(entry, &format!("{own}/pods")).await?,
            },
            events: match namespace {
                "" => Ok(Vec::new()),
                _ => list(entry, &format!("{own}/events")).await?,
            },
            claims: match namespace {
                "" => Ok(Vec::new()),
                _ => list(entry, &format!("{own}/persistentvolumeclaims")).await?,
            },
            probes: BTreeMap::new(),
        })
    }

    /// Adds how the probe of a pool ended.
    pub fn probed(&mut self, pool: &str, ended: Ended) {
        self.probes.insert(pool.to_owned(), ended);
    }
}

async fn groups(entry: &Entry) -> Result<Seen<Vec<String>>> {
    let said = get(entry, "/apis").await?;
    Ok(said.map(|said| {
        let said = said.unwrap_or_default();
        items(&said, "/groups").iter().map(|group| text(group, "/name").to_owned()).collect()
    }))
}

async fn list(entry: &Entry, path: &str) -> Result<Seen<Vec<Value>>> {
    allowed(entry.list(path).await)
}

async fn get(entry: &Entry, path: &str) -> Result<Seen<Option<Value>>> {
    allowed(entry.get(path).await)
}

/// Takes a refusal for an answer.
fn allowed<T>(answer: Result<T>) -> Result<Seen<T>> {
    match answer {
        Err(Error { kind: Kind::Denied, message, .. }) => {
            Ok(Err(Unread(format!("not allowed to look: {message}"))))
        }
        answer => answer.map(Ok),
    }
}

/// Returns the text at a place of an object, or nothing.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the list at a place of an object, or an empty one.
pub(super) fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Returns the name of an object.
pub(super) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// Returns a condition of an object.
pub(super) fn condition<'a>(object: &'a Value, ty: &str) -> Option<&'a Value> {
    items(object, "/status/conditions").iter().find(|it| it["type"] == ty)
}

/// Tells whether a condition of an object holds.
pub(super) fn holds(object: &Value, ty: &str) -> bool {
    condition(object, ty).is_some_and(|it| it["status"] == "True")
}

/// Counts things: `1 node`, `2 nodes`.
pub(super) fn count(n: usize, noun: &str) -> String {
    match n {
        0 => format!("no {noun}"),
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

/// Names a few things of many.
pub(super) fn few<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const FEW: usize = 3;
    let all: Vec<_> = names.into_iter().collect();
    let named = all.iter().take(FEW).copied().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(FEW) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
