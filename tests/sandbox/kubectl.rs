//! Somebody else in a simulated cluster, who uses kubectl.
use crate::cloud::{KEY, environment};
use crate::folder::Ran;
use crate::served::Served;
use crate::server::python;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The longest that anything may take, in seconds.
const PATIENCE: &str = "60";

/// Whoever made the cluster, with kubectl.
pub(crate) struct Kubectl {
    folder: TempDir,
}

impl Kubectl {
    /// Gets into the cluster.
    pub(crate) fn on(served: &Served) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sandbox/kubeconfig.py");
        let output = environment(&mut Command::new(python()))
            .arg(file)
            .arg("acme-prod")
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_ENDPOINT_URL", &served.url)
            .output()
            .expect("python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::write(folder.path().join("config"), output.stdout).expect("it can be written");
        Self { folder }
    }

    /// Runs a command, with something to read.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = Command::new("timeout");
        let mut child = environment(&mut command)
            .args([PATIENCE, "kubectl"])
            .args(arguments)
            .env("KUBECONFIG", self.folder.path().join("config"))
            .env("HOME", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl is on the PATH");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        child.wait_with_output().expect("it ends").into()
    }

    /// Runs a command that must end well, and returns what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments, "");
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    /// Makes an object.
    pub(crate) fn create(&self, object: &Value) {
        let ran = self.run(&["create", "-f", "-"], &object.to_string());
        assert_eq!(ran.code, Some(0), "{object}: {}{}", ran.stdout, ran.stderr);
    }

    /// Returns an object as it is.
    pub(crate) fn get(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[&["get", "--show-managed-fields", "-o", "json"], arguments].concat());
        serde_json::from_str(&text).expect("it prints JSON")
    }
}
