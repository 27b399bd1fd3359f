//! One run at a time for one state file.
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::{fmt, process};

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The machine's name.
    pub host: String,
    /// The process id.
    pub pid: u32,
    /// When it began, in RFC 3339.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {} since {}", self.pid, self.host, self.since)
    }
}

/// Why a lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Locked {
    /// Another run holds it.
    #[error("the state is locked by {}", .0.as_ref().map_or("another run".to_owned(), Holder::to_string))]
    Held(Option<Holder>),
    /// The lock file cannot be used.
    #[error("lock file {path}", path = .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// A lock on a state, held until dropped or until the process ends, however it ends.
///
/// It is a lock of the operating system on a file beside the state that is never renamed or
/// removed, so a dead holder never blocks and two holders never lock different files.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for as long as it is open")] File);

impl Lock {
    /// Takes the lock of the state at `state`, without waiting.
    ///
    /// # Errors
    /// [`Locked::Held`] with the holder when another run has it.
    pub fn take(state: &Path) -> Result<Self, Locked> {
        let path = Self::path(state);
        let io = |e| Locked::Io(path.clone(), e);
        let mut file = open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Locked::Held(holder(&mut file))),
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        write_holder(&mut file).map_err(io)?;
        Ok(Self(file))
    }

    /// Returns where the lock of the state at `state` is.
    pub fn path(state: &Path) -> PathBuf {
        let mut name = state.as_os_str().to_owned();
        name.push(".lock");
        name.into()
    }
}

fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write_holder(file: &mut File) -> io::Result<()> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let since = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(&Holder { host, pid: process::id(), since })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_holder_blocks_and_is_named_and_a_dead_one_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("a.state.jsonl");
        let first = Lock::take(&state).unwrap();
        let Err(Locked::Held(Some(holder))) = Lock::take(&state) else { panic!("not held") };
        assert_eq!(holder.pid, process::id());
        drop(first);
        Lock::take(&state).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Lock::take(Path::new("/no/such/a.state.jsonl")).unwrap_err();
        assert_eq!(error.to_string(), "lock file /no/such/a.state.jsonl.lock");
    }
}
