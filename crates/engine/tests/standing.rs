//! How objects stand to us: adopted, replaced, kept, found without a record.
use provision_core::plan::Refusal;
use provision_core::{Action, Address, Error, Kind, Plan};
use provision_testkit::{
    Bench, Complaint, Fault, FaultKind, LAG, Ran, World, first, second, stack, without_grace,
    yielding,
};
use serde_json::Value;
use std::time::Duration;

async fn built() -> Bench {
    let bench = Bench::default();
    let (_, outcome) = bench.run(&first(), None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    bench.world.calls();
    bench
}

fn steps(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|s| format!("{} {}", s.action, s.address)).collect()
}

fn refusals(ran: Ran) -> Vec<Refusal> {
    match ran {
        Ran::Refused(refused) => refused.0,
        other => panic!("not refused: {other:?}"),
    }
}

/// Makes an object of a kind somebody else's: no mark of ours is left on it.
fn disown(bench: &Bench, kind: &str) -> String {
    let mut id = String::new();
    bench.world.tamper(|objects| {
        let (found, object) = objects.iter_mut().find(|(_, o)| o.kind == kind).expect("one");
        id.clone_from(found);
        let tags = object.body["tags"].as_object_mut().expect("a map");
        tags.retain(|key, _| !key.starts_with("provision-"));
    });
    id
}

/// Forgets everything that is on record.
fn lose_record(bench: &Bench) {
    let mut text = bench.text.0.lock().expect("a text");
    let header = text.iter().position(|byte| *byte == b'\n').expect("a header");
    text.truncate(header + 1);
}

