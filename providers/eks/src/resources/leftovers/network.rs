//! Network interfaces that the network plugin lost, and security groups of load balancers.
//!
//! The security group of the cluster goes with it, unless something still uses it: then it stays
//! for ever. Interfaces of the control plane and of load balancers go by themselves, minutes later.
use super::owned::{Scene, tags};
use super::{Found, Outputs, Wait, What};
use crate::aws::{Reply, filter};
use aws_sdk_ec2::types::{
    IpPermission, NetworkInterface, NetworkInterfaceStatus, SecurityGroup, UserIdGroupPair,
};
use provision_core::{Result, Started};
use std::collections::BTreeSet;

/// Finds interfaces, groups and rules of the cluster in its network. `balancers` says how the
/// interfaces of living load balancers are described.
pub(super) async fn find(scene: &Scene<'_>, balancers: &BTreeSet<String>) -> Result<Vec<Found>> {
    let Some(vpc) = &scene.vpc else { return Ok(Vec::new()) };
    let (interfaces, groups) = futures::try_join!(interfaces(scene, vpc), groups(scene, vpc))?;
    let ours = ids(scene, &groups);
    let found = interfaces.iter().filter_map(|it| interface(scene, balancers, &ours, it));
    Ok(found.chain(of_groups(scene, &interfaces, &groups)).collect())
}

async fn interfaces(scene: &Scene<'_>, vpc: &str) -> Result<Vec<NetworkInterface>> {
    let call = scene.aws.ec2.describe_network_interfaces().filters(filter("vpc-id", vpc));
    let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    found.reply("ec2:DescribeNetworkInterfaces")
}

async fn groups(scene: &Scene<'_>, vpc: &str) -> Result<Vec<SecurityGroup>> {
    let call = scene.aws.ec2.describe_security_groups().filters(filter("vpc-id", vpc));
    let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    found.reply("ec2:DescribeSecurityGroups")
}

/// Returns the ids of those of `groups` that are the cluster's.
fn ids<'g>(scene: &Scene<'_>, groups: &'g [SecurityGroup]) -> BTreeSet<&'g str> {
    let ours = groups.iter().filter(|it| scene.owns(&tags(it.tags.clone())));
    ours.filter_map(|it| it.group_id()).collect()
}

/// Maps an interface that the cluster left behind, or that goes by itself after it. `ours` are the
/// groups of the cluster.
fn interface(
    scene: &Scene<'_>,
    balancers: &BTreeSet<String>,
    ours: &BTreeSet<&str>,
    it: &NetworkInterface,
) -> Option<Found> {
    let described = it.description.as_deref().unwrap_or_default();
    let by_service = it.requester_managed == Some(true);
    let its: Vec<&str> = it.groups().iter().filter_map(|group| group.group_id()).collect();
    let is_ours = scene.owns_interface(&tags(it.tag_set.clone()), &its, ours);
    let waits = if is_ours && !by_service {
        let used = it.status != Some(NetworkInterfaceStatus::Available);
        let user = it.attachment.as_ref().and_then(|its| its.instance_id.as_deref());
        used.then(|| format!("{} still uses it", user.unwrap_or("a machine")))
    } else if by_service && described == format!("Amazon EKS {}", scene.cluster) {
        Some("it goes after the control plane".to_owned())
    } else if by_service && described.starts_with("ELB ") && !balancers.contains(described) {
        Some("it goes after its load balancer".to_owned())
    } else {
        return None;
    };
    let id = it.network_interface_id.clone().unwrap_or_default();
    let (what, name, told) = (What::NetworkInterface, id.clone(), described.to_owned());
    Some(Found { what, id, name, told, waits: waits.map(Wait::Passes) })
}

/// Maps the groups of the cluster, and those of its groups whose rules name another one of them.
fn of_groups(
    scene: &Scene<'_>,
    interfaces: &[NetworkInterface],
    groups: &[SecurityGroup],
) -> Vec<Found> {
    let ids = ids(scene, groups);
    let mut found = Vec::new();
    for group in groups.iter().filter(|it| it.group_id().is_some_and(|id| ids.contains(id))) {
        let id = group.group_id.clone().unwrap_or_default();
        let name = group.group_name.clone().unwrap_or_default();
        let others: BTreeSet<&str> = ids.iter().copied().filter(|other| *other != id).collect();
        let told = group.description.clone().unwrap_or_default();
        if names(group, &others) {
            let told = "they name another security group".to_owned();
            let (id, name) = (id.clone(), name.clone());
            found.push(Found { what: What::Rules, id, name, told, waits: None });
        }
        let used = used_by(&id, interfaces).map(Wait::Passes);
        let waits = used.or_else(|| named_by(&id, groups, &ids).map(Wait::HeldBy));
        found.push(Found { what: What::SecurityGroup, id, name, told, waits });
    }
    found
}

