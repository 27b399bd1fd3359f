//! The tokens that let callers into clusters.
//!
//! A token is a presigned request to STS, which the cluster sends there to learn who signed it. It
//! is for one cluster, whose name is a signed header, and good for 15 minutes whatever it says.
use crate::assume::early;
use crate::aws::{causes, sources};
use crate::wire::explained;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_sts::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures::future::BoxFuture;
use futures::lock::Mutex;
use provision_core::{Error, Kind, Result};
use provision_kubernetes::Tokens;
use provision_spec::{Chosen, Token};
use std::time::{Duration, SystemTime};

/// What tokens begin with.
const PREFIX: &str = "k8s-aws-v1.";
/// The header that names the cluster.
const CLUSTER: &str = "x-k8s-aws-id";
/// What STS is asked.
const QUERY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
/// How long a request says that it is good.
const EXPIRES: Duration = Duration::from_secs(60);
/// How long a token lets its bearer in, by the clock of its cluster.
const GOOD: Duration = Duration::from_secs(15 * 60);
/// How much sooner it counts as over, for clocks that differ.
const EARLY: Duration = Duration::from_secs(60);
/// How long before their end credentials are asked for again, as far as they are good for longer.
const MARGIN: Duration = Duration::from_secs(60);

/// Makes tokens of a caller's credentials.
pub(crate) struct Signer {
    provider: Option<SharedCredentialsProvider>,
    region: String,
    /// The credentials of the last token, and until when they are used. A role's session is not begun
    /// for each.
    held: Mutex<Option<(Credentials, Option<SystemTime>)>>,
}

impl Signer {
    /// Makes tokens as the caller of a configuration, by STS in its region.
    pub(crate) fn new(config: &SdkConfig) -> Self {
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        Self { provider: config.credentials_provider(), region, held: Mutex::default() }
    }

    /// Makes a token, and tells until when it is good: no longer than the credentials are.
    pub(crate) async fn lasting(&self, cluster: &str) -> Result<Token> {
        let (credentials, now) = (self.credentials().await?, SystemTime::now());
        let text = token(&credentials, &self.region, cluster, now).await?;
        let until = now + GOOD - EARLY;
        Ok(Token { text, until: credentials.expiry().map_or(until, |end| until.min(end)) })
    }

    async fn credentials(&self) -> Result<Credentials> {
        let mut held = self.held.lock().await;
        let now = SystemTime::now();
        if let Some((credentials, until)) = &*held
            && until.is_none_or(|until| now < until)
        {
            return Ok(credentials.clone());
        }
        let none = || Error::new(Kind::Auth, "there are no AWS credentials");
        let provider = self.provider.as_ref().ok_or_else(none)?;
        let credentials = provider.provide_credentials().await.map_err(|error| lost(&error))?;
        let until = credentials.expiry().map(|end| early(now, end, MARGIN));
        *held = Some((credentials.clone(), until));
        Ok(credentials)
    }
}

impl Tokens for Signer {
    fn token<'a>(&'a self, cluster: &'a str) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let credentials = self.credentials().await?;
            token(&credentials, &self.region, cluster, SystemTime::now()).await
        })
    }

    fn way_in(&self) -> &'static str {
        "eks.access in the cluster file names whom it lets in, and what for; whoever applies needs \
         AmazonEKSClusterAdminPolicy there, or `inCluster: false`"
    }
}

/// The variables that choose whose credentials are used, and hold no secret.
const CHOOSING: [&str; 8] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
];
/// Those that a kubeconfig keeps, since a shell may have them that another one has not.
const KEPT: [&str; 3] = ["AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];

/// Returns what of the environment chooses whose credentials are used, and when the files that hold
/// them were last written.
pub(crate) fn chosen() -> Chosen {
    let value = |name: &&str| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.map(|value| ((*name).to_owned(), value))
    };
    let kept: Vec<_> = KEPT.iter().filter_map(value).collect();
    let others = CHOOSING.iter().filter_map(value);
    let home = std::env::var("HOME").unwrap_or_default();
    let usual = ["config", "credentials"].map(|file| format!("{home}/.aws/{file}"));
    let files = kept.iter().map(|(_, value)| value.clone()).chain(usual);
    let written = files.filter_map(|file| {
        let written = std::fs::metadata(&file).and_then(|it| it.modified()).ok()?;
        Some(format!("{file} {written:?}"))
    });
    let pairs = others.chain(kept.clone()).map(|(name, value)| format!("{name}={value}"));
    Chosen { all: pairs.chain(written).collect(), kept }
}

