//! A proxy that writes down what passes through it.
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A recording proxy before a server, which ends with its owner.
pub(crate) struct Recorder {
    pub(crate) url: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    server: String,
    exchanges: Mutex<Vec<Value>>,
    ending: AtomicBool,
}

impl Recorder {
    pub(crate) fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let shared = Arc::new(Shared {
            server: server.trim_start_matches("http://").to_owned(),
            exchanges: Mutex::default(),
            ending: AtomicBool::new(false),
        });
        let its = shared.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if its.ending.load(Ordering::SeqCst) {
                    return;
                }
                let its = its.clone();
                std::thread::spawn(move || drop(its.pass(&stream)));
            }
        });
        Self { url: format!("http://{address}"), shared, thread: Some(thread) }
    }

    /// Returns the requests so far with their replies, a JSON line each.
    pub(crate) fn lines(&self) -> String {
        let exchanges = self.shared.exchanges.lock().expect("no thread panics");
        exchanges.iter().map(|exchange| format!("{exchange}\n")).collect()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the recorder ends");
        }
    }
}

impl Shared {
    fn pass(&self, client: &TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(PATIENCE))?;
        let request = Message::read(&mut BufReader::new(client))?;
        let mut upstream = TcpStream::connect(&self.server)?;
        upstream.set_read_timeout(Some(PATIENCE))?;
        upstream.write_all(&request.bytes())?;
        let reply = Message::read(&mut BufReader::new(&upstream))?;
        let mut words = request.first.split(' ');
        let exchange = json!({
            "method": words.next(),
            "path": words.next(),
            "headers": request.headers,
            "body": request.text(),
            "status": reply.first.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok()),
            "reply_headers": reply.headers,
            "reply": reply.text(),
        });
        self.exchanges.lock().expect("no thread panics").push(exchange);
        (&*client).write_all(&reply.bytes())
    }
}

/// A request or a reply.
struct Message {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Message {
    fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let mut first = String::new();
        from.read_line(&mut first)?;
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            from.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        Ok(Self { first: first.trim_end().to_owned(), headers, body })
    }

    /// Returns the message as it was, except that the connection ends with it.
    fn bytes(&self) -> Vec<u8> {
        let kept = self.headers.iter().filter(|(name, _)| name != "connection");
        let headers: String = kept.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("{}\r\n{headers}connection: close\r\n\r\n", self.first);
        [head.as_bytes(), &self.body].concat()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or("not text")
    }
}
