//! The program under test, each time in a new folder, with what it cost.
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

const MEASURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/bad_input/measure.py");
const FILE: &str = "provision.yaml";
/// What a cluster file with every field names.
const MANIFEST: &str = "team.yaml";
const OBJECT: &str = "{ apiVersion: v1, kind: ConfigMap, metadata: { name: team } }\n";
const MOST_SECONDS: f64 = 1.0;
const MOST_WAITED: f64 = 20.0;
const MOST_MEBIBYTES: f64 = 100.0;

/// Every command that reads a cluster file. What approves is said, so that nothing else stops it.
const COMMANDS: [&[&str]; 8] = [
    &["validate"],
    &["plan"],
    &["apply", "--auto-approve"],
    &["destroy", "--auto-approve"],
    &["show"],
    &["graph"],
    &["state", "list"],
    &["plan", "--out", "saved.plan"],
];

/// How a command ended, and what it cost.
#[derive(Debug, Deserialize)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Of a processor: a busy machine does not count.
    seconds: f64,
    /// Of a clock.
    waited: f64,
    mebibytes: f64,
}

/// A mistake, as the program tells it to scripts.
#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    pub(crate) code: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Runs the program, once after another, and remembers the worst that it cost.
pub(crate) struct Program {
    measure: Child,
    jobs: Option<ChildStdin>,
    ends: BufReader<ChildStdout>,
    runs: usize,
    worst: (f64, f64),
}

impl Program {
    pub(crate) fn new() -> Self {
        let mut measure = Command::new("python3")
            .arg(MEASURE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let jobs = measure.stdin.take();
        let ends = BufReader::new(measure.stdout.take().expect("it is piped"));
        Self { measure, jobs, ends, runs: 0, worst: (0.0, 0.0) }
    }

    /// Runs a command on a file, and checks its cost, and that nothing was written.
    pub(crate) fn run(&mut self, file: &[u8], arguments: &[&str]) -> Ran {
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::write(folder.path().join(FILE), file).expect("it can be written");
        fs::write(folder.path().join(MANIFEST), OBJECT).expect("it can be written");
        let command = [&[env!("CARGO_BIN_EXE_provision")][..], arguments].concat();
        let job = json!({
            "command": command,
            "folder": folder.path(),
            "environment": { "HOME": folder.path(), "NO_COLOR": "1" },
        });
        writeln!(self.jobs.as_mut().expect("it listens"), "{job}").expect("it listens");
        let mut end = String::new();
        self.ends.read_line(&mut end).expect("it answers");
        let ran: Ran = serde_json::from_str(&end).expect("it says how the command ended");
        self.runs += 1;
        self.worst = (self.worst.0.max(ran.seconds), self.worst.1.max(ran.mebibytes));
        assert!(ran.seconds < MOST_SECONDS, "{arguments:?} took {} s", ran.seconds);
        assert!(ran.waited < MOST_WAITED, "{arguments:?} took {} s", ran.waited);
        assert!(ran.mebibytes < MOST_MEBIBYTES, "{arguments:?} took {} MiB", ran.mebibytes);
        let shown = String::from_utf8_lossy(&file[..file.len().min(4000)]);
        assert_eq!(names(&folder), [FILE, MANIFEST], "{arguments:?} wrote something\n{shown}");
        let after = fs::read(folder.path().join(FILE)).expect("it can be read");
        assert!(after == file, "{arguments:?} changed the file");
        ran
    }

    /// Runs the command whose turn it is on a file that it must refuse, and returns every mistake.
    /// Each one has a place in the file and a hint.
    pub(crate) fn refuses(&mut self, file: &[u8]) -> Vec<Problem> {
        let command = [COMMANDS[self.runs % COMMANDS.len()], &["--json"]].concat();
        let ran = self.run(file, &command);
        let shown = String::from_utf8_lossy(&file[..file.len().min(4000)]);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (65, ""),
            "{command:?} {}\n{shown}",
            ran.stderr
        );
        let error: Value = serde_json::from_str(&ran.stderr).expect("an error is one JSON object");
        assert_eq!((&error["format"], &error["exit"]), (&"provision.error/v1".into(), &65.into()));
        let problems: Vec<Problem> =
            serde_json::from_value(error["problems"].clone()).expect("problems have their shape");
        assert!(!problems.is_empty(), "{error:#}");
        let text = String::from_utf8_lossy(file).replace("\r\n", "\n");
        let lines: Vec<_> = text.split(['\n', '\r']).map(|line| line.chars().count()).collect();
        for problem in &problems {
            let line = lines.get(problem.line.wrapping_sub(1));
            assert!(
                line.is_some_and(|most| (1..=most + 1).contains(&problem.column)),
                "{problem:?}"
            );
            assert!(
                problem.hint.is_some(),
                "no hint: {problem:?}
{shown}"
            );
        }
        problems
    }
}

impl Drop for Program {
    /// Says how much was run, and the worst that it cost.
    #[expect(clippy::print_stdout, reason = "seen when a test fails, or with --nocapture")]
    fn drop(&mut self) {
        drop(self.jobs.take());
        self.measure.wait().expect("it ends");
        let (seconds, mebibytes) = self.worst;
        println!("{} runs, at most {seconds:.3} s and {mebibytes:.1} MiB", self.runs);
    }
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("the folder can be read");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.map(|entry| name(entry.expect("an entry"))).collect();
    names.sort();
    names
}
