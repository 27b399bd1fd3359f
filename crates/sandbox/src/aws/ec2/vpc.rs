//! A VPC, with what comes and goes with it.
use super::super::{Answer, Call, Refusal};
use super::{Noun, TagSpecification, done};
use crate::behaviour::Behaviour;
use ipnet::Ipv4Net;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const AVAILABLE: Behaviour = Behaviour {
    service: "ec2",
    what: "a VPC is pending, then available",
    seconds: 2,
    source: "assumption",
};

pub(super) static VPC: Noun = Noun {
    kind: "ec2.vpc",
    prefix: "vpc",
    resource_type: "vpc",
    id: "vpcId",
    set: "vpcSet",
    missing: ("InvalidVpcID.NotFound", "vpc ID"),
    limit: Some((5, "VpcLimitExceeded")),
    filter: |_, object, name| match name {
        "cidr" => Some(vec![object.text("cidrBlock").to_owned()]),
        _ => None,
    },
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    cidr_block: String,
    #[serde(default)]
    instance_tenancy: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let wrong = || {
        let message = format!("The CIDR '{}' is invalid.", request.cidr_block);
        Refusal::new("InvalidVpc.Range", message)
    };
    let net: Ipv4Net = request.cidr_block.parse().map_err(|_| wrong())?;
    if !(16..=28).contains(&net.prefix_len()) {
        return Err(wrong());
    }
    let tags = TagSpecification::of(&request.tag_specification, &VPC)?;
    let id = VPC.new_id(call)?;
    let cidr = net.trunc().to_string();
    let mut vpc = call.object();
    vpc.tags = tags;
    vpc.body = json!({
        "vpcId": id,
        "ownerId": call.caller.account,
        "state": "pending",
        "cidrBlock": cidr,
        "cidrBlockAssociationSet": [{
            "associationId": format!("vpc-cidr-assoc-0{}", call.world.digits(16)),
            "cidrBlock": cidr,
            "cidrBlockState": { "state": "associated" },
        }],
        "dhcpOptionsId": "default",
        "instanceTenancy": request.instance_tenancy.as_deref().unwrap_or("default"),
        "isDefault": false,
    })
    .as_object()
    .cloned()
    .unwrap_or_default();
    vpc.hide("enableDnsSupport", true);
    vpc.hide("enableDnsHostnames", false);
    vpc.later(call.world.after(&AVAILABLE), "state=available");
    let shown = VPC.show(&vpc);
    call.world.put(VPC.key(&id), vpc);
    Ok(json!({ "vpc": shown }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeAttribute {
    vpc_id: String,
    attribute: String,
}

pub(super) fn describe_attribute(call: &mut Call<'_>, request: DescribeAttribute) -> Answer {
    let vpc = VPC.refer(call, &request.vpc_id)?;
    let attribute = request.attribute.as_str();
    let Some(value @ Value::Bool(_)) = vpc.hidden.get(attribute) else {
        let message = format!("Value ({attribute}) for parameter attribute is invalid.");
        return Err(Refusal::new("InvalidParameterValue", message));
    };
    Ok(json!({ "vpcId": request.vpc_id, attribute: { "value": value } }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ModifyAttribute {
    vpc_id: String,
    enable_dns_support: Option<Flag>,
    enable_dns_hostnames: Option<Flag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Flag {
    value: bool,
}

pub(super) fn modify_attribute(call: &mut Call<'_>, request: ModifyAttribute) -> Answer {
    VPC.refer(call, &request.vpc_id)?;
    let (name, flag) = match (request.enable_dns_support, request.enable_dns_hostnames) {
        (Some(flag), None) => ("enableDnsSupport", flag),
        (None, Some(flag)) => ("enableDnsHostnames", flag),
        _ => {
            let message = "Exactly one attribute can be modified in a call.";
            return Err(Refusal::new("InvalidParameterCombination", message));
        }
    };
    call.world.edit(&VPC.key(&request.vpc_id), |vpc| vpc.hide(name, flag.value));
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Delete {
    vpc_id: String,
}

pub(super) fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    VPC.get(call, &request.vpc_id)?;
    call.world.remove(&VPC.key(&request.vpc_id));
    done()
}
