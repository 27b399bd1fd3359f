//! State as a local file: one JSON line for the header, one for each entry.
use crate::journal::{Header, STATE_FORMAT, Store};
use provision_core::{Line, State};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A state that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Whose it is.
    pub header: Header,
    /// What its entries lead to.
    pub state: State,
    /// The number of its last line.
    pub serial: u64,
    /// The seal of its last line.
    pub prev: String,
    /// How many lines it has after the header.
    pub lines: usize,
    /// How many bytes at its end are a line that was never finished. What such a line described
    /// is found again in the cloud.
    pub torn: u64,
}

/// Why a state file cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// It cannot be read.
    #[error("state file {path}", path = .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// It is something else.
    #[error("state file {path} is not a state file: {1}", path = .0.display())]
    Foreign(PathBuf, String),
    /// A newer version wrote it.
    #[error("state file {path} has format {1}, which this version does not know", path = .0.display())]
    Newer(PathBuf, String),
    /// A line was edited, lost or added by something else than this program.
    #[error("state file {path} is damaged at line {1}: {2}", path = .0.display())]
    Damaged(PathBuf, usize, String),
}

/// Reads the state at `path`. `None` when there is none.
///
/// # Errors
/// When it is not a state, or not as it was written. An unfinished last line is no error.
pub fn load(path: &Path) -> Result<Option<Loaded>, StateFileError> {
    // A device takes every entry and keeps none, or has no end.
    if fs::metadata(path).is_ok_and(|it| !it.is_file() && !it.is_dir()) {
        let why = "it is not a regular file".to_owned();
        return Err(StateFileError::Foreign(path.to_owned(), why));
    }
    match fs::read(path) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => parse(path, &text),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(StateFileError::Io(path.to_owned(), e)),
    }
}

/// Reads a state from its text; `path` is only for messages.
///
/// # Errors
/// As [`load`].
pub fn parse(path: &Path, text: &[u8]) -> Result<Option<Loaded>, StateFileError> {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |i| i + 1);
    let mut lines = text[..end].split(|byte| *byte == b'\n');
    if end == 0 && is_begun_header(text) {
        return Ok(None);
    }
    // A header that lacks nothing but its line break is whole.
    let (first, end) = match end {
        0 => (text, text.len()),
        _ => (lines.next().unwrap_or_default(), end),
    };
    let header = header(path, first)?;
    let mut loaded = Loaded {
        header,
        state: State::default(),
        serial: 0,
        prev: Line::hash(first),
        lines: 0,
        torn: (text.len() - end) as u64,
    };
    for bytes in lines.filter(|line| !line.is_empty()) {
        let number = loaded.lines + 2;
        let damaged = |why: String| StateFileError::Damaged(path.to_owned(), number, why);
        let line: Line = serde_json::from_slice(bytes).map_err(|e| damaged(e.to_string()))?;
        if loaded.lines > 0 && line.n != loaded.serial + 1 {
            return Err(damaged(format!("entry {} follows entry {}", line.n, loaded.serial)));
        }
        if line.prev != loaded.prev {
            return Err(damaged("the line before it is not the one it was written after".into()));
        }
        let Some(seal) = Line::seal(bytes) else {
            return Err(damaged("it is not as it was written".into()));
        };
        loaded.state.apply(line.n, line.entry);
        (loaded.serial, loaded.prev) = (line.n, seal);
        loaded.lines += 1;
    }
    Ok(Some(loaded))
}

/// Tells whether `text` is the beginning of a header whose writing was cut short: nothing was done
/// before it was whole.
fn is_begun_header(text: &[u8]) -> bool {
    let begin = b"{\"format\":\"provision.state/";
    let is_cut = |e: serde_json::Error| e.is_eof();
    text.iter().zip(begin).all(|(a, b)| a == b)
        && serde_json::from_slice::<serde_json::Value>(text).is_err_and(is_cut)
}

fn header(path: &Path, line: &[u8]) -> Result<Header, StateFileError> {
    let foreign = |why: String| StateFileError::Foreign(path.to_owned(), why);
    let value: serde_json::Value =
        serde_json::from_slice(line).map_err(|e| foreign(e.to_string()))?;
    match value.get("format").and_then(|format| format.as_str()) {
        Some(STATE_FORMAT) => serde_json::from_value(value).map_err(|e| foreign(e.to_string())),
        Some(other) if other.starts_with("provision.state/") => {
            Err(StateFileError::Newer(path.to_owned(), other.to_owned()))
        }
        _ => Err(foreign("its first line names no format".into())),
    }
}

/// A state file that entries are added to.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    file: File,
}

impl FileStore {
    /// Opens the state file at `path`, or makes an empty one that only its owner may read. A
    /// last line of `torn` bytes that was never finished is cut off, and one that lacks nothing
    /// but its line break gets it. The caller holds the lock.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn open(path: &Path, torn: u64) -> io::Result<Self> {
        use std::os::unix::fs::{FileExt, OpenOptionsExt};
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len().saturating_sub(torn);
        if torn > 0 {
            file.set_len(length)?;
        }
        let mut last = [b'\n'];
        if length > 0 {
            file.read_exact_at(&mut last, length - 1)?;
        }
        if last != [b'\n'] {
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        sync_folder(path)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Begins a new state file at `path`, in the place of one that never got a whole header.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let store = Self::open(path, 0)?;
        store.file.set_len(0)?;
        Ok(store)
    }

    /// Returns where the state before the last compaction is kept.
    pub fn backup_path(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".backup");
        name.into()
    }
}

