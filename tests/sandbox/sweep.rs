//! Many cases at once, all of them or a sample, and what they come to.
use std::env;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// How many of a sweep's cases are tried: `all`, or a sample drawn by a seed.
const VARIABLE: &str = "PROVISION_SWEEP";
const SEED: u64 = 5;

/// How many cases are tried at once for each processor: each waits now and then, for a reply that is slow
/// or between two calls.
pub(crate) const BUSY: usize = 2;
/// The same where cases wait most of the time.
pub(crate) const IDLE: usize = 6;

/// Tells whether all cases are wanted.
pub(crate) fn wants_all() -> bool {
    env::var(VARIABLE).is_ok_and(|wanted| wanted == "all")
}

/// Returns the seed of a sample.
pub(crate) fn seed() -> u64 {
    match env::var(VARIABLE) {
        Ok(wanted) if wanted != "all" => wanted.parse().expect("all, or a number"),
        _ => SEED,
    }
}

/// Returns all cases, or so many of them.
pub(crate) fn chosen<T>(mut cases: Vec<T>, count: usize) -> Vec<T> {
    if !wants_all() {
        fastrand::Rng::with_seed(seed()).shuffle(&mut cases);
        cases.truncate(count);
    }
    cases
}

/// Tells what a sweep came to, also where what tests print is kept back: a run is to show how much was
/// tried, and how long that took.
pub(crate) fn tell(line: &str) {
    io::stdout().write_all(format!("{line}\n").as_bytes()).expect("it can be written");
}

/// Tells which of all missed what they were to meet, and fails if it is all of them, or more than one
/// and than one in ten, or in twenty of a sample: what is called is chance's choice too.
pub(crate) fn few(what: &str, missed: &[String], all: usize) {
    let (count, names) = (missed.len(), missed.join(", "));
    let which = if names.is_empty() { String::new() } else { format!(": {names}") };
    tell(&format!("{what}: {count} of {all} missed what they were to meet{which}"));
    let rare = if wants_all() { 10 } else { 20 };
    assert!(count < all && count <= (all / rare).max(1), "{what}: {count} of {all}");
}

/// Tries cases, so many at once for each processor, and tells how it went in a line. A case that goes
/// wrong panics, and says why itself.
pub(crate) fn each<T: Sync>(
    what: &str,
    per_processor: usize,
    cases: &[T],
    name: impl Fn(&T) -> String + Sync,
    attempt: impl Fn(&T) + Sync,
) {
    let since = Instant::now();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
            if panic::catch_unwind(AssertUnwindSafe(|| attempt(case))).is_err() {
                wrong.lock().expect("no thread panics here").push(name(case));
            }
        }
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..processors * per_processor).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().expect("no thread panics here");
    let sample =
        if wants_all() { "all".to_owned() } else { format!("a sample of seed {}", seed()) };
    let seconds = since.elapsed().as_secs();
    let (all, bad) = (cases.len(), wrong.len());
    tell(&format!("{what}: {all} cases ({sample}), {bad} wrong, {seconds} s"));
    assert!(!cases.is_empty() && wrong.is_empty(), "{what}: {wrong:#?}");
}
