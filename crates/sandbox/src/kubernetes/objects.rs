//! The objects of a cluster, as the world keeps them.
use super::apply::{self, Change};
use super::kind::{Kind, built_in};
use crate::clock::Time;
use crate::world::{Key, Object, World};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;

/// A simulated EKS cluster whose API answers.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub(super) key: Key,
    /// What tells it apart in the address of its API.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) account: String,
    pub(super) region: String,
    /// Its minor version, such as `1.35`.
    pub(super) version: String,
}

impl Cluster {
    /// Reads a cluster that has an address.
    pub(super) fn of(key: &Key, object: &Object) -> Option<Self> {
        let host = object.text("endpoint").strip_prefix("https://")?;
        Some(Self {
            key: key.clone(),
            id: host.split('.').next()?.to_owned(),
            name: object.text("name").to_owned(),
            account: object.account.clone(),
            region: object.region.clone(),
            version: object.text("version").to_owned(),
        })
    }

    /// Finds a cluster by what tells it apart.
    pub(super) fn find(world: &World, id: &str) -> Option<Self> {
        let all = world.of("eks.cluster").filter_map(|(key, object)| Self::of(key, object));
        all.into_iter().find(|cluster| cluster.id == id)
    }

    /// Returns the account and region that it is in, as an object of the world.
    pub(super) fn object(&self, now: Time) -> Object {
        let (account, region) = (self.account.clone(), self.region.clone());
        Object { account, region, made: now, ..Object::default() }
    }

    /// Returns the key of an object of its.
    pub(super) fn key_of(&self, kind: &Kind, namespace: &str, name: &str) -> Key {
        Key::new(&kind.key(), format!("{}/{namespace}/{name}", self.id))
    }
}

/// An object as it is, for who only looks at it.
pub(super) type View = Arc<Value>;

/// Writes a time as objects have it.
pub(super) fn time(at: Time) -> String {
    let at = jiff::Timestamp::from_millisecond(at as i64).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads a time as objects have it.
pub(super) fn moment(text: &str) -> Option<Time> {
    Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond() as Time)
}

/// Sets a condition of an object. It is as old as its status, if that was the same.
pub(super) fn condition(object: &mut Value, ty: &str, mut said: Value, now: Time) {
    let all = items(object, "/status/conditions");
    let before = all.iter().find(|it| it["type"] == ty && it["status"] == said["status"]);
    said["type"] = json!(ty);
    said["lastTransitionTime"] = match before {
        Some(before) => before["lastTransitionTime"].clone(),
        None => json!(time(now)),
    };
    let mut all = all.to_vec();
    match all.iter_mut().find(|it| it["type"] == ty) {
        Some(slot) => *slot = said,
        None => all.push(said),
    }
    object["status"]["conditions"] = json!(all);
}

/// A kind that a cluster serves: one that is built in, or one that a definition brings.
pub(super) type ServedKind = Cow<'static, Kind>;

/// Returns every kind that a cluster serves.
pub(super) fn kinds(world: &World, cluster: &Cluster) -> Vec<ServedKind> {
    let definitions = all(world, cluster, Kind::named("customresourcedefinitions"), None);
    let defined = definitions.iter().flat_map(|it| Kind::defined(it)).map(Cow::Owned);
    built_in().iter().map(Cow::Borrowed).chain(defined).collect()
}

/// Returns an object.
pub(super) fn get(
    world: &World,
    cluster: &Cluster,
    kind: &Kind,
    namespace: &str,
    name: &str,
) -> Option<View> {
    world.view(&cluster.key_of(kind, namespace, name))
}

/// Returns the objects of a kind, of one namespace or of all, in the order of their names.
pub(super) fn all(
    world: &World,
    cluster: &Cluster,
    kind: &Kind,
    namespace: Option<&str>,
) -> Vec<View> {
    let prefix = match namespace {
        Some(namespace) => format!("{}/{namespace}/", cluster.id),
        None => format!("{}/", cluster.id),
    };
    let its = world.of(&kind.key()).filter(|(key, _)| key.id.starts_with(&prefix));
    its.filter_map(|(key, _)| world.view(key)).collect()
}

/// Keeps an object, and returns it with its new version.
pub(super) fn put(world: &mut World, cluster: &Cluster, kind: &Kind, mut value: Value) -> Value {
    value["metadata"]["resourceVersion"] = json!((world.serial + 1).to_string());
    let key = cluster.key_of(kind, text(&value, "/metadata/namespace"), name(&value));
    let body = value.as_object().cloned().unwrap_or_default();
    let mut object = match world.get(&key) {
        Some(object) => object.clone(),
        None => cluster.object(world.now),
    };
    object.body = body;
    world.put(key, object);
    value
}

