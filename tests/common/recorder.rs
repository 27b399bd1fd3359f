//! A proxy that writes down what passes through it.
use super::relay::{self, Message, PATIENCE, Relay};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

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

    /// Returns the requests so far with their replies, a JSON line each.
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
    let reply = relay::ask(server, request, PATIENCE)?;
    let mut words = request.first.split(' ');
    let exchange = json!({
        "method": words.next(),
        "path": words.next(),
        "headers": request.headers,
        "body": request.text(),
        "status": reply.status(),
        "reply_headers": reply.headers,
        "reply": reply.text(),
    });
    exchanges.lock().expect("no thread panics").push(exchange);
    client.write_all(&reply.bytes())
}
