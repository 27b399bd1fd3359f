//! Load balancers of services and ingresses, and where they send requests.
use super::owned::Scene;
use super::{Found, Outputs, What};
use crate::aws::{Aws, Reply, Tags};
use provision_core::{Result, Started};
use std::collections::{BTreeMap, BTreeSet};

/// The most that can be asked about with one call.
const AT_ONCE: usize = 20;

/// What was found of load balancers.
#[derive(Default)]
pub(super) struct Balancers {
    pub(super) found: Vec<Found>,
    /// How the interfaces of every load balancer in the network are described.
    pub(super) interfaces: BTreeSet<String>,
}

/// Finds the load balancers and target groups of the cluster in its network.
pub(super) async fn find(scene: &Scene<'_>) -> Result<Balancers> {
    if scene.vpc.is_none() {
        return Ok(Balancers::default());
    }
    let (new, old, groups) = futures::try_join!(balancers(scene), classic(scene), groups(scene))?;
    let interfaces = new.interfaces.into_iter().chain(old.interfaces).collect();
    let found = new.found.into_iter().chain(old.found).chain(groups).collect();
    Ok(Balancers { found, interfaces })
}

async fn balancers(scene: &Scene<'_>) -> Result<Balancers> {
    let pages = scene.aws.elbv2.describe_load_balancers().into_paginator();
    let all: Result<Vec<_>, _> = pages.items().send().collect().await;
    let all = all.reply("elasticloadbalancing:DescribeLoadBalancers")?;
    let here: Vec<_> = all.into_iter().filter(|it| scene.is_here(it.vpc_id())).collect();
    let arn = |it: &aws_sdk_elasticloadbalancingv2::types::LoadBalancer| {
        it.load_balancer_arn.clone().unwrap_or_default()
    };
    let tags = tags_of(scene.aws, here.iter().map(arn).collect()).await?;
    let path = |arn: String| arn.split_once("loadbalancer/").map(|(_, path)| format!("ELB {path}"));
    let interfaces = here.iter().map(arn).filter_map(path).collect();
    let ours = here.into_iter().filter(|it| owns(scene, &tags, &arn(it)));
    let found = ours.map(|it| Found {
        what: What::LoadBalancer,
        id: arn(&it),
        name: it.load_balancer_name.unwrap_or_default(),
        told: it.dns_name.unwrap_or_default(),
        waits: None,
    });
    Ok(Balancers { found: found.collect(), interfaces })
}

async fn groups(scene: &Scene<'_>) -> Result<Vec<Found>> {
    let pages = scene.aws.elbv2.describe_target_groups().into_paginator();
    let all: Result<Vec<_>, _> = pages.items().send().collect().await;
    let all = all.reply("elasticloadbalancing:DescribeTargetGroups")?;
    let here: Vec<_> = all.into_iter().filter(|it| scene.is_here(it.vpc_id())).collect();
    let arn = |it: &aws_sdk_elasticloadbalancingv2::types::TargetGroup| {
        it.target_group_arn.clone().unwrap_or_default()
    };
    let tags = tags_of(scene.aws, here.iter().map(arn).collect()).await?;
    let ours = here.into_iter().filter(|it| owns(scene, &tags, &arn(it)));
    let found = ours.map(|it| Found {
        what: What::TargetGroup,
        id: arn(&it),
        name: it.target_group_name.unwrap_or_default(),
        told: String::new(),
        waits: None,
    });
    Ok(found.collect())
}

fn owns(scene: &Scene<'_>, tags: &BTreeMap<String, Tags>, id: &str) -> bool {
    tags.get(id).is_some_and(|tags| scene.owns(tags))
}

/// Returns the tags of load balancers or target groups, by ARN.
async fn tags_of(aws: &Aws, arns: Vec<String>) -> Result<BTreeMap<String, Tags>> {
    by_many(aws, &arns, told).await
}

/// Asks for tags with one call. `None` when one of these is no more.
async fn told(aws: &Aws, arns: Vec<String>) -> Result<Option<BTreeMap<String, Tags>>> {
    let call = aws.elbv2.describe_tags().set_resource_arns(Some(arns));
    let found = call.send().await.found("elasticloadbalancing:DescribeTags")?;
    let told = found.map(|answer| answer.tag_descriptions.unwrap_or_default().into_iter());
    let one = |it: aws_sdk_elasticloadbalancingv2::types::TagDescription| {
        let tags = it.tags.unwrap_or_default().into_iter();
        let tags = tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
        (it.resource_arn.unwrap_or_default(), tags.collect())
    };
    Ok(told.map(|told| told.map(one).collect()))
}

