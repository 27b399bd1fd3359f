//! The way to AWS: through which proxy, and whose certificates are trusted.
//!
//! The vendor's own client trusts the system's root certificates alone, and would also ask a proxy
//! for what is on this machine.
use aws_config::profile;
use aws_sdk_ec2::config::SharedHttpClient;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_types::os_shim_internal::{Env, Fs};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use provision_core::{Error, Result};
use provision_kubernetes::Way;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fs;

/// Where a proxy is named, the first that is set. Plain http stays on this machine, where no proxy
/// is asked, so that `HTTP_PROXY` has nothing to say.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Hosts that no proxy can reach, as it is another machine.
const HERE: &str = "localhost,127.0.0.0/8,::1";

/// A proxy, and who named it.
struct Proxy {
    variable: &'static str,
    url: String,
}

/// Makes the client that everything goes through.
pub(crate) async fn client(way: &Way) -> Result<SharedHttpClient> {
    let proxy = proxied(way)?;
    let trust = match bundle().await {
        Some((origin, file)) => trusting(origin, &file)?,
        None => TrustStore::default(),
    };
    let context = TlsContext::builder().with_trust_store(trust).build();
    let context = context.map_err(|error| Error::invalid(error.to_string()))?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let tls = Provider::Rustls(CryptoMode::AwsLc);
        let mut connector = ConnectorBuilder::default().tls_provider(tls);
        connector.set_tls_context(context.clone());
        connector.set_proxy_config(Some(proxy.clone()));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.build()
    }))
}

/// Makes the client for what is part of this program: plain http, through no proxy.
pub(crate) fn local() -> SharedHttpClient {
    Builder::new().build_http()
}

/// Adds to the words of a failed connection what they leave out: which proxy it was, and how a
/// certificate comes to be trusted.
pub(crate) fn explained(causes: String) -> String {
    let proxy = || Proxy::named(|name| std::env::var(name).ok());
    if causes.contains("invalid peer certificate: UnknownIssuer") {
        format!(
            "{causes}; where a proxy reads along, AWS_CA_BUNDLE names the file with its root \
             certificate"
        )
    } else if causes.contains("tunnel error")
        && let Some(Proxy { variable, url }) = proxy()
    {
        format!("{causes}; {variable} is {}", without_password(&url))
    } else {
        causes
    }
}

impl Proxy {
    fn named(env: impl Fn(&str) -> Option<String>) -> Option<Self> {
        PROXIES.iter().find_map(|variable| {
            let value = given(&env, variable)?;
            let url = match scheme(&value) {
                Some(_) => value,
                None => format!("http://{value}"),
            };
            Some(Self { variable, url })
        })
    }

    /// Tells whether the variable is not about calls like ours alone, and so may name what only
    /// others can use.
    fn is_for_all(&self) -> bool {
        self.variable.eq_ignore_ascii_case("ALL_PROXY")
    }
}

/// Returns the way that the environment of this process says.
pub(crate) fn of_environment() -> Result<Way> {
    way(|name: &str| std::env::var(name).ok())
}

/// Returns the way that the environment says: through which proxy, and past it to which hosts.
fn way(env: impl Fn(&str) -> Option<String>) -> Result<Way> {
    let direct = given(&env, "NO_PROXY").or_else(|| given(&env, "no_proxy"));
    let direct = direct.map_or(HERE.to_owned(), |list| format!("{},{HERE}", hosts(&list)));
    let proxy = Proxy::named(env).filter(|_| direct.split(',').all(|host| host != "*"));
    let Some(proxy) = proxy else { return Ok(Way::default()) };
    let (variable, shown) = (proxy.variable, without_password(&proxy.url));
    let must = "must be an http or https address";
    match ProxyConfig::https(proxy.url.as_str()) {
        Ok(_) => {
            tracing::info!(proxy = shown, "calls go through a proxy");
            Ok(Way { proxy: Some(proxy.url), direct })
        }
        Err(_) if proxy.is_for_all() => {
            tracing::warn!("{variable} is {shown}, and {must}: no proxy is used");
            Ok(Way::default())
        }
        Err(_) => Err(Error::invalid(format!("{variable} is {shown}, and {must}"))),
    }
}

/// Returns a way as the client for AWS knows it.
fn proxied(way: &Way) -> Result<ProxyConfig> {
    let Some(url) = &way.proxy else { return Ok(ProxyConfig::disabled()) };
    let config = ProxyConfig::https(url.as_str());
    let config = config.map_err(|error| Error::invalid(error.to_string()))?;
    Ok(config.no_proxy(way.direct.clone()))
}

/// Returns the value of a variable that says something.
fn given(env: &impl Fn(&str) -> Option<String>, variable: &str) -> Option<String> {
    env(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Returns a list of hosts in the one form that the client knows: `*.corp` is `.corp`, and it
/// knows no ports.
fn hosts(list: &str) -> String {
    let entries = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|one| !one.is_empty());
    let hosts = entries.map(|entry| {
        let host = match (entry.strip_prefix('['), entry.split_once(':')) {
            (Some(v6), _) => v6.split(']').next().unwrap_or(v6),
            (None, Some((host, port))) if !port.contains(':') => host,
            _ => entry,
        };
        host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host)
    });
    hosts.collect::<Vec<_>>().join(",")
}

/// Returns the scheme of a URL, and what follows it.
fn scheme(url: &str) -> Option<(&str, &str)> {
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    url.split_once("://").filter(|(scheme, _)| is_scheme(scheme))
}

