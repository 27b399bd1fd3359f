//! Volumes that claims asked for.
//!
//! They are in no network, and outlive clusters: one of a former cluster of the same name carries
//! the same tags. Ours is one that carries our lineage, or that is not older than our cluster and
//! its role, which is made before the cluster and goes after it, or was made anew.
use super::owned::{NAME_OF_DRIVER, OF_DRIVER, Scene, tags};
use super::{Found, Outputs, Wait, What};
use crate::aws::{Reply, Tags, filter};
use crate::names;
use aws_sdk_ec2::types::{Filter, Tag, Volume, VolumeState};
use provision_core::{ADDRESS_MARK, CLUSTER_MARK, LINEAGE_MARK, Result, Started};
use provision_spec::Volumes;
use std::collections::BTreeMap;

/// The tags that say which claim a volume was made for; they stay.
const CLAIM: &str = "kubernetes.io/created-for/pvc/name";
const CLAIM_NAMESPACE: &str = "kubernetes.io/created-for/pvc/namespace";
/// The tag with which Kubernetes once marked what is of a cluster; its value is the name.
const OF_CLUSTER: &str = "KubernetesCluster";

/// Finds the volumes that claims of the cluster asked for, and since when they could be made.
pub(super) async fn find(scene: &Scene<'_>) -> Result<(Vec<Found>, Option<i64>)> {
    let of_kubernetes = vec![filter(format!("tag:{}", scene.kubernetes_tag()), "owned")];
    let of_lineage = scene.lineage.map(|lineage| {
        let driver = Filter::builder().name("tag-key").values(OF_DRIVER).build();
        vec![filter(format!("tag:{LINEAGE_MARK}"), lineage), driver]
    });
    let marked = async {
        match of_lineage {
            Some(filters) => described(scene, filters).await,
            None => Ok(Vec::new()),
        }
    };
    let (named, marked) = futures::try_join!(described(scene, of_kubernetes), marked)?;
    let since = match scene.since {
        None if !named.is_empty() => since(scene).await?,
        since => since,
    };
    let mut all: BTreeMap<String, Found> = BTreeMap::new();
    for volume in named.into_iter().chain(marked) {
        if is_ours(scene, &volume, since) {
            let found = found(scene.aws.removal == Some(Volumes::Delete), volume);
            all.insert(found.id.clone(), found);
        }
    }
    Ok((all.into_values().collect(), since))
}

async fn described(scene: &Scene<'_>, filters: Vec<Filter>) -> Result<Vec<Volume>> {
    let call = scene.aws.ec2.describe_volumes().set_filters(Some(filters));
    let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    found.reply("ec2:DescribeVolumes")
}

/// Returns when the cluster or its role was made, whichever was first. `None` when there is none of
/// ours.
async fn since(scene: &Scene<'_>) -> Result<Option<i64>> {
    let (role, cluster) = futures::try_join!(role_since(scene), cluster_since(scene))?;
    Ok(role.into_iter().chain(cluster).min())
}

async fn cluster_since(scene: &Scene<'_>) -> Result<Option<i64>> {
    let cluster = scene.living().await?.filter(|cluster| {
        let lineage = cluster.tags.as_ref().and_then(|tags| tags.get(LINEAGE_MARK));
        lineage.is_some_and(|lineage| Some(lineage.as_str()) == scene.lineage)
    });
    Ok(cluster.and_then(|cluster| cluster.created_at).map(|at| at.secs()))
}

async fn role_since(scene: &Scene<'_>) -> Result<Option<i64>> {
    let name = names::role(scene.cluster, &scene.aws.region, "cluster");
    let found = scene.aws.iam.get_role().role_name(name).send().await.found("iam:GetRole")?;
    let role = found.and_then(|answer| answer.role);
    let is_ours = |role: &aws_sdk_iam::types::Role| {
        let is_it = |tag: &aws_sdk_iam::types::Tag| {
            tag.key == LINEAGE_MARK && Some(tag.value.as_str()) == scene.lineage
        };
        role.tags().iter().any(is_it)
    };
    Ok(role.filter(is_ours).map(|role| role.create_date.secs()))
}

fn is_ours(scene: &Scene<'_>, volume: &Volume, since: Option<i64>) -> bool {
    let tags = tags(volume.tags.clone());
    let of_claim = tags.contains_key(OF_DRIVER) || tags.contains_key(CLAIM);
    let is_marked = tags.contains_key(LINEAGE_MARK);
    let is_later = || {
        let times = since.zip(volume.create_time.as_ref());
        times.is_some_and(|(since, made)| made.secs() >= since)
    };
    // The tag of Kubernetes alone may be that of a cluster elsewhere which has the same name.
    let is_named = tags.get(CLUSTER_MARK).is_some_and(|name| name == scene.cluster);
    of_claim && scene.owns(&tags) && (is_marked || (is_named && is_later()))
}

