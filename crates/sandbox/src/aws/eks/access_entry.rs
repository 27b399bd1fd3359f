//! Access entries: who may use the API of a cluster.
use super::super::iam::{Unassumable, assumable};
use super::super::{Answer, Call, Refusal, partition};
use super::found::{
    Kind, Paging, body, check_tags, children, cluster_key, invalid, one_of, refusal, room, seconds,
    show, working,
};
use super::token::{Asked, modified};
use crate::world::{Key, Object, World};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) static ENTRY: Kind = Kind {
    kind: "eks.access_entry",
    name: "principalArn",
    missing: |_| {
        "The specified principalArn could not be found. You can view your available access entries \
         with 'list-access-entries'."
            .to_owned()
    },
};

const TYPES: [&str; 6] =
    ["STANDARD", "EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX"];

/// What names and groups of Kubernetes may not begin with.
const RESERVED: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    cluster_name: String,
    principal_arn: String,
    #[serde(default)]
    kubernetes_groups: Vec<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    client_request_token: Option<String>,
    username: Option<String>,
    #[serde(rename = "type")]
    sort: Option<String>,
}

/// Returns a cluster that knows access entries.
///
/// # Errors
/// When there is none, or it knows the config map alone.
pub(super) fn open(call: &Call<'_>, name: &str) -> Result<Object, Refusal> {
    let cluster = working(call, name)?;
    let access = cluster.body.get("accessConfig");
    match access.is_some_and(|access| access["authenticationMode"] == "CONFIG_MAP") {
        false => Ok(cluster.clone()),
        true => Err(refusal(
            "InvalidRequestException",
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to \
             perform this operation.",
        )
        .field("clusterName", name)),
    }
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(entry) = asked.made_before(call, ENTRY.kind)?.and_then(|key| call.get(&key)) {
        return Ok(json!({ "accessEntry": show(entry) }));
    }
    let cluster = open(call, &request.cluster_name)?;
    let of_cluster = |refusal: Refusal| refusal.field("clusterName", request.cluster_name.as_str());
    let principal = request.principal_arn.as_str();
    let sort = request.sort.as_deref().unwrap_or("STANDARD");
    check_principal(call, principal, sort).map_err(of_cluster)?;
    check_names(&request.kubernetes_groups, request.username.as_deref()).map_err(of_cluster)?;
    check_tags(&request.tags, &request.tags, "InvalidParameterException")?;
    let is_named = request.username.is_some() || !request.kubernetes_groups.is_empty();
    if sort != "STANDARD" && is_named {
        let message = "kubernetesGroups and username can only be given for the type STANDARD.";
        return Err(of_cluster(invalid(message)));
    }
    if ENTRY.key(call, &request.cluster_name, principal).is_some() {
        let message = "The specified access entry resource is already in use on this cluster.";
        return Err(of_cluster(refusal("ResourceInUseException", message)));
    }
    room(call, false, "Access entry limit exceeded for cluster.").map_err(of_cluster)?;
    let mut entry = made(call.world, &cluster, principal, sort);
    entry.tags = request.tags.clone();
    if sort == "STANDARD" {
        entry.set("kubernetesGroups", request.kubernetes_groups.clone());
    }
    if let Some(name) = &request.username {
        entry.set("username", name.as_str());
    }
    asked.keep(&mut entry);
    let shown = show(&entry);
    let arn = entry.text("accessEntryArn").to_owned();
    call.world.put(Key::new(ENTRY.kind, arn), entry);
    Ok(json!({ "accessEntry": shown }))
}

