//! Two processes at once on one embedded world.
use crate::folder::FILE;
use crate::rehearsal::Rehearsal;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn two_processes_share_a_world() {
    let folder = Rehearsal::of(FILE);
    let start = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let apply = start(&["apply", "--auto-approve"]);
    let since = Instant::now();
    let begun = || {
        let state = fs::read_to_string(folder.path("acme-prod.sandbox.state.jsonl"));
        state.is_ok_and(|state| state.contains('\n'))
    };
    while !begun() {
        assert!(since.elapsed() < Duration::from_secs(300), "nothing is begun");
        std::thread::sleep(Duration::from_millis(5));
    }
    let plans: Vec<_> = (0..3).map(|_| start(&["plan", "--json"])).collect();
    for plan in plans {
        let output = plan.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let output = apply.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(folder.plan(), [""; 0]);
    folder.ok(&["destroy", "--auto-approve"]);
}
