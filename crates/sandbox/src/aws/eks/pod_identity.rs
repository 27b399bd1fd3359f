//! Pod Identity: the role that pods of a service account take on.
use super::super::ec2::living::Place;
use super::super::{Answer, Call, Refusal, partition};
use super::found::{
    Kind, Paging, body, check_tags, children, cluster_key, invalid, refusal, room, seconds, working,
};
use super::roles;
use super::token::{Asked, modified};
use crate::behaviour::Behaviour;
use crate::world::{Key, Object, World};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) static ASSOCIATION: Kind = Kind {
    kind: "eks.pod_identity_association",
    name: "associationId",
    missing: |id| format!("The association {id} was not found."),
};

/// The namespace of the pods of add-ons.
const OF_ADDONS: &str = "kube-system";

pub(super) const LIMIT: Behaviour = Behaviour {
    service: "eks",
    what: "a cluster has at most 1000 Pod Identity associations",
    seconds: 0,
    source: "Amazon EKS User Guide, EKS Pod Identity considerations",
};
const MOST: usize = 1000;
const FULL: &str = "The maximum number of associations has been reached for the cluster.";

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    cluster_name: String,
    namespace: String,
    service_account: String,
    role_arn: String,
    client_request_token: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    disable_session_tags: bool,
    target_role_arn: Option<String>,
    policy: Option<String>,
}

/// An association that an add-on asks for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ForAddon {
    service_account: String,
    role_arn: String,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(made) = asked.made_before(call, ASSOCIATION.kind)?.and_then(|key| call.get(&key)) {
        return Ok(json!({ "association": super::found::show(made) }));
    }
    let cluster = working(call, &request.cluster_name)?.clone();
    let of_cluster = |refusal: Refusal| refusal.field("clusterName", request.cluster_name.as_str());
    let (namespace, account) = (request.namespace.as_str(), request.service_account.as_str());
    let pod = (namespace, account);
    check(call, &cluster, pod, &request.role_arn, None).map_err(of_cluster)?;
    let is_full = children(call.world, &cluster, ASSOCIATION.kind).len() >= MOST;
    room(call, is_full, FULL).map_err(of_cluster)?;
    check_policy(request.policy.as_deref(), request.disable_session_tags).map_err(of_cluster)?;
    check_tags(&request.tags, &request.tags, "InvalidParameterException")?;
    let mut association = made(call.world, &cluster, namespace, account, &request.role_arn);
    association.body.extend(body(json!({
        "disableSessionTags": request.disable_session_tags,
        "targetRoleArn": request.target_role_arn,
        "externalId": request.target_role_arn.as_ref().map(|_| call.world.uuid()),
        "policy": request.policy,
    })));
    association.tags = request.tags.clone();
    asked.keep(&mut association);
    let shown = super::found::show(&association);
    let arn = association.text("associationArn").to_owned();
    call.world.put(Key::new(ASSOCIATION.kind, arn), association);
    Ok(json!({ "association": shown }))
}

/// Checks a new association. What belongs to `owner` is its own to change.
fn check(
    call: &Call<'_>,
    cluster: &Object,
    (namespace, account): (&str, &str),
    role: &str,
    owner: Option<&str>,
) -> Result<(), Refusal> {
    let is_name = |name: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        (1..=253).contains(&name.len()) && name.chars().all(fits)
    };
    if !is_name(namespace) || !is_name(account) {
        return Err(invalid("The namespace or service account is not a valid Kubernetes name."));
    }
    let all = children(call.world, cluster, ASSOCIATION.kind);
    let is_it = |object: &Object| {
        object.text("namespace") == namespace
            && object.text("serviceAccount") == account
            && owner.is_none_or(|owner| object.text("ownerArn") != owner)
    };
    if let Some(other) = all.iter().filter_map(|key| call.get(key)).find(|object| is_it(object)) {
        return Err(refusal(
            "ResourceInUseException",
            format!("Association already exists: {}", other.text("associationId")),
        ));
    }
    roles::of_pods(call, role)
}

fn check_policy(policy: Option<&str>, without_tags: bool) -> Result<(), Refusal> {
    match policy {
        Some(_) if !without_tags => {
            Err(invalid("disableSessionTags must be true when a policy is given."))
        }
        Some(policy) if serde_json::from_str::<Value>(policy).is_err() => {
            Err(invalid("The policy is not valid JSON."))
        }
        _ => Ok(()),
    }
}

fn made(world: &mut World, cluster: &Object, namespace: &str, account: &str, role: &str) -> Object {
    let id = format!("a-{}", world.digits(17));
    let name = cluster.text("name");
    let Place { account: owner, region } = Place::of(cluster);
    let partition = partition(&region);
    let arn = format!("arn:{partition}:eks:{region}:{owner}:podidentityassociation/{name}/{id}");
    let mut association = Object { account: owner, region, made: world.now, ..Object::default() };
    association.body = body(json!({
        "clusterName": name,
        "namespace": namespace,
        "serviceAccount": account,
        "roleArn": role,
        "associationArn": arn,
        "associationId": id,
        "createdAt": seconds(world.now),
        "modifiedAt": seconds(world.now),
        "disableSessionTags": false,
    }));
    association
}

