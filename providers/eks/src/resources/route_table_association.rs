//! Which route table a subnet uses.
//!
//! It carries no tags, and moving a subnet to another table gives it a new id.
use super::route_table::{ours, tables};
use crate::aws::{Aws, Reply, filter, given_up, inherited, known, missing};
use aws_sdk_ec2::types::{
    RouteTable, RouteTableAssociation as Found, RouteTableAssociationStateCode as State,
};
use provision_core::{
    Cx, Diff, Identity, Input, Live, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};

/// Which route table a subnet uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTableAssociation {
    /// The subnet; it uses one table at a time.
    pub subnet: Input<String>,
    /// The route table.
    pub route_table: Input<String>,
}

/// What EC2 decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its id.
    pub id: String,
}

impl Resource for RouteTableAssociation {
    const KIND: &'static str = "aws.ec2.route_table_association";
    const RULES: &'static [(&'static str, Rule)] = &[("subnet", Rule::Immutable)];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 20 * 60, 60);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        Ok(Some(ours(cx).await?.into_iter().flat_map(live).collect()))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let Ok(subnet) = self.subnet.get() else { return Ok(None) };
        let tables = tables(cx.cloud, vec![filter("association.subnet-id", subnet)]).await?;
        let mut all = tables.into_iter().flat_map(live);
        Ok(all.find(|live| live.spec.subnet == self.subnet))
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.ec2.associate_route_table().subnet_id(self.subnet.get()?);
        let call = call.route_table_id(self.route_table.get()?);
        let made = call.send().await.reply("ec2:AssociateRouteTable")?.association_id;
        let id = made.ok_or_else(|| missing("ec2:AssociateRouteTable", "id"))?;
        Ok(Started::made(Outputs { id }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        _: &Diff,
    ) -> Result<Started<Outputs>> {
        let call = cx.cloud.ec2.replace_route_table_association();
        let call = call.association_id(&live.outputs.id).route_table_id(self.route_table.get()?);
        call.send().await.reply("ec2:ReplaceRouteTableAssociation").map(|_| Started::done())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.ec2.disassociate_route_table().association_id(&live.outputs.id);
        call.send().await.gone("ec2:DisassociateRouteTable")
    }
}

/// Maps the associations with subnets; that of the network's main table has none.
fn live(table: RouteTable) -> Vec<Live<RouteTableAssociation>> {
    let all = table.associations.unwrap_or_default().into_iter();
    all.filter(|found| found.subnet_id.is_some()).filter_map(one).collect()
}

fn one(found: Found) -> Option<Live<RouteTableAssociation>> {
    let state = found.association_state;
    let words = state.as_ref().and_then(|state| state.status_message.clone());
    let phase = match state.and_then(|state| state.state) {
        Some(State::Disassociated) => return None,
        Some(State::Failed) => Phase::Broken(given_up(words)),
        None | Some(State::Associated) => Phase::Ready,
        Some(state) => Phase::Busy(state.to_string()),
    };
    let outputs = Outputs { id: found.route_table_association_id.unwrap_or_default() };
    let (subnet, route_table) = (known(found.subnet_id), known(found.route_table_id));
    Some(inherited(phase, outputs, RouteTableAssociation { subnet, route_table }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_association_is_not_one_of_a_subnet() {
        let main = Found::builder().main(true).route_table_association_id("rtbassoc-0").build();
        let of_subnet = Found::builder().route_table_association_id("rtbassoc-1");
        let of_subnet = of_subnet.subnet_id("subnet-1").route_table_id("rtb-1").build();
        let all = live(RouteTable::builder().associations(main).associations(of_subnet).build());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].outputs.id, "rtbassoc-1");
    }
}
