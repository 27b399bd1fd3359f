//! A machine. Only groups of machines launch any; everybody sees and ends them.
use super::super::{Answer, Call, Input, unknown_turn};
use super::describe::{Describe, no_page};
use super::network_interface::{self, INTERFACE};
use super::{Noun, Operation, machines, tag_set, volume};
use crate::behaviour::Behaviour;
use crate::clock::iso;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const RUNNING: Behaviour = Behaviour {
    service: "ec2",
    what: "an instance is pending, then running",
    seconds: 15,
    source: "assumption",
};

pub(super) const TERMINATED: Behaviour = Behaviour {
    service: "ec2",
    what: "an instance is shutting-down, then terminated; until then it keeps its interfaces and \
        volumes",
    seconds: 45,
    source: "assumption",
};

pub(super) const FORGOTTEN: Behaviour = Behaviour {
    service: "ec2",
    what: "a terminated instance is still described for about an hour",
    seconds: 3600,
    source: "Amazon EC2 User Guide, Terminate Amazon EC2 instances",
};

pub(super) static INSTANCE: Noun = Noun {
    kind: "ec2.instance",
    prefix: "i",
    resource_type: "instance",
    id: "instanceId",
    set: "instancesSet",
    malformed: "InvalidInstanceID.Malformed",
    missing: ("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist"),
    limit: None,
    filters: &[
        ("architecture", "architecture"),
        ("availability-zone", "placement.availabilityZone"),
        ("availability-zone-id", "placement.availabilityZoneId"),
        ("image-id", "imageId"),
        ("instance-id", "instanceId"),
        ("instance-lifecycle", "instanceLifecycle"),
        ("instance-state-code", "instanceState.code"),
        ("instance-state-name", "instanceState.name"),
        ("instance-type", "instanceType"),
        ("instance.group-id", "groupSet.groupId"),
        ("instance.group-name", "groupSet.groupName"),
        ("ip-address", "ipAddress"),
        ("launch-time", "launchTime"),
        ("private-dns-name", "privateDnsName"),
        ("private-ip-address", "privateIpAddress"),
        ("reservation-id", "reservationId"),
        ("subnet-id", "subnetId"),
        ("vpc-id", "vpcId"),
    ],
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("DescribeInstances", describe),
    ("TerminateInstances", |call, input| call.run(input, terminate)),
];

/// Lists machines, each in a reservation of its own.
fn describe(call: &mut Call<'_>, input: &Input) -> Answer {
    let asked = Describe::read(call, input, "InstanceId")?;
    let found = asked.find(call, &INSTANCE)?;
    let named = |object: &&Object| object.text(INSTANCE.id).to_owned();
    let (page, next) = asked.page.cut(found, named, no_page)?;
    let set: Vec<Value> = page.into_iter().map(|instance| reservation(call, instance)).collect();
    Ok(json!({ "reservationSet": set, "nextToken": next }))
}

fn reservation(call: &Call<'_>, instance: &Object) -> Value {
    let mut shown = instance.body.clone();
    let reservation = shown.remove("reservationId");
    let all = call.seen(INTERFACE.kind).into_iter();
    let its = all.filter(|(_, interface)| is_on(interface, instance.text("instanceId")));
    let interfaces: Vec<Value> = its.map(|(_, interface)| attached(interface)).collect();
    shown.insert("networkInterfaceSet".to_owned(), json!(interfaces));
    shown.insert(
        "blockDeviceMapping".to_owned(),
        volume::mapping(call, instance.text("instanceId")),
    );
    shown.insert("tagSet".to_owned(), tag_set(&instance.tags));
    json!({
        "reservationId": reservation,
        "ownerId": instance.account,
        "groupSet": [],
        "instancesSet": [shown],
    })
}

/// Describes a new machine by the interface that it begins with.
pub(super) fn body(world: &mut World, (id, machine): (&str, &str), interface: &Object) -> Value {
    let architecture = machines::find(machine).map_or("x86_64", machines::Machine::architecture);
    json!({
        "instanceId": id,
        "reservationId": format!("r-0{}", world.digits(16)),
        "instanceType": machine,
        "architecture": architecture,
        "instanceState": { "code": 0, "name": "pending" },
        "privateIpAddress": interface.text("privateIpAddress"),
        "privateDnsName": interface.text("privateDnsName"),
        "subnetId": interface.text("subnetId"),
        "vpcId": interface.text("vpcId"),
        "groupSet": interface.body.get("groupSet"),
        "placement": {
            "availabilityZone": interface.text("availabilityZone"),
            "availabilityZoneId": interface.text("availabilityZoneId"),
            "groupName": "",
            "tenancy": "default",
        },
        "monitoring": { "state": "disabled" },
        "launchTime": iso(world.now),
        "amiLaunchIndex": 0,
        "ebsOptimized": false,
        "enaSupport": true,
        "hypervisor": "xen",
        "virtualizationType": "hvm",
        "rootDeviceType": "ebs",
        "rootDeviceName": "/dev/xvda",
        "sourceDestCheck": true,
    })
}

