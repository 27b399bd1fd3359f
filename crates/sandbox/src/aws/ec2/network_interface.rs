//! A network interface: an address in a subnet, and who has it.
use super::super::{Answer, Call, Refusal, unknown_turn};
use super::noun::{invalid, items};
use super::{Describe, Noun, Operation, address, done, security_group, subnet};
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

pub(super) static INTERFACE: Noun = Noun {
    kind: "ec2.network_interface",
    prefix: "eni",
    resource_type: "network-interface",
    id: "networkInterfaceId",
    set: "networkInterfaceSet",
    malformed: "InvalidNetworkInterfaceId.Malformed",
    missing: ("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '{}' does not exist"),
    limit: None,
    filters: &[
        ("addresses.private-ip-address", "privateIpAddressesSet.privateIpAddress"),
        ("addresses.primary", "privateIpAddressesSet.primary"),
        ("association.allocation-id", "association.allocationId"),
        ("association.association-id", "association.associationId"),
        ("association.ip-owner-id", "association.ipOwnerId"),
        ("association.public-ip", "association.publicIp"),
        ("attachment.attachment-id", "attachment.attachmentId"),
        ("attachment.delete-on-termination", "attachment.deleteOnTermination"),
        ("attachment.device-index", "attachment.deviceIndex"),
        ("attachment.instance-id", "attachment.instanceId"),
        ("attachment.instance-owner-id", "attachment.instanceOwnerId"),
        ("attachment.status", "attachment.status"),
        ("availability-zone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("description", "description"),
        ("group-id", "groupSet.groupId"),
        ("group-name", "groupSet.groupName"),
        ("interface-type", "interfaceType"),
        ("mac-address", "macAddress"),
        ("network-interface-id", "networkInterfaceId"),
        ("owner-id", "ownerId"),
        ("private-dns-name", "privateDnsName"),
        ("private-ip-address", "privateIpAddress"),
        ("requester-id", "requesterId"),
        ("requester-managed", "requesterManaged"),
        ("source-dest-check", "sourceDestCheck"),
        ("status", "status"),
        ("subnet-id", "subnetId"),
        ("vpc-id", "vpcId"),
    ],
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("DescribeNetworkInterfaces", |call, input| {
        Describe::read(call, input, "NetworkInterfaceId")?.answer(call, &INTERFACE)
    }),
    ("DetachNetworkInterface", |call, input| call.run(input, detach)),
    ("DeleteNetworkInterface", |call, input| call.run(input, delete)),
];

/// Returns the interfaces with a member such as `subnetId`.
pub(super) fn of<'a>(
    world: &'a World,
    field: &'static str,
    value: &'a str,
) -> impl Iterator<Item = (&'a Key, &'a Object)> {
    world.of(INTERFACE.kind).filter(move |(_, interface)| interface.text(field) == value)
}

/// Returns the addresses of a subnet that are taken.
pub(super) fn addresses(world: &World, subnet: &str) -> Vec<String> {
    let all = of(world, "subnetId", subnet);
    let all = all.flat_map(|(_, interface)| items(interface, "privateIpAddressesSet"));
    all.filter_map(|address| Some(address["privateIpAddress"].as_str()?.to_owned())).collect()
}

/// Returns the interfaces that a security group is on.
pub(super) fn has_group(interface: &Object, group: &str) -> bool {
    items(interface, "groupSet").iter().any(|its| its["groupId"] == group)
}

/// Puts one into the world with an address: the one wanted, or else the lowest that its subnet has
/// left, if any.
pub(super) fn place(world: &mut World, id: &str, mut interface: Object, wanted: Option<Ipv4Addr>) {
    let home = interface.text("subnetId").to_owned();
    let octets = world.digits(10);
    let octets: Vec<&str> = (0..5).map(|n| &octets[2 * n..2 * n + 2]).collect();
    interface.set("macAddress", format!("02:{}", octets.join(":")));
    let wanted = wanted.filter(|address| subnet::is_free(world, &home, *address));
    if let Some(address) = wanted.or_else(|| subnet::free(world, &home)) {
        let name = private_name(&interface.region, &address.to_string());
        interface.set("privateIpAddress", address.to_string());
        interface.set("privateDnsName", name.as_str());
        let all = json!([{
            "primary": true,
            "privateIpAddress": address,
            "privateDnsName": name,
        }]);
        interface.set("privateIpAddressesSet", all);
    }
    world.put(INTERFACE.key(id), interface);
    subnet::count(world, &home);
}

