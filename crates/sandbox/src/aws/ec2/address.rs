//! A public address that stays an account's.
use super::super::{Answer, Call, Refusal};
use super::describe::Describe;
use super::network_interface::{self, INTERFACE};
use super::noun::{Disassociate, begin, invalid};
use super::{Filter, Noun, Operation, TagSpecification, done, instance, internet_gateway};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const LIMIT: Behaviour = Behaviour {
    service: "ec2",
    what: "an account has at most 5 Elastic IP addresses in a region",
    seconds: 0,
    source: "Amazon EC2 User Guide, Elastic IP addresses",
};

pub(super) static ADDRESS: Noun = Noun {
    kind: "ec2.address",
    prefix: "eipalloc",
    resource_type: "elastic-ip",
    id: "allocationId",
    set: "addressesSet",
    malformed: "InvalidAddress.Malformed",
    missing: ("InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"),
    limit: Some((5, "AddressLimitExceeded")),
    filters: &[
        ("allocation-id", "allocationId"),
        ("association-id", "associationId"),
        ("domain", "domain"),
        ("instance-id", "instanceId"),
        ("network-border-group", "networkBorderGroup"),
        ("network-interface-id", "networkInterfaceId"),
        ("network-interface-owner-id", "networkInterfaceOwnerId"),
        ("private-ip-address", "privateIpAddress"),
        ("public-ip", "publicIp"),
    ],
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("AllocateAddress", |call, input| call.run(input, allocate)),
    ("AssociateAddress", |call, input| call.run(input, associate)),
    ("DescribeAddresses", |call, input| call.run(input, describe)),
    ("DisassociateAddress", |call, input| call.run(input, disassociate)),
    ("ReleaseAddress", |call, input| call.run(input, release)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Allocate {
    domain: Option<String>,
    network_border_group: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn allocate(call: &mut Call<'_>, request: Allocate) -> Answer {
    let domain = request.domain.as_deref().unwrap_or("vpc");
    if domain != "vpc" {
        return Err(invalid(format!("Value ({domain}) for parameter domain is invalid.")));
    }
    let group = request.network_border_group.unwrap_or_else(|| call.region.clone());
    if group != call.region {
        return Err(invalid(format!(
            "Value ({group}) for parameter networkBorderGroup is invalid."
        )));
    }
    let tags = TagSpecification::of(&request.tag_specification, &ADDRESS)?;
    let id = ADDRESS.new_id(call)?;
    let body = json!({
        "allocationId": id,
        "publicIp": public(call.world),
        "domain": domain,
        "publicIpv4Pool": "amazon",
        "networkBorderGroup": group,
    });
    let address = begin(call, body.clone(), tags);
    call.world.put(ADDRESS.key(&id), address);
    Ok(body)
}

/// Draws a public address, from the block that is set aside for benchmarks.
pub(super) fn public(world: &mut World) -> String {
    let mut byte = || (world.chance() * 254.0) as u32 + 1;
    format!("198.18.{}.{}", byte(), byte())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    allocation_id: Vec<String>,
    #[serde(default)]
    public_ip: Vec<String>,
    #[serde(default)]
    filter: Vec<Filter>,
}

fn describe(call: &mut Call<'_>, request: Asked) -> Answer {
    let asked =
        Describe { ids: request.allocation_id, filters: request.filter, ..Describe::default() };
    let found = asked.find(call, &ADDRESS)?;
    let has = |ip: &String| found.iter().any(|address| address.text("publicIp") == ip);
    if let Some(ip) = request.public_ip.iter().find(|ip| !has(ip)) {
        let message = format!("Address '{ip}' not found.");
        return Err(Refusal::new("InvalidAddress.NotFound", message));
    }
    let asked = found.into_iter().filter(|address| {
        request.public_ip.is_empty()
            || request.public_ip.iter().any(|ip| ip == address.text("publicIp"))
    });
    let set: Vec<Value> = asked.map(|address| ADDRESS.show(address)).collect();
    Ok(json!({ "addressesSet": set }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Associate {
    allocation_id: Option<String>,
    public_ip: Option<String>,
    instance_id: Option<String>,
    network_interface_id: Option<String>,
    private_ip_address: Option<String>,
    #[serde(default = "automatic")]
    allow_reassociation: bool,
}

/// An address goes to another place unless the call says otherwise.
fn automatic() -> bool {
    true
}

fn associate(call: &mut Call<'_>, request: Associate) -> Answer {
    let id = named(call, &request)?;
    let interface = target(call, &request)?;
    let told = call.get(&interface).cloned().unwrap_or_default();
    if told.body.get("requesterManaged") == Some(&json!(true)) {
        return Err(not_yours());
    }
    let is_its = |wanted: &String| wanted == told.text("privateIpAddress");
    if request.private_ip_address.as_ref().is_some_and(|wanted| !is_its(wanted)) {
        return Err(invalid(format!(
            "{} is not the primary address of {}",
            request.private_ip_address.unwrap_or_default(),
            interface.id
        )));
    }
    if internet_gateway::of(call, told.text("vpcId")).is_none() {
        let message =
            format!("Network {} is not attached to any internet gateway", told.text("vpcId"));
        return Err(Refusal::new("Gateway.NotAttached", message));
    }
    let key = ADDRESS.key(&id);
    let address = ADDRESS.get(call, &id)?;
    if address.text("networkInterfaceId") == interface.id {
        return Ok(json!({ "associationId": address.text("associationId") }));
    }
    if !address.text("associationId").is_empty() {
        if !request.allow_reassociation {
            let message = format!(
                "resource {id} is already associated with associate-id {}",
                address.text("associationId")
            );
            return Err(Refusal::new("Resource.AlreadyAssociated", message));
        }
        if is_of_service(call.world, address.text("networkInterfaceId")) {
            return Err(not_yours());
        }
        part(call.world, &key);
    }
    let had = ADDRESS.those(call.world, |it| it.text("networkInterfaceId") == interface.id);
    had.iter().for_each(|address| part(call.world, address));
    let association = join(call.world, &id, &interface.id);
    Ok(json!({ "associationId": association }))
}

/// Finds the address that is to be associated.
fn named(call: &Call<'_>, request: &Associate) -> Result<String, Refusal> {
    match (&request.allocation_id, &request.public_ip) {
        (Some(id), None) => ADDRESS.get(call, id).map(|_| id.clone()),
        (None, Some(ip)) => {
            let mut all = call.there(ADDRESS.kind).into_iter();
            let found = all.find(|(_, address)| address.text("publicIp") == ip);
            let message = format!("Address '{ip}' not found.");
            let missing = || Refusal::new("InvalidAddress.NotFound", message);
            found.map(|(key, _)| key.id.clone()).ok_or_else(missing)
        }
        (None, None) => Err(Refusal::new(
            "MissingParameter",
            "Either public IP or allocation id must be specified",
        )),
        (Some(_), Some(_)) => Err(Refusal::new(
            "InvalidParameterCombination",
            "You may specify public IP or allocation id, but not both in the same call",
        )),
    }
}

/// Finds the interface that an address is to be of: itself, or the first of a machine.
fn target(call: &Call<'_>, request: &Associate) -> Result<Key, Refusal> {
    match (&request.network_interface_id, &request.instance_id) {
        (Some(id), _) => INTERFACE.get(call, id).map(|_| INTERFACE.key(id)),
        (None, Some(id)) => {
            instance::INSTANCE.get(call, id)?;
            let message = format!("The instance '{id}' has no network interface");
            instance::first(call.world, id)
                .ok_or_else(|| Refusal::new("InvalidInstanceID", message))
        }
        (None, None) => Err(Refusal::new(
            "MissingParameter",
            "Either instance ID or network interface ID must be specified",
        )),
    }
}

/// Tells whether an interface is a service's own.
fn is_of_service(world: &World, interface: &str) -> bool {
    let interface = world.get(&INTERFACE.key(interface));
    interface.is_some_and(|it| it.body.get("requesterManaged") == Some(&json!(true)))
}

fn not_yours() -> Refusal {
    let message = "You do not have permission to access the specified resource.";
    Refusal::new("AuthFailure", message).status(401)
}

fn disassociate(call: &mut Call<'_>, request: Disassociate) -> Answer {
    let id = request.association_id.as_str();
    let mut all = call.there(ADDRESS.kind).into_iter();
    let Some((key, address)) = all.find(|(_, address)| address.text("associationId") == id) else {
        let message = format!("The association ID '{id}' does not exist");
        return Err(Refusal::new("InvalidAssociationID.NotFound", message));
    };
    if is_of_service(call.world, address.text("networkInterfaceId")) {
        return Err(not_yours());
    }
    let key = key.clone();
    part(call.world, &key);
    done()
}

/// Associates an address with a network interface.
pub(super) fn join(world: &mut World, id: &str, interface: &str) -> Option<String> {
    let (key, interface) = (ADDRESS.key(id), INTERFACE.key(interface));
    let public = world.get(&key)?.text("publicIp").to_owned();
    let association = format!("eipassoc-0{}", world.digits(16));
    let private = world.get(&interface)?.text("privateIpAddress").to_owned();
    let owner = world.get(&interface)?.account.clone();
    let shown = json!({
        "allocationId": id,
        "associationId": association,
        "ipOwnerId": owner,
        "publicIp": public,
    });
    world.edit(&interface, |interface| network_interface::map(interface, Some(shown)));
    instance::reach(world, &interface);
    world.edit(&key, |address| {
        address.set("associationId", association.as_str());
        address.set("networkInterfaceId", interface.id.as_str());
        address.set("networkInterfaceOwnerId", owner);
        address.set("privateIpAddress", private);
    });
    Some(association)
}

/// Ends the association of an address.
pub(super) fn part(world: &mut World, key: &Key) {
    let interface = world.edit(key, |address| {
        let interface = address.text("networkInterfaceId").to_owned();
        for field in
            ["associationId", "networkInterfaceId", "networkInterfaceOwnerId", "privateIpAddress"]
        {
            address.body.remove(field);
        }
        interface
    });
    let interface = INTERFACE.key(&interface.unwrap_or_default());
    world.edit(&interface, |interface| network_interface::map(interface, None));
    instance::reach(world, &interface);
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Release {
    allocation_id: String,
    network_border_group: Option<String>,
}

fn release(call: &mut Call<'_>, request: Release) -> Answer {
    let id = request.allocation_id.as_str();
    let address = ADDRESS.get(call, id)?;
    if request.network_border_group.is_some_and(|group| group != call.region) {
        return Err(invalid("The address is not in that network border group."));
    }
    if !address.text("associationId").is_empty() {
        let message = format!("Address {} is in use.", address.text("publicIp"));
        return Err(Refusal::new("InvalidIPAddress.InUse", message));
    }
    call.world.remove(&ADDRESS.key(id));
    done()
}
