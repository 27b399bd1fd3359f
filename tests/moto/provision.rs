//! The program under test, in a folder of its own.
use crate::server::Moto;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A short cluster file, without what moto does not serve: it knows no add-ons, no access entries,
/// no Pod Identity, and no scaling groups of node groups.
pub(crate) const FILE: &str = "\
name: acme-prod
provider: eks
region: us-east-1
profile: qualytics
eks: { addons: [], access: [], podIdentity: false }
";

/// Returns the short file with an OIDC provider and a key for secrets.
pub(crate) fn with_key_and_issuer() -> String {
    let file = FILE.replace("podIdentity: false", "podIdentity: false, irsa: true");
    format!("{file}kubernetes: {{ secretsKey: own }}\n")
}

/// A folder with a cluster file, and the program that is run in it.
pub(crate) struct Folder<'a> {
    moto: &'a Moto,
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl<'a> Folder<'a> {
    pub(crate) fn new(moto: &'a Moto, file: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let this = Self { moto, folder, variables: Vec::new() };
        this.write(file);
        this
    }

    /// Sets an environment variable for every later command.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Puts another cluster file in the place of the last.
    pub(crate) fn write(&self, file: &str) {
        fs::write(self.path("provision.yaml"), file).expect("the file can be written");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provision"));
        self.moto.environment(&mut command);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("PROVISION_TIME_SCALE", "200")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().expect("the program runs").into()
    }

    /// Runs a command that must end well, and returns what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}\n{}\n{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    /// Returns the steps of a plan, each as action and address.
    pub(crate) fn plan(&self) -> Vec<String> {
        let document: Value =
            serde_json::from_str(&self.ok(&["plan", "--json"])).expect("a plan is JSON");
        let steps = document["steps"].as_array().expect("a plan has steps");
        let word = |step: &Value, field: &str| step[field].as_str().unwrap_or("").to_owned();
        steps.iter().map(|s| format!("{} {}", word(s, "action"), word(s, "address"))).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        let code = output.status.code();
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
