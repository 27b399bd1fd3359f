//! What `provision kubeconfig` writes lets kubectl in, and leaves the rest of a file alone.
use crate::cloud::{KEY, environment};
use crate::folder::{FILE, Folder, Ran};
use crate::rehearsal::Rehearsal;
use crate::served::Served;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The longest that kubectl may take, in seconds.
const PATIENCE: &str = "60";

/// A kubeconfig of somebody's own.
const THEIRS: &str = "\
# by hand
apiVersion: v1
kind: Config
clusters:
- name: test   # mine
  cluster: { server: https://127.0.0.1:1 }
contexts:
- name: test
  context: { cluster: test, user: test }
users: []
current-context: test
";

/// Runs a program with a kubeconfig, and with ours on the PATH, which makes its tokens.
pub(crate) fn with_access(folder: &Folder, served: &Served, program: &[&OsStr]) -> Ran {
    with(folder, served, "config", program)
}

fn with(folder: &Folder, served: &Served, config: &str, program: &[&OsStr]) -> Ran {
    let ours = Path::new(env!("CARGO_BIN_EXE_provision")).parent().expect("it is in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("timeout");
    environment(&mut command)
        .arg(PATIENCE)
        .args(program)
        .env("KUBECONFIG", folder.path(config))
        .env("HOME", folder.path(""))
        .env("XDG_CACHE_HOME", folder.path("cache"))
        .env("PATH", format!("{}:{path}", ours.display()))
        .env("AWS_ENDPOINT_URL", &served.url)
        .output()
        .expect("it runs")
        .into()
}

/// Runs kubectl, which is on the PATH.
pub(crate) fn kubectl(folder: &Folder, served: &Served, arguments: &[&str]) -> Ran {
    kubectl_with(folder, served, "config", arguments)
}

/// Runs kubectl with a kubeconfig by its name.
pub(crate) fn kubectl_with(
    folder: &Folder,
    served: &Served,
    config: &str,
    arguments: &[&str],
) -> Ran {
    let arguments: Vec<_> = ["kubectl"].iter().chain(arguments).map(OsStr::new).collect();
    with(folder, served, config, &arguments)
}

/// Returns what is kept of the tokens that were made.
fn kept(folder: &Folder) -> Vec<String> {
    let tokens = fs::read_dir(folder.path("cache/provision/tokens")).into_iter().flatten();
    let text = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "only its owner reads a token");
        fs::read_to_string(path).expect("it is text")
    };
    tokens.map(text).collect()
}

#[test]
fn kubectl_gets_in_and_the_rest_of_the_file_stays() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let before = folder.run(&["kubeconfig"]);
    assert_eq!(before.code, Some(65), "{}", before.stderr);
    folder.ok(&["apply", "--auto-approve"]);

    fs::write(folder.path("config"), THEIRS).expect("it can be written");
    folder.ok(&["kubeconfig", "--out", "config"]);
    let written = fs::read_to_string(folder.path("config")).expect("it is there");
    let mut lines = written.lines();
    for line in THEIRS.lines().filter(|it| !it.starts_with("users") && !it.starts_with("current")) {
        assert!(lines.any(|it| it == line), "{line} is not in {written}");
    }
    assert!(!written.contains("k8s-aws-v1"), "no token is in it");
    let mode = fs::metadata(folder.path("config")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let listed = kubectl(&folder, &served, &["get", "storageclasses"]);
    assert!(listed.stdout.contains("fast (default)"), "{}{}", listed.stdout, listed.stderr);
    let first = kept(&folder);
    assert_eq!(first.len(), 1);
    kubectl(&folder, &served, &["get", "nodes"]);
    assert_eq!(kept(&folder), first, "a token is good for a while");
    let over = first[0].replace(r#""until":1"#, r#""until":"#);
    let name = fs::read_dir(folder.path("cache/provision/tokens")).expect("a folder").next();
    fs::write(name.expect("a token").expect("an entry").path(), &over).expect("it can be written");
    let listed = kubectl(&folder, &served, &["get", "nodes", "-o", "name"]);
    assert!(listed.stdout.contains("node/"), "{}{}", listed.stdout, listed.stderr);
    assert_ne!(kept(&folder), [over], "another one when that is over");

    folder.ok(&["kubeconfig", "--out", "config"]);
    assert_eq!(fs::read_to_string(folder.path("config")).expect("it is there"), written);
    fs::write(folder.path("config.lock"), "").expect("it can be written");
    let locked = folder.run(&["kubeconfig", "--out", "config"]);
    assert_eq!(locked.code, Some(75), "{}", locked.stderr);
    assert!(locked.stderr.contains("config.lock"), "{}", locked.stderr);
}

#[test]
fn a_token_is_an_exec_credential_for_whoever_asks() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let token = ["token", "--provider", "eks", "--region", "us-east-1", "--cluster", "acme-prod"];
    let given: Value = serde_json::from_str(&folder.ok(&token)).expect("JSON");
    assert_eq!(given["apiVersion"], "client.authentication.k8s.io/v1");
    let text = given["status"]["token"].as_str().expect("a token");
    assert!(text.starts_with("k8s-aws-v1.") && !text.contains(KEY));
    let until = given["status"]["expirationTimestamp"].as_str().expect("a time");
    assert!(until.ends_with('Z') && until.len() == 20, "{until}");
    let refused = folder.run(&["token", "--provider", "oke", "--region", "r", "--cluster", "c"]);
    assert_eq!(refused.code, Some(64), "{}", refused.stderr);
    let nobody = folder.run_outside(&token);
    assert_eq!(nobody.code, Some(77), "{}{}", nobody.stdout, nobody.stderr);
}

#[test]
fn the_embedded_sandbox_has_no_kubeconfig() {
    let folder = Rehearsal::of(FILE);
    let refused = folder.run(&["kubeconfig"]);
    assert_eq!(refused.code, Some(64), "{}", refused.stderr);
    assert!(refused.stderr.contains("sandbox serve"), "{}", refused.stderr);
}
