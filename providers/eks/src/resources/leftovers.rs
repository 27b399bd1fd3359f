//! What a living cluster leaves behind in its network, which its controllers made and AWS keeps.
//!
//! The object itself is a tag on the network: as long as it is there, what carries the tags of the
//! cluster goes with the cluster. Only a run that removes everything looks at what that is.
mod balancers;
mod network;
mod owned;
mod volumes;

use crate::aws::{Aws, Reply, filter, of_cluster};
use aws_sdk_ec2::types::Tag;
use owned::Scene;
use provision_core::{
    Cx, Diff, Error, Identity, Input, Kind, Live, Owner, Phase, Resource, Result, Rule, Started,
    Timing,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where it stands in every graph.
pub(crate) const ADDRESS: &str = "leftovers";
/// The tag on the network; its value is the name of the cluster.
const CLAIM: &str = "provision-leftovers";

/// What a living cluster leaves behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leftovers {
    /// The network.
    pub vpc: Input<String>,
    /// What there is, in the order in which it goes; nothing is wanted.
    pub found: Vec<Found>,
}

/// What follows from where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// The id of the network.
    pub id: String,
    /// When the cluster or its role was made, in seconds since 1970, where a volume asks for it. What
    /// goes may outlive both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
}

/// Something that a cluster left behind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// What it is.
    pub what: What,
    /// Its id, or its ARN.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What else there is to say of it.
    pub told: String,
    /// What must happen before a call can remove it.
    pub waits: Option<Wait>,
}

/// What something that was left behind waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// What comes by itself.
    Passes(String),
    /// A rule of a security group of somebody else, which does not.
    HeldBy(String),
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passes(what) => f.write_str(what),
            Self::HeldBy(group) => {
                write!(f, "security group {group}, which is not ours, has a rule that names it")
            }
        }
    }
}

/// The kinds of what is left behind, in the order in which they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A load balancer for applications or connections.
    LoadBalancer,
    /// One of the kind before those.
    ClassicLoadBalancer,
    /// Where a load balancer sends requests.
    TargetGroup,
    /// What one security group says of another.
    Rules,
    /// A network interface.
    NetworkInterface,
    /// A security group.
    SecurityGroup,
    /// A disk that a claim asked for.
    Volume,
}

impl What {
    /// Returns what people call it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::LoadBalancer => "load balancer",
            Self::ClassicLoadBalancer => "classic load balancer",
            Self::TargetGroup => "target group",
            Self::Rules => "rules of security group",
            Self::NetworkInterface => "network interface",
            Self::SecurityGroup => "security group",
            Self::Volume => "volume",
        }
    }
}

impl Resource for Leftovers {
    const KIND: &'static str = "aws.leftovers";
    const RULES: &'static [(&'static str, Rule)] =
        &[("vpc", Rule::Immutable), ("found", Rule::CreateOnly)];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(5, 45 * 60, 30).leaving(60);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        let mut all = Vec::new();
        for network in networks(cx, of_cluster(cx.marks())).await? {
            if network.owner == Owner::Ours {
                all.extend(look(cx, Some(network), None).await?);
            }
        }
        if all.is_empty() {
            all.extend(look(cx, None, None).await?);
        }
        Ok(Some(all))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let vpc = self.vpc.get().ok().or(known.map(|known| &known.id));
        let network = match vpc {
            Some(vpc) => networks(cx, vec![filter("vpc-id", vpc)]).await?.pop(),
            None => None,
        };
        look(cx, network, known.and_then(|known| known.since)).await
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let vpc = self.vpc.get()?;
        let call = cx.cloud.ec2.create_tags().resources(vpc).tags(claim(&cx.marks().cluster));
        call.send().await.reply("ec2:CreateTags")?;
        Ok(Started::made(Outputs { id: vpc.clone(), since: None }))
    }

    async fn update(&self, _: &Cx<'_, Aws>, _: &Live<Self>, _: &Diff) -> Result<Started<Outputs>> {
        Err(Error::invalid("nothing about it can change"))
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let Outputs { id, since } = live.outputs.clone();
        let scene = Scene::of(cx, Some(id).filter(|id| !id.is_empty()), since);
        let found = match cx.cloud.removal {
            Some(_) => live.spec.found.clone(),
            None => find(&scene).await?.0,
        };
        let mut refused = Vec::new();
        for next in found.iter().filter(|found| found.waits.is_none()) {
            match remove(&scene, next).await.map_err(|error| about(&scene, next, error)) {
                // What somebody has to see to keeps nothing else.
                Err(error) if !error.kind.is_fatal() && error.kind != Kind::Retry => {
                    refused.push(error);
                }
                done => return done,
            }
        }
        if let Some(error) = all_of(refused) {
            return Err(error);
        }
        if let Some(waits) = waiting(&found) {
            return Err(match holder(&found) {
                Some(group) => Error::invalid(waits).hint(format!(
                    "`aws ec2 describe-security-groups --region {} --group-ids {group}` shows that \
                     rule, which is for its owner to take away; the same command goes on then",
                    cx.cloud.region
                )),
                None => Error::new(Kind::Blocked, waits),
            });
        }
        let Some(vpc) = &scene.vpc else { return Ok(Started::done()) };
        let call = cx.cloud.ec2.delete_tags().resources(vpc).tags(claim(scene.cluster));
        call.send().await.gone("ec2:DeleteTags")
    }
}

