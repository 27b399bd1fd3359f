//! Where a pod fits: what it asks of a node, and what is left of one.
use super::objects::{View, items, name, text};
use super::quantity::thousandths;
use super::select::Labels;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The zone of a node, and of a volume.
pub(super) const ZONE: &str = "topology.kubernetes.io/zone";

/// Why a node takes no pod.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unfit {
    /// In the words of the scheduler.
    pub(super) why: Vec<String>,
    /// Whether no pod that would go makes it fit.
    pub(super) is_final: bool,
}

impl Unfit {
    fn new(why: impl Into<String>) -> Option<Self> {
        Some(Self { why: vec![why.into()], is_final: true })
    }
}

/// The words that changed with the versions of Kubernetes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// Whether they are those since 1.34.
    pub(super) are_new: bool,
}

/// A node, and what is left of it.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) node: View,
    pods: u128,
    used: BTreeMap<String, u128>,
}

impl Spot {
    pub(super) fn new(node: impl Into<View>) -> Self {
        Self { node: node.into(), pods: 0, used: BTreeMap::new() }
    }

    /// Counts a pod that is on the node.
    pub(super) fn take(&mut self, pod: &Value) {
        self.pods += 1;
        for (resource, wanted) in wants(pod) {
            *self.used.entry(resource).or_default() += wanted;
        }
    }

    fn all(&self, resource: &str) -> u128 {
        thousandths(&self.node["status"]["allocatable"][resource]).unwrap_or(0)
    }

    /// Returns how much of processors and memory is in use, in thousandths of both.
    pub(super) fn load(&self) -> u128 {
        let share = |resource: &str| {
            let used = self.used.get(resource).copied().unwrap_or(0);
            used * 1000 / self.all(resource).max(1)
        };
        share("cpu") + share("memory")
    }

    /// Returns why the node does not take a pod, whose volumes are in `zones` if in any; `None` when
    /// it does.
    pub(super) fn refuses(&self, pod: &Value, zones: &[String], words: Words) -> Option<Unfit> {
        let node = &self.node;
        let ignores = |key: &str| {
            let taint = json!({ "key": key, "effect": "NoSchedule" });
            items(pod, "/spec/tolerations").iter().any(|it| tolerates(it, &taint))
        };
        if node["spec"]["unschedulable"] == true && !ignores("node.kubernetes.io/unschedulable") {
            return Unfit::new("node(s) were unschedulable");
        }
        if let Some(taint) = untolerated(pod, node) {
            let (key, value) = (text(taint, "/key"), text(taint, "/value"));
            return match words.are_new {
                true => Unfit::new("node(s) had untolerated taint(s)"),
                false => Unfit::new(format!("node(s) had untolerated taint {{{key}: {value}}}")),
            };
        }
        if !selects(pod, node) {
            return Unfit::new("node(s) didn't match Pod's node affinity/selector");
        }
        if let Some(unfit) = self.lacks(pod) {
            return Some(unfit);
        }
        let zone = node["metadata"]["labels"][ZONE].as_str().unwrap_or_default();
        if zones.iter().any(|its| its != zone) {
            return match words.are_new {
                true => Unfit::new("node(s) didn't match PersistentVolume's node affinity"),
                false => Unfit::new("node(s) had volume node affinity conflict"),
            };
        }
        None
    }

    /// Returns what a node has too little of.
    fn lacks(&self, pod: &Value) -> Option<Unfit> {
        let mut unfit = Unfit { why: Vec::new(), is_final: false };
        if (self.pods + 1) * 1000 > self.all("pods") {
            unfit.why.push("Too many pods".to_owned());
        }
        for (resource, wanted) in wants(pod) {
            let used = self.used.get(&resource).copied().unwrap_or(0);
            let all = self.all(&resource);
            if wanted > 0 && used + wanted > all {
                unfit.is_final |= wanted > all;
                unfit.why.push(format!("Insufficient {resource}"));
            }
        }
        (!unfit.why.is_empty()).then_some(unfit)
    }
}

/// Returns a taint of a node that keeps a pod away.
pub(super) fn untolerated<'a>(pod: &Value, node: &'a Value) -> Option<&'a Value> {
    let tolerations = items(pod, "/spec/tolerations");
    let keeps_away = |taint: &&Value| {
        taint["effect"] != "PreferNoSchedule"
            && !tolerations.iter().any(|toleration| tolerates(toleration, taint))
    };
    items(node, "/spec/taints").iter().find(keeps_away)
}

/// Tells whether a toleration is of a taint.
pub(super) fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let (effect, key) = (text(toleration, "/effect"), text(toleration, "/key"));
    let is_of = effect.is_empty() || effect == text(taint, "/effect");
    let fits = match text(toleration, "/operator") {
        "Exists" => key.is_empty() || key == text(taint, "/key"),
        _ => key == text(taint, "/key") && text(toleration, "/value") == text(taint, "/value"),
    };
    is_of && fits
}