/// Shows an interface as its machine does.
fn attached(interface: &Object) -> Value {
    const SHOWN: &[&str] = &[
        "association",
        "attachment",
        "description",
        "groupSet",
        "interfaceType",
        "macAddress",
        "networkInterfaceId",
        "ownerId",
        "privateDnsName",
        "privateIpAddress",
        "privateIpAddressesSet",
        "sourceDestCheck",
        "status",
        "subnetId",
        "vpcId",
    ];
    let mut shown = interface.body.clone();
    shown.retain(|field, _| SHOWN.contains(&field.as_str()));
    if let Some(attachment) = shown.get_mut("attachment").and_then(Value::as_object_mut) {
        attachment.remove("instanceId");
        attachment.remove("instanceOwnerId");
    }
    if let Some(association) = shown.get_mut("association").and_then(Value::as_object_mut) {
        association.retain(|field, _| {
            ["ipOwnerId", "publicIp", "publicDnsName"].contains(&field.as_str())
        });
    }
    shown.remove("privateIpAddressesSet");
    Value::Object(shown)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Terminate {
    instance_id: Vec<String>,
}

fn terminate(call: &mut Call<'_>, request: Terminate) -> Answer {
    for id in &request.instance_id {
        INSTANCE.get(call, id)?;
    }
    let mut set = Vec::new();
    for id in &request.instance_id {
        let before = INSTANCE.get(call, id)?.body["instanceState"].clone();
        end(call.world, id);
        let now = &INSTANCE.get(call, id)?.body["instanceState"];
        set.push(json!({ "instanceId": id, "previousState": before, "currentState": now }));
    }
    Ok(json!({ "instancesSet": set }))
}

/// Begins to end a machine that has not ended yet.
pub(super) fn end(world: &mut World, id: &str) {
    let key = INSTANCE.key(id);
    let Some(instance) = world.get(&key) else { return };
    if !is_alive(instance) {
        return;
    }
    let (at, now) = (world.after(&TERMINATED), world.now);
    let reason = format!("User initiated ({})", iso(now));
    world.edit(&key, |instance| {
        instance.turns.clear();
        instance.set("instanceState", json!({ "code": 32, "name": "shutting-down" }));
        instance.set("reason", reason);
        instance.later(at, "terminated");
    });
}

/// Tells whether a machine is there and does not end.
pub(super) fn is_alive(instance: &Object) -> bool {
    let state = instance.body.get("instanceState").and_then(|state| state["name"].as_str());
    !matches!(state, Some("shutting-down" | "terminated"))
}

/// Does what a machine was to do by itself.
pub(super) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        "running" => {
            let state = json!({ "code": 16, "name": "running" });
            world.edit(key, |instance| instance.set("instanceState", state));
        }
        "terminated" => {
            for interface in INTERFACE.those(world, |interface| is_on(interface, &key.id)) {
                leave(world, &interface);
            }
            volume::leave(world, &key.id);
            let forgotten = world.after(&FORGOTTEN);
            world.edit(key, |instance| {
                instance.set("instanceState", json!({ "code": 48, "name": "terminated" }));
                instance.body.retain(|field, _| {
                    !["privateIpAddress", "ipAddress", "subnetId", "vpcId", "groupSet"]
                        .contains(&field.as_str())
                });
                instance.later(forgotten, "gone");
            });
        }
        _ => unknown_turn(key, word),
    }
}

/// Parts an interface from a machine that ends: it goes too, unless it was to stay.
fn leave(world: &mut World, key: &Key) {
    let stays = world
        .get(key)
        .is_some_and(|interface| interface.body["attachment"]["deleteOnTermination"] == false);
    if !stays {
        return network_interface::remove(world, key);
    }
    world.edit(key, |interface| {
        interface.body.remove("attachment");
        interface.set("status", "available");
    });
}

/// Tells whether an interface is on a machine.
fn is_on(interface: &Object, id: &str) -> bool {
    interface.body.get("attachment").is_some_and(|attachment| attachment["instanceId"] == id)
}

/// Counts the interfaces that a machine has.
pub(super) fn interfaces(world: &World, id: &str) -> usize {
    INTERFACE.those(world, |interface| is_on(interface, id)).len()
}

/// Returns the interface that a machine came with.
pub(super) fn first(world: &World, id: &str) -> Option<Key> {
    let is_first = |it: &Object| is_on(it, id) && it.body["attachment"]["deviceIndex"] == 0;
    INTERFACE.those(world, is_first).into_iter().next()
}

/// Shows the public address of an interface where a machine came with it.
pub(super) fn reach(world: &mut World, interface: &Key) {
    let Some(told) = world.get(interface) else { return };
    let public = told.body.get("association").map(|its| its["publicIp"].clone());
    let machine = told.body.get("attachment").and_then(|its| its["instanceId"].as_str());
    let Some(machine) = machine.filter(|id| first(world, id).as_ref() == Some(interface)) else {
        return;
    };
    let machine = INSTANCE.key(machine);
    world.edit(&machine, |machine| machine.set("ipAddress", public));
}
