//! A route table.
use super::super::{Answer, Call};
use super::noun::{begin, items, items_mut, needed, within};
use super::vpc::VPC;
use super::{Describe, Noun, Operation, TagSpecification, done, route_table_association};
use crate::world::Object;
use ipnet::Ipv4Net;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) static TABLE: Noun = Noun {
    kind: "ec2.route_table",
    prefix: "rtb",
    resource_type: "route-table",
    id: "routeTableId",
    set: "routeTableSet",
    malformed: "InvalidRouteTableId.Malformed",
    missing: ("InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist"),
    limit: None,
    filters: &[
        ("association.gateway-id", "associationSet.gatewayId"),
        ("association.main", "associationSet.main"),
        ("association.route-table-association-id", "associationSet.routeTableAssociationId"),
        ("association.route-table-id", "associationSet.routeTableId"),
        ("association.subnet-id", "associationSet.subnetId"),
        ("owner-id", "ownerId"),
        ("route-table-id", "routeTableId"),
        ("route.destination-cidr-block", "routeSet.destinationCidrBlock"),
        ("route.destination-ipv6-cidr-block", "routeSet.destinationIpv6CidrBlock"),
        ("route.destination-prefix-list-id", "routeSet.destinationPrefixListId"),
        ("route.gateway-id", "routeSet.gatewayId"),
        ("route.instance-id", "routeSet.instanceId"),
        ("route.nat-gateway-id", "routeSet.natGatewayId"),
        ("route.network-interface-id", "routeSet.networkInterfaceId"),
        ("route.origin", "routeSet.origin"),
        ("route.state", "routeSet.state"),
        ("vpc-id", "vpcId"),
    ],
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateRouteTable", |call, input| call.run(input, create)),
    ("DescribeRouteTables", |call, input| {
        Describe::read(call, input, "RouteTableId")?.answer(call, &TABLE)
    }),
    ("DeleteRouteTable", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    vpc_id: String,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let vpc = request.vpc_id.as_str();
    let net = VPC.refer(call, vpc)?.text("cidrBlock").parse().unwrap_or_default();
    let tags = TagSpecification::of(&request.tag_specification, &TABLE)?;
    let have = call.there(TABLE.kind).into_iter().filter(|(_, its)| its.text("vpcId") == vpc);
    within(have.count(), 200, "RouteTableLimitExceeded", "route table")?;
    let id = make(call, vpc, net, tags);
    Ok(json!({ "routeTable": TABLE.show(TABLE.get(call, &id)?) }))
}

/// Makes one with the route inside its VPC, and returns its id.
pub(super) fn make(
    call: &mut Call<'_>,
    vpc: &str,
    net: Ipv4Net,
    tags: BTreeMap<String, String>,
) -> String {
    let id = TABLE.draw(call.world);
    let body = json!({
        "routeTableId": id,
        "vpcId": vpc,
        "ownerId": call.caller.account,
        "routeSet": [{
            "destinationCidrBlock": net.to_string(),
            "gatewayId": "local",
            "origin": "CreateRouteTable",
            "state": "active",
        }],
        "associationSet": [],
        "propagatingVgwSet": [],
    });
    let table = begin(call, body, tags);
    call.world.put(TABLE.key(&id), table);
    id
}

/// Makes a table the main one of its VPC, which comes and goes with that.
pub(super) fn make_main(call: &mut Call<'_>, id: &str) {
    let association = route_table_association::shown(call.world, id, None);
    call.world.edit(&TABLE.key(id), |table| {
        items_mut(table, "associationSet").push(association);
        table.hide("with_vpc", true);
    });
}

/// Tells whether one is the main one of its VPC.
pub(super) fn is_main(table: &Object) -> bool {
    items(table, "associationSet").iter().any(|association| association["main"] == true)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    route_table_id: String,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let id = request.route_table_id.as_str();
    if !items(TABLE.get(call, id)?, "associationSet").is_empty() {
        return Err(needed("routeTable", id));
    }
    call.world.remove(&TABLE.key(id));
    done()
}
