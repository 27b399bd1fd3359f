//! The network of a cluster: what EKS checks of its subnets, groups and addresses.
use super::super::ec2::{living, zones};
use super::super::{Call, Refusal};
use super::found::{body, invalid, refusal};
use crate::world::{Key, Object};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Zones in which EKS runs no control planes.
const UNSUPPORTED: [&str; 3] = ["use1-az3", "usw1-az2", "cac1-az3"];

/// The fewest free addresses of a subnet that a control plane can be reached through.
const ADDRESSES: u64 = 6;

/// The most ranges that may reach the endpoint from the internet.
const RANGES: usize = 40;

/// How a request describes the network of a cluster.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct VpcConfig {
    pub(super) subnet_ids: Option<Vec<String>>,
    pub(super) security_group_ids: Option<Vec<String>>,
    pub(super) endpoint_public_access: Option<bool>,
    pub(super) endpoint_private_access: Option<bool>,
    pub(super) public_access_cidrs: Option<Vec<String>>,
}

/// Where the subnets of a cluster are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Where {
    pub(super) vpc: String,
    pub(super) zones: BTreeSet<String>,
}

/// Checks the subnets of a cluster.
///
/// # Errors
/// When EKS cannot reach nodes through them.
pub(super) fn subnets(call: &Call<'_>, cluster: &str, ids: &[String]) -> Result<Where, Refusal> {
    let mut found = Vec::new();
    for id in ids {
        found.push(subnet(call, id).ok_or_else(|| {
            invalid(format!("The subnet ID '{id}' does not exist")).field("clusterName", cluster)
        })?);
    }
    let vpcs: BTreeSet<&str> = found.iter().map(|subnet| subnet.text("vpcId")).collect();
    if vpcs.len() > 1 {
        return Err(
            invalid("Subnets specified must be in the same VPC").field("clusterName", cluster)
        );
    }
    if let Some(subnet) =
        found.iter().find(|subnet| UNSUPPORTED.contains(&subnet.text("availabilityZoneId")))
    {
        return Err(unsupported_zone(call, cluster, subnet.text("availabilityZone"), NO_PLANES));
    }
    let zones: BTreeSet<String> =
        found.iter().map(|subnet| subnet.text("availabilityZone").to_owned()).collect();
    if zones.len() < 2 {
        let message = "Subnets specified must be in at least two different AZs";
        return Err(invalid(message).field("clusterName", cluster));
    }
    let free = |subnet: &&Object| {
        subnet.body.get("availableIpAddressCount").and_then(Value::as_u64).unwrap_or(ADDRESSES)
    };
    if let Some(full) = found.iter().find(|subnet| free(subnet) < ADDRESSES) {
        let id = full.text("subnetId");
        let message = format!("Subnet {id} does not have enough available IP addresses");
        return Err(invalid(message).field("clusterName", cluster));
    }
    let vpc = vpcs.into_iter().next().unwrap_or_default().to_owned();
    Ok(Where { vpc, zones })
}

/// Returns a subnet as EKS knows it: one that is new may not be there yet.
pub(super) fn subnet<'a>(call: &'a Call<'_>, id: &str) -> Option<&'a Object> {
    let key = living::subnet(id);
    call.find(&key)?;
    call.get(&key)
}

/// Why EKS runs no control plane in a zone.
pub(super) const NO_PLANES: &str = "EKS does not support creating control plane instances in";
/// Why EKS runs no more control planes in a zone.
pub(super) const NO_ROOM: &str = "there is not sufficient capacity for a control plane in";

/// Refuses a zone, and names others.
pub(super) fn unsupported_zone(call: &Call<'_>, cluster: &str, zone: &str, why: &str) -> Refusal {
    let all = zones::of(&call.region).into_iter().flat_map(zones::Region::own);
    let others = all.filter(|other| other.name != zone && !UNSUPPORTED.contains(&other.id));
    let others: Vec<&str> = others.map(|other| other.name).collect();
    let message = format!(
        "Cannot create cluster '{cluster}' because {why} {zone}, the targeted availability zone. \
         Retry cluster creation using control plane subnets that span at least two of these \
         availability zones: {}.",
        others.join(", ")
    );
    refusal("UnsupportedAvailabilityZoneException", message)
        .field("clusterName", cluster)
        .field("validZones", others)
}

/// Checks the security groups that control plane interfaces get beside the cluster's own.
///
/// # Errors
/// When there is none with such an id in the VPC.
pub(super) fn groups(call: &Call<'_>, vpc: &str, ids: &[String]) -> Result<(), Refusal> {
    for id in ids {
        let key = Key::new("ec2.security_group", id);
        let group = call.find(&key).and(call.get(&key));
        if group.is_none_or(|group| group.text("vpcId") != vpc) {
            return Err(invalid(format!("The security group '{id}' does not exist in VPC {vpc}")));
        }
    }
    Ok(())
}

