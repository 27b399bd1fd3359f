//! What other services make in a network: interfaces, security groups, machines, volumes.
use super::super::Call;
use super::address;
use super::instance::{self, INSTANCE};
use super::launch_template::{self, TEMPLATE};
use super::network_interface::{self, INTERFACE};
use super::noun::members;
use super::security_group;
use super::subnet::SUBNET;
use super::volume::{self, VOLUME};
use crate::clock::iso;
use crate::world::{Key, Object, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

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

    /// Returns where a call is made.
    pub(super) fn here(call: &Call<'_>) -> Self {
        Self { account: call.caller.account.clone(), region: call.region.clone() }
    }

    pub(super) fn object(
        &self,
        world: &World,
        body: Value,
        tags: BTreeMap<String, String>,
    ) -> Object {
        let body = members(body);
        let (account, region) = (self.account.clone(), self.region.clone());
        Object { account, region, body, tags, made: world.now, ..Object::default() }
    }
}

/// Returns the kind and id of a subnet.
pub(crate) fn subnet(id: &str) -> Key {
    SUBNET.key(id)
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

/// Makes a network interface with an address of its subnet, and returns its id.
pub(crate) fn interface(world: &mut World, place: &Place, new: NewInterface<'_>) -> String {
    interface_at(world, place, new, None)
}

/// Makes a network interface with a certain address, and returns its id.
pub(super) fn interface_at(
    world: &mut World,
    place: &Place,
    new: NewInterface<'_>,
    address: Option<Ipv4Addr>,
) -> String {
    let id = INTERFACE.draw(world);
    let within = world.get(&subnet(new.subnet));
    let of = |field: &str| within.map(|subnet| subnet.text(field)).unwrap_or_default().to_owned();
    let (vpc, zone, zone_id) = (of("vpcId"), of("availabilityZone"), of("availabilityZoneId"));
    let groups = security_group::shown(world, new.groups);
    let attachment = attachment(world, place, &new);
    let status = if attachment.is_some() { "in-use" } else { "available" };
    let mut body = json!({
        "networkInterfaceId": id,
        "subnetId": new.subnet,
        "vpcId": vpc,
        "availabilityZone": zone,
        "availabilityZoneId": zone_id,
        "description": new.description,
        "ownerId": place.account,
        "requesterManaged": new.requester.is_some(),
        "status": status,
        "interfaceType": "interface",
        "sourceDestCheck": true,
        "groupSet": groups,
        "ipv6AddressesSet": [],
    });
    if let Some(requester) = new.requester {
        body["requesterId"] = json!(requester);
    }
    if let Some(attachment) = attachment {
        body["attachment"] = attachment;
    }
    let object = place.object(world, body, new.tags);
    network_interface::place(world, &id, object, address);
    id
}

/// Says what a new network interface is attached to, if to anything.
fn attachment(world: &mut World, place: &Place, new: &NewInterface<'_>) -> Option<Value> {
    let now = iso(world.now);
    match new.instance {
        Some(instance) => Some(json!({
            "attachmentId": format!("eni-attach-0{}", world.digits(16)),
            "instanceId": instance,
            "instanceOwnerId": place.account,
            "deviceIndex": instance::interfaces(world, instance),
            "networkCardIndex": 0,
            "status": "attached",
            "attachTime": now,
            "deleteOnTermination": true,
        })),
        None => new.requester.map(|requester| {
            json!({
                "attachmentId": format!("ela-attach-0{}", world.digits(16)),
                "instanceOwnerId": requester,
                "deviceIndex": 1,
                "status": "attached",
                "attachTime": now,
                "deleteOnTermination": false,
            })
        }),
    }
}

/// Takes a network interface away, whoever has it.
pub(crate) fn remove_interface(world: &mut World, id: &str) {
    network_interface::remove(world, &INTERFACE.key(id));
}

/// Makes a security group, with name and description, that lets its members talk to each other and
/// to everybody outside, and returns its id.
pub(crate) fn security_group(
    world: &mut World,
    place: &Place,
    vpc: &str,
    words: (&str, &str),
    tags: BTreeMap<String, String>,
) -> String {
    let id = security_group::make(world, place, vpc, words, tags);
    security_group::join(world, place, &id);
    id
}

/// Lets the members of one security group talk to those of another.
pub(crate) fn admit(world: &mut World, place: &Place, group: &str, peer: &str) {
    security_group::admit(world, place, group, peer);
}

/// Returns the default security group of a VPC.
pub(crate) fn default_group(call: &Call<'_>, vpc: &str) -> Option<String> {
    security_group::default_of(call, vpc)
}

/// Takes a security group away, with its rules.
pub(crate) fn remove_security_group(world: &mut World, id: &str) {
    security_group::remove(world, id);
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

/// Launches a machine with its network interface, and returns its id. It is pending at first.
pub(crate) fn launch(world: &mut World, place: &Place, new: NewInstance<'_>) -> String {
    let id = INSTANCE.draw(world);
    let within = world.get(&subnet(new.subnet));
    let is_public =
        within.is_some_and(|its| its.body.get("mapPublicIpOnLaunch") == Some(&json!(true)));
    let interface = NewInterface {
        subnet: new.subnet,
        description: "",
        groups: new.groups,
        instance: Some(&id),
        requester: None,
        tags: BTreeMap::new(),
    };
    let interface = INTERFACE.key(&self::interface(world, place, interface));
    let public = is_public.then(|| address::public(world));
    if let Some(public) = &public {
        let association = json!({ "ipOwnerId": "amazon", "publicIp": public });
        world.edit(&interface, |its| network_interface::map(its, Some(association)));
    }
    let its = world.get(&interface).cloned().unwrap_or_default();
    let mut body = instance::body(world, (&id, new.machine), &its);
    body["ipAddress"] = json!(public);
    if new.spot {
        body["instanceLifecycle"] = json!("spot");
    }
    let mut object = place.object(world, body, new.tags);
    object.later(world.after(&instance::RUNNING), "running");
    world.put(INSTANCE.key(&id), object);
    id
}

/// Begins to terminate a machine: after a while its interfaces and volumes are free or gone, and an
/// hour later nobody remembers it.
pub(crate) fn terminate(world: &mut World, id: &str) {
    instance::end(world, id);
}

/// Tells whether a machine is there and does not end.
pub(crate) fn is_alive(world: &World, id: &str) -> bool {
    world.get(&INSTANCE.key(id)).is_some_and(instance::is_alive)
}

/// A volume that a driver makes for a claim.
#[derive(Clone, Debug)]
pub(crate) struct NewVolume<'a> {
    pub(crate) zone: &'a str,
    /// In GiB.
    pub(crate) size: u64,
    /// The machine that it is attached to, if any.
    pub(crate) instance: Option<&'a str>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Makes a volume, and returns its id. When its machine ends it stays.
pub(crate) fn volume(world: &mut World, place: &Place, new: NewVolume<'_>) -> String {
    let id = VOLUME.draw(world);
    let now = iso(world.now);
    let mut body = volume::body(&place.region, &id, new.zone, new.size, now);
    body["status"] = json!("available");
    let object = place.object(world, body, new.tags);
    world.put(VOLUME.key(&id), object);
    attach(world, &id, new.instance);
    id
}

/// Attaches a volume to a machine, or to none.
pub(crate) fn attach(world: &mut World, id: &str, instance: Option<&str>) {
    volume::attach(world, id, instance);
}

/// Returns what a version of a launch template says, called by id or name and by number, `$Latest`
/// or `$Default`; in the words of EC2's answers.
pub(crate) fn template(world: &World, place: &Place, name: &str, version: &str) -> Option<Value> {
    let is_here = |its: &Object| its.account == place.account && its.region == place.region;
    let is_it = |its: &Object| {
        [its.text("launchTemplateId"), its.text("launchTemplateName")].contains(&name)
    };
    let mut all = world.of(TEMPLATE.kind).map(|(_, template)| template);
    let template = all.find(|template| is_here(template) && is_it(template))?;
    let version = launch_template::numbered(template, version).ok()?;
    Some(version["launchTemplateData"].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    /// A world with a subnet, and where it is.
    fn world() -> (World, Place) {
        let mut world = World::new(1, 0);
        let place = Place { account: "123456789012".into(), region: "us-east-1".into() };
        let body = json!({
            "subnetId": "subnet-1",
            "vpcId": "vpc-1",
            "cidrBlock": "10.0.0.0/28",
            "availabilityZone": "us-east-1a",
            "availabilityZoneId": "use1-az6",
            "availableIpAddressCount": 11,
            "mapPublicIpOnLaunch": true,
        });
        let object = place.object(&world, body, BTreeMap::new());
        world.put(subnet("subnet-1"), object);
        (world, place)
    }

    fn new<'a>(groups: &'a [String], instance: Option<&'a str>) -> NewInterface<'a> {
        let tags = BTreeMap::new();
        let (subnet, description) = ("subnet-1", "");
        NewInterface { subnet, description, groups, instance, requester: None, tags }
    }

    fn left(world: &World) -> u64 {
        world.get(&subnet("subnet-1")).unwrap().body["availableIpAddressCount"].as_u64().unwrap()
    }

    fn text(world: &World, key: &Key, pointer: &str) -> Option<String> {
        let body = json!(world.get(key)?.body);
        Some(body.pointer(pointer)?.as_str()?.to_owned())
    }

    #[test]
    fn interfaces_take_addresses_and_give_them_back() {
        let (mut world, place) = world();
        let ids: Vec<String> =
            (0..12).map(|_| interface(&mut world, &place, new(&[], None))).collect();
        let address =
            |world: &World, id: &str| text(world, &INTERFACE.key(id), "/privateIpAddress");
        assert_eq!(address(&world, &ids[0]).as_deref(), Some("10.0.0.4"));
        assert_eq!(address(&world, &ids[10]).as_deref(), Some("10.0.0.14"));
        assert_eq!((address(&world, &ids[11]), left(&world)), (None, 0));
        remove_interface(&mut world, &ids[3]);
        assert_eq!(left(&world), 1);
        let again = interface(&mut world, &place, new(&[], None));
        assert_eq!(address(&world, &again).as_deref(), Some("10.0.0.7"));
    }

    #[test]
    fn a_machine_runs_ends_and_is_forgotten() {
        let (mut world, place) = world();
        let groups = [security_group(&mut world, &place, "vpc-1", ("nodes", "d"), BTreeMap::new())];
        let id = launch(
            &mut world,
            &place,
            NewInstance {
                subnet: "subnet-1",
                machine: "m8g.2xlarge",
                spot: true,
                groups: &groups,
                tags: BTreeMap::new(),
            },
        );
        interface(&mut world, &place, new(&groups, Some(&id)));
        let new_volume =
            NewVolume { zone: "us-east-1a", size: 10, instance: Some(&id), tags: BTreeMap::new() };
        let disk = VOLUME.key(&volume(&mut world, &place, new_volume));
        let key = INSTANCE.key(&id);
        let state = |world: &World| text(world, &key, "/instanceState/name");
        assert_eq!(state(&world).as_deref(), Some("pending"));
        assert_eq!(text(&world, &key, "/architecture").as_deref(), Some("arm64"));
        assert_eq!(text(&world, &key, "/groupSet/0/groupName").as_deref(), Some("nodes"));
        assert!(text(&world, &key, "/ipAddress").is_some() && left(&world) == 9);
        world.advance(60_000, crate::aws::ec2::turn);
        assert_eq!(state(&world).as_deref(), Some("running"));
        terminate(&mut world, &id);
        assert_eq!(state(&world).as_deref(), Some("shutting-down"));
        assert!(!is_alive(&world, &id) && left(&world) == 9, "it holds on to its addresses");
        world.advance(180_000, crate::aws::ec2::turn);
        assert_eq!(state(&world).as_deref(), Some("terminated"));
        assert_eq!((left(&world), world.get(&disk).unwrap().text("status")), (11, "available"));
        let turn = |world: &mut World, key: &Key, word: &str| match word {
            "gone" => drop(world.remove(key)),
            word => crate::aws::ec2::turn(world, key, word),
        };
        world.advance(2 * HOUR, turn);
        assert!(world.get(&key).is_none() && world.get(&disk).is_some());
    }
}
