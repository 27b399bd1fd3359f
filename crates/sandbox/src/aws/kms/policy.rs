//! The policy of a key.
use super::super::iam::trust::{Ask, Asker, allows};
use super::super::{Answer, Call, Refusal, partition};
use super::{OfKey, RULE, named, no_such, page};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The only name that a policy can have.
const NAME: &str = "default";

/// Writes the policy of a key whose maker wrote none.
pub(super) fn default(call: &Call<'_>) -> String {
    let root = format!("arn:{}:iam::{}:root", partition(&call.region), call.caller.account);
    let statement = json!({
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": { "AWS": root },
        "Action": "kms:*",
        "Resource": "*",
    });
    let policy =
        json!({ "Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement] });
    policy.to_string()
}

/// Checks a policy, and that its maker will be able to change it.
///
/// # Errors
/// When it is none, or would lock the caller out.
pub(super) fn check(call: &Call<'_>, text: &str, bypass: bool) -> Result<(), Refusal> {
    RULE.length("policy", text, 1..=131_072)?;
    let malformed = |message| Refusal::new("MalformedPolicyDocumentException", message);
    let policy: Value = serde_json::from_str(text).unwrap_or_default();
    if !policy["Statement"].is_array() && !policy["Statement"].is_object() {
        return Err(malformed("Policy contains invalid JSON or no statement"));
    }
    let caller = &call.caller;
    let arns: Vec<String> = caller.role.iter().chain([&caller.arn]).cloned().collect();
    let asker = Asker::Somebody { account: &caller.account, arns: &arns };
    let ask = Ask { asker, action: "kms:PutKeyPolicy", context: BTreeMap::new() };
    match bypass || allows(text, &ask)? {
        true => Ok(()),
        false => Err(malformed(
            "The new key policy will not allow you to update the key policy in the future.",
        )),
    }
}

fn is_default(name: Option<String>) -> Result<(), Refusal> {
    match name.as_deref() {
        None | Some(NAME) => Ok(()),
        Some(_) => Err(no_such("No such policy exists".to_owned())),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Get {
    key_id: String,
    policy_name: Option<String>,
}

pub(super) fn get(call: &mut Call<'_>, request: Get) -> Answer {
    is_default(request.policy_name)?;
    let (key, _) = named(call, &request.key_id, false)?;
    let policy = call.find(&key).map(|key| key.secret("policy"));
    Ok(json!({ "Policy": policy, "PolicyName": NAME }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Put {
    key_id: String,
    policy_name: Option<String>,
    policy: String,
    #[serde(default)]
    bypass_policy_lockout_safety_check: bool,
}

pub(super) fn put(call: &mut Call<'_>, request: Put) -> Answer {
    is_default(request.policy_name)?;
    let (key, _) = named(call, &request.key_id, false)?;
    check(call, &request.policy, request.bypass_policy_lockout_safety_check)?;
    call.world.edit(&key, |key| key.hide("policy", request.policy));
    Ok(Value::Null)
}

pub(super) fn list(call: &mut Call<'_>, request: OfKey) -> Answer {
    named(call, &request.key_id, false)?;
    let names = vec![NAME.to_owned()];
    let paging = (request.marker, request.limit);
    page(paging, names, String::clone, |names| json!({ "PolicyNames": names }))
}
