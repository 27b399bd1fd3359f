//! A way to an AWS service that does not leave the network.
//!
//! Deleting answers 200 even when it failed; the body tells. EC2 lists its route tables in any
//! order, so they are compared in the order of their addresses, which are among their tags.
use super::route_table::tables;
use crate::aws::{
    Aws, Reply, Tags, all_known, ec2_tags, given_up, known, missing, of_cluster, of_object, owned,
    pick, retag, specify, values,
};
use crate::classify::classify;
use aws_sdk_ec2::operation::describe_vpc_endpoints::builders::DescribeVpcEndpointsFluentBuilder;
use aws_sdk_ec2::types::{ResourceType, VpcEndpoint as Found, VpcEndpointType};
use provision_core::{
    Address, Cx, Diff, Error, Identity, Input, Live, Marks, Phase, Resource, Result, Rule, Started,
    Timing,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A way to an AWS service, through route tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcEndpoint {
    /// The network.
    pub vpc: Input<String>,
    /// The service, such as `com.amazonaws.us-east-1.s3`.
    pub service: String,
    /// The route tables that lead there, in the order of their addresses.
    pub route_tables: Vec<Input<String>>,
    /// Its tags.
    pub tags: Tags,
}

/// What EC2 decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its id.
    pub id: String,
}

