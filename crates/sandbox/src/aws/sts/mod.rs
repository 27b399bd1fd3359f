//! AWS STS: who the caller is, and credentials that end.
mod assume;
mod session;

pub(crate) use session::{expired, session, unknown};

use super::constraint::Constraint;
use super::{Answer, Call, Caller, Input};
use crate::behaviour::Behaviour;
use serde::Deserialize;
use serde_json::json;

/// How STS calls a member that breaks its constraint.
const RULE: Constraint = Constraint("ValidationError");

const UNCHECKED: Behaviour = Behaviour {
    service: "sts",
    what: "no policy is asked what a caller may do; trust policies alone are",
    seconds: 0,
    source: "assumption",
};

const PRESIGNED: Behaviour = Behaviour {
    service: "sts",
    what: "a presigned GetCallerIdentity is good for 15 minutes, whatever its X-Amz-Expires",
    seconds: 0,
    source: "aws-iam-authenticator, API authorization from outside a cluster",
};

const ENDED: Behaviour = Behaviour {
    service: "sts",
    what: "credentials that have ended are told from those that never were for a day",
    seconds: 0,
    source: "assumption",
};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[UNCHECKED, PRESIGNED, ENDED];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, input: &Input) -> Answer {
    let answer = match call.operation {
        "GetCallerIdentity" => call.run(input, identity),
        "AssumeRole" => call.run(input, assume::assume),
        "GetSessionToken" => call.run(input, assume::token),
        _ => call.unsupported(),
    };
    answer.map_err(|refusal| refusal.unreadable(RULE.0))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn identity(call: &mut Call<'_>, _: Nothing) -> Answer {
    let Caller { account, arn, id, .. } = &call.caller;
    Ok(json!({ "Arn": arn, "UserId": id, "Account": account }))
}
