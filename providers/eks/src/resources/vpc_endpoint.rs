//! A way to an AWS service that does not leave the network.
//!
//! Deleting answers 200 even when it failed; the body tells. EC2 lists its route tables in any
//! order, so they are compared in the order in which they are wanted, which a listing cannot
//! know: it is read one by one.
use crate::aws::{
    Aws, Reply, Tags, ec2_tags, in_order_of, known, missing, of_object, owned, pick, retag,
    specify, values,
};
use crate::classify::classify;
use aws_sdk_ec2::types::{ResourceType, VpcEndpoint as Found, VpcEndpointType};
use provision_core::{
    Cx, Diff, Error, Identity, Input, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};

/// A way to an AWS service, through route tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcEndpoint {
    /// The network.
    pub vpc: Input<String>,
    /// The service, such as `com.amazonaws.us-east-1.s3`.
    pub service: String,
    /// The route tables that lead there.
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

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let call = cx.cloud.ec2.describe_vpc_endpoints();
        let call = match known {
            Some(known) => call.vpc_endpoint_ids(&known.id),
            None => call.set_filters(Some(of_object(cx))),
        };
        let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let found = found.found("ec2:DescribeVpcEndpoints")?.unwrap_or_default().into_iter();
        let lives = found.filter_map(|found| live(cx.marks(), &self.route_tables, found));
        Ok(pick(lives.collect()))
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

fn live(marks: &Marks, wanted: &[Input<String>], found: Found) -> Option<Live<VpcEndpoint>> {
    let state = found.state.as_ref().map(|state| state.as_str()).unwrap_or_default();
    let phase = match state.to_ascii_lowercase().as_str() {
        "deleted" => return None,
        "" | "available" => Phase::Ready,
        "failed" | "rejected" | "expired" => {
            let words = found.last_error.and_then(|error| error.message);
            Phase::Broken(Error::invalid(words.unwrap_or_else(|| format!("it is {state}"))))
        }
        "partial" => Phase::Degraded(state.to_owned()),
        _ => Phase::Busy(state.to_owned()),
    };
    let outputs = Outputs { id: found.vpc_endpoint_id.unwrap_or_default() };
    let route_tables = in_order_of(wanted, found.route_table_ids.unwrap_or_default());
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
    fn route_tables_compare_as_a_set_and_states_in_any_case() {
        let wanted = ["rtb-2", "rtb-1"].map(|id| Input::Known(id.to_owned()));
        let found = |state: &str| {
            let found = Found::builder().vpc_endpoint_id("vpce-1").state(State::from(state));
            let found = found.route_table_ids("rtb-1").route_table_ids("rtb-2");
            live(&marks(), &wanted, found.set_tags(ours_ec2("endpoint/s3")).build())
        };
        let live = found("available").unwrap();
        assert_eq!((live.spec.route_tables.as_slice(), live.phase), (&wanted[..], Phase::Ready));
        assert!(matches!(found("Deleting").unwrap().phase, Phase::Busy(_)));
        assert!(found("Deleted").is_none());
    }
}
