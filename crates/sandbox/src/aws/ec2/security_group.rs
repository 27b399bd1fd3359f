//! A security group: who may talk to the interfaces that it is on.
use super::super::{Answer, Call, Input, Refusal, partition};
use super::describe::texts;
use super::living::Place;
use super::network_interface::{self, INTERFACE};
use super::noun::{invalid, items, within};
use super::permission::{Peer, Rule};
use super::vpc::VPC;
use super::{Describe, Noun, Operation, TagSpecification, security_group_rule};
use crate::behaviour::Behaviour;
use crate::world::World;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const IN_USE: Behaviour = Behaviour {
    service: "ec2",
    what: "a security group that is on an interface, or that a rule of another one names, cannot \
        be deleted",
    seconds: 0,
    source: "Amazon EC2 API Reference, DeleteSecurityGroup",
};

pub(super) static GROUP: Noun = Noun {
    kind: "ec2.security_group",
    prefix: "sg",
    resource_type: "security-group",
    id: "groupId",
    set: "securityGroupInfo",
    malformed: "InvalidGroupId.Malformed",
    missing: ("InvalidGroup.NotFound", "The security group '{}' does not exist"),
    limit: Some((2500, "SecurityGroupLimitExceeded")),
    filters: &[
        ("description", "groupDescription"),
        ("egress.ip-permission.cidr", "ipPermissionsEgress.ipRanges.cidrIp"),
        ("egress.ip-permission.from-port", "ipPermissionsEgress.fromPort"),
        ("egress.ip-permission.group-id", "ipPermissionsEgress.groups.groupId"),
        ("egress.ip-permission.prefix-list-id", "ipPermissionsEgress.prefixListIds.prefixListId"),
        ("egress.ip-permission.protocol", "ipPermissionsEgress.ipProtocol"),
        ("egress.ip-permission.to-port", "ipPermissionsEgress.toPort"),
        ("group-id", "groupId"),
        ("group-name", "groupName"),
        ("ip-permission.cidr", "ipPermissions.ipRanges.cidrIp"),
        ("ip-permission.from-port", "ipPermissions.fromPort"),
        ("ip-permission.group-id", "ipPermissions.groups.groupId"),
        ("ip-permission.prefix-list-id", "ipPermissions.prefixListIds.prefixListId"),
        ("ip-permission.protocol", "ipPermissions.ipProtocol"),
        ("ip-permission.to-port", "ipPermissions.toPort"),
        ("owner-id", "ownerId"),
        ("vpc-id", "vpcId"),
    ],
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateSecurityGroup", |call, input| call.run(input, create)),
    ("DescribeSecurityGroups", describe),
    ("DeleteSecurityGroup", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    group_name: String,
    group_description: String,
    vpc_id: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let (name, description) = (request.group_name.as_str(), request.group_description.as_str());
    check_text(name, "GroupName")?;
    check_text(description, "GroupDescription")?;
    if name == "default" {
        return Err(invalid("Cannot use reserved security group name: default"));
    }
    if name.starts_with("sg-") {
        let message = format!(
            "Value ({name}) for parameter GroupName is invalid. Group names may not be in the \
             format sg-*."
        );
        return Err(invalid(message));
    }
    let vpc = match request.vpc_id {
        Some(vpc) => vpc,
        None => default_vpc(call)?,
    };
    VPC.refer(call, &vpc)?;
    let mut groups = call.there(GROUP.kind).into_iter();
    if groups.any(|(_, its)| its.text("vpcId") == vpc && its.text("groupName") == name) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Refusal::new("InvalidGroup.Duplicate", message));
    }
    let tags = TagSpecification::of(&request.tag_specification, &GROUP)?;
    within(call.there(GROUP.kind).len(), 2500, "SecurityGroupLimitExceeded", "security group")?;
    let id = make(call.world, &Place::here(call), &vpc, (name, description), tags);
    let group = GROUP.get(call, &id)?;
    Ok(json!({
        "groupId": id,
        "securityGroupArn": group.text("securityGroupArn"),
        "tagSet": super::tag_set(&group.tags),
    }))
}

/// Returns the VPC that is meant when none is named.
fn default_vpc(call: &Call<'_>) -> Result<String, Refusal> {
    let mut all = call.there(VPC.kind).into_iter();
    let its = all.find(|(_, vpc)| vpc.body.get("isDefault") == Some(&json!(true)));
    let none = || Refusal::new("VPCIdNotSpecified", "No default VPC for this user");
    its.map(|(key, _)| key.id.clone()).ok_or_else(none)
}

fn check_text(text: &str, parameter: &str) -> Result<(), Refusal> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    match !text.is_empty() && text.chars().count() <= 255 && text.chars().all(is_fine) {
        true => Ok(()),
        false => {
            let message = format!(
                "Value ({text}) for parameter {parameter} is invalid. Character sets beyond ASCII \
                 are not supported."
            );
            Err(invalid(message))
        }
    }
}

