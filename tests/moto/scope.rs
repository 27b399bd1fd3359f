//! A state is never applied to another place than its own.
use crate::provision::{FILE, Folder, Ran};
use crate::server::Moto;
use std::fs;

fn refused(ran: &Ran, words: &str) {
    assert_eq!(ran.code, Some(65), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains(words), "{words} is not in {}", ran.stderr);
}

#[test]
fn another_region_account_or_provider_is_refused() {
    let moto = Moto::start();
    let mut folder = Folder::new(&moto, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let state = folder.path("acme-prod.state.jsonl");
    let (text, before) = (fs::read_to_string(&state).expect("a state"), moto.inventory());
    let apply = ["apply", "--auto-approve"];

    folder.write(&FILE.replace("us-east-1", "eu-west-1"));
    refused(&folder.run(&apply), "region us-east-1");
    folder.write(&FILE.replace("provider: eks", "provider: gke"));
    refused(&folder.run(&apply), "gke");
    folder.write(FILE);

    for (then, now) in [
        ("\"region\":\"us-east-1\"", "\"region\":\"eu-west-1\""),
        ("\"provider\":\"eks\"", "\"provider\":\"gke\""),
        ("\"account\":\"123456789012\"", "\"account\":\"210987654321\""),
        ("\"world\":\"loopback\"", "\"world\":\"vendor\""),
    ] {
        let edited = text.replacen(then, now, 1);
        assert_ne!(edited, text, "{then} is in the header");
        fs::write(&state, &edited).expect("it can be written");
        let damaged = "is damaged at line 2";
        refused(&folder.run(&apply), damaged);
        folder.write(&FILE.replace("us-east-1", "eu-west-1"));
        refused(&folder.run(&["destroy", "--auto-approve"]), damaged);
        folder.write(FILE);
    }
    fs::write(&state, &text).expect("it can be written");

    let other = moto.python("assume.py", &[]);
    let told = |name: &str| other[name].as_str().expect("text").to_owned();
    folder.set("AWS_ACCESS_KEY_ID", &told("AccessKeyId"));
    folder.set("AWS_SECRET_ACCESS_KEY", &told("SecretAccessKey"));
    folder.set("AWS_SESSION_TOKEN", &told("SessionToken"));
    for command in [&["plan"][..], &apply, &["destroy", "--auto-approve"]] {
        refused(&folder.run(command), "account 123456789012 and not 210987654321");
    }
    assert_eq!(fs::read_to_string(&state).expect("a state"), text);
    assert_eq!(moto.inventory(), before);
}

#[test]
fn a_state_in_use_is_locked_and_the_holder_is_named() {
    let moto = Moto::start();
    let folder = Folder::new(&moto, FILE);
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
fn missing_credentials_are_exit_77() {
    let moto = Moto::start();
    let folder = Folder::new(&moto, FILE);
    let mut command = folder.command(&["plan"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let ran = Ran::from(command.output().expect("it runs"));
    assert_eq!(ran.code, Some(77), "{}{}", ran.stdout, ran.stderr);
}
