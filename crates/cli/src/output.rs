//! Writes to the standard streams; a reader that went away is no error.
use std::io::{self, Write};

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
