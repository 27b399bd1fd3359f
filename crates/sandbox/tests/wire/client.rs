//! A small client, which signs as the vendor's do.
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use provision_sandbox::{CREDENTIAL, Sandbox};
use std::io::{Read, Write};
use std::net::TcpStream;
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
    address: String,
    /// The id of the key that requests are signed with, and its secret.
    pub(crate) key: (String, String),
}

impl Client {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let address = sandbox.aws().trim_start_matches("http://").to_owned();
        Self { address, key: (CREDENTIAL.0.to_owned(), CREDENTIAL.1.to_owned()) }
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
        let host = [("host", self.address.as_str())];
        let url = format!("http://{}{path}", self.address);
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
        let (address, length) = (&self.address, body.len());
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-length: {length}\r\n"
        );
        headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
        let mut stream = TcpStream::connect(address).expect("it answers");
        stream.set_read_timeout(Some(Duration::from_secs(2))).expect("it can be set");
        stream.write_all(format!("{text}\r\n{body}").as_bytes()).expect("it listens");
        let mut reply = String::new();
        let ended = stream.read_to_string(&mut reply);
        let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
        let (_, body) = reply.split_once("\r\n\r\n").unwrap_or_default();
        assert_eq!(status.is_some(), ended.is_ok(), "{reply}");
        Reply { status: status.unwrap_or(0), body: body.to_owned() }
    }
}
