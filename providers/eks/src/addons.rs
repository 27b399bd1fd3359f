//! Which add-ons there are for which Kubernetes version.
use crate::aws::{Aws, Reply};
use crate::facts::LIVE;
use aws_sdk_eks::types::{AddonInfo, AddonVersionInfo};
use futures::future::try_join_all;
use provision_core::{Error, Facts, Result};
use provision_spec::{Minor, nearest};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The add-ons of a cluster whose file names none.
pub(crate) const DEFAULT: [&str; 6] =
    [NETWORK, "kube-proxy", POD_IDENTITY_AGENT, "coredns", EBS_CSI_DRIVER, "metrics-server"];
/// Gives pods their addresses; without it no node gets ready.
pub(crate) const NETWORK: &str = "vpc-cni";
/// Hands pods the credentials of their roles.
pub(crate) const POD_IDENTITY_AGENT: &str = "eks-pod-identity-agent";
/// Makes volumes.
pub(crate) const EBS_CSI_DRIVER: &str = "aws-ebs-csi-driver";
/// Makes snapshots of volumes, and defines their kinds.
pub(crate) const SNAPSHOT_CONTROLLER: &str = "snapshot-controller";
/// What every node needs before it gets ready. The others need a node first.
const OF_NODES: [&str; 3] = [NETWORK, "kube-proxy", POD_IDENTITY_AGENT];

/// Tells whether an add-on comes before the nodes.
pub(crate) fn is_of_nodes(name: &str) -> bool {
    OF_NODES.contains(&name)
}

/// Returns the key under which the versions for a Kubernetes version are recorded.
fn key(minor: Minor) -> String {
    format!("addons/{minor}")
}

/// Returns the recorded version of an add-on for a Kubernetes version.
///
/// # Errors
/// When none is on record.
pub(crate) fn version(facts: &Facts, minor: Minor, name: &str) -> Result<String> {
    let all: BTreeMap<String, String> = facts.get(&key(minor)).unwrap_or_default();
    let missing = || Error::invalid(format!("fact {} names no version of {name}", key(minor)));
    all.get(name).cloned().ok_or_else(missing)
}

/// The fact with the versions for what the control plane runs, where that is ahead.
const AHEAD: &str = "live-addons";

/// Returns the version that an add-on is made with where the control plane is ahead of what is wanted.
pub(crate) fn first_version(facts: &Facts, name: &str) -> Option<String> {
    let all: BTreeMap<String, String> = facts.get(AHEAD)?;
    all.get(name).cloned()
}

/// Looks up the versions for what the control plane runs, where AWS has brought it past `wanted`. An
/// add-on that EKS does not have for that is left to whoever makes it.
///
/// # Errors
/// When EKS does not answer.
pub(crate) async fn look_ahead(
    aws: &Aws,
    names: &[String],
    wanted: Minor,
    facts: &mut Facts,
) -> Result<()> {
    let live: Option<Minor> =
        facts.get::<String>(LIVE).and_then(|text| text.parse().ok()).filter(|live| *live > wanted);
    let Some(live) = live else { return Ok(()) };
    let found = names.iter().map(async |name| Ok((name, offers(aws, name, live).await?)));
    let found: Vec<_> = try_join_all(found).await?;
    let chosen = |(name, offers): (&String, Vec<AddonInfo>)| {
        Some((name.clone(), chosen(&offers, &live.to_string())?))
    };
    let all: BTreeMap<_, _> = found.into_iter().filter_map(chosen).collect();
    facts.seen.insert(AHEAD.into(), json!(all));
    Ok(())
}

/// Tells whether a fact has the versions for a Kubernetes version above the one that is wanted, which
/// nobody asks for any more.
pub(crate) fn is_over(fact: &str, wanted: Minor) -> bool {
    let minor = fact.strip_prefix("addons/").and_then(|minor| minor.parse::<Minor>().ok());
    minor.is_some_and(|minor| minor > wanted)
}

