//! A key's name.
//!
//! It carries no tags, so it is as much ours as the key it points to.
use super::key::tags_of;
use crate::aws::{Aws, Reply};
use crate::names;
use provision_core::{
    Cx, Diff, Identity, Input, Live, Owner, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};

/// A key's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyAlias {
    /// The name, which begins with `alias/`.
    pub name: String,
    /// The id of the key.
    pub key: Input<String>,
}

/// What follows from the name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// The name.
    pub id: String,
}

impl Resource for KeyAlias {
    const KIND: &'static str = "aws.kms.key_alias";
    const RULES: &'static [(&'static str, Rule)] = &[("name", Rule::Immutable)];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 20 * 60, 30);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        let found = find(cx, &names::key_alias(&cx.marks().cluster)).await?.into_iter();
        Ok(Some(found.filter(|live| live.owner == Owner::Ours).collect()))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        find(cx, &self.name).await
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.kms.create_alias().alias_name(&self.name);
        call.target_key_id(self.key.get()?).send().await.reply("kms:CreateAlias")?;
        Ok(Started::made(Outputs { id: self.name.clone() }))
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>, _: &Diff) -> Result<Started<Outputs>> {
        let call = cx.cloud.kms.update_alias().alias_name(&self.name);
        let call = call.target_key_id(self.key.get()?);
        call.send().await.reply("kms:UpdateAlias").map(|_| Started::done())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.kms.delete_alias().alias_name(&live.spec.name);
        call.send().await.gone("kms:DeleteAlias")
    }
}

async fn find(cx: &Cx<'_, Aws>, name: &str) -> Result<Option<Live<KeyAlias>>> {
    let found = cx.cloud.kms.describe_key().key_id(name).send().await;
    let found = found.found("kms:DescribeKey")?.and_then(|answer| answer.key_metadata);
    let Some(key) = found else { return Ok(None) };
    let tags = tags_of(cx.cloud, &key.key_id).await?.unwrap_or_default();
    Ok(Some(live(name, key.key_id, cx.owner(&tags))))
}

fn live(name: &str, key: String, owner: Owner) -> Live<KeyAlias> {
    let spec = KeyAlias { name: name.to_owned(), key: Input::Known(key) };
    let outputs = Outputs { id: name.to_owned() };
    Live { address: None, spec, outputs, phase: Phase::Ready, owner, unobserved: &[] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_id() {
        let live = live("alias/provision/acme", "k".into(), Owner::Ours);
        assert_eq!(live.outputs.id, live.spec.name);
    }
}
