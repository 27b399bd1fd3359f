//! A list of routes for subnets.
//!
//! Its routes and its associations are kinds of their own, read from the same description.
use crate::aws::{
    Aws, Reply, Tags, ec2_tags, known, missing, of_cluster, owned, pick, retag, specify, with_id,
};
use aws_sdk_ec2::types::{Filter, ResourceType, RouteTable as Found};
use provision_core::{
    Cx, Diff, Identity, Input, Live, Marks, Owner, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};

/// A list of routes for subnets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTable {
    /// The network.
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

impl Resource for RouteTable {
    const KIND: &'static str = "aws.ec2.route_table";
    const RULES: &'static [(&'static str, Rule)] =
        &[("vpc", Rule::Immutable), ("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Token;
    const TIMING: Timing = Timing::new(2, 20 * 60, 60);
    const GUARDED: bool = true;
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        find(cx, of_cluster(cx.marks())).await.map(Some)
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        find(cx, with_id(cx, "route-table-id", known.map(|o| o.id.as_str()))).await.map(pick)
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.ec2.create_route_table().vpc_id(self.vpc.get()?);
        let call = call.client_token(cx.token());
        let call = call.tag_specifications(specify(ResourceType::RouteTable, &self.tags));
        let made = call.send().await.reply("ec2:CreateRouteTable")?;
        let id = made.route_table.and_then(|table| table.route_table_id);
        Ok(Started::made(Outputs { id: id.ok_or_else(|| missing("ec2:CreateRouteTable", "id"))? }))
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
        let call = cx.cloud.ec2.delete_route_table().route_table_id(&live.outputs.id);
        call.send().await.gone("ec2:DeleteRouteTable")
    }
}

async fn find(cx: &Cx<'_, Aws>, filters: Vec<Filter>) -> Result<Vec<Live<RouteTable>>> {
    let found = tables(cx.cloud, filters).await?;
    Ok(found.into_iter().map(|table| live(cx.marks(), table)).collect())
}

/// Describes route tables with their routes and associations.
pub(super) async fn tables(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Found>> {
    let pages = aws.ec2.describe_route_tables().set_filters(Some(filters)).into_paginator();
    let found: Result<Vec<_>, _> = pages.items().send().collect().await;
    found.reply("ec2:DescribeRouteTables")
}

/// Returns the tables that are ours, whose parts go with them. Tables of another state may have the
/// name of our cluster too.
pub(super) async fn ours(cx: &Cx<'_, Aws>) -> Result<Vec<Found>> {
    let mut tables = tables(cx.cloud, of_cluster(cx.marks())).await?;
    tables.retain(|table| cx.marks().owner(&ec2_tags(table.tags.clone())) == Owner::Ours);
    Ok(tables)
}

fn live(marks: &Marks, table: Found) -> Live<RouteTable> {
    let outputs = Outputs { id: table.route_table_id.unwrap_or_default() };
    let vpc = known(table.vpc_id);
    let spec = |tags| RouteTable { vpc, tags };
    owned(marks, ec2_tags(table.tags), Phase::Ready, outputs, spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours_ec2};

    #[test]
    fn a_table_knows_its_network() {
        let found = Found::builder().route_table_id("rtb-1").vpc_id("vpc-1");
        let live = live(&marks(), found.set_tags(ours_ec2("route-table/public")).build());
        assert_eq!(live.spec.vpc, Input::Known("vpc-1".into()));
        assert_eq!(live.outputs.id, "rtb-1");
    }
}
