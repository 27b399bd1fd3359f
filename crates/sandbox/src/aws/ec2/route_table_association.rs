//! Which route table a subnet goes by.
use super::super::{Answer, Call, Refusal};
use super::noun::{Disassociate, invalid, items, items_mut};
use super::route_table::TABLE;
use super::subnet::SUBNET;
use super::{Operation, done};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const AGAIN: Behaviour = Behaviour {
    service: "ec2",
    what: "associating a subnet again with its own route table answers with the association that \
        there is",
    seconds: 0,
    source: "assumption",
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("AssociateRouteTable", |call, input| call.run(input, associate)),
    ("ReplaceRouteTableAssociation", |call, input| call.run(input, replace)),
    ("DisassociateRouteTable", |call, input| call.run(input, disassociate)),
];

/// Makes an association, as it is shown: with a subnet, or as the main one.
pub(super) fn shown(world: &mut World, table: &str, subnet: Option<&str>) -> Value {
    json!({
        "routeTableAssociationId": format!("rtbassoc-0{}", world.digits(16)),
        "routeTableId": table,
        "subnetId": subnet,
        "main": subnet.is_none(),
        "associationState": { "state": "associated" },
    })
}

/// Returns the association that fits, with its table.
fn find(call: &Call<'_>, fits: impl Fn(&Value) -> bool) -> Option<(Key, Value)> {
    call.there(TABLE.kind).into_iter().find_map(|(key, table)| {
        let association = items(table, "associationSet").iter().find(|its| fits(its))?;
        Some((key.clone(), association.clone()))
    })
}

/// Finds an association by its id, if reads see it too.
fn refer(call: &Call<'_>, id: &str) -> Result<(Key, Value), Refusal> {
    let fits = |its: &Value| its["routeTableAssociationId"] == id;
    let mut seen = call.seen(TABLE.kind).into_iter();
    let is_seen = seen.any(|(_, table)| items(table, "associationSet").iter().any(fits));
    find(call, fits).filter(|_| is_seen).ok_or_else(|| {
        let message = format!("The association ID '{id}' does not exist");
        Refusal::new("InvalidAssociationID.NotFound", message)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Associate {
    route_table_id: String,
    subnet_id: String,
}

fn associate(call: &mut Call<'_>, request: Associate) -> Answer {
    let (table, subnet) = (request.route_table_id.as_str(), request.subnet_id.as_str());
    let network = TABLE.refer(call, table)?.text("vpcId");
    if SUBNET.refer(call, subnet)?.text("vpcId") != network {
        let message =
            format!("Route table {table} and subnet {subnet} belong to different networks");
        return Err(invalid(message));
    }
    let state = json!({ "state": "associated" });
    if let Some((key, its)) = find(call, |its| its["subnetId"] == subnet) {
        if key.id == table {
            let id = &its["routeTableAssociationId"];
            return Ok(json!({ "associationId": id, "associationState": state }));
        }
        let message = format!(
            "the specified association for route table {table} conflicts with an existing \
             association"
        );
        return Err(Refusal::new("Resource.AlreadyAssociated", message));
    }
    let new = shown(call.world, table, Some(subnet));
    let id = new["routeTableAssociationId"].clone();
    put(call.world, table, new);
    Ok(json!({ "associationId": id, "associationState": state }))
}

fn put(world: &mut World, table: &str, association: Value) {
    world.edit(&TABLE.key(table), |table| items_mut(table, "associationSet").push(association));
}

fn take(world: &mut World, key: &Key, association: &Value) {
    world.edit(key, |table| {
        items_mut(table, "associationSet").retain(|its| its != association);
    });
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Replace {
    association_id: String,
    route_table_id: String,
}

fn replace(call: &mut Call<'_>, request: Replace) -> Answer {
    let (key, before) = refer(call, &request.association_id)?;
    let table = request.route_table_id.as_str();
    let network = TABLE.refer(call, table)?.text("vpcId");
    if TABLE.get(call, &key.id)?.text("vpcId") != network {
        let message = format!("Route table {table} belongs to another network");
        return Err(invalid(message));
    }
    take(call.world, &key, &before);
    let new = shown(call.world, table, before["subnetId"].as_str());
    let id = new["routeTableAssociationId"].clone();
    put(call.world, table, new);
    if before["main"] == true {
        call.world.edit(&key, |table| table.hidden.remove("with_vpc"));
        call.world.edit(&TABLE.key(table), |table| table.hide("with_vpc", true));
    }
    Ok(json!({ "newAssociationId": id, "associationState": { "state": "associated" } }))
}

fn disassociate(call: &mut Call<'_>, request: Disassociate) -> Answer {
    let id = request.association_id.as_str();
    let (key, association) = refer(call, id)?;
    if association["main"] == true {
        let message = format!("cannot disassociate the main route table association {id}");
        return Err(invalid(message));
    }
    take(call.world, &key, &association);
    done()
}

/// Forgets the association of a subnet that goes.
pub(super) fn forget(world: &mut World, subnet: &str) {
    let is_its = |its: &Value| its["subnetId"] == subnet;
    for key in TABLE.those(world, |table| items(table, "associationSet").iter().any(is_its)) {
        world.edit(&key, |table| items_mut(table, "associationSet").retain(|its| !is_its(its)));
    }
}
