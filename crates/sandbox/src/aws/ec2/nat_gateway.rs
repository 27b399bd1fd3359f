//! A NAT gateway: how private subnets reach the internet, or other networks.
use super::super::{Answer, Call, Refusal, unknown_turn};
use super::address::{self, ADDRESS};
use super::living::{self, NewInterface, Place};
use super::noun::{begin, invalid, within};
use super::subnet::{self, SUBNET};
use super::{
    Describe, Noun, Operation, TagSpecification, internet_gateway, network_interface, route,
};
use crate::behaviour::Behaviour;
use crate::clock::iso;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

pub(super) const PROVISIONED: Behaviour = Behaviour {
    service: "ec2",
    what: "a new NAT gateway gets its interface and address, or fails",
    seconds: 15,
    source: "assumption",
};

pub(super) const AVAILABLE: Behaviour = Behaviour {
    service: "ec2",
    what: "a NAT gateway that has its interface and address becomes available",
    seconds: 105,
    source: "assumption",
};

pub(super) const DELETED: Behaviour = Behaviour {
    service: "ec2",
    what: "a NAT gateway is deleting, then deleted; until then it keeps its interface and address",
    seconds: 90,
    source: "assumption",
};

pub(super) const FORGOTTEN: Behaviour = Behaviour {
    service: "ec2",
    what: "a deleted or failed NAT gateway is still described for about an hour",
    seconds: 3600,
    source: "Amazon VPC User Guide, Work with NAT gateways",
};

pub(super) const LIMIT: Behaviour = Behaviour {
    service: "ec2",
    what: "a zone has at most 5 NAT gateways that are pending, available or deleting",
    seconds: 0,
    source: "Amazon VPC User Guide, Amazon VPC quotas",
};

pub(super) static NAT: Noun = Noun {
    kind: "ec2.nat_gateway",
    prefix: "nat",
    resource_type: "natgateway",
    id: "natGatewayId",
    set: "natGatewaySet",
    malformed: "NatGatewayMalformed",
    missing: ("NatGatewayNotFound", "The Nat Gateway {} was not found"),
    limit: None,
    filters: &[
        ("nat-gateway-id", "natGatewayId"),
        ("state", "state"),
        ("subnet-id", "subnetId"),
        ("vpc-id", "vpcId"),
    ],
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateNatGateway", |call, input| call.run(input, create)),
    ("DescribeNatGateways", |call, input| {
        Describe::read(call, input, "NatGatewayId")?.answer(call, &NAT)
    }),
    ("DeleteNatGateway", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    subnet_id: String,
    allocation_id: Option<String>,
    connectivity_type: Option<String>,
    private_ip_address: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let kind = request.connectivity_type.as_deref().unwrap_or("public");
    let home = SUBNET.refer(call, &request.subnet_id)?;
    let (vpc, zone) = (home.text("vpcId").to_owned(), home.text("availabilityZone").to_owned());
    let addresses = addresses(call, kind, request.allocation_id.as_deref())?;
    if let Some(address) = &request.private_ip_address {
        let parsed = address.parse::<Ipv4Addr>();
        if !parsed.is_ok_and(|parsed| subnet::is_free(call.world, &request.subnet_id, parsed)) {
            let message = format!("Address {address} is not free in {}", request.subnet_id);
            return Err(invalid(message));
        }
    }
    let tags = TagSpecification::of(&request.tag_specification, &NAT)?;
    within(in_zone(call, &zone), 5, "NatGatewayLimitExceeded", "NAT gateway")?;
    let id = NAT.new_id(call)?;
    let body = json!({
        "natGatewayId": id,
        "createTime": iso(call.world.now),
        "natGatewayAddressSet": addresses,
        "state": "pending",
        "subnetId": request.subnet_id,
        "vpcId": vpc,
        "connectivityType": kind,
    });
    let mut gateway = begin(call, body, tags);
    if let Some(address) = request.private_ip_address {
        gateway.hide("privateIpAddress", address);
    }
    gateway.later(call.world.after(&PROVISIONED), "provision");
    let shown = NAT.show(&gateway);
    call.world.put(NAT.key(&id), gateway);
    Ok(json!({ "natGateway": shown }))
}

/// Shows the addresses of a new NAT gateway, which has none by itself yet.
fn addresses(call: &Call<'_>, kind: &str, allocation: Option<&str>) -> Answer {
    Ok(match (kind, allocation) {
        ("public", Some(id)) => {
            ADDRESS.refer(call, id)?;
            json!([{ "allocationId": id }])
        }
        ("public", None) => {
            let message = "The request must contain the parameter allocationId";
            return Err(Refusal::new("MissingParameter", message));
        }
        ("private", None) => json!([]),
        ("private", Some(_)) => {
            return Err(invalid("AllocationId cannot be specified for a private NAT gateway."));
        }
        _ => {
            return Err(invalid(format!(
                "Value ({kind}) for parameter connectivityType is invalid."
            )));
        }
    })
}

/// Tells whether one is or will be there.
fn is_there(gateway: &Object) -> bool {
    ["pending", "available", "deleting"].contains(&gateway.text("state"))
}

/// Tells whether one is or will be in a subnet.
pub(super) fn is_in(call: &Call<'_>, subnet: &str) -> bool {
    let mut all = call.there(NAT.kind).into_iter();
    all.any(|(_, gateway)| is_there(gateway) && gateway.text("subnetId") == subnet)
}

/// Counts those of a zone that are or will be there.
fn in_zone(call: &Call<'_>, zone: &str) -> usize {
    let is_its = |gateway: &Object| {
        let subnet = call.get(&SUBNET.key(gateway.text("subnetId")));
        subnet.is_some_and(|subnet| subnet.text("availabilityZone") == zone)
    };
    let all = call.there(NAT.kind).into_iter();
    all.filter(|(_, gateway)| is_there(gateway) && is_its(gateway)).count()
}

/// Does what a NAT gateway was to do by itself.
pub(super) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        "provision" => match provision(world, key) {
            Ok(()) => {
                let ready = world.after(&AVAILABLE);
                world.edit(key, |gateway| gateway.later(ready, "state=available"));
            }
            Err((code, message)) => fail(world, key, code, &message),
        },
        "deleted" => {
            release(world, key);
            let forgotten = world.after(&FORGOTTEN);
            world.edit(key, |gateway| {
                gateway.set("state", "deleted");
                gateway.later(forgotten, "gone");
            });
        }
        _ => unknown_turn(key, word),
    }
}