impl Resource for VpcEndpoint {
    const KIND: &'static str = "aws.ec2.vpc_endpoint";
    const RULES: &'static [(&'static str, Rule)] =
        &[("vpc", Rule::Immutable), ("service", Rule::Immutable), ("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Token;
    const TIMING: Timing = Timing::new(5, 20 * 60, 60);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        let call = cx.cloud.ec2.describe_vpc_endpoints();
        find(cx, call.set_filters(Some(of_cluster(cx.marks())))).await.map(Some)
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let call = cx.cloud.ec2.describe_vpc_endpoints();
        let call = match known {
            Some(known) => call.vpc_endpoint_ids(&known.id),
            None => call.set_filters(Some(of_object(cx))),
        };
        find(cx, call).await.map(pick)
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.ec2.create_vpc_endpoint().vpc_endpoint_type(VpcEndpointType::Gateway);
        let call = call.vpc_id(self.vpc.get()?).service_name(&self.service);
        let call = call.set_route_table_ids(Some(values(&self.route_tables)?));
        let call = call.client_token(cx.token());
        let call = call.tag_specifications(specify(ResourceType::VpcEndpoint, &self.tags));
        let made = call.send().await.reply("ec2:CreateVpcEndpoint")?;
        let id = made.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id);
        Ok(Started::made(Outputs { id: id.ok_or_else(|| missing("ec2:CreateVpcEndpoint", "id"))? }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let id = &live.outputs.id;
        if !diff.touches(&["route_tables"]) {
            return retag(cx.cloud, id, diff).await;
        }
        let (want, have) = (values(&self.route_tables)?, values(&live.spec.route_tables)?);
        let without = |of: &[String], those: &[String]| {
            let rest: Vec<_> = of.iter().filter(|id| !those.contains(id)).cloned().collect();
            (!rest.is_empty()).then_some(rest)
        };
        let call = cx.cloud.ec2.modify_vpc_endpoint().vpc_endpoint_id(id);
        let call = call.set_add_route_table_ids(without(&want, &have));
        let call = call.set_remove_route_table_ids(without(&have, &want));
        call.send().await.reply("ec2:ModifyVpcEndpoint").map(|_| Started::done())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let id = &live.outputs.id;
        let tables = values(&live.spec.route_tables)?;
        if !tables.is_empty() {
            // Moto 5.2 cannot delete one that was given route tables after it was made.
            let call = cx.cloud.ec2.modify_vpc_endpoint().vpc_endpoint_id(id);
            let call = call.set_remove_route_table_ids(Some(tables));
            return call.send().await.gone("ec2:ModifyVpcEndpoint");
        }
        let call = cx.cloud.ec2.delete_vpc_endpoints().vpc_endpoint_ids(id);
        let answer = call.send().await.reply("ec2:DeleteVpcEndpoints")?;
        let refused = answer.unsuccessful.unwrap_or_default().into_iter().find_map(|it| it.error);
        let Some(refused) = refused else { return Ok(Started::done()) };
        let code = refused.code.unwrap_or_default();
        if code.ends_with(".NotFound") {
            return Ok(Started::done());
        }
        let message = refused.message.unwrap_or_default();
        let kind = classify("ec2:DeleteVpcEndpoints", &code, &message, None);
        let operation = Some("ec2:DeleteVpcEndpoints".to_owned());
        Err(Error { operation, code: Some(code), ..Error::new(kind, message) })
    }
}

async fn find(
    cx: &Cx<'_, Aws>,
    call: DescribeVpcEndpointsFluentBuilder,
) -> Result<Vec<Live<VpcEndpoint>>> {
    let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let found = found.found("ec2:DescribeVpcEndpoints")?.unwrap_or_default();
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ours = tables(cx.cloud, of_cluster(cx.marks())).await?.into_iter();
    let address = |tags| Marks::address(&ec2_tags(tags));
    let addresses = ours.filter_map(|table| Some((table.route_table_id?, address(table.tags)?)));
    let addresses = addresses.collect();
    Ok(found.into_iter().filter_map(|found| live(cx.marks(), &addresses, found)).collect())
}

/// Maps a description; `addresses` are those of the route tables that carry our marks.
fn live(
    marks: &Marks,
    addresses: &HashMap<String, Address>,
    found: Found,
) -> Option<Live<VpcEndpoint>> {
    let state = found.state.as_ref().map(|state| state.as_str()).unwrap_or_default();
    let phase = match state.to_ascii_lowercase().as_str() {
        "deleted" => return None,
        "" | "available" => Phase::Ready,
        "failed" | "rejected" | "expired" => {
            let words = found.last_error.and_then(|error| error.message);
            Phase::Broken(given_up(words.or(Some(format!("it is {state}")))))
        }
        "partial" => Phase::Degraded(state.to_owned()),
        _ => Phase::Busy(state.to_owned()),
    };
    let outputs = Outputs { id: found.vpc_endpoint_id.unwrap_or_default() };
    let mut route_tables = found.route_table_ids.unwrap_or_default();
    route_tables.sort_by_key(|id| (!addresses.contains_key(id), addresses.get(id), id.clone()));
    let route_tables = all_known(Some(route_tables));
    Some(owned(marks, ec2_tags(found.tags), phase, outputs, |tags| VpcEndpoint {
        vpc: known(found.vpc_id),
        service: found.service_name.unwrap_or_default(),
        route_tables,
        tags,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours_ec2};
    use aws_sdk_ec2::types::State;

    #[test]
    fn route_tables_are_in_the_order_of_their_addresses_and_states_in_any_case() {
        let address = |id: &str, address: &str| (id.to_owned(), Address::from(address));
        let addresses = [address("rtb-2", "route-table/a"), address("rtb-1", "route-table/b")];
        let addresses = addresses.into();
        let found = |state: &str| {
            let found = Found::builder().vpc_endpoint_id("vpce-1").state(State::from(state));
            let found = found.route_table_ids("rtb-0").route_table_ids("rtb-1");
            let found = found.route_table_ids("rtb-2");
            live(&marks(), &addresses, found.set_tags(ours_ec2("endpoint/s3")).build())
        };
        let live = found("available").unwrap();
        assert_eq!(values(&live.spec.route_tables).unwrap(), ["rtb-2", "rtb-1", "rtb-0"]);
        assert_eq!(live.phase, Phase::Ready);
        assert!(matches!(found("Deleting").unwrap().phase, Phase::Busy(_)));
        assert!(found("Deleted").is_none());
    }
}
