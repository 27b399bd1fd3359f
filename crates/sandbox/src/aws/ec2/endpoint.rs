//! A VPC endpoint: a way to an AWS service that does not leave the network.
use super::super::{Answer, Call, Refusal, domain, unknown_turn};
use super::endpoint_service::{self, Service};
use super::living::{self, NewInterface, Place};
use super::noun::{begin, items, items_mut, within};
use super::route_table::TABLE;
use super::security_group::{self, GROUP};
use super::subnet::SUBNET;
use super::vpc::{self, VPC};
use super::{Describe, Noun, Operation, TagSpecification, network_interface, route};
use crate::behaviour::Behaviour;
use crate::clock::iso;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const AVAILABLE: Behaviour = Behaviour {
    service: "ec2",
    what: "an interface endpoint is pending, then available; a gateway endpoint is available at \
        once",
    seconds: 90,
    source: "assumption",
};

pub(super) const DELETED: Behaviour = Behaviour {
    service: "ec2",
    what: "an interface endpoint is deleting, with its interfaces, then both are gone; a gateway \
        endpoint goes at once",
    seconds: 180,
    source: "assumption",
};

pub(super) static ENDPOINT: Noun = Noun {
    kind: "ec2.vpc_endpoint",
    prefix: "vpce",
    resource_type: "vpc-endpoint",
    id: "vpcEndpointId",
    set: "vpcEndpointSet",
    malformed: "InvalidVpcEndpointId.Malformed",
    missing: ("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '{}' does not exist"),
    limit: None,
    filters: &[
        ("ip-address-type", "ipAddressType"),
        ("service-name", "serviceName"),
        ("service-region", "serviceRegion"),
        ("vpc-endpoint-id", "vpcEndpointId"),
        ("vpc-endpoint-state", "state"),
        ("vpc-endpoint-type", "vpcEndpointType"),
        ("vpc-id", "vpcId"),
    ],
};

/// What an endpoint allows when nothing is said.
pub(super) const POLICY: &str = concat!(
    r#"{"Version":"2008-10-17","Statement":"#,
    r#"[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#
);

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateVpcEndpoint", |call, input| call.run(input, create)),
    ("DescribeVpcEndpoints", |call, input| {
        Describe::read(call, input, "VpcEndpointId")?.answer(call, &ENDPOINT)
    }),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    vpc_endpoint_type: Option<String>,
    vpc_id: String,
    service_name: String,
    policy_document: Option<String>,
    #[serde(default)]
    route_table_id: Vec<String>,
    #[serde(default)]
    subnet_id: Vec<String>,
    #[serde(default)]
    security_group_id: Vec<String>,
    private_dns_enabled: Option<bool>,
    ip_address_type: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn create(call: &mut Call<'_>, request: Create) -> Answer {
    VPC.refer(call, &request.vpc_id)?;
    let kind = request.vpc_endpoint_type.as_deref().unwrap_or("Gateway");
    let services = endpoint_service::all(&call.region);
    let is_it = |service: &&Service| service.name == request.service_name && service.kind == kind;
    let Some(service) = services.iter().find(is_it) else {
        let name = &request.service_name;
        let message = format!("The Vpc Endpoint Service '{name}' does not exist");
        return Err(Refusal::new("InvalidServiceName", message));
    };
    let policy = request.policy_document.as_deref().unwrap_or(POLICY);
    check_policy(policy)?;
    let tags = TagSpecification::of(&request.tag_specification, &ENDPOINT)?;
    let id = ENDPOINT.draw(call.world);
    let body = json!({
        "vpcEndpointId": id,
        "vpcEndpointType": kind,
        "vpcId": request.vpc_id,
        "serviceName": service.name,
        "serviceRegion": call.region,
        "state": "available",
        "policyDocument": policy,
        "routeTableIdSet": [],
        "subnetIdSet": [],
        "groupSet": [],
        "networkInterfaceIdSet": [],
        "dnsEntrySet": [],
        "privateDnsEnabled": false,
        "requesterManaged": false,
        "creationTimestamp": iso(call.world.now),
        "ownerId": call.caller.account,
    });
    match kind {
        "Gateway" => gateway(call, &request, service, (body, tags), &id)?,
        _ => interface(call, &request, service, (body, tags), &id)?,
    }
    Ok(json!({ "vpcEndpoint": ENDPOINT.show(ENDPOINT.get(call, &id)?) }))
}

