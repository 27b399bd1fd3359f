//! A simulated AWS: who calls, in which protocol, and what comes of it.
mod autoscaling;
mod call;
mod classic_elb;
mod constraint;
mod dialect;
mod ec2;
mod eks;
mod elb;
mod fault;
mod guess;
mod iam;
mod input;
mod kms;
mod logs;
mod page;
mod protocol;
mod refusal;
mod routes;
mod signature;
mod sts;
#[cfg(test)]
mod testing;

pub(crate) use autoscaling::group as scaling;
pub(crate) use call::{Answer, Call, Caller};
pub(crate) use ec2::living::{NewVolume, Place, attach, volume};
pub(crate) use ec2::machines::{Machine as Shape, find as shape};
pub(crate) use eks::{
    Addon, Disks, Machine, addons, disks, happen, machines, patch, role_of, trusts_issuer,
    volume_tags,
};
pub(crate) use iam::may;
pub(crate) use input::Input;
pub(crate) use page::Page;
pub(crate) use refusal::Refusal;

use crate::behaviour::Behaviour;
use crate::clock::Time;
use crate::credential::Credential;
use crate::faults::Effect;
use crate::kubernetes;
use crate::server::{Outcome, Reply, Request, Site, UNANSWERED, befallen};
use crate::world::{Key, Past, World};
use protocol::Protocol;
use signature::Signature;
use std::collections::BTreeMap;
use std::io;

/// How far a read may lag behind.
const LAG: Behaviour = Behaviour {
    service: "all",
    what: "one read in five sees the world as it was a while before, at most so long",
    seconds: 15,
    source: "assumption",
};

/// How often a read lags at all: an assumption.
const LAGS: f64 = 0.2;

/// How far a read lags that was asked to be stale.
const STALE: Time = 60_000;

/// What every service is known or assumed to do.
pub(crate) const BEHAVIOURS: &[&[Behaviour]] = &[
    &[LAG],
    autoscaling::BEHAVIOURS,
    ec2::BEHAVIOURS,
    eks::BEHAVIOURS,
    classic_elb::BEHAVIOURS,
    elb::BEHAVIOURS,
    iam::BEHAVIOURS,
    kms::BEHAVIOURS,
    logs::BEHAVIOURS,
    sts::BEHAVIOURS,
];