/// Gives a NAT gateway its interface and its address.
fn provision(world: &mut World, key: &Key) -> Result<(), (&'static str, String)> {
    let gateway = world.get(key).cloned().unwrap_or_default();
    let (vpc, home) = (gateway.text("vpcId"), gateway.text("subnetId"));
    let is_public = gateway.text("connectivityType") == "public";
    let is_open = |its: &Object| internet_gateway::attached(its) == Some(vpc);
    if is_public && internet_gateway::GATEWAY.those(world, is_open).is_empty() {
        let message = format!("Network {vpc} has no Internet gateway attached");
        return Err(("Gateway.NotAttached", message));
    }
    let allocation = gateway.body["natGatewayAddressSet"][0]["allocationId"].as_str();
    let allocation = allocation.unwrap_or_default().to_owned();
    let address = world.get(&ADDRESS.key(&allocation));
    match address {
        None if is_public => {
            let message = format!(
                "Elastic IP address {allocation} could not be associated with this NAT gateway"
            );
            return Err(("InvalidAllocationID.NotFound", message));
        }
        Some(address) if !address.text("associationId").is_empty() => {
            let message = format!("Elastic IP address [{allocation}] is already associated");
            return Err(("Resource.AlreadyAssociated", message));
        }
        _ => {}
    }
    if subnet::free(world, home).is_none() {
        let message = "Subnet has insufficient free addresses to create this NAT gateway";
        return Err(("InsufficientFreeAddressesInSubnet", message.to_owned()));
    }
    let interface = interface(world, key, &gateway);
    let association = address::join(world, &allocation, &interface);
    let of = |key: &Key, field: &str| world.get(key).map(|object| object.text(field).to_owned());
    let its = network_interface::INTERFACE.key(&interface);
    let shown = json!([{
        "allocationId": is_public.then_some(&allocation),
        "associationId": association,
        "networkInterfaceId": interface,
        "privateIp": of(&its, "privateIpAddress"),
        "publicIp": of(&ADDRESS.key(&allocation), "publicIp"),
        "isPrimary": true,
        "status": "succeeded",
    }]);
    world.edit(key, |gateway| gateway.set("natGatewayAddressSet", shown));
    Ok(())
}

fn interface(world: &mut World, key: &Key, gateway: &Object) -> String {
    let new = NewInterface {
        subnet: gateway.text("subnetId"),
        description: &format!("Interface for NAT Gateway {}", key.id),
        groups: &[],
        instance: None,
        requester: Some(&gateway.account),
        tags: BTreeMap::new(),
    };
    let wanted = gateway.secret("privateIpAddress").parse().ok();
    let id = living::interface_at(world, &Place::of(gateway), new, wanted);
    let its = network_interface::INTERFACE.key(&id);
    world.edit(&its, |interface| {
        interface.set("interfaceType", "natGateway");
        interface.set("sourceDestCheck", false);
        interface.hide("owner", key.id.as_str());
    });
    id
}

fn fail(world: &mut World, key: &Key, code: &str, message: &str) {
    let (now, forgotten) = (iso(world.now), world.after(&FORGOTTEN));
    world.edit(key, |gateway| {
        gateway.set("state", "failed");
        gateway.set("failureCode", code);
        gateway.set("failureMessage", message);
        gateway.set("deleteTime", now);
        gateway.later(forgotten, "gone");
    });
}

/// Takes its interface away, and gives its address back to the account.
fn release(world: &mut World, key: &Key) {
    let is_its = |interface: &Object| interface.secret("owner") == key.id;
    for its in network_interface::INTERFACE.those(world, is_its) {
        network_interface::remove(world, &its);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    nat_gateway_id: String,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let id = request.nat_gateway_id.as_str();
    match NAT.get(call, id)?.text("state") {
        "deleted" => return Err(NAT.missing(id)),
        "deleting" => return Ok(json!({ "natGatewayId": id })),
        _ => {}
    }
    let (now, end) = (iso(call.world.now), call.world.after(&DELETED));
    call.world.edit(&NAT.key(id), |gateway| {
        gateway.turns.clear();
        gateway.set("state", "deleting");
        gateway.set("deleteTime", now);
        gateway.later(end, "deleted");
    });
    route::leads(call.world, ("natGatewayId", id), "blackhole");
    Ok(json!({ "natGatewayId": id }))
}
