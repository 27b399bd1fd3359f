//! The shape of the code: who may depend on whom, and files that grow too long.
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