/// Returns the endpoints of a type.
fn of_kind<'a>(call: &'a Call<'_>, kind: &'a str) -> impl Iterator<Item = &'a Object> {
    let all = call.there(ENDPOINT.kind).into_iter().map(|(_, endpoint)| endpoint);
    all.filter(move |endpoint| endpoint.text("vpcEndpointType") == kind)
}

/// Makes a gateway endpoint, with a route in each of its tables.
fn gateway(
    call: &mut Call<'_>,
    request: &Create,
    service: &Service,
    (body, tags): (Value, BTreeMap<String, String>),
    id: &str,
) -> Result<(), Refusal> {
    only_for("Interface", &[&request.subnet_id, &request.security_group_id])?;
    let have = of_kind(call, "Gateway").count();
    within(have, 20, "VpcEndpointLimitExceeded", "gateway VPC endpoint")?;
    check_tables(call, &request.vpc_id, &request.route_table_id, service)?;
    let endpoint = begin(call, body, tags);
    call.world.put(ENDPOINT.key(id), endpoint);
    add_tables(call.world, id, &request.route_table_id, service);
    Ok(())
}

/// Makes an interface endpoint, with an interface in each of its subnets.
fn interface(
    call: &mut Call<'_>,
    request: &Create,
    service: &Service,
    (mut body, tags): (Value, BTreeMap<String, String>),
    id: &str,
) -> Result<(), Refusal> {
    only_for("Gateway", &[&request.route_table_id])?;
    let have = of_kind(call, "Interface").filter(|its| its.text("vpcId") == request.vpc_id);
    within(have.count(), 50, "VpcEndpointLimitExceeded", "interface VPC endpoint")?;
    check_subnets(call, &request.vpc_id, &request.subnet_id)?;
    let mut groups = request.security_group_id.clone();
    groups.iter().try_for_each(|group| GROUP.refer(call, group).map(|_| ()))?;
    if groups.is_empty() {
        groups.extend(security_group::default_of(call, &request.vpc_id));
    }
    let private = request.private_dns_enabled.unwrap_or(true);
    if private {
        check_dns(call, &request.vpc_id, service)?;
    }
    body["ipAddressType"] = json!(request.ip_address_type.as_deref().unwrap_or("ipv4"));
    body["state"] = json!("pending");
    body["privateDnsEnabled"] = json!(private);
    body["groupSet"] = security_group::shown(call.world, &groups);
    let suffix = format!("{}-{}", id, call.world.digits(8));
    let domain = domain(&call.region);
    let dns = format!("{suffix}.{}.{}.vpce.{domain}", service.short, call.region);
    let mut entries = vec![json!({ "dnsName": dns, "hostedZoneId": "Z7HUB22UULQXV" })];
    entries.extend(private.then(|| json!({ "dnsName": service.private_name })));
    body["dnsEntrySet"] = json!(entries);
    let mut endpoint = begin(call, body, tags);
    endpoint.later(call.world.after(&AVAILABLE), "state=available");
    call.world.put(ENDPOINT.key(id), endpoint);
    add_subnets(call, id, &request.subnet_id);
    Ok(())
}

/// Refuses members that only the other type has.
pub(super) fn only_for(kind: &str, lists: &[&Vec<String>]) -> Result<(), Refusal> {
    match lists.iter().all(|list| list.is_empty()) {
        true => Ok(()),
        false => {
            let message = format!("A parameter can only be used with endpoints of type {kind}.");
            Err(Refusal::new("InvalidParameter", message))
        }
    }
}

/// Refuses a policy that is no JSON.
///
/// # Errors
/// When it is not an object.
pub(super) fn check_policy(text: &str) -> Result<(), Refusal> {
    let policy: Result<BTreeMap<String, Value>, _> = serde_json::from_str(text);
    policy
        .map(|_| ())
        .map_err(|_| Refusal::new("InvalidPolicyDocument", "The policy document is invalid."))
}

