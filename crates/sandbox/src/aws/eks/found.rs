//! What EKS has: how it is found, shown in pages and refused.
use super::super::{Answer, Call, Page, Refusal};
use crate::behaviour::Behaviour;
use crate::clock::Time;
use crate::faults::Effect;
use crate::world::{Key, Object, World};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// States between which reads may lag. In all others EKS is assumed to be consistent.
const STEADY: [&str; 2] = ["ACTIVE", "UPDATING"];

pub(super) const LIMITS: Behaviour = Behaviour {
    service: "eks",
    what: "everything has at most 50 tags, a node group also 50 taints, and the endpoint of a \
        cluster 40 ranges that may reach it",
    seconds: 0,
    source: "Amazon EKS User Guide, service quotas",
};

/// A kind of EKS: of its objects, and the member that names one within a cluster.
pub(super) struct Kind {
    pub(super) kind: &'static str,
    /// The member that holds its name, and what errors name it by.
    pub(super) name: &'static str,
    /// What a message calls it when there is none.
    pub(super) missing: fn(&str) -> String,
}

impl Kind {
    /// Returns the key of one of a cluster's that there really is.
    pub(super) fn key(&self, call: &Call<'_>, cluster: &str, name: &str) -> Option<Key> {
        let mut all = call.there(self.kind).into_iter();
        let is_it = |object: &Object| {
            object.text("clusterName") == cluster && object.text(self.name) == name
        };
        all.find(|(_, object)| is_it(object)).map(|(key, _)| key.clone())
    }

    /// Returns the key of one of a cluster's.
    ///
    /// # Errors
    /// When there is no such cluster, or it has none of that name.
    pub(super) fn get(&self, call: &Call<'_>, cluster: &str, name: &str) -> Result<Key, Refusal> {
        cluster_key(call, cluster)?;
        self.key(call, cluster, name).ok_or_else(|| {
            let refusal = refusal("ResourceNotFoundException", (self.missing)(name));
            let refusal = refusal.field("clusterName", cluster);
            match self.name {
                "nodegroupName" | "addonName" => refusal.field(self.name, name),
                _ => refusal,
            }
        })
    }

    /// Returns those of a cluster, as reads see them.
    pub(super) fn of<'a>(&self, call: &'a Call<'_>, cluster: &str) -> Vec<&'a Object> {
        let all = match is_stale(call) {
            true => call.seen(self.kind),
            false => call.there(self.kind),
        };
        let its = all.into_iter().filter(|(_, object)| object.text("clusterName") == cluster);
        its.map(|(key, object)| seen(call, key).unwrap_or(object)).collect()
    }

    /// Lists the names of those of a cluster, below a member.
    pub(super) fn list(&self, call: &Call<'_>, request: Listing, member: &str) -> Answer {
        cluster_key(call, &request.cluster_name)?;
        let all = self.of(call, &request.cluster_name).into_iter();
        let names = all.map(|object| object.text(self.name).to_owned());
        Paging::new(request.max_results, request.next_token).names(member, names)
    }

    /// Shows one of a cluster's, below a member.
    pub(super) fn describe(
        &self,
        call: &Call<'_>,
        cluster: &str,
        name: &str,
        member: &str,
    ) -> Answer {
        let key = self.get(call, cluster, name)?;
        match seen(call, &key) {
            Some(object) => Ok(json!({ member: show(object) })),
            None => Err(refusal("ResourceNotFoundException", (self.missing)(name))),
        }
    }
}

/// A request for the names of those of a cluster.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Listing {
    cluster_name: String,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// Returns those of a cluster that there really are.
pub(super) fn children(world: &World, cluster: &Object, kind: &str) -> Vec<Key> {
    let is_its = |object: &Object| {
        object.text("clusterName") == cluster.text("name")
            && object.region == cluster.region
            && object.account == cluster.account
    };
    world.of(kind).filter(|(_, object)| is_its(object)).map(|(key, _)| key.clone()).collect()
}

/// Returns the cluster that something belongs to.
pub(super) fn parent(world: &World, child: &Object) -> Option<Key> {
    let is_its = |object: &Object| {
        object.text("name") == child.text("clusterName")
            && object.region == child.region
            && object.account == child.account
    };
    world.of("eks.cluster").find(|(_, object)| is_its(object)).map(|(key, _)| key.clone())
}

fn is_stale(call: &Call<'_>) -> bool {
    call.effect == Some(Effect::Stale)
}

/// Returns an object as a read sees it now.
pub(super) fn seen<'a>(call: &'a Call<'_>, key: &Key) -> Option<&'a Object> {
    let then = call.find(key);
    if is_stale(call) {
        return then;
    }
    let now = call.get(key)?;
    let is_steady = |object: &Object| STEADY.contains(&object.text("status"));
    Some(then.filter(|then| is_steady(then) && is_steady(now)).unwrap_or(now))
}

