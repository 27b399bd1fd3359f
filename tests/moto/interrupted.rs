//! A run that is asked to stop, or whose plan was made before.
use crate::provision::{FILE, Folder};
use crate::server::Moto;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn a_signal_ends_a_run_safely_and_the_next_one_goes_on() {
    for signal in ["INT", "TERM"] {
        let moto = Moto::start();
        let before = moto.inventory();
        let folder = Folder::on(&moto, FILE);
        let mut run = folder
            .command(&["apply", "--auto-approve", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(run.stdout.take().expect("it is piped")).lines();
        let settled = |line: &str| line.contains("\"settled\"") && line.contains("\"vpc\"");
        let seen = lines.by_ref().any(|line| settled(&line.expect("a line")));
        assert!(seen, "the network is made");
        let kill = ["-s", signal, &run.id().to_string()];
        assert!(Command::new("kill").args(kill).status().expect("it runs").success());
        let last = lines.last().expect("it says how it ended").expect("a line");
        assert_eq!(run.wait().expect("it ends").code(), Some(130));
        let last: Value = serde_json::from_str(&last).expect("an event");
        assert_eq!((&last["type"], &last["status"]), (&"finished".into(), &"interrupted".into()));

        folder.ok(&["apply", "--auto-approve"]);
        assert_eq!(folder.plan(), [""; 0]);
        folder.ok(&["destroy", "--auto-approve"]);
        assert_eq!(moto.inventory(), before);
    }
}

#[test]
fn a_saved_plan_is_carried_out_as_it_was_and_never_when_anything_moved() {
    let moto = Moto::start();
    let folder = Folder::on(&moto, FILE);
    folder.ok(&["plan", "--out", "first.plan"]);
    folder.ok(&["apply", "first.plan"]);
    assert_eq!(folder.plan(), [""; 0]);
    let stale = |words: &str| {
        let ran = folder.run(&["apply", "saved.plan"]);
        assert_eq!(ran.code, Some(65), "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(words), "{words} is not in {}", ran.stderr);
    };

    let wider = format!("{FILE}pools: {{ app: {{ max: 4 }}, driver: {{}}, executor: {{}} }}\n");
    folder.write(&wider);
    folder.ok(&["plan", "--out", "saved.plan"]);
    folder.write(&wider.replace("max: 4", "max: 5"));
    stale("changed after the plan was saved");
    folder.ok(&["apply", "--auto-approve"]);
    folder.write(&wider);
    stale("the state changed after the plan was saved");

    folder.ok(&["plan", "--out", "saved.plan"]);
    moto.python("drift.py", &["acme-prod"]);
    stale("the plan is not what it would be now: it would also update ");

    let saved = fs::read_to_string(folder.path("saved.plan")).expect("a saved plan");
    fs::write(folder.path("saved.plan"), saved.replace("max: 4", "max: 9")).expect("written");
    stale("was edited");
}

#[test]
fn protection_holds_until_it_is_taken_back_and_applied() {
    let moto = Moto::start();
    let folder = Folder::on(&moto, &format!("{FILE}protect: true\n"));
    folder.ok(&["apply", "--auto-approve"]);
    let before = moto.inventory();
    folder.write(FILE);
    let ran = folder.run(&["destroy", "--auto-approve"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("is protected"), "{}", ran.stderr);
    assert_eq!(moto.inventory(), before);
    folder.ok(&["apply", "--auto-approve"]);
    folder.ok(&["destroy", "--auto-approve"]);
}
