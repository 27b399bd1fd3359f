//! Add-ons of a cluster: how they are made and changed, and when they are well.
use super::super::{Answer, Call, Refusal, unknown_turn};
use super::addon_versions::{self, Offer};
use super::found::{
    Kind, Listing, body, check_tags, children, invalid, one_of, parent, refusal, seconds, show,
    working,
};
use super::pod_identity::{self, ForAddon};
use super::token::Asked;
use super::update::{self, New};
use super::{node_group, versions};
use crate::behaviour::Behaviour;
use crate::kubernetes;
use crate::world::{Key, Object, World};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) static ADDON: Kind = Kind {
    kind: "eks.addon",
    name: "addonName",
    missing: |name| format!("No addon: {name} found in cluster"),
};

pub(super) const CREATED: Behaviour = Behaviour {
    service: "eks",
    what: "an add-on is CREATING, then ACTIVE, or DEGRADED as long as it has no node to run on",
    seconds: 60,
    source: "assumption",
};
pub(super) const RECOVERED: Behaviour = Behaviour {
    service: "eks",
    what: "an add-on is well once there are nodes, or DEGRADED once there are none",
    seconds: 45,
    source: "assumption",
};
pub(super) const UPDATED: Behaviour = Behaviour {
    service: "eks",
    what: "an add-on is UPDATING, then ACTIVE",
    seconds: 90,
    source: "assumption",
};
pub(super) const CONFIGURED: Behaviour = Behaviour {
    service: "eks",
    what: "enableNetworkPolicy of vpc-cni is a text; every other setting is taken as it is",
    seconds: 0,
    source: "Amazon EKS User Guide, cni-network-policy-configure: {\"enableNetworkPolicy\": \"true\"}; \
        the refusal of a boolean as users report it",
};
pub(super) const BUSY: Behaviour = Behaviour {
    service: "eks",
    what: "an add-on that is CREATING or UPDATING cannot be deleted: InvalidRequestException",
    seconds: 0,
    source: "assumption",
};
pub(super) const DELETED: Behaviour = Behaviour {
    service: "eks",
    what: "an add-on is DELETING, then gone",
    seconds: 30,
    source: "assumption",
};

/// What EKS installs itself in a cluster that does not decline it.
pub(super) const OWN: [&str; 3] = ["coredns", "kube-proxy", "vpc-cni"];

/// The hidden member with the associations that an update brings.
const NEXT: &str = "next associations";

const CONFLICT: (&str, &str) = (
    "ConfigurationConflict",
    "Conflicts found when trying to apply. Will not continue due to resolve conflicts mode.",
);

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    cluster_name: String,
    addon_name: String,
    addon_version: Option<String>,
    service_account_role_arn: Option<String>,
    resolve_conflicts: Option<String>,
    client_request_token: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    configuration_values: Option<String>,
    #[serde(default)]
    pod_identity_associations: Vec<ForAddon>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(addon) = asked.made_before(call, ADDON.kind)?.and_then(|key| call.get(&key)) {
        return Ok(json!({ "addon": show(addon) }));
    }
    let cluster = working(call, &request.cluster_name)?.clone();
    let name = request.addon_name.as_str();
    let of_addon = |refusal: Refusal| {
        refusal.field("clusterName", request.cluster_name.as_str()).field("addonName", name)
    };
    if ADDON.key(call, &request.cluster_name, name).is_some() {
        return Err(of_addon(refusal("ResourceInUseException", "Addon already exists.")));
    }
    let (offer, version) =
        version(&cluster, name, request.addon_version.as_deref()).map_err(of_addon)?;
    check(name, request.resolve_conflicts.as_deref(), request.configuration_values.as_deref())
        .map_err(of_addon)?;
    check_tags(&request.tags, &request.tags, "InvalidParameterException").map_err(of_addon)?;
    let arn = format!("addon/{}/{name}/{}", request.cluster_name, call.world.uuid());
    let arn = call.arn("eks", &arn);
    let wanted = &request.pod_identity_associations;
    pod_identity::check_for_addon(call, &cluster, &arn, wanted).map_err(of_addon)?;
    let associations = pod_identity::set_for_addon(call.world, &cluster, &arn, wanted);
    let mut addon = call.object();
    node_group::stamp(&mut addon, call.world.now);
    addon.body.extend(body(json!({
        "addonName": name,
        "clusterName": request.cluster_name,
        "status": "CREATING",
        "addonVersion": version,
        "health": { "issues": [] },
        "addonArn": arn,
        "serviceAccountRoleArn": request.service_account_role_arn,
        "publisher": "eks",
        "owner": "aws",
        "configurationValues": request.configuration_values,
        "podIdentityAssociations": (!associations.is_empty()).then_some(associations),
        "namespaceConfig": { "namespace": "kube-system" },
    })));
    addon.tags = request.tags.clone();
    let has_own =
        cluster.hidden.get("own add-ons") == Some(&json!(true)) && OWN.contains(&offer.name);
    addon.hide("conflict", has_own && request.resolve_conflicts.as_deref() != Some("OVERWRITE"));
    addon.later(call.world.after(&CREATED), "ready");
    asked.keep(&mut addon);
    let shown = show(&addon);
    call.world.put(Key::new(ADDON.kind, arn), addon);
    Ok(json!({ "addon": shown }))
}

