//! The way between a network and the internet.
//!
//! Making one and attaching it are two calls, so it exists unattached for a moment; it cannot be
//! detached while addresses are mapped through it.
use crate::aws::{
    Aws, Reply, Tags, ec2_tags, known, missing, of_cluster, owned, pick, retag, specify, with_id,
};
use aws_sdk_ec2::types::{AttachmentStatus, Filter, InternetGateway as Found, ResourceType};
use provision_core::{
    Cx, Diff, Identity, Input, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};

/// The way between a network and the internet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// The network it is attached to; empty while it is attached to none.
    pub vpc: Input<String>,
    /// Its tags.
    pub tags: Tags,
}

/// What EC2 decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its id.
    pub id: String,
}

impl Resource for InternetGateway {
    const KIND: &'static str = "aws.ec2.internet_gateway";
    const RULES: &'static [(&'static str, Rule)] = &[("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Mark;
    const TIMING: Timing = Timing::new(2, 30 * 60, 60);
    const GUARDED: bool = true;
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        find(cx, of_cluster(cx.marks())).await.map(Some)
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let id = known.map(|o| o.id.as_str());
        find(cx, with_id(cx, "internet-gateway-id", id)).await.map(pick)
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let tags = specify(ResourceType::InternetGateway, &self.tags);
        let call = cx.cloud.ec2.create_internet_gateway().tag_specifications(tags);
        let made = call.send().await.reply("ec2:CreateInternetGateway")?;
        let id = made.internet_gateway.and_then(|gateway| gateway.internet_gateway_id);
        let id = id.ok_or_else(|| missing("ec2:CreateInternetGateway", "id"))?;
        Ok(Started::made(Outputs { id }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let id = &live.outputs.id;
        if !diff.touches(&["vpc"]) {
            return retag(cx.cloud, id, diff).await;
        }
        if !live.spec.vpc.get()?.is_empty() {
            return detach(cx, live).await;
        }
        let call = cx.cloud.ec2.attach_internet_gateway().internet_gateway_id(id);
        let call = call.vpc_id(self.vpc.get()?);
        call.send().await.already("ec2:AttachInternetGateway")
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        if !live.spec.vpc.get()?.is_empty() {
            return detach(cx, live).await;
        }
        let call = cx.cloud.ec2.delete_internet_gateway().internet_gateway_id(&live.outputs.id);
        call.send().await.gone("ec2:DeleteInternetGateway")
    }
}

async fn detach(cx: &Cx<'_, Aws>, live: &Live<InternetGateway>) -> Result<Started<Outputs>> {
    let call = cx.cloud.ec2.detach_internet_gateway().internet_gateway_id(&live.outputs.id);
    let call = call.vpc_id(live.spec.vpc.get()?);
    call.send().await.gone("ec2:DetachInternetGateway")
}

async fn find(cx: &Cx<'_, Aws>, filters: Vec<Filter>) -> Result<Vec<Live<InternetGateway>>> {
    let call = cx.cloud.ec2.describe_internet_gateways().set_filters(Some(filters));
    let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let found = found.reply("ec2:DescribeInternetGateways")?;
    Ok(found.into_iter().map(|gateway| live(cx.marks(), gateway)).collect())
}

fn live(marks: &Marks, gateway: Found) -> Live<InternetGateway> {
    let attachment = gateway.attachments.unwrap_or_default().into_iter().next();
    let phase = match attachment.as_ref().and_then(|attachment| attachment.state.clone()) {
        Some(state @ (AttachmentStatus::Attaching | AttachmentStatus::Detaching)) => {
            Phase::Busy(state.to_string())
        }
        _ => Phase::Ready,
    };
    let detached = |state: &AttachmentStatus| *state == AttachmentStatus::Detached;
    let attachment = attachment.filter(|found| !found.state.as_ref().is_some_and(detached));
    let vpc = known(attachment.and_then(|attachment| attachment.vpc_id));
    let outputs = Outputs { id: gateway.internet_gateway_id.unwrap_or_default() };
    let spec = |tags| InternetGateway { vpc, tags };
    owned(marks, ec2_tags(gateway.tags), phase, outputs, spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours_ec2};
    use aws_sdk_ec2::types::InternetGatewayAttachment as Attachment;

    #[test]
    fn an_unattached_gateway_has_no_network() {
        let found = Found::builder().internet_gateway_id("igw-1");
        let found = found.set_tags(ours_ec2("internet-gateway"));
        let alone = live(&marks(), found.clone().build());
        assert_eq!(alone.spec.vpc, Input::Known(String::new()));
        let at = Attachment::builder().vpc_id("vpc-1").state(AttachmentStatus::Attaching).build();
        let attaching = live(&marks(), found.attachments(at).build());
        assert_eq!(attaching.spec.vpc, Input::Known("vpc-1".into()));
        assert_eq!(attaching.phase, Phase::Busy("attaching".into()));
    }
}
