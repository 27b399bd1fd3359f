//! A sandbox as a server on loopback.
mod message;
mod recording;

use crate::clock::{Clock, Speed, Time};
use crate::credential::Credential;
use crate::faults::{Effect, Faults};
use crate::store::Store;
use crate::world::{Moment, World};
use crate::{aws, control, kubernetes};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
pub(crate) use message::{Outcome, Reply, Request, pairs, read, respond};
use recording::Recording;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// How long nobody is let in after that was not possible.
const PAUSE: Duration = Duration::from_millis(10);

/// How many requests the log remembers, and how many moments the history.
const REMEMBERED: usize = 100_000;

/// How a sandbox is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the world is kept; in memory when not told.
    pub world: Option<PathBuf>,
    /// The seed of a new world.
    pub seed: u64,
    /// When a new world begins; now when not told.
    pub begins: Option<SystemTime>,
    /// How fast simulated time passes.
    pub speed: Speed,
    /// Access keys that are accepted beside [`CREDENTIAL`](crate::CREDENTIAL).
    pub credentials: Vec<Credential>,
    /// Whether it has control endpoints.
    pub control: bool,
    /// Whether reads may lag behind by themselves; what is asked to be stale is so anyway.
    pub lags: bool,
    /// A file behind which every call of the simulated AWS is written, with its reply, as JSON.
    pub recording: Option<PathBuf>,
    /// Whether everybody is let in, for rehearsals in which nobody else prepares anything: every
    /// account has its key, [`Credential::of_account`], and a role that there is not is made when
    /// it is first taken on.
    pub open: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            world: None,
            seed: 1,
            begins: None,
            speed: Speed::Instant,
            credentials: Vec::new(),
            control: true,
            lags: true,
            recording: None,
            open: false,
        }
    }
}

/// Simulated clouds that answer on loopback until they are dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    site: Arc<Mutex<Site>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts to answer, on a thread of its own and on a port that was free.
    ///
    /// # Errors
    /// When the world cannot be read, or there is no port.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let mut site = Site::open(settings)?;
        let (listener, address) = listen()?;
        let (inner, within) = listen()?;
        site.kubernetes = format!("https://{within}");
        let site = Arc::new(Mutex::new(site));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        let shared = site.clone();
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    result = serve(listener, shared.clone()) => {
                        let error = result.err();
                        tracing::error!(?error, "the sandbox ends");
                    }
                    result = kubernetes::serve(inner, shared.clone()) => {
                        let error = result.err();
                        tracing::error!(?error, "the Kubernetes APIs of the sandbox end");
                    }
                    _ = ended => {}
                }
            });
        })?;
        Ok(Self { address, site, end: Some(end), thread: Some(thread) })
    }

    /// Returns where the simulated AWS answers.
    pub fn aws(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what tells the simulated time since 1970. A clock that only requests move shows that
    /// of the last.
    pub fn clock(&self) -> impl Fn() -> Duration + Send + Sync + use<> {
        let site = self.site.clone();
        move || {
            let site = site.lock().unwrap_or_else(PoisonError::into_inner);
            Duration::from_millis(site.clock.now())
        }
    }
}

/// Begins to listen on a port that was free.
fn listen() -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// All that a request may meet.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    /// The last requests, the newest last.
    pub(crate) log: VecDeque<Logged>,
    /// What became of objects, the newest last.
    pub(crate) history: VecDeque<Moment>,
    /// By their ids.
    pub(crate) credentials: BTreeMap<String, Credential>,
    pub(crate) control: bool,
    pub(crate) lags: bool,
    pub(crate) open: bool,
    recording: Option<Recording>,
    /// Where the APIs of clusters answer.
    pub(crate) kubernetes: String,
}

/// The status that the log has of a request that got no reply.
pub(crate) const UNANSWERED: u16 = 0;

/// How long a slow reply takes, in simulated time.
const SLOW: Time = 20_000;

/// Returns what becomes of a reply that a fault befalls, and the status that reaches the caller.
pub(crate) fn befallen(effect: Option<Effect>, reply: Reply) -> (Outcome, u16) {
    let status = reply.status;
    match effect {
        Some(Effect::CutAfter) => (Outcome::Cut, UNANSWERED),
        Some(Effect::HangAfter) => (Outcome::Hang, UNANSWERED),
        Some(Effect::Slow) => (Outcome::Late(reply, SLOW), status),
        _ => (Outcome::Reply(reply), status),
    }
}

/// One request, as the log tells it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Logged {
    pub(crate) seq: usize,
    /// Simulated time, in milliseconds since 1970.
    pub(crate) time: Time,
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) status: u16,
}

impl Site {
    fn open(settings: Settings) -> io::Result<Self> {
        let now = settings.begins.unwrap_or_else(SystemTime::now);
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let new = World::new(settings.seed, now.as_millis() as Time);
        let mut store = Store::open(settings.world.as_deref(), new)?;
        let now = store.with(|world| world.now)?;
        let all = settings.credentials.into_iter().chain([Credential::own()]);
        Ok(Self {
            store,
            clock: Clock::starting(settings.speed, now),
            faults: Faults::default(),
            log: VecDeque::new(),
            history: VecDeque::new(),
            credentials: all.map(|one| (one.id.clone(), one)).collect(),
            control: settings.control,
            lags: settings.lags,
            open: settings.open,
            recording: settings.recording.as_deref().map(Recording::open).transpose()?,
            kubernetes: String::new(),
        })
    }

