//! Plans of several stages, and what follows something else in one of them.
use provision_core::{Action, Address, Error, Graph, Kind, Place, Plan, out};
use provision_testkit::kinds::{Addon, Cluster, Pool, TagMap};
use provision_testkit::{Bench, Complaint, first, stack};

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

#[tokio::test(start_paused = true)]
async fn stages_run_one_after_the_other_and_are_planned_against_each_other() {
    let bench = built().await;
    let stage = |version| stack(&["a", "b"], version, "old", "small", "h1");
    let graphs = ["1.33", "1.34", "1.35"].map(stage);
    let (plan, outcome) = bench.run(&graphs, None).await.through();
    let ids: Vec<_> = plan.steps.iter().map(provision_core::Step::id).collect();
    let pool = &graphs[0].nodes().last().unwrap().address;
    let of = |stage| [format!("{stage}/update/cluster"), format!("{stage}/update/{pool}")];
    assert_eq!(ids, [of(1), of(2)].concat());
    assert!(outcome.is_complete(), "{outcome:?}");
    let calls = bench.world.calls();
    let kinds = ["fake.cluster", "fake.pool"].map(|kind| format!("modify {kind}"));
    assert_eq!(calls.len(), 4, "{calls:?}");
    assert!(
        calls.iter().zip(kinds.iter().cycle()).all(|(c, kind)| c.starts_with(kind)),
        "{calls:?}"
    );
    assert_eq!(steps(&bench.plan(&graphs).await.unwrap()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_ahead_of_a_stage_stays_so_in_every_later_one() {
    let bench = built().await;
    bench.world.tamper(|objects| {
        let pool = objects.values_mut().find(|o| o.kind == "fake.pool").unwrap();
        pool.body["version"] = "1.36".into();
    });
    let stage = |version| stack(&["a", "b"], version, "old", "small", "h1");
    let graphs = ["1.33", "1.34", "1.35", "1.37"].map(stage);
    let plan = bench.plan(&graphs).await.unwrap();
    let pools = plan.steps.iter().filter(|step| step.kind == "fake.pool");
    let pools: Vec<_> = pools.map(|step| (step.stage, &step.changes.0[..])).collect();
    let [(3, [change])] = pools[..] else { panic!("{pools:?}") };
    assert_eq!((change.from.as_str(), change.to.as_str()), (Some("1.36"), Some("1.37")));
}

/// A cluster with an add-on that runs on a pool.
fn ordered(version: &str, max: u32, with_both: bool) -> Graph {
    let (mut g, tags) = (Graph::new(), TagMap::new());
    let (name, hidden) = ("demo".to_owned(), "h1".to_owned());
    let version = version.to_owned();
    let cluster = Cluster { name, version: version.clone(), subnets: vec![], hidden, tags };
    let cluster = g.add("cluster", cluster);
    if !with_both {
        return g;
    }
    let addon = Addon { name: "dns".into(), version: version.clone(), tags: TagMap::new() };
    let pool = Pool {
        name: "app".into(),
        cluster: out!(cluster.id),
        machine: "small".into(),
        version,
        max,
        tags: TagMap::new(),
    };
    let pool = g.add("pool/app", pool);
    g.add(Place::at("addon/dns").within(&cluster).follow(&pool).lead(&pool), addon);
    g
}

#[tokio::test(start_paused = true)]
async fn what_runs_on_something_is_made_after_it_and_changes_before_it() {
    let bench = Bench::default();
    let order = |plan: &Plan| -> Vec<String> {
        let after = |step: &provision_core::Step| {
            let after = step.after.iter().map(|&i| plan.steps[i].address.as_str());
            format!("{} after {}", step.address, after.collect::<Vec<_>>().join(" "))
        };
        plan.steps.iter().map(after).collect()
    };
    let (plan, _) = bench.run(&[ordered("1.33", 1, true)], None).await.through();
    let build = ["cluster after ", "pool/app after cluster", "addon/dns after cluster pool/app"];
    assert_eq!(order(&plan), build);
    let (plan, outcome) = bench.run(&[ordered("1.34", 1, true)], None).await.through();
    let upgrade = ["cluster after ", "pool/app after cluster addon/dns", "addon/dns after cluster"];
    assert_eq!(order(&plan), upgrade);
    assert!(outcome.is_complete(), "{outcome:?}");
    bench.world.tamper(|objects| objects.retain(|_, it| it.kind != "fake.addon"));
    let (plan, outcome) = bench.run(&[ordered("1.34", 2, true)], None).await.through();
    assert_eq!(order(&plan), ["pool/app after ", "addon/dns after pool/app"], "one is made anew");
    assert!(outcome.is_complete(), "{outcome:?}");
    let (plan, outcome) = bench.run(&[ordered("1.34", 2, false)], None).await.through();
    assert_eq!(plan.count(Action::Delete), 2);
    assert!(plan.steps.iter().all(|step| step.after.is_empty()), "{:?}", steps(&plan));
    assert!(outcome.is_complete(), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn what_follows_something_that_fails_is_left_to_the_next_run() {
    let bench = Bench::default();
    bench.world.complain("fake.pool", Some(Complaint::Broken(Error::invalid("no such machine"))));
    let graphs = [ordered("1.33", 1, true)];
    let (_, outcome) = bench.run(&graphs, None).await.through();
    assert_eq!((outcome.failed.len(), outcome.skipped.len()), (1, 1), "{outcome:?}");
    bench.world.complain("fake.pool", None);
    let (_, outcome) = bench.run(&graphs, None).await.through();
    assert!(outcome.is_complete() && outcome.degraded.is_empty(), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_goes_on_without_what_lacks_capacity_until_that_lags_behind() {
    let bench = Bench::default();
    let none = || Some(Complaint::Broken(Error::new(Kind::Capacity, "no spot capacity")));
    bench.world.complain("fake.pool", none());
    let stage = |version| stack(&["a", "b"], version, "old", "small", "h1");
    let (_, outcome) = bench.run(&[stage("1.33")], None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    let graphs = ["1.33", "1.34", "1.35"].map(stage);
    let (_, outcome) = bench.run(&graphs, None).await.through();
    let pool = graphs[0].nodes().iter().find(|it| it.kind == "fake.pool").expect("a pool");
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.degraded[&pool.address], "no spot capacity");
    let waits = format!("waits for {} of the stage before", pool.address);
    assert_eq!(outcome.degraded[&Address::from("cluster")], waits);
    let put_off: Vec<_> = outcome.put_off.iter().collect();
    assert_eq!(put_off, [&"cluster".into(), &pool.address]);
    let runs = |version: &str| {
        let objects = bench.world.objects();
        objects.values().any(|it| it.kind == "fake.cluster" && it.body["version"] == version)
    };
    assert!(runs("1.34"), "it lacks one pool alone");
    bench.world.complain("fake.pool", None);
    let (_, outcome) = bench.run(&graphs[1..], None).await.through();
    assert!(outcome.is_complete() && outcome.degraded.is_empty(), "{outcome:?}");
    assert!(runs("1.35"));
    assert_eq!(steps(&bench.plan(&graphs[2..]).await.unwrap()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn no_stage_begins_while_an_old_generation_waits_for_capacity_of_the_new_one() {
    let bench = built().await;
    let none = Error::new(Kind::Capacity, "no spot capacity");
    bench.world.complain("fake.pool", Some(Complaint::Broken(none)));
    let graphs = ["1.33", "1.34"].map(|version| stack(&["a", "b"], version, "old", "large", "h1"));
    let (_, outcome) = bench.run(&graphs, None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    let first = first();
    let old = &first[0].nodes().iter().find(|it| it.kind == "fake.pool").expect("a pool").address;
    let waits = format!("waits for {old} of the stage before");
    assert_eq!(outcome.degraded[&Address::from("cluster")], waits);
    let calls = bench.world.calls();
    assert!(calls.iter().all(|call| !call.contains("cluster")), "{calls:?}");
    bench.world.complain("fake.pool", None);
    let (_, outcome) = bench.run(&graphs, None).await.through();
    assert!(outcome.is_complete() && outcome.degraded.is_empty(), "{outcome:?}");
    assert_eq!(steps(&bench.plan(&graphs).await.unwrap()), [""; 0]);
}
