//! What is of the sandbox and what is not are never taken for each other, and a world outlives its
//! server.
use crate::folder::{FILE, Folder};
use crate::life::APPLY;
use crate::rehearsal::Rehearsal;
use crate::served::Served;
use serde_json::Value;

#[test]
fn a_state_or_a_plan_of_the_sandbox_stays_there() {
    let folder = Rehearsal::of(FILE);
    folder.ok(&["apply", "--auto-approve"]);
    folder.write(&format!("{FILE}tags: {{ team: a }}\n"));
    folder.ok(&["plan", "--out", "saved.plan"]);
    let state = "acme-prod.sandbox.state.jsonl";
    let lines = |arguments: &[&str]| {
        let ran = folder.run_outside(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(65), ""), "{arguments:?}");
        ran.stderr
    };
    let hint = "\n\nhint: add --sandbox to the command\n";
    assert_eq!(
        lines(&["apply", "saved.plan"]),
        format!("error: plan saved.plan is of the sandbox{hint}")
    );
    for command in ["plan", "destroy"] {
        let told = lines(
            &[command, "--state", state, "--auto-approve"][..if command == "plan" { 3 } else { 4 }],
        );
        assert!(told.ends_with(&format!("{state} is of the sandbox{hint}")), "{told}");
    }
    let told = folder.run_outside(&["destroy", "--auto-approve"]);
    assert_eq!(told.code, Some(77), "{}", told.stderr);
    assert!(
        told.stderr.contains("a rehearsal is at") && told.stderr.contains(state),
        "{}",
        told.stderr
    );
    assert!(folder.ok(&["apply", "saved.plan"]).contains("changed"));
}

#[test]
fn a_state_of_elsewhere_stays_out_of_the_sandbox() {
    let folder = Rehearsal::of(FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let text =
        std::fs::read_to_string(folder.path("acme-prod.sandbox.state.jsonl")).expect("a state");
    let header = text.lines().next().expect("a header").replace("\"sandbox\"", "\"vendor\"");
    std::fs::write(folder.path("real.jsonl"), format!("{header}\n")).expect("it can be written");
    let ran = folder.run(&["plan", "--state", "real.jsonl"]);
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    assert!(ran.stderr.contains("leave --sandbox out"), "{}", ran.stderr);
}

#[test]
fn a_world_in_a_file_outlives_its_server() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let file = home.path().join("world.json");
    let served = Served::of(&file);
    let folder = Folder::on(&served, FILE);
    folder.ok(&["plan"]);
    let before = served.objects();
    folder.ok(APPLY);
    let read = |world: &[u8]| serde_json::from_slice::<Value>(world).expect("a world is JSON");
    let last = read(&served.world());
    let state = std::fs::read(folder.path("acme-prod.state.jsonl")).expect("there is a state");
    drop(served);
    let mut kept = read(&std::fs::read(&file).expect("there is a world"));
    // What only asked for something moved the clock and drew numbers, and changed nothing.
    for member in ["now", "drawn"] {
        kept[member] = last[member].clone();
    }
    assert_eq!(kept, last);
    let again = Served::of(&file);
    let folder = Folder::on(&again, FILE);
    std::fs::write(folder.path("acme-prod.state.jsonl"), state).expect("it can be written");
    assert_eq!(folder.plan(), [""; 0]);
    folder.ok(&["destroy", "--auto-approve"]);
    assert_eq!(again.objects(), before);
}
