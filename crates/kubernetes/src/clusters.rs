//! The clusters that are called: one pool of connections for each.
use crate::access::{Access, Tokens, Way};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::DATE;
use http::{HeaderMap, Request};
use hyper_util::client::proxy::matcher::Matcher;
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::fmt::rfc2822::DateTimeParser;
use kube::client::Body;
use kube::core::Status;
use kube::{Client, Config};
use provision_core::{Error, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a connection may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// How long a reply may take.
pub(crate) const REPLY: Duration = Duration::from_secs(30);

/// The Kubernetes API of the clusters of one caller. Nothing retries.
pub struct Kubernetes {
    pub(crate) tokens: Box<dyn Tokens>,
    /// Whether everything is to be removed, for which no secret is read.
    pub(crate) removes: bool,
    way: Way,
    clusters: Mutex<HashMap<Access, Arc<Cluster>>>,
}

/// One cluster that is called.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// Whether it has let the caller in before.
    pub(crate) let_in: AtomicBool,
    /// What time it was there when it last told.
    pub(crate) told: Told,
}

/// The last time that was told.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Option<Timestamp>>);

impl Told {
    pub(crate) fn get(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the time of a reply, where it tells one.
    fn note(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let time = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *told = time.max(*told);
    }
}

impl Cluster {
    pub(crate) fn of(client: Client) -> Self {
        Self { client, let_in: AtomicBool::new(false), told: Told::default() }
    }

    /// Returns what time it is there, by its last reply. Where that told none it is as late as here.
    pub(crate) fn now(&self) -> Timestamp {
        self.told.get().unwrap_or_else(Timestamp::now)
    }

    /// Sends a request, and returns the answer or the refusal.
    pub(crate) async fn text(&self, request: Request<Vec<u8>>) -> kube::Result<String> {
        let response = self.client.send(request.map(Body::from)).await?;
        self.told.note(response.headers());
        let status = response.status();
        let body = response.into_body().collect_bytes().await?;
        let text = String::from_utf8(body.to_vec()).map_err(kube::Error::FromUtf8)?;
        if !status.is_client_error() && !status.is_server_error() {
            return Ok(text);
        }
        // What stands between us and the API answers in words of its own.
        let other = |_| Status::failure(text.trim(), "").with_code(status.as_u16());
        let refusal = serde_json::from_str(&text).unwrap_or_else(other);
        Err(kube::Error::Api(refusal.boxed()))
    }
}

impl Kubernetes {
    /// Makes the API of clusters that these tokens let in, reached by that way. `removes` tells that
    /// everything is to be removed.
    pub fn new(tokens: impl Tokens + 'static, way: Way, removes: bool) -> Self {
        Self { tokens: Box::new(tokens), removes, way, clusters: Mutex::default() }
    }

