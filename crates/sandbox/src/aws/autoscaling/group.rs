//! A group of machines: how it gets to its size, and what it says of that.
use super::super::ec2::living::{self, NewInstance, Place};
use super::super::ec2::machines;
use super::super::{eks, partition};
use super::tags;
use crate::behaviour::Behaviour;
use crate::clock::{Time, iso};
use crate::world::{Key, Object, World};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const KIND: &str = "autoscaling.group";

pub(super) const SETTLED: Behaviour = Behaviour {
    service: "autoscaling",
    what: "a group launches or terminates what its size has too few or too many of",
    seconds: 30,
    source: "assumption",
};
pub(super) const RETRIED: Behaviour = Behaviour {
    service: "autoscaling",
    what: "a group that could launch nothing tries again",
    seconds: 5 * 60,
    source: "assumption",
};
pub(super) const VCPUS: Behaviour = Behaviour {
    service: "autoscaling",
    what: "an account has at most 512 vCPUs in a region on demand, and as many of spot machines",
    seconds: 0,
    source: "assumption",
};
const MOST_VCPUS: u64 = 512;

pub(super) const SPOT: Behaviour = Behaviour {
    service: "autoscaling",
    what: "spot machines of a type are missing in a zone in one half hour of ten, drawn by the seed; a group launches others of its types and zones, or none",
    seconds: 0,
    source: "assumption",
};

pub(super) const ACTIVITIES: Behaviour = Behaviour {
    service: "autoscaling",
    what: "a group tells of its last 50 activities",
    seconds: 0,
    source: "assumption",
};
/// How long spot machines are missing, and how often.
const WINDOW: Time = 30 * 60_000;
const MISSING: f64 = 0.1;
/// How many activities a group remembers.
const REMEMBERED: usize = 50;

/// A group that is about to be made.
pub(crate) struct NewGroup {
    pub(crate) place: Place,
    pub(crate) name: String,
    /// Smallest, largest and wanted size.
    pub(crate) size: [u64; 3],
    pub(crate) subnets: Vec<String>,
    pub(crate) machines: Vec<String>,
    pub(crate) spot: bool,
    pub(crate) launch: Launch,
    pub(crate) tags: BTreeMap<String, String>,
    /// Whether the cloud has no room for its machines.
    pub(crate) is_full: bool,
}

/// What its machines are launched with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Launch {
    /// The launch template, as the API tells it.
    pub(crate) template: Option<Value>,
    pub(crate) groups: Vec<String>,
    /// The tags of machines that are not the group's.
    pub(crate) tags: BTreeMap<String, String>,
}