/// Says which interface a group is on.
fn used_by(id: &str, interfaces: &[NetworkInterface]) -> Option<String> {
    let has = |it: &&NetworkInterface| it.groups().iter().any(|its| its.group_id() == Some(id));
    let user = interfaces.iter().find(has)?.network_interface_id()?;
    Some(format!("network interface {user} still uses it"))
}

/// Returns the group of somebody else that has a rule which names a group; only they can change it.
fn named_by(id: &str, groups: &[SecurityGroup], ours: &BTreeSet<&str>) -> Option<String> {
    let wanted = BTreeSet::from([id]);
    let mut others = groups.iter().filter(|it| !ours.contains(it.group_id().unwrap_or_default()));
    others.find(|it| names(it, &wanted))?.group_id().map(str::to_owned)
}

/// Tells whether a rule of a group names one of some groups.
fn names(group: &SecurityGroup, groups: &BTreeSet<&str>) -> bool {
    let directions = [group.ip_permissions(), group.ip_permissions_egress()];
    directions.into_iter().any(|permissions| !naming(permissions, groups).is_empty())
}

/// Returns the parts of permissions that name one of some groups.
fn naming(permissions: &[IpPermission], groups: &BTreeSet<&str>) -> Vec<IpPermission> {
    let part = |permission: &IpPermission| {
        let is_named =
            |pair: &&UserIdGroupPair| pair.group_id().is_some_and(|group| groups.contains(group));
        let pairs = permission.user_id_group_pairs().iter().filter(is_named);
        let bare = |pair: &UserIdGroupPair| {
            UserIdGroupPair::builder()
                .set_group_id(pair.group_id.clone())
                .set_user_id(pair.user_id.clone())
                .build()
        };
        let pairs: Vec<_> = pairs.map(bare).collect();
        (!pairs.is_empty()).then(|| {
            IpPermission::builder()
                .set_ip_protocol(permission.ip_protocol.clone())
                .set_from_port(permission.from_port)
                .set_to_port(permission.to_port)
                .set_user_id_group_pairs(Some(pairs))
                .build()
        })
    };
    permissions.iter().filter_map(part).collect()
}

pub(super) async fn remove(scene: &Scene<'_>, found: &Found) -> Result<Started<Outputs>> {
    let ec2 = &scene.aws.ec2;
    match found.what {
        What::Rules => revoke(scene, &found.id).await,
        What::NetworkInterface => {
            let call = ec2.delete_network_interface().network_interface_id(&found.id);
            call.send().await.gone("ec2:DeleteNetworkInterface")
        }
        _ => {
            let call = ec2.delete_security_group().group_id(&found.id);
            call.send().await.gone("ec2:DeleteSecurityGroup")
        }
    }
}

/// Takes back the rules of a group that name others of the cluster: first those of what comes in.
async fn revoke(scene: &Scene<'_>, id: &str) -> Result<Started<Outputs>> {
    let Some(vpc) = &scene.vpc else { return Ok(Started::done()) };
    let groups = groups(scene, vpc).await?;
    let is_other =
        |it: &&SecurityGroup| it.group_id() != Some(id) && scene.owns(&tags(it.tags.clone()));
    let others = groups.iter().filter(is_other).filter_map(|it| it.group_id()).collect();
    let Some(group) = groups.iter().find(|it| it.group_id() == Some(id)) else {
        return Ok(Started::done());
    };
    let rules = naming(group.ip_permissions(), &others);
    if !rules.is_empty() {
        let call = scene.aws.ec2.revoke_security_group_ingress().group_id(id);
        let call = call.set_ip_permissions(Some(rules));
        return call.send().await.gone("ec2:RevokeSecurityGroupIngress");
    }
    let rules = naming(group.ip_permissions_egress(), &others);
    if rules.is_empty() {
        return Ok(Started::done());
    }
    let call = scene.aws.ec2.revoke_security_group_egress().group_id(id);
    let call = call.set_ip_permissions(Some(rules));
    call.send().await.gone("ec2:RevokeSecurityGroupEgress")
}

#[cfg(test)]
mod tests {
    use super::super::owned::tests::scene;
    use super::*;
    use crate::connect::tests::nowhere;
    use aws_sdk_ec2::types::{GroupIdentifier, Tag};

    fn tag(key: &str, value: &str) -> Tag {
        Tag::builder().key(key).value(value).build()
    }

