//! A clock that moves what is shown while nothing happens.
use super::Inner;
use super::live::FRAME;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Ticks in a thread of its own until it is dropped.
pub(super) struct Ticker {
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(super) fn start(inner: &Arc<Mutex<Inner>>) -> Self {
        let (alive, ended) = mpsc::channel::<()>();
        let inner = Arc::clone(inner);
        let thread = thread::spawn(move || {
            while ended.recv_timeout(FRAME) == Err(RecvTimeoutError::Timeout) {
                inner.lock().unwrap_or_else(PoisonError::into_inner).tick();
            }
        });
        Self { alive: Some(alive), thread: Some(thread) }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