    /// Returns the client of a cluster, made when it is first called.
    pub(crate) fn cluster(&self, access: &Access) -> Result<Arc<Cluster>> {
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = clusters.get(access) {
            return Ok(cluster.clone());
        }
        let client = Client::try_from(config(access, &self.way)?);
        let client = client.map_err(|error| wrong(access, &error.to_string()))?;
        let cluster = Arc::new(Cluster::of(client));
        clusters.insert(access.clone(), cluster.clone());
        Ok(cluster)
    }
}

/// Returns how a cluster is called. Nothing retries.
pub(crate) fn config(access: &Access, way: &Way) -> Result<Config> {
    let url = access.endpoint.parse::<http::Uri>();
    let url = url.map_err(|error| wrong(access, &error.to_string()))?;
    if url.scheme_str() != Some("https") {
        return Err(wrong(access, "it is not https"));
    }
    let mut config = Config::new(url);
    config.root_cert = Some(roots(access)?);
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(REPLY);
    config.write_timeout = Some(REPLY);
    config.reset_reader_on_write = true;
    config.default_retry = false;
    config.proxy_url = proxy(&config.cluster_url, way)?;
    Ok(config)
}

/// Returns the proxy on the way to an endpoint.
fn proxy(url: &http::Uri, way: &Way) -> Result<Option<http::Uri>> {
    let Some(proxy) = &way.proxy else { return Ok(None) };
    let matcher = Matcher::builder().https(proxy.as_str()).no(way.direct.as_str()).build();
    if matcher.intercept(url).is_none() {
        return Ok(None);
    }
    let parsed = proxy.parse().map(Some);
    parsed.map_err(|_| Error::invalid("the proxy that the environment names is not a URL"))
}

/// Reads the certificates that the API is trusted by.
fn roots(access: &Access) -> Result<Vec<Vec<u8>>> {
    let text = BASE64_STANDARD.decode(&access.certificate_authority);
    let text = text.map_err(|_| wrong(access, "its certificate authority is not base64"))?;
    let all = CertificateDer::pem_slice_iter(&text).collect::<std::result::Result<Vec<_>, _>>();
    let all = all.map_err(|_| wrong(access, "its certificate authority is not PEM"))?;
    match all.is_empty() {
        true => Err(wrong(access, "its certificate authority holds no certificate")),
        false => Ok(all.into_iter().map(|it| it.to_vec()).collect()),
    }
}

fn wrong(access: &Access, why: &str) -> Error {
    Error::invalid(format!("endpoint {} cannot be called: {why}", access.endpoint))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use futures::future::BoxFuture;
    use http::HeaderValue;

    /// Lets in whoever says that they are somebody.
    pub(crate) struct Somebody;

    impl Tokens for Somebody {
        fn token<'a>(&'a self, cluster: &'a str) -> BoxFuture<'a, Result<String>> {
            Box::pin(async move { Ok(format!("somebody in {cluster}")) })
        }

        fn way_in(&self) -> &'static str {
            "ask for it"
        }
    }

    fn access(endpoint: &str) -> Access {
        let [id, endpoint, certificate_authority] = ["acme", endpoint, "LQ=="].map(str::to_owned);
        Access { id, endpoint, certificate_authority }
    }

    #[test]
    fn only_https_with_a_known_authority_is_called() {
        let told = |endpoint: &str| {
            let error = config(&access(endpoint), &Way::default()).unwrap_err();
            error.to_string()
        };
        assert!(told("http://127.0.0.1:1").ends_with("it is not https"));
        assert!(told("https://127.0.0.1:1").ends_with("holds no certificate"));
        let kubernetes = Kubernetes::new(Somebody, Way::default(), false);
        assert!(kubernetes.cluster(&access("nothing at all")).is_err());
    }

    #[test]
    fn the_time_is_that_of_the_latest_reply_that_tells_one() {
        let told = Told::default();
        let note = |date: &'static str| {
            told.note(&HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))]));
            told.get().map(|time| time.to_string())
        };
        assert_eq!(note("yesterday"), None);
        let first = Some("1994-11-06T08:49:37Z".to_owned());
        assert_eq!(note("Sun, 06 Nov 1994 08:49:37 GMT"), first);
        assert_eq!(note("Sun, 06 Nov 1994 08:49:36 GMT"), first, "replies overtake each other");
        assert_eq!(note(""), first);
    }

    #[test]
    fn the_proxy_is_passed_by_where_the_environment_says_so() {
        let way = Way {
            proxy: Some("http://proxy:3128".into()),
            direct: "127.0.0.0/8,.inside.example".into(),
        };
        let by =
            |url: &str| proxy(&url.parse().unwrap(), &way).unwrap().map(|proxy| proxy.to_string());
        assert_eq!(by("https://a.eks.amazonaws.com").as_deref(), Some("http://proxy:3128/"));
        assert_eq!(by("https://127.0.0.1:8443/a"), None);
        assert_eq!(by("https://api.inside.example"), None);
    }
}