    fn by_service(described: &str) -> NetworkInterface {
        let it = NetworkInterface::builder().network_interface_id("eni-1").description(described);
        it.requester_managed(true).build()
    }

    #[test]
    fn interfaces_that_go_by_themselves_are_waited_for_and_those_of_others_are_not() {
        let (aws, living) = (nowhere(), BTreeSet::from(["ELB net/theirs/1".to_owned()]));
        let groups = BTreeSet::from(["sg-1", "sg-2"]);
        let waits = |it: &NetworkInterface| {
            interface(&scene(&aws), &living, &groups, it).map(|it| it.waits)
        };
        for ours in ["Amazon EKS acme", "ELB net/gone/1"] {
            assert!(waits(&by_service(ours)).is_some_and(|waits| waits.is_some()), "{ours}");
        }
        for theirs in ["Amazon EKS acme-2", "ELB net/theirs/1", "Interface for NAT Gateway nat-1"] {
            assert_eq!(waits(&by_service(theirs)), None, "{theirs}");
        }
        let lost =
            NetworkInterface::builder().tag_set(tag("cluster.k8s.amazonaws.com/name", "acme"));
        let lost = lost.status(NetworkInterfaceStatus::Available);
        assert_eq!(waits(&lost.clone().build()), Some(None));
        let used = lost.status(NetworkInterfaceStatus::InUse).build();
        assert_eq!(waits(&used), Some(Some(Wait::Passes("a machine still uses it".to_owned()))));
        assert_eq!(waits(&NetworkInterface::builder().description("aws-K8S-i-1").build()), None);
        let of_machine = |groups: &[&str], more: &[(&str, &str)]| {
            let group = |id: &&str| GroupIdentifier::builder().group_id(*id).build();
            let all = [("node.k8s.amazonaws.com/instance_id", "i-1")];
            let all = all.iter().chain(more).map(|(key, value)| tag(key, value)).collect();
            let it = NetworkInterface::builder().set_tag_set(Some(all));
            let it = it.set_groups(Some(groups.iter().map(group).collect()));
            waits(&it.status(NetworkInterfaceStatus::Available).build())
        };
        assert_eq!(of_machine(&["sg-1", "sg-2"], &[]), Some(None), "its groups tell");
        for theirs in [&[][..], &["sg-9"], &["sg-1", "sg-9"]] {
            assert_eq!(of_machine(theirs, &[]), None, "{theirs:?}");
        }
        let other = ("cluster.k8s.amazonaws.com/name", "acme-2");
        assert_eq!(of_machine(&["sg-1"], &[other]), None, "its tags name another cluster");
    }

    fn group(id: &str, owner: &str, names: &[&str]) -> SecurityGroup {
        let pair = |id: &&str| UserIdGroupPair::builder().group_id(*id).build();
        let rule = IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443);
        let rule = rule.set_user_id_group_pairs(Some(names.iter().map(pair).collect())).build();
        let it = SecurityGroup::builder().group_id(id).group_name(id).ip_permissions(rule);
        it.tags(tag(&format!("kubernetes.io/cluster/{owner}"), "owned")).build()
    }

    #[test]
    fn rules_go_before_the_groups_that_they_name_and_those_of_others_stay() {
        let aws = nowhere();
        let groups = [
            group("sg-1", "acme", &["sg-1", "sg-2", "sg-9"]),
            group("sg-2", "acme", &[]),
            group("sg-3", "acme", &[]),
            group("sg-9", "other", &["sg-3"]),
        ];
        let user = GroupIdentifier::builder().group_id("sg-2").build();
        let user = NetworkInterface::builder().network_interface_id("eni-1").groups(user).build();
        let mut found = of_groups(&scene(&aws), &[user], &groups);
        found.sort();
        let told: Vec<_> =
            found.iter().map(|it| (it.what, it.id.as_str(), it.waits.clone())).collect();
        let used = Wait::Passes("network interface eni-1 still uses it".to_owned());
        let named = Wait::HeldBy("sg-9".to_owned());
        assert_eq!(
            told,
            [
                (What::Rules, "sg-1", None),
                (What::SecurityGroup, "sg-1", None),
                (What::SecurityGroup, "sg-2", Some(used)),
                (What::SecurityGroup, "sg-3", Some(named)),
            ]
        );
        let rules = naming(groups[0].ip_permissions(), &BTreeSet::from(["sg-2"]));
        assert_eq!(rules[0].user_id_group_pairs().len(), 1, "only what names it is taken back");
        assert_eq!(rules[0].from_port, Some(443));
    }
}
