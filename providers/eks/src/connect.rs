//! Where AWS answers, and whose credentials are used.
use crate::aws::{Aws, Endpoints, Reply, causes, client, missing};
use crate::resources::drivers;
use crate::section::Section;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::ProvideCredentials;
use futures::future::BoxFuture;
use provision_core::{Drivers, Error, Facts, Kind, Result, Scope, World};
use provision_spec::{ClusterSpec, Target};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The services, by the name that `PROVISION_ENDPOINT_…` and `AWS_ENDPOINT_URL_…` know them.
const SERVICES: [(&str, &str); 6] = [
    ("EKS", "EKS"),
    ("EC2", "EC2"),
    ("IAM", "IAM"),
    ("STS", "STS"),
    ("KMS", "KMS"),
    ("LOGS", "CLOUDWATCH_LOGS"),
];

/// AWS with credentials in hand.
pub(crate) struct Session {
    aws: Arc<Aws>,
    drivers: Drivers,
    scope: Scope,
    caller: String,
}

/// Finds credentials and endpoints by the vendor's conventions, and asks whose they are.
pub(crate) async fn connect(target: &Target) -> Result<Session> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(30));
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(target.region.clone()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .load()
        .await;
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (endpoints, world) = endpoints(env, config.endpoint_url())?;
    has_credentials(&config).await?;
    let sts = client!(aws_sdk_sts, &config, &endpoints, "STS");
    let answer = sts.get_caller_identity().send().await.reply("sts:GetCallerIdentity");
    let identity = answer.map_err(|error| match error.kind {
        Kind::Denied => Error { kind: Kind::Auth, ..error },
        _ => error,
    })?;
    let untold = |what: &str| missing("sts:GetCallerIdentity", what);
    let account = identity.account.ok_or_else(|| untold("account"))?;
    let caller = identity.arn.ok_or_else(|| untold("ARN"))?;
    let partition = caller.split(':').nth(1).unwrap_or("aws").to_owned();
    tracing::debug!(%caller, %world, "connected to AWS");
    let aws = Arc::new(Aws::new(&config, &endpoints, &account, &partition));
    let place = [("account", account), ("partition", partition), ("region", target.region.clone())];
    let place = place.map(|(key, value)| (key.to_owned(), value)).into();
    let scope = Scope { world, place };
    Ok(Session { drivers: drivers(&aws), aws, scope, caller })
}

/// Returns the kinds with clients that reach nothing.
pub(crate) fn kinds() -> Drivers {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .build();
    drivers(&Arc::new(Aws::new(&config, &Endpoints::default(), "", "aws")))
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

    fn resolve<'a>(
        &'a self,
        spec: &'a ClusterSpec,
        recorded: &'a Facts,
    ) -> BoxFuture<'a, Result<Facts>> {
        Box::pin(async move {
            let section = Section::of(spec).map_err(|e| Error::invalid(e.to_string()))?;
            let ours = &self.aws.account;
            if let Some(wanted) = section.account.filter(|wanted| wanted != ours) {
                return Err(Error::invalid(format!(
                    "the cluster belongs to account {wanted}, and the credentials to account {ours}"
                )));
            }
            crate::facts::resolve(&self.aws, spec, recorded).await
        })
    }
}

/// Asks for credentials once, so that having none is told as that and not as a failed call.
async fn has_credentials(config: &SdkConfig) -> Result<()> {
    let none = |why: &str| Error::new(Kind::Auth, format!("there are no AWS credentials{why}"));
    let provider = config.credentials_provider().ok_or_else(|| none(""))?;
    let asked = provider.provide_credentials().await;
    asked.map(drop).map_err(|error| none(&format!(": {}", causes(&error))))
}

/// Finds the services that do not answer at the vendor's own address, and in which world that is.
fn endpoints(
    env: impl Fn(&str) -> Option<String>,
    common: Option<&str>,
) -> Result<(Endpoints, World)> {
    let ignored = env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value == "true");
    let mut found = BTreeMap::new();
    for (name, aws_name) in SERVICES {
        let theirs = env(&format!("AWS_ENDPOINT_URL_{aws_name}")).filter(|_| !ignored);
        let ours = env(&format!("PROVISION_ENDPOINT_{name}"));
        let url = ours.or(theirs).or_else(|| common.map(str::to_owned));
        if let Some(url) = url {
            let local = is_loopback(&url);
            if url.starts_with("http://") && !local {
                return Err(Error::invalid(format!(
                    "endpoint {url} of {name} must be https: plain http is for this machine only"
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
mod tests {
    use super::*;

    fn found(set: &[(&str, &str)], common: Option<&str>) -> Result<(Endpoints, World)> {
        let env = |name: &str| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        endpoints(env, common)
    }

    #[test]
    fn endpoints_on_this_machine_are_another_world() {
        assert_eq!(found(&[], None).unwrap().1, World::Vendor);
        let (urls, world) = found(&[], Some("http://127.0.0.1:5000")).unwrap();
        assert_eq!((urls.0.len(), world), (6, World::Loopback));
        let own = ("PROVISION_ENDPOINT_EKS", "http://[::1]:1");
        let (urls, _) = found(&[own], Some("http://localhost:5000/")).unwrap();
        assert_eq!(urls.0["EKS"], "http://[::1]:1");
        let vpce = ("AWS_ENDPOINT_URL_EKS", "https://vpce-1.eks.us-east-1.vpce.amazonaws.com");
        assert_eq!(found(&[vpce], None).unwrap().1, World::Vendor);
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
        assert!(
            is_loopback("http://user@127.0.0.2:80/x") && !is_loopback("http://a@b:80/127.0.0.1")
        );
    }

    #[test]
    fn every_kind_is_known_without_a_network() {
        assert_eq!(kinds().len(), 17);
    }
}