/// Says why there are no credentials, in our own words where a session was to be begun.
pub(crate) fn lost(error: &CredentialsError) -> Error {
    if let Some(sooner) = sources(error).find_map(|source| source.downcast_ref::<Error>()) {
        return sooner.clone();
    }
    let none = |why: &str| Error::new(Kind::Auth, format!("there are no AWS credentials: {why}"));
    match error {
        // The SDK lists every place where it looked, and that nothing was there.
        CredentialsError::CredentialsNotLoaded(_) => match profile() {
            Some(name) => none(&format!("AWS_PROFILE is `{name}`, which gives none"))
                .hint("`aws configure list-profiles` lists the profiles that there are"),
            None => none("none in the environment, in a profile, or of this machine's role").hint(
                "name a profile with AWS_PROFILE, after `aws sso login` or `aws configure`, or set \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; a rehearsal needs none: add --sandbox",
            ),
        },
        error => {
            let why = none(&explained(causes(error)));
            match why.message.contains("SSO") {
                true => why.hint("sign in with `aws sso login`, and run the same command again"),
                false => why,
            }
        }
    }
}

/// Returns the profile that the environment names.
fn profile() -> Option<String> {
    std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty())
}

/// Makes a token for a cluster at a time.
///
/// # Errors
/// [`Kind::Invalid`] when the region has no STS, or the request cannot be signed.
pub async fn token(
    credentials: &Credentials,
    region: &str,
    cluster: &str,
    at: SystemTime,
) -> Result<String> {
    let wrong = |why: String| Error::invalid(format!("a token cannot be made: {why}"));
    let params = Params::builder().region(region).build().map_err(|e| wrong(e.to_string()))?;
    let endpoint = DefaultResolver::new();
    let endpoint = ResolveEndpoint::resolve_endpoint(&endpoint, &params).await;
    let endpoint = endpoint.map_err(|error| wrong(error.to_string()))?;
    let host = endpoint.url().trim_end_matches('/');
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder().identity(&identity).region(region).name("sts");
    let params = params.time(at).settings(settings).build().map_err(|e| wrong(e.to_string()))?;
    let url = format!("{host}/?{QUERY}");
    let headers = [(CLUSTER, cluster)].into_iter();
    let request = SignableRequest::new("GET", &url, headers, SignableBody::Bytes(&[]));
    let request = request.map_err(|error| wrong(error.to_string()))?;
    let signed = sign(request, &params.into()).map_err(|error| wrong(error.to_string()))?;
    let mut request = http::Request::get(&url).body(()).map_err(|e| wrong(e.to_string()))?;
    signed.into_parts().0.apply_to_request_http1x(&mut request);
    Ok(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(request.uri().to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn url(region: &str, session: Option<&str>) -> Result<String> {
        let session = session.map(str::to_owned);
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "s", session, None, "test");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let token = token(&credentials, region, "acme", at).await?;
        let url = BASE64_URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX).unwrap()).unwrap();
        Ok(String::from_utf8(url).unwrap())
    }

    #[tokio::test]
    async fn each_partition_has_its_own_sts() {
        for (region, host) in [
            ("us-east-1", "sts.us-east-1.amazonaws.com"),
            ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
            ("us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"),
        ] {
            let url = url(region, None).await.unwrap();
            assert!(
                url.starts_with(&format!("https://{host}/?Action=GetCallerIdentity&")),
                "{url}"
            );
            assert!(url.contains("&X-Amz-Expires=60&"), "{url}");
            assert!(url.contains("X-Amz-SignedHeaders=host%3Bx-k8s-aws-id"), "{url}");
        }
    }

    #[tokio::test]
    async fn a_session_goes_with_its_token() {
        let url = url("us-east-1", Some("a/b+c=")).await.unwrap();
        assert!(url.contains("X-Amz-Security-Token=a%2Fb%2Bc%3D"), "{url}");
    }
}
