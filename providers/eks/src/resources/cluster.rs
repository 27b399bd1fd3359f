//! The control plane.
//!
//! It takes one kind of change at a time and one minor version at a time. Who may create it and
//! whether EKS brings its own add-ons is decided when it is made and not told reliably later.
use super::update::{begun, failure, poll, words};
use crate::aws::{
    Aws, Reply, Tags, all_known, is_of_cluster, known, missing, own, owned, retag_eks, values,
};
use aws_sdk_eks::operation::update_cluster_config::builders::UpdateClusterConfigFluentBuilder;
use aws_sdk_eks::types::{
    AuthenticationMode, Cluster as Found, ClusterStatus, CreateAccessConfigRequest,
    EncryptionConfig, LogSetup, LogType, Logging, Provider, SupportType, UpdateAccessConfigRequest,
    UpgradePolicyRequest, VpcConfigRequest,
};
use provision_core::{
    Cx, Diff, Error, Identity, Input, Live, Marks, Operation, Phase, Progress, Resource, Result,
    Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The control plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// The Kubernetes version, as `1.35`.
    pub version: String,
    /// The ARN of the role it takes on.
    pub role: Input<String>,
    /// The subnets it reaches its nodes through. EKS never leaves the zones it began with.
    pub subnets: Vec<Input<String>>,
    /// Whether the API answers on the internet.
    pub public: bool,
    /// Whether the API answers in the network.
    pub private: bool,
    /// Who may reach the API from the internet; empty where nobody can.
    pub public_cidrs: BTreeSet<String>,
    /// What it logs.
    pub logs: BTreeSet<String>,
    /// Whom it lets in: `API` means access entries only.
    pub authentication: String,
    /// Whether whoever makes it is an administrator without an access entry of ours.
    pub creator_is_admin: bool,
    /// Whether EKS installs network, proxy and DNS itself when it is made.
    pub bootstrap_addons: bool,
    /// What happens at the end of standard support: `STANDARD` upgrades, `EXTENDED` costs. `None`
    /// leaves it as it is.
    pub support: Option<String>,
    /// The ARN of the key that encrypts secrets; a key is never exchanged or taken away.
    pub secrets_key: Option<Input<String>>,
    /// Its tags.
    pub tags: Tags,
}

/// Changes that take longer than others: another version, and the encryption of secrets that there are.
const SLOW: &[(&str, u64)] = &[("version", 12 * 60), ("secrets_key", 15 * 60)];

/// What EKS decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Where the API answers.
    pub endpoint: String,
    /// The certificate of the API's authority, in base64.
    pub certificate_authority: String,
    /// Who signs the tokens of its service accounts.
    pub issuer: String,
    /// The security group of control plane and nodes.
    pub security_group: String,
    /// The version it runs.
    pub version: String,
}

