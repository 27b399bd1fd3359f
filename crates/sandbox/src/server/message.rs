//! Requests and replies, as the front ends see them.
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use serde::Serialize;
use serde_json::Value;
use std::io;
use std::time::Duration;

/// The longest request that is read; AWS's own limits are far below.
const LARGEST: usize = 4 << 20;

/// How long a call that hangs does.
const HANG: Duration = Duration::from_secs(600);

/// A request, as the front ends see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, as they were sent.
    pub(crate) target: String,
    /// The path, decoded.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Tells whether its path or body has a text.
    pub(crate) fn says(&self, text: &str) -> bool {
        let body = self.body.windows(text.len().max(1));
        self.target.contains(text) || body.into_iter().any(|part| part == text.as_bytes())
    }

    /// Returns a header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(header, _)| header == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// A reply, as the front ends write it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(status: u16, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self { status, headers: Vec::new(), body }.of_type("application/json")
    }

    pub(crate) fn xml(status: u16, text: String) -> Self {
        Self { status, headers: Vec::new(), body: text.into_bytes() }.of_type("text/xml")
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self { status, headers: Vec::new(), body: text.into() }.of_type("text/plain")
    }

    pub(crate) fn bytes(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn of_type(self, kind: &str) -> Self {
        self.header("content-type", kind)
    }

    /// Sets a header.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self.also(name, value)
    }

    /// Adds a header that can be there several times.
    pub(crate) fn also(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// What becomes of a connection once a request has been worked on.
#[derive(Debug)]
pub(crate) enum Outcome {
    Reply(Reply),
    /// The reply takes its time, in real milliseconds.
    Late(Reply, u64),
    /// The connection ends without a reply.
    Cut,
    /// No reply comes.
    Hang,
}

/// Writes a response as an outcome has it. An error ends the connection.
///
/// # Errors
/// When there is no response.
pub(crate) async fn respond(outcome: Outcome) -> io::Result<hyper::Response<Full<Bytes>>> {
    let reply = match outcome {
        Outcome::Reply(reply) => reply,
        Outcome::Late(reply, milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            reply
        }
        Outcome::Cut => return Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
        Outcome::Hang => {
            tokio::time::sleep(HANG).await;
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
    };
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Full::new(Bytes::from(reply.body))).map_err(io::Error::other)
}

/// Reads a request to its end.
///
/// # Errors
/// When it does not end, or is too large.
pub(crate) async fn read(request: hyper::Request<Incoming>) -> io::Result<Request> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST).collect().await.map_err(io::Error::other)?;
    let text = |value: &hyper::header::HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).trim().to_owned()
    };
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(Request {
        method: head.method.to_string(),
        target: target.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.collect(),
        body: body.to_bytes().to_vec(),
    })
}

/// Returns the members of a query string, in their order.
pub(crate) fn pairs(query: &str) -> Vec<(String, Value)> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect()
}
