//! Ctrl-C and SIGTERM: once to stop, twice to leave.
use crate::failure::Exit;
use crate::render::spinner;
use provision_engine::Stop;
use std::convert::Infallible;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signal of a write beyond the limit on the size of files, which kills whoever ignores it.
const SIGXFSZ: i32 = 25;

/// Makes a write beyond the limit on the size of files fail like any other, instead of killing.
pub(crate) fn outlive_full_disks() {
    if let Err(error) = signal(SignalKind::from_raw(SIGXFSZ)) {
        tracing::debug!(%error, "a limit on the size of files would end the run");
    }
}

/// Asks the run to stop at the first signal, and leaves at the second.
pub(crate) async fn heed(stop: &Stop) -> Infallible {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        tracing::warn!("signals cannot be caught; an interrupted run is safe all the same");
        return std::future::pending().await;
    };
    either(&mut interrupt, &mut terminate).await;
    stop.ask();
    either(&mut interrupt, &mut terminate).await;
    leave();
    std::future::pending().await
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[expect(clippy::exit, reason = "whoever asks twice does not want to wait for anything")]
fn leave() {
    spinner::erase();
    std::process::exit(Exit::Interrupted as i32);
}