/// Takes an object away.
pub(super) fn remove(world: &mut World, cluster: &Cluster, kind: &Kind, value: &Value) {
    world.remove(&cluster.key_of(kind, text(value, "/metadata/namespace"), name(value)));
}

/// Changes an object that is there, and keeps it if that made it another.
pub(super) fn edit(
    world: &mut World,
    cluster: &Cluster,
    kind: &Kind,
    value: &Value,
    edit: impl FnOnce(&mut Value),
) {
    let Some(live) = get(world, cluster, kind, text(value, "/metadata/namespace"), name(value))
    else {
        return;
    };
    let mut changed = Value::clone(&live);
    edit(&mut changed);
    let wanted = |object: &Value| object["spec"].clone();
    if is_counted(kind) && kind.plural != "pods" && wanted(&changed) != wanted(&live) {
        let generation = live["metadata"]["generation"].as_u64().unwrap_or(1);
        changed["metadata"]["generation"] = json!(generation + 1);
    }
    if changed != *live {
        put(world, cluster, kind, changed);
    }
}

/// Sets a part of an object that is there, and keeps it if that made it another. Nothing is copied where
/// the part is so.
pub(super) fn set(
    world: &mut World,
    cluster: &Cluster,
    kind: &Kind,
    value: &Value,
    pointer: &str,
    part: Value,
) {
    let live = get(world, cluster, kind, text(value, "/metadata/namespace"), name(value));
    if live.is_some_and(|live| live.pointer(pointer) != Some(&part)) {
        edit(world, cluster, kind, value, |it| {
            *pointer.split('/').skip(1).fold(it, |at, field| &mut at[field]) = part;
        });
    }
}

/// Makes an object that the cluster makes itself, unless there is one of that name.
pub(super) fn ensure(world: &mut World, cluster: &Cluster, kind: &Kind, mut value: Value) {
    let namespace = text(&value, "/metadata/namespace").to_owned();
    if world.get(&cluster.key_of(kind, &namespace, name(&value))).is_some() {
        return;
    }
    value["apiVersion"] = json!(kind.api_version());
    value["kind"] = json!(kind.kind);
    birth(world, kind, &mut value);
    put(world, cluster, kind, value);
}

/// Makes an object that somebody else makes in a cluster, unless there is one of that name.
pub(super) fn install(
    world: &mut World,
    cluster: &Cluster,
    kind: &Kind,
    mut value: Value,
    manager: &str,
) {
    if get(world, cluster, kind, text(&value, "/metadata/namespace"), name(&value)).is_some() {
        return;
    }
    let time = time(world.now);
    let change = Change { manager, subresource: "", time: &time, kind };
    apply::note(None, &mut value, change);
    ensure(world, cluster, kind, value);
}

/// Gives a new object what the API gives it.
pub(super) fn birth(world: &mut World, kind: &Kind, value: &mut Value) {
    let metadata = &mut value["metadata"];
    metadata["uid"] = json!(world.uuid());
    metadata["creationTimestamp"] = json!(time(world.now));
    if is_counted(kind) {
        metadata["generation"] = json!(1);
    }
}

/// Tells whether the changes to what is wanted of a kind are counted.
pub(super) fn is_counted(kind: &Kind) -> bool {
    let counted = [
        "customresourcedefinitions",
        "daemonsets",
        "deployments",
        "ingressclasses",
        "ingresses",
        "jobs",
        "networkpolicies",
        "poddisruptionbudgets",
        "pods",
        "priorityclasses",
        "replicasets",
        "statefulsets",
    ];
    kind.is_custom || counted.contains(&kind.plural.as_str())
}

/// Returns a text at a place; empty when there is none.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the name of an object.
pub(super) fn name(value: &Value) -> &str {
    text(value, "/metadata/name")
}

/// Returns the items of a list at a place.
pub(super) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Takes everything of a cluster away.
pub(super) fn clear(world: &mut World, id: &str) {
    let prefix = format!("{id}/");
    let is_its = |key: &&Key| key.kind.starts_with("kubernetes.") && key.id.starts_with(&prefix);
    let its: Vec<Key> = world.objects().map(|(key, _)| key).filter(is_its).cloned().collect();
    its.iter().for_each(|key| drop(world.remove(key)));
}
