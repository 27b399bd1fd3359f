//! Whose credentials are used, and what they open.
use crate::assume::{AssumeRole, working_as};
use crate::aws::{Aws, Endpoints, Reply, client, missing};
use crate::endpoints::{self, SERVICES};
use crate::facts::ASSUME_ROLE;
use crate::names;
use crate::removal;
use crate::resources::drivers;
use crate::section::Section;
use crate::token::{Signer, lost};
use crate::wire::{self, without_password};
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use futures::future::BoxFuture;
use provision_core::{Drivers, Error, Facts, Kind, Plan, Result, Scope, World};
use provision_kubernetes::{Kubernetes, Way as Outwards};
use provision_spec::{ClusterSpec, Entrance, Opened, Simulation, Target, Token};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How the file, or else the record, says to get in.
struct Way {
    role: Option<AssumeRole>,
    /// The account that the cluster is in, as far as somebody says so.
    account: Option<String>,
}

/// AWS with credentials in hand.
pub(crate) struct Session {
    aws: Arc<Aws>,
    drivers: Drivers,
    scope: Scope,
    caller: String,
    signer: Signer,
    outwards: Outwards,
}

/// Finds credentials and endpoints, and asks whose they are.
pub(crate) async fn connect(target: &Target<'_>) -> Result<Session> {
    let way = Way::to(target)?;
    let (config, endpoints, world, outwards) = match &target.simulation {
        Some(simulation) => {
            let (config, endpoints, world) = simulated(&target.region, &way, simulation);
            (config, endpoints, world, Outwards::default())
        }
        None => {
            let outwards = wire::of_environment()?;
            let (config, endpoints, world) = conventional(&target.region, &outwards).await?;
            (config, endpoints, world, outwards)
        }
    };
    let config = match way.role {
        Some(role) => working_as(role, target.cluster, &config, &endpoints),
        None => config,
    };
    let sts = client!(aws_sdk_sts, &config, &endpoints, "STS");
    let answer = sts.get_caller_identity().send().await.reply("sts:GetCallerIdentity");
    let identity = answer.map_err(|error| match (error.kind, &error.code) {
        (Kind::Retry, None) => unreachable(&endpoints, &target.region, error),
        _ => unknown_caller(&target.region, error),
    })?;
    let untold = |what: &str| missing("sts:GetCallerIdentity", what);
    let account = identity.account.ok_or_else(|| untold("account"))?;
    let caller = identity.arn.ok_or_else(|| untold("ARN"))?;
    let partition = caller.split(':').nth(1).unwrap_or("aws").to_owned();
    tracing::debug!(%caller, %world, "connected to AWS");
    let aws = Aws::new(&config, &endpoints, &account, &partition);
    let aws = Arc::new(Aws { removal: target.removal, ..aws });
    let removes = target.removal.is_some();
    let kubernetes = Kubernetes::new(Signer::new(&config), outwards.clone(), removes);
    let (drivers, signer) = (drivers(&aws, &Arc::new(kubernetes)), Signer::new(&config));
    let place = [("account", account), ("partition", partition), ("region", target.region.clone())];
    let place = place.map(|(key, value)| (key.to_owned(), value)).into();
    let scope = Scope { world, place };
    Ok(Session { aws, drivers, scope, caller, signer, outwards })
}

/// Makes a token with the credentials of the environment, or of a role.
pub(crate) async fn token(entrance: &Entrance) -> Result<Token> {
    let Entrance { cluster, region, role, word } = entrance;
    let (config, endpoints, _) = conventional(region, &wire::of_environment()?).await?;
    let role = AssumeRole { arn: role.clone(), external_id: word.clone() };
    let config = match role.arn.is_empty() {
        true => config,
        false => working_as(role, cluster, &config, &endpoints),
    };
    Signer::new(&config).lasting(cluster).await
}

/// Says who does not answer, and what may be in the way.
fn unreachable(endpoints: &Endpoints, region: &str, error: Error) -> Error {
    let again = "run the same command again when";
    error.hint(match endpoints.0.get("STS") {
        Some(url) => format!("{again} {} answers", without_password(url)),
        None => {
            let named = match names::is_always_on(region) {
                true => String::new(),
                false => format!(", where {region} must be the name of a region"),
            };
            format!(
                "{again} AWS can be reached{named}; where the way leads through a proxy, HTTPS_PROXY \
                 names it"
            )
        }
    })
}

/// Says what to do where AWS does not know the caller: in another partition, or a region that the
/// account has not enabled, it does not know those of elsewhere.
fn unknown_caller(region: &str, error: Error) -> Error {
    let partition = names::partition(region).unwrap_or("aws");
    match error.kind {
        Kind::Denied => Error { kind: Kind::Auth, ..error },
        Kind::Auth if error.hint.is_none() && !names::is_always_on(region) && partition == "aws" => {
            error.hint(format!(
                "get fresh credentials and run the same command again; where they are good elsewhere, \
                 `aws account enable-region --region-name {region}` lets the account in"
            ))
        }
        Kind::Auth if error.hint.is_none() && partition != "aws" => error.hint(format!(
            "get credentials of partition {partition}, where region {region} is and which has \
             accounts of its own, and run the same command again"
        )),
        _ => error,
    }
}

/// Returns how long one call may take: the engine, which makes it again, is to hear of it.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(30))
        .build()
}

