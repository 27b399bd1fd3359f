//! What other services make in a network: interfaces, security groups, machines.
use super::super::partition;
use crate::world::{Key, Object, World};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Whose something is, and where.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) region: String,
}

impl Place {
    pub(crate) fn of(object: &Object) -> Self {
        Self { account: object.account.clone(), region: object.region.clone() }
    }

    fn object(&self, world: &World, body: Value, tags: BTreeMap<String, String>) -> Object {
        let body = match body {
            Value::Object(body) => body,
            _ => Map::new(),
        };
        let (account, region) = (self.account.clone(), self.region.clone());
        Object { account, region, body, tags, made: world.now, ..Object::default() }
    }
}

/// Returns the kind and id of a subnet.
pub(crate) fn subnet(id: &str) -> Key {
    Key::new("ec2.subnet", id)
}

/// A network interface that a service makes for itself.
#[derive(Clone, Debug)]
pub(crate) struct NewInterface<'a> {
    pub(crate) subnet: &'a str,
    pub(crate) description: &'a str,
    pub(crate) groups: &'a [String],
    /// The machine that it is attached to, if any.
    pub(crate) instance: Option<&'a str>,
    /// The service that alone may delete it, if any.
    pub(crate) requester: Option<&'a str>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Makes a network interface, and returns its id.
pub(crate) fn interface(world: &mut World, place: &Place, new: NewInterface<'_>) -> String {
    let id = format!("eni-0{}", world.digits(16));
    let within = world.get(&subnet(new.subnet));
    let of = |field: &str| within.map(|subnet| subnet.text(field)).unwrap_or_default().to_owned();
    let (vpc, zone) = (of("vpcId"), of("availabilityZone"));
    let groups: Vec<Value> = new.groups.iter().map(|group| json!({ "groupId": group })).collect();
    let attachment = new.instance.map(|instance| {
        json!({ "instanceId": instance, "deviceIndex": 0, "status": "attached", "deleteOnTermination": true })
    });
    let status =
        if new.instance.is_some() || new.requester.is_some() { "in-use" } else { "available" };
    let body = json!({
        "networkInterfaceId": id,
        "subnetId": new.subnet,
        "vpcId": vpc,
        "availabilityZone": zone,
        "description": new.description,
        "ownerId": place.account,
        "requesterId": new.requester,
        "requesterManaged": new.requester.is_some(),
        "status": status,
        "interfaceType": "interface",
        "groupSet": groups,
        "attachment": attachment,
    });
    let object = place.object(world, body, new.tags);
    world.put(Key::new("ec2.network_interface", &id), object);
    id
}

/// Makes a security group that lets its members talk to each other, and returns its id.
pub(crate) fn security_group(
    world: &mut World,
    place: &Place,
    vpc: &str,
    (name, description): (&str, &str),
    tags: BTreeMap<String, String>,
) -> String {
    let id = format!("sg-0{}", world.digits(16));
    let own = json!([{ "groupId": id, "userId": place.account }]);
    let all = json!([{ "cidrIp": "0.0.0.0/0" }]);
    let arn = format!(
        "arn:{}:ec2:{}:{}:security-group/{id}",
        partition(&place.region),
        place.region,
        place.account
    );
    let body = json!({
        "groupId": id,
        "groupName": name,
        "groupDescription": description,
        "ownerId": place.account,
        "vpcId": vpc,
        "securityGroupArn": arn,
        "ipPermissions": [{ "ipProtocol": "-1", "groups": own, "ipRanges": [], "ipv6Ranges": [], "prefixListIds": [] }],
        "ipPermissionsEgress": [{ "ipProtocol": "-1", "groups": [], "ipRanges": all, "ipv6Ranges": [], "prefixListIds": [] }],
    });
    let object = place.object(world, body, tags);
    world.put(Key::new("ec2.security_group", &id), object);
    id
}

/// A machine that a group of them launches.
#[derive(Clone, Debug)]
pub(crate) struct NewInstance<'a> {
    pub(crate) subnet: &'a str,
    pub(crate) machine: &'a str,
    pub(crate) spot: bool,
    pub(crate) groups: &'a [String],
    pub(crate) tags: BTreeMap<String, String>,
}

/// Launches a machine with its network interface, and returns its id.
pub(crate) fn launch(world: &mut World, place: &Place, new: NewInstance<'_>) -> String {
    let id = format!("i-0{}", world.digits(16));
    let within = world.get(&subnet(new.subnet));
    let of = |field: &str| within.map(|subnet| subnet.text(field)).unwrap_or_default().to_owned();
    let (vpc, zone) = (of("vpcId"), of("availabilityZone"));
    let interface = NewInterface {
        subnet: new.subnet,
        description: "",
        groups: new.groups,
        instance: Some(&id),
        requester: None,
        tags: BTreeMap::new(),
    };
    self::interface(world, place, interface);
    let body = json!({
        "instanceId": id,
        "instanceType": new.machine,
        "instanceLifecycle": new.spot.then_some("spot"),
        "instanceState": { "code": 16, "name": "running" },
        "subnetId": new.subnet,
        "vpcId": vpc,
        "placement": { "availabilityZone": zone, "tenancy": "default" },
        "launchTime": crate::clock::iso(world.now),
    });
    let object = place.object(world, body, new.tags);
    world.put(Key::new("ec2.instance", &id), object);
    id
}

/// Terminates a machine: it and its interfaces go.
pub(crate) fn terminate(world: &mut World, id: &str) {
    let is_its = |object: &Object| {
        object.body.get("attachment").and_then(|a| a["instanceId"].as_str()) == Some(id)
    };
    let interfaces = world.of("ec2.network_interface").filter(|(_, object)| is_its(object));
    let interfaces: Vec<Key> = interfaces.map(|(key, _)| key.clone()).collect();
    interfaces.iter().for_each(|key| drop(world.remove(key)));
    world.remove(&Key::new("ec2.instance", id));
}
