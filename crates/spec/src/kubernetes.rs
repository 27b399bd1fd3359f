//! The `kubernetes` part of a cluster file: version, API endpoint, encryption of secrets.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;

use crate::cluster::ProviderName;
use crate::fields::{Field, Fields};
use crate::network;

/// The `kubernetes` of a cluster file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    /// Sets a floor for the version; without one the provider chooses.
    pub version: Option<Minor>,
    /// Says who reaches the API.
    pub api: Api,
    /// Says which key encrypts the cluster's secrets.
    pub secrets_key: SecretsKey,
}

/// Who reaches the Kubernetes API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Says whether the endpoint is reachable from the internet.
    pub public: bool,
    /// Lists the networks that may reach it from there.
    pub allow: Vec<IpNet>,
}

impl Api {
    /// Says whether the whole internet may reach the endpoint, which a plan warns about.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.public && self.allow.iter().any(|net| net.prefix_len() == 0)
    }
}

/// Which key encrypts the secrets of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretsKey {
    /// The cloud's own.
    Managed,
    /// One made for this cluster; cannot be undone on EKS.
    Own,
    /// An existing one, by the cloud's id.
    Key(String),
}

/// A minor version of Kubernetes, `1.35`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(pub u32);

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

/// The error of text that is not a minor version of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("version must look like 1.35")]
pub struct NotMinor;

impl FromStr for Minor {
    type Err = NotMinor;

    fn from_str(text: &str) -> Result<Self, NotMinor> {
        let digits = text.strip_prefix("1.").ok_or(NotMinor)?;
        let sound = digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !sound || digits.starts_with('0') {
            return Err(NotMinor);
        }
        digits.parse().map(Self).map_err(|_| NotMinor)
    }
}

impl Default for Kubernetes {
    fn default() -> Self {
        let allow = vec![IpNet::default()];
        let api = Api { public: true, allow };
        Self { version: None, api, secrets_key: SecretsKey::Managed }
    }
}

impl Kubernetes {
    pub(crate) fn read(root: &Fields<'_>, provider: Option<ProviderName>) -> Self {
        let mut read = Self::default();
        let names = ["version", "api", "secretsKey"];
        let Some(fields) = root.optional("kubernetes").and_then(|field| field.fields(&names))
        else {
            return read;
        };
        read.version = fields.optional("version").and_then(|field| field.parse(minor));
        if let Some(key) = fields.optional("secretsKey").and_then(|field| secrets_key(&field)) {
            read.secrets_key = key;
        }
        if let Some(api) = fields.optional("api") {
            read_api(&api, provider, &mut read.api);
        }
        read
    }
}

fn read_api(field: &Field<'_>, provider: Option<ProviderName>, api: &mut Api) {
    let Some(fields) = field.fields(&["public", "allow"]) else { return };
    if let Some(public) = fields.optional("public").and_then(|field| field.boolean()) {
        api.public = public;
    }
    let Some(allow) = fields.optional("allow") else { return };
    let net = |text: &str| match network::any_net(text)? {
        IpNet::V6(_) if provider == Some(ProviderName::Eks) => {
            let hint = "the public endpoint of EKS knows no others".to_owned();
            Err(("must be an IPv4 network".to_owned(), Some(hint)))
        }
        net => Ok(net),
    };
    let Some(nets) = Field::each(allow.list(), |item| item.parse(net)) else { return };
    if nets.is_empty() {
        let hint = "write `public: false` for an endpoint that nobody reaches from outside";
        allow.refuse("file.conflict", "lists no network", Some(hint.to_owned()));
    }
    refuse_overlaps(&allow, &nets);
    api.allow = nets;
}

/// Refuses a network that another one contains: somebody meant less than what is allowed.
fn refuse_overlaps(allow: &Field<'_>, nets: &[IpNet]) {
    for (field, net) in allow.list().unwrap_or_default().iter().zip(nets) {
        if let Some(wider) = nets.iter().find(|wider| *wider != net && wider.contains(net)) {
            let hint = format!("remove it, or {wider} if that is more than you mean");
            let message = format!("overlaps {wider}, which allows it already");
            field.refuse("file.conflict", message, Some(hint));
        }
    }
}

fn minor(text: &str) -> Result<Minor, (String, Option<String>)> {
    text.parse::<Minor>().map_err(|_| {
        let mut parts = text.trim_start_matches('v').split('.');
        let short = [parts.next(), parts.next()].map(Option::unwrap_or_default).join(".");
        let hint = match short.parse::<Minor>() {
            Ok(minor) => format!("write `version: \"{minor}\"`"),
            Err(_) => "write its two numbers, in quotes, or remove the line".to_owned(),
        };
        ("must be a minor version such as 1.35".to_owned(), Some(hint))
    })
}

fn secrets_key(field: &Field<'_>) -> Option<SecretsKey> {
    field.parse(|text| match text {
        "managed" => Ok(SecretsKey::Managed),
        "own" => Ok(SecretsKey::Own),
        key if is_key_id(key) => Ok(SecretsKey::Key(key.to_owned())),
        _ => {
            let hint = "an id is text such as `arn:aws:kms:…`, without spaces".to_owned();
            Err(("must be managed, own or the id of a key".to_owned(), Some(hint)))
        }
    })
}

/// Says whether text has the shape that every cloud's key ids share, and no misspelt word has.
fn is_key_id(text: &str) -> bool {
    let sound = |c: char| c.is_ascii_graphic() && !"\"'`".contains(c);
    text.len() <= 2048 && text.contains([':', '/', '-', '.']) && text.chars().all(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_minor_versions() {
        assert_eq!("1.30".parse(), Ok(Minor(30)));
        assert_eq!("1.9".parse(), Ok(Minor(9)));
        assert!(Minor(9) < Minor(30));
        for text in ["", "1", "1.", "1.3x", "2.1", "1.035", "1.30.2", "v1.30", "1.9999", "1.-1"] {
            assert_eq!(text.parse::<Minor>(), Err(NotMinor), "{text}");
        }
    }

    #[test]
    fn hints_at_the_minor_version() {
        let hint = |text| minor(text).unwrap_err().1;
        assert_eq!(hint("v1.35.2").as_deref(), Some("write `version: \"1.35\"`"));
        assert!(hint("latest").is_some_and(|hint| hint.starts_with("write its two numbers")));
    }

    #[test]
    fn knows_when_the_api_is_open() {
        let mut api = Kubernetes::default().api;
        assert!(api.is_open());
        api.public = false;
        assert!(!api.is_open());
    }
}
