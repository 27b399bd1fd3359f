//! A virtual network.
//!
//! Its two DNS settings are told by a call each and changed by a call each; both must be on
//! before nodes can register through the private endpoint.
use crate::aws::{
    Aws, Reply, Tags, ec2_tags, missing, occupied, of_cluster, owned, pick, retag, specify, with_id,
};
use aws_sdk_ec2::types::{
    AttributeBooleanValue, Filter, ResourceType, Vpc as Found, VpcAttributeName, VpcState,
};
use provision_core::{
    Cx, Diff, Identity, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};

/// A virtual network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    /// Its addresses.
    pub cidr: String,
    /// Whether Amazon's resolver answers in it.
    pub dns_support: bool,
    /// Whether its machines get names.
    pub dns_hostnames: bool,
    /// Its tags.
    pub tags: Tags,
}

/// What EC2 decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its id.
    pub id: String,
}

impl Resource for Vpc {
    const KIND: &'static str = "aws.ec2.vpc";
    const RULES: &'static [(&'static str, Rule)] =
        &[("cidr", Rule::Immutable), ("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Mark;
    const TIMING: Timing = Timing::new(1, 20 * 60, 60).making(2);
    const GUARDED: bool = true;
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        find(cx, of_cluster(cx.marks())).await.map(Some)
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        find(cx, with_id(cx, "vpc-id", known.map(|o| o.id.as_str()))).await.map(pick)
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let tags = specify(ResourceType::Vpc, &self.tags);
        let call = cx.cloud.ec2.create_vpc().cidr_block(&self.cidr).tag_specifications(tags);
        let made = call.send().await.reply("ec2:CreateVpc")?;
        let id = made.vpc.and_then(|vpc| vpc.vpc_id);
        Ok(Started::made(Outputs { id: id.ok_or_else(|| missing("ec2:CreateVpc", "id"))? }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let id = &live.outputs.id;
        let switch = |on| AttributeBooleanValue::builder().value(on).build();
        let call = cx.cloud.ec2.modify_vpc_attribute().vpc_id(id);
        let call = if diff.touches(&["dns_support"]) {
            call.enable_dns_support(switch(self.dns_support))
        } else if diff.touches(&["dns_hostnames"]) {
            call.enable_dns_hostnames(switch(self.dns_hostnames))
        } else {
            return retag(cx.cloud, id, diff).await;
        };
        call.send().await.reply("ec2:ModifyVpcAttribute").map(|_| Started::done())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let id = &live.outputs.id;
        let gone = cx.cloud.ec2.delete_vpc().vpc_id(id).send().await.gone("ec2:DeleteVpc");
        gone.map_err(|error| occupied(error, cx.cloud, "vpc-id", id))
    }
}

async fn find(cx: &Cx<'_, Aws>, filters: Vec<Filter>) -> Result<Vec<Live<Vpc>>> {
    let pages = cx.cloud.ec2.describe_vpcs().set_filters(Some(filters)).into_paginator();
    let found: Result<Vec<_>, _> = pages.items().send().collect().await;
    let mut all = Vec::new();
    for vpc in found.reply("ec2:DescribeVpcs")? {
        let id = vpc.vpc_id.clone().unwrap_or_default();
        let support = attribute(cx.cloud, &id, VpcAttributeName::EnableDnsSupport).await?;
        let hostnames = attribute(cx.cloud, &id, VpcAttributeName::EnableDnsHostnames).await?;
        // Gone between two calls.
        let (Some(support), Some(hostnames)) = (support, hostnames) else { continue };
        all.push(live(cx.marks(), vpc, support, hostnames));
    }
    Ok(all)
}

async fn attribute(aws: &Aws, id: &str, name: VpcAttributeName) -> Result<Option<bool>> {
    let call = aws.ec2.describe_vpc_attribute().vpc_id(id).attribute(name);
    let found = call.send().await.found("ec2:DescribeVpcAttribute")?;
    let told =
        |answer: aws_sdk_ec2::operation::describe_vpc_attribute::DescribeVpcAttributeOutput| {
            let told = answer.enable_dns_support.or(answer.enable_dns_hostnames);
            told.and_then(|switch| switch.value).unwrap_or_default()
        };
    Ok(found.map(told))
}

fn live(marks: &Marks, vpc: Found, dns_support: bool, dns_hostnames: bool) -> Live<Vpc> {
    let phase = match vpc.state {
        None | Some(VpcState::Available) => Phase::Ready,
        Some(state) => Phase::Busy(state.to_string()),
    };
    let outputs = Outputs { id: vpc.vpc_id.unwrap_or_default() };
    let cidr = vpc.cidr_block.unwrap_or_default();
    let spec = |tags| Vpc { cidr, dns_support, dns_hostnames, tags };
    owned(marks, ec2_tags(vpc.tags), phase, outputs, spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours_ec2};
    use provision_core::Owner;

    #[test]
    fn a_network_of_ours_is_told_by_its_tags() {
        let found = Found::builder().vpc_id("vpc-1").cidr_block("10.0.0.0/16");
        let found = found.set_tags(ours_ec2("vpc")).state(VpcState::Pending).build();
        let live = live(&marks(), found, true, false);
        assert_eq!(live.owner, Owner::Ours);
        assert_eq!(live.address, Some("vpc".into()));
        assert_eq!(live.phase, Phase::Busy("pending".into()));
        assert_eq!((live.spec.dns_support, live.spec.dns_hostnames), (true, false));
    }
}
