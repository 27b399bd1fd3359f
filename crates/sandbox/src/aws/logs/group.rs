//! Groups of logs.
use super::super::constraint::Letters;
use super::super::ec2::living::Place;
use super::super::{Answer, Call, Page, Refusal, kms, partition};
use super::{RULE, tags};
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const KIND: &str = "logs.group";

const NAME: Letters =
    (r"[\.\-_/#A-Za-z0-9]+", |letter| letter.is_ascii_alphanumeric() || ".-_/#".contains(letter));

const CLASSES: &[&str] = &["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"];

/// The most that a page has.
const PAGE: i64 = 50;

/// For how many days logs can be kept.
const DAYS: &[&str] = &[
    "1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731",
    "1096", "1827", "2192", "2557", "2922", "3288", "3653",
];

pub(super) fn missing() -> Refusal {
    Refusal::new("ResourceNotFoundException", "The specified log group does not exist.")
}

/// Returns the key of a group that reads see, and that there is.
pub(super) fn named(call: &Call<'_>, name: &str) -> Result<Key, Refusal> {
    RULE.length("logGroupName", name, 1..=512)?;
    RULE.letters("logGroupName", name, NAME)?;
    at(call, &call.arn("logs", &format!("log-group:{name}")))
}

/// Returns the key of a group by its ARN.
pub(super) fn at(call: &Call<'_>, arn: &str) -> Result<Key, Refusal> {
    let key = Key::new(KIND, arn);
    call.find(&key).and(call.get(&key)).ok_or_else(missing)?;
    Ok(key)
}

fn object(world: &World, place: &Place, name: &str, class: &str) -> (Key, Object) {
    let Place { account, region } = place;
    let arn = format!("arn:{}:logs:{region}:{account}:log-group:{name}", partition(region));
    let body = json!({
        "logGroupName": name,
        "creationTime": world.now,
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "storedBytes": 0,
        "logGroupClass": class,
        "logGroupArn": arn,
    });
    let body = body.as_object().cloned().unwrap_or_else(Map::new);
    let (account, region) = (account.clone(), region.clone());
    let group = Object { account, region, body, made: world.now, ..Object::default() };
    (Key::new(KIND, arn), group)
}