fn found(deletes: bool, volume: Volume) -> Found {
    let tags: Tags = tags(volume.tags.clone());
    let id = volume.volume_id.clone().unwrap_or_default();
    let size = volume.size.unwrap_or_default();
    let claim = tags.get(CLAIM).map(|claim| match tags.get(CLAIM_NAMESPACE) {
        Some(namespace) => format!(" of claim {namespace}/{claim}"),
        None => format!(" of claim {claim}"),
    });
    let told = format!("{size} GiB{}", claim.unwrap_or_default());
    let user = volume.attachments().iter().find_map(|its| its.instance_id());
    let waits = match volume.state {
        Some(VolumeState::Available | VolumeState::Error) => None,
        _ if !deletes => None,
        Some(VolumeState::InUse) => Some(format!("{} still uses it", user.unwrap_or("a machine"))),
        state => Some(state.map(|state| state.to_string()).unwrap_or_default()),
    };
    Found { what: What::Volume, name: id.clone(), id, told, waits: waits.map(Wait::Passes) }
}

/// Deletes a volume, or takes the marks of the cluster off it.
pub(super) async fn remove(scene: &Scene<'_>, found: &Found) -> Result<Started<Outputs>> {
    let ec2 = &scene.aws.ec2;
    if scene.aws.removal == Some(Volumes::Delete) {
        return ec2.delete_volume().volume_id(&found.id).send().await.gone("ec2:DeleteVolume");
    }
    let marks = [LINEAGE_MARK, CLUSTER_MARK, ADDRESS_MARK, OF_DRIVER].map(str::to_owned);
    let marks = marks.into_iter().chain([scene.kubernetes_tag()]);
    let tags = marks.map(|key| Tag::builder().key(key).build());
    let naming = [OF_CLUSTER, NAME_OF_DRIVER];
    let naming = naming.map(|key| Tag::builder().key(key).value(scene.cluster).build());
    let call = ec2.delete_tags().resources(&found.id);
    let call = call.set_tags(Some(tags.chain(naming).collect()));
    call.send().await.gone("ec2:DeleteTags")
}

#[cfg(test)]
mod tests {
    use super::super::owned::tests::scene;
    use super::*;
    use crate::connect::tests::nowhere;
    use aws_sdk_ec2::primitives::DateTime;
    use aws_sdk_ec2::types::builders::VolumeBuilder;

    const DRIVER: (&str, &str) = (OF_DRIVER, "true");
    const KUBERNETES: (&str, &str) = ("kubernetes.io/cluster/acme", "owned");

    fn volume(tags: &[(&str, &str)], made: i64) -> VolumeBuilder {
        let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build();
        let tags = Some(tags.iter().map(tag).collect());
        Volume::builder().set_tags(tags).create_time(DateTime::from_secs(made))
    }

    #[test]
    fn a_volume_of_a_former_cluster_of_that_name_is_not_ours() {
        let (aws, since) = (nowhere(), 100);
        let is_ours = |tags: &[(&str, &str)], made, since| {
            is_ours(&scene(&aws), &volume(tags, made).build(), since)
        };
        let named = [KUBERNETES, DRIVER, (CLUSTER_MARK, "acme")];
        assert!(is_ours(&named, 100, Some(since)));
        assert!(!is_ours(&named, 99, Some(since)), "it is older than the cluster");
        assert!(!is_ours(&named, 200, None), "nothing tells when it began");
        assert!(!is_ours(&[KUBERNETES, DRIVER], 100, Some(since)), "our driver marks its own");
        assert!(is_ours(&[(LINEAGE_MARK, "l1"), DRIVER], 99, None));
        assert!(!is_ours(&[(LINEAGE_MARK, "l2"), KUBERNETES, DRIVER], 200, Some(since)));
        assert!(!is_ours(&[KUBERNETES], 200, Some(since)), "no claim asked for it");
    }

    #[test]
    fn a_volume_in_use_waits_where_it_is_to_be_deleted() {
        let of = |state: VolumeState, deletes| {
            let tags = [(CLAIM, "data"), (CLAIM_NAMESPACE, "default")];
            let found = found(deletes, volume(&tags, 0).state(state).size(20).build());
            assert_eq!(found.told, "20 GiB of claim default/data");
            found.waits.map(|waits| waits.to_string())
        };
        assert_eq!(of(VolumeState::Available, true), None);
        assert_eq!(of(VolumeState::InUse, false), None);
        assert_eq!(of(VolumeState::InUse, true).as_deref(), Some("a machine still uses it"));
        assert_eq!(of(VolumeState::Deleting, true).as_deref(), Some("deleting"));
    }
}