/// Makes a group, which then grows to its size, and returns its key.
pub(crate) fn create(world: &mut World, new: NewGroup) -> Key {
    let Place { account, region } = new.place;
    let partition = partition(&region);
    let arn = format!(
        "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:{}:autoScalingGroupName/{}",
        world.uuid(),
        new.name
    );
    let zones: BTreeSet<String> = new.subnets.iter().map(|id| zone(world, id)).collect();
    let role = format!(
        "arn:{partition}:iam::{account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    );
    let mut group = Object { account, region, made: world.now, ..Object::default() };
    let [min, max, desired] = new.size;
    let told = json!({
        "AutoScalingGroupName": new.name,
        "AutoScalingGroupARN": arn,
        "MinSize": min,
        "MaxSize": max,
        "DesiredCapacity": desired,
        "DefaultCooldown": 300,
        "AvailabilityZones": zones,
        "LoadBalancerNames": [],
        "TargetGroupARNs": [],
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": 15,
        "CreatedTime": iso(world.now),
        "SuspendedProcesses": [],
        "VPCZoneIdentifier": new.subnets.join(","),
        "EnabledMetrics": [],
        "TerminationPolicies": ["AllocationStrategy", "OldestLaunchTemplate", "OldestInstance"],
        "NewInstancesProtectedFromScaleIn": false,
        "ServiceLinkedRoleARN": role,
        "CapacityRebalance": true,
        "TrafficSources": [],
    });
    group.body = told.as_object().cloned().unwrap_or_default();
    group.tags = new.tags;
    group.hide("machines", new.machines);
    group.hide("spot", new.spot);
    group.hide("full", if new.is_full { json!("always") } else { json!(0) });
    equip(&mut group, new.launch);
    group.later(world.after(&SETTLED), "settle");
    let key = Key::new(KIND, arn);
    world.put(key.clone(), group);
    key
}

/// Sets what machines are launched with from now on.
fn equip(group: &mut Object, launch: Launch) {
    let overrides: Vec<Value> =
        list(group, "machines").iter().map(|machine| json!({ "InstanceType": machine })).collect();
    let is_spot = group.hidden.get("spot") == Some(&json!(true));
    if let Some(template) = launch.template {
        group.set(
            "MixedInstancesPolicy",
            json!({
                "LaunchTemplate": { "LaunchTemplateSpecification": template, "Overrides": overrides },
                "InstancesDistribution": {
                    "OnDemandAllocationStrategy": "prioritized",
                    "OnDemandBaseCapacity": 0,
                    "OnDemandPercentageAboveBaseCapacity": if is_spot { 0 } else { 100 },
                    "SpotAllocationStrategy": "price-capacity-optimized",
                },
            }),
        );
    }
    group.hide("groups", launch.groups);
    group.hide("launch tags", json!(launch.tags));
}

fn zone(world: &World, subnet: &str) -> String {
    let subnet = world.get(&living::subnet(subnet));
    subnet.map(|subnet| subnet.text("availabilityZone")).unwrap_or_default().to_owned()
}

fn list(group: &Object, field: &str) -> Vec<String> {
    let list = group.hidden.get(field).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|item| Some(item.as_str()?.to_owned())).collect()
}

/// Returns a group by its name.
pub(crate) fn named(world: &World, place: &Place, name: &str) -> Option<Key> {
    let is_it = |group: &Object| {
        group.text("AutoScalingGroupName") == name
            && (&group.account, &group.region) == (&place.account, &place.region)
    };
    world.of(KIND).find(|(_, group)| is_it(group)).map(|(key, _)| key.clone())
}

/// Returns the machines of a group that there still are, the oldest first.
pub(crate) fn machines(world: &World, group: &Object) -> Vec<String> {
    list(group, "instances").into_iter().filter(|id| living::is_alive(world, id)).collect()
}

/// Returns the machine types of a group, in the order of its choice.
pub(crate) fn types(group: &Object) -> Vec<String> {
    list(group, "machines")
}

/// Returns the size of a group: smallest, largest and wanted.
pub(crate) fn size(group: &Object) -> [u64; 3] {
    ["MinSize", "MaxSize", "DesiredCapacity"]
        .map(|field| group.body.get(field).and_then(Value::as_u64).unwrap_or(0))
}

/// Gives a group another size, which it then gets to.
pub(crate) fn resize(world: &mut World, key: &Key, [min, max, desired]: [u64; 3]) {
    let at = world.after(&SETTLED);
    world.edit(key, |group| {
        group.set("MinSize", min);
        group.set("MaxSize", max);
        group.set("DesiredCapacity", desired);
        group.later(at, "settle");
    });
    eks::resized(world, key);
}

/// Makes a group fail to launch, so many times.
pub(crate) fn fill(world: &mut World, key: &Key, times: u64) {
    world.edit(key, |group| group.hide("full", times));
}

/// Puts new machines in the place of all that a group has.
pub(crate) fn replace(world: &mut World, key: &Key, launch: Launch) {
    world.edit(key, |group| equip(group, launch));
    let Some(group) = world.get(key).cloned() else { return };
    for machine in machines(world, &group) {
        if launch_one(world, key) {
            terminate_one(world, key, &machine);
        }
    }
}

