//! How to get into a cluster, which is known when it is there.
use futures::future::BoxFuture;
use provision_core::Result;
use serde::Deserialize;

/// Where the API of a cluster answers, and who certifies it: part of what every provider's cluster
/// has for outputs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Access {
    /// What the cloud calls the cluster.
    pub id: String,
    /// The URL of the API. Empty while the cluster is being made.
    pub endpoint: String,
    /// The certificate of the API's authority, in base64.
    pub certificate_authority: String,
}

/// Whoever makes the tokens that a cloud's clusters let callers in with.
pub trait Tokens: Send + Sync {
    /// Makes a token for a cluster, good for the call that it is made for.
    ///
    /// # Errors
    /// [`Kind::Auth`](provision_core::Kind::Auth) when the caller's credentials are gone.
    fn token<'a>(&'a self, cluster: &'a str) -> BoxFuture<'a, Result<String>>;

    /// Says how whoever is not let in gets to be.
    fn way_in(&self) -> &'static str;
}

/// The way to the API: through which proxy, and past it to which hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The URL of the proxy, if there is one.
    pub proxy: Option<String>,
    /// The hosts that are called directly, separated by commas.
    pub direct: String,
}
