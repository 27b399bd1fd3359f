//! A proxy that lets calls through, loses replies, and kills whoever calls.
use super::relay::{self, Message, PATIENCE, RUN, Relay};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

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
    _relay: Relay,
}

struct Shared {
    server: String,
    decide: Box<Decide>,
    calls: Mutex<Calls>,
    caller: Mutex<Option<Child>>,
}

/// How many calls there have been.
#[derive(Default)]
struct Calls {
    /// By operation.
    each: BTreeMap<String, usize>,
    /// Those that change something, in their order.
    changes: Vec<String>,
}

impl Proxy {
    /// Starts a proxy before `server` that does with each call what `decide` says.
    pub(crate) fn start(
        server: &str,
        decide: impl Fn(&Call<'_>) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            decide: Box::new(decide),
            calls: Mutex::default(),
            caller: Mutex::default(),
        });
        let its = shared.clone();
        let relay = Relay::start(move |request, client| its.pass(request, client));
        Self { url: relay.url.clone(), shared, _relay: relay }
    }

    /// Returns how often each operation was called.
    pub(crate) fn calls(&self) -> BTreeMap<String, usize> {
        self.shared.calls.lock().expect("no thread panics").each.clone()
    }

    /// Counts from the beginning again, and returns the operations so far that change something.
    pub(crate) fn restart(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.calls.lock().expect("no thread panics")).changes
    }

    /// Runs a command until it ends or is killed. `None` when it was killed.
    pub(crate) fn run(&self, command: &mut Command) -> Option<i32> {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut caller = self.shared.caller.lock().expect("no thread panics");
        *caller = Some(child.expect("the program starts"));
        drop(caller);
        let since = Instant::now();
        loop {
            assert!(since.elapsed() < RUN, "the program does not end");
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

impl Shared {
    /// Passes one request on, and its reply back, unless fate wants something else.
    fn pass(&self, request: &Message, mut client: &TcpStream) -> io::Result<()> {
        let fate = self.fate(request);
        match fate {
            Fate::KillBefore => return self.kill(),
            Fate::Refuse(reason) => return client.write_all(refusal(request, reason).as_bytes()),
            Fate::Pass | Fate::LoseReply | Fate::KillAfter => {}
        }
        let reply = relay::ask(&self.server, request, PATIENCE)?;
        match fate {
            Fate::LoseReply => Ok(()),
            Fate::KillAfter => self.kill(),
            _ => client.write_all(&reply.bytes()),
        }
    }

    fn fate(&self, request: &Message) -> Fate {
        let operation = request.operation();
        let mut calls = self.calls.lock().expect("no thread panics");
        let count = calls.each.entry(operation.clone()).or_default();
        *count += 1;
        let count = *count;
        let change = match is_read(&operation) {
            true => 0,
            false => {
                calls.changes.push(operation.clone());
                calls.changes.len()
            }
        };
        (self.decide)(&Call { operation: &operation, count, change })
    }

    fn kill(&self) -> io::Result<()> {
        match self.caller.lock().expect("no thread panics").as_mut() {
            Some(caller) => caller.kill(),
            None => Ok(()),
        }
    }
}

/// Tells whether an operation changes nothing, by its name.
pub(crate) fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "List", "GET ", "AssumeRole"].iter().any(|it| operation.starts_with(it))
}

/// Writes an error as the service that is asked would.
fn refusal(request: &Message, reason: Reason) -> String {
    let ([ec2, query, json], message) = (reason.codes(), reason.message());
    let body = request.text();
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
