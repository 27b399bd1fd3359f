//! Where AWS answers, and whose credentials are used.
use crate::assume::{AssumeRole, working_as};
use crate::aws::{Aws, Endpoints, Reply, causes, client, missing};
use crate::facts::ASSUME_ROLE;
use crate::resources::drivers;
use crate::section::Section;
use crate::token::Signer;
use crate::wire::{self, explained, without_password};
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_types::service_config::ServiceConfigKey;
use futures::future::BoxFuture;
use provision_core::{Drivers, Error, Facts, Kind, Result, Scope, World};
use provision_kubernetes::{Kubernetes, Way as Outwards};
use provision_spec::{ClusterSpec, Entrance, Opened, Simulation, Target, Token};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The services, by the names that `PROVISION_ENDPOINT_…` and AWS's own configuration know.
const SERVICES: [(&str, &str); 9] = [
    ("EKS", "EKS"),
    ("EC2", "EC2"),
    ("IAM", "IAM"),
    ("STS", "STS"),
    ("KMS", "KMS"),
    ("LOGS", "CloudWatch Logs"),
    ("ELB", "Elastic Load Balancing"),
    ("ELBV2", "Elastic Load Balancing v2"),
    ("AUTOSCALING", "Auto Scaling"),
];

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
        (Kind::Retry, None) => unreachable(&endpoints, error),
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
fn unreachable(endpoints: &Endpoints, error: Error) -> Error {
    let again = "run the same command again when";
    error.hint(match endpoints.0.get("STS") {
        Some(url) => format!("{again} {} answers", without_password(url)),
        None => format!(
            "{again} AWS can be reached; where the way leads through a proxy, HTTPS_PROXY names it"
        ),
    })
}