impl Resource for Cluster {
    const KIND: &'static str = "aws.eks.cluster";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("name", Rule::Immutable),
        ("role", Rule::Immutable),
        ("version", Rule::AtLeast),
        ("support", Rule::OnChange),
        ("subnets", Rule::CreateOnly),
        ("creator_is_admin", Rule::CreateOnly),
        ("bootstrap_addons", Rule::CreateOnly),
        ("tags", Rule::Tags),
    ];
    const IDENTITY: Identity = Identity::Name;
    const PRECIOUS: bool = true;
    const TIMING: Timing = Timing::new(5, 90 * 60, 30)
        .making(9 * 60)
        .changing(5 * 60)
        .changing_slowly(SLOW)
        .leaving(4 * 60);
    const GUARDED: bool = true;
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        let found = find(cx, &cx.marks().cluster).await?.into_iter();
        Ok(Some(found.filter(|live| is_of_cluster(cx.marks(), &live.spec.tags)).collect()))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        find(cx, &self.name).await
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let network = self.access().set_subnet_ids(Some(values(&self.subnets)?)).build();
        let access = CreateAccessConfigRequest::builder()
            .authentication_mode(AuthenticationMode::from(self.authentication.as_str()))
            .bootstrap_cluster_creator_admin_permissions(self.creator_is_admin);
        let call = cx.cloud.eks.create_cluster().name(&self.name).version(&self.version);
        let call = call.role_arn(self.role.get()?).resources_vpc_config(network);
        let call = call.access_config(access.build()).logging(self.logging(&BTreeSet::new()));
        let call = call.bootstrap_self_managed_addons(self.bootstrap_addons);
        let call = call.set_upgrade_policy(self.upgrades()).client_request_token(cx.token());
        let call = call.set_encryption_config(self.encryption()?);
        let call = call.set_tags(Some(self.tags.clone().into_iter().collect()));
        let made = call.send().await.reply("eks:CreateCluster")?.cluster;
        let made = made.ok_or_else(|| missing("eks:CreateCluster", "cluster"))?;
        Ok(Started::made(outputs(&made)))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let call = cx.cloud.eks.update_cluster_config().name(&self.name);
        if diff.touches(&["authentication"]) {
            let mode = AuthenticationMode::from(self.authentication.as_str());
            let access = UpdateAccessConfigRequest::builder().authentication_mode(mode).build();
            return self.send(call.access_config(access)).await;
        }
        if diff.touches(&["version"]) {
            let call = cx.cloud.eks.update_cluster_version().name(&self.name);
            let call = call.version(next(&live.spec.version, &self.version));
            let answer = call.send().await.reply("eks:UpdateClusterVersion");
            let answer = answer.map_err(|error| held(&self.name, error))?;
            return Ok(begun(&self.name, answer.update));
        }
        if diff.touches(&["public", "private", "public_cidrs"]) {
            return self.send(call.resources_vpc_config(self.access().build())).await;
        }
        if diff.touches(&["logs"]) {
            return self.send(call.logging(self.logging(&live.spec.logs))).await;
        }
        if diff.touches(&["support"]) {
            return self.send(call.set_upgrade_policy(self.upgrades())).await;
        }
        if diff.touches(&["secrets_key"]) {
            let call = cx.cloud.eks.associate_encryption_config().cluster_name(&self.name);
            let call = call.set_encryption_config(self.encryption()?);
            let answer = call.send().await.reply("eks:AssociateEncryptionConfig")?;
            return Ok(begun(&self.name, answer.update));
        }
        retag_eks(cx.cloud, &live.outputs.arn, diff).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.eks.delete_cluster().name(&live.spec.name);
        call.send().await.gone("eks:DeleteCluster")
    }

    async fn poll(cx: &Cx<'_, Aws>, operation: &Operation) -> Result<Progress> {
        poll(cx, operation).await
    }
}

impl Cluster {
    async fn send(&self, call: UpdateClusterConfigFluentBuilder) -> Result<Started<Outputs>> {
        let answer = call.send().await.reply("eks:UpdateClusterConfig")?;
        Ok(begun(&self.name, answer.update))
    }

    fn access(&self) -> aws_sdk_eks::types::builders::VpcConfigRequestBuilder {
        let cidrs = self.public.then(|| self.public_cidrs.iter().cloned().collect());
        VpcConfigRequest::builder()
            .endpoint_public_access(self.public)
            .endpoint_private_access(self.private)
            .set_public_access_cidrs(cidrs)
    }

    /// Switches on what is wanted, and off what is on and not wanted.
    fn logging(&self, live: &BTreeSet<String>) -> Logging {
        let setup = |types: Vec<&String>, enabled| {
            let types: Vec<_> = types.into_iter().map(|it| LogType::from(it.as_str())).collect();
            let setup = LogSetup::builder().enabled(enabled).set_types(Some(types.clone())).build();
            (!types.is_empty()).then_some(setup)
        };
        let on = setup(self.logs.iter().collect(), true);
        let off = setup(live.difference(&self.logs).collect(), false);
        let setups = on.into_iter().chain(off).collect();
        Logging::builder().set_cluster_logging(Some(setups)).build()
    }

    fn upgrades(&self) -> Option<UpgradePolicyRequest> {
        let support = SupportType::from(self.support.as_deref()?);
        Some(UpgradePolicyRequest::builder().support_type(support).build())
    }

    #[expect(deprecated, reason = "it decides nothing any more, and is still part of the request")]
    fn encryption(&self) -> Result<Option<Vec<EncryptionConfig>>> {
        let Some(key) = &self.secrets_key else { return Ok(None) };
        let provider = Provider::builder().key_arn(key.get()?).build();
        let config = EncryptionConfig::builder().resources("secrets").provider(provider).build();
        Ok(Some(vec![config]))
    }
}

async fn find(cx: &Cx<'_, Aws>, name: &str) -> Result<Option<Live<Cluster>>> {
    let found = cx.cloud.eks.describe_cluster().name(name).send().await;
    let cluster = found.found("eks:DescribeCluster")?.and_then(|answer| answer.cluster);
    Ok(cluster.map(|cluster| live(cx.marks(), cluster)))
}