/// Checks who may reach the endpoint, and how.
///
/// # Errors
/// When nobody may, or a range is none.
pub(super) fn endpoint(public: bool, private: bool, ranges: &[String]) -> Result<(), Refusal> {
    if !public && !private {
        return Err(invalid("Private and public endpoint access cannot be false"));
    }
    if ranges.len() > RANGES {
        return Err(invalid(format!("At most {RANGES} CIDRs are allowed in publicAccessCidrs")));
    }
    let wrong: Vec<&str> = ranges
        .iter()
        .map(String::as_str)
        .filter(|range| range.parse::<Ipv4Net>().is_err())
        .collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(invalid(format!(
            "The following CIDRs are invalid in publicAccessCidrs: [{}]",
            wrong.join(", ")
        ))),
    }
}

/// How a request describes the addresses within a cluster.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Addresses {
    pub(super) service_ipv4_cidr: Option<String>,
    pub(super) ip_family: Option<String>,
    pub(super) elastic_load_balancing: Option<Flag>,
}

/// Something that can be on or off.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Flag {
    pub(super) enabled: Option<bool>,
}

/// Decides the addresses of services, as a cluster tells them.
///
/// # Errors
/// When they cannot be these, or overlap with the VPC's.
pub(super) fn addresses(call: &Call<'_>, vpc: &str, asked: &Addresses) -> Result<Value, Refusal> {
    if asked.ip_family.as_deref().is_some_and(|family| family != "ipv4") {
        return Err(Refusal::unsupported("an ipFamily other than ipv4"));
    }
    if asked.elastic_load_balancing.as_ref().and_then(|flag| flag.enabled) == Some(true) {
        return Err(Refusal::unsupported("EKS Auto Mode"));
    }
    let vpc = call.get(&Key::new("ec2.vpc", vpc));
    let of_vpc: Option<Ipv4Net> = vpc.and_then(|vpc| vpc.text("cidrBlock").parse().ok());
    let cidr = match &asked.service_ipv4_cidr {
        Some(cidr) => checked(cidr, of_vpc)?,
        None if of_vpc.is_some_and(|net| net.addr().octets()[0] == 10) => {
            "172.20.0.0/16".to_owned()
        }
        None => "10.100.0.0/16".to_owned(),
    };
    let balancing = json!({ "enabled": false });
    let told =
        json!({ "serviceIpv4Cidr": cidr, "ipFamily": "ipv4", "elasticLoadBalancing": balancing });
    Ok(Value::Object(body(told)))
}

fn checked(cidr: &str, of_vpc: Option<Ipv4Net>) -> Result<String, Refusal> {
    const PRIVATE: [([u8; 4], u8); 3] =
        [([10, 0, 0, 0], 8), ([172, 16, 0, 0], 12), ([192, 168, 0, 0], 16)];
    let wrong = |why: &str| invalid(format!("The serviceIpv4Cidr {cidr} {why}"));
    let net: Ipv4Net = cidr.parse().map_err(|_| wrong("is not a valid CIDR block"))?;
    let is_within = |(address, length): &([u8; 4], u8)| {
        Ipv4Net::new((*address).into(), *length).is_ok_and(|private| private.contains(&net))
    };
    if !(12..=24).contains(&net.prefix_len()) || net.trunc() != net {
        return Err(wrong("must be a block between /24 and /12"));
    }
    if !PRIVATE.iter().any(is_within) {
        return Err(wrong("must be within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"));
    }
    if of_vpc.is_some_and(|vpc| vpc.contains(&net) || net.contains(&vpc)) {
        return Err(wrong("overlaps with the CIDR block of the VPC"));
    }
    Ok(cidr.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_private_addresses_of_their_own() {
        let vpc = "10.0.0.0/16".parse().ok();
        for right in ["10.100.0.0/16", "172.20.0.0/16", "192.168.0.0/24"] {
            assert!(checked(right, vpc).is_ok(), "{right}");
        }
        for wrong in
            ["10.0.128.0/20", "10.0.0.0/8", "11.0.0.0/16", "192.168.1.0/25", "10.100.0.1/16", "x"]
        {
            assert!(checked(wrong, vpc).is_err(), "{wrong}");
        }
    }

    #[test]
    fn somebody_must_reach_the_endpoint() {
        assert!(endpoint(false, false, &[]).is_err());
        assert!(endpoint(true, false, &["0.0.0.0/0".to_owned()]).is_ok());
        assert!(endpoint(true, true, &["anywhere".to_owned()]).is_err());
    }
}
