//! A public address that stays the same.
//!
//! It cannot be released while a NAT gateway holds it; EC2 then answers `AuthFailure`.
use crate::aws::{
    Aws, Reply, Tags, ec2_tags, missing, of_cluster, owned, pick, retag, specify, with_id,
};
use aws_sdk_ec2::types::{Address, DomainType, Filter, ResourceType};
use provision_core::{
    Cx, Diff, Identity, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};

/// A public address that stays the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElasticIp {
    /// Its tags.
    pub tags: Tags,
}

/// What EC2 decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its allocation id.
    pub id: String,
    /// The address itself.
    #[serde(default)]
    pub public_ip: String,
}

impl Resource for ElasticIp {
    const KIND: &'static str = "aws.ec2.elastic_ip";
    const RULES: &'static [(&'static str, Rule)] = &[("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Mark;
    const TIMING: Timing = Timing::new(2, 20 * 60, 60);
    const GUARDED: bool = true;
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        find(cx, of_cluster(cx.marks())).await.map(Some)
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        find(cx, with_id(cx, "allocation-id", known.map(|o| o.id.as_str()))).await.map(pick)
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let tags = specify(ResourceType::ElasticIp, &self.tags);
        let call = cx.cloud.ec2.allocate_address().domain(DomainType::Vpc).tag_specifications(tags);
        let made = call.send().await.reply("ec2:AllocateAddress")?;
        let id = made.allocation_id.ok_or_else(|| missing("ec2:AllocateAddress", "id"))?;
        Ok(Started::made(Outputs { id, public_ip: made.public_ip.unwrap_or_default() }))
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
        let call = cx.cloud.ec2.release_address().allocation_id(&live.outputs.id);
        call.send().await.gone("ec2:ReleaseAddress")
    }
}

async fn find(cx: &Cx<'_, Aws>, filters: Vec<Filter>) -> Result<Vec<Live<ElasticIp>>> {
    let call = cx.cloud.ec2.describe_addresses().set_filters(Some(filters));
    let found = call.send().await.reply("ec2:DescribeAddresses")?.addresses.unwrap_or_default();
    Ok(found.into_iter().map(|address| live(cx.marks(), address)).collect())
}

fn live(marks: &Marks, address: Address) -> Live<ElasticIp> {
    let outputs = Outputs {
        id: address.allocation_id.unwrap_or_default(),
        public_ip: address.public_ip.unwrap_or_default(),
    };
    owned(marks, ec2_tags(address.tags), Phase::Ready, outputs, |tags| ElasticIp { tags })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours_ec2};

    #[test]
    fn the_address_is_an_output() {
        let found = Address::builder().allocation_id("eipalloc-1").public_ip("203.0.113.7");
        let live = live(&marks(), found.set_tags(ours_ec2("elastic-ip/us-east-1a")).build());
        assert_eq!(live.outputs.public_ip, "203.0.113.7");
        assert_eq!(live.address, Some("elastic-ip/us-east-1a".into()));
    }
}
