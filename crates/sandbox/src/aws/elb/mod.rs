//! Elastic Load Balancing: what services of a cluster make.
pub(crate) mod balancer;
mod tags;
mod target_group;

use super::constraint::Constraint;
use super::{Answer, Call, Input, Page, Refusal, unknown_turn};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};

/// How Elastic Load Balancing calls a member that breaks its constraint.
const RULE: Constraint = Constraint("ValidationError");

/// The most that a page has.
const LONGEST: i64 = 400;

const GONE: Behaviour = Behaviour {
    service: "elasticloadbalancing",
    what: "deleting a load balancer or target group that there is not succeeds",
    seconds: 0,
    source: "Elastic Load Balancing API Reference, DeleteLoadBalancer",
};

const LIMIT: Behaviour = Behaviour {
    service: "elasticloadbalancing",
    what: "a load balancer, listener or target group has at most 50 tags",
    seconds: 0,
    source: "assumption",
};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[balancer::ACTIVE, balancer::REMOVED, GONE, LIMIT];

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
    answer.map_err(|refusal| refusal.unreadable(RULE.0))
}

/// Does what a load balancer was to do by itself.
pub(crate) fn turn(world: &mut World, key: &Key, word: &str) {
    match word {
        "active" => balancer::turn(world, key),
        _ => unknown_turn(key, word),
    }
}

/// Refuses a request by the rules of the service.
fn wrong(message: &str) -> Refusal {
    Refusal::new(RULE.0, message)
}

/// Reads which page of a listing is asked for.
fn page(size: Option<i64>, token: Option<String>) -> Result<Page, Refusal> {
    let size = size.unwrap_or(LONGEST);
    RULE.number("pageSize", size, 1..=LONGEST)?;
    Ok(Page { size: Some(size as usize), token })
}

fn no_page() -> Refusal {
    wrong("The marker is not valid.")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, form};
    use super::*;

    #[test]
    fn requests_are_held_to_the_rules() {
        let mut world = World::new(3, 0);
        let mut code = |operation: &str, text: &str| {
            let answer = call(&mut world, operation, None, |call| run(call, &form(text)));
            answer.err().map(|refusal| refusal.code)
        };
        assert_eq!(code("DescribeTargetGroups", "PageSize=400"), None);
        for wrong in ["PageSize=0", "PageSize=401"] {
            let told = code("DescribeLoadBalancers", wrong);
            assert_eq!(told.as_deref(), Some("ValidationError"), "{wrong}");
        }
        let aws = "ResourceArns.member.1=x&TagKeys.member.1=aws:x";
        assert_eq!(code("RemoveTags", aws).as_deref(), Some("ValidationError"));
    }
}
