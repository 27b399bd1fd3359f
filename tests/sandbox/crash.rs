//! The program is killed before and after every call that changes something, in every phase of a
//! cluster's life, and run again: it comes to the same.
use crate::phase::{PHASES, Phase};
use crate::proxy::Fate;
use crate::sweep;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many kills a sample has of each phase.
const SAMPLE: usize = 14;

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

fn sweep(phase: &Phase) {
    let fates = [Fate::KillBefore, Fate::KillAfter];
    let cases = phase.changes.iter().flat_map(|change| fates.map(|fate| (change, fate)));
    let cases = sweep::chosen(cases.collect(), SAMPLE);
    let missed = AtomicUsize::new(0);
    let name = |((operation, count), fate): &(&(String, usize), Fate)| {
        format!("{fate:?} {operation} {count}")
    };
    sweep::each(&format!("killed, {}", phase.name), &cases, name, |(change, fate)| {
        if !survives(phase, change, *fate) {
            missed.fetch_add(1, Ordering::SeqCst);
        }
    });
    let missed = missed.into_inner();
    assert!(missed * 10 <= cases.len(), "{}: {missed} runs were not killed", phase.name);
}

#[test]
fn killed_anywhere_it_comes_to_the_same() {
    for phase in PHASES.iter() {
        assert!(phase.changes.len() > 5, "{}: {} changes", phase.name, phase.changes.len());
        sweep(phase);
    }
}
