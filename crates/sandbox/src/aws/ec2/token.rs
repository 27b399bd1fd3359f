//! Client tokens: a request that comes twice is done once.
use super::super::{Answer, Call, Input, Refusal};
use super::{
    Noun, Work, endpoint, launch_template, launch_template_version, nat_gateway, route_table,
    volume,
};
use crate::behaviour::Behaviour;
use crate::clock::Time;
use serde_json::{Value, json};

pub(super) const AGAIN: Behaviour = Behaviour {
    service: "ec2",
    what: "a request under a client token that was used is answered with what the first made, as it \
        is by then, or refused as IdempotentParameterMismatch when it asks for something else",
    seconds: 0,
    source: "Amazon EC2 Developer Guide, Ensuring idempotency in Amazon EC2 API requests",
};

pub(super) const DELETED: Behaviour = Behaviour {
    service: "ec2",
    what: "a client token is remembered for 24 hours, also after what it made was deleted; a request \
        under it then makes nothing again, and is refused as one for what there is not",
    seconds: 0,
    source: "assumption",
};

/// How long a token is remembered.
const MEMORY: Time = 24 * 60 * 60 * 1000;

/// An operation that takes a token.
struct Taking {
    operation: &'static str,
    /// What it makes or changes.
    noun: &'static Noun,
    /// The member of its answer that holds that; empty when the answer is that.
    member: &'static str,
    /// Whether it tells the token again.
    is_telling: bool,
}

const fn taking(operation: &'static str, noun: &'static Noun, member: &'static str) -> Taking {
    Taking { operation, noun, member, is_telling: false }
}

const fn telling(operation: &'static str, noun: &'static Noun, member: &'static str) -> Taking {
    Taking { operation, noun, member, is_telling: true }
}

const TAKING: &[Taking] = &[
    taking("CreateLaunchTemplate", &launch_template::TEMPLATE, "launchTemplate"),
    taking("CreateLaunchTemplateVersion", &launch_template::TEMPLATE, "launchTemplateVersion"),
    telling("CreateNatGateway", &nat_gateway::NAT, "natGateway"),
    telling("CreateRouteTable", &route_table::TABLE, "routeTable"),
    taking("CreateVolume", &volume::VOLUME, ""),
    telling("CreateVpcEndpoint", &endpoint::ENDPOINT, "vpcEndpoint"),
    taking("ModifyLaunchTemplate", &launch_template::TEMPLATE, "launchTemplate"),
];

impl Taking {
    /// Returns what names the thing that was made: its id, and the number of a version.
    fn made(&self, answer: &Value) -> Value {
        let shown = if self.member.is_empty() { answer } else { &answer[self.member] };
        json!({ "id": shown[self.noun.id], "version": shown["versionNumber"] })
    }

    /// Answers with what was made, as it is now.
    fn again(&self, call: &Call<'_>, made: &Value) -> Answer {
        let object = self.noun.get(call, made["id"].as_str().unwrap_or_default())?;
        let shown = match &made["version"] {
            Value::Null => self.noun.show(object),
            number => launch_template_version::numbered_now(object, &number.to_string())?,
        };
        Ok(if self.member.is_empty() { shown } else { json!({ self.member: shown }) })
    }
}

/// Does an operation, unless it was done before under the same token.
///
/// # Errors
/// What the operation refuses, and another request under the same token.
pub(super) fn once(call: &mut Call<'_>, mut input: Input, work: Work) -> Answer {
    let operation = call.operation;
    let taking = TAKING.iter().find(|taking| taking.operation == operation);
    let token = match &mut input {
        Input::Form(form) if taking.is_some() => form.take("ClientToken"),
        _ => None,
    };
    let (Some(taking), Some(token)) = (taking, token) else { return work(call, &input) };
    let asked = input.digest();
    let note = format!("ec2 {} {} {operation} {token}", call.caller.account, call.region);
    let is_fresh = |noted: &&Value| {
        noted["at"].as_u64().is_some_and(|at| call.world.now.saturating_sub(at) < MEMORY)
    };
    let mut answer = match call.world.noted(&note).filter(is_fresh) {
        Some(before) if before["asked"] != asked => {
            let message = "The client token was used before with other parameters.";
            return Err(Refusal::new("IdempotentParameterMismatch", message));
        }
        Some(before) => taking.again(call, &before["made"])?,
        None => {
            let answer = work(call, &input)?;
            let (at, made) = (call.world.now, taking.made(&answer));
            call.world.note(note, json!({ "asked": asked, "made": made, "at": at }));
            answer
        }
    };
    if taking.is_telling {
        answer["clientToken"] = token.into();
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::super::super::{ec2, testing, turn};
    use super::*;
    use crate::world::World;

    fn ask(world: &mut World, operation: &str, form: &str) -> Answer {
        testing::call(world, operation, None, |call| ec2::run(call, &testing::form(form)))
    }

    fn wait(world: &mut World, time: Time) {
        let until = world.now + time;
        world.advance(until, turn);
    }

    #[test]
    fn what_was_made_is_told_as_it_is() {
        let mut world = World::new(3, 1_795_000_000_000);
        let form = "AvailabilityZone=us-east-1a&Size=1&ClientToken=once";
        let made = ask(&mut world, "CreateVolume", form).unwrap();
        assert_eq!(made["status"], "creating");
        wait(&mut world, 60_000);
        let again = ask(&mut world, "CreateVolume", form).unwrap();
        assert_eq!(
            (&again["volumeId"], &again["status"]),
            (&made["volumeId"], &"available".into())
        );
        let other = ask(&mut world, "CreateVolume", &form.replace("Size=1", "Size=2"));
        assert_eq!(other.unwrap_err().code, "IdempotentParameterMismatch");
        wait(&mut world, MEMORY);
        let new = ask(&mut world, "CreateVolume", form).unwrap();
        assert_ne!(new["volumeId"], made["volumeId"]);
    }

    #[test]
    fn a_token_makes_nothing_again_of_what_has_gone() {
        let mut world = World::new(3, 1_795_000_000_000);
        let form = "AvailabilityZone=us-east-1a&Size=1&ClientToken=once";
        let made = ask(&mut world, "CreateVolume", form).unwrap();
        wait(&mut world, 60_000);
        let id = made["volumeId"].as_str().unwrap();
        ask(&mut world, "DeleteVolume", &format!("VolumeId={id}")).unwrap();
        wait(&mut world, 60_000);
        let again = ask(&mut world, "CreateVolume", form).unwrap_err();
        assert_eq!(again.code, "InvalidVolume.NotFound");
    }

    #[test]
    fn a_version_is_told_with_its_number() {
        let mut world = World::new(3, 1_795_000_000_000);
        let template = "LaunchTemplateName=own&LaunchTemplateData.InstanceType=m5.large";
        let first = ask(&mut world, "CreateLaunchTemplate", template).unwrap();
        let id = first["launchTemplate"]["launchTemplateId"].as_str().unwrap();
        let version = format!(
            "LaunchTemplateId={id}&LaunchTemplateData.InstanceType=m5.xlarge&ClientToken=once"
        );
        let made = ask(&mut world, "CreateLaunchTemplateVersion", &version).unwrap();
        let again = ask(&mut world, "CreateLaunchTemplateVersion", &version).unwrap();
        assert_eq!(again["launchTemplateVersion"]["versionNumber"], 2);
        assert_eq!(made, again);
    }
}
