//! Where one destination is reached from a route table.
//!
//! It carries no tags. When its gateway is deleted it stays, as a black hole that still names
//! the gateway.
use super::route_table::{ours, tables};
use crate::aws::{Aws, Reply, filter, inherited};
use aws_sdk_ec2::types::{Route as Found, RouteOrigin, RouteTable};
use provision_core::{
    Cx, Diff, Identity, Input, Live, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};

/// Where one destination is reached from a route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// The route table.
    pub route_table: Input<String>,
    /// The destination, a range of addresses.
    pub destination: String,
    /// The internet gateway or NAT gateway it goes through.
    pub target: Input<String>,
}

/// What follows from where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Route table and destination, as `rtb-1/0.0.0.0/0`.
    pub id: String,
}

impl Resource for Route {
    const KIND: &'static str = "aws.ec2.route";
    const RULES: &'static [(&'static str, Rule)] =
        &[("route_table", Rule::Immutable), ("destination", Rule::Immutable)];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 20 * 60, 60);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        Ok(Some(ours(cx).await?.into_iter().flat_map(live).collect()))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let Ok(table) = self.route_table.get() else { return Ok(None) };
        let tables = tables(cx.cloud, vec![filter("route-table-id", table)]).await?;
        let mut routes = tables.into_iter().flat_map(live);
        Ok(routes.find(|route| route.spec.destination == self.destination))
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let (table, target) = (self.route_table.get()?, self.target.get()?);
        let call = cx.cloud.ec2.create_route().route_table_id(table);
        let call = call.destination_cidr_block(&self.destination);
        let call = match is_nat(target) {
            true => call.nat_gateway_id(target),
            false => call.gateway_id(target),
        };
        call.send().await.reply("ec2:CreateRoute")?;
        Ok(Started::made(Outputs { id: id(table, &self.destination) }))
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>, _: &Diff) -> Result<Started<Outputs>> {
        let target = self.target.get()?;
        let call = cx.cloud.ec2.replace_route().route_table_id(self.route_table.get()?);
        let call = call.destination_cidr_block(&self.destination);
        let call = match is_nat(target) {
            true => call.nat_gateway_id(target),
            false => call.gateway_id(target),
        };
        call.send().await.reply("ec2:ReplaceRoute").map(|_| Started::done())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.ec2.delete_route().route_table_id(live.spec.route_table.get()?);
        let call = call.destination_cidr_block(&live.spec.destination);
        call.send().await.gone("ec2:DeleteRoute")
    }
}

fn is_nat(target: &str) -> bool {
    target.starts_with("nat-")
}

fn id(table: &str, destination: &str) -> String {
    format!("{table}/{destination}")
}

/// Maps the routes that somebody made; the others come with the table or with an endpoint.
fn live(table: RouteTable) -> Vec<Live<Route>> {
    let id_of_table = table.route_table_id.unwrap_or_default();
    let made = |route: &Found| route.origin == Some(RouteOrigin::CreateRoute);
    let routes = table.routes.unwrap_or_default().into_iter().filter(made);
    let one = |route: Found| {
        let destination = route.destination_cidr_block?;
        let target = route.nat_gateway_id.or(route.gateway_id).unwrap_or_default();
        let outputs = Outputs { id: id(&id_of_table, &destination) };
        let route_table = Input::Known(id_of_table.clone());
        let spec = Route { route_table, destination, target: Input::Known(target) };
        Some(inherited(Phase::Ready, outputs, spec))
    };
    routes.filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_routes_that_somebody_made_are_ours() {
        let route = |cidr: &str, origin| {
            Found::builder().destination_cidr_block(cidr).origin(origin).nat_gateway_id("nat-1")
        };
        let table = RouteTable::builder().route_table_id("rtb-1");
        let table = table.routes(route("10.0.0.0/16", RouteOrigin::CreateRouteTable).build());
        let table = table.routes(route("0.0.0.0/0", RouteOrigin::CreateRoute).build());
        let routes = live(table.build());
        let ids: Vec<_> = routes.iter().map(|route| route.outputs.id.as_str()).collect();
        assert_eq!(ids, ["rtb-1/0.0.0.0/0"]);
        assert_eq!(routes[0].spec.target, Input::Known("nat-1".into()));
    }
}
