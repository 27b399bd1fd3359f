//! Names of keys.
use super::super::constraint::Letters;
use super::super::{Answer, Call, Refusal};
use super::{RULE, changed, named, no_such, page, seconds};
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const KIND: &str = "kms.alias";

/// The most that a key may have.
const MOST: usize = 50;

const NAME: Letters =
    (r"^[a-zA-Z0-9:/_-]+$", |letter| letter.is_ascii_alphanumeric() || ":/_-".contains(letter));

pub(super) fn missing(arn: &str) -> Refusal {
    no_such(format!("Alias {arn} is not found."))
}

/// Returns the ARN of the key that an alias stands for.
pub(super) fn target(world: &World, arn: &str) -> Option<String> {
    world.get(&Key::new(KIND, arn)).map(|alias| alias.secret("key").to_owned())
}

/// Returns the ARN of the key that an alias stands for, as reads see it.
pub(super) fn seen(call: &Call<'_>, arn: &str) -> Option<String> {
    call.find(&Key::new(KIND, arn)).map(|alias| alias.secret("key").to_owned())
}

/// Returns the aliases of a key.
pub(super) fn of(world: &World, key: &str) -> Vec<Key> {
    let all = world.of(KIND).filter(|(_, alias)| alias.secret("key") == key);
    all.map(|(key, _)| key.clone()).collect()
}

fn check(name: &str) -> Result<(), Refusal> {
    RULE.length("aliasName", name, 1..=256)?;
    RULE.letters("aliasName", name, NAME)?;
    let rest = name
        .strip_prefix("alias/")
        .ok_or_else(|| Refusal::new(RULE.0, "Alias must start with the prefix \"alias/\"."))?;
    if rest.is_empty() || rest.contains(':') {
        return Err(Refusal::new("InvalidAliasNameException", format!("{name} is no alias name.")));
    }
    match rest.starts_with("aws/") {
        true => Err(Refusal::new("NotAuthorizedException", "")),
        false => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Set {
    alias_name: String,
    target_key_id: String,
}

/// Returns the key that an alias is to stand for.
fn wanted(call: &Call<'_>, id: &str) -> Result<Key, Refusal> {
    if id.contains("alias/") {
        return Err(Refusal::new(RULE.0, "Aliases must refer to keys. Not aliases"));
    }
    let key = changed(call, id)?;
    match of(call.world, &key.id).len() >= MOST {
        true => Err(Refusal::new("LimitExceededException", "A key has 50 aliases at most.")),
        false => Ok(key),
    }
}

fn point(alias: &mut Object, key: &Key, now: Value) {
    let id = key.id.rsplit('/').next().unwrap_or_default();
    alias.set("TargetKeyId", id);
    alias.set("LastUpdatedDate", now);
    alias.hide("key", key.id.as_str());
}

pub(super) fn create(call: &mut Call<'_>, request: Set) -> Answer {
    let name = request.alias_name;
    check(&name)?;
    let arn = call.arn("kms", &name);
    let place = Key::new(KIND, &arn);
    let key = wanted(call, &request.target_key_id)?;
    if call.get(&place).is_some() {
        let message = format!("An alias with the name {arn} already exists");
        return Err(Refusal::new("AlreadyExistsException", message));
    }
    let now = seconds(call.world.now);
    let mut alias = call.object();
    let body =
        [("AliasName", json!(name)), ("AliasArn", json!(arn)), ("CreationDate", now.clone())];
    alias.body = Map::from_iter(body.map(|(field, value)| (field.to_owned(), value)));
    point(&mut alias, &key, now);
    call.world.put(place, alias);
    Ok(Value::Null)
}

/// Returns the key of an alias that there is.
fn existing(call: &Call<'_>, name: &str) -> Result<Key, Refusal> {
    check(name)?;
    let arn = call.arn("kms", name);
    let place = Key::new(KIND, &arn);
    call.find(&place).and(call.get(&place)).ok_or_else(|| missing(&arn))?;
    Ok(place)
}

pub(super) fn update(call: &mut Call<'_>, request: Set) -> Answer {
    let place = existing(call, &request.alias_name)?;
    let key = wanted(call, &request.target_key_id)?;
    let now = seconds(call.world.now);
    call.world.edit(&place, |alias| point(alias, &key, now));
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    alias_name: String,
}

pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let place = existing(call, &request.alias_name)?;
    call.world.remove(&place);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    key_id: Option<String>,
    limit: Option<i64>,
    marker: Option<String>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let of = match &request.key_id {
        Some(id) => Some(named(call, id, false)?.0),
        None => None,
    };
    let all = call.seen(KIND).into_iter().map(|(_, alias)| alias);
    let is_of = |alias: &&Object| of.as_ref().is_none_or(|key| alias.secret("key") == key.id);
    let name = |alias: &&Object| alias.text("AliasName").to_owned();
    page((request.marker, request.limit), all.filter(is_of).collect(), name, |all| {
        let shown: Vec<_> = all.into_iter().map(|alias| &alias.body).collect();
        json!({ "Aliases": shown })
    })
}
