//! Writes to the standard streams, where a reader that went away is no error, and to files.
use crate::failure::{Code, Failure};
use std::io::{self, Write};
use std::path::Path;

/// Writes text to standard output, all of it at once: a question does not end with a line break.
pub(crate) fn stdout(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes text to standard error.
pub(crate) fn stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes one JSON document and a line break to standard output.
pub(crate) fn json(document: &serde_json::Value) {
    stdout(&format!("{document}\n"));
}

/// Writes a file in one piece: whoever reads it finds what was there before, or all of it. Only its
/// owner may read it.
pub(crate) fn file(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|e| e.error)
        });
    written.map(drop).map_err(|error| {
        let what = format!("{} cannot be written", path.display());
        Failure::new(Code::OutputUnwritable, what).because(&error)
    })
}
