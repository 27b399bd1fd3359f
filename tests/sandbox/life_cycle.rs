//! From nothing to a cluster, through changes, and back to nothing, in one process after another.
use crate::folder::{FILE, Folder};
use crate::rehearsal::Rehearsal;
use crate::served::Served;
use serde_json::json;

/// Returns the number between two texts.
fn minutes(text: &str, before: &str, after: &str) -> u64 {
    let number = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    let number = number.and_then(|(number, _)| number.parse().ok());
    number.unwrap_or_else(|| panic!("no number after {before:?} in\n{text}"))
}

#[test]
fn a_cluster_is_made_changed_and_destroyed() {
    let folder = Rehearsal::of(FILE);
    let first = folder.ok(&["plan"]);
    assert!(first.contains("to create"), "{first}");
    assert!(minutes(&first, "Expected to take about ", " minutes of simulated time.") >= 12);
    let before = folder.world();
    let applied = folder.ok(&["apply", "--auto-approve"]);
    assert!(minutes(&applied, "Applied: 61 created. In reality it takes about ", "m.") >= 12);
    assert_eq!(folder.run(&["plan", "--detailed-exitcode"]).code, Some(0));

    let pools = "pools:\n  app: {}\n  driver: { max: 5 }\n  executor: {}\n";
    folder.write(&format!("{FILE}{pools}"));
    assert!(folder.plan().iter().all(|step| step.starts_with("update pool/driver")));
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);

    folder.write(&format!("{FILE}{}", pools.replace("app: {}", "app: { machine: m5.2xlarge }")));
    let steps = folder.plan();
    assert!(steps.iter().any(|step| step.starts_with("create pool/app/")), "{steps:?}");
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);

    folder.ok(&["destroy", "--auto-approve"]);
    let passes = |it: &String| it.contains("ec2.instance") || it.contains("ec2.nat_gateway");
    let after: Vec<_> = folder.world().into_iter().filter(|it| !passes(it)).collect();
    assert_eq!(after, before);
}

#[test]
fn a_watched_rehearsal_tells_how_long_it_took_beside_what_its_plan_expected() {
    let folder = Rehearsal::of(FILE);
    tells_both(&folder, "apply", "Applied in ");
    assert_eq!(folder.plan(), [""; 0]);
    tells_both(&folder, "destroy", "Destroyed in ");
    let ran = folder.run(&["plan", "--sandbox-speed", "0"]);
    assert_eq!(ran.code, Some(64), "{}{}", ran.stdout, ran.stderr);
}

/// Runs a command, whose end must tell the time that it took beside what its plan expected.
fn tells_both(folder: &Rehearsal, command: &str, end: &str) {
    let told = folder.ok(&[command, "--auto-approve", "--sandbox-speed", "5000"]);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let planned = minutes(&told, "Expected to take about ", " minutes of simulated time.");
    let (_, end) = told.split_once(end).unwrap_or_else(|| panic!("no {end:?} in\n{told}"));
    let (took, rest) = end.split_once(" of simulated time (").expect("it tells how long");
    assert!(took.contains('m') && !took.contains(' '), "{took}");
    assert!(rest.starts_with(&format!("expected about {planned}m): ")), "{told}");
}

#[test]
fn what_is_to_be_replaced_still_is_so_in_the_command_that_goes_on() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let replace = ["apply", "--auto-approve", "--replace", "log-group"];
    let fails = |operation: &str| {
        served.faults(&[json!({ "operation": operation, "effect": "denied" })]);
        let ran = folder.run(&replace);
        assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
        ran.stdout
    };
    let kept = fails("DeleteLogGroup");
    assert!(kept.contains("\n  provision apply --replace log-group --auto-approve\n"), "{kept}");
    let gone = fails("CreateLogGroup");
    assert!(gone.contains("\n  provision apply --auto-approve\n"), "{gone}");
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);
}
