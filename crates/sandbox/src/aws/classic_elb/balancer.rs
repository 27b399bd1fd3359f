//! Classic load balancers with their listeners.
use super::super::ec2::living::{self, NewInterface, Place};
use super::super::{Answer, Call, Refusal};
use super::{RULE, no_page, page, tags, wrong};
use crate::behaviour::Behaviour;
use crate::clock::iso;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) const KIND: &str = "elb.classic_load_balancer";

/// The most that an account has in a region.
const MOST: usize = 20;

pub(super) const REMOVED: Behaviour = Behaviour {
    service: "elasticloadbalancing",
    what: "the network interfaces of a classic load balancer that was deleted go",
    seconds: 30,
    source: "assumption",
};

/// Returns what a load balancer is known by.
pub(super) fn key(account: &str, region: &str, name: &str) -> Key {
    Key::new(KIND, format!("{account}/{region}/{name}"))
}

/// Returns what the one of a name is known by to the caller.
pub(super) fn named(call: &Call<'_>, name: &str) -> Key {
    key(&call.caller.account, &call.region, name)
}

pub(super) fn missing(name: &str) -> Refusal {
    Refusal::new("LoadBalancerNotFound", format!("There is no ACTIVE Load Balancer named '{name}'"))
}

/// A load balancer that a service of a cluster gets.
pub(crate) struct NewBalancer<'a> {
    pub(crate) place: Place,
    pub(crate) name: &'a str,
    pub(crate) vpc: &'a str,
    pub(crate) subnets: &'a [String],
    pub(crate) groups: &'a [String],
    pub(crate) listeners: Vec<Value>,
    pub(crate) scheme: &'a str,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Makes a load balancer with its interfaces, and returns its name in the DNS.
pub(crate) fn make(world: &mut World, new: NewBalancer<'_>) -> String {
    let Place { account, region } = new.place.clone();
    let internal = if new.scheme == "internal" { "internal-" } else { "" };
    let dns = format!("{internal}{}-{}.{region}.elb.amazonaws.com", new.name, number(world));
    let mut zones = Vec::new();
    for subnet in new.subnets {
        let home = world.get(&living::subnet(subnet));
        zones.extend(home.map(|home| home.text("availabilityZone").to_owned()));
        let interface = NewInterface {
            subnet,
            description: &format!("ELB {}", new.name),
            groups: new.groups,
            instance: None,
            requester: Some("amazon-elb"),
            tags: BTreeMap::new(),
        };
        living::interface(world, &new.place, interface);
    }
    let body = described(world, &new, &dns, &zones);
    let key = key(&account, &region, new.name);
    let (tags, made) = (new.tags, world.now);
    let balancer = Object { account, region, body, tags, made, ..Object::default() };
    world.put(key, balancer);
    dns
}

/// Describes a new load balancer.
fn described(
    world: &World,
    new: &NewBalancer<'_>,
    dns: &str,
    zones: &[String],
) -> Map<String, Value> {
    let first = new.listeners.first().cloned().unwrap_or_default();
    let checked = format!("TCP:{}", first["InstancePort"]);
    let group = new.groups.first().and_then(|id| world.get(&Key::new("ec2.security_group", id)));
    let group = group.map(|group| group.text("groupName").to_owned());
    let listener = |listener: &Value| json!({ "Listener": listener, "PolicyNames": [] });
    let body = json!({
        "LoadBalancerName": new.name,
        "DNSName": dns,
        "CanonicalHostedZoneName": dns,
        "CanonicalHostedZoneNameID": "Z35SXDOTRQ7X7K",
        "ListenerDescriptions": new.listeners.iter().map(listener).collect::<Vec<_>>(),
        "Policies": {
            "AppCookieStickinessPolicies": [],
            "LBCookieStickinessPolicies": [],
            "OtherPolicies": [],
        },
        "BackendServerDescriptions": [],
        "AvailabilityZones": zones,
        "Subnets": new.subnets,
        "VPCId": new.vpc,
        "Instances": [],
        "HealthCheck": {
            "Target": checked,
            "Interval": 30,
            "Timeout": 5,
            "UnhealthyThreshold": 2,
            "HealthyThreshold": 10,
        },
        "SourceSecurityGroup": { "OwnerAlias": new.place.account, "GroupName": group },
        "SecurityGroups": new.groups,
        "CreatedTime": iso(world.now),
        "Scheme": new.scheme,
    });
    body.as_object().cloned().unwrap_or_default()
}