/// Returns the name that an address has inside a VPC.
pub(super) fn private_name(region: &str, address: &str) -> String {
    let dashed = address.replace('.', "-");
    match region {
        "us-east-1" => format!("ip-{dashed}.ec2.internal"),
        _ => format!("ip-{dashed}.{region}.compute.internal"),
    }
}

/// Shows the public address of an interface, or that it has none.
pub(super) fn map(interface: &mut Object, association: Option<Value>) {
    let first = interface.body.get_mut("privateIpAddressesSet").and_then(|set| set.get_mut(0));
    match association {
        Some(association) => {
            if let Some(first) = first {
                first["association"] = association.clone();
            }
            interface.set("association", association);
        }
        None => {
            if let Some(first) = first.and_then(Value::as_object_mut) {
                first.remove("association");
            }
            interface.body.remove("association");
        }
    }
}

/// Takes one away, and with it what was mapped to it.
pub(super) fn remove(world: &mut World, key: &Key) {
    let is_mapped = |address: &Object| address.text("networkInterfaceId") == key.id;
    for mapped in address::ADDRESS.those(world, is_mapped) {
        address::part(world, &mapped);
    }
    if let Some(interface) = world.remove(key) {
        subnet::count(world, interface.text("subnetId"));
    }
}

/// Does what an interface was to do by itself.
pub(super) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        "remove" => remove(world, key),
        _ => unknown_turn(key, word),
    }
}

/// Gives an interface other security groups.
pub(super) fn regroup(world: &mut World, key: &Key, groups: &[String]) {
    let set = security_group::shown(world, groups);
    world.edit(key, |interface| interface.set("groupSet", set));
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Detach {
    attachment_id: String,
    #[serde(default, rename = "Force")]
    _force: bool,
}

fn detach(call: &mut Call<'_>, request: Detach) -> Answer {
    let id = request.attachment_id.as_str();
    let mut all = call.there(INTERFACE.kind).into_iter();
    let is_it = |interface: &Object| {
        interface.body.get("attachment").is_some_and(|its| its["attachmentId"] == id)
    };
    let Some((key, interface)) = all.find(|(_, interface)| is_it(interface)) else {
        let message = format!("The networkInterfaceAttachment ID '{id}' does not exist");
        return Err(Refusal::new("InvalidAttachmentID.NotFound", message));
    };
    let not_permitted = |message: String| Err(Refusal::new("OperationNotPermitted", message));
    if interface.body.get("requesterManaged") == Some(&json!(true)) {
        return not_permitted(format!("You are not allowed to manage '{id}' attachments."));
    }
    if interface.body["attachment"]["deviceIndex"] == 0 {
        let message = "The network interface at device index 0 cannot be detached.";
        return not_permitted(message.to_owned());
    }
    let key = key.clone();
    call.world.edit(&key, |interface| {
        interface.body.remove("attachment");
        interface.set("status", "available");
    });
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    network_interface_id: String,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let id = request.network_interface_id.as_str();
    let interface = INTERFACE.get(call, id)?;
    if interface.text("status") != "available" {
        return Err(invalid(format!("Network interface '{id}' is currently in use.")));
    }
    if interface.body.get("requesterManaged") == Some(&json!(true)) {
        let message = "You do not have permission to access the specified resource.";
        return Err(Refusal::new("AuthFailure", message).status(401));
    }
    remove(call.world, &INTERFACE.key(id));
    done()
}
