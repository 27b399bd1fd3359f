//! Amazon EC2: networks and machines.
mod describe;
pub(crate) mod living;
mod noun;
mod tags;
mod vpc;

pub(crate) use describe::{Describe, Filter};
pub(crate) use noun::Noun;
pub(crate) use tags::{TagSpecification, tag_set};

use super::{Answer, Call, Input, Refusal};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};
use serde_json::json;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[vpc::AVAILABLE];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    let mut input = input.clone();
    if dry_run(&mut input) {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(Refusal::new("DryRunOperation", message).status(412));
    }
    let input = &input;
    match call.operation {
        "CreateTags" => call.run(input, tags::create),
        "DeleteTags" => call.run(input, tags::delete),
        "DescribeTags" => call.run(input, tags::describe),
        "CreateVpc" => call.run(input, vpc::create),
        "DescribeVpcs" => Describe::read(call, input, "VpcId")?.answer(call, &vpc::VPC),
        "DescribeVpcAttribute" => call.run(input, vpc::describe_attribute),
        "ModifyVpcAttribute" => call.run(input, vpc::modify_attribute),
        "DeleteVpc" => call.run(input, vpc::delete),
        _ => call.unsupported(),
    }
}

/// Does what an object of EC2 was to do by itself.
pub(crate) fn turn(_: &mut World, key: &Key, word: &str) {
    unreachable!("{} has no turn {word}", key.kind)
}

/// Takes the flag that asks only whether a call would be allowed.
fn dry_run(input: &mut Input) -> bool {
    match input {
        Input::Form(form) => form.take("DryRun").as_deref() == Some("true"),
        Input::Json(_) => false,
    }
}

/// What EC2 answers when it has nothing to say.
fn done() -> Answer {
    Ok(json!({ "return": true }))
}
