//! A pod of the platform's size in a pool, to see whether it runs.
//!
//! Its volume is an ephemeral one, which goes with it, so that a pod is all there is to remove. A pod
//! that runs and that nobody removed ends by itself and gives its room back.
use super::check::{Case, Finding, Judged};
use super::entry::Entry;
use super::snapshot::{Snapshot, text};
use super::wanted::{Pool, Wanted};
use super::{pending, storage};
use provision_core::{Error, Kind, Result};
use provision_spec::chart::toleration;
use serde_json::{Value, json};

/// What every probe is labelled with.
const LABEL: (&str, &str) = ("app.kubernetes.io/name", "provision-probe");

/// How long a pod runs at the most, in seconds.
const LONGEST: u32 = 1800;

/// What a pod asks for where none of the platform's is to run, in thousandths of a core and in MiB.
const SMALL: (u64, u64) = (100, 64);

/// A pod that is to run in a pool for a moment.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The pool.
    pub pool: String,
    /// The namespace of the pod.
    pub namespace: String,
    /// The name of the pod.
    pub name: String,
    body: Value,
}

/// How a probe ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It ran, on this node.
    Ran(String),
    /// It did not, and why.
    Failed(String),
    /// The caller may not make it.
    Denied(String),
}

impl Probe {
    /// Returns a probe for each pool, with an image that runs until it is stopped; a word tells them
    /// from those of others.
    #[must_use]
    pub fn all(wanted: &Wanted, seen: &Snapshot, word: &str, image: &str) -> Vec<Self> {
        let namespace = match &seen.namespace {
            Ok(Some(_)) => wanted.namespace(),
            _ => "default",
        };
        let has_volume = storage::leaves_nothing(seen);
        let probe = |pool: &Pool| {
            let name = format!("provision-probe-{word}-{}", plain(&pool.name));
            let body = body(pool, &name, image, has_volume);
            Self { pool: pool.name.clone(), namespace: namespace.to_owned(), name, body }
        };
        wanted.pools.iter().map(probe).collect()
    }

    /// Makes the pod. Returns how it ended, where that is known at once.
    ///
    /// # Errors
    /// When nobody knows whether it was made.
    pub async fn make(&self, entry: &Entry) -> Result<Option<Ended>> {
        let path = format!("/api/v1/namespaces/{}/pods", self.namespace);
        match entry.create(&path, &self.body).await {
            Ok(()) => Ok(None),
            Err(Error { kind: Kind::Denied, message, .. }) if !message.contains("PodSecurity") => {
                Ok(Some(Ended::Denied(message)))
            }
            Err(error) if matches!(error.kind, Kind::Retry | Kind::Auth) => Err(error),
            Err(error) => Ok(Some(Ended::Failed(error.message))),
        }
    }

    /// Looks whether the pod runs. `None` while it is on its way, or waits.
    ///
    /// # Errors
    /// When the API does not answer.
    pub async fn look(&self, entry: &Entry) -> Result<Option<Ended>> {
        let Some(pod) = entry.get(&self.path()).await? else {
            return Ok(Some(Ended::Failed("somebody else deleted the pod".to_owned())));
        };
        Ok(match text(&pod, "/status/phase") {
            "Running" | "Succeeded" => Some(Ended::Ran(text(&pod, "/spec/nodeName").to_owned())),
            "Failed" => Some(Ended::Failed(text(&pod, "/status/message").to_owned())),
            _ => None,
        })
    }

    /// Says what a pod waits for that has not run.
    ///
    /// # Errors
    /// When the API does not answer.
    pub async fn waits_for(&self, entry: &Entry) -> Result<Ended> {
        let pod = entry.get(&self.path()).await?.unwrap_or_default();
        let events = entry.list(&format!("/api/v1/namespaces/{}/events", self.namespace)).await;
        let reason = pending::reason(&pod, &events.unwrap_or_default());
        Ok(Ended::Failed(reason.unwrap_or_else(|| "it was still on its way".into())))
    }