/// Finds credentials and endpoints by the vendor's conventions.
async fn conventional(region: &str, way: &Outwards) -> Result<(SdkConfig, Endpoints, World)> {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(wire::client(way).await?)
        .load()
        .await;
    // An empty variable is none, as to AWS's own command; the SDK takes it for an address.
    let config = match config.endpoint_url() {
        Some("") => {
            let mut config = config.to_builder();
            config.set_endpoint_url(None);
            config.build()
        }
        _ => config,
    };
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (endpoints, world) = endpoints::find(env, &config)?;
    has_credentials(&config).await?;
    Ok((config, endpoints, world))
}

/// Points every service at a simulation; nothing of the caller's own configuration is read. There
/// the caller is in the cluster's account, unless a role leads to it.
fn simulated(region: &str, way: &Way, simulation: &Simulation) -> (SdkConfig, Endpoints, World) {
    let account = way.account.as_deref().filter(|_| way.role.is_none());
    let (id, secret) = (simulation.credential)(account);
    let credentials = Credentials::new(id, secret, None, None, "sandbox");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(wire::local())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let urls = SERVICES.map(|(name, _)| (name, simulation.url.clone()));
    (config, Endpoints(urls.into()), World::Sandbox)
}

/// Returns the kinds with clients that reach nothing.
pub(crate) fn kinds() -> Drivers {
    let config = nowhere();
    let kubernetes = Kubernetes::new(Signer::new(&config), Outwards::default(), false);
    drivers(&Arc::new(unconnected(&config)), &Arc::new(kubernetes))
}

fn nowhere() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .build()
}

fn unconnected(config: &SdkConfig) -> Aws {
    Aws::new(config, &Endpoints::default(), "", "aws")
}

impl Way {
    fn to(target: &Target<'_>) -> Result<Self> {
        let Some(spec) = target.spec else {
            let account = target.scope.and_then(|scope| scope.place.get("account")).cloned();
            return Ok(Self { role: target.recorded.get(ASSUME_ROLE), account });
        };
        let section = Section::of(spec).map_err(|e| Error::invalid(e.to_string()))?;
        Ok(Self { role: section.assume_role, account: section.account })
    }
}

impl provision_spec::Session for Session {
    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn caller(&self) -> &str {
        &self.caller
    }

    fn drivers(&self) -> &Drivers {
        &self.drivers
    }

    fn open<'a>(&'a self, cluster: &'a str) -> BoxFuture<'a, Result<Option<Opened>>> {
        Box::pin(async move {
            let found = self.aws.eks.describe_cluster().name(cluster).send().await;
            let found = found.found("eks:DescribeCluster")?.and_then(|answer| answer.cluster);
            let Some((endpoint, authority)) =
                found.and_then(|it| it.endpoint.zip(it.certificate_authority?.data))
            else {
                return Ok(None);
            };
            let Outwards { proxy, direct } = self.outwards.clone();
            let token = self.signer.lasting(cluster).await?.text;
            let (id, certificate_authority) = (cluster.to_owned(), authority);
            Ok(Some(Opened { id, endpoint, certificate_authority, token, proxy, direct }))
        })
    }

    fn check_removal<'a>(&'a self, cluster: &'a str, plan: &'a Plan) -> BoxFuture<'a, Result<()>> {
        Box::pin(removal::check(&self.aws, cluster, plan))
    }

    fn resolve<'a>(
        &'a self,
        spec: &'a ClusterSpec,
        recorded: &'a Facts,
    ) -> BoxFuture<'a, Result<Facts>> {
        Box::pin(async move {
            let section = Section::of(spec).map_err(|e| Error::invalid(e.to_string()))?;
            same_partition(&spec.region, &self.aws.partition)?;
            let ours = &self.aws.account;
            if let Some(wanted) = section.account.as_ref().filter(|wanted| *wanted != ours) {
                let message = format!(
                    "the cluster belongs to account {wanted}, and the credentials to account {ours}"
                );
                return Err(Error::invalid(message).hint(format!(
                    "use credentials of account {wanted}, take on a role there with \
                     eks.assumeRole, or mend eks.account"
                )));
            }
            let mut facts =
                crate::facts::resolve(&self.aws, spec, &section, &self.caller, recorded).await?;
            match section.assume_role {
                Some(role) => drop(facts.recorded.insert(ASSUME_ROLE.into(), json!(role))),
                None => drop(facts.recorded.remove(ASSUME_ROLE)),
            }
            Ok(facts)
        })
    }
}

/// Checks that the caller is in the partition of a region.
fn same_partition(region: &str, theirs: &str) -> Result<()> {
    let partition = names::partition(region)?;
    if partition == theirs {
        return Ok(());
    }
    let message =
        format!("region {region} is in partition {partition}, and the caller is of {theirs}");
    Err(Error::invalid(message).hint(format!(
        "partitions have no accounts in common: name a region of {theirs}, or use an account of \
         {partition}"
    )))
}

/// Asks for credentials once, so that having none is told as that and not as a failed call.
async fn has_credentials(config: &SdkConfig) -> Result<()> {
    let none = || Error::new(Kind::Auth, "there are no AWS credentials");
    let provider = config.credentials_provider().ok_or_else(none)?;
    provider.provide_credentials().await.map(drop).map_err(|error| lost(&error))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Clients that reach nothing.
    pub(crate) fn nowhere() -> Aws {
        unconnected(&super::nowhere())
    }

    #[test]
    fn a_region_of_another_partition_is_refused() {
        same_partition("us-gov-west-1", "aws-us-gov").unwrap();
        let error = same_partition("cn-north-1", "aws").unwrap_err();
        assert!(error.message.contains("in partition aws-cn"), "{error}");
        assert!(same_partition("moon-base-1", "aws").is_err());
    }

    #[test]
    fn every_kind_is_known_without_a_network() {
        assert_eq!(kinds().len(), 30);
    }
}
