//! Amazon CloudWatch Logs: groups of logs.
mod group;
mod tags;

pub(crate) use group::ensure;

use super::constraint::Constraint;
use super::{Answer, Call, Input};
use crate::behaviour::Behaviour;

/// How CloudWatch Logs calls a member that breaks its constraint.
const RULE: Constraint = Constraint("InvalidParameterException");

const AT_ONCE: Behaviour = Behaviour {
    service: "logs",
    what: "a log group is made, changed and deleted at once",
    seconds: 0,
    source: "assumption",
};

const ENSURED: Behaviour = Behaviour {
    service: "logs",
    what: "a service that writes into a log group makes it if there is none, without tags and \
        retention",
    seconds: 0,
    source: "Amazon EKS User Guide, Send control plane logs to CloudWatch Logs",
};

const LIMIT: Behaviour = Behaviour {
    service: "logs",
    what: "a log group has at most 50 tags",
    seconds: 0,
    source: "Amazon CloudWatch Logs API Reference, TagResource",
};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[AT_ONCE, ENSURED, LIMIT];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    let answer = match call.operation {
        "CreateLogGroup" => call.run(input, group::create),
        "DescribeLogGroups" => call.run(input, group::list),
        "DeleteLogGroup" => call.run(input, group::delete),
        "PutRetentionPolicy" => call.run(input, group::put_retention),
        "DeleteRetentionPolicy" => call.run(input, group::delete_retention),
        "PutLogGroupDeletionProtection" => call.run(input, group::protect),
        "TagResource" => call.run(input, tags::tag),
        "UntagResource" => call.run(input, tags::untag),
        "ListTagsForResource" => call.run(input, tags::list),
        "TagLogGroup" => call.run(input, tags::tag_named),
        "UntagLogGroup" => call.run(input, tags::untag_named),
        "ListTagsLogGroup" => call.run(input, tags::list_named),
        _ => call.unsupported(),
    };
    answer.map_err(|refusal| refusal.unreadable(RULE.0))
}
