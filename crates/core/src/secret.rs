//! Secrets, which specs name and never hold.
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// Where a secret is to be found. It holds no secret, so it may be recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretRef {
    /// The name of an environment variable.
    Env(String),
    /// The path of a file.
    File(String),
}

/// Reads secrets when a resource is made or changed, and at no other time.
pub trait Secrets: Send + Sync {
    /// Returns the secret, without a trailing line break.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) when it is not there; the message never holds it.
    fn read(&self, secret: &SecretRef) -> Result<String>;
}