/// Checks whom an entry is for.
fn check_principal(call: &Call<'_>, arn: &str, sort: &str) -> Result<(), Refusal> {
    one_of("type", sort, &TYPES)?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let (account, resource) = match parts[..] {
        ["arn", _, "iam", "", account, resource] => (account, resource),
        _ => return Err(invalid("The principalArn parameter format is not valid")),
    };
    let is_role = resource.starts_with("role/");
    if !(is_role || resource.starts_with("user/")) || account.len() != 12 {
        return Err(invalid("The principalArn parameter format is not valid"));
    }
    if resource.starts_with("role/aws-service-role/") {
        return Err(invalid(
            "The caller is not allowed to modify access entries with a principalArn value of a \
             Service Linked Role",
        ));
    }
    if sort != "STANDARD" && !is_role {
        return Err(invalid(format!("An access entry of type {sort} must be for an IAM role.")));
    }
    let is_missing = assumable(call.world, arn, "ec2.amazonaws.com") == Err(Unassumable::Missing);
    match is_role && account == call.caller.account && is_missing {
        true => Err(invalid("The specified principalArn is invalid: invalid principal.")),
        false => Ok(()),
    }
}

fn check_names(groups: &[String], username: Option<&str>) -> Result<(), Refusal> {
    let reserved = |name: &str| RESERVED.into_iter().find(|prefix| name.starts_with(prefix));
    for group in groups {
        if let Some(prefix) = reserved(group) {
            return Err(invalid(format!(
                "The kubernetes group name {group} is invalid, it cannot start with {prefix}"
            )));
        }
    }
    match username.and_then(|name| Some((name, reserved(name)?))) {
        Some((name, prefix)) => {
            Err(invalid(format!("The username {name} is invalid, it cannot start with {prefix}")))
        }
        None => Ok(()),
    }
}

fn made(world: &mut World, cluster: &Object, principal: &str, sort: &str) -> Object {
    let (account, region) = (cluster.account.clone(), cluster.region.clone());
    let (kind, name) =
        principal.rsplit(':').next().and_then(|it| it.split_once('/')).unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    let of = principal.split(':').nth(4).unwrap_or_default();
    let partition = partition(&region);
    let path = format!("{}/{kind}/{of}/{name}/{}", cluster.text("name"), world.uuid());
    let (username, groups) = match (sort, kind) {
        ("STANDARD", "role") => {
            (format!("arn:{partition}:sts::{of}:assumed-role/{name}/{{{{SessionName}}}}"), vec![])
        }
        ("STANDARD", _) => (principal.to_owned(), vec![]),
        ("FARGATE_LINUX", _) => ("system:node:{{SessionName}}".to_owned(), vec!["system:nodes"]),
        _ => ("system:node:{{EC2PrivateDNSName}}".to_owned(), vec!["system:nodes"]),
    };
    let mut entry = Object { account, region, made: world.now, ..Object::default() };
    entry.body = body(json!({
        "clusterName": cluster.text("name"),
        "principalArn": principal,
        "kubernetesGroups": groups,
        "accessEntryArn":
            format!("arn:{partition}:eks:{}:{}:access-entry/{path}", entry.region, entry.account),
        "createdAt": seconds(world.now),
        "modifiedAt": seconds(world.now),
        "username": username,
        "type": sort,
    }));
    entry
}

/// Makes an entry that EKS makes itself, unless there is one for the principal.
fn ensure(world: &mut World, cluster: &Object, principal: &str, sort: &str) -> Option<Key> {
    let mut all = children(world, cluster, ENTRY.kind).into_iter();
    let is_its = |key: &Key| world.get(key).is_some_and(|it| it.text("principalArn") == principal);
    if all.any(|key| is_its(&key)) {
        return None;
    }
    let entry = made(world, cluster, principal, sort);
    let key = Key::new(ENTRY.kind, entry.text("accessEntryArn"));
    world.put(key.clone(), entry);
    Some(key)
}

/// Lets whoever made a cluster administrate it.
pub(super) fn of_creator(world: &mut World, cluster: &Object, principal: &str) {
    let Some(key) = ensure(world, cluster, principal, "STANDARD") else { return };
    let now = seconds(world.now);
    let policy = json!([{
        "policyArn": super::access_policy::arn(&cluster.region, "AmazonEKSClusterAdminPolicy"),
        "accessScope": { "type": "cluster", "namespaces": [] },
        "associatedAt": now,
        "modifiedAt": now,
    }]);
    world.edit(&key, |entry| entry.hide("policies", policy));
}

