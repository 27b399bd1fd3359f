//! Amazon EC2: networks and machines.
mod address;
mod default_vpc;
mod describe;
mod endpoint;
mod endpoint_change;
mod endpoint_service;
mod instance;
mod instance_type;
mod internet_gateway;
mod launch_template;
mod launch_template_data;
mod launch_template_version;
pub(crate) mod living;
pub(crate) mod machines;
mod nat_gateway;
mod network_interface;
mod noun;
mod permission;
mod route;
mod route_table;
mod route_table_association;
mod security_group;
mod security_group_rule;
mod subnet;
mod tags;
mod token;
mod volume;
mod vpc;
pub(crate) mod zones;

pub(crate) use describe::{Describe, Filter};
pub(crate) use noun::Noun;
pub(crate) use tags::{TagSpecification, tag_set};

use super::{Answer, Call, Input, Refusal, unknown_turn};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};
use serde_json::json;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    vpc::AVAILABLE,
    vpc::LIMIT,
    default_vpc::DEFAULT,
    subnet::AVAILABLE,
    subnet::RESERVED,
    address::LIMIT,
    internet_gateway::LIMIT,
    nat_gateway::PROVISIONED,
    nat_gateway::AVAILABLE,
    nat_gateway::DELETED,
    nat_gateway::FORGOTTEN,
    nat_gateway::LIMIT,
    route::BLACKHOLE,
    route_table_association::AGAIN,
    endpoint::AVAILABLE,
    endpoint::DELETED,
    security_group::IN_USE,
    security_group_rule::UNKNOWN,
    launch_template::LIMIT,
    launch_template_version::DEFAULT,
    instance::RUNNING,
    instance::TERMINATED,
    instance::FORGOTTEN,
    volume::AVAILABLE,
    volume::DELETED,
    tags::LIMIT,
    token::AGAIN,
    token::DELETED,
];

/// An operation, and what does it.
type Operation = (&'static str, Work);
type Work = fn(&mut Call<'_>, &Input) -> Answer;

const OPERATIONS: &[&[Operation]] = &[
    address::OPERATIONS,
    endpoint::OPERATIONS,
    endpoint_change::OPERATIONS,
    endpoint_service::OPERATIONS,
    instance::OPERATIONS,
    instance_type::OPERATIONS,
    internet_gateway::OPERATIONS,
    launch_template::OPERATIONS,
    launch_template_version::OPERATIONS,
    nat_gateway::OPERATIONS,
    network_interface::OPERATIONS,
    route::OPERATIONS,
    route_table::OPERATIONS,
    route_table_association::OPERATIONS,
    security_group::OPERATIONS,
    security_group_rule::OPERATIONS,
    subnet::OPERATIONS,
    tags::OPERATIONS,
    volume::OPERATIONS,
    vpc::OPERATIONS,
    zones::OPERATIONS,
];

/// What cannot be asked whether it would be allowed.
const NEVER_DRY: &[&str] = &["ModifySubnetAttribute", "ModifyVpcAttribute"];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    let known = OPERATIONS.iter().copied().flatten();
    let Some((_, work)) = known.into_iter().find(|(name, _)| *name == call.operation) else {
        return call.unsupported();
    };
    if zones::of(&call.region).is_none() {
        return Err(Refusal::unsupported(&format!("the region {}", call.region)));
    }
    default_vpc::ensure(call);
    let mut input = input.clone();
    if dry_run(call.operation, &mut input)? {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(Refusal::new("DryRunOperation", message).status(412));
    }
    token::once(call, input, *work)
}

/// Does what an object of EC2 was to do by itself.
pub(crate) fn turn(world: &mut World, key: &Key, word: &str) {
    match key.kind.as_str() {
        "ec2.instance" => instance::turn(world, key, word),
        "ec2.nat_gateway" => nat_gateway::turn(world, key, word),
        "ec2.network_interface" => network_interface::turn(world, key, word),
        "ec2.vpc_endpoint" => endpoint::turn(world, key, word),
        _ => unknown_turn(key, word),
    }
}

/// Takes the flag that asks only whether a call would be allowed.
fn dry_run(operation: &str, input: &mut Input) -> Result<bool, Refusal> {
    let Input::Form(form) = input else { return Ok(false) };
    match form.take("DryRun") {
        Some(_) if NEVER_DRY.contains(&operation) => {
            Err(Refusal::new("UnknownParameter", "The parameter DryRun is not recognized"))
        }
        None => Ok(false),
        Some(flag) => flag.to_ascii_lowercase().parse().map_err(|_| {
            let message = format!("Invalid value '{flag}' for DryRun; it is true or false");
            Refusal::new("InvalidParameterValue", message)
        }),
    }
}

/// What EC2 answers when it has nothing to say.
fn done() -> Answer {
    Ok(json!({ "return": true }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, form};
    use super::*;

    fn code(world: &mut World, operation: &str, text: &str) -> Option<String> {
        call(world, operation, None, |call| run(call, &form(text))).err().map(|it| it.code)
    }

    #[test]
    fn a_flag_has_any_case() {
        let mut world = World::new(3, 1_795_000_000_000);
        let mut of = |flag: &str| {
            code(&mut world, "CreateVpc", &format!("CidrBlock=10.0.0.0/16&DryRun={flag}"))
        };
        assert_eq!(of("True").as_deref(), Some("DryRunOperation"));
        assert_eq!(of("perhaps").as_deref(), Some("InvalidParameterValue"));
        assert_eq!(of("FALSE"), None);
    }

    #[test]
    fn tags_of_aws_are_not_for_others() {
        let mut world = World::new(3, 1_795_000_000_000);
        let volume = "AvailabilityZone=us-east-1a&Size=1";
        assert_eq!(code(&mut world, "CreateVolume", volume), None);
        let key = world.of("ec2.volume").map(|(key, _)| key.clone()).next().unwrap();
        world.edit(&key, |volume| volume.tags.insert("aws:eks".to_owned(), "x".to_owned()));
        let one = format!("ResourceId.1={}&Tag.1.Key=aws:eks", key.id);
        assert_eq!(code(&mut world, "DeleteTags", &one).as_deref(), Some("InvalidParameterValue"));
        let all = format!("ResourceId.1={}", key.id);
        assert_eq!(code(&mut world, "DeleteTags", &all), None);
        assert_eq!(world.get(&key).unwrap().tags.len(), 1);
    }
}
