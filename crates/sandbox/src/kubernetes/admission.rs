//! What is looked at before an object is let in, beside the object itself.
use super::kind::Kind;
use super::objects::{self, Cluster, View, name, text};
use super::status::Status;
use crate::world::World;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The annotation of the class that claims get when they name none.
pub(super) const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// What keeps a claim that a pod uses.
pub(super) const KEPT: &str = "kubernetes.io/pvc-protection";

/// Completes a new object by what there is around it.
///
/// # Errors
/// When it cannot be let in.
pub(super) fn admit(
    world: &World,
    cluster: &Cluster,
    kind: &Kind,
    object: &mut Value,
) -> Result<(), Status> {
    if kind.namespaced {
        namespace(world, cluster, kind, object)?;
    }
    match kind.plural.as_str() {
        "pods" => pod(world, cluster, object),
        "persistentvolumeclaims" => {
            claim(world, cluster, object);
            Ok(())
        }
        "services" => {
            service(object);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Refuses objects in a namespace that there is not, or that goes.
fn namespace(world: &World, cluster: &Cluster, kind: &Kind, object: &Value) -> Result<(), Status> {
    let namespaces = Kind::named("namespaces");
    let its = text(object, "/metadata/namespace");
    let namespace = objects::get(world, cluster, namespaces, "", its)
        .ok_or_else(|| Status::not_found(namespaces, its))?;
    if !namespace["metadata"]["deletionTimestamp"].is_string() {
        return Ok(());
    }
    let why =
        format!("unable to create new content in namespace {its} because it is being terminated");
    let mut status = super::forbidden(kind, name(object), &why);
    let message = format!("namespace {its} is being terminated");
    status.details["causes"] = json!([{ "reason": "NamespaceTerminating", "message": message,
        "field": "metadata.namespace" }]);
    Err(status)
}

/// Gives a pod its service account and priority.
fn pod(world: &World, cluster: &Cluster, object: &mut Value) -> Result<(), Status> {
    let pods = Kind::named("pods");
    let namespace = text(object, "/metadata/namespace").to_owned();
    let account = Some(text(object, "/spec/serviceAccountName")).filter(|name| !name.is_empty());
    let account = account.unwrap_or("default").to_owned();
    let accounts = Kind::named("serviceaccounts");
    if objects::get(world, cluster, accounts, &namespace, &account).is_none() {
        let why = format!(
            "error looking up service account {namespace}/{account}: serviceaccount {account:?} \
             not found"
        );
        return Err(super::forbidden(pods, name(object), &why));
    }
    object["spec"]["serviceAccountName"] = json!(account);
    object["spec"]["serviceAccount"] = json!(account);
    let class = text(object, "/spec/priorityClassName").to_owned();
    let classes = Kind::named("priorityclasses");
    let priority = match class.as_str() {
        "" => json!(0),
        "system-node-critical" => json!(2_000_001_000),
        "system-cluster-critical" => json!(2_000_000_000),
        class => match objects::get(world, cluster, classes, "", class) {
            Some(found) => found["value"].clone(),
            None => {
                let why = format!("no PriorityClass with name {class} was found");
                return Err(super::forbidden(pods, name(object), &why));
            }
        },
    };
    object["spec"]["priority"] = priority;
    object["spec"]["preemptionPolicy"] = json!("PreemptLowerPriority");
    let tolerations = object["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    let mut tolerations = tolerations;
    for taint in ["not-ready", "unreachable"] {
        let key = format!("node.kubernetes.io/{taint}");
        if !tolerations.iter().any(|it| it["key"] == key || it.get("key").is_none()) {
            tolerations.push(json!({ "key": key, "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": 300 }));
        }
    }
    object["spec"]["tolerations"] = json!(tolerations);
    Ok(())
}

/// Gives a service an address, drawn by its uid, unless it wants none.
fn service(object: &mut Value) {
    let wants = object["spec"]["clusterIP"].is_null() && object["spec"]["type"] != "ExternalName";
    if wants {
        let drawn = Sha256::digest(text(object, "/metadata/uid"));
        let address = format!("172.20.{}.{}", drawn[0], 2 + drawn[1] % 250);
        object["spec"]["clusterIP"] = json!(address);
        object["spec"]["clusterIPs"] = json!([address]);
        object["spec"]["ipFamilies"] = json!(["IPv4"]);
        object["spec"]["ipFamilyPolicy"] = json!("SingleStack");
    }
}

/// Keeps a claim as long as a pod uses it, and gives one that names no class the default one: the
/// newest of those that say so.
fn claim(world: &World, cluster: &Cluster, object: &mut Value) {
    let mut finalizers = objects::items(object, "/metadata/finalizers").to_vec();
    if !finalizers.contains(&json!(KEPT)) {
        finalizers.push(json!(KEPT));
        object["metadata"]["finalizers"] = json!(finalizers);
    }
    if !object["spec"]["storageClassName"].is_null() {
        return;
    }
    if let Some(class) = default_class(world, cluster) {
        object["spec"]["storageClassName"] = json!(class);
    }
}

/// Returns the class that claims get when they name none.
pub(super) fn default_class(world: &World, cluster: &Cluster) -> Option<String> {
    let classes = objects::all(world, cluster, Kind::named("storageclasses"), None);
    let is_default = |it: &&View| it["metadata"]["annotations"][DEFAULT_CLASS] == "true";
    let made = |it: &&View| text(it, "/metadata/creationTimestamp").to_owned();
    let mut defaults: Vec<&View> = classes.iter().filter(is_default).collect();
    defaults.sort_by_key(made);
    Some(name(defaults.last()?).to_owned())
}
