//! A small client, which signs as the vendor's do.
use crate::relay::{self, Message};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use provision_sandbox::{CREDENTIAL, Sandbox};
use std::time::{Duration, SystemTime};

/// A reply: its status and its body. No reply at all has status 0.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    /// Returns what an element of XML holds; empty when there is none.
    pub(crate) fn element(&self, name: &str) -> &str {
        let after = self.body.split_once(&format!("<{name}>")).map(|(_, after)| after);
        after.and_then(|after| after.split_once("</")).map(|(text, _)| text).unwrap_or_default()
    }
}

/// A client of one sandbox.
pub(crate) struct Client {
    url: String,
    /// The id of the key that requests are signed with, and its secret.
    pub(crate) key: (String, String),
    /// How long a reply may take.
    pub(crate) patience: Duration,
}

impl Client {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let key = (CREDENTIAL.0.to_owned(), CREDENTIAL.1.to_owned());
        Self { url: sandbox.aws(), key, patience: relay::PATIENCE }
    }

    /// Calls a service that reads forms.
    pub(crate) fn form(&self, service: &str, form: &str) -> Reply {
        let version = match service {
            "ec2" => "2016-11-15",
            "iam" => "2010-05-08",
            _ => "2011-06-15",
        };
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.signed(service, "POST", "/", &[kind], &format!("{form}&Version={version}"))
    }

    /// Calls a service that reads JSON.
    pub(crate) fn json(&self, service: &str, target: &str, body: &str) -> Reply {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        self.signed(service, "POST", "/", &headers, body)
    }

    /// Signs a request, and sends it.
    pub(crate) fn signed(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let (id, secret) = &self.key;
        let identity = Credentials::new(id, secret, None, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("it is complete");
        let host = [("host", relay::host(&self.url))];
        let url = format!("{}{path}", self.url);
        let all = headers.iter().copied().chain(host);
        let request = SignableRequest::new(method, url, all, SignableBody::Bytes(body.as_bytes()));
        let signed = sign(request.expect("it is a request"), &params.into()).expect("it signs");
        let (instructions, _) = signed.into_parts();
        let more = instructions.headers().collect::<Vec<_>>();
        self.send(method, path, &[headers, &more].concat(), body)
    }

    /// Sends a request as it is.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let request = Message::request(&self.url, method, path, headers, body);
        match relay::ask(&self.url, &request, self.patience) {
            Ok(reply) => {
                Reply { status: reply.status().unwrap_or(0), body: reply.text().to_owned() }
            }
            Err(_) => Reply { status: 0, body: String::new() },
        }
    }
}