/// Finds the versions that are not on record yet: for each Kubernetes version EKS's default.
///
/// # Errors
/// When EKS does not know an add-on, or has none of it for that Kubernetes version.
pub(crate) async fn resolve(
    aws: &Aws,
    names: &[String],
    minors: &[Minor],
    recorded: &Facts,
) -> Result<BTreeMap<String, Value>> {
    let mut facts = BTreeMap::new();
    let is_kept =
        |minor: &&Minor| !names.is_empty() || recorded.recorded.contains_key(&key(**minor));
    for &minor in minors.iter().filter(is_kept) {
        let mut all: BTreeMap<String, String> = recorded.get(&key(minor)).unwrap_or_default();
        // One that is asked for again later is not made as old as it was.
        all.retain(|name, _| names.contains(name));
        let missing = names.iter().filter(|name| !all.contains_key(*name));
        let found = missing.map(async |name| Ok((name.clone(), default(aws, name, minor).await?)));
        let found: Vec<_> = try_join_all(found).await?;
        all.extend(found);
        facts.insert(key(minor), json!(all));
    }
    Ok(facts)
}

/// Asks for the version that EKS gives an add-on of a Kubernetes version.
async fn default(aws: &Aws, name: &str, minor: Minor) -> Result<String> {
    let found = offers(aws, name, minor).await?;
    match chosen(&found, &minor.to_string()) {
        Some(version) => Ok(version),
        None => Err(unknown(aws, name, minor).await?),
    }
}

async fn offers(aws: &Aws, name: &str, minor: Minor) -> Result<Vec<AddonInfo>> {
    let call = aws.eks.describe_addon_versions().addon_name(name);
    let pages = call.kubernetes_version(minor.to_string()).into_paginator();
    let found: Result<Vec<_>, _> = pages.items().send().collect().await;
    Ok(found.found("eks:DescribeAddonVersions")?.unwrap_or_default())
}

/// Chooses the version that EKS calls the default, or else the newest, which it tells first.
fn chosen(found: &[AddonInfo], minor: &str) -> Option<String> {
    let versions = || found.iter().flat_map(AddonInfo::addon_versions);
    let fits = |version: &&AddonVersionInfo, only_default: bool| {
        let mut all = version.compatibilities().iter();
        all.any(|it| it.cluster_version() == Some(minor) && (it.default_version() || !only_default))
    };
    let default = versions().find(|version| fits(version, true));
    let version = default.or_else(|| versions().find(|version| fits(version, false)));
    version.and_then(|version| version.addon_version.clone())
}

/// Says that there is no such add-on, and which one was probably meant.
async fn unknown(aws: &Aws, name: &str, minor: Minor) -> Result<Error> {
    let call = aws.eks.describe_addon_versions().kubernetes_version(minor.to_string());
    let all: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let all = all.reply("eks:DescribeAddonVersions")?;
    let names = all.iter().filter_map(|addon| addon.addon_name());
    let what = format!("eks.addons: EKS has no add-on {name} for Kubernetes {minor}");
    Ok(Error::invalid(what).hint(match nearest(name, names) {
        Some(meant) => format!("did you mean {meant}?"),
        None => {
            format!("`aws eks describe-addon-versions --kubernetes-version {minor}` lists them")
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_eks::types::Compatibility;

    fn offer(version: &str, minors: &[(&str, bool)]) -> AddonVersionInfo {
        let fits = minors.iter().map(|(minor, is_default)| {
            Compatibility::builder().cluster_version(*minor).default_version(*is_default).build()
        });
        let offer = AddonVersionInfo::builder().addon_version(version);
        offer.set_compatibilities(Some(fits.collect())).build()
    }

    #[test]
    fn the_default_is_chosen_and_else_the_newest() {
        let offers = [
            offer("v3", &[("1.36", false)]),
            offer("v2", &[("1.35", false), ("1.36", true)]),
            offer("v1", &[("1.34", false), ("1.35", true)]),
        ];
        let addon = AddonInfo::builder().set_addon_versions(Some(offers.to_vec())).build();
        let of = |minor| chosen(std::slice::from_ref(&addon), minor);
        assert_eq!(of("1.36").as_deref(), Some("v2"));
        assert_eq!(of("1.35").as_deref(), Some("v1"));
        assert_eq!(of("1.34").as_deref(), Some("v1"), "without a default it is the newest");
        assert_eq!(of("1.30"), None);
    }

    #[test]
    fn a_version_is_on_record_by_kubernetes_version() {
        let facts = json!({ "addons/1.35": { "coredns": "v1.13.1-eksbuild.1" } });
        let recorded = serde_json::from_value(facts).unwrap();
        let facts = Facts { recorded, ..Facts::default() };
        assert_eq!(version(&facts, Minor(35), "coredns").unwrap(), "v1.13.1-eksbuild.1");
        let error = version(&facts, Minor(36), "coredns").unwrap_err();
        assert_eq!(error.message, "fact addons/1.36 names no version of coredns");
    }
}
