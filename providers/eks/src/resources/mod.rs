//! The kinds of objects that a cluster on EKS is made of.
mod access_entry;
mod addon;
mod cluster;
mod elastic_ip;
mod internet_gateway;
mod key;
mod key_alias;
mod launch_template;
mod leftovers;
mod log_group;
mod nat_gateway;
mod node_group;
mod oidc_provider;
mod pod_identity_association;
mod role;
mod role_policy;
mod route;
mod route_table;
mod route_table_association;
mod scaling_group_tags;
mod subnet;
mod update;
mod vpc;
mod vpc_endpoint;

use crate::aws::Aws;
pub use access_entry::AccessEntry;
pub(crate) use access_entry::for_cluster;
pub use addon::AddOn;
pub use cluster::Cluster;
pub use elastic_ip::ElasticIp;
pub use internet_gateway::InternetGateway;
pub(crate) use key::DAYS_TO_RESCUE;
pub use key::Key;
pub use key_alias::KeyAlias;
pub use launch_template::LaunchTemplate;
pub(crate) use launch_template::own_disks;
pub(crate) use leftovers::ADDRESS as LEFTOVERS;
pub use leftovers::{Found, Leftovers, What};
pub use log_group::LogGroup;
pub use nat_gateway::NatGateway;
pub use node_group::{NodeGroup, Taint};
pub use oidc_provider::OidcProvider;
pub use pod_identity_association::PodIdentityAssociation;
use provision_core::{Drivers, Typed};
use provision_kubernetes::Kubernetes;
pub use role::Role;
pub(crate) use role::{attached, trust, trust_of_pods};
pub use role_policy::{RolePolicy, Statement};
pub use route::Route;
pub use route_table::RouteTable;
pub use route_table_association::RouteTableAssociation;
pub use scaling_group_tags::ScalingGroupTags;
pub(crate) use scaling_group_tags::TEMPLATE;
use std::sync::Arc;
pub use subnet::Subnet;
pub use vpc::Vpc;
pub use vpc_endpoint::VpcEndpoint;

/// Returns every kind, driven with one account's clients, and those inside its clusters.
pub fn drivers(aws: &Arc<Aws>, kubernetes: &Arc<Kubernetes>) -> Drivers {
    let mut drivers = provision_kubernetes::resources::drivers(kubernetes);
    drivers.extend([
        Typed::<AccessEntry>::driver(aws),
        Typed::<AddOn>::driver(aws),
        Typed::<Cluster>::driver(aws),
        Typed::<ElasticIp>::driver(aws),
        Typed::<InternetGateway>::driver(aws),
        Typed::<Key>::driver(aws),
        Typed::<KeyAlias>::driver(aws),
        Typed::<LaunchTemplate>::driver(aws),
        Typed::<Leftovers>::driver(aws),
        Typed::<LogGroup>::driver(aws),
        Typed::<NatGateway>::driver(aws),
        Typed::<NodeGroup>::driver(aws),
        Typed::<OidcProvider>::driver(aws),
        Typed::<PodIdentityAssociation>::driver(aws),
        Typed::<Role>::driver(aws),
        Typed::<RolePolicy>::driver(aws),
        Typed::<Route>::driver(aws),
        Typed::<RouteTable>::driver(aws),
        Typed::<RouteTableAssociation>::driver(aws),
        Typed::<ScalingGroupTags>::driver(aws),
        Typed::<Subnet>::driver(aws),
        Typed::<Vpc>::driver(aws),
        Typed::<VpcEndpoint>::driver(aws),
    ]);
    drivers
}
