//! Ctrl-C and SIGTERM: once to stop, twice to leave.
use crate::failure::Exit;
use provision_engine::Stop;
use std::convert::Infallible;
use tokio::signal::unix::{Signal, SignalKind, signal};

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
    std::process::exit(Exit::Interrupted as i32);
}
