//! A state is never applied to another place than its own.
use crate::folder::Ran;
use crate::provision::{FILE, Folder};
use crate::server::Moto;
use provision_core::Line;
use std::fs;

/// Puts another header before the entries of a state, and chains the lines anew.
pub(crate) fn with_header(state: &str, then: &str, now: &str) -> String {
    let mut lines = state.lines();
    let header = lines.next().expect("a header").replacen(then, now, 1);
    assert!(header.contains(now), "{then} is in the header");
    let mut before = Line::hash(header.as_bytes());
    let mut chained = header.into_bytes();
    for line in lines {
        let line: Line = serde_json::from_str(line).expect("an entry");
        let (text, seal) = Line { prev: before, ..line }.sealed();
        before = seal;
        chained.extend([b"\n", &text[..]].concat());
    }
    String::from_utf8(chained).expect("it is text") + "\n"
}

#[test]
fn another_region_account_or_provider_is_refused() {
    let moto = Moto::start();
    let mut folder = Folder::on(&moto, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let state = folder.path("acme-prod.state.jsonl");
    let (text, before) = (fs::read_to_string(&state).expect("a state"), moto.inventory());
    let apply = ["apply", "--auto-approve"];

    folder.write(&FILE.replace("us-east-1", "eu-west-1"));
    folder.run(&apply).refused(65, &["region us-east-1"]);
    folder.write(&FILE.replace("provider: eks", "provider: gke"));
    folder.run(&apply).refused(65, &["gke"]);
    folder.write(FILE);

    let same = "\"region\":\"us-east-1\"";
    fs::write(&state, with_header(&text, same, same)).expect("it can be written");
    assert_eq!(folder.plan(), [""; 0], "a state chained anew is as good as the first");
    for (then, now, words) in [
        (same, "\"region\":\"eu-west-1\"", "region eu-west-1, and the file says us-east-1"),
        ("\"provider\":\"eks\"", "\"provider\":\"gke\"", "provider gke, and the file says eks"),
        ("\"account\":\"123456789012\"", "\"account\":\"210987654321\"", "account 210987654321"),
        ("\"partition\":\"aws\"", "\"partition\":\"aws-cn\"", "partition aws-cn and not aws"),
        ("\"world\":\"loopback\"", "\"world\":\"vendor\"", "servers vendor and not loopback"),
    ] {
        let edited = with_header(&text, then, now);
        fs::write(&state, &edited).expect("it can be written");
        for command in [&["plan"][..], &apply, &["destroy", "--auto-approve"]] {
            folder.run(command).refused(65, &[words]);
        }
        assert_eq!(fs::read_to_string(&state).expect("a state"), edited);
        assert_eq!(moto.inventory(), before, "{words}");
    }
    fs::write(&state, text.replacen(same, "\"region\":\"eu-west-1\"", 1)).expect("written");
    folder.run(&apply).refused(65, &["is damaged at line 2"]);
    fs::write(&state, &text).expect("it can be written");

    let other = moto.python("assume.py", &[]);
    let told = |name: &str| other[name].as_str().expect("text").to_owned();
    folder.set("AWS_ACCESS_KEY_ID", &told("AccessKeyId"));
    folder.set("AWS_SECRET_ACCESS_KEY", &told("SecretAccessKey"));
    folder.set("AWS_SESSION_TOKEN", &told("SessionToken"));
    for command in [&["plan"][..], &apply, &["destroy", "--auto-approve"]] {
        folder.run(command).refused(65, &["account 123456789012 and not 210987654321"]);
    }
    assert_eq!(fs::read_to_string(&state).expect("a state"), text);
    assert_eq!(moto.inventory(), before);
}

#[test]
fn a_state_in_use_is_locked_and_the_holder_is_named() {
    let moto = Moto::start();
    let folder = Folder::on(&moto, FILE);
    let lock = fs::File::create(folder.path("acme-prod.state.jsonl.lock")).expect("a lock");
    let holder = r#"{"host":"build-7","pid":4711,"since":"2026-01-02T03:04:05Z"}"#;
    fs::write(folder.path("acme-prod.state.jsonl.lock"), holder).expect("it can be written");
    lock.lock().expect("it can be taken");
    let ran = folder.run(&["apply", "--auto-approve"]);
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    for word in ["build-7", "4711", "2026-01-02T03:04:05Z"] {
        assert!(ran.stderr.contains(word), "{word} is not in {}", ran.stderr);
    }
    drop(lock);
    folder.ok(&["apply", "--auto-approve"]);
}

#[test]
fn endpoints_of_a_profile_are_held_to_the_same_rules() {
    let moto = Moto::start();
    let mut folder = Folder::on(&moto, FILE);
    folder.set("AWS_CONFIG_FILE", folder.path("config").to_str().expect("it is text"));
    let plan = |eks: &str| {
        let (url, services) = (&moto.url, format!("[services s]\neks =\n  endpoint_url = {eks}\n"));
        let profile = format!("[default]\nendpoint_url = {url}\nservices = s\n{services}");
        fs::write(folder.path("config"), profile).expect("it can be written");
        let mut command = folder.command(&["plan"]);
        Ran::from(command.env_remove("AWS_ENDPOINT_URL").output().expect("it runs"))
    };
    let ran = plan("http://192.0.2.1");
    assert_ne!(ran.code, Some(0));
    assert!(ran.stderr.contains("http://192.0.2.1 of EKS must be https"), "{}", ran.stderr);
    let ran = plan("https://eks.example.com");
    assert!(ran.stderr.contains("those of EKS are not"), "{}", ran.stderr);
    assert_eq!(plan(&moto.url).code, Some(0));
}

#[test]
fn missing_credentials_are_exit_77() {
    let moto = Moto::start();
    let folder = Folder::on(&moto, FILE);
    let mut command = folder.command(&["plan"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let ran = Ran::from(command.output().expect("it runs"));
    assert_eq!(ran.code, Some(77), "{}{}", ran.stdout, ran.stderr);
}
