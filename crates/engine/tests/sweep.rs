//! Every effect of build, change and destroy, with every fault.
use provision_testkit::{Bench, FaultKind, Life, Sweep, blind_retries, forgetful, without_grace};

async fn check(life: Life, faults: &[FaultKind]) {
    let sweep = Sweep::over(life, faults, Bench::default).await;
    assert!(sweep.lives > 50, "only {} lives", sweep.lives);
    assert!(sweep.wrong.is_empty(), "{} wrong:\n{}", sweep.wrong.len(), sweep.wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_build_survives_every_fault() {
    check(Life::Build, &FaultKind::ALL).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_survives_every_fault() {
    check(Life::Change, &FaultKind::ALL).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_change_set_goes_also_when_its_end_was_never_seen() {
    check(Life::Extend, &FaultKind::ALL).await;
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_in_stages_survives_every_fault() {
    check(Life::Upgrade, &FaultKind::ALL).await;
}

#[tokio::test(start_paused = true)]
async fn a_destroy_survives_every_fault() {
    check(Life::Destroy, &FaultKind::ALL).await;
}

/// Shows that the sweep sees what happens without a protection.
async fn breaks(life: Life, fault: FaultKind, bench: fn() -> Bench, expect: &str) {
    let sweep = Sweep::over(life, &[fault], bench).await;
    let found = sweep.wrong.iter().any(|wrong| wrong.contains(expect));
    assert!(found, "{} lives, and none with {expect}: {:?}", sweep.lives, sweep.wrong);
}

#[tokio::test(start_paused = true)]
async fn without_the_announcement_a_crash_makes_a_second_object() {
    let bench = || Bench::broken(|drivers| drivers, forgetful);
    breaks(Life::Build, FaultKind::CrashUnseen, bench, "orphan").await;
}

#[tokio::test(start_paused = true)]
async fn without_the_grace_a_late_read_makes_a_second_object() {
    let bench = || Bench::broken(without_grace, |_| true);
    breaks(Life::Build, FaultKind::Stale, bench, "orphan").await;
}

#[tokio::test(start_paused = true)]
async fn with_a_blind_retry_a_lost_reply_makes_a_second_object() {
    let bench = || Bench::broken(blind_retries, |_| true);
    breaks(Life::Build, FaultKind::ReplyLost, bench, "orphan fake.network").await;
}