/// Tells whether a node is one that a pod asks for.
pub(super) fn selects(pod: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let pairs = json!({ "matchLabels": pod["spec"]["nodeSelector"] });
    let required = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution\
        /nodeSelectorTerms";
    let terms = items(pod, required);
    let fits = |term: &Value| {
        let named = items(term, "/matchFields").iter().all(|field| {
            let is_in = items(field, "/values").iter().any(|value| value == name(node));
            is_in == (text(field, "/operator") == "In")
        });
        named && Labels::of(term).fit(labels)
    };
    Labels::of(&pairs).fit(labels) && (terms.is_empty() || terms.iter().any(fits))
}

/// Returns what a pod wants of each resource, in thousandths.
fn wants(pod: &Value) -> BTreeMap<String, u128> {
    let of = |container: &Value| -> BTreeMap<String, u128> {
        let requests = container["resources"]["requests"].as_object().into_iter().flatten();
        requests.filter_map(|(name, value)| Some((name.clone(), thousandths(value)?))).collect()
    };
    let mut sum = BTreeMap::new();
    for container in items(pod, "/spec/containers") {
        for (name, value) in of(container) {
            *sum.entry(name).or_default() += value;
        }
    }
    for container in items(pod, "/spec/initContainers") {
        let stays = container["restartPolicy"] == "Always";
        for (name, value) in of(container) {
            let slot = sum.entry(name).or_default();
            *slot = if stays { *slot + value } else { value.max(*slot) };
        }
    }
    let overhead = pod["spec"]["overhead"].as_object().into_iter().flatten();
    for (name, value) in overhead {
        *sum.entry(name.clone()).or_default() += thousandths(value).unwrap_or(0);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Words = Words { are_new: true };

    fn pod(spec: Value) -> Value {
        json!({ "spec": spec })
    }

    fn container(cpu: &str, memory: &str) -> Value {
        json!({ "resources": { "requests": { "cpu": cpu, "memory": memory } } })
    }

    #[test]
    fn taints_and_selectors_keep_pods_away() {
        let node = json!({ "metadata": { "name": "n", "labels": { "executorNodes": "true" } },
            "spec": { "taints": [{ "key": "spot", "value": "yes", "effect": "NoSchedule" }] } });
        assert!(untolerated(&pod(json!({})), &node).is_some());
        let tolerations = json!([{ "key": "spot", "operator": "Equal", "value": "yes" }]);
        assert!(untolerated(&pod(json!({ "tolerations": tolerations })), &node).is_none());
        assert!(selects(&pod(json!({ "nodeSelector": { "executorNodes": "true" } })), &node));
        assert!(!selects(&pod(json!({ "nodeSelector": { "driverNodes": "true" } })), &node));
        let why = |words| Spot::new(node.clone()).refuses(&pod(json!({})), &[], words).unwrap().why;
        assert_eq!(why(NEW), ["node(s) had untolerated taint(s)"]);
        assert_eq!(why(Words { are_new: false }), ["node(s) had untolerated taint {spot: yes}"]);
    }

    #[test]
    fn a_pod_wants_the_sum_of_its_containers() {
        let pod = pod(json!({ "containers": [container("1", "1Gi"), container("500m", "0")],
            "initContainers": [container("2", "1Mi")] }));
        assert_eq!(wants(&pod)["cpu"], 2_000);
        assert_eq!(wants(&pod)["memory"], 1000 << 30);
    }

    #[test]
    fn a_node_fills_up() {
        let free = json!({ "cpu": "2", "memory": "4Gi", "pods": "10" });
        let mut spot = Spot::new(json!({ "status": { "allocatable": free } }));
        let small = pod(json!({ "containers": [container("1500m", "1Gi")] }));
        let large = pod(json!({ "containers": [container("3", "8Gi")] }));
        let unfit = |spot: &Spot, pod: &Value| spot.refuses(pod, &[], NEW);
        assert_eq!(unfit(&spot, &small), None);
        let never = unfit(&spot, &large).unwrap();
        assert_eq!(never.why, ["Insufficient cpu", "Insufficient memory"]);
        assert!(never.is_final, "no other pod makes room for it");
        spot.take(&small);
        let now = unfit(&spot, &small).unwrap();
        assert_eq!((now.why, now.is_final), (vec!["Insufficient cpu".to_owned()], false));
    }

    #[test]
    fn volumes_are_in_one_zone() {
        let labels = json!({ ZONE: "us-east-1a" });
        let free = json!({ "cpu": "2", "pods": "10" });
        let node = json!({ "metadata": { "labels": labels }, "status": { "allocatable": free } });
        let spot = Spot::new(node);
        let refused = |zone: &str| spot.refuses(&pod(json!({})), &[zone.to_owned()], NEW);
        assert_eq!(refused("us-east-1a"), None);
        let why = refused("us-east-1b").unwrap().why;
        assert_eq!(why, ["node(s) didn't match PersistentVolume's node affinity"]);
    }
}