/// Says what to do where AWS does not know the caller: outside the first partition it may know them
/// elsewhere.
fn unknown_caller(region: &str, error: Error) -> Error {
    let partition = crate::names::partition(region).unwrap_or("aws");
    match error.kind {
        Kind::Denied => Error { kind: Kind::Auth, ..error },
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
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (endpoints, world) = endpoints(env, &config)?;
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
    let partition = crate::names::partition(region)?;
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
    let none = |why: &str| Error::new(Kind::Auth, format!("there are no AWS credentials{why}"));
    let provider = config.credentials_provider().ok_or_else(|| none(""))?;
    let asked = provider.provide_credentials().await;
    asked.map(drop).map_err(|error| none(&format!(": {}", explained(causes(&error)))))
}

/// Returns where a client of AWS's own making would look for a service: in the environment, in
/// the profile's section for that service, or in the profile.
fn configured(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service);
    let key = key.env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok()?;
    let own = config.service_config().and_then(|all| all.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}

/// Finds the services that do not answer at the vendor's own address, and in which world that is.
fn endpoints(
    env: impl Fn(&str) -> Option<String>,
    config: &SdkConfig,
) -> Result<(Endpoints, World)> {
    let mut found = BTreeMap::new();
    for (name, service) in SERVICES {
        let ours = env(&format!("PROVISION_ENDPOINT_{name}"));
        let url = ours.or_else(|| configured(config, service));
        if let Some(url) = url {
            let local = is_loopback(&url);
            if url.starts_with("http://") && !local {
                return Err(Error::invalid(format!(
                    "endpoint {} of {name} must be https: plain http is for this machine only",
                    without_password(&url)
                )));
            }
            found.insert(name, (url, local));
        }
    }
    let (here, elsewhere): (Vec<_>, Vec<_>) = SERVICES
        .iter()
        .map(|(name, _)| *name)
        .partition(|name| found.get(name).is_some_and(|(_, local)| *local));
    let world = match (here.is_empty(), elsewhere.is_empty()) {
        (true, _) => World::Vendor,
        (false, true) => World::Loopback,
        (false, false) => {
            return Err(Error::invalid(format!(
                "endpoints of {} are on this machine and those of {} are not: set all of them, \
                 or AWS_ENDPOINT_URL",
                here.join(", "),
                elsewhere.join(", ")
            )));
        }
    };
    let urls = found.into_iter().map(|(name, (url, _))| (name, url)).collect();
    Ok((Endpoints(urls), world))
}

/// Tells whether a URL leads to this machine.
fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use aws_types::service_config::LoadServiceConfig;

    /// A profile with a section that names addresses of services.
    #[derive(Debug)]
    struct Services(Vec<(&'static str, &'static str)>);

    impl LoadServiceConfig for Services {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            let mut all = self.0.iter().filter(|(name, _)| *name == key.service_id());
            all.next().map(|(_, url)| (*url).to_owned())
        }
    }

    /// Clients that reach nothing.
    pub(crate) fn nowhere() -> Aws {
        unconnected(&super::nowhere())
    }

    fn found(set: &[(&str, &str)], common: Option<&str>) -> Result<(Endpoints, World)> {
        let env = |name: &str| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let mut config = SdkConfig::builder();
        config.set_endpoint_url(common.map(str::to_owned));
        endpoints(env, &config.build())
    }

    fn of_services(services: &[(&'static str, &'static str)]) -> Result<(Endpoints, World)> {
        let config = SdkConfig::builder().service_config(Services(services.to_vec()));
        endpoints(|_| None, &config.build())
    }

    #[test]
    fn a_section_of_services_is_held_to_the_same_rules() {
        let vpce = "https://vpce-1.eks.us-east-1.vpce.amazonaws.com";
        let (urls, world) = of_services(&[("EKS", vpce)]).unwrap();
        assert_eq!((urls.0["EKS"].as_str(), world), (vpce, World::Vendor));
        let error = of_services(&[("CloudWatch Logs", "http://10.0.0.1")]).unwrap_err();
        assert!(error.message.contains("of LOGS must be https"), "{error}");
        let error = of_services(&[("KMS", "http://127.0.0.1:1")]).unwrap_err();
        assert!(error.message.starts_with("endpoints of KMS are on this machine"), "{error}");
    }

    #[test]
    fn a_region_of_another_partition_is_refused() {
        same_partition("us-gov-west-1", "aws-us-gov").unwrap();
        let error = same_partition("cn-north-1", "aws").unwrap_err();
        assert!(error.message.contains("in partition aws-cn"), "{error}");
        assert!(same_partition("moon-base-1", "aws").is_err());
    }

    #[test]
    fn endpoints_on_this_machine_are_another_world() {
        assert_eq!(found(&[], None).unwrap().1, World::Vendor);
        let (urls, world) = found(&[], Some("http://127.0.0.1:5000")).unwrap();
        assert_eq!((urls.0.len(), world), (9, World::Loopback));
        let own = ("PROVISION_ENDPOINT_EKS", "http://[::1]:1");
        let (urls, _) = found(&[own], Some("http://localhost:5000/")).unwrap();
        assert_eq!(urls.0["EKS"], "http://[::1]:1");
    }

    #[test]
    fn half_of_the_endpoints_on_this_machine_is_a_mistake() {
        let error = found(&[("PROVISION_ENDPOINT_EC2", "http://127.0.0.1:1")], None).unwrap_err();
        assert!(error.message.starts_with("endpoints of EC2 are on this machine"), "{error}");
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for url in ["http://eks.example.com", "http://127.0.0.1.example.com", "http://10.0.0.1"] {
            assert!(found(&[], Some(url)).unwrap_err().message.contains("must be https"), "{url}");
        }
        let error = found(&[], Some("http://me:s3cret@eks.example.com")).unwrap_err();
        assert!(error.message.starts_with("endpoint http://eks.example.com of"), "{error}");
        assert!(
            is_loopback("http://user@127.0.0.2:80/x") && !is_loopback("http://a@b:80/127.0.0.1")
        );
    }

    #[test]
    fn every_kind_is_known_without_a_network() {
        assert_eq!(kinds().len(), 28);
    }
}
