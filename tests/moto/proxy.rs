//! A proxy that lets calls through and loses the reply to one of them.
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A proxy in front of a server, which ends with its owner.
pub(crate) struct Proxy {
    pub(crate) url: String,
    calls: Arc<Mutex<BTreeMap<String, usize>>>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy before `server` that loses the first reply to each operation of `cut`.
    pub(crate) fn start(server: &str, cut: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let server = server.trim_start_matches("http://").to_owned();
        let calls = Arc::new(Mutex::new(BTreeMap::new()));
        let ending = Arc::new(AtomicBool::new(false));
        let (counts, end) = (calls.clone(), ending.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (server, counts) = (server.clone(), counts.clone());
                std::thread::spawn(move || drop(pass(&stream, &server, &counts, cut)));
            }
        });
        Self { url: format!("http://{address}"), calls, ending, thread: Some(thread) }
    }

    /// Returns how often each operation was called.
    pub(crate) fn calls(&self) -> BTreeMap<String, usize> {
        self.calls.lock().expect("no thread panics").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        let address = self.url.trim_start_matches("http://");
        drop(TcpStream::connect(address));
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the proxy ends");
        }
    }
}

/// Passes one request on, and its reply back unless it is to be lost.
fn pass(
    client: &TcpStream,
    server: &str,
    counts: &Mutex<BTreeMap<String, usize>>,
    cut: &[&str],
) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    let request = Request::read(&mut BufReader::new(client))?;
    let operation = request.operation();
    let count = {
        let mut counts = counts.lock().expect("no thread panics");
        let count = counts.entry(operation.clone()).or_default();
        *count += 1;
        *count
    };
    let mut upstream = TcpStream::connect(server)?;
    upstream.set_read_timeout(Some(PATIENCE))?;
    upstream.write_all(&request.bytes())?;
    let mut reply = Vec::new();
    upstream.read_to_end(&mut reply)?;
    if count == 1 && cut.contains(&operation.as_str()) {
        return Ok(());
    }
    let mut client = client;
    client.write_all(&reply)
}

struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let mut line = String::new();
        from.read_line(&mut line)?;
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
        Ok(Self { line: line.trim_end().to_owned(), headers, body })
    }

    /// Returns the request as it was, except that the connection ends with the reply.
    fn bytes(&self) -> Vec<u8> {
        let kept = self.headers.iter().filter(|(name, _)| name != "connection");
        let headers: String = kept.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("{}\r\n{headers}connection: close\r\n\r\n", self.line);
        [head.as_bytes(), &self.body].concat()
    }

    /// Names what is asked: the action of a query, the target of a JSON call, or a REST route.
    fn operation(&self) -> String {
        let target = self.headers.iter().find(|(name, _)| name == "x-amz-target");
        if let Some((_, target)) = target {
            return target.rsplit('.').next().unwrap_or(target).to_owned();
        }
        let body = String::from_utf8_lossy(&self.body);
        if let Some(action) = body.split('&').find_map(|part| part.strip_prefix("Action=")) {
            return action.to_owned();
        }
        let mut words = self.line.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let path = path.split('?').next().unwrap_or(path);
        let shape: Vec<_> = path.split('/').skip(1).enumerate().collect();
        let shape = shape.into_iter().map(|(i, part)| if i % 2 == 0 { part } else { "*" });
        format!("{method} /{}", shape.collect::<Vec<_>>().join("/"))
    }
}
