//! Elastic Load Balancing: what services of a cluster make.
pub(crate) mod balancer;
mod tags;
mod target_group;

use super::{Answer, Call, Input, Refusal};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};
use serde_json::json;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[balancer::ACTIVE, balancer::REMOVED];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    let answer = match call.operation {
        "DescribeLoadBalancers" => call.run(input, balancer::describe),
        "DeleteLoadBalancer" => call.run(input, balancer::delete),
        "DescribeListeners" => call.run(input, balancer::listeners),
        "DeleteListener" => call.run(input, balancer::delete_listener),
        "DescribeTargetGroups" => call.run(input, target_group::describe),
        "DeleteTargetGroup" => call.run(input, target_group::delete),
        "DescribeTags" => call.run(input, tags::describe),
        "AddTags" => call.run(input, tags::add),
        "RemoveTags" => call.run(input, tags::remove),
        _ => call.unsupported(),
    };
    answer.map_err(|refusal| refusal.unreadable("ValidationError"))
}

/// Does an operation of the API before that one, which has no load balancers here.
pub(crate) fn classic(call: &mut Call<'_>, _: &Input) -> Answer {
    match call.operation {
        "DescribeLoadBalancers" => Ok(json!({ "LoadBalancerDescriptions": [] })),
        _ => call.unsupported(),
    }
}

/// Does what a load balancer was to do by itself.
pub(crate) fn turn(world: &mut World, key: &Key, _: &str) {
    balancer::turn(world, key);
}

/// Refuses a request by the rules of the service.
fn wrong(message: &str) -> Refusal {
    Refusal::new("ValidationError", message)
}

fn no_page() -> Refusal {
    wrong("The marker is not valid.")
}
