//! Objects of somebody else are never touched.
use crate::provision::{FILE, Folder};
use crate::server::Moto;

#[test]
fn an_object_of_somebody_else_is_named_and_left_alone_until_adopted() {
    let moto = Moto::start();
    let made = moto.python("foreign.py", &[]);
    let folder = Folder::on(&moto, FILE);
    let before = moto.inventory();
    for command in [&["plan"][..], &["apply", "--auto-approve"]] {
        let ran = folder.run(command);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        let vpc = made["vpc"].as_str().expect("an id");
        for name in ["role/cluster", "log-group", "--adopt log-group", vpc] {
            assert!(ran.stderr.contains(name), "{name} is not in {}", ran.stderr);
        }
    }
    assert_eq!(moto.inventory(), before);

    let adopt = ["--adopt", "role/cluster", "--adopt", "log-group", "--adopt", "vpc"];
    folder.ok(&[&["apply", "--auto-approve"][..], &adopt].concat());
    assert_eq!(folder.plan(), [""; 0]);
    let vpcs = moto.inventory().into_iter().filter(|object| object["kind"] == "vpc");
    let vpcs: Vec<_> = vpcs.map(|object| object["id"].clone()).collect();
    assert_eq!(vpcs, [made["vpc"].clone()], "the adopted network is the only one");
}

#[test]
fn a_lost_state_never_builds_a_second_network() {
    let moto = Moto::start();
    let folder = Folder::on(&moto, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let before = moto.inventory();
    std::fs::remove_file(folder.path("acme-prod.state.jsonl")).expect("it is there");
    let ran = folder.run(&["apply", "--auto-approve"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(ran.stderr.contains("of another state"), "{}", ran.stderr);
    assert_eq!(moto.inventory(), before);
}

#[test]
fn a_forgotten_object_stays_without_our_marks() {
    let moto = Moto::start();
    let folder = Folder::on(&moto, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    folder.ok(&["state", "forget", "log-group"]);
    assert!(!folder.ok(&["state", "list"]).contains("log-group"));
    let ran = folder.run(&["plan"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(ran.stderr.contains("carries no mark of ours"), "{}", ran.stderr);
}
