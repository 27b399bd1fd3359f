//! Load balancers with their listeners.
use super::super::ec2::living::{self, NewInterface, Place};
use super::super::{Answer, Call, Refusal, domain, partition};
use super::{no_page, page, target_group};
use crate::behaviour::Behaviour;
use crate::clock::iso;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const KIND: &str = "elb.load_balancer";
pub(super) const LISTENER: &str = "elb.listener";

pub(super) const ACTIVE: Behaviour = Behaviour {
    service: "elasticloadbalancing",
    what: "a load balancer is provisioning, then active",
    seconds: 2 * 60,
    source: "assumption",
};
pub(super) const REMOVED: Behaviour = Behaviour {
    service: "elasticloadbalancing",
    what: "the network interfaces of a load balancer that was deleted go",
    seconds: 30,
    source: "assumption",
};

/// A network load balancer that a controller makes for a service.
pub(crate) struct NewBalancer<'a> {
    pub(crate) place: Place,
    pub(crate) name: &'a str,
    pub(crate) vpc: &'a str,
    pub(crate) subnets: &'a [String],
    pub(crate) group: &'a str,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Makes a load balancer with its interfaces, a listener and a target group, and returns its ARN.
pub(crate) fn create(world: &mut World, new: NewBalancer<'_>) -> String {
    let Place { account, region } = &new.place;
    let id = world.digits(16);
    let path = format!("net/{}/{id}", new.name);
    let of = format!("arn:{}:elasticloadbalancing:{region}:{account}", partition(region));
    let arn = format!("{of}:loadbalancer/{path}");
    let target = target_group::create(world, &new, &arn);
    let zones = interfaces(world, &new, &path);
    let mut balancer = begin(
        world,
        &new,
        json!({
            "LoadBalancerArn": arn,
            "DNSName": format!("{}-{id}.elb.{region}.{}", new.name, domain(region)),
            "CanonicalHostedZoneId": "Z26RNL4JYFTOTI",
            "CreatedTime": iso(world.now),
            "LoadBalancerName": new.name,
            "Scheme": "internet-facing",
            "VpcId": new.vpc,
            "State": { "Code": "provisioning" },
            "Type": "network",
            "AvailabilityZones": zones,
            "SecurityGroups": [new.group],
            "IpAddressType": "ipv4",
        }),
    );
    balancer.later(world.after(&ACTIVE), "active");
    world.put(Key::new(KIND, arn.as_str()), balancer);
    let listener_arn = format!("{of}:listener/{path}/{}", world.digits(16));
    let listener = begin(
        world,
        &new,
        json!({
            "ListenerArn": listener_arn,
            "LoadBalancerArn": arn,
            "Port": 443,
            "Protocol": "TCP",
            "DefaultActions": [{ "Type": "forward", "TargetGroupArn": target, "Order": 1 }],
        }),
    );
    world.put(Key::new(LISTENER, listener_arn), listener);
    arn
}

/// Makes the interfaces of a load balancer, and shows the zones that it is in.
fn interfaces(world: &mut World, new: &NewBalancer<'_>, path: &str) -> Vec<Value> {
    let description = format!("ELB {path}");
    let mut zones = Vec::new();
    for subnet in new.subnets {
        let zone =
            world.get(&living::subnet(subnet)).map(|it| it.text("availabilityZone").to_owned());
        zones.push(json!({ "ZoneName": zone, "SubnetId": subnet, "LoadBalancerAddresses": [] }));
        let interface = NewInterface {
            subnet,
            description: &description,
            groups: &[new.group.to_owned()],
            instance: None,
            requester: Some("amazon-elb"),
            tags: BTreeMap::new(),
        };
        living::interface(world, &new.place, interface);
    }
    zones
}

/// Begins an object that belongs to a load balancer.
pub(super) fn begin(world: &World, new: &NewBalancer<'_>, body: Value) -> Object {
    let Place { account, region } = new.place.clone();
    let body = body.as_object().cloned().unwrap_or_default();
    Object { account, region, body, tags: new.tags.clone(), made: world.now, ..Object::default() }
}

/// Does what a load balancer was to do by itself.
pub(super) fn turn(world: &mut World, key: &Key) {
    world.edit(key, |balancer| balancer.set("State", json!({ "Code": "active" })));
}

