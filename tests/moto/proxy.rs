//! A proxy that lets calls through, loses replies, and kills whoever calls.
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    /// It is refused before it takes hold.
    Refuse(Reason),
    /// It takes hold, and its reply is lost.
    LoseReply,
    /// The caller is killed before it takes hold.
    KillBefore,
    /// The caller is killed after it took hold.
    KillAfter,
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The credentials were good until now.
    Expired,
    /// Nobody knows the credentials.
    Unknown,
    /// Whose they are may not do this.
    Denied,
}

impl Reason {
    /// Returns the code of EC2, of IAM and STS, and of everything that speaks JSON.
    fn codes(self) -> [&'static str; 3] {
        match self {
            Self::Expired => ["RequestExpired", "ExpiredToken", "ExpiredTokenException"],
            Self::Unknown => ["AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"],
            Self::Denied => ["UnauthorizedOperation", "AccessDenied", "AccessDeniedException"],
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Expired => "The security token included in the request is expired",
            Self::Unknown => "The security token included in the request is invalid.",
            Self::Denied => "You are not authorized to perform this operation.",
        }
    }
}

/// One call, as fate sees it.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'a str,
    /// How many of this operation there have been, with this one.
    pub(crate) count: usize,
    /// How many calls that change something there have been, with this one; 0 when it does not.
    pub(crate) change: usize,
}

type Decide = dyn Fn(&Call<'_>) -> Fate + Send + Sync;

/// A proxy in front of a server, which ends with its owner.
pub(crate) struct Proxy {
    pub(crate) url: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    server: String,
    decide: Box<Decide>,
    calls: Mutex<(BTreeMap<String, usize>, usize)>,
    caller: Mutex<Option<Child>>,
    ending: AtomicBool,
}

impl Proxy {
    /// Starts a proxy before `server` that does with each call what `decide` says.
    pub(crate) fn start(
        server: &str,
        decide: impl Fn(&Call<'_>) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let shared = Arc::new(Shared {
            server: server.trim_start_matches("http://").to_owned(),
            decide: Box::new(decide),
            calls: Mutex::default(),
            caller: Mutex::default(),
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

    /// Returns how often each operation was called.
    pub(crate) fn calls(&self) -> BTreeMap<String, usize> {
        self.shared.calls.lock().expect("no thread panics").0.clone()
    }

    /// Counts from the beginning again, and returns how many calls changed something so far.
    pub(crate) fn restart(&self) -> usize {
        let mut calls = self.shared.calls.lock().expect("no thread panics");
        calls.0.clear();
        std::mem::take(&mut calls.1)
    }

    /// Runs a command until it ends or is killed. `None` when it was killed.
    pub(crate) fn run(&self, command: &mut Command) -> Option<i32> {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut caller = self.shared.caller.lock().expect("no thread panics");
        *caller = Some(child.expect("the program starts"));
        drop(caller);
        let since = Instant::now();
        loop {
            assert!(since.elapsed() < PATIENCE, "the program does not end");
            let mut caller = self.shared.caller.lock().expect("no thread panics");
            let status = caller.as_mut().and_then(|c| c.try_wait().expect("it can be asked"));
            if let Some(status) = status {
                return status.code();
            }
            drop(caller);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        let address = self.url.trim_start_matches("http://");
        drop(TcpStream::connect(address));
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the proxy ends");
        }
    }
}

impl Shared {
    /// Passes one request on, and its reply back, unless fate wants something else.
    fn pass(&self, client: &TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(PATIENCE))?;
        let request = Request::read(&mut BufReader::new(client))?;
        let fate = self.fate(&request);
        if fate == Fate::KillBefore {
            return self.kill();
        }
        if let Fate::Refuse(reason) = fate {
            return (&*client).write_all(request.refusal(reason).as_bytes());
        }
        let mut upstream = TcpStream::connect(&self.server)?;
        upstream.set_read_timeout(Some(PATIENCE))?;
        upstream.write_all(&request.bytes())?;
        let mut reply = Vec::new();
        upstream.read_to_end(&mut reply)?;
        match fate {
            Fate::LoseReply => Ok(()),
            Fate::KillAfter => self.kill(),
            _ => (&*client).write_all(&reply),
        }
    }

    fn fate(&self, request: &Request) -> Fate {
        let operation = request.operation();
        let reads = ["Describe", "Get", "List", "GET "];
        let changes = !reads.iter().any(|read| operation.starts_with(read));
        let mut calls = self.calls.lock().expect("no thread panics");
        let count = calls.0.entry(operation.clone()).or_default();
        *count += 1;
        let count = *count;
        calls.1 += usize::from(changes);
        let change = if changes { calls.1 } else { 0 };
        (self.decide)(&Call { operation: &operation, count, change })
    }

    fn kill(&self) -> io::Result<()> {
        match self.caller.lock().expect("no thread panics").as_mut() {
            Some(caller) => caller.kill(),
            None => Ok(()),
        }
    }
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

    /// Writes an error as the service that is asked would.
    fn refusal(&self, reason: Reason) -> String {
        let ([ec2, query, json], message) = (reason.codes(), reason.message());
        let body = String::from_utf8_lossy(&self.body);
        let (kind, text) = match body.contains("Action=") {
            true if body.contains("Version=2016-11-15") => (
                "text/xml",
                format!(
                    "<Response><Errors><Error><Code>{ec2}</Code><Message>{message}</Message>\
                     </Error></Errors><RequestID>r-1</RequestID></Response>"
                ),
            ),
            true => (
                "text/xml",
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{query}</Code><Message>\
                     {message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
                ),
            ),
            false => {
                ("application/json", format!("{{\"__type\":\"{json}\",\"message\":\"{message}\"}}"))
            }
        };
        let length = text.len();
        format!(
            "HTTP/1.1 403 Forbidden\r\ncontent-type: {kind}\r\nx-amzn-errortype: {json}\r\n\
             x-amzn-requestid: r-1\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
        )
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
