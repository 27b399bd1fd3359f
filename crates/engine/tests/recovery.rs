//! What is degraded when it is new, and may get well by itself.
use provision_core::{Action, Graph, out};
use provision_testkit::kinds::{Network, Vault};
use provision_testkit::{Bench, Complaint, World, first, stack};
use std::time::Duration;
use tokio::time::Instant;

fn degrade(world: &World, kind: &'static str) {
    world.complain(kind, Some(Complaint::Degraded("no nodes".into())));
}

fn heal(world: &World) {
    world.tamper(|objects| objects.values_mut().for_each(|object| object.complaint = None));
}

#[tokio::test(start_paused = true)]
async fn what_gets_well_in_time_is_well() {
    let bench = Bench::default();
    degrade(&bench.world, "fake.addon");
    let graphs = first();
    let healing = async {
        while !bench.world.objects().values().any(|object| object.kind == "fake.addon") {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(500)).await;
        heal(&bench.world);
    };
    let (ran, ()) = tokio::join!(bench.run(&graphs, None), healing);
    let (_, outcome) = ran.through();
    assert!(outcome.is_complete() && outcome.degraded.is_empty(), "{outcome:?}");
    assert!(bench.faults().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_get_well_in_time_is_degraded_and_no_change_for_the_next_run() {
    let bench = Bench::default();
    degrade(&bench.world, "fake.addon");
    let begun = Instant::now();
    let (_, outcome) = bench.run(&first(), None).await.through();
    let words: Vec<_> = outcome.degraded.values().collect();
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(words, ["no nodes"]);
    let took = begun.elapsed().as_secs();
    assert!((1100..1400).contains(&took), "540 s for the cluster and 600 s of patience: {took} s");
    let plan = bench.plan(&first()).await.unwrap();
    assert_eq!((plan.steps.len(), plan.degraded.len()), (0, 1), "{plan:?}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_without_patience_is_degraded_at_once() {
    let bench = Bench::default();
    let (_, outcome) = bench.run(&first(), None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    degrade(&bench.world, "fake.pool");
    let begun = Instant::now();
    let graphs = [stack(&["a", "b"], "1.33", "old", "large", "h1")];
    let (plan, outcome) = bench.run(&graphs, None).await.through();
    assert_eq!((plan.count(Action::Create), outcome.degraded.len()), (1, 1), "{outcome:?}");
    assert!(begun.elapsed() < Duration::from_secs(240), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_degraded_when_its_time_is_up_has_not_failed() {
    let (bench, mut g) = (Bench::default(), Graph::new());
    let network = Network { cidr: "10.0.0.0/16".into(), dns: false, tags: Default::default() };
    let network = g.add("network", network);
    g.add("vault", Vault { network: out!(network.id), tags: Default::default() });
    degrade(&bench.world, "fake.vault");
    let begun = Instant::now();
    let (_, outcome) = bench.run(&[g], None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.degraded.values().collect::<Vec<_>>(), ["no nodes"]);
    let took = begun.elapsed().as_secs();
    assert!((900..1205).contains(&took), "20 minutes at most: {took} s");
}

#[tokio::test(start_paused = true)]
async fn what_got_well_by_what_was_done_elsewhere_is_not_called_degraded_in_the_end() {
    let bench = Bench::default();
    degrade(&bench.world, "fake.addon");
    bench.run(&first(), None).await.through();
    bench.world.complain("fake.addon", None);
    let graphs = [stack(&["a", "b"], "1.33", "old", "large", "h1")];
    let healing = async {
        while bench.world.called_at("delete fake.pool").is_none() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        heal(&bench.world);
    };
    let (ran, ()) = tokio::join!(bench.run(&graphs, None), healing);
    let (plan, outcome) = ran.through();
    assert_eq!((plan.degraded.len(), outcome.degraded.len()), (1, 0), "{outcome:?}");
}
