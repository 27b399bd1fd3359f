//! Updates: changes that EKS carries out in its own time, one at a time for each thing.
use super::super::ec2::living::Place;
use super::super::{Answer, Call, Refusal};
use super::found::{Paging, body, cluster_key, refusal, seconds};
use super::token::Asked;
use super::{addon, cluster_life, node_group};
use crate::behaviour::Behaviour;
use crate::faults::Effect;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const KIND: &str = "eks.update";

/// A change that is about to begin.
pub(super) struct New<'a> {
    /// What it changes.
    pub(super) target: Key,
    /// What EKS calls the change.
    pub(super) kind: &'a str,
    pub(super) params: Vec<(&'a str, String)>,
    /// Members of the target that are others when it is done.
    pub(super) change: Value,
    pub(super) takes: &'a Behaviour,
    /// How it fails where there is no room for it: a code and a message.
    pub(super) failure: (&'a str, &'a str),
}

/// The failure of a control plane that has no addresses left for its interfaces.
pub(super) const NO_ADDRESSES: (&str, &str) = (
    "IpNotAvailable",
    "One or more of the subnets associated with your cluster does not have enough available IP \
     addresses for Amazon EKS to perform cluster management operations.",
);

/// Begins a change that a call asks for.
pub(super) fn begin(call: &mut Call<'_>, asked: Asked, new: New<'_>) -> Answer {
    let is_full = call.effect == Some(Effect::Capacity);
    let shown = start(call.world, Some(asked), is_full, new);
    Ok(json!({ "update": shown }))
}

/// Begins a change, and returns how EKS tells of it.
pub(super) fn start(world: &mut World, asked: Option<Asked>, fails: bool, new: New<'_>) -> Value {
    let id = world.uuid();
    let params: Vec<Value> =
        new.params.iter().map(|(kind, value)| json!({ "type": kind, "value": value })).collect();
    let mut update =
        world.get(&new.target).map(Place::of).map_or_else(Object::default, |place| Object {
            account: place.account,
            region: place.region,
            made: world.now,
            ..Object::default()
        });
    update.body = body(json!({
        "id": id,
        "status": "InProgress",
        "type": new.kind,
        "params": params,
        "createdAt": seconds(world.now),
        "errors": [],
    }));
    update.hide("target", json!(new.target));
    update.hide("change", new.change);
    if fails {
        let (code, message) = new.failure;
        let resources = [new.target.id.rsplit('/').next().unwrap_or_default()];
        let error = json!({ "errorCode": code, "errorMessage": message, "resourceIds": resources });
        update.hide("failure", error);
    }
    if let Some(asked) = asked {
        asked.keep(&mut update);
    }
    update.later(world.after(new.takes), "finish");
    let shown = Value::Object(update.body.clone());
    world.put(Key::new(KIND, id), update);
    world.edit(&new.target, |target| target.set("status", "UPDATING"));
    shown
}

/// Returns the update that an earlier request with the same token began.
///
/// # Errors
/// When that request was another one.
pub(super) fn begun_before(call: &Call<'_>, asked: &Asked) -> Result<Option<Value>, Refusal> {
    let key = asked.made_before(call, KIND)?;
    let update = key.and_then(|key| call.get(&key));
    Ok(update.map(|update| json!({ "update": update.body })))
}

fn target(world: &World, update: &Key) -> Option<Key> {
    let target = world.get(update)?.hidden.get("target")?;
    serde_json::from_value(target.clone()).ok()
}

/// Tells whether something is being changed.
pub(super) fn is_running(world: &World, of: &Key) -> bool {
    let mut all = world.of(KIND).filter(|(_, update)| update.text("status") == "InProgress");
    all.any(|(key, _)| target(world, key).as_ref() == Some(of))
}

/// Takes away the updates of something that has gone.
pub(super) fn forget(world: &mut World, of: &Key) {
    let its = |key: &&Key| target(world, key).as_ref() == Some(of);
    let its: Vec<Key> = world.of(KIND).map(|(key, _)| key).filter(its).cloned().collect();
    its.iter().for_each(|key| drop(world.remove(key)));
}

/// Ends an update, well or not. What is no longer being changed is left alone.
pub(super) fn turn(world: &mut World, key: &Key) {
    let (Some(target), Some(update)) = (target(world, key), world.get(key).cloned()) else {
        return;
    };
    if world.get(&target).is_none_or(|target| target.text("status") != "UPDATING") {
        world.edit(key, |update| update.set("status", "Cancelled"));
        return;
    }
    let failure = update.hidden.get("failure").cloned();
    let is_failed = failure.is_some();
    world.edit(key, |update| {
        update.set("status", if is_failed { "Failed" } else { "Successful" });
        update.set("errors", failure.map_or_else(|| json!([]), |error| json!([error])));
        update.hidden.remove("change");
        update.hidden.remove("failure");
    });
    let change = update.hidden.get("change").and_then(Value::as_object).cloned();
    let kind = update.text("type");
    let now = world.now;
    world.edit(&target, |target| {
        target.set("status", settled(target));
        if target.body.contains_key("modifiedAt") {
            target.set("modifiedAt", seconds(now));
        }
        target.body.extend(change.filter(|_| !is_failed).unwrap_or_default());
    });
    match target.kind.as_str() {
        "eks.cluster" if !is_failed => cluster_life::changed(world, &target, kind),
        "eks.node_group" => node_group::changed(world, &target, kind, is_failed),
        "eks.addon" => addon::changed(world, &target, is_failed),
        _ => {}
    }
}

/// Returns the state of something that is not being changed any more: a group of nodes is only as
/// well as its health says.
fn settled(target: &Object) -> &'static str {
    let issues = target.body.get("health").and_then(|health| health["issues"].as_array());
    let is_group = target.body.contains_key("nodegroupArn");
    match is_group && issues.is_some_and(|issues| !issues.is_empty()) {
        true => "DEGRADED",
        false => "ACTIVE",
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Describe {
    name: String,
    update_id: String,
    nodegroup_name: Option<String>,
    addon_name: Option<String>,
}

pub(super) fn describe(call: &mut Call<'_>, request: Describe) -> Answer {
    let of = owner(call, &request.name, &request.nodegroup_name, &request.addon_name)?;
    let key = Key::new(KIND, &request.update_id);
    let is_its = target(call.world, &key).is_some_and(|target| target == of);
    match call.get(&key).filter(|_| is_its) {
        Some(now) => {
            let update = call.find(&key).unwrap_or(now);
            Ok(json!({ "update": update.body }))
        }
        None => {
            let message = format!("No update found for ID: {}.", request.update_id);
            Err(refusal("ResourceNotFoundException", message).field("clusterName", request.name))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct List {
    name: String,
    nodegroup_name: Option<String>,
    addon_name: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let of = owner(call, &request.name, &request.nodegroup_name, &request.addon_name)?;
    let all = call.there(KIND).into_iter().map(|(key, _)| key);
    let its = all.filter(|key| target(call.world, key).as_ref() == Some(&of));
    let paging = Paging::new(request.max_results, request.next_token);
    paging.names("updateIds", its.map(|key| key.id.clone()))
}

/// Returns what an update is asked of: a cluster, or one of its node groups or add-ons.
fn owner(
    call: &Call<'_>,
    cluster: &str,
    group: &Option<String>,
    addon: &Option<String>,
) -> Result<Key, Refusal> {
    match (group, addon) {
        (Some(group), _) => node_group::NODE_GROUP.get(call, cluster, group),
        (None, Some(addon)) => addon::ADDON.get(call, cluster, addon),
        (None, None) => cluster_key(call, cluster),
    }
}
