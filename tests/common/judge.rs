//! The judge of calls: botocore's models, and its signer.
use super::cloud::environment;
use super::server;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use tempfile::NamedTempFile;

/// The longest that all tests of a program may take, in seconds.
const PATIENCE: &str = "21600";

/// One for all tests of a program, since it takes a second to read the models. It ends with the
/// program, whose end it reads.
static JUDGE: LazyLock<Mutex<Judge>> = LazyLock::new(|| Mutex::new(Judge::start()));

/// A Python process that is given calls and tells what is wrong with them.
struct Judge {
    _process: Child,
    calls: ChildStdin,
    findings: BufReader<ChildStdout>,
}

impl Judge {
    fn start() -> Self {
        let mut process = python(PATIENCE)
            .arg(root("crates/sandbox/tests/judge/verdict.py"))
            .arg("--listen")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let calls = process.stdin.take().expect("it is piped");
        let findings = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { _process: process, calls, findings }
    }

    fn judge(&mut self, call: &str) -> Vec<String> {
        writeln!(self.calls, "{call}").expect("the judge listens");
        let mut line = String::new();
        self.findings.read_line(&mut line).expect("the judge tells");
        serde_json::from_str(&line).expect("in a line of JSON")
    }
}

/// A file that calls are written into, which requires in the end that they are as their models say,
/// unless the test has failed anyway.
pub(crate) struct Calls(NamedTempFile);

impl Calls {
    pub(crate) fn new() -> Self {
        Self(NamedTempFile::new().expect("a file can be made"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns the calls so far with their replies, a JSON line each.
    pub(crate) fn lines(&self) -> String {
        std::fs::read_to_string(&self.0).expect("it can be read")
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert_eq!(findings(&self.lines()), BTreeSet::new(), "calls by their models");
        }
    }
}

/// Returns what is wrong with recorded calls, each thing once.
pub(crate) fn findings(calls: &str) -> BTreeSet<String> {
    let mut judge = JUDGE.lock().unwrap_or_else(PoisonError::into_inner);
    calls.lines().flat_map(|call| judge.judge(call)).collect()
}

/// Returns the command for the Python that has the judge's files, with nothing of the caller's own
/// configuration. It may take so many seconds, as text.
pub(crate) fn python(patience: &str) -> Command {
    let folders = ["crates/sandbox/tests/judge", "tests/aws"].map(root);
    let mut command = Command::new("timeout");
    environment(&mut command)
        .arg(patience)
        .arg(server::python())
        .env("PYTHONPATH", std::env::join_paths(folders).expect("no path has a colon"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Returns where a file of the repository is.
pub(crate) fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