/// Returns the key of a cluster that there is.
///
/// # Errors
/// When there is none of that name.
pub(super) fn cluster_key(call: &Call<'_>, name: &str) -> Result<Key, Refusal> {
    let key = Key::new("eks.cluster", call.arn("eks", &format!("cluster/{name}")));
    match call.get(&key) {
        Some(_) => Ok(key),
        None => {
            let message = format!("No cluster found for name: {name}.");
            Err(refusal("ResourceNotFoundException", message).field("clusterName", name))
        }
    }
}

/// Returns a cluster that works, or is being changed.
///
/// # Errors
/// When there is none of that name, or it is on its way up or down.
pub(super) fn working<'a>(call: &'a Call<'_>, name: &str) -> Result<&'a Object, Refusal> {
    let key = cluster_key(call, name)?;
    let cluster = call.get(&key).filter(|cluster| STEADY.contains(&cluster.text("status")));
    cluster.ok_or_else(|| {
        let message = format!("Cluster '{name}' is not in ACTIVE status");
        refusal("InvalidRequestException", message).field("clusterName", name)
    })
}

/// Makes an error, with the status that EKS's model gives its code.
pub(super) fn refusal(code: &str, message: impl Into<String>) -> Refusal {
    let status = match code {
        "ResourceInUseException" => 409,
        "ResourceNotFoundException" | "NotFoundException" => 404,
        "ServerException" => 500,
        _ => 400,
    };
    Refusal::new(code, message).status(status)
}

/// Refuses one more of something.
///
/// # Errors
/// When there are as many as there may be, or a fault says so.
pub(super) fn room(call: &Call<'_>, is_full: bool, message: &str) -> Result<(), Refusal> {
    match is_full || call.effect == Some(Effect::Quota) {
        true => Err(refusal("ResourceLimitExceededException", message)),
        false => Ok(()),
    }
}

/// Refuses the value of a parameter.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    refusal("InvalidParameterException", message)
}

/// Refuses a value that is none of an enumeration's.
pub(super) fn one_of(member: &str, value: &str, allowed: &[&str]) -> Result<(), Refusal> {
    match allowed.contains(&value) {
        true => Ok(()),
        false => Err(invalid(format!("{member} must be one of {}", allowed.join(", ")))),
    }
}

/// Shows an object: its body and its tags.
pub(super) fn show(object: &Object) -> Value {
    let mut body = object.body.clone();
    body.insert("tags".to_owned(), json!(object.tags));
    Value::Object(body)
}

/// Makes a body of what there is to tell.
pub(super) fn body(value: Value) -> Map<String, Value> {
    match without_nothing(value) {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

fn without_nothing(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let told = members.into_iter().filter(|(_, value)| !value.is_null());
            told.map(|(name, value)| (name, without_nothing(value))).collect()
        }
        other => other,
    }
}

/// Writes a time as EKS does.
pub(super) fn seconds(time: Time) -> Value {
    json!(time as f64 / 1000.0)
}

/// A page that is asked for.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Paging {
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl Paging {
    pub(super) fn new(max_results: Option<usize>, next_token: Option<String>) -> Self {
        Self { max_results, next_token }
    }

    /// Cuts a page out of what has names, below a member.
    ///
    /// # Errors
    /// When page or token cannot be.
    pub(super) fn answer(
        &self,
        member: &str,
        items: Vec<Value>,
        name: impl Fn(&Value) -> String,
    ) -> Answer {
        if self.max_results.is_some_and(|size| !(1..=100).contains(&size)) {
            return Err(invalid("maxResults must be between 1 and 100"));
        }
        let page = Page { size: self.max_results.or(Some(100)), token: self.next_token.clone() };
        let wrong = || invalid("The nextToken is not valid.");
        let (items, next) = page.cut(items, name, wrong)?;
        Ok(Value::Object(body(json!({ member: items, "nextToken": next }))))
    }

    /// Cuts a page out of texts, below a member.
    pub(super) fn names(&self, member: &str, names: impl Iterator<Item = String>) -> Answer {
        let name = |item: &Value| item.as_str().unwrap_or_default().to_owned();
        self.answer(member, names.map(Value::from).collect(), name)
    }
}

/// Checks tags by the rules of EKS.
///
/// # Errors
/// When there are too many, or one is too long or AWS's own.
pub(super) fn check_tags(
    all: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    code: &str,
) -> Result<(), Refusal> {
    let fits = |(key, value): (&String, &String)| {
        (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256
    };
    let message = if new.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        "aws: prefixed tag key names are not allowed for external use."
    } else if all.keys().filter(|key| !key.starts_with("aws:")).count() > 50 {
        "The number of tags exceeds the maximum of 50."
    } else if !new.iter().all(fits) {
        "Tag keys have 1 to 128 characters, and tag values at most 256."
    } else {
        return Ok(());
    };
    Err(refusal(code, message))
}