    /// Notes a request, and forgets the oldest when there are too many.
    pub(crate) fn note(&mut self, time: Time, service: String, operation: String, status: u16) {
        let seq = self.log.back().map_or(0, |last| last.seq) + 1;
        if self.log.len() == REMEMBERED {
            self.log.pop_front();
        }
        self.log.push_back(Logged { seq, time, service, operation, status });
    }

    /// Writes a call down, if that is wanted, and what comes of it.
    fn record(&mut self, request: &Request, outcome: Outcome) -> io::Result<Outcome> {
        if let Some(recording) = &mut self.recording {
            recording.note(request, &outcome)?;
        }
        Ok(outcome)
    }

    /// Notes what became of objects, where somebody can ask for it.
    pub(crate) fn remember(&mut self, moments: Vec<Moment>) {
        self.history.extend(moments.into_iter().filter(|_| self.control));
        let old = self.history.len().saturating_sub(REMEMBERED);
        self.history.drain(..old);
    }
}

async fn serve(listener: std::net::TcpListener, site: Arc<Mutex<Site>>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let Some(stream) = accepted(&listener).await else { continue };
        let site = site.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, site.clone()));
            let server = hyper::server::conn::http1::Builder::new();
            if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
}

/// Waits for the next connection; there is none when it cannot be accepted.
pub(crate) async fn accepted(listener: &TcpListener) -> Option<TcpStream> {
    let stream = match listener.accept().await {
        Ok((stream, _)) => stream,
        Err(error) => {
            tracing::warn!(%error, "a connection cannot be accepted");
            tokio::time::sleep(PAUSE).await;
            return None;
        }
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays slow");
    }
    Some(stream)
}

/// Works on a request, whatever becomes of that.
fn work(
    site: &Mutex<Site>,
    request: &Request,
    work: impl FnOnce(&mut Site, &Request) -> io::Result<Outcome>,
) -> Outcome {
    let mut site = site.lock().unwrap_or_else(PoisonError::into_inner);
    let why = match catch_unwind(AssertUnwindSafe(|| work(&mut site, request))) {
        Ok(Ok(outcome)) => return outcome,
        Ok(Err(error)) => format!("the world of the sandbox cannot be read or kept: {error}"),
        Err(_) => "the sandbox failed at this request; standard error says where".to_owned(),
    };
    tracing::error!(request.method, request.target, "{why}");
    Outcome::Reply(aws::failed(request, &why))
}

/// Answers a request. An error ends the connection.
async fn answer(
    request: hyper::Request<Incoming>,
    site: Arc<Mutex<Site>>,
) -> io::Result<hyper::Response<Full<Bytes>>> {
    let request = read(request).await?;
    let outcome =
        work(&site, &request, |site, request| match request.path.starts_with("/_sandbox/") {
            true => control::answer(site, request).map(Outcome::Reply),
            false => aws::answer(site, request).and_then(|outcome| site.record(request, outcome)),
        });
    respond(outcome).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Key, Object};

    fn request(target: &str) -> Request {
        Request {
            method: "GET".to_owned(),
            target: target.to_owned(),
            path: target.to_owned(),
            query: String::new(),
            headers: vec![("host".to_owned(), "127.0.0.1:1".to_owned())],
            body: Vec::new(),
        }
    }

    #[test]
    fn a_request_that_fails_is_answered_and_harms_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let world = Some(folder.path().join("acme.sandbox.json"));
        let site = Mutex::new(Site::open(Settings { world, ..Settings::default() }).unwrap());
        let clusters = request("/clusters");
        let outcome = work(&site, &clusters, |site, _| {
            let half = |world: &mut World| {
                world.put(Key::new("k", "half"), Object::default());
                panic!("it goes wrong");
            };
            site.store.with(half)
        });
        let Outcome::Reply(reply) = outcome else { panic!("{outcome:?}") };
        assert_eq!(reply.status, 500);
        assert!(reply.headers.contains(&("x-amzn-ErrorType", "InternalFailure".to_owned())));
        let after = work(&site, &clusters, |site, _| {
            let left = site.store.with(|world| world.objects().count())?;
            Ok(Outcome::Late(Reply::empty(200), left as u64))
        });
        assert!(matches!(after, Outcome::Late(_, 0)), "{after:?}");
    }

    #[test]
    fn the_log_has_an_end() {
        let mut site = Site::open(Settings::default()).unwrap();
        for _ in 0..REMEMBERED + 2 {
            site.note(0, "sts".to_owned(), "GetCallerIdentity".to_owned(), 200);
        }
        assert_eq!(site.log.len(), REMEMBERED);
        assert_eq!(site.log.back().map(|last| last.seq), Some(REMEMBERED + 2));
    }
}