/// A network of ours, as far as it concerns what is left behind in it.
struct Network {
    id: String,
    owner: Owner,
    is_claimed: bool,
}

async fn networks(
    cx: &Cx<'_, Aws>,
    filters: Vec<aws_sdk_ec2::types::Filter>,
) -> Result<Vec<Network>> {
    let pages = cx.cloud.ec2.describe_vpcs().set_filters(Some(filters)).into_paginator();
    let found: Result<Vec<_>, _> = pages.items().send().collect().await;
    let network = |vpc: aws_sdk_ec2::types::Vpc| {
        let tags = owned::tags(vpc.tags);
        let is_claimed = tags.get(CLAIM) == Some(&cx.marks().cluster);
        Network { id: vpc.vpc_id.unwrap_or_default(), owner: cx.owner(&tags), is_claimed }
    };
    Ok(found.reply("ec2:DescribeVpcs")?.into_iter().map(network).collect())
}

fn claim(cluster: &str) -> Tag {
    Tag::builder().key(CLAIM).value(cluster).build()
}

/// Looks at a network, or at what is in none. It is there while the network is claimed, and, for a
/// run that removes everything, while anything was left behind.
async fn look(
    cx: &Cx<'_, Aws>,
    network: Option<Network>,
    since: Option<i64>,
) -> Result<Option<Live<Leftovers>>> {
    let (is_claimed, owner) = match &network {
        Some(network) => (network.is_claimed, network.owner.clone()),
        None => (false, Owner::Ours),
    };
    let id = network.map(|network| network.id);
    let (found, since, phase) = match cx.cloud.removal {
        Some(_) => {
            let scene = Scene::of(cx, id.clone(), since);
            let (found, since) = find(&scene).await?;
            let phase = phase(&scene, &found).await?;
            (found, since, phase)
        }
        None => (Vec::new(), since, Phase::Ready),
    };
    if !is_claimed && found.is_empty() {
        return Ok(None);
    }
    let id = id.unwrap_or_default();
    let spec = Leftovers { vpc: Input::Known(id.clone()), found };
    let (address, outputs) = (Some(ADDRESS.into()), Outputs { id, since });
    Ok(Some(Live { address, spec, outputs, phase, owner, unobserved: &[] }))
}

/// Tells what must happen before the next thing can go, or all is gone. A cluster that is there still
/// would make anew what is taken from it; it is asked for only where nothing else is waited for.
async fn phase(scene: &Scene<'_>, found: &[Found]) -> Result<Phase> {
    if let Some(waits) = waiting(found).filter(|_| holder(found).is_none()) {
        return Ok(Phase::Busy(waits));
    }
    Ok(match scene.living().await? {
        Some(_) => Phase::Busy(format!("cluster {} goes first", scene.cluster)),
        None => Phase::Ready,
    })
}

/// Says what everything that is left waits for. `None` when something can go.
fn waiting(found: &[Found]) -> Option<String> {
    let first = found.first()?;
    let waits = first.waits.as_ref().filter(|_| found.iter().all(|it| it.waits.is_some()))?;
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!("{} {}: {waits}{more}", first.what.word(), first.name))
}

