//! A volume: a disk that outlives machines.
use super::super::{Answer, Call, Refusal};
use super::noun::{begin, invalid, items};
use super::zones;
use super::{Describe, Noun, Operation, TagSpecification, done};
use crate::behaviour::Behaviour;
use crate::clock::iso;
use crate::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const AVAILABLE: Behaviour = Behaviour {
    service: "ec2",
    what: "a volume is creating, then available",
    seconds: 5,
    source: "assumption",
};

pub(super) const DELETED: Behaviour = Behaviour {
    service: "ec2",
    what: "a volume is deleting, then gone",
    seconds: 10,
    source: "assumption",
};

pub(super) static VOLUME: Noun = Noun {
    kind: "ec2.volume",
    prefix: "vol",
    resource_type: "volume",
    id: "volumeId",
    set: "volumeSet",
    malformed: "InvalidVolumeID.Malformed",
    missing: ("InvalidVolume.NotFound", "The volume '{}' does not exist."),
    limit: None,
    filters: &[
        ("attachment.delete-on-termination", "attachmentSet.deleteOnTermination"),
        ("attachment.device", "attachmentSet.device"),
        ("attachment.instance-id", "attachmentSet.instanceId"),
        ("attachment.status", "attachmentSet.status"),
        ("availability-zone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("create-time", "createTime"),
        ("encrypted", "encrypted"),
        ("size", "size"),
        ("snapshot-id", "snapshotId"),
        ("status", "status"),
        ("volume-id", "volumeId"),
        ("volume-type", "volumeType"),
    ],
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateVolume", |call, input| call.run(input, create)),
    ("DescribeVolumes", |call, input| {
        Describe::read(call, input, "VolumeId")?.answer(call, &VOLUME)
    }),
    ("DeleteVolume", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    availability_zone: String,
    size: u64,
    volume_type: Option<String>,
    #[serde(default)]
    encrypted: bool,
    iops: Option<u64>,
    throughput: Option<u64>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let kind = request.volume_type.as_deref().unwrap_or("gp2");
    if !["gp2", "gp3", "io1", "io2", "sc1", "st1", "standard"].contains(&kind) {
        return Err(invalid(format!("Value ({kind}) for parameter volumeType is invalid.")));
    }
    let zone = request.availability_zone.as_str();
    let mut zones = zones::of(&call.region).into_iter().flat_map(|region| region.own());
    if !zones.any(|its| its.name == zone) {
        let message = format!("The zone '{zone}' does not exist.");
        return Err(Refusal::new("InvalidZone.NotFound", message));
    }
    let tags = TagSpecification::of(&request.tag_specification, &VOLUME)?;
    let id = VOLUME.new_id(call)?;
    let mut body = body(&call.region, &id, zone, request.size, iso(call.world.now));
    body["volumeType"] = json!(kind);
    body["encrypted"] = json!(request.encrypted);
    body["iops"] = json!(request.iops.or((kind == "gp3").then_some(3000)));
    body["throughput"] = json!(request.throughput.or((kind == "gp3").then_some(125)));
    let mut volume = begin(call, body, tags);
    volume.later(call.world.after(&AVAILABLE), "status=available");
    let shown = VOLUME.show(&volume);
    call.world.put(VOLUME.key(&id), volume);
    Ok(shown)
}

/// Describes a new volume.
pub(super) fn body(region: &str, id: &str, zone: &str, size: u64, now: String) -> Value {
    let mut zones = zones::of(region).into_iter().flat_map(|region| region.own());
    json!({
        "volumeId": id,
        "availabilityZone": zone,
        "availabilityZoneId": zones.find(|its| its.name == zone).map(|its| its.id),
        "size": size,
        "snapshotId": "",
        "status": "creating",
        "createTime": now,
        "volumeType": "gp3",
        "iops": 3000,
        "throughput": 125,
        "encrypted": true,
        "multiAttachEnabled": false,
        "attachmentSet": [],
    })
}

/// Attaches a volume to a machine, or to none.
pub(super) fn attach(world: &mut World, id: &str, instance: Option<&str>) {
    let now = iso(world.now);
    let attachment = instance.map(|instance| {
        json!({
            "volumeId": id,
            "instanceId": instance,
            "device": "/dev/xvdaa",
            "status": "attached",
            "attachTime": now,
            "deleteOnTermination": false,
        })
    });
    world.edit(&VOLUME.key(id), |volume| {
        volume.set("status", if attachment.is_some() { "in-use" } else { "available" });
        volume.set("attachmentSet", Value::from_iter(attachment));
    });
}

/// Shows the volumes of a machine as it does.
pub(super) fn mapping(call: &Call<'_>, instance: &str) -> Value {
    let all = call.seen(VOLUME.kind).into_iter();
    let its = all.flat_map(|(_, volume)| items(volume, "attachmentSet"));
    let its = its.filter(|attachment| attachment["instanceId"] == instance);
    let show = |its: &Value| {
        json!({
            "deviceName": its["device"],
            "ebs": {
                "volumeId": its["volumeId"],
                "status": its["status"],
                "attachTime": its["attachTime"],
                "deleteOnTermination": its["deleteOnTermination"],
            },
        })
    };
    its.map(show).collect()
}

/// Parts volumes from a machine that ends.
pub(super) fn leave(world: &mut World, instance: &str) {
    let is_its = |attachment: &Value| attachment["instanceId"] == instance;
    for key in VOLUME.those(world, |volume| items(volume, "attachmentSet").iter().any(is_its)) {
        attach(world, &key.id, None);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    volume_id: String,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let id = request.volume_id.as_str();
    let volume = VOLUME.get(call, id)?;
    if let Some(attachment) = items(volume, "attachmentSet").first() {
        let instance = attachment["instanceId"].as_str().unwrap_or_default();
        let message = format!("Volume {id} is currently attached to {instance}");
        return Err(Refusal::new("VolumeInUse", message));
    }
    if volume.text("status") == "deleting" {
        return Err(VOLUME.missing(id));
    }
    let end = call.world.after(&DELETED);
    call.world.edit(&VOLUME.key(id), |volume| {
        volume.turns.clear();
        volume.set("status", "deleting");
        volume.later(end, "gone");
    });
    done()
}
