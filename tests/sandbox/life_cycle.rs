//! From nothing to a cluster, through changes, and back to nothing, in one process after another.
use crate::folder::FILE;
use crate::rehearsal::Rehearsal;

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
fn the_clock_of_a_watched_rehearsal_runs() {
    let folder = Rehearsal::of(FILE);
    folder.ok(&["apply", "--auto-approve", "--sandbox-speed", "5000"]);
    assert_eq!(folder.plan(), [""; 0]);
    let ran = folder.run(&["plan", "--sandbox-speed", "0"]);
    assert_eq!(ran.code, Some(64), "{}{}", ran.stdout, ran.stderr);
}
