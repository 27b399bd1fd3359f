//! Amazon EKS.
mod access_entry;
mod access_policy;
mod addon;
mod addon_versions;
mod cluster;
mod cluster_config;
mod cluster_life;
mod clusters;
mod event;
mod fargate_profile;
mod found;
mod launch_template;
mod network;
mod node_group;
mod node_group_create;
mod node_group_update;
mod node_repair;
mod node_shape;
mod pod_identity;
mod roles;
mod tags;
#[cfg(test)]
mod tests;
mod token;
mod update;
mod upgrade;
mod versions;
mod within;

use super::{Answer, Call, Input, unknown_turn};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};

pub(crate) use event::happen;
pub(crate) use node_group::resized;
pub(crate) use versions::patch;
pub(crate) use within::{
    Addon, Disks, Machine, addons, disks, machines, role_of, trusts_issuer, volume_tags,
};

const CONSISTENT: Behaviour = Behaviour {
    service: "eks",
    what: "what was made is read at once; the change between ACTIVE and UPDATING lags",
    seconds: 0,
    source: "assumption",
};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    CONSISTENT,
    token::AGAIN,
    token::DELETED,
    cluster::LIMIT,
    found::LIMITS,
    cluster_life::CREATED,
    cluster_life::NETWORK,
    cluster_life::DELETED,
    cluster_life::LINGER,
    cluster_life::RETIRED,
    cluster_config::CONFIGURED,
    cluster_config::SWITCHED,
    cluster_config::ENCRYPTED,
    upgrade::UPGRADED,
    node_group_create::LIMIT,
    node_group::GROUPED,
    node_group::CREATED,
    node_group::LOOKED,
    node_group::UNJOINED,
    node_group::UNLAUNCHED,
    node_group::DELETED,
    node_group_update::CONFIGURED,
    node_group_update::ROLLED,
    addon::CREATED,
    addon::RECOVERED,
    addon::UPDATED,
    addon::CONFIGURED,
    addon::BUSY,
    addon::DELETED,
    pod_identity::LIMIT,
    fargate_profile::LIMIT,
    fargate_profile::CREATED,
    fargate_profile::DELETED,
    event::SCALED,
];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    let answer = match call.operation {
        "CreateCluster" => call.run(input, cluster::create),
        "DescribeCluster" => call.run(input, clusters::describe),
        "ListClusters" => call.run(input, clusters::list),
        "DeleteCluster" => call.run(input, clusters::delete),
        "UpdateClusterConfig" => call.run(input, cluster_config::update),
        "UpdateClusterVersion" => call.run(input, upgrade::upgrade),
        "AssociateEncryptionConfig" => call.run(input, cluster_config::encrypt),
        "DescribeClusterVersions" => call.run(input, versions::describe),
        "DescribeUpdate" => call.run(input, update::describe),
        "ListUpdates" => call.run(input, update::list),
        "TagResource" => call.run(input, tags::tag),
        "UntagResource" => call.run(input, tags::untag),
        "ListTagsForResource" => call.run(input, tags::list),
        "CreateNodegroup" => call.run(input, node_group_create::create),
        "DescribeNodegroup" => call.run(input, node_group::describe),
        "ListNodegroups" => call.run(input, node_group::list),
        "UpdateNodegroupConfig" => call.run(input, node_group_update::configure),
        "UpdateNodegroupVersion" => call.run(input, node_group_update::upgrade),
        "DeleteNodegroup" => call.run(input, node_group::delete),
        _ => within(call, input),
    };
    answer.map_err(|refusal| refusal.unreadable("InvalidParameterException"))
}

/// Does an operation on what is within a cluster.
fn within(call: &mut Call<'_>, input: &Input) -> Answer {
    match call.operation {
        "DescribeAddonVersions" => call.run(input, addon_versions::describe),
        "DescribeAddonConfiguration" => call.run(input, addon_versions::configuration),
        "CreateAddon" => call.run(input, addon::create),
        "DescribeAddon" => call.run(input, addon::describe),
        "ListAddons" => call.run(input, addon::list),
        "UpdateAddon" => call.run(input, addon::update),
        "DeleteAddon" => call.run(input, addon::delete),
        "CreateAccessEntry" => call.run(input, access_entry::create),
        "DescribeAccessEntry" => call.run(input, access_entry::describe),
        "ListAccessEntries" => call.run(input, access_entry::list),
        "UpdateAccessEntry" => call.run(input, access_entry::update),
        "DeleteAccessEntry" => call.run(input, access_entry::delete),
        "ListAccessPolicies" => call.run(input, access_policy::list),
        "AssociateAccessPolicy" => call.run(input, access_policy::associate),
        "DisassociateAccessPolicy" => call.run(input, access_policy::disassociate),
        "ListAssociatedAccessPolicies" => call.run(input, access_policy::list_associated),
        "CreateFargateProfile" => call.run(input, fargate_profile::create),
        "DescribeFargateProfile" => call.run(input, fargate_profile::describe),
        "ListFargateProfiles" => call.run(input, fargate_profile::list),
        "DeleteFargateProfile" => call.run(input, fargate_profile::delete),
        "CreatePodIdentityAssociation" => call.run(input, pod_identity::create),
        "DescribePodIdentityAssociation" => call.run(input, pod_identity::describe),
        "ListPodIdentityAssociations" => call.run(input, pod_identity::list),
        "UpdatePodIdentityAssociation" => call.run(input, pod_identity::update),
        "DeletePodIdentityAssociation" => call.run(input, pod_identity::delete),
        _ => call.unsupported(),
    }
}

/// Does what an object was to do by itself.
pub(crate) fn turn(world: &mut World, key: &Key, word: &str) {
    match key.kind.as_str() {
        "eks.cluster" => cluster_life::turn(world, key, word),
        "eks.node_group" => node_group::turn(world, key, word),
        "eks.addon" => addon::turn(world, key, word),
        "eks.fargate_profile" => fargate_profile::turn(world, key, word),
        cluster_life::LEAVING if word == "leave" => cluster_life::leave(world, key),
        "eks.update" if word == "finish" => update::turn(world, key),
        _ => unknown_turn(key, word),
    }
}
