//! The VPC that every account has in every region from the beginning.
use super::super::Call;
use super::internet_gateway;
use super::noun::items_mut;
use super::route_table::{self, TABLE};
use super::subnet::{self, SUBNET};
use super::vpc::{self, VPC};
use super::zones;
use crate::behaviour::Behaviour;
use ipnet::Ipv4Net;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

pub(super) const DEFAULT: Behaviour = Behaviour {
    service: "ec2",
    what: "every account has a default VPC in every region, with a subnet in each zone and a way \
        to the internet; it counts to the limits",
    seconds: 0,
    source: "Amazon VPC User Guide, Default VPCs",
};

/// Makes the default VPC when a region is used for the first time.
pub(super) fn ensure(call: &mut Call<'_>) {
    let note = format!("ec2 default VPC {} {}", call.caller.account, call.region);
    if call.world.noted(&note).is_some() {
        return;
    }
    call.world.note(note, json!(true));
    let net = Ipv4Net::new_assert(Ipv4Addr::new(172, 31, 0, 0), 16);
    let id = VPC.draw(call.world);
    vpc::make(call, &id, net, "default", BTreeMap::new());
    call.world.edit(&VPC.key(&id), |vpc| vpc.set("isDefault", true));
    let parts = net.subnets(20).into_iter().flatten();
    let zones = zones::of(&call.region).into_iter().flat_map(|region| region.own());
    for (part, zone) in parts.zip(zones) {
        if let Ok(subnet) = subnet::make(call, &id, part, zone, BTreeMap::new()) {
            call.world.edit(&SUBNET.key(&subnet), |subnet| {
                subnet.set("defaultForAz", true);
                subnet.set("mapPublicIpOnLaunch", true);
            });
        }
    }
    open(call, &id);
}

/// Joins it to the internet.
fn open(call: &mut Call<'_>, vpc: &str) {
    let Ok(gateway) = internet_gateway::make(call, BTreeMap::new()) else { return };
    internet_gateway::join(call, &gateway, vpc);
    let tables = call.there(TABLE.kind).into_iter();
    let mut main = tables.filter(|(_, its)| its.text("vpcId") == vpc && route_table::is_main(its));
    let Some(main) = main.next().map(|(key, _)| key.clone()) else { return };
    let route = json!({
        "destinationCidrBlock": "0.0.0.0/0",
        "gatewayId": gateway,
        "origin": "CreateRoute",
        "state": "active",
    });
    call.world.edit(&main, |table| items_mut(table, "routeSet").push(route));
}