/// Finds the version of an add-on for a cluster: the one that is asked for, or the default.
fn version(
    cluster: &Object,
    name: &str,
    asked: Option<&str>,
) -> Result<(&'static Offer, String), Refusal> {
    let kubernetes = cluster.text("version");
    let minor = versions::minor(kubernetes).unwrap_or_default();
    let unknown = || {
        invalid(format!(
            "Addon {name} specified is not supported in {kubernetes} kubernetes version"
        ))
    };
    let offer = addon_versions::offer(name).ok_or_else(unknown)?;
    let version = match asked {
        None => offer.default(minor),
        Some(asked) => offer.of(minor).find(|version| *version == asked),
    };
    let version = version.ok_or_else(|| invalid("Addon version specified is not supported"))?;
    Ok((offer, version.to_owned()))
}

fn check(name: &str, conflicts: Option<&str>, configuration: Option<&str>) -> Result<(), Refusal> {
    if let Some(mode) = conflicts {
        one_of("resolveConflicts", mode, &["OVERWRITE", "NONE", "PRESERVE"])?;
    }
    addon_versions::check(name, configuration)
}

/// Does what an add-on was to do by itself.
pub(super) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        "ready" => settle(world, key),
        "deleted" => deleted(world, key),
        _ => unknown_turn(key, word),
    }
}

/// Decides how an add-on is, by the nodes that there are.
fn settle(world: &mut World, key: &Key) {
    let Some(addon) = world.get(key).cloned() else { return };
    let Some(cluster) = parent(world, &addon) else { return };
    if !matches!(addon.text("status"), "CREATING" | "ACTIVE" | "DEGRADED") {
        return;
    }
    let nodes = world.get(&cluster).map_or(0, |cluster| node_group::ready_nodes(world, cluster));
    let needs = addon_versions::offer(addon.text("addonName")).is_some_and(|it| it.needs_nodes);
    let is_conflict = addon.hidden.get("conflict") == Some(&json!(true));
    let (status, issue) = match () {
        () if is_conflict => ("CREATE_FAILED", Some(CONFLICT)),
        () if needs && nodes == 0 => {
            let message = "The add-on is unhealthy because it doesn't have the desired number of \
                           replicas.";
            ("DEGRADED", Some(("InsufficientNumberOfReplicas", message)))
        }
        () => ("ACTIVE", None),
    };
    world.edit(key, |addon| tell(addon, status, issue));
}

fn tell(addon: &mut Object, status: &str, issue: Option<(&str, &str)>) {
    let issue =
        issue.map(|(code, message)| json!({ "code": code, "message": message, "resourceIds": [] }));
    addon.set("status", status);
    addon.set("health", json!({ "issues": issue.into_iter().collect::<Vec<_>>() }));
}

/// Lets the add-ons of a cluster notice that its nodes are others.
pub(super) fn nodes_changed(world: &mut World, node_group: &Object) {
    let Some(cluster) = parent(world, node_group).and_then(|key| world.get(&key).cloned()) else {
        return;
    };
    for key in children(world, &cluster, ADDON.kind) {
        let is_waiting = world.get(&key).is_none_or(|addon| !addon.turns.is_empty());
        let at = world.after(&RECOVERED);
        if !is_waiting {
            world.edit(&key, |addon| addon.later(at, "ready"));
        }
    }
}