/// Returns a URL without who is let in by it.
pub(crate) fn without_password(url: &str) -> String {
    let place = |rest: &str| rest.rsplit_once('@').map_or(rest, |(_, place)| place).to_owned();
    match scheme(url) {
        Some((scheme, rest)) => format!("{scheme}://{}", place(rest)),
        None => place(url),
    }
}

/// Returns the file of trusted root certificates that the environment or the profile names.
async fn bundle() -> Option<(&'static str, String)> {
    let variable = "AWS_CA_BUNDLE";
    if let Some(file) = std::env::var(variable).ok().filter(|file| !file.is_empty()) {
        return Some((variable, file));
    }
    let profiles =
        profile::load(&Fs::real(), &Env::real(), &Default::default(), None).await.ok()?;
    profiles.get("ca_bundle").map(|file| ("ca_bundle of the profile", file.to_owned()))
}

/// Trusts the root certificates of a file and no others, as AWS's own tools do.
fn trusting(origin: &str, file: &str) -> Result<TrustStore> {
    let wrong = |why: &str| Error::invalid(format!("{origin}: {file} {why}"));
    let text = fs::read(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    let (store, left_out) = roots(&text).map_err(|why| wrong(&why))?;
    if left_out > 0 {
        tracing::warn!("{left_out} certificates of {file} cannot be used as roots");
    }
    Ok(store)
}

/// Reads root certificates, and counts those that cannot be used: the client takes none of them.
fn roots(text: &[u8]) -> std::result::Result<(TrustStore, usize), String> {
    let (mut usable, mut store, mut left_out) = (RootCertStore::empty(), TrustStore::empty(), 0);
    for certificate in CertificateDer::pem_slice_iter(text) {
        let certificate = certificate.map_err(|error| format!("is not PEM: {error}"))?;
        match usable.add(certificate.clone()) {
            Ok(()) => drop(store.add_pem_certificate(pem(&certificate))),
            Err(_) => left_out += 1,
        }
    }
    match usable.is_empty() {
        true => Err("holds no root certificate".to_owned()),
        false => Ok((store, left_out)),
    }
}

fn pem(certificate: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn env(set: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let set: BTreeMap<_, _> = set.iter().map(pair).collect();
        move |name| set.get(name).cloned()
    }

    #[test]
    fn a_proxy_is_named_by_the_first_variable_that_is_set() {
        let named = |set: &[_]| Proxy::named(env(set)).map(|proxy| (proxy.variable, proxy.url));
        assert_eq!(named(&[("HTTP_PROXY", "http://a:1"), ("HTTPS_PROXY", "")]), None);
        let both = [("ALL_PROXY", "http://a:1"), ("https_proxy", " b:2 ")];
        assert_eq!(named(&both), Some(("https_proxy", "http://b:2".into())));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
        let socks = env(&[("HTTPS_PROXY", "socks5://me:s3cret@p:1")]);
        let error = way(socks).unwrap_err().to_string();
        assert_eq!(error, "HTTPS_PROXY is socks5://p:1, and must be an http or https address");
        for (url, shown) in [
            ("http://p:1/", "http://p:1/"),
            ("http://me:a://b@p:1", "http://p:1"),
            ("me:a://b@p:1", "p:1"),
            ("me:a@p:1", "p:1"),
        ] {
            assert_eq!(without_password(url), shown);
        }
        let named = Proxy::named(env(&[("HTTPS_PROXY", "me:a://b@p:1")])).unwrap();
        assert_eq!(without_password(&named.url), "http://p:1");
    }

    #[test]
    fn only_what_names_our_proxy_alone_is_refused() {
        let socks = "socks5h://p:1";
        assert_eq!(way(env(&[("ALL_PROXY", socks)])).unwrap(), Way::default());
        assert!(way(env(&[("https_proxy", socks)])).is_err());
        let none = [("https_proxy", socks), ("NO_PROXY", " "), ("no_proxy", "a, *")];
        assert_eq!(way(env(&none)).unwrap(), Way::default());
        let way = way(env(&[("https_proxy", "p:1"), ("no_proxy", "*.a")])).unwrap();
        assert_eq!(way.proxy.as_deref(), Some("http://p:1"));
        assert!(way.direct.starts_with(".a,") && !proxied(&way).unwrap().is_disabled());
    }

    #[test]
    fn hosts_are_understood_as_others_write_them() {
        for (list, known) in [
            ("a, b,,c d", "a,b,c,d"),
            ("*.corp,.corp,corp", ".corp,.corp,corp"),
            ("a.b:443,*.c:8443", "a.b,.c"),
            ("10.0.0.0/8,::1,[::1]:443,fd00::/8", "10.0.0.0/8,::1,::1,fd00::/8"),
            ("a,*", "a,*"),
        ] {
            assert_eq!(hosts(list), known);
        }
    }

    #[test]
    fn a_failed_connection_is_explained_only_where_it_helps() {
        let unknown = explained("invalid peer certificate: UnknownIssuer".into());
        assert!(unknown.contains("AWS_CA_BUNDLE"), "{unknown}");
        let expired = "invalid peer certificate: Expired";
        assert_eq!(explained(expired.into()), expired);
    }

    #[test]
    fn what_is_not_a_certificate_is_refused_and_never_a_panic() {
        assert_eq!(roots(b"").unwrap_err(), "holds no root certificate");
        assert_eq!(roots(pem(b"not one").as_bytes()).unwrap_err(), "holds no root certificate");
        let broken = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        assert!(roots(broken).unwrap_err().starts_with("is not PEM"));
    }
}
