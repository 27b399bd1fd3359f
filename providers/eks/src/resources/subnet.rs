//! A range of a network in one zone.
//!
//! Its network and range together are unique, so it is found by them even when its tags lag.
use crate::aws::{
    Aws, Reply, Tags, ec2_tags, filter, given_up, known, missing, occupied, of_cluster, owned,
    pick, retag, specify, with_id,
};
use aws_sdk_ec2::types::{Filter, ResourceType, Subnet as Found, SubnetState};
use provision_core::{
    Cx, Diff, Error, Identity, Input, Kind, Live, Marks, Phase, Resource, Result, Rule, Started,
    Timing,
};
use serde::{Deserialize, Serialize};

/// A range of a network in one zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// The network.
    pub vpc: Input<String>,
    /// Its addresses.
    pub cidr: String,
    /// The zone, by name.
    pub zone: String,
    /// Its tags; those of Kubernetes say which load balancers go there.
    pub tags: Tags,
}

/// What EC2 decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its id.
    pub id: String,
}

impl Resource for Subnet {
    const KIND: &'static str = "aws.ec2.subnet";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("vpc", Rule::Immutable),
        ("cidr", Rule::Immutable),
        ("zone", Rule::Immutable),
        ("tags", Rule::Tags),
    ];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(1, 30 * 60, 60).making(1);
    const GUARDED: bool = true;
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        find(cx, of_cluster(cx.marks())).await.map(Some)
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let filters = match (known, self.vpc.get()) {
            (None, Ok(vpc)) => vec![filter("vpc-id", vpc), filter("cidr-block", &self.cidr)],
            _ => with_id(cx, "subnet-id", known.map(|o| o.id.as_str())),
        };
        find(cx, filters).await.map(pick)
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.ec2.create_subnet().vpc_id(self.vpc.get()?);
        let call = call.cidr_block(&self.cidr).availability_zone(&self.zone);
        let call = call.tag_specifications(specify(ResourceType::Subnet, &self.tags));
        let made = call.send().await.reply("ec2:CreateSubnet")?;
        let id = made.subnet.and_then(|subnet| subnet.subnet_id);
        Ok(Started::made(Outputs { id: id.ok_or_else(|| missing("ec2:CreateSubnet", "id"))? }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        retag(cx.cloud, &live.outputs.id, diff).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let id = &live.outputs.id;
        let gone = cx.cloud.ec2.delete_subnet().subnet_id(id).send().await.gone("ec2:DeleteSubnet");
        gone.map_err(|error| occupied(error, cx.cloud, "subnet-id", id))
    }
}

async fn find(cx: &Cx<'_, Aws>, filters: Vec<Filter>) -> Result<Vec<Live<Subnet>>> {
    let pages = cx.cloud.ec2.describe_subnets().set_filters(Some(filters)).into_paginator();
    let found: Result<Vec<_>, _> = pages.items().send().collect().await;
    let found = found.reply("ec2:DescribeSubnets")?;
    Ok(found.into_iter().map(|subnet| live(cx.marks(), subnet)).collect())
}

fn live(marks: &Marks, subnet: Found) -> Live<Subnet> {
    let phase = match subnet.state {
        None | Some(SubnetState::Available) => Phase::Ready,
        Some(SubnetState::Failed) => Phase::Broken(given_up(None)),
        Some(SubnetState::FailedInsufficientCapacity) => {
            let words = "EC2 has no capacity for it in this zone";
            Phase::Broken(Error::new(Kind::Capacity, words))
        }
        Some(state) => Phase::Busy(state.to_string()),
    };
    let outputs = Outputs { id: subnet.subnet_id.unwrap_or_default() };
    owned(marks, ec2_tags(subnet.tags), phase, outputs, |tags| Subnet {
        vpc: known(subnet.vpc_id),
        cidr: subnet.cidr_block.unwrap_or_default(),
        zone: subnet.availability_zone.unwrap_or_default(),
        tags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours_ec2};
    use provision_core::Owner;

    #[test]
    fn what_occupies_the_range_without_our_mark_is_foreign() {
        let found =
            Found::builder().subnet_id("subnet-1").vpc_id("vpc-1").cidr_block("10.0.0.0/20");
        let found = found.availability_zone("us-east-1a");
        let live_of = |found| live(&marks(), found);
        let theirs = live_of(found.clone().build());
        assert!(matches!(theirs.owner, Owner::Foreign(_)));
        let ours = live_of(found.set_tags(ours_ec2("subnet/private/us-east-1a")).build());
        assert_eq!((ours.owner, ours.phase), (Owner::Ours, Phase::Ready));
        assert_eq!(ours.spec.zone, "us-east-1a");
    }
}
