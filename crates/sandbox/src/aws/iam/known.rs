//! What other services know of roles. What changes in IAM takes a while to reach them.
use super::PROPAGATION;
use super::trust::{Ask, Asker, allows};
use crate::clock::Time;
use crate::world::{Key, Object, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The service whose roles must be tagged as they are taken on, as EKS's user guide says of Pod
/// Identity.
const PODS: &str = "pods.eks.amazonaws.com";

/// Why a service cannot assume a role.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unassumable {
    /// There is no such role, or the service has not heard of it yet.
    Missing,
    /// Its trust policy does not name the service, as far as that has heard.
    Untrusted,
}

/// Tells whether a service such as `eks.amazonaws.com` can assume a role, as it sees it now: what
/// is new in IAM takes a while to reach others.
///
/// # Errors
/// Why it cannot.
pub(crate) fn assumable(world: &World, arn: &str, service: &str) -> Result<(), Unassumable> {
    let trust = trust(world, arn).ok_or(Unassumable::Missing)?;
    let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
    let context = BTreeMap::from([("aws:sourceaccount".to_owned(), account)]);
    let tagged = (service == PODS).then_some("sts:TagSession");
    let allowed = ["sts:AssumeRole"].into_iter().chain(tagged).all(|action| {
        let asker = Asker::Service(service);
        allows(trust, &Ask { asker, action, context: context.clone() }).unwrap_or(false)
    });
    allowed.then_some(()).ok_or(Unassumable::Untrusted)
}

/// Returns the ARNs of the managed policies of a role, as other services see them now.
pub(crate) fn attached(world: &World, arn: &str) -> Vec<String> {
    let policies = known(world, arn).and_then(|known| known["policies"].as_array());
    let policies = policies.into_iter().flatten().filter_map(Value::as_str);
    policies.map(str::to_owned).collect()
}

/// Returns the trust policy of a role, as others see it now.
pub(crate) fn trust<'a>(world: &'a World, arn: &str) -> Option<&'a str> {
    known(world, arn)?["trust"].as_str()
}

fn known<'a>(world: &'a World, arn: &str) -> Option<&'a Value> {
    let role = world.get(&Key::new("iam.role", arn))?;
    role.hidden.get("known")?.as_array()?.iter().rev().find(|known| is_out(known, world.now))
}

fn is_out(known: &Value, now: Time) -> bool {
    known["at"].as_u64().is_some_and(|at| at <= now)
}

/// Changes a role, and lets others know of it in a while.
pub(super) fn change(world: &mut World, key: &Key, change: impl FnOnce(&mut Object)) {
    let (now, at) = (world.now, world.after(&PROPAGATION));
    world.edit(key, |role| {
        change(role);
        note(role, now, at);
    });
}

/// Lets others know at once of a role that was always there.
pub(super) fn note_at_once(role: &mut Object, now: Time) {
    role.hidden.remove("known");
    note(role, now, now);
}

/// Notes what others will know of a role from a time on; never before what they know earlier.
pub(super) fn note(role: &mut Object, now: Time, at: Time) {
    let mut all = match role.hidden.remove("known") {
        Some(Value::Array(all)) => all,
        _ => Vec::new(),
    };
    let last = all.last().and_then(|known| known["at"].as_u64()).unwrap_or_default();
    let out = all.iter().rposition(|known| is_out(known, now)).unwrap_or_default();
    all.drain(..out);
    let policies = role.hidden.get("policies").cloned().unwrap_or_else(|| json!([]));
    all.push(json!({ "at": at.max(last), "trust": role.secret("trust"), "policies": policies }));
    role.hide("known", all);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:iam::123456789012:role/r";

    fn trusting(service: &str) -> String {
        let statement = json!({
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": { "Service": service },
            "Condition": { "ArnLike": { "aws:SourceArn": "arn:aws:eks:*" } },
        });
        json!({ "Statement": [statement] }).to_string()
    }

    #[test]
    fn others_hear_of_a_role_later() {
        let mut world = World::new(1, 1_000);
        let key = Key::new("iam.role", ARN);
        let mut role = Object::default();
        role.hide("trust", trusting("eks.amazonaws.com"));
        note(&mut role, 1_000, 5_000);
        world.put(key.clone(), role);
        let eks = |world: &World| assumable(world, ARN, "eks.amazonaws.com");
        assert_eq!(eks(&world), Err(Unassumable::Missing));
        world.now = 5_000;
        assert_eq!(eks(&world), Ok(()));
        assert_eq!(assumable(&world, ARN, "ec2.amazonaws.com"), Err(Unassumable::Untrusted));
        change(&mut world, &key, |role| role.hide("policies", json!(["p"])));
        change(&mut world, &key, |role| role.hide("trust", trusting(PODS)));
        assert_eq!((eks(&world), attached(&world, ARN)), (Ok(()), Vec::new()));
        world.now = 60_000;
        assert_eq!(
            (eks(&world), attached(&world, ARN)),
            (Err(Unassumable::Untrusted), vec!["p".to_owned()])
        );
        assert_eq!(assumable(&world, ARN, PODS), Err(Unassumable::Untrusted), "no sts:TagSession");
    }
}
