//! What waits for what, on the clock of the world: nothing for longer than it must.
use provision_core::{Error, Graph, Place, out};
use provision_engine::Skip;
use provision_testkit::kinds::{Addon, Cluster, Network, Route};
use provision_testkit::{Bench, Complaint, Fault, FaultKind, first};
use std::time::Duration;
use tokio::time::Instant;

/// Runs to an end, and returns how long that took in seconds.
async fn timed(bench: &Bench, graphs: &[Graph]) -> f64 {
    let begun = Instant::now();
    let (_, outcome) = bench.run(graphs, None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    begun.elapsed().as_secs_f64()
}

/// Returns how many seconds passed between two calls.
fn between(bench: &Bench, first: &str, then: &str) -> f64 {
    let at = |call| bench.world.called_at(call).unwrap_or_else(|| panic!("no {call}"));
    at(then).saturating_duration_since(at(first)).as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn what_needs_an_object_that_is_soon_ready_begins_when_its_create_was_accepted() {
    let bench = Bench::default();
    let took = timed(&bench, &first()).await;
    let pool = between(&bench, "create fake.addon", "create fake.pool");
    assert!(pool < 2.0, "the pool came {pool} s after the add-on, which takes 30 s");
    assert!((720.0..745.0).contains(&took), "{took} s for a cluster of 540 s and a pool of 180 s");
}

#[tokio::test(start_paused = true)]
async fn a_removal_lets_those_go_that_the_cloud_guards_and_nothing_else_before_it_is_certain() {
    let bench = Bench::default();
    timed(&bench, &first()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let took = timed(&bench, &[]).await;
    let cluster = between(&bench, "delete fake.pool", "delete fake.cluster");
    assert!((90.0..94.0).contains(&cluster), "{cluster} s after a pool that takes 90 s to go");
    let route = between(&bench, "delete fake.pool", "delete fake.route");
    assert!((95.0..100.0).contains(&route), "{route} s: a pool is certainly gone 5 s later");
    assert!((360.0..385.0).contains(&took), "{took} s for a pool of 90 s and a cluster of 270 s");
}

/// A network that is surely gone sooner than the route that needs it.
fn routed() -> [Graph; 1] {
    let mut g = Graph::new();
    let network = Network { cidr: "10.0.0.0/16".into(), dns: true, tags: Default::default() };
    let network = g.add("network", network);
    g.add("route", Route { network: out!(network.id), gateway: "elsewhere".to_owned().into() });
    [g]
}

#[tokio::test(start_paused = true)]
async fn what_was_let_go_stays_on_record_as_long_as_what_needs_it() {
    let mut crashes = 0;
    for at in 1..=8 {
        let bench = Bench::default();
        timed(&bench, &routed()).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        bench.run(&[], Some(Fault { at, kind: FaultKind::CrashAfter })).await;
        assert_eq!(bench.dangling(), [""; 0], "after {at} effects");
        crashes += usize::from(!bench.state().records().is_empty());
    }
    assert_eq!(crashes, 5, "one for each effect but the last");
}

#[tokio::test(start_paused = true)]
async fn what_was_let_go_by_what_did_not_end_well_is_left_to_the_next_run() {
    let mut bench = Bench::default();
    timed(&bench, &routed()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stop = bench.stop.clone();
    let asking = async {
        tokio::time::sleep(Duration::from_secs(25)).await;
        stop.ask();
    };
    let (ran, ()) = tokio::join!(bench.run(&[], None), asking);
    let (_, outcome) = ran.through();
    let skipped =
        [("route".into(), Skip::Interrupted), ("network".into(), Skip::Needs("route".into()))];
    assert_eq!(outcome.skipped, skipped);
    assert_eq!((bench.world.objects().len(), bench.state().records().len()), (0, 2));
    bench.stop = Default::default();
    timed(&bench, &[]).await;
    assert_eq!(bench.state().records().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_takes_outputs_waits_until_they_are_final() {
    let mut g = Graph::new();
    let addon = Addon { name: "dns".into(), version: "1".into(), tags: Default::default() };
    let addon = g.add("addon/dns", addon);
    g.add("route", Route { network: out!(addon.id), gateway: "elsewhere".to_owned().into() });
    let bench = Bench::default();
    timed(&bench, &[g]).await;
    let route = between(&bench, "create fake.addon", "create fake.route");
    assert!((30.0..33.0).contains(&route), "{route} s after an add-on that takes 30 s");
}

/// A route that an add-on of 30 s lets go.
fn let_go_early() -> [Graph; 1] {
    let mut g = Graph::new();
    let network = Network { cidr: "10.0.0.0/16".into(), dns: false, tags: Default::default() };
    let network = g.add("network", network);
    let cluster = Cluster {
        name: "demo".into(),
        version: "1.33".into(),
        subnets: Vec::new(),
        hidden: "h".into(),
        tags: Default::default(),
    };
    let cluster = g.add("cluster", cluster);
    let addon = Addon { name: "dns".into(), version: "1".into(), tags: Default::default() };
    let addon = g.add(Place::at("addon/dns").within(&cluster), addon);
    let route = Route { network: out!(network.id), gateway: "elsewhere".to_owned().into() };
    g.add(Place::at("route").after(&addon), route);
    [g]
}

#[tokio::test(start_paused = true)]
async fn what_was_let_go_is_not_degraded_before_what_it_needs_has_ended() {
    let bench = Bench::default();
    bench.world.complain("fake.route", Some(Complaint::Degraded("it lacks an add-on".into())));
    let cure = async {
        while bench.world.called_at("create fake.route").is_none() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
        bench.world.tamper(|objects| objects.values_mut().for_each(|o| o.complaint = None));
    };
    let graphs = let_go_early();
    let (ran, ()) = tokio::join!(bench.run(&graphs, None), cure);
    let (_, outcome) = ran.through();
    assert!(outcome.is_complete() && outcome.degraded.is_empty(), "{outcome:?}");
    let route = between(&bench, "create fake.addon", "create fake.route");
    assert!(route < 2.0, "{route} s");
}

#[tokio::test(start_paused = true)]
async fn what_was_let_go_stays_degraded_when_what_it_needs_fails() {
    let bench = Bench::default();
    bench.world.complain("fake.route", Some(Complaint::Degraded("it lacks an add-on".into())));
    bench.world.complain("fake.addon", Some(Complaint::Broken(Error::invalid("it failed"))));
    let (_, outcome) = bench.run(&let_go_early(), None).await.through();
    assert_eq!(outcome.failed.len(), 1, "{outcome:?}");
    assert_eq!(outcome.degraded.keys().map(|it| it.as_str()).collect::<Vec<_>>(), ["route"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_let_go_is_looked_at_again_when_what_it_needs_has_failed() {
    let bench = Bench::default();
    bench.world.complain("fake.route", Some(Complaint::Degraded("it lacks an add-on".into())));
    bench.world.complain("fake.addon", Some(Complaint::Broken(Error::invalid("it failed"))));
    let cure = async {
        while bench.world.called_at("create fake.route").is_none() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        bench.world.tamper(|objects| {
            let routes = objects.values_mut().filter(|o| o.kind == "fake.route");
            routes.for_each(|o| o.complaint = None);
        });
    };
    let graphs = let_go_early();
    let (ran, ()) = tokio::join!(bench.run(&graphs, None), cure);
    let (_, outcome) = ran.through();
    assert_eq!((outcome.failed.len(), outcome.degraded.len()), (1, 0), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn what_has_just_been_made_counts_as_gone_only_after_its_whole_grace() {
    let bench = Bench::default();
    timed(&bench, &routed()).await;
    let took = timed(&bench, &[]).await;
    assert!((30.0..34.0).contains(&took), "{took} s for a network of 20 s and a route of 30 s");
    let mut g = Graph::new();
    let network = Network { cidr: "10.0.0.0/16".into(), dns: true, tags: Default::default() };
    g.add("network", network);
    timed(&bench, &[g]).await;
    let took = timed(&bench, &[]).await;
    assert!((18.0..24.0).contains(&took), "{took} s for a network that was not known for long");
}