/// Checks the associations that an add-on asks for.
///
/// # Errors
/// When one cannot be made.
pub(super) fn check_for_addon(
    call: &Call<'_>,
    cluster: &Object,
    addon: &str,
    wanted: &[ForAddon],
) -> Result<(), Refusal> {
    for (n, one) in wanted.iter().enumerate() {
        let account = one.service_account.as_str();
        if wanted[..n].iter().any(|other| other.service_account == account) {
            return Err(invalid(format!("The service account {account} is there twice.")));
        }
        check(call, cluster, (OF_ADDONS, account), &one.role_arn, Some(addon))?;
    }
    let all = children(call.world, cluster, ASSOCIATION.kind).len();
    match all + wanted.len() - of_addon(call.world, addon).len() > MOST {
        true => Err(refusal("InvalidRequestException", FULL)),
        false => Ok(()),
    }
}

/// Gives an add-on the associations that it asks for, and returns their ARNs. Those that it has
/// already stay, with another role if need be; those that it no longer asks for go.
pub(super) fn set_for_addon(
    world: &mut World,
    cluster: &Object,
    addon: &str,
    wanted: &[ForAddon],
) -> Vec<String> {
    let mut old = BTreeMap::new();
    for key in of_addon(world, addon) {
        let account = world.get(&key).map(|object| object.text("serviceAccount").to_owned());
        old.insert(account.unwrap_or_default(), key);
    }
    let mut arns = Vec::new();
    for ForAddon { service_account, role_arn } in wanted {
        let key = old.remove(service_account).unwrap_or_else(|| {
            let mut new = made(world, cluster, OF_ADDONS, service_account, role_arn);
            new.set("ownerArn", addon);
            let key = Key::new(ASSOCIATION.kind, new.text("associationArn"));
            world.put(key.clone(), new);
            key
        });
        let now = world.now;
        world.edit(&key, |object| {
            if object.text("roleArn") != role_arn {
                object.set("roleArn", role_arn.as_str());
                modified(object, now);
            }
        });
        arns.push(key.id);
    }
    old.values().for_each(|key| drop(world.remove(key)));
    arns
}

/// Returns the associations that an add-on has made.
pub(super) fn of_addon(world: &World, addon: &str) -> Vec<Key> {
    let all = world.of(ASSOCIATION.kind).filter(|(_, object)| object.text("ownerArn") == addon);
    all.map(|(key, _)| key.clone()).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Named {
    cluster_name: String,
    association_id: String,
}

pub(super) fn describe(call: &mut Call<'_>, request: Named) -> Answer {
    ASSOCIATION.describe(call, &request.cluster_name, &request.association_id, "association")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct List {
    cluster_name: String,
    namespace: Option<String>,
    service_account: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    const TOLD: [&str; 6] = [
        "clusterName",
        "namespace",
        "serviceAccount",
        "associationArn",
        "associationId",
        "ownerArn",
    ];
    cluster_key(call, &request.cluster_name)?;
    let fits = |wanted: &Option<String>, its: &str| wanted.as_deref().is_none_or(|it| it == its);
    let all = ASSOCIATION.of(call, &request.cluster_name).into_iter().filter(|object| {
        fits(&request.namespace, object.text("namespace"))
            && fits(&request.service_account, object.text("serviceAccount"))
    });
    let brief = |object: &Object| -> Value {
        let told = object.body.iter().filter(|(name, _)| TOLD.contains(&name.as_str()));
        told.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let name = |item: &Value| item["associationId"].as_str().unwrap_or_default().to_owned();
    let paging = Paging::new(request.max_results, request.next_token);
    paging.answer("associations", all.map(brief).collect(), name)
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Update {
    cluster_name: String,
    association_id: String,
    role_arn: Option<String>,
    client_request_token: Option<String>,
    disable_session_tags: Option<bool>,
    target_role_arn: Option<String>,
    policy: Option<String>,
}

/// Changes an association. The same change again is no other change, so its token decides nothing.
pub(super) fn update(call: &mut Call<'_>, request: Update) -> Answer {
    let key = own(call, &request.cluster_name, &request.association_id)?;
    let of_cluster = |refusal: Refusal| refusal.field("clusterName", request.cluster_name.as_str());
    if let Some(role) = &request.role_arn {
        roles::of_pods(call, role).map_err(of_cluster)?;
    }
    let was = call.get(&key).and_then(|object| object.body.get("disableSessionTags")?.as_bool());
    let without_tags = request.disable_session_tags.or(was).unwrap_or(false);
    check_policy(request.policy.as_deref(), without_tags).map_err(of_cluster)?;
    let change = body(json!({
        "roleArn": request.role_arn,
        "disableSessionTags": request.disable_session_tags,
        "targetRoleArn": request.target_role_arn,
        "policy": request.policy,
    }));
    if change.is_empty() {
        return Err(of_cluster(invalid("No changes were provided for the association")));
    }
    let now = call.world.now;
    call.world.edit(&key, |object| {
        object.body.extend(change);
        modified(object, now);
    });
    Ok(json!({ "association": call.get(&key).map(super::found::show) }))
}

/// Returns an association that no add-on owns.
fn own(call: &Call<'_>, cluster: &str, id: &str) -> Result<Key, Refusal> {
    let key = ASSOCIATION.get(call, cluster, id)?;
    let owner = call.get(&key).map(|object| object.text("ownerArn")).unwrap_or_default();
    match owner.is_empty() {
        true => Ok(key),
        false => {
            let message = format!("The association {id} is owned by {owner}");
            Err(refusal("InvalidRequestException", message).field("clusterName", cluster))
        }
    }
}

pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = own(call, &request.cluster_name, &request.association_id)?;
    let gone = call.world.remove(&key);
    Ok(json!({ "association": gone.as_ref().map(super::found::show) }))
}