/// Checks that route tables are of the VPC, and lead nowhere for the service yet.
pub(super) fn check_tables(
    call: &Call<'_>,
    vpc: &str,
    tables: &[String],
    service: &Service,
) -> Result<(), Refusal> {
    let list = service.prefix_list.unwrap_or_default();
    for id in tables {
        if TABLE.refer(call, id)?.text("vpcId") != vpc {
            let message = format!("Route table {id} does not belong to network {vpc}");
            return Err(Refusal::new("InvalidParameter", message));
        }
        if route::has_list(call, id, list) {
            let message = format!(
                "route table {id} already has a route with destination-prefix-list-id {list}"
            );
            return Err(Refusal::new("RouteAlreadyExists", message));
        }
    }
    Ok(())
}

/// Makes route tables lead to the service through an endpoint.
pub(super) fn add_tables(world: &mut World, id: &str, tables: &[String], service: &Service) {
    let list = service.prefix_list.unwrap_or_default();
    tables.iter().for_each(|table| route::lead_to_list(world, table, list, id));
    world.edit(&ENDPOINT.key(id), |endpoint| {
        items_mut(endpoint, "routeTableIdSet").extend(tables.iter().map(|table| json!(table)));
    });
}

/// Checks that subnets are of the VPC, and in different zones.
pub(super) fn check_subnets(call: &Call<'_>, vpc: &str, subnets: &[String]) -> Result<(), Refusal> {
    let mut zones = Vec::new();
    for id in subnets {
        let subnet = SUBNET.refer(call, id)?;
        let zone = subnet.text("availabilityZone");
        if subnet.text("vpcId") != vpc {
            let message = format!("Subnet {id} does not belong to network {vpc}");
            return Err(Refusal::new("InvalidParameter", message));
        }
        if zones.contains(&zone) {
            let message =
                format!("Found another VPC endpoint subnet in the availability zone of {id}");
            return Err(Refusal::new("DuplicateSubnetsInSameZone", message));
        }
        zones.push(zone);
    }
    Ok(())
}

/// Checks that a service's own names can lead to an endpoint.
pub(super) fn check_dns(call: &Call<'_>, vpc: &str, service: &Service) -> Result<(), Refusal> {
    if !vpc::has_dns(call, vpc) {
        let message = format!(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC \
             attributes set to true for {vpc}"
        );
        return Err(Refusal::new("InvalidParameter", message));
    }
    let private = Some(&Value::Bool(true));
    let mut all = call.there(ENDPOINT.kind).into_iter();
    let conflicts = all.any(|(_, its)| {
        its.text("vpcId") == vpc
            && its.text("serviceName") == service.name
            && its.body.get("privateDnsEnabled") == private
    });
    match conflicts {
        false => Ok(()),
        true => Err(Refusal::new(
            "InvalidParameter",
            format!(
                "private-dns-enabled cannot be set because there is already a conflicting DNS \
                 domain for {} in the VPC {vpc}",
                service.private_name
            ),
        )),
    }
}

/// Gives an endpoint an interface in each of some subnets.
pub(super) fn add_subnets(call: &mut Call<'_>, id: &str, subnets: &[String]) {
    let key = ENDPOINT.key(id);
    let Some(endpoint) = call.world.get(&key).cloned() else { return };
    let groups = items(&endpoint, "groupSet").iter();
    let groups: Vec<String> =
        groups.filter_map(|group| Some(group["groupId"].as_str()?.to_owned())).collect();
    for subnet in subnets {
        let new = NewInterface {
            subnet,
            description: &format!("VPC Endpoint Interface {id}"),
            groups: &groups,
            instance: None,
            requester: Some(&endpoint.account),
            tags: BTreeMap::new(),
        };
        let interface = living::interface(call.world, &Place::of(&endpoint), new);
        let its = network_interface::INTERFACE.key(&interface);
        call.world.edit(&its, |interface| interface.set("interfaceType", "vpc_endpoint"));
        call.world.edit(&key, |endpoint| {
            items_mut(endpoint, "subnetIdSet").push(json!(subnet));
            items_mut(endpoint, "networkInterfaceIdSet").push(json!(interface));
        });
    }
}

/// Does what an endpoint was to do by itself.
pub(super) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        "deleted" => {
            let Some(endpoint) = world.remove(key) else { return };
            for interface in items(&endpoint, "networkInterfaceIdSet") {
                let interface = interface.as_str().unwrap_or_default();
                network_interface::remove(world, &network_interface::INTERFACE.key(interface));
            }
        }
        _ => unknown_turn(key, word),
    }
}