/// Takes a group away with its machines.
pub(crate) fn delete(world: &mut World, key: &Key) {
    let Some(group) = world.get(key).cloned() else { return };
    machines(world, &group).iter().for_each(|machine| living::terminate(world, machine));
    world.remove(key);
}

/// Gets a group to its size, as far as there is room.
pub(super) fn settle(world: &mut World, key: &Key) {
    let Some(group) = world.get(key).cloned() else { return };
    let [.., desired] = size(&group);
    let there_are = machines(world, &group);
    let there = there_are.len() as u64;
    let surplus = there.saturating_sub(desired) as usize;
    there_are.iter().take(surplus).for_each(|machine| terminate_one(world, key, machine));
    for _ in there..desired {
        match refused(world, &group) {
            Some(why) => {
                remember(world, key, "Launching a new EC2 instance", Some(why));
                let left = group.hidden.get("full").and_then(Value::as_u64);
                if let Some(left) = left {
                    let at = world.after(&RETRIED);
                    world.edit(key, |group| {
                        group.hide("full", left.saturating_sub(1));
                        group.later(at, "settle");
                    });
                }
                break;
            }
            None => drop(launch_one(world, key)),
        }
    }
    eks::resized(world, key);
}

/// Says why a group can launch nothing now, if it cannot.
fn refused(world: &World, group: &Object) -> Option<String> {
    let is_spot = group.hidden.get("spot") == Some(&json!(true));
    let machine = list(group, "machines").into_iter().next().unwrap_or_default();
    let is_full = group.hidden.get("full").is_some_and(|full| *full != json!(0));
    let used: u64 = world
        .of("ec2.instance")
        .filter(|(key, _)| living::is_alive(world, &key.id))
        .map(|(_, machine)| machine)
        .filter(|machine| (machine.text("instanceLifecycle") == "spot") == is_spot)
        .filter(|machine| (&machine.account, &machine.region) == (&group.account, &group.region))
        .map(|machine| vcpus(machine.text("instanceType")))
        .sum();
    let is_offered = |subnet: &str| offered(world, group, subnet).next().is_some();
    let why = match is_spot {
        _ if !group.text("VPCZoneIdentifier").split(',').any(is_offered) => format!(
            "Your requested instance type ({machine}) is not supported in your requested \
             Availability Zone."
        ),
        true if is_full || place(world, group).is_none() => {
            "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity \
             due to your request configuration. Please adjust your request and try again."
                .to_owned()
        }
        true if used + vcpus(&machine) > MOST_VCPUS => {
            "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance \
             count exceeded."
                .to_owned()
        }
        false if is_full => format!(
            "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do \
             not have sufficient {machine} capacity in the Availability Zone you requested."
        ),
        false if used + vcpus(&machine) > MOST_VCPUS => format!(
            "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more \
             vCPU capacity than your current vCPU limit of {MOST_VCPUS} allows."
        ),
        _ => return None,
    };
    Some(format!("{why} Launching EC2 instance failed."))
}

fn vcpus(machine: &str) -> u64 {
    machines::find(machine).map_or(0, |machine| u64::from(machine.vcpus))
}

/// Returns the types of a group that the zone of a subnet has.
fn offered(world: &World, group: &Object, subnet: &str) -> impl Iterator<Item = String> {
    let (region, zone) = (group.region.clone(), zone(world, subnet));
    list(group, "machines").into_iter().filter(move |name| machines::offered(&region, &zone, name))
}

/// Tells whether a zone has no spot machines of a type now.
pub(crate) fn is_missing(world: &World, machine: &str, zone: &str) -> bool {
    world.lot(&format!("spot {machine} {zone}"), WINDOW) < MISSING
}

