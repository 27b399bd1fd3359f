//! A secret in the environment is in nothing that any command writes or prints, whatever goes wrong
//! and however much is asked for.
use crate::folder::{FILE, Folder, Ran};
use crate::kubectl::Kubectl;
use crate::served::Served;
use serde_json::json;
use std::fs;
use std::path::Path;

const SECRET: &str = "canary-7d1f0a";
const TOKEN: &str = "secrets: { registryToken: { env: REGISTRY_TOKEN } }\n";

/// The secret as it is, and inside of what is encoded with it, whatever stands before.
fn disguises() -> Vec<String> {
    let inner = |before: usize| {
        let text = format!("{}{SECRET}{}", "x".repeat(before), "x".repeat(3));
        let encoded = base64(text.as_bytes());
        // Without the ends, which depend on what is around.
        encoded[(before * 4).div_ceil(3) + 1..encoded.len() - 6].to_owned()
    };
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    [SECRET.to_owned(), hex].into_iter().chain((0..3).map(inner)).collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for place in 0..4 {
            text.push(match place <= chunk.len() {
                true => LETTERS[bits >> (18 - 6 * place) & 63].into(),
                false => '=',
            });
        }
    }
    text
}

/// The parts of a token that could be of none other.
fn parts(kubeconfig: &str) -> Vec<String> {
    let token = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("token: "));
    let mut parts: Vec<_> = token.expect("it has a token").trim_matches('"').split('.').collect();
    assert_eq!(parts.len(), 3, "{parts:?}");
    // Every token begins alike.
    parts.remove(0);
    parts.into_iter().map(str::to_owned).collect()
}

#[test]
fn a_token_of_support_is_in_its_own_file_alone() {
    let served = Served::start();
    let mut folder = Folder::on(&served, &format!("{FILE}support: {{ access: admin }}\n"));
    folder.set("PROVISION_LOG", "trace");
    folder.ok(&["apply", "--auto-approve"]);
    let elsewhere = tempfile::tempdir().expect("a folder can be made");
    let out = elsewhere.path().join("support.kubeconfig");
    let mut told = String::new();
    let mut ask = |arguments: &[&str]| {
        let ran = folder.run(&[arguments, &["-vv", "--log-format", "json"]].concat());
        told += &format!("{}{}", ran.stdout, ran.stderr);
        ran.code
    };
    let let_in = ["kubeconfig", "--support", out.to_str().expect("the path is text")];
    for effect in ["cut-after", "error-after", "slow"] {
        served.faults(&[json!({ "operation": "create serviceaccounts/token", "effect": effect })]);
        assert_eq!(ask(&let_in), Some(0), "{effect}");
    }
    served.faults(&[]);
    assert_eq!(ask(&["plan", "--json"]), Some(0));
    assert_eq!(ask(&["show", "--json"]), Some(0));
    let parts = parts(&fs::read_to_string(&out).expect("it is there"));
    assert_eq!(fs::read_dir(elsewhere.path()).expect("it is there").count(), 1);
    assert!(told.contains("serviceaccounts/token"), "the call is told: {told}");
    for entry in fs::read_dir(folder.path("")).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        told += &String::from_utf8_lossy(&fs::read(&path).unwrap_or_default());
    }
    assert!(told.contains("support/service-account"), "the state is told too");
    for part in parts {
        assert!(!told.contains(&part), "{part} is told");
    }
}

fn check(what: &str, text: &str) {
    for disguise in disguises() {
        assert!(!text.contains(&disguise), "{what} tells {disguise}: {text}");
    }
}

/// Looks at everything that is written, now.
fn check_files(what: &str, folder: &Path) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            check_files(what, &path);
        } else {
            let text =
                String::from_utf8_lossy(&fs::read(&path).expect("it can be read")).into_owned();
            check(&format!("{what}: {}", path.display()), &text);
        }
    }
}

/// Runs a command in every way that tells more.
fn run(folder: &mut Folder, arguments: &[&str]) -> Ran {
    let words = [arguments, &["-vv", "--log-format", "json"]].concat();
    let ran = folder.run(&words);
    check(&format!("{arguments:?}"), &format!("{}{}", ran.stdout, ran.stderr));
    check_files(&format!("{arguments:?}"), &folder.path(""));
    ran
}

#[test]
fn a_secret_is_written_and_printed_nowhere() {
    assert!(disguises().iter().all(|it| it.len() > 10), "{:?}", disguises());
    assert!(base64(format!("user:{SECRET}").as_bytes()).contains(&disguises()[4]));
    let served = Served::start();
    let mut folder = Folder::on(&served, &format!("{FILE}{TOKEN}"));
    folder.set("REGISTRY_TOKEN", SECRET);
    folder.set("PROVISION_LOG", "trace");
    let ok = |folder: &mut Folder, arguments: &[&str]| {
        let ran = run(folder, arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    };
    ok(&mut folder, &["validate"]);
    ok(&mut folder, &["plan", "--out", "saved.plan"]);
    served.faults(&[
        json!({ "operation": "patch secrets", "effect": "cut-after" }),
        json!({ "operation": "get secrets", "nth": 2, "effect": "error-after" }),
    ]);
    ok(&mut folder, &["apply", "--auto-approve"]);
    for arguments in [
        &["plan", "--json"][..],
        &["show", "--json"],
        &["show", "--resolved"],
        &["graph"],
        &["state", "list"],
        &["state", "show", "secret/regcred"],
        &["verify"],
        &["verify", "--json"],
        &["helm-values"],
        &["kubeconfig"],
        &["kubeconfig", "--out", "kubeconfig"],
    ] {
        ok(&mut folder, arguments);
    }

    // What goes wrong tells nothing more: a secret that is refused, one that is not there, and one
    // that somebody else has changed.
    let kubectl = Kubectl::on(&served);
    for (effect, nth) in [("denied", 1), ("error-after", 1), ("expired", 1)] {
        kubectl.ok(&["delete", "secret", "-n", "qualytics", "regcred"]);
        let fault =
            json!({ "operation": "patch secrets", "nth": nth, "effect": effect, "count": 3 });
        served.faults(&[fault]);
        run(&mut folder, &["apply", "--auto-approve", "--json"]);
        served.faults(&[]);
        ok(&mut folder, &["apply", "--auto-approve"]);
    }
    let data = r#"{"data":{".dockerconfigjson":"e30="}}"#;
    kubectl.ok(&["patch", "secret", "-n", "qualytics", "regcred", "--type=merge", "-p", data]);
    ok(&mut folder, &["plan"]);
    folder.write(&format!("{FILE}{TOKEN}"));
    ok(&mut folder, &["apply", "--auto-approve"]);
    ok(&mut folder, &["state", "forget", "secret/regcred"]);
    ok(&mut folder, &["destroy", "--auto-approve"]);
    assert!(served.operations().contains(&"patch secrets".to_owned()));
}
