//! What stands before a server on loopback: it hears requests, and passes them on.
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long either side may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long a program may run, beside others and on a slow machine.
pub(crate) const RUN: Duration = Duration::from_secs(300);

/// A listener with a thread for each request, which ends with its owner.
pub(crate) struct Relay {
    pub(crate) url: String,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Listens, and has `pass` see to each request; the connection is for its reply.
    pub(crate) fn start(
        pass: impl Fn(&Message, &TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let (pass, ending) = (Arc::new(pass), Arc::new(AtomicBool::new(false)));
        let its = ending.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if its.load(Ordering::SeqCst) {
                    return;
                }
                let pass = pass.clone();
                std::thread::spawn(move || drop(serve(&stream, &*pass)));
            }
        });
        Self { url: format!("http://{address}"), ending, thread: Some(thread) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(host(&self.url)));
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it ends");
        }
    }
}

fn serve(
    client: &TcpStream,
    pass: &impl Fn(&Message, &TcpStream) -> io::Result<()>,
) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    let request = Message::read(&mut BufReader::new(client))?;
    pass(&request, client)
}

/// Asks a server, by its URL, which may take so long to reply.
pub(crate) fn ask(server: &str, request: &Message, patience: Duration) -> io::Result<Message> {
    let mut stream = TcpStream::connect(host(server))?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(&request.bytes())?;
    Message::read(&mut BufReader::new(&stream))
}

/// Returns host and port of a URL.
pub(crate) fn host(url: &str) -> &str {
    url.trim_start_matches("http://")
}

/// A request or a reply.
pub(crate) struct Message {
    pub(crate) first: String,
    pub(crate) headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Message {
    /// Makes a request for a server, by its URL.
    pub(crate) fn request(
        url: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Self {
        let length = body.len().to_string();
        let own = [("host", host(url)), ("content-length", &length)];
        let all = own.iter().chain(headers);
        Self {
            first: format!("{method} {path} HTTP/1.1"),
            headers: all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let mut first = String::new();
        from.read_line(&mut first)?;
        if first.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
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
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let kept = self.headers.iter().filter(|(name, _)| name != "connection");
        let headers: String = kept.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("{}\r\n{headers}connection: close\r\n\r\n", self.first);
        [head.as_bytes(), &self.body].concat()
    }

    /// Returns the status of a reply.
    pub(crate) fn status(&self) -> Option<u16> {
        self.first.split(' ').nth(1)?.parse().ok()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or("not text")
    }

    /// Names what a request asks: the action of a query, the target of a JSON call, or a REST route.
    pub(crate) fn operation(&self) -> String {
        if let Some((_, target)) = self.headers.iter().find(|(name, _)| name == "x-amz-target") {
            return target.rsplit('.').next().unwrap_or(target).to_owned();
        }
        if let Some(action) = self.text().split('&').find_map(|part| part.strip_prefix("Action=")) {
            return action.to_owned();
        }
        let mut words = self.first.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let path = path.split('?').next().unwrap_or(path);
        let shape: Vec<_> = path.split('/').skip(1).enumerate().collect();
        let shape = shape.into_iter().map(|(i, part)| if i % 2 == 0 { part } else { "*" });
        format!("{method} /{}", shape.collect::<Vec<_>>().join("/"))
    }
}