/// Asks about many things with few calls, and one by one about those of a call which is refused
/// since one of them is no more. That one is in no answer.
async fn by_many<C: Copy, F>(
    cloud: C,
    ids: &[String],
    ask: impl Fn(C, Vec<String>) -> F,
) -> Result<BTreeMap<String, Tags>>
where
    F: Future<Output = Result<Option<BTreeMap<String, Tags>>>>,
{
    let mut all = BTreeMap::new();
    for ids in ids.chunks(AT_ONCE) {
        if let Some(told) = ask(cloud, ids.to_vec()).await? {
            all.extend(told);
            continue;
        }
        for id in ids {
            all.extend(ask(cloud, vec![id.clone()]).await?.unwrap_or_default());
        }
    }
    Ok(all)
}

async fn classic(scene: &Scene<'_>) -> Result<Balancers> {
    let pages = scene.aws.elb.describe_load_balancers().into_paginator();
    let all: Result<Vec<_>, _> = pages.items().send().collect().await;
    let all = all.reply("elasticloadbalancing:DescribeLoadBalancers")?;
    let here: Vec<_> = all.into_iter().filter(|it| scene.is_here(it.vpc_id())).collect();
    let name = |it: &aws_sdk_elasticloadbalancing::types::LoadBalancerDescription| {
        it.load_balancer_name.clone().unwrap_or_default()
    };
    let interfaces = here.iter().map(|it| format!("ELB {}", name(it))).collect();
    let tags = classic_tags(scene.aws, here.iter().map(name).collect()).await?;
    let ours = here.into_iter().filter(|it| owns(scene, &tags, &name(it)));
    let found = ours.map(|it| Found {
        what: What::ClassicLoadBalancer,
        id: name(&it),
        name: name(&it),
        told: it.dns_name.unwrap_or_default(),
        waits: None,
    });
    Ok(Balancers { found: found.collect(), interfaces })
}

/// Returns the tags of classic load balancers, by name.
async fn classic_tags(aws: &Aws, names: Vec<String>) -> Result<BTreeMap<String, Tags>> {
    by_many(aws, &names, classic_told).await
}

/// Asks for tags with one call. `None` when one of these is no more.
async fn classic_told(aws: &Aws, names: Vec<String>) -> Result<Option<BTreeMap<String, Tags>>> {
    let call = aws.elb.describe_tags().set_load_balancer_names(Some(names));
    let found = call.send().await.found("elasticloadbalancing:DescribeTags")?;
    let told = found.map(|answer| answer.tag_descriptions.unwrap_or_default().into_iter());
    let one = |it: aws_sdk_elasticloadbalancing::types::TagDescription| {
        let tags = it.tags.unwrap_or_default().into_iter();
        let tags = tags.map(|tag| (tag.key, tag.value.unwrap_or_default()));
        (it.load_balancer_name.unwrap_or_default(), tags.collect())
    };
    Ok(told.map(|told| told.map(one).collect()))
}

pub(super) async fn remove(aws: &Aws, found: &Found) -> Result<Started<Outputs>> {
    match found.what {
        What::ClassicLoadBalancer => {
            let call = aws.elb.delete_load_balancer().load_balancer_name(&found.id);
            call.send().await.gone("elasticloadbalancing:DeleteLoadBalancer")
        }
        What::TargetGroup => {
            let call = aws.elbv2.delete_target_group().target_group_arn(&found.id);
            call.send().await.gone("elasticloadbalancing:DeleteTargetGroup")
        }
        _ => {
            let call = aws.elbv2.delete_load_balancer().load_balancer_arn(&found.id);
            call.send().await.gone("elasticloadbalancing:DeleteLoadBalancer")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_that_went_in_between_hides_none_of_those_asked_about_with_it() {
        let ids: Vec<_> = (0..25).map(|n| n.to_string()).collect();
        let calls = std::cell::Cell::new(0);
        let told = by_many(&calls, &ids, async |calls, ids| {
            calls.set(calls.get() + 1);
            let all = ids.iter().map(|id| (id.clone(), Tags::new())).collect();
            Ok((!ids.contains(&"3".to_owned())).then_some(all))
        });
        let told = told.await.unwrap();
        assert_eq!((told.len(), told.contains_key("3")), (24, false));
        assert_eq!(calls.get(), 2 + 20);
    }
}
