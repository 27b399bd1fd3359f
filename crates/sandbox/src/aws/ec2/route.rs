//! The routes of a route table.
use super::super::{Answer, Call, Refusal};
use super::internet_gateway::{self, GATEWAY};
use super::nat_gateway::NAT;
use super::network_interface::INTERFACE;
use super::noun::{invalid, items, items_mut, within};
use super::route_table::TABLE;
use super::vpc::{VPC, block};
use super::{Operation, done};
use crate::behaviour::Behaviour;
use crate::world::World;
use ipnet::Ipv4Net;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const BLACKHOLE: Behaviour = Behaviour {
    service: "ec2",
    what: "routes stay when what they lead to goes, in state blackhole",
    seconds: 0,
    source: "Amazon VPC User Guide, Delete a NAT gateway",
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateRoute", |call, input| call.run(input, create)),
    ("ReplaceRoute", |call, input| call.run(input, replace)),
    ("DeleteRoute", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Route {
    route_table_id: String,
    destination_cidr_block: String,
    gateway_id: Option<String>,
    nat_gateway_id: Option<String>,
    network_interface_id: Option<String>,
}

impl Route {
    /// Returns where it leads: a member and an id.
    fn target(&self, call: &Call<'_>) -> Result<(&'static str, String), Refusal> {
        let targets = [
            ("gatewayId", &self.gateway_id),
            ("natGatewayId", &self.nat_gateway_id),
            ("networkInterfaceId", &self.network_interface_id),
        ];
        let asked = targets.into_iter().filter_map(|(field, id)| Some((field, id.clone()?)));
        let asked: Vec<(&str, String)> = asked.collect();
        let [(field, id)] = asked.as_slice() else {
            let message = "The request must contain exactly one of gatewayId, natGatewayId, \
                networkInterfaceId, vpcPeeringConnectionId, egressOnlyInternetGatewayId, \
                transitGatewayId, localGatewayId, carrierGatewayId, vpcEndpointId, coreNetworkArn";
            return Err(match asked.is_empty() {
                true => Refusal::new("MissingParameter", message),
                false => Refusal::new("InvalidParameterCombination", message),
            });
        };
        let network = TABLE.get(call, &self.route_table_id)?.text("vpcId");
        let absent =
            |code, what| Refusal::new(code, format!("The {what} ID '{id}' does not exist"));
        let its = match *field {
            "gatewayId" => {
                let absent = |_| absent("InvalidGatewayID.NotFound", "gateway");
                internet_gateway::attached(GATEWAY.refer(call, id).map_err(absent)?)
            }
            "natGatewayId" => {
                let absent = |_| absent("InvalidNatGatewayID.NotFound", "natGateway");
                let gateway = NAT.refer(call, id).map_err(absent)?;
                if !["pending", "available"].contains(&gateway.text("state")) {
                    return Err(absent(NAT.missing(id)));
                }
                Some(gateway.text("vpcId"))
            }
            _ => Some(INTERFACE.refer(call, id)?.text("vpcId")),
        };
        if its != Some(network) {
            let table = &self.route_table_id;
            return Err(invalid(format!(
                "route table {table} and network gateway {id} belong to different networks"
            )));
        }
        Ok((field, id.clone()))
    }

    fn shown(&self, net: Ipv4Net, (field, id): (&str, String)) -> Value {
        json!({
            "destinationCidrBlock": net.to_string(),
            field: id,
            "origin": "CreateRoute",
            "state": "active",
        })
    }
}

/// Returns the place of a route among those of its table.
fn place(call: &Call<'_>, table: &str, destination: &str) -> Option<usize> {
    let table = call.get(&TABLE.key(table))?;
    let mut routes = items(table, "routeSet").iter();
    routes.position(|route| route["destinationCidrBlock"] == destination)
}

fn create(call: &mut Call<'_>, request: Route) -> Answer {
    let id = request.route_table_id.as_str();
    let table = TABLE.refer(call, id)?;
    let net = block(&request.destination_cidr_block, "destinationCidrBlock")?;
    let target = request.target(call)?;
    if place(call, id, &net.to_string()).is_some() {
        let message = format!("The route identified by {net} already exists.");
        return Err(Refusal::new("RouteAlreadyExists", message));
    }
    let whole = call.get(&VPC.key(table.text("vpcId")));
    let whole = whole.and_then(|vpc| vpc.text("cidrBlock").parse::<Ipv4Net>().ok());
    if target.0 != "networkInterfaceId" && whole.is_some_and(|whole| whole.contains(&net)) {
        return Err(invalid(format!(
            "The destination CIDR block {net} is equal to or more specific than one of this VPC's \
             CIDR blocks. This route can target only an interface or an instance."
        )));
    }
    within(items(table, "routeSet").len(), 50, "RouteLimitExceeded", "route")?;
    let route = request.shown(net, target);
    call.world.edit(&TABLE.key(id), |table| items_mut(table, "routeSet").push(route));
    done()
}

fn replace(call: &mut Call<'_>, request: Route) -> Answer {
    let id = request.route_table_id.as_str();
    TABLE.refer(call, id)?;
    let net = block(&request.destination_cidr_block, "destinationCidrBlock")?;
    let target = request.target(call)?;
    let Some(place) = place(call, id, &net.to_string()) else {
        return Err(invalid(format!(
            "There is no route defined for '{net}' in the route table. Use CreateRoute instead."
        )));
    };
    let route = request.shown(net, target);
    call.world.edit(&TABLE.key(id), |table| items_mut(table, "routeSet")[place] = route);
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    route_table_id: String,
    destination_cidr_block: String,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let id = request.route_table_id.as_str();
    let table = TABLE.refer(call, id)?;
    let net = block(&request.destination_cidr_block, "destinationCidrBlock")?;
    let Some(place) = place(call, id, &net.to_string()) else {
        let message = format!("no route with destination-cidr-block {net} in route table {id}");
        return Err(Refusal::new("InvalidRoute.NotFound", message));
    };
    if items(table, "routeSet")[place]["gatewayId"] == "local" {
        return Err(invalid(format!("cannot remove local route {net} in route table {id}")));
    }
    call.world.edit(&TABLE.key(id), |table| items_mut(table, "routeSet").remove(place));
    done()
}

/// Says of every route to something whether it leads anywhere.
pub(super) fn leads(world: &mut World, (field, id): (&str, &str), state: &str) {
    change(world, |routes| {
        let its = routes.iter_mut().filter(|route| route[field] == id);
        its.for_each(|route| route["state"] = json!(state));
    });
}

/// Makes a route of a table lead to a list of prefixes.
pub(super) fn lead_to_list(world: &mut World, table: &str, list: &str, endpoint: &str) {
    let route = json!({
        "destinationPrefixListId": list,
        "gatewayId": endpoint,
        "origin": "CreateRoute",
        "state": "active",
    });
    world.edit(&TABLE.key(table), |table| items_mut(table, "routeSet").push(route));
}

/// Takes away the routes that lead to a gateway, in one table or in all.
pub(super) fn forget(world: &mut World, table: Option<&str>, gateway: &str) {
    let is_its = |route: &Value| route["gatewayId"] == gateway;
    match table {
        Some(table) => drop(world.edit(&TABLE.key(table), |table| {
            items_mut(table, "routeSet").retain(|route| !is_its(route));
        })),
        None => change(world, |routes| routes.retain(|route| !is_its(route))),
    }
}

fn change(world: &mut World, change: impl Fn(&mut Vec<Value>)) {
    for table in TABLE.those(world, |_| true) {
        world.edit(&table, |table| change(items_mut(table, "routeSet")));
    }
}

/// Tells whether a route of a table leads to a list of prefixes.
pub(super) fn has_list(call: &Call<'_>, id: &str, list: &str) -> bool {
    let routes = call.get(&TABLE.key(id)).map_or(&[][..], |table| items(table, "routeSet"));
    routes.iter().any(|route| route["destinationPrefixListId"] == list)
}
