//! Taking a role on.
use super::super::iam::entity::{Tag, WORD};
use super::super::iam::trust::{Ask, Asker, allows};
use super::super::{Answer, Call, Caller, Refusal, iam};
use super::{RULE, session};
use crate::world::{Key, Object};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The longest session of a role that was taken on by another.
const CHAINED: i64 = 3600;

/// The most characters of tags that a session may have.
const PACKED: usize = 2048;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Assume {
    role_arn: String,
    role_session_name: String,
    duration_seconds: Option<i64>,
    external_id: Option<String>,
    source_identity: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn assume(call: &mut Call<'_>, request: Assume) -> Answer {
    check(&request)?;
    let Assume { role_arn: arn, role_session_name: name, .. } = &request;
    let account = account(arn)?;
    if call.open {
        iam::invent(call, account, arn);
    }
    let trust =
        iam::trust_policy(call.world, arn).ok_or_else(|| denied(call, "AssumeRole", arn))?;
    let context = context(call, &request);
    let theirs: Vec<String> = call.caller.role.iter().chain([&call.caller.arn]).cloned().collect();
    let tags = (!request.tags.is_empty()).then_some("TagSession");
    let identity = request.source_identity.as_ref().map(|_| "SetSourceIdentity");
    for action in ["AssumeRole"].into_iter().chain(tags).chain(identity) {
        let asker = Asker::Somebody { account: &call.caller.account, arns: &theirs };
        let wanted = format!("sts:{action}");
        if !allows(trust, &Ask { asker, action: &wanted, context: context.clone() })? {
            return Err(denied(call, action, arn));
        }
    }
    let missing = || denied(call, "AssumeRole", arn);
    let role = call.world.get(&Key::new("iam.role", arn)).ok_or_else(missing)?;
    let seconds = seconds(call, role, request.duration_seconds)?;
    let (partition, role_name) = (arn.split(':').nth(1).unwrap_or_default(), role.text("RoleName"));
    let caller = Caller {
        account: account.to_owned(),
        arn: format!("arn:{partition}:sts::{account}:assumed-role/{role_name}/{name}"),
        id: format!("{}:{name}", role.text("RoleId")),
        role: Some(arn.clone()),
        is_session: true,
    };
    let credentials = session::begin(call, &caller, seconds);
    let packed: usize = request.tags.iter().map(|tag| tag.key.len() + tag.value.len()).sum();
    Ok(json!({
        "Credentials": credentials,
        "AssumedRoleUser": { "AssumedRoleId": caller.id, "Arn": caller.arn },
        "PackedPolicySize": (packed > 0).then_some((packed * 100).div_ceil(PACKED)),
        "SourceIdentity": request.source_identity,
    }))
}

fn check(request: &Assume) -> Result<(), Refusal> {
    RULE.length("roleArn", &request.role_arn, 20..=2048)?;
    RULE.length("roleSessionName", &request.role_session_name, 2..=64)?;
    RULE.letters("roleSessionName", &request.role_session_name, WORD)?;
    if let Some(seconds) = request.duration_seconds {
        RULE.number("durationSeconds", seconds, 900..=43_200)?;
    }
    if let Some(external) = &request.external_id {
        RULE.length("externalId", external, 2..=1224)?;
        RULE.letters(
            "externalId",
            external,
            (r"[\w+=,.@:\/-]*", |letter| {
                letter.is_ascii_alphanumeric() || "_+=,.@:/-".contains(letter)
            }),
        )?;
    }
    if let Some(identity) = &request.source_identity {
        RULE.length("sourceIdentity", identity, 2..=64)?;
        RULE.letters("sourceIdentity", identity, WORD)?;
    }
    let packed: usize = request.tags.iter().map(|tag| tag.key.len() + tag.value.len()).sum();
    match request.tags.len() > 50 || packed > PACKED {
        true => {
            let message = "Packed size of session tags consumes more than 100% of allotted space.";
            Err(Refusal::new("PackedPolicyTooLarge", message))
        }
        false => Ok(()),
    }
}

/// Returns the account of a role's ARN.
fn account(arn: &str) -> Result<&str, Refusal> {
    match arn.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", _, "iam", "", account, rest] if rest.starts_with("role/") => Ok(account),
        _ => Err(Refusal::new(RULE.0, format!("{arn} is invalid"))),
    }
}

/// Returns what conditions of a trust policy may ask for.
fn context(call: &Call<'_>, request: &Assume) -> BTreeMap<String, String> {
    let Caller { account, arn, id, role, .. } = &call.caller;
    let given = |name: &str, value: &Option<String>| Some((name.to_owned(), value.clone()?));
    let mut context = BTreeMap::from([
        ("aws:principalaccount".to_owned(), account.clone()),
        ("aws:principalarn".to_owned(), role.as_ref().unwrap_or(arn).clone()),
        ("aws:userid".to_owned(), id.clone()),
        ("sts:rolesessionname".to_owned(), request.role_session_name.clone()),
    ]);
    context.extend(given("sts:externalid", &request.external_id));
    context.extend(given("sts:sourceidentity", &request.source_identity));
    let tags = request.tags.iter();
    context.extend(tags.map(|tag| {
        (format!("aws:requesttag/{}", tag.key.to_ascii_lowercase()), tag.value.clone())
    }));
    context
}

fn seconds(call: &Call<'_>, role: &Object, asked: Option<i64>) -> Result<i64, Refusal> {
    let longest = role.body.get("MaxSessionDuration").and_then(Value::as_i64).unwrap_or(3600);
    let seconds = asked.unwrap_or(3600);
    let message = if seconds > longest {
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    } else if call.caller.role.is_some() && seconds > CHAINED {
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
         chaining."
    } else {
        return Ok(seconds);
    };
    Err(Refusal::new(RULE.0, message))
}

fn denied(call: &Call<'_>, action: &str, arn: &str) -> Refusal {
    let message = format!(
        "User: {} is not authorized to perform: sts:{action} on resource: {arn}",
        call.caller.arn
    );
    Refusal::new("AccessDenied", message).status(403)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Token {
    duration_seconds: Option<i64>,
}

pub(super) fn token(call: &mut Call<'_>, request: Token) -> Answer {
    let seconds = request.duration_seconds.unwrap_or(43_200);
    RULE.number("durationSeconds", seconds, 900..=129_600)?;
    if call.caller.is_session {
        let message = "Cannot call GetSessionToken with session credentials";
        return Err(Refusal::new("AccessDenied", message).status(403));
    }
    let caller = call.caller.clone();
    Ok(json!({ "Credentials": session::begin(call, &caller, seconds) }))
}
