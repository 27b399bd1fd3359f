//! Where scenarios are played: a simulated AWS with a recorder before it.
use crate::cloud::{DAY, KEY};
use crate::judge;
use crate::recorder::Recorder;
use crate::server::Moto;
use jiff::Timestamp;
use provision_sandbox::{Sandbox, Settings, Speed};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The longest that any script may take.
const PATIENCE: &str = "1200";

/// A file of this test.
pub(crate) fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge").join(file)
}

/// A page of the docs.
pub(crate) fn docs(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page)
}

/// The sources of the simulated AWS.
pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws")
}

/// A file that stays after the test, to be looked at.
pub(crate) fn kept(file: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("judge");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    folder.join(file)
}

/// Runs one of the Python files beside this one, and returns the JSON that it prints.
pub(crate) fn run(file: &str, arguments: &[&Path]) -> Value {
    let mut command = script(file);
    answer(command.args(arguments))
}

/// Runs a command to its end, and returns the JSON that it prints.
pub(crate) fn answer(command: &mut Command) -> Value {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// Returns the command for a Python file.
pub(crate) fn script(file: &str) -> Command {
    let mut command = judge::python(PATIENCE);
    command.arg(here(file));
    command
}

/// A simulated AWS, as scripts see it.
pub(crate) struct Stage {
    recorder: Recorder,
    world: World,
}

/// Whose simulation it is.
enum World {
    Theirs(Moto),
    Ours(Sandbox),
}

impl Stage {
    /// Sets up moto.
    pub(crate) fn moto() -> Self {
        let moto = Moto::start();
        Self { recorder: Recorder::start(&moto.url), world: World::Theirs(moto) }
    }

    /// Sets up a sandbox that is so fast.
    pub(crate) fn sandbox(speed: Speed) -> Self {
        let credential = format!("{KEY}:{KEY}").parse().expect("it is one");
        let credentials = vec![credential];
        let begins = format!("{DAY}T00:00:00Z").parse::<Timestamp>().ok().map(Into::into);
        let settings = Settings { begins, speed, credentials, lags: false, ..Settings::default() };
        let sandbox = Sandbox::start(settings).expect("it starts");
        Self { recorder: Recorder::start(&sandbox.aws()), world: World::Ours(sandbox) }
    }

    /// Returns where the sandbox itself answers, without the recorder.
    pub(crate) fn control(&self) -> String {
        match &self.world {
            World::Ours(sandbox) => sandbox.aws(),
            World::Theirs(moto) => moto.url.clone(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.recorder.url
    }

    /// Writes the calls so far to a file.
    pub(crate) fn write(&self, to: &Path) {
        std::fs::write(to, self.recorder.lines()).expect("the recording can be written");
    }
}