/// Draws the number that AWS puts into names of the DNS.
fn number(world: &mut World) -> u64 {
    u64::from_str_radix(&world.digits(8), 16).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Listener {
    protocol: String,
    load_balancer_port: u64,
    instance_protocol: Option<String>,
    instance_port: u64,
}

impl Listener {
    /// Returns a listener as it is described.
    fn shown(&self) -> Result<Value, Refusal> {
        let layer = |protocol: &str| match protocol.to_ascii_uppercase().as_str() {
            "HTTP" | "HTTPS" => Ok(7),
            "TCP" | "SSL" => Ok(4),
            _ => Err(wrong("LoadBalancer protocol must be one of HTTP, HTTPS, TCP or SSL")),
        };
        let own = self.protocol.to_ascii_uppercase();
        if ["HTTPS", "SSL"].contains(&own.as_str()) {
            return Err(Refusal::unsupported("a classic load balancer with a certificate"));
        }
        let inner = self.instance_protocol.as_ref().unwrap_or(&own).to_ascii_uppercase();
        if layer(&own)? != layer(&inner)? {
            return Err(Refusal::new(
                "InvalidConfigurationRequest",
                "The load balancer protocol and the instance protocol must be of the same layer",
            )
            .status(409));
        }
        for port in [self.load_balancer_port, self.instance_port] {
            RULE.number("port", port as i64, 1..=65535)?;
        }
        Ok(json!({
            "Protocol": own,
            "LoadBalancerPort": self.load_balancer_port,
            "InstanceProtocol": inner,
            "InstancePort": self.instance_port,
        }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    load_balancer_name: String,
    listeners: Vec<Listener>,
    #[serde(default)]
    subnets: Vec<String>,
    #[serde(default)]
    availability_zones: Vec<String>,
    #[serde(default)]
    security_groups: Vec<String>,
    scheme: Option<String>,
    #[serde(default)]
    tags: Vec<tags::Tag>,
}

impl Create {
    /// Returns the network that the load balancer is in.
    fn network(&self, call: &Call<'_>) -> Result<String, Refusal> {
        if !self.availability_zones.is_empty() {
            return Err(Refusal::unsupported("a classic load balancer in a default VPC"));
        }
        let mut vpcs = Vec::new();
        for id in &self.subnets {
            let key = living::subnet(id);
            let missing =
                || Refusal::new("SubnetNotFound", format!("The subnet ID '{id}' does not exist"));
            vpcs.push(call.get(&key).ok_or_else(missing)?.text("vpcId").to_owned());
        }
        vpcs.sort();
        vpcs.dedup();
        match <[String; 1]>::try_from(vpcs) {
            Ok([vpc]) => Ok(vpc),
            Err(vpcs) if vpcs.is_empty() => {
                Err(wrong("Either AvailabilityZones or SubnetIds must be specified"))
            }
            Err(_) => {
                let message = "Subnets of a load balancer must be in the same VPC";
                Err(Refusal::new("InvalidConfigurationRequest", message).status(409))
            }
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        let name = &self.load_balancer_name;
        let is_letter = |it: char| it.is_ascii_alphanumeric() || it == '-';
        let fits = (1..=32).contains(&name.len()) && name.chars().all(is_letter);
        if !fits || name.starts_with('-') || name.ends_with('-') {
            return Err(wrong(format!("LoadBalancer name '{name}' is not valid")));
        }
        if self.scheme.as_deref().is_some_and(|it| it != "internal" && it != "internet-facing") {
            return Err(Refusal::new("InvalidScheme", "The scheme is not valid"));
        }
        match self.listeners.is_empty() {
            true => Err(wrong("Listeners must not be empty")),
            false => Ok(()),
        }
    }

    /// Returns the security groups that are asked for, or else the network's own.
    fn groups(&self, call: &Call<'_>, vpc: &str) -> Result<Vec<String>, Refusal> {
        for id in &self.security_groups {
            let group = call.get(&Key::new("ec2.security_group", id));
            if group.is_none_or(|group| group.text("vpcId") != vpc) {
                let message = format!("The security group '{id}' does not exist in VPC {vpc}");
                return Err(Refusal::new("InvalidSecurityGroup", message));
            }
        }
        Ok(match self.security_groups.is_empty() {
            true => living::default_group(call, vpc).into_iter().collect(),
            false => self.security_groups.clone(),
        })
    }
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let name = request.load_balancer_name.as_str();
    request.check()?;
    let listeners: Result<Vec<_>, _> = request.listeners.iter().map(Listener::shown).collect();
    let (listeners, tags) = (listeners?, tags::read(&request.tags)?);
    let vpc = request.network(call)?;
    let groups = request.groups(call, &vpc)?;
    if call.get(&named(call, name)).is_some() {
        let message = format!("Load balancer {name} already exists with other parameters");
        return Err(Refusal::new("DuplicateLoadBalancerName", message));
    }
    if call.there(KIND).len() >= MOST {
        let message = "The quota for the number of load balancers has been reached";
        return Err(Refusal::new("TooManyLoadBalancers", message));
    }
    let place = Place { account: call.caller.account.clone(), region: call.region.clone() };
    let new = NewBalancer {
        place,
        name,
        vpc: &vpc,
        subnets: &request.subnets,
        groups: &groups,
        listeners,
        scheme: request.scheme.as_deref().unwrap_or("internet-facing"),
        tags,
    };
    Ok(json!({ "DNSName": make(call.world, new) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Describe {
    #[serde(default)]
    load_balancer_names: Vec<String>,
    marker: Option<String>,
    page_size: Option<i64>,
}

pub(super) fn describe(call: &mut Call<'_>, request: Describe) -> Answer {
    let names = &request.load_balancer_names;
    for name in names {
        call.find(&named(call, name)).ok_or_else(|| missing(name))?;
    }
    let name = |it: &Value| it["LoadBalancerName"].as_str().unwrap_or_default().to_owned();
    let all = call.seen(KIND).into_iter().map(|(_, balancer)| json!(balancer.body));
    let shown = all.filter(|it| names.is_empty() || names.contains(&name(it))).collect();
    let page = page(request.page_size, request.marker)?;
    let (balancers, next) = page.cut(shown, name, no_page)?;
    Ok(json!({ "LoadBalancerDescriptions": balancers, "NextMarker": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    load_balancer_name: String,
}

/// Takes a load balancer away; one that there is not is away already.
pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = named(call, &request.load_balancer_name);
    if call.world.remove(&key).is_none() {
        return Ok(json!({}));
    }
    let description = format!("ELB {}", request.load_balancer_name);
    let all = call.there("ec2.network_interface").into_iter();
    let its = all.filter(|(_, object)| object.text("description") == description);
    let its: Vec<Key> = its.map(|(key, _)| key.clone()).collect();
    for interface in its {
        let at = call.world.after(&REMOVED);
        call.world.edit(&interface, |interface| interface.later(at, "remove"));
    }
    Ok(json!({}))
}
