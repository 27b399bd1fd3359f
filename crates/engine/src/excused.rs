//! What a run ends well without: capacity that the cloud lacks, and what waits for it.
use crate::apply::{Outcome, Skip};
use crate::journal::Journal;
use provision_core::{Action, Address, Drivers, Kind, Record, Stage, Step};

/// Reports what the cluster is there without, and never settled for want of capacity, as degraded, if
/// nothing else failed.
pub(crate) fn excuse_capacity(drivers: &Drivers, journal: &Journal, outcome: &mut Outcome) {
    let is_excused = |record: &Record| {
        let is_dispensable = drivers.get(&*record.kind).is_some_and(|it| it.meta().dispensable);
        is_dispensable && record.stage != Stage::Settled
    };
    let is_excused = |address: &Address| journal.with(|s| s.get(address).is_some_and(is_excused));
    let only_capacity =
        outcome.failed.iter().all(|(a, e)| e.kind == Kind::Capacity && is_excused(a));
    if !only_capacity || outcome.interrupted {
        return;
    }
    for (address, error) in std::mem::take(&mut outcome.failed) {
        outcome.put_off.insert(address.clone());
        outcome.degraded.insert(address, error.to_string());
    }
}

/// Reports as degraded what waits for what lacks capacity, which the next run goes on with. What
/// was to go once that is there stays, and that is all.
pub(crate) fn excuse_waiting(steps: &[Step], outcome: &mut Outcome) {
    let ends_well = outcome.failed.is_empty() && outcome.fatal.is_none() && !outcome.interrupted;
    if outcome.put_off.is_empty() || !ends_well {
        return;
    }
    let waits = |why: &Skip| matches!(why, Skip::Kept(_) | Skip::Needs(_) | Skip::Stage(_));
    let goes = |address: &Address| {
        steps.iter().all(|step| step.address != *address || step.action == Action::Delete)
    };
    let (waiting, skipped) =
        std::mem::take(&mut outcome.skipped).into_iter().partition(|(_, why)| waits(why));
    outcome.skipped = skipped;
    let waiting: Vec<(Address, Skip)> = waiting;
    for (address, why) in waiting.into_iter().filter(|(address, _)| !goes(address)) {
        outcome.put_off.insert(address.clone());
        outcome.degraded.entry(address).or_insert(why.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Header, MemoryStore, STATE_FORMAT};
    use crate::queue::tests::step;
    use provision_core::{Error, Scope, World};
    use std::collections::BTreeMap;

    fn journal() -> Journal {
        let scope = Scope { world: World::Loopback, place: BTreeMap::new() };
        let word = |text: &str| text.to_owned();
        let (format, lineage) = (word(STATE_FORMAT), word("l"));
        let header = Header { format, cluster: word("c"), provider: word("p"), scope, lineage };
        Journal::begin(Box::new(MemoryStore::default()), header).unwrap()
    }

    #[tokio::test]
    async fn a_lack_of_capacity_is_excused_and_what_waits_for_it_is_told() {
        let (journal, drivers) =
            (journal(), provision_testkit::kinds::drivers(&Default::default()));
        for (address, kind) in [("a", "fake.pool"), ("vpc", "fake.network")] {
            let creating = provision_core::Entry::Creating {
                address: address.into(),
                kind: kind.into(),
                spec: serde_json::json!({}),
                request: String::new(),
                needs: Default::default(),
                within: None,
                slot: None,
                lane: None,
            };
            journal.record(&creating).await.unwrap();
        }
        let lacking = |address: &str| {
            let failed = vec![(address.into(), Error::new(Kind::Capacity, "none"))];
            Outcome { failed, ..Outcome::default() }
        };
        let of_network = &mut lacking("vpc");
        excuse_capacity(&drivers, &journal, of_network);
        assert!(!of_network.is_complete(), "no cluster is without one");
        let excused = |action: Action| {
            let steps = [step("a", false), Step { action, ..step("b", false) }];
            let skipped = vec![("b".into(), Skip::Needs("a".into()))];
            let mut outcome = Outcome { skipped, ..lacking("a") };
            excuse_capacity(&drivers, &journal, &mut outcome);
            excuse_waiting(&steps, &mut outcome);
            (outcome.is_complete(), outcome.degraded.len())
        };
        assert_eq!(excused(Action::Delete), (true, 1), "an old one is kept");
        assert_eq!(excused(Action::Create), (true, 2), "another is not made");
        let skipped = vec![("b".into(), Skip::Needs("a".into()))];
        let mut stopped = Outcome { skipped, interrupted: true, ..Outcome::default() };
        stopped.put_off.insert("pool".into());
        excuse_waiting(&[step("b", false)], &mut stopped);
        assert_eq!((stopped.skipped.len(), stopped.degraded.len()), (1, 0), "it was not tried");
    }
}
