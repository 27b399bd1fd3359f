//! A subnet: a part of a VPC's addresses, in one zone.
use super::super::{Answer, Call, Refusal};
use super::noun::{begin, invalid, needed, within};
use super::vpc::{Flag, VPC, block};
use super::zones::{self, Zone};
use super::{
    Describe, Noun, Operation, TagSpecification, done, nat_gateway, network_interface,
    route_table_association,
};
use crate::behaviour::Behaviour;
use crate::world::{Key, Object, World};
use ipnet::Ipv4Net;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

pub(super) const AVAILABLE: Behaviour = Behaviour {
    service: "ec2",
    what: "a subnet is pending, then available",
    seconds: 1,
    source: "assumption",
};

pub(super) const RESERVED: Behaviour = Behaviour {
    service: "ec2",
    what: "the first four addresses and the last one of a subnet cannot be used",
    seconds: 0,
    source: "Amazon VPC User Guide, Subnet CIDR blocks",
};

pub(super) static SUBNET: Noun = Noun {
    kind: "ec2.subnet",
    prefix: "subnet",
    resource_type: "subnet",
    id: "subnetId",
    set: "subnetSet",
    malformed: "InvalidSubnetID.Malformed",
    missing: ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    limit: None,
    filters: &[
        ("availability-zone", "availabilityZone"),
        ("availabilityZone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("availabilityZoneId", "availabilityZoneId"),
        ("available-ip-address-count", "availableIpAddressCount"),
        ("cidr", "cidrBlock"),
        ("cidr-block", "cidrBlock"),
        ("cidrBlock", "cidrBlock"),
        ("default-for-az", "defaultForAz"),
        ("defaultForAz", "defaultForAz"),
        ("map-public-ip-on-launch", "mapPublicIpOnLaunch"),
        ("owner-id", "ownerId"),
        ("state", "state"),
        ("subnet-arn", "subnetArn"),
        ("subnet-id", "subnetId"),
        ("vpc-id", "vpcId"),
    ],
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateSubnet", |call, input| call.run(input, create)),
    ("DescribeSubnets", |call, input| {
        Describe::read(call, input, "SubnetId")?.answer(call, &SUBNET)
    }),
    ("ModifySubnetAttribute", |call, input| call.run(input, modify)),
    ("DeleteSubnet", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    vpc_id: String,
    cidr_block: String,
    availability_zone: Option<String>,
    availability_zone_id: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let vpc = VPC.refer(call, &request.vpc_id)?;
    let whole: Option<Ipv4Net> = vpc.text("cidrBlock").parse().ok();
    let cidr = &request.cidr_block;
    let net = block(cidr, "cidrBlock")?;
    if !(16..=28).contains(&net.prefix_len()) || !whole.is_some_and(|whole| whole.contains(&net)) {
        let message = format!("The CIDR '{cidr}' is invalid.");
        return Err(Refusal::new("InvalidSubnet.Range", message));
    }
    let zone = zone(call, &request)?;
    let others = of(call, &request.vpc_id);
    if others.iter().any(|(_, other)| overlap(&net, other)) {
        let message = format!("The CIDR '{cidr}' conflicts with another subnet");
        return Err(Refusal::new("InvalidSubnet.Conflict", message));
    }
    within(others.len(), 200, "SubnetLimitExceeded", "subnet")?;
    let tags = TagSpecification::of(&request.tag_specification, &SUBNET)?;
    let id = make(call, &request.vpc_id, net, zone, tags)?;
    Ok(json!({ "subnet": SUBNET.show(SUBNET.get(call, &id)?) }))
}

fn zone(call: &Call<'_>, request: &Create) -> Result<&'static Zone, Refusal> {
    let region = zones::of(&call.region);
    let mut all = region.into_iter().flat_map(|region| region.own());
    let (found, value, name) = match (&request.availability_zone, &request.availability_zone_id) {
        (Some(_), Some(_)) => {
            let message = "Only one of availabilityZone and availabilityZoneId can be specified.";
            return Err(Refusal::new("InvalidParameterCombination", message));
        }
        (Some(name), None) => (all.find(|zone| zone.name == *name), name, "availabilityZone"),
        (None, Some(id)) => (all.find(|zone| zone.id == *id), id, "availabilityZoneId"),
        (None, None) => return all.next().ok_or_else(|| invalid("the region has no zone")),
    };
    found.ok_or_else(|| {
        let names = region.into_iter().flat_map(|region| region.own()).map(|zone| zone.name);
        let names: Vec<&str> = names.collect();
        invalid(format!(
            "Value ({value}) for parameter {name} is invalid. Subnets can currently only be \
             created in the following availability zones: {}.",
            names.join(", ")
        ))
    })
}

fn overlap(net: &Ipv4Net, other: &Object) -> bool {
    let other = other.text("cidrBlock").parse::<Ipv4Net>();
    other.is_ok_and(|other| other.contains(net) || net.contains(&other))
}

/// Returns the subnets of a VPC.
pub(super) fn of<'a>(call: &'a Call<'_>, vpc: &str) -> Vec<(&'a Key, &'a Object)> {
    let all = call.there(SUBNET.kind).into_iter();
    all.filter(|(_, subnet)| subnet.text("vpcId") == vpc).collect()
}

/// Makes one, and returns its id.
///
/// # Errors
/// When the account may have no more.
pub(super) fn make(
    call: &mut Call<'_>,
    vpc: &str,
    net: Ipv4Net,
    zone: &Zone,
    tags: BTreeMap<String, String>,
) -> Result<String, Refusal> {
    let id = SUBNET.new_id(call)?;
    let body = json!({
        "subnetId": id,
        "subnetArn": call.arn("ec2", &format!("subnet/{id}")),
        "ownerId": call.caller.account,
        "vpcId": vpc,
        "cidrBlock": net.to_string(),
        "availabilityZone": zone.name,
        "availabilityZoneId": zone.id,
        "availableIpAddressCount": usable(net).count(),
        "state": "pending",
        "defaultForAz": false,
        "mapPublicIpOnLaunch": false,
        "mapCustomerOwnedIpOnLaunch": false,
        "assignIpv6AddressOnCreation": false,
        "ipv6CidrBlockAssociationSet": [],
        "enableDns64": false,
        "ipv6Native": false,
        "privateDnsNameOptionsOnLaunch": {
            "hostnameType": "ip-name",
            "enableResourceNameDnsARecord": false,
            "enableResourceNameDnsAAAARecord": false,
        },
    });
    let mut subnet = begin(call, body, tags);
    subnet.later(call.world.after(&AVAILABLE), "state=available");
    call.world.put(SUBNET.key(&id), subnet);
    Ok(id)
}

/// Returns the addresses that can be given away in a subnet.
fn usable(net: Ipv4Net) -> impl Iterator<Item = Ipv4Addr> {
    let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
    (first + 4..last).map(Ipv4Addr::from)
}

/// Returns the lowest address of a subnet that nobody has.
pub(super) fn free(world: &World, id: &str) -> Option<Ipv4Addr> {
    let net: Ipv4Net = world.get(&SUBNET.key(id))?.text("cidrBlock").parse().ok()?;
    let taken: BTreeSet<String> = network_interface::addresses(world, id).into_iter().collect();
    usable(net).find(|address| !taken.contains(&address.to_string()))
}

/// Tells whether an address of a subnet can be given away.
pub(super) fn is_free(world: &World, id: &str, address: Ipv4Addr) -> bool {
    let net = world.get(&SUBNET.key(id)).and_then(|subnet| subnet.text("cidrBlock").parse().ok());
    let taken = network_interface::addresses(world, id);
    net.is_some_and(|net| usable(net).any(|its| its == address))
        && !taken.contains(&address.to_string())
}

/// Counts the free addresses of a subnet again.
pub(super) fn count(world: &mut World, id: &str) {
    let key = SUBNET.key(id);
    let net = world.get(&key).and_then(|subnet| subnet.text("cidrBlock").parse().ok());
    let Some(net) = net else { return };
    let left = usable(net).count().saturating_sub(network_interface::addresses(world, id).len());
    world.edit(&key, |subnet| subnet.set("availableIpAddressCount", left));
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Modify {
    subnet_id: String,
    map_public_ip_on_launch: Option<Flag>,
    enable_resource_name_dns_a_record_on_launch: Option<Flag>,
    private_dns_hostname_type_on_launch: Option<String>,
}

fn modify(call: &mut Call<'_>, request: Modify) -> Answer {
    SUBNET.refer(call, &request.subnet_id)?;
    let key = SUBNET.key(&request.subnet_id);
    let options = "privateDnsNameOptionsOnLaunch";
    let (public, record, hostname) = (
        request.map_public_ip_on_launch,
        request.enable_resource_name_dns_a_record_on_launch,
        request.private_dns_hostname_type_on_launch,
    );
    match (public, record, hostname.as_deref()) {
        (Some(flag), None, None) => {
            call.world.edit(&key, |subnet| subnet.set("mapPublicIpOnLaunch", flag.value));
        }
        (None, Some(flag), None) => {
            let field = "enableResourceNameDnsARecord";
            call.world.edit(&key, |subnet| subnet.body[options][field] = json!(flag.value));
        }
        (None, None, Some(kind @ ("ip-name" | "resource-name"))) => {
            call.world.edit(&key, |subnet| subnet.body[options]["hostnameType"] = json!(kind));
        }
        (None, None, Some(_)) => {
            return Err(invalid("Value for parameter privateDnsHostnameTypeOnLaunch is invalid."));
        }
        _ => {
            let message = "Exactly one attribute can be modified in a call.";
            return Err(Refusal::new("InvalidParameterCombination", message));
        }
    }
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    subnet_id: String,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let id = request.subnet_id.as_str();
    SUBNET.get(call, id)?;
    let is_used = network_interface::of(call.world, "subnetId", id).next().is_some();
    if is_used || nat_gateway::is_in(call, id) {
        return Err(needed("subnet", id));
    }
    route_table_association::forget(call.world, id);
    call.world.remove(&SUBNET.key(id));
    done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_addresses_of_a_subnet_cannot_be_used() {
        let all: Vec<_> = usable("10.0.0.16/28".parse().unwrap()).collect();
        assert_eq!(all.len(), 11);
        assert_eq!(all[0], Ipv4Addr::new(10, 0, 0, 20));
        assert_eq!(all[10], Ipv4Addr::new(10, 0, 0, 30));
    }

    #[test]
    fn subnets_overlap_when_one_holds_the_other() {
        let mut other = Object::default();
        other.set("cidrBlock", "10.0.16.0/20");
        for (net, overlaps) in
            [("10.0.16.0/24", true), ("10.0.0.0/16", true), ("10.0.32.0/20", false)]
        {
            assert_eq!(overlap(&net.parse().unwrap(), &other), overlaps, "{net}");
        }
    }
}
