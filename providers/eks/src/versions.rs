//! The versions of Kubernetes: which EKS offers, until when it supports them, and which one a
//! cluster runs.
use crate::aws::{Aws, Reply, foreign_status};
use crate::facts::{KUBERNETES, LIVE, LIVE_KEY, LIVE_POLICY, SUPPORT, SUPPORT_POLICY};
use aws_sdk_eks::types::{Cluster, ClusterStatus, ClusterVersionInformation, VersionStatus};
use provision_core::{Error, Facts, Result};
use provision_spec::{ClusterSpec, Minor};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The Kubernetes version of a cluster whose file names none.
const DEFAULT: Minor = Minor(35);
/// What a control plane costs an hour, in US dollars: in standard support, and after it.
const PRICES: [&str; 2] = ["0.10", "0.60"];
/// The upgrade policy that lets a cluster stay at a version in extended support.
pub(crate) const EXTENDED: &str = "EXTENDED";
/// The one by which AWS upgrades a cluster when standard support ends.
pub(crate) const STANDARD: &str = "STANDARD";

/// How EKS supports a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Standard,
    Extended,
    Unsupported,
}

/// Until when EKS supports a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Support {
    pub(crate) version: String,
    pub(crate) status: Status,
    /// The day on which standard support ends, as `2027-03-27`.
    pub(crate) standard_until: Option<String>,
    /// The day on which extended support ends.
    pub(crate) extended_until: Option<String>,
}

/// What EKS tells of versions.
pub(crate) struct Seen {
    /// Every version that there ever was; `None` where nobody tells.
    known: Option<Vec<Support>>,
    /// The cluster of that name, whoever it belongs to, if it is there.
    live: Option<Live>,
}

/// What is seen of a cluster.
#[derive(Clone, Default)]
struct Live {
    /// What it runs.
    version: Option<Minor>,
    /// What happens to that at the end of standard support.
    policy: Option<String>,
    /// The ARN of the key that encrypts its secrets for ever; empty while EKS is at work on it, and
    /// may be about to.
    key: Option<String>,
    /// Whether EKS is at work on it, and may be about to bring it to another version.
    at_work: bool,
}

/// Asks EKS for the versions that it knows, and for the one that a cluster runs.
pub(crate) async fn see(aws: &Aws, cluster: &str) -> Result<Seen> {
    let (known, live) = futures::try_join!(known(aws), live(aws, cluster))?;
    Ok(Seen { known, live })
}

/// Returns every version that EKS knows. Moto 5.2 has no such call.
async fn known(aws: &Aws) -> Result<Option<Vec<Support>>> {
    let pages = aws.eks.describe_cluster_versions().include_all(true).into_paginator();
    let found: std::result::Result<Vec<_>, _> = pages.items().send().collect().await;
    match found {
        Err(error) if foreign_status(&error) == Some(404) => Ok(None),
        found => {
            let found = found.reply("eks:DescribeClusterVersions")?;
            Ok(Some(found.into_iter().filter_map(support).collect()))
        }
    }
}

/// Returns what there is to see of a cluster, if it is there to stay.
async fn live(aws: &Aws, name: &str) -> Result<Option<Live>> {
    let found = aws.eks.describe_cluster().name(name).send().await.found("eks:DescribeCluster")?;
    let goes =
        |status: &ClusterStatus| matches!(status, ClusterStatus::Deleting | ClusterStatus::Failed);
    let cluster = found.and_then(|answer| answer.cluster);
    Ok(cluster.filter(|cluster| !cluster.status.as_ref().is_some_and(goes)).map(Live::of))
}

impl Live {
    fn of(cluster: Cluster) -> Self {
        let at_work = cluster.status.is_some_and(|status| status != ClusterStatus::Active);
        let encrypted = cluster.encryption_config.unwrap_or_default().into_iter();
        let key = encrypted.filter_map(|it| it.provider?.key_arn).next();
        let policy = cluster.upgrade_policy.and_then(|policy| policy.support_type);
        Self {
            version: cluster.version.and_then(|version| version.parse().ok()),
            policy: policy.map(|policy| policy.to_string()),
            key: key.or(at_work.then(String::new)),
            at_work,
        }
    }
}

