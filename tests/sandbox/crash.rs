//! The program is killed before and after every call that changes something, in every phase of a
//! cluster's life, and run again: it comes to the same.
use crate::folder::Folder;
use crate::phase::{PHASES, Phase};
use crate::proxy::Fate;
use crate::served::Served;
use crate::sweep;
use serde_json::json;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// How many kills a sample has of each phase.
const SAMPLE: usize = 10;

/// Kills the program at one of the changes of a phase, lets it run again to its end, and compares.
/// False where the run came to its end without that change.
fn survives(phase: &Phase, change: &(String, usize), fate: Fate) -> bool {
    let mut life = phase.begin();
    let ((operation, count), armed) = (change.clone(), Arc::new(AtomicBool::new(true)));
    let its = armed.clone();
    let proxy = life.proxy(move |call| {
        let is_it = call.operation == operation && call.count == count;
        match is_it && its.load(Ordering::SeqCst) {
            true => fate,
            false => Fate::Pass,
        }
    });
    let ended = proxy.run(&mut life.folder.command(phase.command));
    assert!(matches!(ended, None | Some(0)), "it was not killed, and failed: {ended:?}");
    armed.store(false, Ordering::SeqCst);
    life.ok(phase.command);
    phase.check(&life);
    ended.is_none()
}

/// Kills the program once it asked for a change inside the cluster, which is not made then, or is, and
/// goes on like [`survives`].
fn survives_inside(phase: &Phase, change: &(String, usize), effect: &str) -> bool {
    let life = phase.begin();
    let (operation, count) = change;
    life.served.faults(&[json!({ "operation": operation, "nth": count, "effect": effect })]);
    let mut command = life.folder.command(phase.command);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut program = command.spawn().expect("the program starts");
    life.served.is_called(operation, *count, &mut program);
    let status = program.kill().and_then(|()| program.wait()).expect("it ends");
    let killed = status.signal().is_some();
    assert!(killed || status.success(), "it was not killed, and failed: {status}");
    life.served.faults(&[]);
    life.ok(phase.command);
    phase.check(&life);
    killed
}

#[test]
fn killed_at_any_change_inside_it_comes_to_the_same() {
    let changes = PHASES.iter().flat_map(|phase| phase.inside.iter().map(move |it| (phase, it)));
    let all: Vec<_> =
        changes.flat_map(|it| ["hang", "hang-after"].map(|effect| (it, effect))).collect();
    assert!(all.len() > 12, "{} changes inside", all.len());
    let name = |((phase, (operation, count)), effect): &((&Phase, &(String, usize)), &str)| {
        format!("{}: {effect} at {operation} {count}", phase.name)
    };
    let missed: Mutex<Vec<String>> = Mutex::default();
    let cases = sweep::chosen(all, SAMPLE);
    sweep::each("killed, inside", sweep::BUSY, &cases, name, |case| {
        let ((phase, change), effect) = case;
        if !survives_inside(phase, change, effect) {
            missed.lock().expect("no thread panics here").push(name(case));
        }
    });
    sweep::few("killed, inside", &missed.into_inner().expect("all have ended"), cases.len());
}

/// Kills an apply once an operation has been called so often, which a fault makes it wait in.
pub(crate) fn killed_at(folder: &Folder, served: &Served, operation: &str, count: usize) {
    let mut command = folder.command(&["apply", "--auto-approve"]);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut apply = command.spawn().expect("it starts");
    let is_called = served.is_called(operation, count, &mut apply);
    assert!(is_called, "it ended before {operation} {count}");
    apply.kill().and_then(|()| apply.wait()).expect("it ends");
}

#[test]
fn killed_anywhere_it_comes_to_the_same() {
    let mut cases = Vec::new();
    for phase in PHASES.iter() {
        assert!(phase.changes.len() > 5, "{}: {} changes", phase.name, phase.changes.len());
        let fates = [Fate::KillBefore, Fate::KillAfter];
        let its = phase.changes.iter().flat_map(|it| fates.map(|fate| (phase, it, fate)));
        cases.extend(sweep::chosen(its.collect(), SAMPLE));
    }
    let missed: Mutex<Vec<String>> = Mutex::default();
    let name = |(phase, (operation, count), fate): &(&Phase, &(String, usize), Fate)| {
        format!("{}: {fate:?} {operation} {count}", phase.name)
    };
    sweep::each("killed", sweep::BUSY, &cases, name, |case| {
        let (phase, change, fate) = case;
        if !survives(phase, change, *fate) {
            missed.lock().expect("no thread panics here").push(name(case));
        }
    });
    sweep::few("killed", &missed.into_inner().expect("all have ended"), cases.len());
}