/// Makes one that lets everything out, and returns its id.
pub(super) fn make(
    world: &mut World,
    place: &Place,
    vpc: &str,
    (name, description): (&str, &str),
    tags: BTreeMap<String, String>,
) -> String {
    let id = GROUP.draw(world);
    let (region, account) = (&place.region, &place.account);
    let arn = format!("arn:{}:ec2:{region}:{account}:security-group/{id}", partition(region));
    let body = json!({
        "groupId": id,
        "groupName": name,
        "groupDescription": description,
        "ownerId": account,
        "vpcId": vpc,
        "securityGroupArn": arn,
        "ipPermissions": [],
        "ipPermissionsEgress": [],
    });
    let group = place.object(world, body, tags);
    world.put(GROUP.key(&id), group);
    allow(world, place, (&id, true), Peer::V4("0.0.0.0/0".to_owned()));
    id
}

/// Lets members of a group talk to a peer, or be talked to by it.
fn allow(world: &mut World, place: &Place, group: (&str, bool), peer: Peer) {
    let rule = Rule { protocol: "-1".to_owned(), ports: (-1, -1), peer };
    security_group_rule::add(world, place, group, rule, None, BTreeMap::new());
}

/// Lets the members of a group talk to each other.
pub(super) fn join(world: &mut World, place: &Place, id: &str) {
    admit(world, place, id, id);
}

/// Lets the members of another group talk to those of a group.
pub(super) fn admit(world: &mut World, place: &Place, id: &str, peer: &str) {
    let peer = Peer::Group(peer.to_owned(), place.account.clone());
    allow(world, place, (id, false), peer);
}

/// Makes the default group of a VPC, whose members talk to each other.
pub(super) fn make_default(call: &mut Call<'_>, vpc: &str) {
    let words = ("default", "default VPC security group");
    let place = Place::here(call);
    let id = make(call.world, &place, vpc, words, BTreeMap::new());
    join(call.world, &place, &id);
    call.world.edit(&GROUP.key(&id), |group| group.hide("with_vpc", true));
}

/// Returns the default group of a VPC.
pub(super) fn default_of(call: &Call<'_>, vpc: &str) -> Option<String> {
    let mut all = call.there(GROUP.kind).into_iter();
    let its =
        all.find(|(_, group)| group.text("vpcId") == vpc && group.hidden.contains_key("with_vpc"));
    its.map(|(key, _)| key.id.clone())
}

/// Shows groups as those do who have them.
pub(super) fn shown(world: &World, groups: &[String]) -> Value {
    let one = |id: &String| {
        let name = world.get(&GROUP.key(id)).map(|group| group.text("groupName"));
        json!({ "groupId": id, "groupName": name })
    };
    groups.iter().map(one).collect()
}

/// Lists groups: by ids, by the names that those of the default VPC have, or by filters.
fn describe(call: &mut Call<'_>, input: &Input) -> Answer {
    let members: BTreeMap<String, Value> = input.read().map_err(invalid)?;
    let mut input = input.clone();
    if let Input::Form(form) = &mut input {
        form.take("GroupName");
    }
    let mut asked = Describe::read(call, &input, "GroupId")?;
    for name in members.get("GroupName").map(texts).unwrap_or_default() {
        let vpc = default_vpc(call)?;
        let mut all = call.seen(GROUP.kind).into_iter();
        let its = all.find(|(_, its)| its.text("vpcId") == vpc && its.text("groupName") == name);
        let missing = || {
            let message =
                format!("The security group '{name}' does not exist in default VPC '{vpc}'");
            Refusal::new("InvalidGroup.NotFound", message)
        };
        asked.ids.push(its.map(|(key, _)| key.id.clone()).ok_or_else(missing)?);
    }
    asked.answer(call, &GROUP)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    group_id: String,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let id = request.group_id.as_str();
    let group = GROUP.get(call, id)?;
    if group.hidden.contains_key("with_vpc") {
        let name = group.text("groupName");
        let message =
            format!("the specified group: \"{id}\" name: \"{name}\" cannot be deleted by a user");
        return Err(Refusal::new("CannotDelete", message));
    }
    let mut interfaces = call.there(INTERFACE.kind).into_iter();
    let is_used = interfaces.any(|(_, its)| network_interface::has_group(its, id));
    let names_it = |field: &str, group: &crate::world::Object| {
        let mut permissions = items(group, field).iter();
        permissions.any(|its| {
            its["groups"]
                .as_array()
                .is_some_and(|pairs| pairs.iter().any(|pair| pair["groupId"] == id))
        })
    };
    let mut others = call.there(GROUP.kind).into_iter().filter(|(key, _)| key.id != id);
    let is_named = others.any(|(_, other)| {
        names_it("ipPermissions", other) || names_it("ipPermissionsEgress", other)
    });
    if is_used || is_named {
        let message = format!("resource {id} has a dependent object");
        return Err(Refusal::new("DependencyViolation", message));
    }
    remove(call.world, id);
    Ok(json!({ "return": true, "groupId": id }))
}

/// Takes one away, with its rules.
pub(super) fn remove(world: &mut World, id: &str) {
    for rule in security_group_rule::of(world, id) {
        world.remove(&rule);
    }
    world.remove(&GROUP.key(id));
}
