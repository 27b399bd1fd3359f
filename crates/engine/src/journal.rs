//! The journal of one state: entries are durable before the calls they announce.
use crate::state_file::Loaded;
use provision_core::{Entry, Error, Kind, Line, Marks, Result, Scope, State};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// The format that this version writes.
pub const STATE_FORMAT: &str = "provision.state/v1";

/// The first line of a state: whose it is. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`STATE_FORMAT`].
    pub format: String,
    /// The cluster's name.
    pub cluster: String,
    /// The provider's name.
    pub provider: String,
    /// The account and region it describes.
    pub scope: Scope,
    /// Its random identity, which every object it owns is marked with.
    pub lineage: String,
}

impl Header {
    /// Returns the marks of the objects that this state owns.
    pub fn marks(&self) -> Marks {
        Marks { lineage: Some(self.lineage.clone()), cluster: self.cluster.clone() }
    }

    pub(crate) fn line(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a header serializes")
    }
}

/// Makes the random identity of a new state: 20 hex digits.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn new_lineage() -> io::Result<String> {
    let mut bytes = [0_u8; 10];
    getrandom::fill(&mut bytes).map_err(|e| io::Error::other(e.to_string()))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// Where a journal is kept.
pub trait Store: Send + 'static {
    /// Adds whole lines. They are durable when this returns.
    ///
    /// # Errors
    /// When they may not be; the journal then takes nothing more.
    fn append(&mut self, lines: &[u8]) -> io::Result<()>;

    /// Puts `text` in the place of everything, at once, keeping what was there as a backup.
    ///
    /// # Errors
    /// When it failed; what was there is still there.
    fn replace(&mut self, text: &[u8]) -> io::Result<()>;
}

/// The journal of one state, and the state that its entries lead to.
pub struct Journal {
    inner: Mutex<Inner>,
    store: Arc<Mutex<Box<dyn Store>>>,
    /// Held while lines are being written, so that those who wait are written together.
    turn: tokio::sync::Mutex<()>,
}

struct Inner {
    header: Header,
    state: State,
    serial: u64,
    prev: String,
    /// How many lines the store has after the header.
    lines: usize,
    pending: Vec<u8>,
    written: u64,
    failed: Option<String>,
}

impl Journal {
    /// Begins a new state in an empty store.
    ///
    /// # Errors
    /// When its header cannot be written.
    pub fn begin(mut store: Box<dyn Store>, header: Header) -> io::Result<Self> {
        let mut line = header.line();
        let prev = Line::hash(&line);
        line.push(b'\n');
        store.append(&line)?;
        let loaded = Loaded { header, state: State::default(), serial: 0, prev, lines: 0, torn: 0 };
        Ok(Self::resume(store, loaded))
    }

    /// Goes on with a state that was loaded.
    pub fn resume(store: Box<dyn Store>, loaded: Loaded) -> Self {
        let Loaded { header, state, serial, prev, lines, torn: _ } = loaded;
        let (pending, written, failed) = (Vec::new(), serial, None);
        let inner = Inner { header, state, serial, prev, lines, pending, written, failed };
        Self {
            inner: Mutex::new(inner),
            store: Arc::new(Mutex::new(store)),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Returns whose state it is.
    pub fn header(&self) -> Header {
        self.inner().header.clone()
    }

    /// Returns the number of the last line.
    pub fn serial(&self) -> u64 {
        self.inner().serial
    }

    /// Looks at the state. The closure must not wait for anything.
    pub fn with<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.inner().state)
    }

    /// Writes an entry and returns the number of its line once it is durable. Entries of tasks
    /// that wait at the same time are written together.
    ///
    /// # Errors
    /// [`Kind::Journal`] when it may not be durable; every later call fails as well.
    pub async fn record(&self, entry: &Entry) -> Result<u64> {
        let n = self.inner().push(entry)?;
        let _turn = self.turn.lock().await;
        let (lines, upto) = {
            let mut inner = self.inner();
            inner.usable()?;
            if inner.written >= n {
                return Ok(n);
            }
            (std::mem::take(&mut inner.pending), inner.serial)
        };
        let store = self.store.clone();
        let append = move || store.lock().expect("a store does not panic").append(&lines);
        let result = tokio::task::spawn_blocking(append).await;
        let mut inner = self.inner();
        match result {
            Ok(Ok(())) => inner.written = upto,
            Ok(Err(e)) => inner.failed = Some(e.to_string()),
            Err(e) => inner.failed = Some(e.to_string()),
        }
        inner.usable().map(|()| n)
    }

    /// Rewrites the store with nothing but what the state needs, if everything in it is settled.
    /// Numbers go on; the last line alone tells them, so a state that needs none keeps those it has.
    ///
    /// # Errors
    /// When it failed; the longer journal is still there and good.
    pub fn compact(&self) -> io::Result<()> {
        let mut inner = self.inner();
        let needed = inner.state.entries().count();
        if !inner.state.is_compactable() || needed == 0 || inner.lines == needed {
            return Ok(());
        }
        let mut text = inner.header.line();
        let (mut prev, mut n) = (Line::hash(&text), inner.serial);
        text.push(b'\n');
        for entry in inner.state.entries() {
            n += 1;
            let (line, seal) = Line { n, prev, entry }.sealed();
            prev = seal;
            text.extend(line);
            text.push(b'\n');
        }
        self.store.lock().expect("a store does not panic").replace(&text)?;
        inner.lines = usize::try_from(n - inner.serial).unwrap_or(usize::MAX);
        (inner.serial, inner.written, inner.prev) = (n, n, prev);
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds the journal")
    }
}

impl Inner {
    fn push(&mut self, entry: &Entry) -> Result<u64> {
        self.usable()?;
        self.serial += 1;
        self.lines += 1;
        let prev = std::mem::take(&mut self.prev);
        let line = Line { n: self.serial, prev, entry: entry.clone() };
        let (text, seal) = line.sealed();
        self.prev = seal;
        self.pending.extend(text);
        self.pending.push(b'\n');
        self.state.apply(self.serial, line.entry);
        Ok(self.serial)
    }

    fn usable(&self) -> Result<()> {
        match &self.failed {
            Some(why) => Err(Error::new(Kind::Journal, format!("state cannot be written: {why}"))),
            None => Ok(()),
        }
    }
}

/// A store in memory, which outlives the journals that write to it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(pub Arc<Mutex<Vec<u8>>>);

impl Store for MemoryStore {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.0.lock().expect("nothing panics while it holds the text").extend(lines);
        Ok(())
    }

    fn replace(&mut self, text: &[u8]) -> io::Result<()> {
        *self.0.lock().expect("nothing panics while it holds the text") = text.to_vec();
        Ok(())
    }
}