#[tokio::test(start_paused = true)]
async fn an_object_is_adopted_by_its_id_and_no_second_one_is_made() {
    let mut bench = built().await;
    let id = disown(&bench, "fake.network");
    lose_record(&bench);
    bench.adopt.insert("network".into(), Some(id.clone()));
    let (plan, outcome) = bench.run(&first(), None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    assert!(steps(&plan).contains(&"adopt network".to_owned()), "{plan:?}");
    let objects = bench.world.objects();
    let networks: Vec<_> = objects.iter().filter(|(_, o)| o.kind == "fake.network").collect();
    assert_eq!(networks.len(), 1);
    assert_eq!(bench.state().output("network", "id"), Some(&Value::from(id)));
    bench.adopt.clear();
    assert_eq!(steps(&bench.plan(&first()).await.unwrap()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_gives_way_is_told_and_left_alone_until_it_is_taken_over() {
    let mut bench = Bench::broken(yielding, |_| true);
    let (_, outcome) = bench.run(&first(), None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    let id = disown(&bench, "fake.vault");
    let before = bench.picture();
    let (plan, outcome) = bench.run(&first(), None).await.through();
    assert_eq!((steps(&plan), outcome.is_complete()), (vec![], true));
    assert!(plan.yields[&Address::from("vault")].contains(&id), "{:?}", plan.yields);
    assert_eq!(bench.picture(), before);
    bench.adopt.insert("vault".into(), None);
    let (plan, _) = bench.run(&first(), None).await.through();
    assert_eq!((steps(&plan), plan.yields.len()), (vec!["adopt vault".to_owned()], 0));
}

#[tokio::test(start_paused = true)]
async fn an_adoption_that_is_killed_anywhere_makes_no_second_object() {
    for at in 1..8 {
        let mut bench = built().await;
        let id = disown(&bench, "fake.network");
        lose_record(&bench);
        bench.adopt.insert("network".into(), Some(id));
        bench.run(&first(), Some(Fault { at, kind: FaultKind::CrashAfter })).await;
        let (_, outcome) = bench.run(&first(), None).await.through();
        assert!(outcome.is_complete(), "{at}: {outcome:?}");
        assert_eq!(bench.faults(), [""; 0], "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_made_to_fit_is_not_adopted() {
    let mut bench = built().await;
    disown(&bench, "fake.network");
    bench.world.tamper(|objects| {
        let network = objects.values_mut().find(|o| o.kind == "fake.network").unwrap();
        network.body["cidr"] = "10.99.0.0/16".into();
    });
    bench.adopt.insert("network".into(), None);
    let before = bench.picture();
    for asked in [false, true] {
        bench.replace.extend(asked.then(|| Address::from("network")));
        let refused = refusals(bench.run(&first(), None).await);
        assert!(refused.iter().any(|r| matches!(r, Refusal::Unlike { .. })), "{refused:?}");
    }
    assert_eq!(bench.picture(), before);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_update_or_a_lost_record_makes_nothing_replaceable() {
    let break_cluster = |bench: &Bench| {
        bench.world.tamper(|objects| {
            let cluster = objects.values_mut().find(|o| o.kind == "fake.cluster").unwrap();
            cluster.complaint = Some(Complaint::Broken(Error::invalid("it failed")));
        });
    };
    let bench = built().await;
    let upgrade = [stack(&["a", "b"], "1.34", "old", "small", "h1")];
    bench.run(&upgrade, Some(Fault { at: 1, kind: FaultKind::CrashAfter })).await;
    break_cluster(&bench);
    let refused = refusals(bench.run(&upgrade, None).await);
    assert!(matches!(&refused[..], [Refusal::Broken { .. }]), "{refused:?}");

    let bench = built().await;
    lose_record(&bench);
    break_cluster(&bench);
    let refused = refusals(bench.run(&first(), None).await);
    assert!(matches!(&refused[..], [Refusal::Broken { .. }]), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn an_edited_mark_does_not_make_an_object_unwanted() {
    let bench = built().await;
    bench.world.tamper(|objects| {
        let pool = objects.values_mut().find(|o| o.kind == "fake.pool").unwrap();
        pool.body["tags"]["provision-address"] = "pool/elsewhere".into();
    });
    let (plan, _) = bench.run(&first(), None).await.through();
    assert_eq!(plan.count(Action::Delete), 0, "{plan:?}");
    assert!(bench.world.calls().iter().all(|call| !call.starts_with("delete")));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_replaced_with_its_pools_and_what_is_within_it() {
    for machine in ["small", "large"] {
        let mut bench = built().await;
        bench.replace.insert("cluster".into());
        let graphs = [stack(&["a", "b"], "1.33", "old", machine, "h1")];
        let (plan, outcome) = bench.run(&graphs, None).await.through();
        assert!(outcome.is_complete(), "{machine}: {outcome:?}");
        assert!(steps(&plan).contains(&"create addon/dns".to_owned()), "{plan:?}");
        bench.replace.clear();
        assert_eq!(steps(&bench.plan(&graphs).await.unwrap()), [""; 0]);
        assert_eq!(bench.faults(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_is_kept_keeps_what_it_needs() {
    let bench = built().await;
    bench.world.complain("fake.pool", Some(Complaint::Degraded("no nodes".into())));
    let graphs = second();
    bench.run(&graphs, None).await.through();
    let plan = bench.plan(&graphs).await.unwrap();
    let kept: Vec<_> = plan.kept.keys().map(ToString::to_string).collect();
    assert_eq!(plan.count(Action::Delete), 0, "{plan:?}");
    assert!(kept.iter().any(|address| address.starts_with("pool/app/")), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn an_old_generation_without_a_record_waits_for_the_new_one_all_the_same() {
    let bench = built().await;
    lose_record(&bench);
    let graphs = [stack(&["a", "b"], "1.33", "old", "large", "h1")];
    let (plan, outcome) = bench.run(&graphs, None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    let step = |action| {
        let of_pools = |s: &&provision_core::Step| s.address.as_str().starts_with("pool/");
        let found = plan.steps.iter().filter(of_pools).find(|s| s.action == action);
        found.unwrap_or_else(|| panic!("no {action} in {plan:?}"))
    };
    let create = plan.steps.iter().position(|s| s == step(Action::Create)).unwrap();
    assert!(step(Action::Delete).after.contains(&create), "{plan:?}");
}

#[tokio::test(start_paused = true)]
async fn a_delete_is_announced_whether_or_not_the_object_is_on_record() {
    let bench = built().await;
    lose_record(&bench);
    bench.run(&[], None).await.through();
    let deletes = bench.world.calls().iter().filter(|c| c.starts_with("delete")).count();
    assert!(deletes > 5, "{deletes} deletes");
    assert!(bench.announced("deleting") >= deletes);
}

#[tokio::test(start_paused = true)]
async fn without_the_grace_a_read_that_lags_after_settling_plans_a_second_object() {
    let bench = built().await;
    let mut hasty = Bench::broken(without_grace, |_| true);
    (hasty.world, hasty.text) = (bench.world.clone(), bench.text.clone());
    let graphs = first();
    let lag = |world: &World| world.lag(Duration::from_secs(100_000));
    let plan = hasty.plan_while(&graphs, lag).await.unwrap();
    assert!(plan.count(Action::Create) > 0, "{plan:?}");
    tokio::time::sleep(LAG).await;
    assert_eq!(steps(&bench.plan_while(&graphs, lag).await.unwrap()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_expire_and_a_full_disk_end_the_run_before_its_next_effect() {
    for (kind, expected) in [(FaultKind::Expired, Kind::Auth), (FaultKind::DiskFull, Kind::Journal)]
    {
        let mut ended = 0;
        for at in 1..40 {
            let bench = Bench::default();
            let ran = bench.run(&first(), Some(Fault { at, kind })).await;
            let Ran::Through(_, outcome) = ran else { continue };
            let Some(fatal) = &outcome.fatal else { continue };
            assert_eq!(fatal.kind, expected);
            let after = bench.world.effects().len() - at;
            assert!(after <= 16, "{kind:?} {at}: {after} effects more");
            let (_, outcome) = bench.run(&first(), None).await.through();
            assert!(outcome.is_complete(), "{kind:?} {at}: {outcome:?}");
            assert_eq!(bench.faults(), [""; 0], "{kind:?} {at}");
            ended += 1;
        }
        assert!(ended > 8, "{kind:?} ended {ended} runs");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_fails_ends_its_step_and_is_sent_again_by_the_next_run_only() {
    let bench = built().await;
    let upgrade = [stack(&["a", "b"], "1.34", "old", "small", "h1")];
    bench.world.fail_operations(true);
    let (_, outcome) = bench.run(&upgrade, None).await.through();
    assert_eq!(outcome.failed.len(), 1, "{outcome:?}");
    assert_eq!(bench.world.calls().len(), 1, "it is sent once");
    bench.world.fail_operations(false);
    let (_, outcome) = bench.run(&upgrade, None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(steps(&bench.plan(&upgrade).await.unwrap()), [""; 0]);
}