/// Decides where the next machine of a group goes: the subnet with the fewest, and the first type
/// that its zone has and, of spot machines, has left.
fn place(world: &World, group: &Object) -> Option<(String, String)> {
    let machines = machines(world, group);
    let is_spot = group.hidden.get("spot") == Some(&json!(true));
    let here = |subnet: &str| {
        let of = |id: &&String| world.get(&Key::new("ec2.instance", *id));
        machines.iter().filter(|id| of(id).is_some_and(|m| m.text("subnetId") == subnet)).count()
    };
    let left = |subnet: &str| {
        let zone = zone(world, subnet);
        offered(world, group, subnet).find(|name| !is_spot || !is_missing(world, name, &zone))
    };
    let subnets = group.text("VPCZoneIdentifier").split(',');
    let fit = subnets.filter_map(|subnet| Some((subnet, left(subnet)?)));
    let (subnet, machine) = fit.min_by_key(|(subnet, _)| here(subnet))?;
    Some((subnet.to_owned(), machine))
}

/// Launches a machine, and tells whether there was one.
fn launch_one(world: &mut World, key: &Key) -> bool {
    let Some(group) = world.get(key).cloned() else { return false };
    let Some((subnet, machine)) = place(world, &group) else { return false };
    let mut its = group.tags.clone();
    tags::kept(&group).iter().for_each(|key| drop(its.remove(key)));
    let own = group.hidden.get("launch tags").and_then(Value::as_object).into_iter().flatten();
    its.extend(own.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))));
    let name = group.text("AutoScalingGroupName").to_owned();
    its.insert("aws:autoscaling:groupName".to_owned(), name);
    let new = NewInstance {
        subnet: &subnet,
        machine: &machine,
        spot: group.hidden.get("spot") == Some(&json!(true)),
        groups: &list(&group, "groups"),
        tags: its,
    };
    let id = living::launch(world, &Place::of(&group), new);
    let mut instances = list(&group, "instances");
    instances.push(id.clone());
    world.edit(key, |group| group.hide("instances", instances));
    remember(world, key, &format!("Launching a new EC2 instance: {id}"), None);
    true
}

/// Terminates a machine of a group.
pub(crate) fn terminate_one(world: &mut World, key: &Key, machine: &str) {
    living::terminate(world, machine);
    world.edit(key, |group| {
        let mut instances = list(group, "instances");
        instances.retain(|id| id != machine);
        group.hide("instances", instances);
    });
    remember(world, key, &format!("Terminating EC2 instance: {machine}"), None);
}

/// Notes an activity of a group, which fails where a reason is given.
fn remember(world: &mut World, key: &Key, what: &str, failure: Option<String>) {
    let (id, now) = (world.uuid(), iso(world.now));
    let message = failure.as_ref().map(|why| why.chars().take(255).collect::<String>());
    world.edit(key, |group| {
        let activity = json!({
            "ActivityId": id,
            "AutoScalingGroupName": group.text("AutoScalingGroupName"),
            "Description": if failure.is_some() { format!("{what}.  Status Reason: {}", failure.unwrap_or_default()) } else { what.to_owned() },
            "Cause": format!("At {now} the capacity of the group differed from the desired capacity."),
            "StartTime": now,
            "EndTime": now,
            "StatusCode": if message.is_some() { "Failed" } else { "Successful" },
            "StatusMessage": message,
            "Progress": 100,
            "Details": "{}",
            "AutoScalingGroupARN": group.text("AutoScalingGroupARN"),
        });
        let all = group.hidden.entry("activities").or_insert_with(|| json!([]));
        if let Some(all) = all.as_array_mut() {
            all.insert(0, activity);
            all.truncate(REMEMBERED);
        }
    });
}

/// Returns the activities of a group, the newest first.
pub(crate) fn activities(group: &Object) -> Vec<Value> {
    group.hidden.get("activities").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Returns why the last launch of a group failed, if it did.
pub(crate) fn failure(group: &Object) -> Option<String> {
    let all = activities(group);
    let mut launches = all.iter().filter(|activity| {
        activity["Description"].as_str().is_some_and(|what| what.starts_with("Launching"))
    });
    Some(launches.next()?["StatusMessage"].as_str()?.to_owned())
}
