//! Elastic Load Balancing as it was first: load balancers that are called by their names.
//!
//! It shares its address with the API after it; the version of a request tells them apart.
pub(crate) mod balancer;
mod tags;

use super::constraint::Constraint;
use super::{Answer, Call, Input, Page, Refusal};
use crate::behaviour::Behaviour;

/// How the service calls a member that breaks its constraint.
const RULE: Constraint = Constraint("ValidationError");

/// The most that a page has.
const LONGEST: i64 = 400;

const GONE: Behaviour = Behaviour {
    service: "elasticloadbalancing",
    what: "deleting a classic load balancer that there is not succeeds",
    seconds: 0,
    source: "Elastic Load Balancing API Reference 2012-06-01, DeleteLoadBalancer",
};

const LIMIT: Behaviour = Behaviour {
    service: "elasticloadbalancing",
    what: "an account has at most 20 classic load balancers in a region, with at most 10 tags each",
    seconds: 0,
    source: "Elastic Load Balancing, User Guide for Classic Load Balancers, quotas and tags",
};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[balancer::REMOVED, GONE, LIMIT];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    let answer = match call.operation {
        "CreateLoadBalancer" => call.run(input, balancer::create),
        "DescribeLoadBalancers" => call.run(input, balancer::describe),
        "DeleteLoadBalancer" => call.run(input, balancer::delete),
        "DescribeTags" => call.run(input, tags::describe),
        "AddTags" => call.run(input, tags::add),
        "RemoveTags" => call.run(input, tags::remove),
        _ => call.unsupported(),
    };
    answer.map_err(|refusal| refusal.unreadable(RULE.0))
}

/// Refuses a request by the rules of the service.
fn wrong(message: impl Into<String>) -> Refusal {
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
    use crate::world::World;

    #[test]
    fn requests_are_held_to_the_rules() {
        let mut world = World::new(3, 0);
        let mut code = |operation: &str, text: &str| {
            let answer = call(&mut world, operation, None, |call| run(call, &form(text)));
            answer.err().map(|refusal| refusal.code)
        };
        assert_eq!(code("DescribeLoadBalancers", "PageSize=400"), None);
        assert_eq!(code("DescribeLoadBalancers", "PageSize=0").as_deref(), Some("ValidationError"));
        assert_eq!(code("DeleteLoadBalancer", "LoadBalancerName=web"), None);
        let listener = "Listeners.member.1.Protocol=TCP&Listeners.member.1.LoadBalancerPort=80\
                        &Listeners.member.1.InstancePort=80";
        let nowhere = format!("LoadBalancerName=web&{listener}&Subnets.member.1=subnet-1");
        let named = format!("LoadBalancerName=-web&{listener}&Subnets.member.1=subnet-1");
        assert_eq!(code("CreateLoadBalancer", &nowhere).as_deref(), Some("SubnetNotFound"));
        assert_eq!(code("CreateLoadBalancer", &named).as_deref(), Some("ValidationError"));
        let odd = nowhere.replace("TCP", "UDP");
        assert_eq!(code("CreateLoadBalancer", &odd).as_deref(), Some("ValidationError"));
        let missing = code("DescribeTags", "LoadBalancerNames.member.1=web");
        assert_eq!(missing.as_deref(), Some("LoadBalancerNotFound"));
    }
}
