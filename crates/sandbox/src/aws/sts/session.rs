//! Sessions: credentials that end.
use super::super::signature::Signature;
use super::super::{Call, Caller, Refusal, iam, partition};
use crate::clock::{Time, iso};
use crate::server::Request;
use crate::world::{Key, Object, World};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const KIND: &str = "sts.session";

/// How long a session is told from one that never was after it has ended.
const REMEMBERED: Time = 24 * 60 * 60 * 1000;

/// How long clients may rely on a session, in real time, when requests alone move time and nobody
/// knows when it ends: so short that those that refresh their sessions ask again every time.
const UNTOLD: u64 = 5_000;

/// Returns what a caller hears whose credentials are nobody's here.
pub(crate) fn unknown() -> Refusal {
    let message = "The security token included in the request is invalid.";
    Refusal::new("InvalidClientTokenId", message).status(403)
}

/// Returns what a caller hears whose credentials have ended.
pub(crate) fn expired() -> Refusal {
    let message = "The security token included in the request is expired";
    Refusal::new("ExpiredToken", message).status(403)
}

/// Finds out who holds the credentials of a session.
///
/// # Errors
/// When there is no such session, or it has ended.
pub(crate) fn session(
    world: &World,
    signature: &Signature,
    request: &Request,
) -> Result<Caller, Refusal> {
    let session = world.get(&Key::new(KIND, &signature.key)).ok_or_else(unknown)?;
    let is_theirs = signature.token.as_deref() == Some(session.secret("token"));
    let here = format!("arn:{}:", partition(&signature.region));
    if !is_theirs || !session.text("arn").starts_with(&here) {
        return Err(unknown());
    }
    signature.check(request, session.secret("secret"))?;
    let time = |field| session.hidden.get(field).and_then(Value::as_u64).unwrap_or_default();
    if world.now >= time("ends") && told(0) >= time("relied on") {
        return Err(expired());
    }
    let role = Some(session.text("role").to_owned()).filter(|role| !role.is_empty());
    let of = |field: &str| session.text(field).to_owned();
    let account = session.account.clone();
    Ok(Caller { account, arn: of("arn"), id: of("id"), role, is_session: true })
}

/// Begins a session of a caller, and returns its credentials.
pub(super) fn begin(call: &mut Call<'_>, caller: &Caller, seconds: i64) -> Value {
    let key = iam::entity::id(call.world, "ASIA", 16);
    let (secret, token) = (call.world.digits(40), call.world.digits(200));
    let length = seconds as Time * 1000;
    let ends = call.world.now + length;
    let mut session = Object { made: call.world.now, ..Object::default() };
    session.account.clone_from(&caller.account);
    session.set("arn", caller.arn.as_str());
    session.set("id", caller.id.as_str());
    session.set("role", caller.role.as_deref().unwrap_or_default());
    session.hide("secret", secret.as_str());
    session.hide("token", token.as_str());
    session.hide("ends", ends);
    let real = call.speed.real(length);
    if real.is_none() {
        session.hide("relied on", told(UNTOLD));
    }
    session.later(ends + REMEMBERED, "gone");
    call.world.put(Key::new(KIND, &key), session);
    json!({
        "AccessKeyId": key,
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": iso(told(real.unwrap_or(UNTOLD))),
    })
}

/// Returns the time so far from now on the clock of clients, which is not the simulated one: they
/// compare it with theirs, and it must be that time there when the session ends.
fn told(real: u64) -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_millis() as Time + real
}
