//! The program under test, in a folder of its own.
use super::cloud::{self, Cloud};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The shortest cluster file.
pub(crate) const FILE: &str = "\
name: acme-prod
provider: eks
region: us-east-1
profile: qualytics
";

/// A folder with a cluster file, and the program that is run in it.
pub(crate) struct Folder {
    /// Where the program's calls go; nowhere means that the cloud is within the program.
    server: Option<String>,
    /// How many times faster than a real cloud it is waited for.
    scale: String,
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Fails unless a command was refused with an exit code and an error that has some words, wherever
    /// its lines break.
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        let told = self.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(told.contains(word), "{word} is not in {}", self.stderr);
        }
    }
}

impl Folder {
    /// Makes a folder whose cluster is in the simulated cloud within the program.
    pub(crate) fn embedded(file: &str) -> Self {
        Self::new(None, "1", file)
    }

    /// Makes a folder whose cluster is on a server.
    pub(crate) fn on<C: Cloud>(cloud: &C, file: &str) -> Self {
        Self::new(Some(cloud.url()), C::SCALE, file)
    }

    fn new(server: Option<&str>, scale: &str, file: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (server, scale) = (server.map(str::to_owned), scale.to_owned());
        let this = Self { server, scale, folder, variables: Vec::new() };
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

    /// Runs a command that leaves the sandbox out, without any credentials.
    pub(crate) fn run_outside(&self, arguments: &[&str]) -> Ran {
        let mut command = self.bare(arguments);
        command.output().expect("the program runs").into()
    }

    /// Returns a command without credentials and endpoints.
    fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provision"));
        cloud::environment(&mut command)
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path());
        command
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        match &self.server {
            None => command.arg("--sandbox"),
            Some(url) => command
                .env("AWS_ACCESS_KEY_ID", cloud::KEY)
                .env("AWS_SECRET_ACCESS_KEY", cloud::KEY)
                .env("AWS_ENDPOINT_URL", url)
                .env("PROVISION_TIME_SCALE", &self.scale),
        };
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
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
        self.steps().iter().map(named).collect()
    }

    /// Returns the steps of a plan, each as action and address, updates with the fields that change.
    pub(crate) fn changes(&self) -> Vec<String> {
        let field = |change: &Value| change["field"].as_str().unwrap_or_default().to_owned();
        let fields = |step: &Value| match step["changes"].as_array() {
            Some(all) if step["action"] == "update" => {
                format!(": {}", all.iter().map(field).collect::<Vec<_>>().join(" "))
            }
            _ => String::new(),
        };
        self.steps().iter().map(|step| named(step) + &fields(step)).collect()
    }

    /// Returns the steps of a plan as its document has them.
    pub(crate) fn steps(&self) -> Vec<Value> {
        let document: Value =
            serde_json::from_str(&self.ok(&["plan", "--json"])).expect("a plan is JSON");
        document["steps"].as_array().expect("a plan has steps").clone()
    }

    /// Returns what the file of the embedded world holds, each object as kind and id.
    pub(crate) fn world(&self) -> Vec<String> {
        let text = fs::read(self.path("acme-prod.sandbox.json")).expect("there is a world");
        let world: Value = serde_json::from_slice(&text).expect("a world is JSON");
        let objects = world["objects"].as_array().expect("it has objects");
        let name = |object: &Value| format!("{} {}", object[0]["kind"], object[0]["id"]);
        objects.iter().map(name).collect()
    }
}

/// Returns action and address of a step.
pub(crate) fn named(step: &Value) -> String {
    let word = |field: &str| step[field].as_str().unwrap_or_default().to_owned();
    format!("{} {}", word("action"), word("address"))
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        let code = output.status.code();
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
