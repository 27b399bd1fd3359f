//! AWS STS: who the caller is.
use super::signature::Signature;
use super::{Answer, Call, Caller, Input, Refusal};
use crate::server::Request;
use crate::world::World;
use serde::Deserialize;
use serde_json::json;

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    match call.operation {
        "GetCallerIdentity" => call.run(input, identity),
        _ => call.unsupported(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn identity(call: &mut Call<'_>, _: Nothing) -> Answer {
    let Caller { account, arn, id } = &call.caller;
    Ok(json!({ "Arn": arn, "UserId": id, "Account": account }))
}

/// Finds out who holds the credentials of a session.
///
/// # Errors
/// When there is no such session.
pub(crate) fn session(_: &World, _: &Signature, _: &Request) -> Result<Caller, Refusal> {
    let message = "The security token included in the request is invalid.";
    Err(Refusal::new("InvalidClientTokenId", message).status(403))
}