pub(super) fn missing() -> Refusal {
    Refusal::new("LoadBalancerNotFound", "One or more load balancers not found")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Describe {
    #[serde(default)]
    load_balancer_arns: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    marker: Option<String>,
    page_size: Option<i64>,
}

pub(super) fn describe(call: &mut Call<'_>, request: Describe) -> Answer {
    let all: Vec<&Object> = call.seen(KIND).into_iter().map(|(_, balancer)| balancer).collect();
    let has =
        |field: &str, value: &String| all.iter().any(|balancer| balancer.text(field) == value);
    let (arns, names) = (&request.load_balancer_arns, &request.names);
    if !arns.iter().all(|arn| has("LoadBalancerArn", arn))
        || !names.iter().all(|name| has("LoadBalancerName", name))
    {
        return Err(missing());
    }
    let is_asked = |balancer: &&Object| {
        let by = |list: &[String], field| list.iter().any(|it| it == balancer.text(field));
        (arns.is_empty() && names.is_empty())
            || by(arns, "LoadBalancerArn")
            || by(names, "LoadBalancerName")
    };
    let shown = all.into_iter().filter(is_asked).map(|balancer| json!(balancer.body)).collect();
    let page = page(request.page_size, request.marker)?;
    let name = |it: &Value| it["LoadBalancerArn"].as_str().unwrap_or_default().to_owned();
    let (balancers, next) = page.cut(shown, name, no_page)?;
    Ok(json!({ "LoadBalancers": balancers, "NextMarker": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    load_balancer_arn: String,
}

/// Takes a load balancer away; one that there is not is away already.
pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = Key::new(KIND, request.load_balancer_arn);
    if call.get(&key).is_none() {
        return Ok(json!({}));
    }
    call.world.remove(&key);
    let is_its = |object: &Object| object.text("LoadBalancerArn") == key.id;
    let listeners = call.world.of(LISTENER).filter(|(_, object)| is_its(object));
    let listeners: Vec<Key> = listeners.map(|(key, _)| key.clone()).collect();
    listeners.iter().for_each(|key| drop(call.world.remove(key)));
    target_group::detach(call.world, &key.id);
    let path = key.id.split_once("loadbalancer/").map(|(_, path)| path).unwrap_or_default();
    let description = format!("ELB {path}");
    let all = call.there("ec2.network_interface").into_iter();
    let its = all.filter(|(_, object)| object.text("description") == description);
    let its: Vec<Key> = its.map(|(key, _)| key.clone()).collect();
    for interface in its {
        let at = call.world.after(&REMOVED);
        call.world.edit(&interface, |interface| interface.later(at, "remove"));
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Listeners {
    load_balancer_arn: Option<String>,
    #[serde(default)]
    listener_arns: Vec<String>,
    marker: Option<String>,
    page_size: Option<i64>,
}

pub(super) fn listeners(call: &mut Call<'_>, request: Listeners) -> Answer {
    if let Some(arn) = &request.load_balancer_arn {
        call.find(&Key::new(KIND, arn)).ok_or_else(missing)?;
    }
    for arn in &request.listener_arns {
        call.find(&Key::new(LISTENER, arn)).ok_or_else(no_listener)?;
    }
    let is_asked = |listener: &&Object| {
        let of = request.load_balancer_arn.as_deref();
        of.is_none_or(|arn| arn == listener.text("LoadBalancerArn"))
            && (request.listener_arns.is_empty()
                || request.listener_arns.iter().any(|arn| arn == listener.text("ListenerArn")))
    };
    let all = call.seen(LISTENER).into_iter().map(|(_, listener)| listener);
    let shown = all.filter(is_asked).map(|listener| json!(listener.body)).collect();
    let page = page(request.page_size, request.marker)?;
    let name = |it: &Value| it["ListenerArn"].as_str().unwrap_or_default().to_owned();
    let (listeners, next) = page.cut(shown, name, no_page)?;
    Ok(json!({ "Listeners": listeners, "NextMarker": next }))
}

pub(super) fn no_listener() -> Refusal {
    Refusal::new("ListenerNotFound", "One or more listeners not found")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Listener {
    listener_arn: String,
}

pub(super) fn delete_listener(call: &mut Call<'_>, request: Listener) -> Answer {
    let key = Key::new(LISTENER, request.listener_arn);
    let listener = call.get(&key).ok_or_else(no_listener)?;
    let balancer = listener.text("LoadBalancerArn").to_owned();
    call.world.remove(&key);
    target_group::detach(call.world, &balancer);
    Ok(json!({}))
}
