//! Keys: what they are and tell of themselves.
use super::super::{Answer, Call, Refusal};
use super::tags::{self, Tag};
use super::{RULE, changed, named, page, policy, seconds};
use crate::world::Key;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) const KIND: &str = "kms.key";

/// The most that an account may have in a region.
const MOST: usize = 100_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    policy: Option<String>,
    #[serde(default)]
    description: String,
    key_usage: Option<String>,
    customer_master_key_spec: Option<String>,
    key_spec: Option<String>,
    origin: Option<String>,
    #[serde(default)]
    bypass_policy_lockout_safety_check: bool,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    multi_region: bool,
}

impl Create {
    /// Refuses kinds of keys that the sandbox has not.
    fn check(&self) -> Result<(), Refusal> {
        let only = [
            ("KeyUsage", &self.key_usage, "ENCRYPT_DECRYPT"),
            ("CustomerMasterKeySpec", &self.customer_master_key_spec, "SYMMETRIC_DEFAULT"),
            ("KeySpec", &self.key_spec, "SYMMETRIC_DEFAULT"),
            ("Origin", &self.origin, "AWS_KMS"),
        ];
        let other = only.iter().find_map(|(member, value, known)| {
            let value = value.as_deref().filter(|value| value != known)?;
            Some(format!("a key with {member} {value}"))
        });
        if let Some(what) = other.or(self.multi_region.then(|| "keys of many regions".to_owned())) {
            return Err(Refusal::unsupported(&what));
        }
        RULE.length("description", &self.description, 0..=8192)
    }
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    request.check()?;
    let mut tags = BTreeMap::new();
    tags::put(&mut tags, &request.tags)?;
    let policy = match request.policy {
        Some(policy) => {
            policy::check(call, &policy, request.bypass_policy_lockout_safety_check)?;
            policy
        }
        None => policy::default(call),
    };
    if call.there(KIND).len() >= MOST {
        return Err(Refusal::new("LimitExceededException", "There are too many keys."));
    }
    let id = call.world.uuid();
    let arn = call.arn("kms", &format!("key/{id}"));
    let mut key = call.object();
    key.tags = tags;
    let body = json!({
        "AWSAccountId": call.caller.account,
        "KeyId": id,
        "Arn": arn,
        "CreationDate": seconds(call.world.now),
        "Enabled": true,
        "Description": request.description,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": false,
        "CurrentKeyMaterialId": call.world.digits(64),
    });
    key.body = body.as_object().cloned().unwrap_or_else(Map::new);
    key.hide("policy", policy);
    let shown = json!({ "KeyMetadata": key.body });
    call.world.put(Key::new(KIND, arn), key);
    Ok(shown)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    pub(super) key_id: String,
}

pub(super) fn describe(call: &mut Call<'_>, request: Named) -> Answer {
    let (key, _) = named(call, &request.key_id, true)?;
    Ok(json!({ "KeyMetadata": call.find(&key).map(|key| &key.body) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    limit: Option<i64>,
    marker: Option<String>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let all = call
        .seen(KIND)
        .into_iter()
        .map(|(_, key)| json!({ "KeyId": key.text("KeyId"), "KeyArn": key.text("Arn") }));
    let name = |key: &Value| key["KeyId"].as_str().unwrap_or_default().to_owned();
    let paging = (request.marker, request.limit.or(Some(100)));
    page(paging, all.collect(), name, |keys| json!({ "Keys": keys }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Describing {
    key_id: String,
    description: String,
}

pub(super) fn update_description(call: &mut Call<'_>, request: Describing) -> Answer {
    RULE.length("description", &request.description, 0..=8192)?;
    let key = changed(call, &request.key_id)?;
    call.world.edit(&key, |key| key.set("Description", request.description));
    Ok(Value::Null)
}

pub(super) fn enable(call: &mut Call<'_>, request: Named) -> Answer {
    let key = changed(call, &request.key_id)?;
    state(call, &key, "Enabled");
    Ok(Value::Null)
}

pub(super) fn disable(call: &mut Call<'_>, request: Named) -> Answer {
    let key = changed(call, &request.key_id)?;
    state(call, &key, "Disabled");
    Ok(Value::Null)
}

pub(super) fn state(call: &mut Call<'_>, key: &Key, state: &str) {
    call.world.edit(key, |key| {
        key.set("KeyState", state);
        key.set("Enabled", state == "Enabled");
    });
}
