//! The way into any cluster.
use crate::access::{Access, Way};
use crate::classify::{causes, failed, parsed};
use crate::clusters::{CONNECT, Cluster, REPLY, config};
use http::Request;
use http::header::CONTENT_TYPE;
use http::request::Builder;
use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use provision_core::{Error, Kind, Result};
use serde_json::{Value, json};
use std::path::Path;

/// How many objects a page of a listing has.
const PAGE: u32 = 500;

/// What whoever is not let in is told, whatever the cluster.
const WAY_IN: &str = "whoever administers it gives access";

/// A cluster that is looked at. Nothing retries.
pub struct Entry {
    cluster: Cluster,
    /// Where the API answers.
    pub url: String,
}

impl Entry {
    /// Gets in with a token.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when the cluster cannot be called by that.
    pub fn with_token(access: &Access, way: &Way, token: &str) -> Result<Self> {
        let mut config = config(access, way)?;
        let auth = serde_json::from_value(json!({ "token": token }));
        config.auth_info = auth.expect("a token is what lets a user in");
        Self::of(config)
    }

    /// Gets in as a kubeconfig says: by its current context, or by another.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when it cannot be read, or says nothing of the kind.
    pub async fn of_kubeconfig(path: &Path, context: Option<&str>) -> Result<Self> {
        let wrong = |error: &dyn std::error::Error| {
            let context = context.map(|name| format!(", context {name}")).unwrap_or_default();
            Error::invalid(format!("{}{context}: {}", path.display(), causes(error)))
        };
        let file = Kubeconfig::read_from(path).map_err(|error| wrong(&error))?;
        let options = KubeConfigOptions {
            context: context.map(str::to_owned),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(file, &options).await;
        let mut config = config.map_err(|error| wrong(&error))?;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(REPLY);
        config.write_timeout = Some(REPLY);
        config.reset_reader_on_write = true;
        config.default_retry = false;
        Self::of(config)
    }

    fn of(config: Config) -> Result<Self> {
        let url = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = Client::try_from(config).map_err(|error| {
            Error::new(kind(&error), format!("{url} cannot be called: {}", causes(&error)))
        })?;
        Ok(Self { cluster: Cluster::of(client), url })
    }

    /// Returns what time it is in the cluster, by its last reply. Where that told none it is as late
    /// as here.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.cluster.now()
    }

    /// Reads what is at a path. `None` where there is nothing.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Value>> {
        self.call("get", Request::get(path), Vec::new()).await
    }

    /// Makes an object.
    pub(super) async fn create(&self, path: &str, object: &Value) -> Result<()> {
        let body = object.to_string().into_bytes();
        let made = self.call("create", Request::post(path), body).await?;
        let none = || Error::invalid(format!("there is no {path}"));
        made.map(drop).ok_or_else(none)
    }

    /// Deletes an object without grace. Tells whether it has gone.
    pub(super) async fn delete(&self, path: &str) -> Result<bool> {
        let options =
            json!({ "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0 });
        let body = options.to_string().into_bytes();
        self.call("delete", Request::delete(path), body).await.map(|it| it.is_none())
    }

    /// Makes one call. `None` where there is nothing.
    async fn call(&self, verb: &str, to: Builder, body: Vec<u8>) -> Result<Option<Value>> {
        let request = to.header(CONTENT_TYPE, "application/json").body(body);
        let request = request.map_err(|error| Error::invalid(error.to_string()))?;
        let path = request.uri().path().to_owned();
        let answer = self.cluster.text(request).await;
        tracing::debug!(service = "kubernetes", verb, path, ok = answer.is_ok(), "called");
        match answer {
            Ok(text) => parsed(&text).map(Some),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => {
                let failed = match kind(&error) {
                    Kind::Auth => refused(error),
                    _ => failed(error, true, WAY_IN),
                };
                Err(Error { operation: Some(format!("kubernetes:{verb} {path}")), ..failed })
            }
        }
    }

    /// Lists everything at a path, page by page. Where there is no such path there is nothing.
    pub(super) async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let (mut all, mut from) = (Vec::new(), String::new());
        loop {
            let query = match from.as_str() {
                "" => String::new(),
                token => format!("&continue={}", escaped(token)),
            };
            let page = self.get(&format!("{path}?limit={PAGE}{query}")).await?;
            let Some(mut page) = page else { return Ok(all) };
            if let Value::Array(items) = page["items"].take() {
                all.extend(items);
            }
            from = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if from.is_empty() {
                return Ok(all);
            }
        }
    }
}

/// Tells whether a failure is one of credentials.
fn kind(error: &kube::Error) -> Kind {
    match error {
        kube::Error::Auth(_) => Kind::Auth,
        kube::Error::Api(status) if status.code == 401 => Kind::Auth,
        _ => Kind::Retry,
    }
}

fn refused(error: kube::Error) -> Error {
    let message = match &error {
        kube::Error::Api(status) => {
            format!("the cluster does not know the caller: {}", status.message)
        }
        error => causes(error),
    };
    Error::new(Kind::Auth, message).hint(
        "`kubectl auth whoami` says who calls; the cluster file names whom it lets in, or else whoever \
         administers the cluster gives access",
    )
}

/// Writes a token of the API's as part of a query.
fn escaped(token: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let escape = |byte: u8| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    token.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_a_page_goes_into_a_query() {
        assert_eq!(escaped("eyJ2-_.+/="), "eyJ2-_.%2B%2F%3D");
    }
}