/// Makes a group for a service that writes into it, if there is none: one that keeps its logs for
/// ever and has no tags.
pub(crate) fn ensure(world: &mut World, place: &Place, name: &str) {
    let (key, group) = object(world, place, name, CLASSES[0]);
    if world.get(&key).is_none() {
        world.put(key, group);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    log_group_name: String,
    kms_key_id: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    log_group_class: Option<String>,
    deletion_protection_enabled: Option<bool>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let name = &request.log_group_name;
    RULE.length("logGroupName", name, 1..=512)?;
    RULE.letters("logGroupName", name, NAME)?;
    if name.starts_with("aws/") {
        let message = "Log groups starting with AWS/ are reserved for AWS.";
        return Err(Refusal::new(RULE.0, message));
    }
    let class = request.log_group_class.as_deref().unwrap_or(CLASSES[0]);
    RULE.word("logGroupClass", class, CLASSES)?;
    let mut own = BTreeMap::new();
    if let Some(new) = request.tags {
        tags::put(&mut own, new)?;
    }
    let (account, region) = (call.caller.account.clone(), call.region.clone());
    let (key, mut group) = object(call.world, &Place { account, region }, name, class);
    if call.get(&key).is_some() {
        let message = "The specified log group already exists";
        return Err(Refusal::new("ResourceAlreadyExistsException", message));
    }
    if let Some(id) = request.kms_key_id {
        if !kms::usable(call.world, &id) {
            let message = format!(
                "The specified KMS key does not exist or is not allowed to be used with LogGroup \
                 '{}'",
                key.id
            );
            return Err(Refusal::new(RULE.0, message));
        }
        group.set("kmsKeyId", id);
    }
    if let Some(protected) = request.deletion_protection_enabled {
        group.set("deletionProtectionEnabled", protected);
    }
    group.tags = own;
    call.world.put(key, group);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct List {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_class: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let size = request.limit.unwrap_or(PAGE);
    RULE.number("limit", size, 1..=PAGE)?;
    let (prefix, pattern) = (&request.log_group_name_prefix, &request.log_group_name_pattern);
    if let Some(prefix) = prefix {
        RULE.length("logGroupNamePrefix", prefix, 1..=512)?;
        RULE.letters("logGroupNamePrefix", prefix, NAME)?;
    }
    if prefix.is_some() && pattern.is_some() {
        let message = "LogGroup name prefix and LogGroup name pattern are mutually exclusive \
                       parameters.";
        return Err(Refusal::new(RULE.0, message));
    }
    let fits = |group: &&Object| {
        let name = group.text("logGroupName");
        let class = group.text("logGroupClass");
        prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
            && pattern.as_ref().is_none_or(|part| name.contains(part))
            && request.log_group_class.as_ref().is_none_or(|wanted| wanted == class)
    };
    let found = call.seen(KIND).into_iter().map(|(_, group)| group).filter(fits);
    let page = Page { size: Some(size as usize), token: request.next_token };
    let wrong = || Refusal::new(RULE.0, "The specified nextToken is invalid.");
    let name = |group: &&Object| group.text("logGroupName").to_owned();
    let (groups, next) = page.cut(found.collect(), name, wrong)?;
    let is_brief = pattern.as_ref().is_some_and(|pattern| !pattern.is_empty());
    let shown = groups.into_iter().map(|group| show(group, is_brief));
    let mut answer = json!({ "logGroups": shown.collect::<Vec<_>>() });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer)
}

/// Shows a group. Those that were looked for by a part of their names tell little, as the API
/// reference says.
fn show(group: &Object, is_brief: bool) -> Value {
    let mut body = group.body.clone();
    if is_brief {
        body.retain(|field, _| ["arn", "creationTime", "logGroupName"].contains(&field.as_str()));
    }
    Value::Object(body)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Named {
    log_group_name: String,
}

pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = named(call, &request.log_group_name)?;
    let protected = call.get(&key).and_then(|group| group.body.get("deletionProtectionEnabled"));
    if protected == Some(&json!(true)) {
        let message = "The specified log group is protected against deletion.";
        return Err(Refusal::new("ValidationException", message));
    }
    call.world.remove(&key);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Retention {
    log_group_name: String,
    retention_in_days: u64,
}

pub(super) fn put_retention(call: &mut Call<'_>, request: Retention) -> Answer {
    let days = request.retention_in_days;
    RULE.word("retentionInDays", &days.to_string(), DAYS)?;
    let key = named(call, &request.log_group_name)?;
    call.world.edit(&key, |group| group.set("retentionInDays", days));
    Ok(Value::Null)
}

pub(super) fn delete_retention(call: &mut Call<'_>, request: Named) -> Answer {
    let key = named(call, &request.log_group_name)?;
    call.world.edit(&key, |group| group.body.remove("retentionInDays"));
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Protect {
    log_group_identifier: String,
    deletion_protection_enabled: bool,
}

pub(super) fn protect(call: &mut Call<'_>, request: Protect) -> Answer {
    let id = request.log_group_identifier.trim_end_matches(":*");
    let key = if id.starts_with("arn:") { at(call, id)? } else { named(call, id)? };
    let protected = request.deletion_protection_enabled;
    call.world.edit(&key, |group| group.set("deletionProtectionEnabled", protected));
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_makes_its_group_once() {
        let mut world = World::new(1, 0);
        let place = Place { account: "123456789012".into(), region: "eu-west-1".into() };
        ensure(&mut world, &place, "/aws/eks/acme/cluster");
        let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/eks/acme/cluster";
        let key = Key::new(KIND, arn);
        world.edit(&key, |group| group.set("retentionInDays", 30)).unwrap();
        ensure(&mut world, &place, "/aws/eks/acme/cluster");
        let group = world.get(&key).unwrap();
        assert_eq!(group.text("arn"), format!("{arn}:*"));
        assert_eq!(group.body["retentionInDays"], 30);
    }
}
