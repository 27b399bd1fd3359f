//! What others may do with a key.
use super::super::{Answer, Call, partition};
use super::{RULE, named, no_such, page, rotation, seconds};
use crate::world::Object;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const OPERATIONS: &[&str] = &[
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "Sign",
    "Verify",
    "GetPublicKey",
    "CreateGrant",
    "RetireGrant",
    "DescribeKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
];

fn held(key: &Object) -> Vec<Value> {
    key.hidden.get("grants").and_then(Value::as_array).cloned().unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    key_id: String,
    grantee_principal: String,
    retiring_principal: Option<String>,
    operations: Vec<String>,
    constraints: Option<Map<String, Value>>,
    name: Option<String>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    for operation in &request.operations {
        RULE.word("operations", operation, OPERATIONS)?;
    }
    let key = rotation::enabled(call, &request.key_id)?;
    let mut all = call.get(&key).map(held).unwrap_or_default();
    let account = &call.caller.account;
    let mut grant = json!({
        "KeyId": key.id,
        "GranteePrincipal": request.grantee_principal,
        "IssuingAccount": format!("arn:{}:iam::{account}:root", partition(&call.region)),
        "Operations": request.operations,
    });
    let optional = [
        ("Name", request.name.map(Value::from)),
        ("RetiringPrincipal", request.retiring_principal.map(Value::from)),
        ("Constraints", request.constraints.map(Value::from)),
    ];
    for (field, value) in optional {
        if let Some(value) = value {
            grant[field] = value;
        }
    }
    let id = match all.iter().find(|other| is_same(other, &grant)) {
        Some(same) => same["GrantId"].clone(),
        None => {
            let id = json!(call.world.digits(64));
            grant["GrantId"] = id.clone();
            grant["CreationDate"] = seconds(call.world.now);
            all.push(grant);
            call.world.edit(&key, |key| key.hide("grants", all));
            id
        }
    };
    Ok(json!({ "GrantToken": call.world.digits(128), "GrantId": id }))
}

/// Tells whether a grant has the name and everything else of another: it is the same then.
fn is_same(grant: &Value, asked: &Value) -> bool {
    let mut grant = grant.clone();
    for field in ["GrantId", "CreationDate"] {
        grant.as_object_mut().map(|grant| grant.remove(field));
    }
    asked.get("Name").is_some() && grant == *asked
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    key_id: String,
    grant_id: Option<String>,
    grantee_principal: Option<String>,
    limit: Option<i64>,
    marker: Option<String>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let (key, _) = named(call, &request.key_id, false)?;
    let mut all = call.find(&key).map(held).unwrap_or_default();
    all.retain(|grant| {
        let fits = |field: &str, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| grant[field] == *wanted)
        };
        fits("GrantId", &request.grant_id) && fits("GranteePrincipal", &request.grantee_principal)
    });
    let name = |grant: &Value| grant["GrantId"].as_str().unwrap_or_default().to_owned();
    page((request.marker, request.limit), all, name, |all| json!({ "Grants": all }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    key_id: String,
    grant_id: String,
}

pub(super) fn revoke(call: &mut Call<'_>, request: Named) -> Answer {
    let (key, found) = named(call, &request.key_id, false)?;
    let mut all = held(found);
    let place = all.iter().position(|grant| grant["GrantId"] == request.grant_id);
    let missing = || no_such(format!("Grant ID {} not found", request.grant_id));
    all.remove(place.ok_or_else(missing)?);
    call.world.edit(&key, |key| key.hide("grants", all));
    Ok(Value::Null)
}
