//! Lets the cluster's service accounts take on IAM roles.
//!
//! Its ARN follows from the issuer, so it is found without an id.
use super::role::{tag, tags};
use crate::aws::{Aws, Reply, Tags, is_of_cluster, owned};
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

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        let found = cx.cloud.iam.list_open_id_connect_providers().send().await;
        let found = found.reply("iam:ListOpenIDConnectProviders")?;
        let all = found.open_id_connect_provider_list.unwrap_or_default().into_iter();
        let of_region = |arn: &String| is_of_region(arn, &cx.cloud.region);
        let mut ours = Vec::new();
        for arn in all.filter_map(|provider| provider.arn).filter(of_region) {
            let found = find(cx, arn).await?;
            ours.extend(found.filter(|live| is_of_cluster(cx.marks(), &live.spec.tags)));
        }
        Ok(Some(ours))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, known: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        match place(cx.cloud, known, &self.issuer) {
            Some(arn) => find(cx, arn).await,
            None => Ok(None),
        }
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

async fn find(cx: &Cx<'_, Aws>, arn: String) -> Result<Option<Live<OidcProvider>>> {
    let call = cx.cloud.iam.get_open_id_connect_provider();
    let found = call.open_id_connect_provider_arn(&arn).send().await;
    let found = found.found("iam:GetOpenIDConnectProvider")?;
    Ok(found.map(|found| live(cx.marks(), arn, found)))
}

/// Tells whether a provider may be one of EKS in a region; any other is not worth a question.
fn is_of_region(arn: &str, region: &str) -> bool {
    arn.contains("eks") && arn.contains(region)
}

/// Returns the ARN to ask for; none while the cluster has no issuer yet.
fn place(aws: &Aws, known: Option<&Outputs>, issuer: &Input<String>) -> Option<String> {
    match (known, issuer.get()) {
        (Some(known), _) => Some(known.id.clone()),
        (None, Ok(issuer)) => (!issuer.is_empty()).then(|| arn(aws, issuer)),
        (None, Err(_)) => None,
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
    use crate::aws::Endpoints;
    use crate::aws::tests::marks;
    use aws_config::{BehaviorVersion, SdkConfig};

    #[test]
    fn a_cluster_without_an_issuer_has_no_provider() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let aws = Aws::new(&config, &Endpoints::default(), "1", "aws");
        let place = |issuer: &str| place(&aws, None, &Input::Known(issuer.to_owned()));
        assert_eq!(place(""), None);
        assert_eq!(place("https://a/id/B").as_deref(), Some("arn:aws:iam::1:oidc-provider/a/id/B"));
    }

    #[test]
    fn providers_of_others_are_not_asked_about() {
        let arn = "arn:aws:iam::1:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/A";
        assert!(is_of_region(arn, "us-east-1") && !is_of_region(arn, "eu-west-1"));
        assert!(!is_of_region("arn:aws:iam::1:oidc-provider/accounts.google.com", "us-east-1"));
    }

    #[test]
    fn the_issuer_gets_its_scheme_back() {
        let found = Found::builder().url("oidc.eks.us-east-1.amazonaws.com/id/A").build();
        let live = live(&marks(), "arn".into(), found);
        let issuer = "https://oidc.eks.us-east-1.amazonaws.com/id/A".to_owned();
        assert_eq!(live.spec.issuer, Input::Known(issuer));
    }
}