/// Lets nodes with a role join a cluster, if it knows access entries.
pub(super) fn of_nodes(world: &mut World, cluster: &Object, role: &str) {
    let access = cluster.body.get("accessConfig");
    if access.is_some_and(|access| access["authenticationMode"] != "CONFIG_MAP") {
        let key = ensure(world, cluster, role, "EC2_LINUX");
        key.and_then(|key| world.edit(&key, |entry| entry.hide("of EKS", true)));
    }
}

/// Takes the entry away that EKS made for nodes of a role that nobody has any more.
pub(super) fn forget_nodes(world: &mut World, cluster: &Object, role: &str) {
    for key in children(world, cluster, ENTRY.kind) {
        let is_its = world.get(&key).is_some_and(|entry| {
            entry.text("principalArn") == role && entry.hidden.get("of EKS") == Some(&json!(true))
        });
        if is_its {
            world.remove(&key);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Named {
    cluster_name: String,
    principal_arn: String,
}

pub(super) fn describe(call: &mut Call<'_>, request: Named) -> Answer {
    open(call, &request.cluster_name)?;
    ENTRY.describe(call, &request.cluster_name, &request.principal_arn, "accessEntry")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct List {
    cluster_name: String,
    associated_policy_arn: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    cluster_key(call, &request.cluster_name)?;
    open(call, &request.cluster_name)?;
    let has = |entry: &Object| {
        let policies = entry.hidden.get("policies").and_then(Value::as_array);
        request.associated_policy_arn.as_ref().is_none_or(|wanted| {
            policies.into_iter().flatten().any(|policy| policy["policyArn"] == wanted.as_str())
        })
    };
    let all = ENTRY.of(call, &request.cluster_name).into_iter().filter(|entry| has(entry));
    let names = all.map(|entry| entry.text("principalArn").to_owned());
    Paging::new(request.max_results, request.next_token).names("accessEntries", names)
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Update {
    cluster_name: String,
    principal_arn: String,
    kubernetes_groups: Option<Vec<String>>,
    client_request_token: Option<String>,
    username: Option<String>,
}

/// Changes an entry. The same change again is no other change, so its token decides nothing.
pub(super) fn update(call: &mut Call<'_>, request: Update) -> Answer {
    open(call, &request.cluster_name)?;
    let key = ENTRY.get(call, &request.cluster_name, &request.principal_arn)?;
    standard(call, &key)?;
    let groups = request.kubernetes_groups.as_deref().unwrap_or_default();
    check_names(groups, request.username.as_deref())?;
    let change = body(
        json!({ "kubernetesGroups": request.kubernetes_groups, "username": request.username }),
    );
    let now = call.world.now;
    call.world.edit(&key, |entry| {
        entry.body.extend(change);
        modified(entry, now);
    });
    Ok(json!({ "accessEntry": call.get(&key).map(show) }))
}

/// Refuses entries that are for nodes.
pub(super) fn standard(call: &Call<'_>, key: &Key) -> Result<(), Refusal> {
    match call.get(key).map(|entry| entry.text("type")) {
        Some("STANDARD") | None => Ok(()),
        Some(_) => Err(invalid(
            "This operation can only be performed on Access Entries with a type of \"STANDARD\".",
        )),
    }
}

pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    open(call, &request.cluster_name)?;
    let key = ENTRY.get(call, &request.cluster_name, &request.principal_arn)?;
    call.world.remove(&key);
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_system_are_its_own() {
        assert!(check_names(&["viewers".to_owned()], Some("ann")).is_ok());
        assert!(check_names(&["system:masters".to_owned()], None).is_err());
        assert!(check_names(&[], Some("eks:ann")).is_err());
    }
}
