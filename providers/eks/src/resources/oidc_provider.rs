//! Lets the cluster's service accounts take on IAM roles.
//!
//! Its ARN follows from the issuer, so it is found without an id.
use super::role::{tag, tags};
use crate::aws::{Aws, Reply, Tags, owned};
use aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput as Found;
use provision_core::{
    Cx, Diff, Identity, Input, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Lets the cluster's service accounts take on IAM roles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// The address of whoever signs the accounts' tokens.
    pub issuer: Input<String>,
    /// Whom the tokens are for.
    pub audiences: BTreeSet<String>,
    /// Its tags.
    pub tags: Tags,
}

/// What IAM decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its ARN.
    pub id: String,
}

impl Resource for OidcProvider {
    const KIND: &'static str = "aws.iam.oidc_provider";
    const RULES: &'static [(&'static str, Rule)] =
        &[("issuer", Rule::Immutable), ("audiences", Rule::Immutable), ("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 20 * 60, 30);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let arn = match (known, self.issuer.get()) {
            (Some(known), _) => known.id.clone(),
            (None, Ok(issuer)) => arn(cx.cloud, issuer),
            (None, Err(_)) => return Ok(None),
        };
        let call = cx.cloud.iam.get_open_id_connect_provider();
        let found = call.open_id_connect_provider_arn(&arn).send().await;
        let found = found.found("iam:GetOpenIDConnectProvider")?;
        Ok(found.map(|found| live(cx.marks(), arn, found)))
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let issuer = self.issuer.get()?;
        let call = cx.cloud.iam.create_open_id_connect_provider().url(issuer);
        let call = call.set_client_id_list(Some(self.audiences.iter().cloned().collect()));
        let call = call.set_tags(Some(self.tags.iter().map(tag).collect::<Result<_>>()?));
        let made = call.send().await.reply("iam:CreateOpenIDConnectProvider")?;
        let id = made.open_id_connect_provider_arn.unwrap_or_else(|| arn(cx.cloud, issuer));
        Ok(Started::made(Outputs { id }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let (iam, arn) = (&cx.cloud.iam, &live.outputs.id);
        let change = diff.tags("tags");
        if change.set.is_empty() {
            let call = iam.untag_open_id_connect_provider().open_id_connect_provider_arn(arn);
            let call = call.set_tag_keys(Some(change.remove));
            let answer = call.send().await.reply("iam:UntagOpenIDConnectProvider");
            return answer.map(|_| Started::done());
        }
        let tags = change.set.iter().map(|(key, value)| tag((key, value)));
        let call = iam.tag_open_id_connect_provider().open_id_connect_provider_arn(arn);
        let call = call.set_tags(Some(tags.collect::<Result<_>>()?));
        call.send().await.reply("iam:TagOpenIDConnectProvider").map(|_| Started::done())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.iam.delete_open_id_connect_provider();
        let call = call.open_id_connect_provider_arn(&live.outputs.id);
        call.send().await.gone("iam:DeleteOpenIDConnectProvider")
    }
}

fn arn(aws: &Aws, issuer: &str) -> String {
    let host = issuer.trim_start_matches("https://");
    format!("arn:{}:iam::{}:oidc-provider/{host}", aws.partition, aws.account)
}

/// Maps the description, which tells the issuer without its scheme.
fn live(marks: &Marks, arn: String, found: Found) -> Live<OidcProvider> {
    let url = found.url.unwrap_or_default();
    let issuer = Input::Known(format!("https://{}", url.trim_start_matches("https://")));
    let audiences = found.client_id_list.unwrap_or_default().into_iter().collect();
    let spec = |tags| OidcProvider { issuer, audiences, tags };
    owned(marks, tags(found.tags), Phase::Ready, Outputs { id: arn }, spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::marks;

    #[test]
    fn the_issuer_gets_its_scheme_back() {
        let found = Found::builder().url("oidc.eks.us-east-1.amazonaws.com/id/A").build();
        let live = live(&marks(), "arn".into(), found);
        let issuer = "https://oidc.eks.us-east-1.amazonaws.com/id/A".to_owned();
        assert_eq!(live.spec.issuer, Input::Known(issuer));
    }
}
