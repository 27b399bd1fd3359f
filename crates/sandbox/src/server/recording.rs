//! What a simulated cloud was asked and replied, written down for others to read.
use super::message::{Outcome, Request};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// A file that has a line of JSON for each call.
#[derive(Debug)]
pub(crate) struct Recording(File);

impl Recording {
    /// Opens a file, to write behind what is in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        File::options().create(true).append(true).open(path).map(Self)
    }

    /// Writes a call down in one piece. A reply that never came has no status.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn note(&mut self, request: &Request, outcome: &Outcome) -> io::Result<()> {
        let reply = match outcome {
            Outcome::Reply(reply) | Outcome::Late(reply, _) => Some(reply),
            Outcome::Cut | Outcome::Hang => None,
        };
        let headers = reply.map_or(&[][..], |reply| &reply.headers).iter();
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value));
        let call = json!({
            "method": request.method,
            "path": request.target,
            "headers": request.headers,
            "body": text(&request.body),
            "status": reply.map(|reply| reply.status),
            "reply_headers": headers.collect::<Vec<_>>(),
            "reply": reply.map_or("".into(), |reply| text(&reply.body)),
        });
        self.0.write_all(format!("{call}\n").as_bytes())
    }
}

fn text(body: &[u8]) -> Value {
    String::from_utf8_lossy(body).into()
}
