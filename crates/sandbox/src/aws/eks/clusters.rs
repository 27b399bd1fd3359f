//! Clusters: which there are, and how they end.
use super::super::{Answer, Call};
use super::cluster::KIND;
use super::cluster_life;
use super::found::{Paging, children, cluster_key, refusal, seen, show};
use crate::kubernetes;
use crate::world::Object;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Named {
    name: String,
}

pub(super) fn describe(call: &mut Call<'_>, request: Named) -> Answer {
    let key = cluster_key(call, &request.name)?;
    match seen(call, &key) {
        Some(cluster) => Ok(json!({ "cluster": told(call, cluster) })),
        None => {
            let message = format!("No cluster found for name: {}.", request.name);
            Err(refusal("ResourceNotFoundException", message).field("clusterName", request.name))
        }
    }
}

/// Shows a cluster, with the address that its API has as long as this sandbox answers.
fn told(call: &Call<'_>, cluster: &Object) -> Value {
    let mut shown = show(cluster);
    if let Some(endpoint) = kubernetes::endpoint(call.kubernetes, cluster) {
        shown["endpoint"] = json!(endpoint);
    }
    shown
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct List {
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default, rename = "include")]
    _include: Vec<String>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let all = call.there(KIND).into_iter().filter(|(key, _)| seen(call, key).is_some());
    let names = all.map(|(_, cluster)| cluster.text("name").to_owned());
    Paging::new(request.max_results, request.next_token).names("clusters", names)
}

/// Begins to take a cluster away that nothing holds.
pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = cluster_key(call, &request.name)?;
    let Some(cluster) = call.get(&key) else { return call.unsupported() };
    let name = request.name.as_str();
    let refuse = |code, message: String| Err(refusal(code, message).field("clusterName", name));
    if cluster.body.get("deletionProtection") == Some(&Value::Bool(true)) {
        let message =
            format!("Cluster {name} has deletion protection enabled and cannot be deleted");
        return refuse("InvalidRequestException", message);
    }
    if !children(call.world, cluster, "eks.node_group").is_empty() {
        return refuse("ResourceInUseException", "Cluster has nodegroups attached".to_owned());
    }
    if !children(call.world, cluster, "eks.fargate_profile").is_empty() {
        let message = "Cluster has Fargate profiles attached".to_owned();
        return refuse("ResourceInUseException", message);
    }
    match cluster.text("status") {
        "CREATING" => {
            let message = format!("Cannot delete because cluster {name} is being created");
            return refuse("ResourceInUseException", message);
        }
        "UPDATING" => {
            let message =
                format!("Cannot delete because cluster {name} currently has an update in progress");
            return refuse("ResourceInUseException", message);
        }
        "DELETING" => {}
        _ => cluster_life::begin_to_delete(call.world, &key),
    }
    Ok(json!({ "cluster": call.get(&key).map(|cluster| told(call, cluster)) }))
}
