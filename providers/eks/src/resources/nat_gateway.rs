//! The way from private subnets to the internet.
//!
//! A deleted one is still described for about an hour, in state `deleted`.
use crate::aws::{
    Aws, Reply, Tags, ec2_tags, given_up, is_of_cluster, is_of_object, known, missing, of_cluster,
    owned, pick, retag, specify, with_id,
};
use aws_sdk_ec2::types::{Filter, NatGateway as Found, NatGatewayState, ResourceType};
use provision_core::{
    Cx, Diff, Error, Identity, Input, Kind, Live, Marks, Phase, Resource, Result, Rule, Started,
    Timing,
};
use serde::{Deserialize, Serialize};

/// The way from private subnets to the internet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NatGateway {
    /// The public subnet it stands in.
    pub subnet: Input<String>,
    /// The allocation id of its public address.
    pub allocation: Input<String>,
    /// Its tags.
    pub tags: Tags,
}

/// What EC2 decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its id.
    pub id: String,
}

impl Resource for NatGateway {
    const KIND: &'static str = "aws.ec2.nat_gateway";
    const RULES: &'static [(&'static str, Rule)] =
        &[("subnet", Rule::Immutable), ("allocation", Rule::Immutable), ("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Token;
    const TIMING: Timing = Timing::new(2, 20 * 60, 60).making(2 * 60).leaving(90);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        let mut found = find(cx, of_cluster(cx.marks())).await?;
        // Moto 5.2 ignores this call's tag filters.
        found.retain(|live| is_of_cluster(cx.marks(), &live.spec.tags));
        Ok(Some(found))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let id = known.map(|o| o.id.as_str());
        let mut found = find(cx, with_id(cx, "nat-gateway-id", id)).await?;
        if known.is_none() {
            found.retain(|live| is_of_object(cx, &live.spec.tags));
        }
        Ok(pick(found))
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.ec2.create_nat_gateway().subnet_id(self.subnet.get()?);
        let call = call.allocation_id(self.allocation.get()?).client_token(cx.token());
        let call = call.tag_specifications(specify(ResourceType::Natgateway, &self.tags));
        let made = call.send().await.reply("ec2:CreateNatGateway")?;
        let id = made.nat_gateway.and_then(|gateway| gateway.nat_gateway_id);
        Ok(Started::made(Outputs { id: id.ok_or_else(|| missing("ec2:CreateNatGateway", "id"))? }))
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
        let call = cx.cloud.ec2.delete_nat_gateway().nat_gateway_id(&live.outputs.id);
        call.send().await.gone("ec2:DeleteNatGateway")
    }
}

async fn find(cx: &Cx<'_, Aws>, filters: Vec<Filter>) -> Result<Vec<Live<NatGateway>>> {
    let pages = cx.cloud.ec2.describe_nat_gateways().set_filter(Some(filters)).into_paginator();
    let found: Result<Vec<_>, _> = pages.items().send().collect().await;
    let found = found.found("ec2:DescribeNatGateways")?.unwrap_or_default();
    Ok(found.into_iter().filter_map(|gateway| live(cx.marks(), gateway)).collect())
}

fn live(marks: &Marks, gateway: Found) -> Option<Live<NatGateway>> {
    let phase = match gateway.state {
        Some(NatGatewayState::Deleted) => return None,
        None | Some(NatGatewayState::Available) => Phase::Ready,
        Some(NatGatewayState::Failed) => {
            Phase::Broken(failure(gateway.failure_code, gateway.failure_message))
        }
        Some(state) => Phase::Busy(state.to_string()),
    };
    let addresses = gateway.nat_gateway_addresses.unwrap_or_default();
    let allocation = addresses.into_iter().find_map(|address| address.allocation_id);
    let outputs = Outputs { id: gateway.nat_gateway_id.unwrap_or_default() };
    Some(owned(marks, ec2_tags(gateway.tags), phase, outputs, |tags| NatGateway {
        subnet: known(gateway.subnet_id),
        allocation: known(allocation),
        tags,
    }))
}

fn failure(code: Option<String>, message: Option<String>) -> Error {
    match code.as_deref() {
        Some("InsufficientFreeAddressesInSubnet") => {
            let message = message.unwrap_or_else(|| "its subnet has no free address".into());
            Error { code, ..Error::new(Kind::Capacity, message) }
        }
        _ => Error { code, ..given_up(message) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours_ec2};
    use aws_sdk_ec2::types::NatGatewayAddress;

    #[test]
    fn each_state_is_a_phase_and_deleted_is_gone() {
        let of = |state| {
            let address = NatGatewayAddress::builder().allocation_id("eipalloc-1").build();
            let found = Found::builder().nat_gateway_id("nat-1").subnet_id("subnet-1");
            let found = found.nat_gateway_addresses(address).state(state);
            live(&marks(), found.set_tags(ours_ec2("nat-gateway/us-east-1a")).build())
        };
        assert!(of(NatGatewayState::Deleted).is_none());
        assert_eq!(of(NatGatewayState::Available).unwrap().phase, Phase::Ready);
        assert!(matches!(of(NatGatewayState::Deleting).unwrap().phase, Phase::Busy(_)));
        assert!(matches!(of(NatGatewayState::Failed).unwrap().phase, Phase::Broken(_)));
    }
}