impl Store for FileStore {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.file.sync_data()
    }

    fn replace(&mut self, text: &[u8]) -> io::Result<()> {
        let folder = folder(&self.path);
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(text)?;
        new.as_file().sync_all()?;
        let mut old = tempfile::NamedTempFile::new_in(folder)?;
        io::copy(&mut File::open(&self.path)?, &mut old)?;
        old.as_file().sync_all()?;
        old.persist(Self::backup_path(&self.path)).map_err(|e| e.error)?;
        new.persist(&self.path).map_err(|e| e.error)?;
        sync_folder(&self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Journal;
    use provision_core::{Entry, Scope, World};
    use serde_json::Value;
    use std::collections::BTreeMap;

    fn header() -> Header {
        Header {
            format: STATE_FORMAT.into(),
            cluster: "a".into(),
            provider: "fake".into(),
            scope: Scope { world: World::Loopback, place: BTreeMap::new() },
            lineage: "l".into(),
        }
    }

    fn written(folder: &Path, entries: &[(&str, u64)]) -> PathBuf {
        let path = folder.join("a.state.jsonl");
        let store = FileStore::begin(&path).unwrap();
        let journal = Journal::begin(Box::new(store), header()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (key, value) in entries {
            let entry = Entry::Fact { key: (*key).into(), value: (*value).into() };
            runtime.block_on(journal.record(&entry)).unwrap();
        }
        path
    }

    fn edit(path: &Path, change: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, change(text)).unwrap();
    }

    #[test]
    fn what_was_written_is_read_back_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &[("a", 1), ("b", 2)]);
        let loaded = load(&path).unwrap().unwrap();
        assert_eq!((loaded.serial, loaded.lines, loaded.torn), (2, 2, 0));
        assert_eq!(loaded.state.facts().get::<u64>("b"), Some(2));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_unfinished_last_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &[("a", 1), ("b", 2)]);
        edit(&path, |text| text[..text.len() - 9].to_owned());
        let loaded = load(&path).unwrap().unwrap();
        assert_eq!(loaded.serial, 1);
        FileStore::open(&path, loaded.torn).unwrap();
        let again = load(&path).unwrap().unwrap();
        assert_eq!((again.serial, again.torn), (1, 0));
    }

    #[test]
    fn a_header_is_whole_without_its_line_break_and_a_begun_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &[]);
        let text = fs::read_to_string(&path).unwrap();
        for end in 0..text.len() - 1 {
            fs::write(&path, &text[..end]).unwrap();
            assert_eq!(load(&path).unwrap(), None, "{}", &text[..end]);
        }
        fs::write(&path, text.trim_end()).unwrap();
        let loaded = load(&path).unwrap().unwrap();
        assert_eq!((loaded.torn, &loaded.header.lineage), (0, &header().lineage));
        FileStore::open(&path, loaded.torn).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_state_without_line_breaks_is_not_taken_for_a_begun_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &[("a", 1), ("b", 2)]);
        edit(&path, |text| text.replace('\n', "\r"));
        assert!(load(&path).unwrap_err().to_string().contains("not a state file"));
        let error = load(Path::new("/dev/null")).unwrap_err().to_string();
        assert!(error.ends_with("it is not a regular file"), "{error}");
    }

    #[test]
    fn an_edit_a_loss_and_another_format_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let three = [("a", 1), ("b", 2), ("c", 3)];
        let check = |change: fn(String) -> String, expect: &str| {
            let path = written(&tempfile::tempdir_in(folder.path()).unwrap().keep(), &three);
            edit(&path, change);
            let error = load(&path).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(|t| t.replace("\"key\":\"a\"", "\"key\":\"z\""), "damaged at line 2");
        check(|t| t.replace("\"key\":\"c\"", "\"key\":\"z\""), "damaged at line 4");
        check(|t| t.replace("\"cluster\":\"a\"", "\"cluster\":\"z\""), "damaged at line 2");
        check(
            |t| {
                let lines: Vec<_> = t.split_inclusive('\n').collect();
                [lines[0], lines[1], lines[3]].concat()
            },
            "entry 3 follows entry 1",
        );
        check(|t| t.replace("state/v1", "state/v9"), "format provision.state/v9");
        check(|_| "hello\n".into(), "not a state file");
    }

    #[test]
    fn compaction_keeps_the_state_the_numbers_and_a_backup() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &[("a", 1), ("a", 2), ("b", 3)]);
        let loaded = load(&path).unwrap().unwrap();
        let store = FileStore::open(&path, 0).unwrap();
        let journal = Journal::resume(Box::new(store), loaded.clone());
        journal.compact().unwrap();
        let compacted = load(&path).unwrap().unwrap();
        assert_eq!(compacted.state, loaded.state);
        assert_eq!((compacted.serial, compacted.lines), (5, 2));
        assert_eq!(load(&FileStore::backup_path(&path)).unwrap().unwrap().lines, 3);
        journal.compact().unwrap();
        assert_eq!(journal.serial(), 5);
    }

    #[test]
    fn a_state_that_holds_nothing_any_more_keeps_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &[("a", 1)]);
        let open = || {
            let store = FileStore::open(&path, 0).unwrap();
            Journal::resume(Box::new(store), load(&path).unwrap().unwrap())
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let withdrawn = Entry::Fact { key: "a".into(), value: Value::Null };
        let journal = open();
        runtime.block_on(journal.record(&withdrawn)).unwrap();
        journal.compact().unwrap();
        assert_eq!((journal.serial(), open().serial()), (2, 2));
    }

    #[test]
    fn a_state_that_was_never_begun_is_no_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for text in ["", "{\"format\":\"prov", "{\"format\":\"provision.state/v1\",\"clu"] {
            fs::write(&path, text).unwrap();
            assert_eq!(load(&path).unwrap(), None, "{text}");
            let store = FileStore::begin(&path).unwrap();
            drop(Journal::begin(Box::new(store), header()).unwrap());
            assert_eq!(load(&path).unwrap().unwrap().header, header());
        }
    }
}