fn support(found: ClusterVersionInformation) -> Option<Support> {
    let day = |time: Option<aws_sdk_eks::primitives::DateTime>| {
        let text = time?.fmt(aws_sdk_eks::primitives::DateTimeFormat::DateTime).ok()?;
        text.get(..10).map(str::to_owned)
    };
    Some(Support {
        version: found.cluster_version?,
        status: match found.version_status? {
            VersionStatus::StandardSupport => Status::Standard,
            VersionStatus::ExtendedSupport => Status::Extended,
            _ => Status::Unsupported,
        },
        standard_until: day(found.end_of_standard_support_date),
        extended_until: day(found.end_of_extended_support_date),
    })
}

/// Returns the version that is wanted: the file's, or the one on record where the cluster has come to
/// a higher one. What no run has brought it to yet, a file that asks for less takes back. Where neither
/// says any, that of a cluster which is there, as after its state was lost.
pub(crate) fn wanted(spec: &ClusterSpec, facts: &Facts) -> Minor {
    let (floor, live) = (spec.kubernetes.version, version(facts, LIVE));
    let reached = match live {
        Some(live) => on_record(facts).map(|before| before.min(live)),
        None => on_record(facts).filter(|_| floor.is_none()),
    };
    reached.max(floor).or(live).unwrap_or(DEFAULT)
}

fn version(facts: &Facts, key: &str) -> Option<Minor> {
    facts.get::<String>(key)?.parse().ok()
}

fn on_record(facts: &Facts) -> Option<Minor> {
    version(facts, KUBERNETES)
}

/// Returns the versions from the one that a cluster runs to the one that is wanted; only that one
/// where there is no cluster yet, or where it is ahead.
pub(crate) fn way(wanted: Minor, live: Option<Minor>) -> Vec<Minor> {
    let first = live.map_or(wanted, |live| live.min(wanted));
    (first.0..=wanted.0).map(Minor).collect()
}

/// Adds to `facts`, which hold what is on record, the version that is wanted and what was seen.
/// Returns the versions on the way there.
///
/// # Errors
/// When EKS does not offer one that the cluster would have to be brought to.
pub(crate) fn decide(spec: &ClusterSpec, facts: &mut Facts, seen: Seen) -> Result<Vec<Minor>> {
    let Live { version: live, policy, key, at_work } = seen.live.unwrap_or_default();
    if let Some(live) = live {
        facts.seen.insert(LIVE.into(), json!(live.to_string()));
    }
    if let Some(key) = key {
        facts.seen.insert(LIVE_KEY.into(), json!(key));
    }
    let (before, wanted) = (on_record(facts), wanted(spec, facts));
    if at_work && live.is_some() && before.is_some_and(|before| wanted < before) {
        let what = format!(
            "kubernetes.version: it cannot be told yet whether the upgrade of cluster {} has begun, \
             since EKS is at work on it",
            spec.name
        );
        return Err(Error::invalid(what).hint(once_active(spec)));
    }
    if let Some(policy) = policy.filter(|_| before.is_none_or(|before| before == wanted)) {
        facts.seen.insert(LIVE_POLICY.into(), json!(policy));
    }
    facts.recorded.insert(KUBERNETES.into(), json!(wanted.to_string()));
    let way = way(wanted, live);
    let Some(known) = seen.known else { return Ok(way) };
    let new = way.iter().filter(|minor| live.is_none_or(|live| live < **minor));
    new.copied().try_for_each(|minor| check(&known, minor, wanted))?;
    let of = |minor: Minor| known.iter().find(|one| one.version == minor.to_string());
    if before != Some(wanted) {
        match of(wanted).is_some_and(|one| one.status == Status::Extended) {
            true => drop(facts.recorded.insert(SUPPORT_POLICY.into(), json!(EXTENDED))),
            false => drop(facts.recorded.remove(SUPPORT_POLICY)),
        }
    }
    if let Some(support) = of(live.map_or(wanted, |live| live.max(wanted))) {
        facts.seen.insert(SUPPORT.into(), json!(support));
    }
    Ok(way)
}

/// Says what to do where nobody can tell what comes of what EKS is at work on.
pub(crate) fn once_active(spec: &ClusterSpec) -> String {
    format!(
        "run the same command again once that has ended: `aws eks wait cluster-active --name {} \
         --region {}`",
        spec.name, spec.region
    )
}