/// Does what an update of an add-on brings with it.
pub(super) fn changed(world: &mut World, key: &Key, is_failed: bool) {
    let next = world.edit(key, |addon| addon.hidden.remove(NEXT)).flatten();
    if is_failed {
        world.edit(key, |addon| tell(addon, "UPDATE_FAILED", Some(CONFLICT)));
        return;
    }
    let next: Option<Vec<ForAddon>> = next.and_then(|next| serde_json::from_value(next).ok());
    let cluster = world.get(key).and_then(|addon| world.get(&parent(world, addon)?)).cloned();
    if let (Some(next), Some(cluster)) = (next, cluster) {
        let arns = pod_identity::set_for_addon(world, &cluster, &key.id, &next);
        world.edit(key, |addon| match arns.is_empty() {
            true => drop(addon.body.remove("podIdentityAssociations")),
            false => addon.set("podIdentityAssociations", arns),
        });
    }
    settle(world, key);
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Update {
    cluster_name: String,
    addon_name: String,
    addon_version: Option<String>,
    service_account_role_arn: Option<String>,
    resolve_conflicts: Option<String>,
    client_request_token: Option<String>,
    configuration_values: Option<String>,
    pod_identity_associations: Option<Vec<ForAddon>>,
}

pub(super) fn update(call: &mut Call<'_>, request: Update) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(answer) = update::begun_before(call, &asked)? {
        return Ok(answer);
    }
    let target = ADDON.get(call, &request.cluster_name, &request.addon_name)?;
    let cluster = working(call, &request.cluster_name)?.clone();
    let of_addon = |refusal: Refusal| {
        let refusal = refusal.field("clusterName", request.cluster_name.as_str());
        refusal.field("addonName", request.addon_name.as_str())
    };
    let addon = call.get(&target).cloned().unwrap_or_default();
    let status = addon.text("status");
    if matches!(status, "CREATING" | "UPDATING" | "DELETING") {
        return Err(of_addon(refusal(
            "ResourceInUseException",
            format!(
                "Addon {} cannot be updated as it is currently in {status} state",
                request.addon_name
            ),
        )));
    }
    let values = request.configuration_values.as_deref();
    check(&request.addon_name, request.resolve_conflicts.as_deref(), values).map_err(of_addon)?;
    let (mut params, change) = configuration(&cluster, &request).map_err(of_addon)?;
    if let Some(wanted) = &request.pod_identity_associations {
        pod_identity::check_for_addon(call, &cluster, &target.id, wanted).map_err(of_addon)?;
        call.world.edit(&target, |addon| addon.hide(NEXT, json!(wanted)));
        params.push(("PodIdentityAssociations", json!(wanted).to_string()));
    }
    let new = New {
        target,
        kind: "AddonUpdate",
        params,
        change: Value::Object(change),
        takes: &UPDATED,
        failure: CONFLICT,
    };
    update::begin(call, asked, new)
}

type Params = Vec<(&'static str, String)>;

/// Returns the members that an update changes, and how it tells of them.
fn configuration(
    cluster: &Object,
    request: &Update,
) -> Result<(Params, serde_json::Map<String, Value>), Refusal> {
    let (mut params, mut change) = (Vec::new(), serde_json::Map::new());
    if let Some(asked) = &request.addon_version {
        let (_, version) = version(cluster, &request.addon_name, Some(asked))?;
        params.push(("AddonVersion", version.clone()));
        change.insert("addonVersion".to_owned(), json!(version));
    }
    let texts = [
        ("ServiceAccountRoleArn", "serviceAccountRoleArn", &request.service_account_role_arn),
        ("ConfigurationValues", "configurationValues", &request.configuration_values),
    ];
    for (param, member, value) in texts {
        if let Some(value) = value {
            params.push((param, value.clone()));
            change.insert(member.to_owned(), json!(value));
        }
    }
    params.extend(request.resolve_conflicts.iter().map(|mode| ("ResolveConflicts", mode.clone())));
    Ok((params, change))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Named {
    cluster_name: String,
    addon_name: String,
}

pub(super) fn describe(call: &mut Call<'_>, request: Named) -> Answer {
    ADDON.describe(call, &request.cluster_name, &request.addon_name, "addon")
}

pub(super) fn list(call: &mut Call<'_>, request: Listing) -> Answer {
    ADDON.list(call, request, "addons")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Delete {
    cluster_name: String,
    addon_name: String,
    #[serde(default)]
    preserve: bool,
}

/// Begins to take an add-on away; with `preserve`, its software stays in the cluster.
pub(super) fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let key = ADDON.get(call, &request.cluster_name, &request.addon_name)?;
    let status = call.get(&key).map(|addon| addon.text("status").to_owned()).unwrap_or_default();
    if matches!(status.as_str(), "CREATING" | "UPDATING") {
        let name = &request.addon_name;
        let message =
            format!("Addon {name} cannot be deleted as it is currently in {status} state");
        return Err(refusal("InvalidRequestException", message)
            .field("clusterName", request.cluster_name)
            .field("addonName", request.addon_name));
    }
    let at = call.world.after(&DELETED);
    let now = call.world.now;
    if status != "DELETING" {
        call.world.edit(&key, |addon| {
            addon.set("status", "DELETING");
            addon.set("modifiedAt", seconds(now));
            addon.hide("preserve", request.preserve);
            addon.turns.clear();
            addon.later(at, "deleted");
        });
    }
    Ok(json!({ "addon": call.get(&key).map(show) }))
}

fn deleted(world: &mut World, key: &Key) {
    let Some(addon) = world.remove(key) else { return };
    update::forget(world, key);
    pod_identity::of_addon(world, &key.id).iter().for_each(|key| drop(world.remove(key)));
    let Some(cluster) = parent(world, &addon) else { return };
    let (name, is_kept) =
        (addon.text("addonName"), addon.hidden.get("preserve") == Some(&json!(true)));
    if name == "vpc-cni" {
        world.edit(&cluster, |cluster| cluster.hide("own add-ons", is_kept));
    }
    if !is_kept {
        kubernetes::forget(world, &cluster, name);
    }
}
