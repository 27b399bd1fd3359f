//! Client tokens: a request that comes twice is done once.
use super::super::{Answer, Call, Input, Refusal};
use super::Work;
use crate::behaviour::Behaviour;
use serde_json::json;

pub(super) const AGAIN: Behaviour = Behaviour {
    service: "ec2",
    what: "a request under a client token that was used is answered as the first was, or refused \
        as IdempotentParameterMismatch when it asks for something else",
    seconds: 0,
    source: "Amazon EC2 Developer Guide, Ensuring idempotency in Amazon EC2 API requests",
};

pub(super) const DELETED: Behaviour = Behaviour {
    service: "ec2",
    what: "a client token is remembered after what it made was deleted, and makes nothing again",
    seconds: 0,
    source: "assumption",
};

/// The operations that take a token.
const TAKING: &[&str] = &[
    "CreateLaunchTemplate",
    "CreateLaunchTemplateVersion",
    "CreateNatGateway",
    "CreateRouteTable",
    "CreateVolume",
    "CreateVpcEndpoint",
    "ModifyLaunchTemplate",
];

/// Those that tell it again.
const TELLING: &[&str] = &["CreateNatGateway", "CreateRouteTable", "CreateVpcEndpoint"];

/// Does an operation, unless it was done before under the same token.
///
/// # Errors
/// What the operation refuses, and another request under the same token.
pub(super) fn once(call: &mut Call<'_>, mut input: Input, work: Work) -> Answer {
    let operation = call.operation;
    let token = match &mut input {
        Input::Form(form) if TAKING.contains(&operation) => form.take("ClientToken"),
        _ => None,
    };
    let Some(token) = token else { return work(call, &input) };
    let asked = format!("{input:?}");
    let note = format!("ec2 {} {} {operation} {token}", call.caller.account, call.region);
    if let Some(before) = call.world.noted(&note) {
        return match before["asked"] == asked {
            true => Ok(before["answer"].clone()),
            false => {
                let message = "The client token was used before with other parameters.";
                Err(Refusal::new("IdempotentParameterMismatch", message))
            }
        };
    }
    let mut answer = work(call, &input)?;
    if TELLING.contains(&operation) {
        answer["clientToken"] = token.into();
    }
    call.world.note(note, json!({ "asked": asked, "answer": answer }));
    Ok(answer)
}