/// Checks that a version can be had on the way to the one that is wanted.
fn check(known: &[Support], minor: Minor, wanted: Minor) -> Result<()> {
    // One that there never was is a mistake, and not the versions on the way there.
    let is_one = known.iter().any(|one| one.version == wanted.to_string());
    let minor = if is_one { minor } else { wanted };
    let found = known.iter().find(|one| one.version == minor.to_string());
    let why = match found {
        None => format!("EKS does not offer Kubernetes {minor}"),
        Some(Support { status: Status::Unsupported, extended_until, .. }) => {
            let since = extended_until.as_deref().map(|day| format!(" since {day}"));
            let since = since.unwrap_or_default();
            format!("EKS does not support Kubernetes {minor} any more{since}")
        }
        Some(_) => return Ok(()),
    };
    let way = match minor == wanted {
        true => String::new(),
        false => format!(", which is on the way to {wanted}"),
    };
    let hint = match minor == wanted {
        true => "name one of those in kubernetes.version",
        false => {
            "EKS upgrades a cluster by one version at a time, and by itself to the oldest that it \
             supports when the support of its own ends; apply again then"
        }
    };
    let what = format!("kubernetes.version: {why}{way}; there is {}", offers(known));
    Err(Error::invalid(what).hint(hint))
}

/// Lists what can be had, the newest first.
fn offers(known: &[Support]) -> String {
    let of = |status: Status| {
        let mut its: Vec<Minor> = known
            .iter()
            .filter(|one| one.status == status)
            .filter_map(|one| one.version.parse().ok())
            .collect();
        its.sort_unstable_by(|a, b| b.cmp(a));
        its.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    match (of(Status::Standard), of(Status::Extended)) {
        (standard, extended) if extended.is_empty() => standard,
        (standard, extended) => format!("{standard}, and in extended support {extended}"),
    }
}

/// Says what a version of the file that is lower than the cluster's own means.
pub(crate) fn lower(spec: &ClusterSpec, facts: &Facts) -> Option<String> {
    let (floor, live) = (spec.kubernetes.version?, version(facts, LIVE)?);
    (floor < live).then(|| {
        format!(
            "kubernetes.version says {floor} and the cluster runs {live}, where it stays: a version is \
             never lowered"
        )
    })
}

/// Says until when the version that a cluster is to run is supported.
pub(crate) fn note(facts: &Facts) -> Option<String> {
    let Support { version, status, standard_until, extended_until } = facts.get(SUPPORT)?;
    let extended = extended_until.map(|day| format!(", then extended until {day}"));
    match status {
        Status::Standard => Some(format!(
            "Kubernetes {version} is in standard support until {}{}",
            standard_until?,
            extended.unwrap_or_default()
        )),
        Status::Extended | Status::Unsupported => None,
    }
}

/// Warns of a version that costs more, or that AWS upgrades by itself.
pub(crate) fn warning(facts: &Facts) -> Option<String> {
    let Support { version, status, standard_until, extended_until } = facts.get(SUPPORT)?;
    let policy = facts.get::<String>(LIVE_POLICY).or(facts.get(SUPPORT_POLICY));
    let stays = policy.is_some_and(|policy| policy == EXTENDED);
    let on = |day: Option<String>| day.map(|day| format!(" on {day}")).unwrap_or_default();
    let [usual, dear] = PRICES;
    match status {
        Status::Standard => None,
        Status::Extended if stays => Some(format!(
            "standard support of Kubernetes {version} ended{}: its control plane costs {dear} USD \
             an hour in place of {usual}, until extended support ends{}; raise kubernetes.version",
            on(standard_until),
            on(extended_until)
        )),
        Status::Extended => Some(format!(
            "standard support of Kubernetes {version} ended{}: AWS will upgrade the control plane \
             by itself, and until then it costs {dear} USD an hour in place of {usual}; raise \
             kubernetes.version",
            on(standard_until)
        )),
        Status::Unsupported => Some(format!(
            "EKS does not support Kubernetes {version} any more, which ended{}: AWS will upgrade \
             the control plane by itself; raise kubernetes.version",
            on(extended_until)
        )),
    }
}

#[cfg(test)]
mod tests;
