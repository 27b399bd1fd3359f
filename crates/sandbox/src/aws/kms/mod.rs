//! AWS KMS: keys with their aliases, policies and grants.
mod alias;
mod deletion;
mod grant;
mod key;
mod policy;
mod rotation;
mod tags;

use super::constraint::Constraint;
use super::{Answer, Call, Input, Page, Refusal, unknown_turn};
use crate::behaviour::Behaviour;
use crate::clock::Time;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Value, json};

/// How KMS calls a member that breaks its constraint.
const RULE: Constraint = Constraint("ValidationException");

const DAY: Time = 24 * 60 * 60 * 1000;

const ENDS: Behaviour = Behaviour {
    service: "kms",
    what: "a key goes, with its aliases, when its waiting period of 7 to 30 days is over",
    seconds: 0,
    source: "AWS KMS Developer Guide, Deleting AWS KMS keys",
};

const PENDING: Behaviour = Behaviour {
    service: "kms",
    what: "a key that is pending deletion can be read, and nothing else but be saved",
    seconds: 0,
    source: "AWS KMS Developer Guide, Key states of AWS KMS keys",
};

const LIMITS: Behaviour = Behaviour {
    service: "kms",
    what: "an account has at most 100000 keys in a region; a key has at most 50 \
        aliases and 50 tags",
    seconds: 0,
    source: "AWS KMS Developer Guide, Resource quotas",
};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[ENDS, PENDING, LIMITS];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    let answer = match call.operation {
        "CreateKey" => call.run(input, key::create),
        "DescribeKey" => call.run(input, key::describe),
        "ListKeys" => call.run(input, key::list),
        "UpdateKeyDescription" => call.run(input, key::update_description),
        "EnableKey" => call.run(input, key::enable),
        "DisableKey" => call.run(input, key::disable),
        "ScheduleKeyDeletion" => call.run(input, deletion::schedule),
        "CancelKeyDeletion" => call.run(input, deletion::cancel),
        "EnableKeyRotation" => call.run(input, rotation::enable),
        "DisableKeyRotation" => call.run(input, rotation::disable),
        "GetKeyRotationStatus" => call.run(input, rotation::status),
        "GetKeyPolicy" => call.run(input, policy::get),
        "PutKeyPolicy" => call.run(input, policy::put),
        "ListKeyPolicies" => call.run(input, policy::list),
        "TagResource" => call.run(input, tags::tag),
        "UntagResource" => call.run(input, tags::untag),
        "ListResourceTags" => call.run(input, tags::list),
        "CreateAlias" => call.run(input, alias::create),
        "UpdateAlias" => call.run(input, alias::update),
        "DeleteAlias" => call.run(input, alias::delete),
        "ListAliases" => call.run(input, alias::list),
        "CreateGrant" => call.run(input, grant::create),
        "ListGrants" => call.run(input, grant::list),
        "RevokeGrant" => call.run(input, grant::revoke),
        _ => call.unsupported(),
    };
    answer.map_err(|refusal| refusal.unreadable(RULE.0))
}

/// Does what an object was to do by itself.
pub(crate) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        deletion::END => deletion::end(world, key),
        _ => unknown_turn(key, word),
    }
}

/// Tells whether a key is there and enabled, by its ARN or by that of an alias.
pub(crate) fn usable(world: &World, arn: &str) -> bool {
    let target = alias::target(world, arn);
    let found = world.get(&Key::new(key::KIND, target.as_deref().unwrap_or(arn)));
    found.is_some_and(|found| found.text("KeyState") == "Enabled")
}

fn no_such(message: String) -> Refusal {
    Refusal::new("NotFoundException", message)
}

/// Returns the key that a member names: by its id or ARN, or by an alias where those are allowed.
/// It is one that reads see, and that there is.
fn named<'a>(call: &'a Call<'_>, id: &str, aliases: bool) -> Result<(Key, &'a Object), Refusal> {
    RULE.length("keyId", id, 1..=2048)?;
    let arn = match id.strip_prefix("arn:").map(|_| id.to_owned()) {
        Some(arn) => arn,
        None if id.starts_with("alias/") => call.arn("kms", id),
        None => call.arn("kms", &format!("key/{id}")),
    };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "kms", region, account, rest] = parts[..] else {
        return Err(Refusal::new("InvalidArnException", format!("Invalid ARN {id}")));
    };
    if region != call.region {
        return Err(no_such(format!("Invalid arn {region}")));
    }
    if account != call.caller.account {
        return Err(denied(call, &arn));
    }
    let key = match rest.strip_prefix("key/") {
        Some(uuid) if uuid.len() == 36 => arn,
        None if aliases && rest.starts_with("alias/") => {
            alias::seen(call, &arn).ok_or_else(|| alias::missing(&arn))?
        }
        _ => return Err(no_such(format!("Invalid keyId '{id}'"))),
    };
    let key = Key::new(key::KIND, key);
    let missing = || no_such(format!("Key '{}' does not exist", key.id));
    call.find(&key).ok_or_else(missing)?;
    let found = call.get(&key).ok_or_else(missing)?;
    Ok((key, found))
}

/// Returns the key that a member names for a call that changes it, which those cannot be that are
/// pending deletion.
fn changed(call: &Call<'_>, id: &str) -> Result<Key, Refusal> {
    let (key, found) = named(call, id, false)?;
    match found.text("KeyState") {
        "PendingDeletion" => Err(wrong_state(&key, "is pending deletion.")),
        _ => Ok(key),
    }
}

fn wrong_state(key: &Key, state: &str) -> Refusal {
    Refusal::new("KMSInvalidStateException", format!("{} {state}", key.id))
}

fn denied(call: &Call<'_>, arn: &str) -> Refusal {
    let message = format!(
        "User: {} is not authorized to perform: kms:{} on resource: {arn} because the resource \
         does not exist in this Region, no resource-based policies allow access, or a \
         resource-based policy explicitly denies access",
        call.caller.arn, call.operation
    );
    Refusal::new("AccessDeniedException", message)
}

/// Writes a time as KMS does: in seconds.
fn seconds(time: Time) -> Value {
    json!(time as f64 / 1000.0)
}

/// A request for what belongs to a key.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OfKey {
    key_id: String,
    limit: Option<i64>,
    marker: Option<String>,
}

/// Answers with a page of a list.
fn page<T>(
    (marker, limit): (Option<String>, Option<i64>),
    items: Vec<T>,
    name: impl Fn(&T) -> String,
    answer: impl FnOnce(Vec<T>) -> Value,
) -> Answer {
    if let Some(limit) = limit {
        RULE.number("limit", limit, 1..=1000)?;
    }
    let page = Page { size: Some(limit.map_or(50, |limit| limit as usize)), token: marker };
    let wrong = || Refusal::new("InvalidMarkerException", "Invalid marker.");
    let (items, next) = page.cut(items, name, wrong)?;
    let mut answer = answer(items);
    answer["Truncated"] = json!(next.is_some());
    if let Some(next) = next {
        answer["NextMarker"] = json!(next);
    }
    Ok(answer)
}
