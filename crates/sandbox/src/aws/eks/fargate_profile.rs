//! Fargate profiles: pods that EKS runs on machines of its own. A cluster that has one stays.
use super::super::iam::assumable;
use super::super::{Answer, Call, Refusal, unknown_turn};
use super::found::{
    Kind, Listing, body, check_tags, children, invalid, refusal, room, seconds, show, working,
};
use super::node_group_create::subnets;
use super::token::Asked;
use crate::behaviour::Behaviour;
use crate::world::{Key, Object, World};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) static PROFILE: Kind = Kind {
    kind: "eks.fargate_profile",
    name: "fargateProfileName",
    missing: |name| format!("No Fargate Profile found with name: {name}."),
};

pub(super) const CREATED: Behaviour = Behaviour {
    service: "eks",
    what: "a Fargate profile is CREATING, then ACTIVE; no pod runs on it here",
    seconds: 60,
    source: "assumption",
};
pub(super) const DELETED: Behaviour = Behaviour {
    service: "eks",
    what: "a Fargate profile is DELETING, then gone",
    seconds: 60,
    source: "assumption",
};
pub(super) const LIMIT: Behaviour = Behaviour {
    service: "eks",
    what: "a cluster has at most 10 Fargate profiles, and each at most 5 selectors",
    seconds: 0,
    source: "Amazon EKS User Guide, service quotas",
};
const MOST: usize = 10;
const SELECTORS: usize = 5;

/// Who takes on the role that starts pods.
const PODS: &str = "eks-fargate-pods.amazonaws.com";

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Selector {
    namespace: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    cluster_name: String,
    fargate_profile_name: String,
    pod_execution_role_arn: String,
    #[serde(default)]
    subnets: Vec<String>,
    #[serde(default)]
    selectors: Vec<Selector>,
    client_request_token: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(made) = asked.made_before(call, PROFILE.kind)?.and_then(|key| call.get(&key)) {
        return Ok(json!({ "fargateProfile": show(made) }));
    }
    let (cluster, name) = (&request.cluster_name, &request.fargate_profile_name);
    // Its model has no error for what is not there.
    let none = |_| invalid(format!("No cluster found for name: {cluster}."));
    let object = working(call, cluster).map_err(none)?.clone();
    check(call, &object, &request)?;
    let (now, id) = (call.world.now, call.world.uuid());
    let arn = call.arn("eks", &format!("fargateprofile/{cluster}/{name}/{id}"));
    let subnets = match request.subnets.is_empty() {
        true => object.body["resourcesVpcConfig"]["subnetIds"].clone(),
        false => json!(request.subnets),
    };
    let mut profile = call.object();
    profile.body = body(json!({
        "fargateProfileName": name,
        "fargateProfileArn": arn,
        "clusterName": cluster,
        "createdAt": seconds(now),
        "podExecutionRoleArn": request.pod_execution_role_arn,
        "subnets": subnets,
        "selectors": request.selectors,
        "status": "CREATING",
    }));
    profile.tags = request.tags.clone();
    asked.keep(&mut profile);
    profile.later(call.world.after(&CREATED), "ready");
    let shown = show(&profile);
    call.world.put(Key::new(PROFILE.kind, arn), profile);
    Ok(json!({ "fargateProfile": shown }))
}

fn check(call: &Call<'_>, cluster: &Object, request: &Create) -> Result<(), Refusal> {
    let name = &request.fargate_profile_name;
    let all = children(call.world, cluster, PROFILE.kind);
    let has_name = |object: &Object| object.text(PROFILE.name) == name;
    if all.iter().filter_map(|key| call.get(key)).any(has_name) {
        let message = format!("A Fargate Profile already exists with this name: {name}");
        return Err(refusal("InvalidRequestException", message));
    }
    room(call, all.len() >= MOST, "The maximum number of Fargate profiles has been reached.")?;
    if !(1..=SELECTORS).contains(&request.selectors.len()) {
        return Err(invalid("A Fargate profile has 1 to 5 selectors"));
    }
    if request.selectors.iter().any(|selector| selector.namespace.is_none()) {
        return Err(invalid("A selector of a Fargate profile has a namespace"));
    }
    if assumable(call.world, &request.pod_execution_role_arn, PODS).is_err() {
        return Err(invalid(format!(
            "Misconfigured PodExecutionRole Trust Policy; Please add the {PODS} Service Principal"
        )));
    }
    if !request.subnets.is_empty() {
        subnets(call, cluster, &request.subnets)?;
    }
    check_tags(&request.tags, &request.tags, "InvalidParameterException")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Named {
    cluster_name: String,
    fargate_profile_name: String,
}

pub(super) fn describe(call: &mut Call<'_>, request: Named) -> Answer {
    let name = &request.fargate_profile_name;
    PROFILE.describe(call, &request.cluster_name, name, "fargateProfile")
}

pub(super) fn list(call: &mut Call<'_>, request: Listing) -> Answer {
    PROFILE.list(call, request, "fargateProfileNames")
}

/// Begins to take a profile away.
pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = PROFILE.get(call, &request.cluster_name, &request.fargate_profile_name)?;
    if call.get(&key).is_some_and(|profile| profile.text("status") != "DELETING") {
        let at = call.world.after(&DELETED);
        call.world.edit(&key, |profile| {
            profile.set("status", "DELETING");
            profile.turns.clear();
            profile.later(at, "deleted");
        });
    }
    Ok(json!({ "fargateProfile": call.get(&key).map(show) }))
}

pub(super) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        "ready" => drop(world.edit(key, |profile| profile.set("status", "ACTIVE"))),
        "deleted" => drop(world.remove(key)),
        _ => unknown_turn(key, word),
    }
}
