//! A proxy that writes down what passes through it.
use super::relay::{self, Message, PATIENCE, Relay};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

/// Where the sandbox is told what to do, which is no part of any cloud.
const CONTROL: &str = "/_sandbox/";

/// A recording proxy before a server, which ends with its owner.
pub(crate) struct Recorder {
    pub(crate) url: String,
    exchanges: Arc<Mutex<Vec<Value>>>,
    _relay: Relay,
}

impl Recorder {
    pub(crate) fn start(server: &str) -> Self {
        let exchanges = Arc::new(Mutex::default());
        let (its, server) = (exchanges.clone(), server.to_owned());
        let relay = Relay::start(move |request, client| pass(&server, &its, request, client));
        Self { url: relay.url.clone(), exchanges, _relay: relay }
    }

    /// Returns the requests so far with their replies, a JSON line each. A reply that was lost has
    /// no status.
    pub(crate) fn lines(&self) -> String {
        let exchanges = self.exchanges.lock().expect("no thread panics");
        exchanges.iter().map(|exchange| format!("{exchange}\n")).collect()
    }
}

fn pass(
    server: &str,
    exchanges: &Mutex<Vec<Value>>,
    request: &Message,
    mut client: &TcpStream,
) -> io::Result<()> {
    let reply = relay::ask(server, request, PATIENCE);
    let told = reply.as_ref().ok();
    let mut words = request.first.split(' ');
    if words.clone().nth(1).is_some_and(|path| path.starts_with(CONTROL)) {
        return client.write_all(&reply?.bytes());
    }
    let exchange = json!({
        "method": words.next(),
        "path": words.next(),
        "headers": request.headers,
        "body": request.text(),
        "status": told.map(Message::status),
        "reply_headers": told.map_or(&[][..], |reply| &reply.headers),
        "reply": told.map_or("", Message::text),
    });
    exchanges.lock().expect("no thread panics").push(exchange);
    client.write_all(&reply?.bytes())
}
