//! A VPC, with what comes and goes with it.
use super::super::{Answer, Call, Refusal};
use super::noun::{begin, invalid, needed};
use super::{
    Describe, Noun, Operation, TagSpecification, done, endpoint, internet_gateway,
    network_interface, route_table, security_group, subnet,
};
use crate::behaviour::Behaviour;
use crate::world::Key;
use ipnet::Ipv4Net;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const AVAILABLE: Behaviour = Behaviour {
    service: "ec2",
    what: "a VPC is pending, then available",
    seconds: 2,
    source: "assumption",
};

pub(super) const LIMIT: Behaviour = Behaviour {
    service: "ec2",
    what: "an account has at most 5 VPCs in a region, 200 subnets and 200 route tables in a VPC, \
        50 routes in a table, 60 rules in each direction in a security group, 50 interface \
        endpoints in a VPC, 20 gateway endpoints and 2500 security groups in a region",
    seconds: 0,
    source: "Amazon VPC User Guide, Amazon VPC quotas",
};

pub(super) static VPC: Noun = Noun {
    kind: "ec2.vpc",
    prefix: "vpc",
    resource_type: "vpc",
    id: "vpcId",
    set: "vpcSet",
    malformed: "InvalidVpcID.Malformed",
    missing: ("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    limit: Some((5, "VpcLimitExceeded")),
    filters: &[
        ("cidr", "cidrBlock"),
        ("cidr-block-association.association-id", "cidrBlockAssociationSet.associationId"),
        ("cidr-block-association.cidr-block", "cidrBlockAssociationSet.cidrBlock"),
        ("cidr-block-association.state", "cidrBlockAssociationSet.cidrBlockState.state"),
        ("dhcp-options-id", "dhcpOptionsId"),
        ("is-default", "isDefault"),
        ("isDefault", "isDefault"),
        ("owner-id", "ownerId"),
        ("state", "state"),
        ("vpc-id", "vpcId"),
    ],
};

/// The attributes that are read and changed by themselves.
const ATTRIBUTES: [(&str, bool); 3] = [
    ("enableDnsSupport", true),
    ("enableDnsHostnames", false),
    ("enableNetworkAddressUsageMetrics", false),
];

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateVpc", |call, input| call.run(input, create)),
    ("DescribeVpcs", |call, input| Describe::read(call, input, "VpcId")?.answer(call, &VPC)),
    ("DescribeVpcAttribute", |call, input| call.run(input, describe_attribute)),
    ("ModifyVpcAttribute", |call, input| call.run(input, modify_attribute)),
    ("DeleteVpc", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    cidr_block: String,
    #[serde(default)]
    instance_tenancy: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let net = block(&request.cidr_block, "cidrBlock")?;
    if !(16..=28).contains(&net.prefix_len()) {
        let message = format!("The CIDR '{}' is invalid.", request.cidr_block);
        return Err(Refusal::new("InvalidVpc.Range", message));
    }
    let tenancy = request.instance_tenancy.as_deref().unwrap_or("default");
    if !["default", "dedicated"].contains(&tenancy) {
        return Err(invalid(format!(
            "Value ({tenancy}) for parameter instanceTenancy is invalid."
        )));
    }
    let tags = TagSpecification::of(&request.tag_specification, &VPC)?;
    let id = VPC.new_id(call)?;
    make(call, &id, net, tenancy, tags);
    Ok(json!({ "vpc": VPC.show(VPC.get(call, &id)?) }))
}

/// Reads a block of addresses in the form that EC2 brings it into.
///
/// # Errors
/// When it is none.
pub(super) fn block(text: &str, parameter: &str) -> Result<Ipv4Net, Refusal> {
    let net: Result<Ipv4Net, _> = text.parse();
    net.map(|net| net.trunc()).map_err(|_| {
        invalid(format!(
            "Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block."
        ))
    })
}

/// Makes one, with its main route table and its default security group.
pub(super) fn make(
    call: &mut Call<'_>,
    id: &str,
    net: Ipv4Net,
    tenancy: &str,
    tags: BTreeMap<String, String>,
) {
    let body = json!({
        "vpcId": id,
        "ownerId": call.caller.account,
        "state": "pending",
        "cidrBlock": net.to_string(),
        "cidrBlockAssociationSet": [{
            "associationId": format!("vpc-cidr-assoc-0{}", call.world.digits(16)),
            "cidrBlock": net.to_string(),
            "cidrBlockState": { "state": "associated" },
        }],
        "ipv6CidrBlockAssociationSet": [],
        "dhcpOptionsId": "default",
        "instanceTenancy": tenancy,
        "isDefault": false,
    });
    let mut vpc = begin(call, body, tags);
    ATTRIBUTES.iter().for_each(|(name, on)| vpc.hide(name, *on));
    vpc.later(call.world.after(&AVAILABLE), "state=available");
    call.world.put(VPC.key(id), vpc);
    let main = route_table::make(call, id, net, BTreeMap::new());
    route_table::make_main(call, &main);
    security_group::make_default(call, id);
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DescribeAttribute {
    vpc_id: String,
    attribute: String,
}

fn describe_attribute(call: &mut Call<'_>, request: DescribeAttribute) -> Answer {
    let vpc = call.find(&VPC.key(&request.vpc_id)).ok_or_else(|| VPC.missing(&request.vpc_id))?;
    let attribute = request.attribute.as_str();
    let Some(value @ Value::Bool(_)) = vpc.hidden.get(attribute) else {
        return Err(invalid(format!("Value ({attribute}) for parameter attribute is invalid.")));
    };
    Ok(json!({ "vpcId": request.vpc_id, attribute: { "value": value } }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ModifyAttribute {
    vpc_id: String,
    enable_dns_support: Option<Flag>,
    enable_dns_hostnames: Option<Flag>,
    enable_network_address_usage_metrics: Option<Flag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Flag {
    pub(super) value: bool,
}

fn modify_attribute(call: &mut Call<'_>, request: ModifyAttribute) -> Answer {
    VPC.refer(call, &request.vpc_id)?;
    let flags = [
        request.enable_dns_support,
        request.enable_dns_hostnames,
        request.enable_network_address_usage_metrics,
    ];
    let asked = ATTRIBUTES.iter().zip(flags).filter_map(|((name, _), flag)| Some((*name, flag?)));
    let asked: Vec<(&str, Flag)> = asked.collect();
    let [(name, flag)] = asked.as_slice() else {
        let message = "Exactly one attribute can be modified in a call.";
        return Err(Refusal::new("InvalidParameterCombination", message));
    };
    call.world.edit(&VPC.key(&request.vpc_id), |vpc| vpc.hide(name, flag.value));
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    vpc_id: String,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let id = request.vpc_id.as_str();
    VPC.get(call, id)?;
    let inside = |kind: &str| -> Vec<(Key, bool)> {
        let its = call.there(kind).into_iter().filter(|(_, object)| object.text("vpcId") == id);
        its.map(|(key, object)| (key.clone(), object.hidden.contains_key("with_vpc"))).collect()
    };
    let own = [inside(route_table::TABLE.kind), inside(security_group::GROUP.kind)].concat();
    let others = [&subnet::SUBNET, &network_interface::INTERFACE, &endpoint::ENDPOINT];
    let is_needed = others.iter().any(|noun| !inside(noun.kind).is_empty())
        || own.iter().any(|(_, with_vpc)| !with_vpc)
        || internet_gateway::of(call, id).is_some();
    if is_needed {
        return Err(needed("vpc", id));
    }
    for (key, _) in own {
        match key.kind == security_group::GROUP.kind {
            true => security_group::remove(call.world, &key.id),
            false => drop(call.world.remove(&key)),
        }
    }
    call.world.remove(&VPC.key(id));
    done()
}

/// Tells whether both DNS attributes of a VPC are on.
pub(super) fn has_dns(call: &Call<'_>, id: &str) -> bool {
    let vpc = call.get(&VPC.key(id));
    let is_on = |name: &str| vpc.and_then(|vpc| vpc.hidden.get(name)) == Some(&Value::Bool(true));
    is_on("enableDnsSupport") && is_on("enableDnsHostnames")
}
