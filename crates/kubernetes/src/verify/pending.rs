//! Pods of the platform that wait for what does not come.
use super::check::{Case, Finding, Judged};
use super::snapshot::{condition, count, few, holds, items, name, text};
use serde_json::Value;

/// A reason that pods wait for, in the words of the platform's own list of troubles.
struct Reason {
    word: &'static str,
    /// Parts of what Kubernetes says then.
    says: &'static [&'static str],
    hint: &'static str,
}

/// The reasons, those first that keep every node away.
const REASONS: [Reason; 9] = [
    Reason {
        word: "storage classes",
        says: &[
            "PersistentVolumeClaim",
            "persistentvolumeclaim",
            "volume node affinity conflict",
            "bind a volume",
            "available persistent volumes",
        ],
        hint: "`kubectl describe pvc` says what its claims wait for; without a class of their own \
               they need a default one",
    },
    Reason {
        word: "image pulls",
        says: &["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"],
        hint: "look at the secret that images are pulled with, and whether the nodes reach the registry",
    },
    Reason {
        word: "missing configuration",
        says: &["CreateContainerConfigError", ": secret \"", ": configmap \"", "non-existent"],
        hint: "`kubectl describe pod` names the Secret or ConfigMap that is missing",
    },
    Reason {
        word: "volumes",
        says: &["AttachVolume", "MountVolume", "MapVolume", "Multi-Attach", "attach or mount"],
        hint: "`kubectl describe pod` says which volume; its driver tells more in its own log",
    },
    Reason {
        word: "network",
        says: &["FailedCreatePodSandBox"],
        hint: "the subnets of the nodes may have no address left: `kubectl describe pod` says",
    },
    Reason {
        word: "resources",
        says: &["Insufficient ", "Too many pods", "no nodes available"],
        hint: "let the pool grow, give it larger machines, or let the pod ask for less",
    },
    Reason {
        word: "taints",
        says: &["untolerated taint"],
        hint: "let the pod tolerate the taint: the values of `provision helm-values` do",
    },
    Reason {
        word: "selectors",
        says: &["node affinity", "node selector", "nodeSelector"],
        hint: "give a pool the labels that the pod selects, or the values of `provision helm-values` \
               to the chart",
    },
    Reason {
        word: "something else",
        says: &[""],
        hint: "`kubectl describe pod` says what it waits for",
    },
];

/// What the kubelet tells of a pod that has a node and cannot start there.
const REFUSALS: [&str; 4] =
    ["FailedAttachVolume", "FailedCreatePodSandBox", "FailedMapVolume", "FailedMount"];

/// What autoscalers tell of a pod that they make a node for, and of one that they make none for.
const COMING: [&str; 2] = ["TriggeredScaleUp", "Nominated"];
const NOT_COMING: [&str; 1] = ["NotTriggerScaleUp"];

/// Returns what was told of a pod, of some reasons, the last that is known.
fn last<'a>(pod: &Value, events: &'a [Value], reasons: &[&str]) -> Option<&'a Value> {
    let is_of = |event: &&Value| {
        event["involvedObject"]["uid"] == pod["metadata"]["uid"]
            && reasons.contains(&text(event, "/reason"))
    };
    let time = |event: &&Value| {
        let times = ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
        times.map(|at| text(event, at).to_owned()).into_iter().find(|it| !it.is_empty())
    };
    events.iter().filter(is_of).max_by_key(time)
}

/// Tells whether a node is on its way for a pod that has none.
fn is_awaited(pod: &Value, events: &[Value]) -> bool {
    if holds(pod, "PodScheduled") {
        return false;
    }
    let told = last(pod, events, &[&COMING[..], &NOT_COMING].concat());
    told.is_some_and(|event| COMING.contains(&text(event, "/reason")))
}

/// Says what keeps a pod from starting. `None` while it is on its way.
fn said(pod: &Value, events: &[Value]) -> Option<String> {
    if text(pod, "/status/phase") != "Pending" {
        return None;
    }
    let waits = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let waiting = waits.iter().flat_map(|pointer| items(pod, pointer)).find_map(|container| {
        let waiting = &container["state"]["waiting"];
        let reason = text(waiting, "/reason");
        let is_on_its_way = matches!(reason, "" | "ContainerCreating" | "PodInitializing");
        (!is_on_its_way).then(|| format!("{reason}: {}", text(waiting, "/message")))
    });
    waiting.or_else(|| {
        let scheduled = condition(pod, "PodScheduled")?;
        if scheduled["status"] == "False" {
            return Some(text(scheduled, "/message").to_owned());
        }
        let told = last(pod, events, &REFUSALS)?;
        Some(format!("{}: {}", text(told, "/reason"), text(told, "/message")))
    })
}

/// Adds what is known of the claims that a pod waits for.
fn claimed(pod: &Value, claims: &[Value], classes: &[Value]) -> Option<String> {
    let used = items(pod, "/spec/volumes").iter();
    let used = used.map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    used.filter(|its| !its.is_empty()).find_map(|its| {
        let Some(claim) = claims.iter().find(|claim| name(claim) == its) else {
            return Some(format!("there is no claim {its}"));
        };
        if text(claim, "/status/phase") == "Bound" {
            return None;
        }
        Some(match text(claim, "/spec/storageClassName") {
            "" => format!("claim {its} names no class, and none is the default"),
            class if classes.iter().any(|it| name(it) == class) => {
                format!("claim {its} has no volume yet, of class {class}")
            }
            class => format!("claim {its} names class {class}, which is not there"),
        })
    })
}

/// Returns the first sentence of what the scheduler says, without what it says of preemption.
fn short(said: &str) -> &str {
    said.split(" preemption: ").next().unwrap_or(said).trim_end_matches(['.', ',', ' '])
}

/// Returns the reason that stands for what Kubernetes says.
fn reason_for(said: &str) -> &'static Reason {
    let of = |reason: &&Reason| reason.says.iter().any(|part| said.contains(part));
    REASONS.iter().find(of).expect("the last reason is of everything")
}

/// Says what a pod waits for. `None` while it is on its way.
pub(super) fn reason(pod: &Value, events: &[Value]) -> Option<String> {
    let said = said(pod, events)?;
    Some(format!("{}: {}", reason_for(&said).word, short(&said)))
}

pub(super) fn pods(case: &Case<'_>) -> Judged {
    if case.wanted.platform.is_none() {
        return Ok(Finding::skip("no profile names a namespace"));
    }
    let (pods, claims) = (case.seen.pods.as_ref()?, case.seen.claims.as_ref()?);
    let events = case.seen.events.as_ref().map(Vec::as_slice).unwrap_or_default();
    let waiting = pods.iter().filter(|pod| !is_awaited(pod, events));
    let waiting: Vec<_> =
        waiting.filter_map(|pod| Some((name(pod), pod, said(pod, events)?))).collect();
    let wanted = "no pod that waits for what does not come";
    let Some((_, pod, said)) = waiting.first() else {
        let found = match pods.len() {
            0 => "no pod yet".to_owned(),
            n => format!("{}, none of which waits so", count(n, "pod")),
        };
        return Ok(Finding::pass(found, wanted));
    };
    let reason = reason_for(said);
    let classes = case.seen.classes.as_ref()?;
    let detail = match reason.word {
        "storage classes" => claimed(pod, claims, classes),
        _ => None,
    };
    let detail = detail.unwrap_or_else(|| short(said).to_owned());
    let named = few(waiting.iter().map(|(name, ..)| *name));
    Ok(Finding::fail(format!("{named}: {}: {detail}", reason.word), wanted, reason.hint))
}
