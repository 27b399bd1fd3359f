//! Asks a run to stop.
use std::sync::Arc;
use tokio::sync::watch;

/// Asks a run to start nothing new. Clones ask the same run.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }
}

impl Stop {
    /// Asks. Calls that are under way end by themselves.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Tells whether anybody asked.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        let mut asked = self.0.subscribe();
        asked.wait_for(|asked| *asked).await.expect("the sender lives as long as self");
    }
}
