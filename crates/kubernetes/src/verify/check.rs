//! The table of checks, and what comes of one.
use super::snapshot::{Snapshot, Unread};
use super::wanted::{Pool, Wanted};
use super::{
    autoscaling, network, nodes, pending, platform, probe, room, services, storage, version,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// A check, or one for each label or pool that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name for scripts, never changed. Angle brackets stand for a label or the name of a pool.
    pub id: &'static str,
    /// What it is that passes.
    pub what: &'static str,
    /// What to do where it fails.
    pub remedy: &'static str,
    of: Of,
}

/// What a check is made for.
#[derive(Clone, Copy, Debug)]
enum Of {
    Cluster(fn(&Case<'_>) -> Judged),
    Label(fn(&Case<'_>, (&str, &str)) -> Judged),
    Pool(fn(&Case<'_>, &Pool) -> Option<Judged>),
}

/// Everything that is judged by.
pub(super) struct Case<'a> {
    pub(super) seen: &'a Snapshot,
    pub(super) wanted: &'a Wanted,
    pub(super) now: Timestamp,
    /// The date in UTC, as in `2026-11-30`.
    pub(super) today: &'a str,
}

/// What a check found, unless it could not look.
pub(super) type Judged = Result<Finding, Unread>;

/// What came of a look.
pub(super) struct Finding {
    status: Status,
    found: String,
    wanted: Option<String>,
    hint: Option<String>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is as wanted.
    Pass,
    /// It is not.
    Fail,
    /// It could not be told, or need not be.
    Skip,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The name of the check, with what it was made for.
    pub id: String,
    /// How it ended.
    pub status: Status,
    /// What was found, or why it was skipped.
    pub found: String,
    /// What was wanted; `None` where it was skipped.
    pub wanted: Option<String>,
    /// What to do where it failed.
    pub hint: Option<String>,
}

impl Finding {
    pub(super) fn pass(found: impl Into<String>, wanted: impl Into<String>) -> Self {
        let (found, wanted) = (found.into(), Some(wanted.into()));
        Self { status: Status::Pass, found, wanted, hint: None }
    }

    pub(super) fn fail(
        found: impl Into<String>,
        wanted: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let (found, wanted, hint) = (found.into(), Some(wanted.into()), Some(hint.into()));
        Self { status: Status::Fail, found, wanted, hint }
    }

    pub(super) fn skip(why: impl Into<String>) -> Self {
        Self { status: Status::Skip, found: why.into(), wanted: None, hint: None }
    }

    /// Passes or fails by a condition.
    pub(super) fn of(
        is_well: bool,
        found: impl Into<String>,
        wanted: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        match is_well {
            true => Self::pass(found, wanted),
            false => Self::fail(found, wanted, hint),
        }
    }
}

const fn cluster(
    id: &'static str,
    what: &'static str,
    remedy: &'static str,
    judge: fn(&Case<'_>) -> Judged,
) -> Check {
    Check { id, what, remedy, of: Of::Cluster(judge) }
}

const fn label(
    id: &'static str,
    what: &'static str,
    remedy: &'static str,
    judge: fn(&Case<'_>, (&str, &str)) -> Judged,
) -> Check {
    Check { id, what, remedy, of: Of::Label(judge) }
}

const fn pool(
    id: &'static str,
    what: &'static str,
    remedy: &'static str,
    judge: fn(&Case<'_>, &Pool) -> Option<Judged>,
) -> Check {
    Check { id, what, remedy, of: Of::Pool(judge) }
}

/// Every check, in the order that they are told in.
pub const CHECKS: &[Check] = &[
    cluster(
        "kubernetes.version",
        "the API is of Kubernetes 1.30 or later",
        "upgrade, one minor version after the other",
        version::floor,
    ),
    cluster(
        "kubernetes.support",
        "its version is still supported by who offers it",
        "upgrade, one minor version after the other",
        version::support,
    ),
    cluster(
        "rbac",
        "RBAC is on, and not everybody is an administrator",
        "delete the binding that is named, or start the API with `--authorization-mode=Node,RBAC`",
        services::rbac,
    ),
    label(
        "nodes.label.<label>",
        "as many nodes have the label as its pools have at least, ready and not cordoned",
        "give the label to a pool, more nodes to the pool, or look at what the named node lacks",
        nodes::label,
    ),
    cluster(
        "nodes.version",
        "the nodes are at most 3 minor versions behind the API",
        "upgrade the pools of the named nodes",
        nodes::version,
    ),
    cluster(
        "nodes.spot",
        "only pools that ask for spot machines have them",
        "make the pools of the named nodes anew, on demand",
        nodes::spot,
    ),
    cluster(
        "nodes.taints",
        "the platform's pods tolerate what its nodes are tainted with",
        "take the taint away; or write it in the cluster file, or say `--tolerate`, and give the chart the toleration",
        nodes::taints,
    ),
    cluster(
        "nodes.system",
        "a node takes pods that tolerate nothing, as those of the system",
        "leave one pool without taints",
        nodes::system,
    ),
    cluster(
        "nodes.allocatable",
        "pods can use 16 cores and 80 GB in total, once the pools are at their largest",
        "let pools grow further, or give them larger machines",
        room::total,
    ),
    pool(
        "nodes.fit.<pool>",
        "a node of the pool has room for the largest pod that is to run there",
        "give the pool larger machines, or Spark the sizes of `provision helm-values`",
        room::fit,
    ),
    cluster(
        "autoscaling",
        "something makes more nodes when pods wait for them",
        "install Cluster Autoscaler and name its pools, or Karpenter with a pool",
        autoscaling::runs,
    ),
    cluster(
        "storage.default",
        "exactly one storage class is the default",
        "set or unset the annotation by the command of the hint",
        storage::default,
    ),
    cluster(
        "storage.ssd",
        "the default class makes volumes on solid-state disks",
        "make another class the default",
        storage::ssd,
    ),
    cluster(
        "storage.binding",
        "it makes them where the pod is: WaitForFirstConsumer",
        "make the class anew with that `volumeBindingMode`",
        storage::binding,
    ),
    cluster(
        "storage.driver",
        "its driver is registered, on every node that is ready",
        "install the driver, on EKS as an add-on",
        storage::driver_is_there,
    ),
    cluster(
        "metrics.api",
        "the API of metrics is served",
        "install metrics-server, on EKS as an add-on, or mend its pods",
        services::metrics,
    ),
    cluster(
        "network.policy",
        "network policies are enforced",
        "set `enableNetworkPolicy` of the add-on vpc-cni, or install Calico or Cilium",
        network::policy,
    ),
    cluster(
        "ingress.class",
        "there is a class for ingresses, and no two are the default",
        "install an ingress controller, or unset the annotation of one class",
        network::ingress,
    ),
    cluster("namespace", "the platform's namespace is there", "make it", platform::namespace),
    cluster(
        "namespace.labels",
        "pods there may not take over their node",
        "set the label to `baseline` or `restricted`",
        platform::labels,
    ),
    cluster(
        "registry.secret",
        "the secret that images are pulled with is there and well formed",
        "make it by the command of the hint, or by `secrets.registryToken` and an apply",
        platform::registry,
    ),
    cluster(
        "workload.pending",
        "no pod there waits for what does not come",
        "mend what the pod waits for, which is put in words",
        pending::pods,
    ),
    pool(
        "probe.<pool>",
        "with `--probe`: a pod of the platform's size runs in the pool, with a volume",
        "mend what the pod waited for, which is put in words",
        probe::ran,
    ),
];

/// Judges a cluster by what was seen of it at a time.
#[must_use]
pub fn judge(seen: &Snapshot, wanted: &Wanted, now: Timestamp) -> Vec<Verdict> {
    let today = now.to_zoned(TimeZone::UTC).date().to_string();
    let case = Case { seen, wanted, now, today: &today };
    CHECKS.iter().flat_map(|check| check.verdicts(&case)).collect()
}

impl Check {
    fn verdicts(&self, case: &Case<'_>) -> Vec<Verdict> {
        let root = self.id.split('<').next().unwrap_or_default();
        match self.of {
            Of::Cluster(judge) => vec![verdict(self.id.to_owned(), judge(case))],
            Of::Label(judge) => {
                let of = |(key, value): (&str, &str)| {
                    let label =
                        if value == "true" { key.to_owned() } else { format!("{key}={value}") };
                    verdict(format!("{root}{label}"), judge(case, (key, value)))
                };
                case.wanted.labels().into_iter().map(of).collect()
            }
            Of::Pool(judge) => {
                let of =
                    |pool: &Pool| Some(verdict(format!("{root}{}", pool.name), judge(case, pool)?));
                case.wanted.pools.iter().filter_map(of).collect()
            }
        }
    }
}

fn verdict(id: String, judged: Judged) -> Verdict {
    let finding = judged.unwrap_or_else(|Unread(why)| Finding::skip(why));
    let Finding { status, found, wanted, hint } = finding;
    Verdict { id, status, found, wanted, hint }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