/// One service: how it speaks, and what it does.
struct Service {
    protocol: Protocol,
    run: fn(&mut Call<'_>, &Input) -> Answer,
}

fn service(name: &str, request: &Request) -> Option<Service> {
    let (protocol, run): (_, fn(&mut Call<'_>, &Input) -> Answer) = match name {
        "autoscaling" => {
            let space = "http://autoscaling.amazonaws.com/doc/2011-01-01/";
            (Protocol::Query(space), autoscaling::run)
        }
        "ec2" => (Protocol::Ec2, ec2::run),
        "eks" => (Protocol::Rest, eks::run),
        "elasticloadbalancing" if is_classic(request) => {
            let space = "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/";
            (Protocol::Query(space), classic_elb::run)
        }
        "elasticloadbalancing" => {
            let space = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
            (Protocol::Query(space), elb::run)
        }
        "iam" => (Protocol::Query("https://iam.amazonaws.com/doc/2010-05-08/"), iam::run),
        "kms" => (Protocol::Json("TrentService"), kms::run),
        "logs" => (Protocol::Json("Logs_20140328"), logs::run),
        "sts" => (Protocol::Query("https://sts.amazonaws.com/doc/2011-06-15/"), sts::run),
        _ => return None,
    };
    Some(Service { protocol, run })
}

/// Tells the first API of load balancers from the second, which has the same endpoint.
fn is_classic(request: &Request) -> bool {
    let version = b"Version=2012-06-01";
    request.body.windows(version.len()).any(|part| part == version)
}

/// Does what an object was to do by itself.
pub(crate) fn turn(world: &mut World, key: &Key, word: &str) {
    match word.split_once('=') {
        Some((field, value)) => drop(world.edit(key, |object| object.set(field, value))),
        None if word == "gone" => drop(world.remove(key)),
        None => {
            let service = key.kind.split('.').next().unwrap_or_default();
            match service {
                "autoscaling" => autoscaling::turn(world, key, word),
                "ec2" => ec2::turn(world, key, word),
                "eks" => eks::turn(world, key, word),
                "elb" => elb::turn(world, key, word),
                "kms" => kms::turn(world, key, word),
                "kubernetes" => kubernetes::turn(world, key, word),
                _ => unknown_turn(key, word),
            }
        }
    }
    kubernetes::stir(world, [key.kind.as_str()].into_iter());
}

/// Drops what nothing knows how to do: a world file may have it from elsewhere.
fn unknown_turn(key: &Key, word: &str) {
    tracing::warn!(kind = key.kind, id = key.id, word, "nothing is known to happen by that word");
}

/// Tells whether somebody may wait for what happens to an object by a word, so that a clock jumps to
/// it. Nobody does for a cloud to forget what has ended: a machine, a gateway, a session.
pub(crate) fn is_waited_for(key: &Key, word: &str) -> bool {
    let forgets = ["ec2.instance", "ec2.nat_gateway", "sts.session"];
    word != "gone" || !forgets.contains(&key.kind.as_str())
}

/// Returns how far a read may lag behind, in simulated time.
pub(crate) fn lag() -> Time {
    LAG.seconds * 1000
}

/// Finds out who signed a request.
///
/// # Errors
/// When nobody did whose key is known.
pub(crate) fn who(
    world: &World,
    request: &Request,
    credentials: &BTreeMap<String, Credential>,
    open: bool,
) -> Result<Caller, Refusal> {
    Caller::of(world, &Signature::of(request)?, request, credentials, open)
}

/// Tells whether a fault of an operation would ever show.
pub(crate) fn means(effect: Effect, operation: &str) -> bool {
    fault::means_somewhere(effect, operation)
}

/// Answers a request.
///
/// # Errors
/// When the world cannot be read or kept.
pub(crate) fn answer(site: &mut Site, request: &Request) -> io::Result<Outcome> {
    let (now, due) = site
        .store
        .with(|world| (world.now, world.jump(lag(), kubernetes::is_waited_for_outside)))?;
    let now = site.clock.tick(now, due);
    let signature = Signature::of(request);
    let name = guess::service(request, signature.as_ref().ok()).to_owned();
    let Some(service) = service(&name, request) else {
        let refusal = Refusal::unsupported(&format!("the service {name}"));
        return Ok(Outcome::Reply(Protocol::Rest.refuse(&refusal, "-")));
    };
    let asked = service.protocol.decode(request);
    let operation = asked.as_ref().map_or("-", |asked| asked.operation.as_str()).to_owned();
    let speed = site.clock.speed();
    let Site { store, faults, credentials, lags, open, kubernetes, .. } = site;
    let (lags, open) = (*lags, *open);
    let work = |world: &mut World| {
        world.advance(now, turn);
        let id = world.uuid();
        let means = |effect| fault::means(effect, &name, &operation);
        let effect = faults.befall(&operation, request, means, || world.chance());
        if effect == Some(Effect::Hang) {
            return (Outcome::Hang, UNANSWERED);
        }
        let checked = signature.and_then(|signature| {
            let caller = Caller::of(world, &signature, request, credentials, open)?;
            Ok((caller, signature.region))
        });
        let checked = checked.map_err(|refusal| dialect::of(service.protocol, refusal));
        let result = checked.and_then(|(caller, region)| {
            let asked = asked?;
            let befalls = |effect| fault::refused(effect, &name, &operation, service.protocol);
            if let Some(refusal) = effect.and_then(befalls) {
                return Err(refusal);
            }
            let past = past(world, effect, lags);
            let operation = asked.operation.as_str();
            let before = world.serial;
            let mut call =
                Call { world, past, caller, region, operation, speed, open, effect, kubernetes };
            let answer = (service.run)(&mut call, &asked.input);
            if name != "sts" && world.serial != before {
                world.touch();
                let changed = world.changed_since(before);
                kubernetes::stir(world, changed.iter().map(String::as_str));
            }
            answer
        });
        let reply = match result {
            Ok(_) if effect == Some(Effect::ErrorAfter) => {
                service.protocol.refuse(&fault::internal(&name, &operation), &id)
            }
            Ok(answer) => service.protocol.answer(&operation, answer, &id),
            Err(refusal) => service.protocol.refuse(&refusal, &id),
        };
        befallen(effect, reply)
    };
    let ((outcome, status), moments) = store.with(|world| (work(world), world.moments()))?;
    site.remember(moments);
    site.note(now, name, operation, status);
    Ok(match outcome {
        Outcome::Late(reply, time) => Outcome::Late(reply, site.clock.pass(time)),
        other => other,
    })
}

/// Returns what a caller hears when the sandbox itself fails, in the protocol they speak.
pub(crate) fn failed(request: &Request, why: &str) -> Reply {
    let refusal = Refusal::new("InternalFailure", why).status(500);
    let signature = Signature::of(request).ok();
    let service = service(guess::service(request, signature.as_ref()), request);
    service.map_or(Protocol::Rest, |service| service.protocol).refuse(&refusal, "-")
}

/// Returns the world as reads see it: as it is, or as it was.
fn past(world: &mut World, effect: Option<Effect>, lags: bool) -> Past {
    let lag = match effect {
        Some(Effect::Stale) => STALE,
        _ if lags && world.chance() < LAGS => (world.chance() * lag() as f64) as Time,
        _ => 0,
    };
    world.at(world.now.saturating_sub(lag))
}

/// Returns the partition of a region.
fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// Returns the domain that the services of a region answer in.
pub(crate) fn domain(region: &str) -> &'static str {
    match partition(region) {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Object;

    #[test]
    fn a_turn_that_nothing_knows_changes_nothing() {
        let mut world = World::new(1, 0);
        let kinds = "autoscaling.group ec2.instance ec2.nat_gateway ec2.network_interface ec2.vpc \
            ec2.vpc_endpoint eks.addon eks.cluster eks.node_group eks.update eks.leaving elb.load_balancer \
            iam.role kms.key logs.group sts.session other.kind";
        for kind in kinds.split_whitespace() {
            let mut object = Object::default();
            object.later(1, "dance");
            world.put(Key::new(kind, "a"), object);
        }
        world.advance(2, turn);
        let is_bare = |object: &Object| *object == Object::default();
        assert_eq!(world.objects().filter(|(_, object)| is_bare(object)).count(), 17);
    }
}