/// Returns the first group of somebody else that keeps something, where that is all that is waited for.
fn holder(found: &[Found]) -> Option<&str> {
    let holders = found.iter().map(|it| match &it.waits {
        Some(Wait::HeldBy(group)) => Some(group.as_str()),
        _ => None,
    });
    holders.collect::<Option<Vec<_>>>()?.into_iter().next()
}

/// Finds everything that the cluster left behind, in the order in which it goes, and since when.
async fn find(scene: &Scene<'_>) -> Result<(Vec<Found>, Option<i64>)> {
    let (balancers, (volumes, since)) =
        futures::try_join!(balancers::find(scene), volumes::find(scene))?;
    let network = network::find(scene, &balancers.interfaces).await?;
    let mut all: Vec<_> = balancers.found.into_iter().chain(network).chain(volumes).collect();
    all.sort();
    Ok((all, since))
}

/// Removes one thing with one call.
async fn remove(scene: &Scene<'_>, found: &Found) -> Result<Started<Outputs>> {
    match found.what {
        What::LoadBalancer | What::ClassicLoadBalancer | What::TargetGroup => {
            balancers::remove(scene.aws, found).await
        }
        What::Rules | What::NetworkInterface | What::SecurityGroup => {
            network::remove(scene, found).await
        }
        What::Volume => volumes::remove(scene, found).await,
    }
}

/// Makes one error of all that was refused: of what waiting does not mend, if there is such.
fn all_of(mut refused: Vec<Error>) -> Option<Error> {
    if refused.iter().any(|error| !error.kind.is_transient()) {
        refused.retain(|error| !error.kind.is_transient());
    }
    let mut all = refused.into_iter();
    let first = all.next()?;
    let message = all.fold(first.message.clone(), |told, next| format!("{told}; {next}"));
    Some(Error { message, ..first })
}

/// Says what a refused call was about.
fn about(scene: &Scene<'_>, found: &Found, error: Error) -> Error {
    let message = format!("{} {}: {}", found.what.word(), found.name, error.message);
    let error = Error { message, ..error };
    match (found.what, error.code.as_deref()) {
        (What::LoadBalancer, Some("OperationNotPermitted")) => error.hint(format!(
            "if it is protected, end that with `aws elbv2 modify-load-balancer-attributes \
             --region {} --load-balancer-arn {} \
             --attributes Key=deletion_protection.enabled,Value=false`, and run the same command again",
            scene.aws.region, found.id
        )),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::owned::tests::scene;
    use super::*;
    use crate::connect::tests::nowhere;

    #[test]
    fn all_that_was_refused_is_told_and_protection_can_be_ended() {
        let aws = nowhere();
        let [balancer, volume] = [What::LoadBalancer, What::Volume].map(|what| Found {
            what,
            id: "arn:a".into(),
            name: "one".into(),
            told: String::new(),
            waits: None,
        });
        let error = |kind, operation: &str, code: &str| {
            let (operation, code) = (Some(operation.into()), Some(code.into()));
            Error { operation, code, ..Error::new(kind, "no") }
        };
        let busy = error(Kind::Blocked, "ec2:DeleteVolume", "VolumeInUse");
        let kept = error(Kind::Invalid, "elb:DeleteLoadBalancer", "OperationNotPermitted");
        let denied = error(Kind::Denied, "ec2:DeleteVolume", "UnauthorizedOperation");
        let about = |found, error: &Error| about(&scene(&aws), found, error.clone());
        let all = vec![about(&volume, &busy), about(&balancer, &kept), about(&volume, &denied)];
        let told = all_of(all).unwrap();
        assert_eq!(
            told.to_string(),
            "elb:DeleteLoadBalancer: OperationNotPermitted: load balancer one: no; \
             ec2:DeleteVolume: UnauthorizedOperation: volume one: no"
        );
        let hint = told.hint.expect("what to do");
        assert!(
            hint.contains("--load-balancer-arn arn:a --attributes Key=deletion_prot"),
            "{hint}"
        );
        assert_eq!(all_of(vec![busy]).map(|error| error.kind), Some(Kind::Blocked));
        assert_eq!(all_of(vec![]), None);
    }
}