    /// Removes the pod at once. Tells whether it has gone.
    ///
    /// # Errors
    /// When the API does not answer, or the caller may not.
    pub async fn remove(&self, entry: &Entry) -> Result<bool> {
        entry.delete(&self.path()).await
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", self.namespace, self.name)
    }
}

/// Returns the name of a pool as a part of the name of a pod.
fn plain(name: &str) -> String {
    let part = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(part).take(30).collect();
    name.trim_matches('-').to_owned()
}

/// Returns what a pod asks for, in thousandths of a core and in MiB.
fn size(pool: &Pool) -> (u64, u64) {
    pool.pod.map_or(SMALL, |pod| (pod.cpu, pod.memory))
}

fn body(pool: &Pool, name: &str, image: &str, has_volume: bool) -> Value {
    let (cpu, memory) = size(pool);
    let tolerations: Vec<Value> = pool.tolerated.iter().map(toleration).collect();
    let mut container = json!({
        "name": "pause",
        "image": image,
        "resources": { "requests": { "cpu": format!("{cpu}m"), "memory": format!("{memory}Mi") } },
        "securityContext": { "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] } },
    });
    let mut volumes = json!([]);
    if has_volume {
        let claim = json!({ "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "1Gi" } } });
        let template = json!({ "volumeClaimTemplate": { "spec": claim } });
        volumes = json!([{ "name": "data", "ephemeral": template }]);
        container["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": { LABEL.0: LABEL.1 } },
        "spec": {
            "nodeSelector": pool.labels,
            "tolerations": tolerations,
            "containers": [container],
            "volumes": volumes,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": LONGEST,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": false,
            "securityContext": { "runAsNonRoot": true, "runAsUser": 65_535,
                "seccompProfile": { "type": "RuntimeDefault" } },
        },
    })
}

/// `None` where no probe was made.
pub(super) fn ran(case: &Case<'_>, pool: &Pool) -> Option<Judged> {
    let ended = case.seen.probes.get(&pool.name)?;
    let (cpu, memory) = size(pool);
    let volume = match storage::leaves_nothing(case.seen) {
        true => "with a volume",
        false => "without a volume, since no default class is seen that deletes it again",
    };
    let wanted = format!("a pod that asks for {cpu} millicores and {memory} MiB, {volume}");
    let hint = format!(
        "let the pool {} grow, or mend what the pod waited for; the other checks say more",
        pool.name
    );
    Some(Ok(match ended {
        Ended::Ran(node) => Finding::pass(format!("it ran on {node}"), wanted),
        Ended::Failed(why) => Finding::fail(format!("it did not run: {why}"), wanted, hint),
        Ended::Denied(why) => Finding::skip(format!("not allowed to make it: {why}")),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use provision_spec::{Effect, Profile, Taint};

    #[test]
    fn names_of_pods_are_plain() {
        assert_eq!(plain("executor"), "executor");
        assert_eq!(plain("example.com/Tier=one-"), "example-com-tier-one");
    }

    #[test]
    fn a_probe_asks_for_what_the_platform_does() {
        let label = ("mine".to_owned(), "true".to_owned());
        let spark = ("driverNodes".to_owned(), "true".to_owned());
        let taint = Taint { key: "spot".into(), value: String::new(), effect: Effect::NoSchedule };
        let wanted = Wanted::of_profile(Profile::Qualytics, &[label, spark], &[taint]);
        let requests = |pool: &Pool| {
            body(pool, "a", "b", true)["spec"]["containers"][0]["resources"]["requests"].clone()
        };
        assert_eq!(requests(&wanted.pools[0]), json!({ "cpu": "100m", "memory": "64Mi" }));
        assert_eq!(requests(&wanted.pools[1]), json!({ "cpu": "7000m", "memory": "60500Mi" }));
        let without = body(&wanted.pools[0], "a", "b", false);
        assert_eq!(without["spec"]["volumes"], json!([]));
        assert_eq!(without["spec"]["nodeSelector"], json!({ "mine": "true" }));
        assert_eq!(without["spec"]["containers"][0]["image"], "b");
        let any = json!({ "key": "spot", "operator": "Exists", "effect": "NoSchedule" });
        assert_eq!(without["spec"]["tolerations"], json!([any]));
    }
}
