//! Amazon EC2 Auto Scaling: the groups that node groups make.
mod change;
mod describe;
pub(crate) mod group;
mod tags;

use super::ec2::living::Place;
use super::{Answer, Call, Input, Refusal, unknown_turn};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};

pub(crate) const BEHAVIOURS: &[Behaviour] =
    &[group::SETTLED, group::RETRIED, group::VCPUS, group::SPOT, group::ACTIVITIES];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    let answer = match call.operation {
        "DescribeAutoScalingGroups" => call.run(input, describe::groups),
        "DescribeAutoScalingInstances" => call.run(input, describe::all_instances),
        "DescribeScalingActivities" => call.run(input, describe::activities),
        "DescribeTags" => call.run(input, tags::describe),
        "CreateOrUpdateTags" => call.run(input, tags::create_or_update),
        "DeleteTags" => call.run(input, tags::delete),
        "SetDesiredCapacity" => call.run(input, change::set_desired),
        "UpdateAutoScalingGroup" => call.run(input, change::update),
        "TerminateInstanceInAutoScalingGroup" => call.run(input, change::terminate),
        _ => call.unsupported(),
    };
    answer.map_err(|refusal| refusal.unreadable("ValidationError"))
}

/// Does what a group was to do by itself.
pub(crate) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        "settle" => group::settle(world, key),
        _ => unknown_turn(key, word),
    }
}

/// Refuses a request by the rules of the service.
fn wrong(message: &str) -> Refusal {
    Refusal::new("ValidationError", message)
}

/// Returns a group by its name.
fn get(call: &Call<'_>, name: &str) -> Result<Key, Refusal> {
    let place = Place { account: call.caller.account.clone(), region: call.region.clone() };
    let unknown = || wrong(&format!("AutoScalingGroup name not found - {name}"));
    group::named(call.world, &place, name).ok_or_else(unknown)
}