/// Says what to do about an upgrade that EKS holds back for what it has found in the cluster.
fn held(cluster: &str, error: Error) -> Error {
    if error.code.as_deref() != Some("InvalidStateException") {
        return error;
    }
    error.hint(format!(
        "`aws eks list-insights --cluster-name {cluster}` tells what would break: mend that, have it \
         looked at again with `aws eks start-insights-refresh --cluster-name {cluster}`, and run the \
         same command again"
    ))
}

/// Returns the version one minor above `live`, or `wanted` where that is none.
fn next(live: &str, wanted: &str) -> String {
    let minor = |version: &str| version.strip_prefix("1.")?.parse::<u32>().ok();
    match (minor(live), minor(wanted)) {
        (Some(live), Some(wanted)) if live + 1 < wanted => format!("1.{}", live + 1),
        _ => wanted.to_owned(),
    }
}

fn outputs(cluster: &Found) -> Outputs {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let network = cluster.resources_vpc_config.as_ref();
    let oidc = cluster.identity.as_ref().and_then(|identity| identity.oidc.as_ref());
    let authority = cluster.certificate_authority.as_ref();
    Outputs {
        id: text(&cluster.name),
        arn: text(&cluster.arn),
        endpoint: text(&cluster.endpoint),
        certificate_authority: authority.map(|it| text(&it.data)).unwrap_or_default(),
        issuer: oidc.map(|oidc| text(&oidc.issuer)).unwrap_or_default(),
        security_group: network.map(|it| text(&it.cluster_security_group_id)).unwrap_or_default(),
        version: text(&cluster.version),
    }
}

fn phase(cluster: &Found) -> Phase {
    let issues = cluster.health.as_ref().and_then(|health| health.issues.clone());
    let issues = issues.unwrap_or_default().into_iter();
    let issues: Vec<_> = issues.map(|it| (it.code.map(|c| c.to_string()), it.message)).collect();
    match &cluster.status {
        Some(ClusterStatus::Active) if issues.is_empty() => Phase::Ready,
        Some(ClusterStatus::Active) => Phase::Degraded(words(&issues)),
        Some(ClusterStatus::Failed) => Phase::Broken(failure(issues, "EKS reports it as FAILED")),
        status => Phase::Busy(status.as_ref().map_or_else(String::new, ToString::to_string)),
    }
}

/// Names the fields that this answer leaves out, as simulators do.
fn unobserved(cluster: &Found) -> &'static [&'static str] {
    match (cluster.access_config.is_some(), cluster.upgrade_policy.is_some()) {
        (true, true) => &[],
        (true, false) => &["support"],
        (false, true) => &["authentication"],
        (false, false) => &["authentication", "support"],
    }
}

fn live(marks: &Marks, cluster: Found) -> Live<Cluster> {
    let (outputs, phase) = (outputs(&cluster), phase(&cluster));
    let unobserved = unobserved(&cluster);
    let network = cluster.resources_vpc_config;
    let public = network.as_ref().is_some_and(|it| it.endpoint_public_access);
    let private = network.as_ref().is_some_and(|it| it.endpoint_private_access);
    let (subnets, cidrs) = network.map(|it| (it.subnet_ids, it.public_access_cidrs)).unzip();
    let cidrs = cidrs.flatten().filter(|_| public).unwrap_or_default();
    let setups = cluster.logging.and_then(|logging| logging.cluster_logging);
    let setups = setups.unwrap_or_default().into_iter();
    let on = setups.filter(|setup| setup.enabled == Some(true)).filter_map(|setup| setup.types);
    let mode = cluster.access_config.and_then(|access| access.authentication_mode);
    let support = cluster.upgrade_policy.and_then(|policy| policy.support_type);
    let keys = cluster.encryption_config.unwrap_or_default().into_iter();
    let key = keys.filter_map(|config| config.provider?.key_arn).next();
    let tags = own(cluster.tags.into_iter().flatten());
    let mut live = owned(marks, tags, phase, outputs, |tags| Cluster {
        name: cluster.name.unwrap_or_default(),
        version: cluster.version.unwrap_or_default(),
        role: known(cluster.role_arn),
        subnets: all_known(subnets.flatten()),
        public,
        private,
        public_cidrs: cidrs.into_iter().collect(),
        logs: on.flatten().map(|log| log.to_string()).collect(),
        authentication: mode.map(|mode| mode.to_string()).unwrap_or_default(),
        creator_is_admin: false,
        bootstrap_addons: false,
        support: support.map(|support| support.to_string()),
        secrets_key: key.map(Input::Known),
        tags,
    });
    live.unobserved = unobserved;
    live
}

#[cfg(test)]
mod tests;
