//! How VPC endpoints change and go.
use super::super::{Answer, Call, Refusal};
use super::endpoint::{
    self, DELETED, ENDPOINT, POLICY, add_subnets, add_tables, check_dns, check_policy,
    check_subnets, check_tables, only_for,
};
use super::endpoint_service::{self, Service};
use super::network_interface::{self, INTERFACE};
use super::noun::{items, items_mut};
use super::security_group::{self, GROUP};
use super::{Operation, done, route};
use crate::world::Object;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Operation] = &[
    ("ModifyVpcEndpoint", |call, input| call.run(input, modify)),
    ("DeleteVpcEndpoints", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Modify {
    vpc_endpoint_id: String,
    #[serde(default)]
    reset_policy: bool,
    policy_document: Option<String>,
    #[serde(default)]
    add_route_table_id: Vec<String>,
    #[serde(default)]
    remove_route_table_id: Vec<String>,
    #[serde(default)]
    add_subnet_id: Vec<String>,
    #[serde(default)]
    remove_subnet_id: Vec<String>,
    #[serde(default)]
    add_security_group_id: Vec<String>,
    #[serde(default)]
    remove_security_group_id: Vec<String>,
    private_dns_enabled: Option<bool>,
}

fn modify(call: &mut Call<'_>, request: Modify) -> Answer {
    let id = request.vpc_endpoint_id.as_str();
    let endpoint = ENDPOINT.refer(call, id)?.clone();
    let services = endpoint_service::all(&call.region);
    let is_its = |service: &&Service| {
        service.name == endpoint.text("serviceName")
            && service.kind == endpoint.text("vpcEndpointType")
    };
    let service = services.iter().find(is_its).ok_or_else(|| ENDPOINT.missing(id))?;
    if endpoint.text("state") == "deleting" {
        let message = format!("The Vpc Endpoint '{id}' is being deleted");
        return Err(Refusal::new("IncorrectState", message));
    }
    let policy = match &request.policy_document {
        Some(policy) => Some(policy.as_str()),
        None => request.reset_policy.then_some(POLICY),
    };
    policy.map_or(Ok(()), check_policy)?;
    match service.kind {
        "Gateway" => modify_gateway(call, &request, &endpoint, service)?,
        _ => modify_interface(call, &request, &endpoint, service)?,
    }
    if let Some(policy) = policy {
        call.world.edit(&ENDPOINT.key(id), |endpoint| endpoint.set("policyDocument", policy));
    }
    done()
}

/// Refuses to take away what is not there.
fn check_has(endpoint: &Object, field: &str, ids: &[String]) -> Result<(), Refusal> {
    let has =
        |id: &String| items(endpoint, field).iter().any(|its| its == id || its["groupId"] == *id);
    match ids.iter().find(|id| !has(id)) {
        Some(id) => {
            let message = format!("The endpoint is not associated with {id}");
            Err(Refusal::new("InvalidParameter", message))
        }
        None => Ok(()),
    }
}

fn modify_gateway(
    call: &mut Call<'_>,
    request: &Modify,
    endpoint: &Object,
    service: &Service,
) -> Result<(), Refusal> {
    only_for("Interface", &[&request.add_subnet_id, &request.remove_subnet_id])?;
    only_for("Interface", &[&request.add_security_group_id, &request.remove_security_group_id])?;
    let (id, removed) = (request.vpc_endpoint_id.as_str(), &request.remove_route_table_id);
    check_tables(call, endpoint.text("vpcId"), &request.add_route_table_id, service)?;
    check_has(endpoint, "routeTableIdSet", removed)?;
    removed.iter().for_each(|table| route::forget(call.world, Some(table), id));
    let is_left = |its: &Value| removed.iter().all(|table| its != table);
    let key = ENDPOINT.key(id);
    call.world.edit(&key, |endpoint| items_mut(endpoint, "routeTableIdSet").retain(is_left));
    add_tables(call.world, id, &request.add_route_table_id, service);
    Ok(())
}

fn modify_interface(
    call: &mut Call<'_>,
    request: &Modify,
    endpoint: &Object,
    service: &Service,
) -> Result<(), Refusal> {
    only_for("Gateway", &[&request.add_route_table_id, &request.remove_route_table_id])?;
    let id = request.vpc_endpoint_id.as_str();
    check_subnets(call, endpoint.text("vpcId"), &request.add_subnet_id)?;
    check_has(endpoint, "subnetIdSet", &request.remove_subnet_id)?;
    check_has(endpoint, "groupSet", &request.remove_security_group_id)?;
    for group in &request.add_security_group_id {
        GROUP.refer(call, group)?;
    }
    let is_private = endpoint.body.get("privateDnsEnabled") == Some(&json!(true));
    if request.private_dns_enabled == Some(true) && !is_private {
        check_dns(call, endpoint.text("vpcId"), service)?;
    }
    if let Some(private) = request.private_dns_enabled {
        call.world.edit(&ENDPOINT.key(id), |endpoint| endpoint.set("privateDnsEnabled", private));
    }
    regroup(call, request, endpoint);
    remove_subnets(call, id, &request.remove_subnet_id);
    add_subnets(call, id, &request.add_subnet_id);
    Ok(())
}

/// Gives an endpoint and its interfaces other security groups.
fn regroup(call: &mut Call<'_>, request: &Modify, endpoint: &Object) {
    let (added, removed) = (&request.add_security_group_id, &request.remove_security_group_id);
    if added.is_empty() && removed.is_empty() {
        return;
    }
    let now = items(endpoint, "groupSet").iter();
    let now = now.filter_map(|group| Some(group["groupId"].as_str()?.to_owned()));
    let mut groups: Vec<String> = now.filter(|group| !removed.contains(group)).collect();
    groups
        .extend(added.iter().filter(|group| !groups.contains(group)).cloned().collect::<Vec<_>>());
    let set = security_group::shown(call.world, &groups);
    let key = ENDPOINT.key(&request.vpc_endpoint_id);
    call.world.edit(&key, |endpoint| endpoint.set("groupSet", set));
    for interface in items(endpoint, "networkInterfaceIdSet") {
        let interface = INTERFACE.key(interface.as_str().unwrap_or_default());
        network_interface::regroup(call.world, &interface, &groups);
    }
}

/// Takes away the interfaces of an endpoint in some subnets.
fn remove_subnets(call: &mut Call<'_>, id: &str, subnets: &[String]) {
    let Some(endpoint) = call.get(&ENDPOINT.key(id)).cloned() else { return };
    for interface in items(&endpoint, "networkInterfaceIdSet") {
        let key = INTERFACE.key(interface.as_str().unwrap_or_default());
        let home = call.get(&key).map(|its| its.text("subnetId").to_owned()).unwrap_or_default();
        if subnets.contains(&home) {
            network_interface::remove(call.world, &key);
            call.world.edit(&ENDPOINT.key(id), |endpoint| {
                items_mut(endpoint, "networkInterfaceIdSet").retain(|its| its != interface);
                items_mut(endpoint, "subnetIdSet").retain(|its| *its != home);
            });
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    vpc_endpoint_id: Vec<String>,
}

/// Deletes endpoints: each for itself, and what could not be is told in an answer of success.
fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let mut unsuccessful = Vec::new();
    for id in &request.vpc_endpoint_id {
        if let Err(refusal) = delete_one(call, id) {
            let error = json!({ "code": refusal.code, "message": refusal.message });
            unsuccessful.push(json!({ "resourceId": id, "error": error }));
        }
    }
    Ok(json!({ "unsuccessful": unsuccessful }))
}

fn delete_one(call: &mut Call<'_>, id: &str) -> Result<(), Refusal> {
    let endpoint = ENDPOINT.get(call, id)?;
    if endpoint.text("state") == "deleting" {
        return Ok(());
    }
    if endpoint.text("vpcEndpointType") == "Gateway" {
        route::forget(call.world, None, id);
        endpoint::turn(call.world, &ENDPOINT.key(id), "deleted");
        return Ok(());
    }
    let end = call.world.after(&DELETED);
    call.world.edit(&ENDPOINT.key(id), |endpoint| {
        endpoint.turns.clear();
        endpoint.set("state", "deleting");
        endpoint.later(end, "deleted");
    });
    Ok(())
}
