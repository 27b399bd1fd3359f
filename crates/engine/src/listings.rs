//! Listings that many steps share. Each is begun after it was asked for, so it is never stale by us.
use crate::calls::{Ended, Engine};
use provision_core::{Address, LiveValue};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tracing::Instrument;

/// What carries our marks, of one kind and within one parent.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// By the address that the mark says.
    pub(crate) marked: HashMap<Address, Vec<Arc<LiveValue>>>,
    /// Of kinds without marks, by id.
    pub(crate) unmarked: HashMap<String, Arc<LiveValue>>,
}

type Shared = Arc<tokio::sync::Mutex<(u64, Option<Arc<Listing>>)>>;

/// The listings of a run.
#[derive(Default)]
pub(crate) struct Listings {
    clock: AtomicU64,
    shared: Mutex<HashMap<(String, Option<Address>), Shared>>,
}

impl Engine<'_> {
    /// Lists a kind. `None` when its API cannot. Whoever asks while a listing runs shares the next.
    pub(crate) async fn list(
        &self,
        kind: &str,
        parent: Option<(&Address, &Value)>,
    ) -> Result<Option<Arc<Listing>>, Ended> {
        let asked = self.listings.clock.fetch_add(1, Ordering::Relaxed);
        let shared = {
            let key = (kind.to_owned(), parent.map(|(address, _)| address.clone()));
            let mut all = self.listings.shared.lock().expect("nothing panics while it holds it");
            all.entry(key).or_default().clone()
        };
        let mut last = shared.lock().await;
        if last.0 > asked {
            return Ok(last.1.clone());
        }
        let begun = self.listings.clock.fetch_add(1, Ordering::Relaxed);
        let (driver, nowhere) = (self.driver(kind)?, Address::from(""));
        let at = self.at(&nowhere, parent.map(|(_, outputs)| outputs));
        // Whoever asked first is not whom it is for.
        let span = tracing::info_span!(parent: None, "list", kind);
        let found = self.ask(None, async || driver.list(at).await).instrument(span).await?;
        *last = (begun, found.map(|all| Arc::new(Listing::of(all))));
        Ok(last.1.clone())
    }
}

impl Listing {
    fn of(all: Vec<LiveValue>) -> Self {
        let marked = HashMap::with_capacity(all.len());
        let mut listing = Self { marked, unmarked: HashMap::new() };
        for live in all.into_iter().map(Arc::new) {
            match (&live.address, live.id()) {
                (Some(address), _) => {
                    listing.marked.entry(address.clone()).or_default().push(live);
                }
                (None, Some(id)) => drop(listing.unmarked.insert(id.to_owned(), live)),
                (None, None) => {}
            }
        }
        listing
    }
}
