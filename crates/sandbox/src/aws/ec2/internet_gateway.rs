//! An internet gateway: what joins a VPC to the internet.
use super::super::{Answer, Call, Refusal};
use super::noun::{begin, invalid, items, needed};
use super::vpc::VPC;
use super::{Describe, Noun, Operation, TagSpecification, done, network_interface, route};
use crate::behaviour::Behaviour;
use crate::world::Object;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const LIMIT: Behaviour = Behaviour {
    service: "ec2",
    what: "an account has at most 5 internet gateways in a region",
    seconds: 0,
    source: "Amazon VPC User Guide, Amazon VPC quotas",
};

pub(super) static GATEWAY: Noun = Noun {
    kind: "ec2.internet_gateway",
    prefix: "igw",
    resource_type: "internet-gateway",
    id: "internetGatewayId",
    set: "internetGatewaySet",
    malformed: "InvalidInternetGatewayId.Malformed",
    missing: ("InvalidInternetGatewayID.NotFound", "The internetGateway ID '{}' does not exist"),
    limit: Some((5, "InternetGatewayLimitExceeded")),
    filters: &[
        ("attachment.state", "attachmentSet.state"),
        ("attachment.vpc-id", "attachmentSet.vpcId"),
        ("internet-gateway-id", "internetGatewayId"),
        ("owner-id", "ownerId"),
    ],
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateInternetGateway", |call, input| call.run(input, create)),
    ("DescribeInternetGateways", |call, input| {
        Describe::read(call, input, "InternetGatewayId")?.answer(call, &GATEWAY)
    }),
    ("AttachInternetGateway", |call, input| call.run(input, attach)),
    ("DetachInternetGateway", |call, input| call.run(input, detach)),
    ("DeleteInternetGateway", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let tags = TagSpecification::of(&request.tag_specification, &GATEWAY)?;
    let id = make(call, tags)?;
    Ok(json!({ "internetGateway": GATEWAY.show(GATEWAY.get(call, &id)?) }))
}

/// Makes one, and returns its id.
///
/// # Errors
/// When the account may have no more.
pub(super) fn make(call: &mut Call<'_>, tags: BTreeMap<String, String>) -> Result<String, Refusal> {
    let id = GATEWAY.new_id(call)?;
    let owner = &call.caller.account;
    let body = json!({ "internetGatewayId": id, "ownerId": owner, "attachmentSet": [] });
    let gateway = begin(call, body, tags);
    call.world.put(GATEWAY.key(&id), gateway);
    Ok(id)
}

/// Returns the one that a VPC has.
pub(super) fn of(call: &Call<'_>, vpc: &str) -> Option<String> {
    let mut all = call.there(GATEWAY.kind).into_iter();
    all.find(|(_, gateway)| attached(gateway) == Some(vpc)).map(|(key, _)| key.id.clone())
}

/// Returns the VPC that one is attached to.
pub(super) fn attached(gateway: &Object) -> Option<&str> {
    items(gateway, "attachmentSet").first()?["vpcId"].as_str()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Attachment {
    internet_gateway_id: String,
    vpc_id: String,
}

fn attach(call: &mut Call<'_>, request: Attachment) -> Answer {
    let (id, vpc) = (request.internet_gateway_id.as_str(), request.vpc_id.as_str());
    let gateway = GATEWAY.refer(call, id)?;
    VPC.refer(call, vpc)?;
    if let Some(other) = attached(gateway) {
        let message = format!("resource {id} is already attached to network {other}");
        return Err(Refusal::new("Resource.AlreadyAssociated", message));
    }
    if of(call, vpc).is_some() {
        let message = format!("Network {vpc} already has an internet gateway attached");
        return Err(invalid(message));
    }
    join(call, id, vpc);
    route::leads(call.world, ("gatewayId", id), "active");
    done()
}

/// Attaches one.
pub(super) fn join(call: &mut Call<'_>, id: &str, vpc: &str) {
    let attachment = json!([{ "vpcId": vpc, "state": "available" }]);
    call.world.edit(&GATEWAY.key(id), |gateway| gateway.set("attachmentSet", attachment));
}

fn detach(call: &mut Call<'_>, request: Attachment) -> Answer {
    let (id, vpc) = (request.internet_gateway_id.as_str(), request.vpc_id.as_str());
    let gateway = GATEWAY.refer(call, id)?;
    VPC.refer(call, vpc)?;
    if attached(gateway) != Some(vpc) {
        let message = format!("resource {id} is not attached to network {vpc}");
        return Err(Refusal::new("Gateway.NotAttached", message));
    }
    if network_interface::of(call.world, "vpcId", vpc)
        .any(|(_, interface)| interface.body.contains_key("association"))
    {
        let message = format!(
            "Network {vpc} has some mapped public address(es). Please unmap those public \
             address(es) before detaching the gateway."
        );
        return Err(Refusal::new("DependencyViolation", message));
    }
    call.world.edit(&GATEWAY.key(id), |gateway| gateway.set("attachmentSet", json!([])));
    route::leads(call.world, ("gatewayId", id), "blackhole");
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    internet_gateway_id: String,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let id = request.internet_gateway_id.as_str();
    if attached(GATEWAY.get(call, id)?).is_some() {
        return Err(needed("internetGateway", id));
    }
    call.world.remove(&GATEWAY.key(id));
    done()
}
