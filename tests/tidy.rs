//! The shape of the code and of its documentation: who may depend on whom, files that grow too long,
//! links that lead nowhere.
#[path = "tidy/pages.rs"]
mod pages;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.expect("the program runs");
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).expect("output is text")
}

/// What each crate may depend on, beside crates of other people.
fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let core = "provision-core";
    let spec = "provision-spec";
    let [engine, kubernetes] = ["provision-engine", "provision-kubernetes"];
    [
        (core, vec![]),
        (engine, vec![core]),
        (spec, vec![core]),
        (kubernetes, vec![core, spec]),
        ("provision-sandbox", vec![]),
        ("provision-testkit", vec![core, engine]),
        ("provision-eks", vec![core, spec, kubernetes]),
        ("provision", vec![core, spec, engine, kubernetes, "provision-eks", "provision-sandbox"]),
    ]
    .into_iter()
    .map(|(name, allowed)| (name, allowed.into_iter().collect()))
    .collect()
}

#[test]
fn crates_depend_on_each_other_as_the_architecture_says() {
    let metadata =
        output(env!("CARGO"), &["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let allowed = allowed();
    assert_eq!(packages.len(), allowed.len(), "every crate has its rule");
    let runtimes = ["tokio", "futures-executor", "async-std", "smol"];
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        for dependency in package["dependencies"].as_array().expect("a list") {
            let on = dependency["name"].as_str().expect("a name");
            let is_dev = dependency["kind"] == "dev";
            let is_ours = on == "provision" || on.starts_with("provision-");
            assert!(!is_ours || is_dev || allowed[name].contains(on), "{name} → {on}");
            let is_core = name == "provision-core" && !is_dev;
            assert!(!is_core || !runtimes.contains(&on), "core is pure, and {on} is a runtime");
        }
    }
}

/// Core reads no clock, does no IO and knows no chance; nobody but the program prints.
#[test]
fn core_is_pure_and_only_the_program_prints() {
    for (file, text) in sources() {
        let banned: &[&str] = match file.split('/').take(2).collect::<Vec<_>>()[..] {
            ["crates", "core"] => &["std::fs", "std::io", "std::net", "Instant", "SystemTime"],
            _ => &[],
        };
        let prints = !file.starts_with("crates/cli") && !file.starts_with("tests");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in banned {
            assert!(!code.contains(word), "{file} has {word}");
        }
        if prints && !file.contains("/tests") && !file.contains("/benches") {
            assert!(!code.contains("io::stdout") && !code.contains("io::stderr"), "{file} prints");
        }
    }
}

/// Returns the sources of the program and of its providers, without their tests.
fn code() -> impl Iterator<Item = (String, String)> {
    let others = ["crates/sandbox/", "crates/testkit/", "tests/"];
    let is_code = move |file: &str| {
        let is_other = others.iter().any(|folder| file.starts_with(folder));
        !is_other && file.contains("/src/") && !file.contains("/tests")
    };
    sources().into_iter().filter(move |(file, _)| is_code(file)).map(|(file, text)| {
        let tests = text.rfind("\n#[cfg(test)]\n").filter(|at| text[*at..].contains("mod tests {"));
        let code = text[..tests.unwrap_or(text.len())].to_owned();
        (file, code)
    })
}

#[test]
fn only_the_engine_waits_and_no_client_retries() {
    let (mut waits, mut clients) = (0, 0);
    for (file, text) in code() {
        for word in ["sleep(", "sleep_until(", "time::interval"] {
            let is_there = text.contains(word);
            waits += usize::from(is_there);
            assert!(!is_there || file.starts_with("crates/engine/"), "{file} has {word}");
        }
        let configured = text.matches("RetryConfig::").count();
        assert_eq!(text.matches("RetryConfig::disabled()").count(), configured, "{file}");
        clients += configured;
        let made =
            ["aws_config::defaults(", "SdkConfig::builder()"].map(|it| text.matches(it).count());
        let made: usize = made.iter().sum();
        assert!(made <= configured, "{file} makes clients that retry as they like");
    }
    assert!(waits > 0 && clients > 0, "{waits} waits, {clients} clients");
}

#[test]
fn types_are_erased_in_one_place() {
    let erases = |(_, text): &(String, String)| text.contains(" Driver for ");
    let files: Vec<_> = code().filter(erases).map(|(file, _)| file).collect();
    assert_eq!(files, ["crates/core/src/driver.rs"]);
}

#[test]
fn files_stay_short() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(file, text)| (text.lines().count(), file))
        .filter(|(lines, file)| *lines > if file.contains("tests") { 700 } else { 450 })
        .collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

fn sources() -> Vec<(String, String)> {
    let listed = output("git", &["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"]);
    let read = |file: &str| (file.to_owned(), std::fs::read_to_string(root().join(file)));
    let files: Vec<_> =
        listed.lines().map(read).filter_map(|(f, text)| Some((f, text.ok()?))).collect();
    assert!(files.len() > 50, "only {} files", files.len());
    files
}
