//! The listener of the API of every cluster: TLS, and watches that go on.
use super::watch::Watch;
use super::{Answered, authority, status::Status};
use crate::aws;
use crate::clock::Speed;
use crate::server::{self, Outcome, Reply, Request, Site};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use std::convert::Infallible;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// How often a watch looks whether something has happened.
const LOOK: Duration = Duration::from_millis(50);

/// How often a watch moves an instant clock.
const TICK: Duration = Duration::from_millis(250);

/// How many events wait for a client that is slow.
const WAITING: usize = 64;

type Shared = Arc<Mutex<Site>>;

/// How the API answers with TLS, in the world of which seed.
type Tls = Arc<Mutex<Option<(u64, Arc<ServerConfig>)>>>;

/// Answers until it is dropped.
///
/// # Errors
/// When nothing can be listened to.
pub(crate) async fn serve(listener: std::net::TcpListener, site: Shared) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let tls = Tls::default();
    loop {
        let Some(stream) = server::accepted(&listener).await else { continue };
        let (site, tls) = (site.clone(), tls.clone());
        tokio::spawn(async move {
            if let Err(error) = connected(stream, site, &tls).await {
                tracing::debug!(%error, "a connection to a Kubernetes API ended");
            }
        });
    }
}

async fn connected(stream: TcpStream, site: Shared, tls: &Tls) -> io::Result<()> {
    let stream = TlsAcceptor::from(config(&site, tls)?).accept(stream).await?;
    let service = service_fn(|request| answer(request, site.clone()));
    let server = hyper::server::conn::http1::Builder::new();
    server.serve_connection(TokioIo::new(stream), service).await.map_err(io::Error::other)
}

/// Returns how to answer with TLS, made anew when the world has another authority.
fn config(site: &Shared, tls: &Tls) -> io::Result<Arc<ServerConfig>> {
    let mut site = site.lock().unwrap_or_else(PoisonError::into_inner);
    let mut tls = tls.lock().unwrap_or_else(PoisonError::into_inner);
    site.store.with(|world| match &*tls {
        Some((seed, config)) if *seed == world.seed => Ok(config.clone()),
        _ => {
            let config = authority::tls(world)?;
            *tls = Some((world.seed, config.clone()));
            Ok(config)
        }
    })?
}

type Answer = UnsyncBoxBody<Bytes, Infallible>;

/// Answers a request. An error ends the connection.
async fn answer(
    request: hyper::Request<Incoming>,
    site: Shared,
) -> io::Result<hyper::Response<Answer>> {
    let request = server::read(request).await?;
    match work(&site, &request) {
        Answered::Now(outcome) => {
            Ok(server::respond(outcome).await?.map(|body: Full<Bytes>| body.boxed_unsync()))
        }
        Answered::Watched(watch) => {
            let (to, from) = mpsc::channel(WAITING);
            tokio::spawn(tell(*watch, site, to));
            let response = hyper::Response::builder().header("content-type", "application/json");
            response.body(Events(from).boxed_unsync()).map_err(io::Error::other)
        }
    }
}

/// Works on a request, whatever becomes of that.
fn work(site: &Mutex<Site>, request: &Request) -> Answered {
    let mut site = site.lock().unwrap_or_else(PoisonError::into_inner);
    let why = match catch_unwind(AssertUnwindSafe(|| super::answer(&mut site, request))) {
        Ok(Ok(answered)) => return answered,
        Ok(Err(error)) => format!("the world of the sandbox cannot be read or kept: {error}"),
        Err(_) => "the sandbox failed at this request; standard error says where".to_owned(),
    };
    tracing::error!(request.method, request.target, "{why}");
    let reply: Reply = Status::new(500, "InternalError", why).reply();
    Answered::Now(Outcome::Reply(reply))
}

/// Tells a client what happens, until it has heard enough.
async fn tell(mut watch: Watch, site: Shared, to: mpsc::Sender<Bytes>) {
    let mut ticked = Instant::now();
    while Instant::now() < watch.until && !to.is_closed() {
        let is_tick = ticked.elapsed() >= TICK;
        if is_tick {
            ticked = Instant::now();
        }
        let (events, goes_on) = match look(&mut watch, &site, is_tick) {
            Ok(Ok(events)) => (events, true),
            Ok(Err(last)) => (vec![last], false),
            Err(error) => {
                tracing::error!(%error, what = watch.what(), "a watch cannot see the world");
                return;
            }
        };
        for event in events {
            if to.send(Bytes::from(format!("{event}\n"))).await.is_err() {
                return;
            }
        }
        if !goes_on {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

type News = Result<Vec<serde_json::Value>, serde_json::Value>;

fn look(watch: &mut Watch, site: &Mutex<Site>, is_tick: bool) -> io::Result<News> {
    let mut site = site.lock().unwrap_or_else(PoisonError::into_inner);
    let (now, due) =
        site.store.with(|world| (world.now, world.jump(aws::lag(), aws::is_waited_for)))?;
    let now = match site.clock.speed() {
        Speed::Instant if !is_tick => now,
        _ => site.clock.tick(now, due),
    };
    let (news, moments) = site.store.with(|world| {
        world.advance(now, aws::turn);
        (watch.news(world), world.moments())
    })?;
    site.remember(moments);
    Ok(news)
}

/// The events of a watch, as the body of its reply.
struct Events(mpsc::Receiver<Bytes>);

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|data| Some(Ok(Frame::data(data?))))
    }
}
