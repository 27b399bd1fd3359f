//! Identity providers that speak OpenID Connect, as every cluster is one.
use super::super::{Answer, Call, Refusal};
use super::entity::{self, RULE, Tag};
use crate::clock::iso;
use crate::world::{Key, Object};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const KIND: &str = "iam.oidc_provider";

/// The most that an account may have.
const MOST: usize = 100;

/// The most audiences of a provider.
const AUDIENCES: usize = 100;

/// The most thumbprints of a provider.
const THUMBPRINTS: usize = 5;

fn missing(arn: &str) -> Refusal {
    entity::no_such(format!("OpenIDConnect Provider not found for arn {arn}"))
}

fn key(arn: &str) -> Result<Key, Refusal> {
    RULE.length("openIDConnectProviderArn", arn, 20..=2048)?;
    match arn.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", _, "iam", "", _, rest] if rest.starts_with("oidc-provider/") => {
            Ok(Key::new(KIND, arn))
        }
        _ => Err(Refusal::new("InvalidInput", format!("ARN {arn} is not valid."))),
    }
}

fn get(call: &Call<'_>, arn: &str) -> Result<Key, Refusal> {
    let key = key(arn)?;
    call.find(&key).and(call.get(&key)).map(|_| key).ok_or_else(|| missing(arn))
}

fn thumbprints(list: &[String]) -> Result<(), Refusal> {
    for print in list {
        RULE.length("thumbprintList", print, 40..=40)?;
        if !print.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = "Thumbprint must be a hexadecimal SHA-1 hash.";
            return Err(Refusal::new("InvalidInput", message));
        }
    }
    match list.len() > THUMBPRINTS {
        true => {
            Err(Refusal::new("InvalidInput", "Thumbprint list must contain fewer than 5 entries."))
        }
        false => Ok(()),
    }
}

fn audiences(list: &[String]) -> Result<(), Refusal> {
    for audience in list {
        RULE.length("clientIDList", audience, 1..=255)?;
    }
    match list.len() > AUDIENCES {
        true => Err(entity::limit("ClientIdsPerOpenIdConnectProvider", AUDIENCES)),
        false => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    #[serde(rename = "Url")]
    url: String,
    #[serde(rename = "ClientIDList", default)]
    audiences: Vec<String>,
    #[serde(rename = "ThumbprintList", default)]
    thumbprints: Vec<String>,
    #[serde(rename = "Tags", default)]
    tags: Vec<Tag>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    RULE.length("url", &request.url, 1..=255)?;
    let host = request.url.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || host.contains(['?', '#', ' ']) {
        return Err(Refusal::new(RULE.0, "Invalid Open ID Connect Provider URL"));
    }
    audiences(&request.audiences)?;
    thumbprints(&request.thumbprints)?;
    let mut tags = BTreeMap::new();
    entity::put_tags(&mut tags, &request.tags)?;
    let host = host.trim_end_matches('/');
    let arn = entity::arn(call, &format!("oidc-provider/{host}"));
    let key = Key::new(KIND, &arn);
    if call.get(&key).is_some() {
        let message = format!("Provider with url https://{host} already exists.");
        return Err(entity::exists(message));
    }
    if call.there(KIND).len() >= MOST {
        return Err(entity::limit("OpenIdConnectProvidersPerAccount", MOST));
    }
    let body = json!({
        "Url": host,
        "ClientIDList": request.audiences,
        "ThumbprintList": request.thumbprints,
        "CreateDate": iso(call.world.now),
    });
    let provider = entity::object(call, body, tags);
    let tags = entity::tag_list(&provider.tags);
    call.world.put(key, provider);
    Ok(json!({ "OpenIDConnectProviderArn": arn, "Tags": tags }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
}

pub(super) fn describe(call: &mut Call<'_>, request: Named) -> Answer {
    let found = call.find(&key(&request.arn)?).ok_or_else(|| missing(&request.arn))?;
    let mut shown = json!(found.body);
    shown["Tags"] = json!(entity::tag_list(&found.tags));
    Ok(shown)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(super) fn list(call: &mut Call<'_>, _: Nothing) -> Answer {
    let own = entity::arn(call, "");
    let all = call.seen(KIND).into_iter().map(|(key, _)| &key.id);
    let all: Vec<Value> =
        all.filter(|arn| arn.starts_with(&own)).map(|arn| json!({ "Arn": arn })).collect();
    Ok(json!({ "OpenIDConnectProviderList": all }))
}

/// Deletes a provider. One that there is not is gone already, as the API reference says.
pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = key(&request.arn)?;
    if call.get(&key).is_some() {
        call.world.remove(&key);
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddTags {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "Tags")]
    tags: Vec<Tag>,
}

pub(super) fn tag(call: &mut Call<'_>, request: AddTags) -> Answer {
    let key = get(call, &request.arn)?;
    let mut tags = call.get(&key).map(|found| found.tags.clone()).unwrap_or_default();
    entity::put_tags(&mut tags, &request.tags)?;
    call.world.edit(&key, |provider| provider.tags = tags);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TakeTags {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "TagKeys")]
    keys: Vec<String>,
}

pub(super) fn untag(call: &mut Call<'_>, request: TakeTags) -> Answer {
    let key = get(call, &request.arn)?;
    call.world.edit(&key, |provider| entity::take_tags(provider, &request.keys));
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListTags {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "Marker")]
    marker: Option<String>,
    #[serde(rename = "MaxItems")]
    max_items: Option<i64>,
}

pub(super) fn tags(call: &mut Call<'_>, request: ListTags) -> Answer {
    let found = call.find(&key(&request.arn)?).ok_or_else(|| missing(&request.arn))?;
    let name = |tag: &Value| tag["Key"].as_str().unwrap_or_default().to_owned();
    let tags = entity::tag_list(&found.tags);
    entity::page((request.marker, request.max_items), tags, name, |tags| json!({ "Tags": tags }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Audience {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "ClientID")]
    audience: String,
}

fn held(provider: &Object) -> Vec<String> {
    let held = provider.body.get("ClientIDList").and_then(Value::as_array);
    held.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn add_audience(call: &mut Call<'_>, request: Audience) -> Answer {
    let key = get(call, &request.arn)?;
    let mut all = call.get(&key).map(held).unwrap_or_default();
    if !all.contains(&request.audience) {
        all.push(request.audience);
    }
    audiences(&all)?;
    call.world.edit(&key, |provider| provider.set("ClientIDList", all));
    Ok(Value::Null)
}

pub(super) fn remove_audience(call: &mut Call<'_>, request: Audience) -> Answer {
    let key = get(call, &request.arn)?;
    let mut all = call.get(&key).map(held).unwrap_or_default();
    all.retain(|audience| *audience != request.audience);
    call.world.edit(&key, |provider| provider.set("ClientIDList", all));
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thumbprints {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "ThumbprintList")]
    thumbprints: Vec<String>,
}

pub(super) fn set_thumbprints(call: &mut Call<'_>, request: Thumbprints) -> Answer {
    thumbprints(&request.thumbprints)?;
    let key = get(call, &request.arn)?;
    call.world.edit(&key, |provider| provider.set("ThumbprintList", request.thumbprints));
    Ok(Value::Null)
}
