//! One rule of the engine or the planner in each test.
use provision_core::plan::Refusal;
use provision_core::{Action, Cause, Error, Graph, Kind, Place, Plan, Stage, out};
use provision_testkit::kinds::{Addon, Cluster, Gateway, Network, Route, Subnet, Vault};
use provision_testkit::{
    Bench, Complaint, Fault, FaultKind, LAG, Ran, World, first, second, stack, without_clusters,
    without_lists,
};
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

fn position(calls: &[String], begin: &str) -> usize {
    let found = calls.iter().position(|call| call.starts_with(begin));
    found.unwrap_or_else(|| panic!("no {begin} in {calls:?}"))
}

#[tokio::test(start_paused = true)]
async fn the_same_question_has_the_same_answer_byte_for_byte() {
    let bench = built().await;
    let plans = [bench.plan(&second()).await.unwrap(), bench.plan(&second()).await.unwrap()];
    let texts = plans.map(|plan| serde_json::to_string(&plan).unwrap());
    assert_eq!(texts[0], texts[1]);
}

#[tokio::test(start_paused = true)]
async fn a_new_generation_is_ready_before_the_old_one_goes() {
    let bench = built().await;
    bench.run(&[stack(&["a", "b"], "1.33", "old", "large", "h1")], None).await.through();
    let calls = bench.world.calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(position(&calls, "create fake.pool") < position(&calls, "delete fake.pool"));
    let deleted = bench.world.deleted_while();
    let (_, others) = deleted.iter().find(|(id, _)| id.starts_with("fake.pool")).unwrap();
    let pools: Vec<_> = others.iter().filter(|(kind, _)| *kind == "fake.pool").collect();
    assert_eq!(pools, [&("fake.pool", true)], "the new pool is ready when the old one goes");
}

#[tokio::test(start_paused = true)]
async fn an_old_generation_stays_while_the_new_one_is_degraded() {
    let bench = built().await;
    let graphs = [stack(&["a", "b"], "1.33", "old", "large", "h1")];
    bench.world.complain("fake.pool", Some(Complaint::Degraded("no nodes".into())));
    let (_, outcome) = bench.run(&graphs, None).await.through();
    assert_eq!(outcome.degraded.len(), 1);
    assert!(bench.world.calls().iter().all(|call| !call.starts_with("delete")));
    let plan = bench.plan(&graphs).await.unwrap();
    assert_eq!((steps(&plan), plan.kept.len(), plan.degraded.len()), (vec![], 1, 1));

    bench.world.tamper(|objects| objects.values_mut().for_each(|o| o.complaint = None));
    let (plan, _) = bench.run(&graphs, None).await.through();
    assert_eq!(plan.count(Action::Delete), 1);
    assert!(bench.faults().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_read_that_lags_after_settling_plans_nothing() {
    let bench = built().await;
    for back in [1, 60, 600, 100_000] {
        tokio::time::sleep(LAG).await;
        let graphs = first();
        let lag = |world: &World| world.lag(Duration::from_secs(back));
        let plan = bench.plan_while(&graphs, lag).await.unwrap();
        assert_eq!(steps(&plan), [""; 0], "{back} s back");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_create_stays_on_record_until_a_look_has_shown_that_nothing_is_there() {
    let bench = Bench::default();
    let refused = Fault { at: 3, kind: FaultKind::Refused };
    let (_, outcome) = bench.run(&first(), Some(refused)).await.through();
    assert_eq!(outcome.failed.len(), 1, "{outcome:?}");
    let (address, error) = &outcome.failed[0];
    assert_eq!(error.kind, Kind::Denied);
    assert_eq!(bench.state().get(address).map(|record| record.stage), Some(Stage::Creating));
    bench.run(&first(), None).await.through();
    assert!(bench.faults().is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_objects_at_one_address_are_refused_and_destroyed() {
    let bench = built().await;
    bench.world.tamper(|objects| {
        let (id, twin) = objects.iter().find(|(_, o)| o.kind == "fake.network").unwrap();
        let (id, twin) = (format!("{id}-twin"), twin.clone());
        objects.insert(id, twin);
    });
    let refused = refusals(bench.run(&first(), None).await);
    assert!(matches!(&refused[..], [Refusal::Twice { objects, .. }] if objects.len() == 2));
    bench.run(&[], None).await.through();
    assert!(bench.world.objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_of_somebody_else_is_refused_until_adopted() {
    let mut bench = built().await;
    let strip = |tags: &mut serde_json::Value| {
        tags.as_object_mut().unwrap().retain(|key, _| !key.starts_with("provision-"));
    };
    bench.world.tamper(|objects| {
        let cluster = objects.values_mut().find(|o| o.kind == "fake.cluster").unwrap();
        strip(&mut cluster.body["tags"]);
    });
    let before = bench.picture();
    let refused = refusals(bench.run(&first(), None).await);
    assert!(matches!(&refused[..], [Refusal::Foreign { .. }]), "{refused:?}");
    assert_eq!(refusals(bench.run(&[], None).await).len(), 1, "nor is it destroyed");
    assert_eq!(bench.picture(), before);
    bench.adopt.insert("cluster".into(), None);
    let (plan, _) = bench.run(&first(), None).await.through();
    assert_eq!(steps(&plan), ["adopt cluster"]);
    assert!(bench.faults().is_empty());
    assert_eq!(steps(&bench.plan(&first()).await.unwrap()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_never_settled_and_is_broken_is_made_again() {
    let bench = Bench::default();
    let broken = Complaint::Broken(Error::invalid("no such machine"));
    bench.world.complain("fake.pool", Some(broken));
    let (_, outcome) = bench.run(&first(), None).await.through();
    assert_eq!(outcome.failed.len(), 1, "{outcome:?}");
    bench.world.complain("fake.pool", None);
    let (plan, outcome) = bench.run(&first(), None).await.through();
    assert_eq!((plan.count(Action::Delete), plan.count(Action::Create)), (1, 1));
    assert!(plan.steps.iter().all(|step| step.cause == Cause::Leftover));
    assert!(outcome.is_complete() && bench.faults().is_empty());
}

/// Makes a graph with gateways in two subnets, and a route that leads to one of them.
fn ways_out(gateways: &[&str], to: &str) -> Vec<Graph> {
    let mut g = Graph::new();
    let network = Network { cidr: "10.0.0.0/16".into(), dns: true, tags: Default::default() };
    let network = g.add("network", network);
    let mut chosen = None;
    for zone in gateways {
        let (network, tags) = (out!(network.id), Default::default());
        let subnet =
            g.add(format!("subnet/{zone}"), Subnet { network, zone: (*zone).into(), tags });
        let gateway = Gateway { subnet: out!(subnet.id), tags: Default::default() };
        let gateway = g.add(format!("gateway/{zone}"), gateway);
        chosen = chosen.or((*zone == to).then_some(gateway));
    }
    let chosen = chosen.expect("it is one of them");
    g.add("route", Route { network: out!(network.id), gateway: out!(chosen.id) });
    vec![g]
}

#[tokio::test(start_paused = true)]
async fn what_is_only_now_to_lead_to_a_broken_one_does_not_keep_it() {
    let bench = Bench::default();
    bench.run(&ways_out(&["a"], "a"), None).await.through();
    let other = ways_out(&["a", "b"], "b");
    let broken = Complaint::Broken(Error::invalid("no attached gateway"));
    bench.world.complain("fake.gateway", Some(broken));
    let (_, outcome) = bench.run(&other, None).await.through();
    assert_eq!(outcome.failed.len(), 1, "{outcome:?}");
    bench.world.complain("fake.gateway", None);
    let (plan, outcome) = bench.run(&other, None).await.through();
    let wanted = ["delete gateway/b", "create gateway/b", "update route"];
    assert_eq!(steps(&plan), wanted);
    assert!(outcome.is_complete() && bench.faults().is_empty(), "{outcome:?}");
    assert_eq!(steps(&bench.plan(&other).await.unwrap()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_something_within_a_parent_needs_outlives_the_parent() {
    let (bench, mut g) = (Bench::default(), Graph::new());
    let network = Network { cidr: "10.0.0.0/16".into(), dns: true, tags: Default::default() };
    let network = g.add("network", network);
    let vault = g.add("vault", Vault { network: out!(network.id), tags: Default::default() });
    let cluster = Cluster {
        name: "demo".into(),
        version: "1.33".into(),
        subnets: Vec::new(),
        hidden: "h1".into(),
        tags: Default::default(),
    };
    let cluster = g.add("cluster", cluster);
    let addon = Addon { name: "dns".into(), version: "1".into(), tags: Default::default() };
    g.add(Place::at("addon/dns").within(&cluster).after(&vault), addon);
    bench.run(&[g], None).await.through();
    bench.world.calls();
    bench.run(&[], None).await.through();
    let calls = bench.world.calls();
    assert!(position(&calls, "delete fake.cluster") < position(&calls, "delete fake.vault"));
    assert!(bench.world.objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_settled_and_is_broken_is_replaced_only_when_asked() {
    let mut bench = built().await;
    bench.world.tamper(|objects| {
        let gateway = objects.values_mut().find(|o| o.kind == "fake.gateway").unwrap();
        gateway.complaint = Some(Complaint::Broken(Error::invalid("it failed")));
    });
    assert!(matches!(&refusals(bench.run(&first(), None).await)[..], [Refusal::Broken { .. }]));
    bench.replace.extend(["gateway".into(), "route".into()]);
    let (plan, _) = bench.run(&first(), None).await.through();
    assert_eq!((plan.count(Action::Delete), plan.count(Action::Create)), (2, 2));
    bench.replace.clear();
    assert_eq!(steps(&bench.plan(&first()).await.unwrap()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_precious_is_never_replaced_unasked_and_nothing_in_use_is_replaced() {
    let bench = built().await;
    let other = stack(&["a", "b"], "1.33", "old", "small", "h1");
    let renamed = bench.plan(&[rename(&other)]).await;
    let Err(Ran::Refused(refused)) = renamed else { panic!("{renamed:?}") };
    let precious =
        |r: &Refusal| matches!(r, Refusal::Precious { fields, .. } if fields == &["name"]);
    assert!(refused.0.iter().any(precious), "{refused:?}");
}

/// Gives the cluster another name, which it cannot change.
fn rename(graph: &Graph) -> Graph {
    use provision_testkit::kinds::Cluster;
    let mut renamed = Graph::new();
    for node in graph.nodes() {
        if node.kind == "fake.cluster" {
            let mut cluster: Cluster =
                serde_json::from_value(node.spec.clone()).expect("it is a cluster");
            cluster.name = "other".into();
            renamed.add(node.address.clone(), cluster);
        }
    }
    renamed
}

#[tokio::test(start_paused = true)]
async fn what_is_within_a_parent_goes_with_it_without_a_call() {
    let bench = built().await;
    let (plan, outcome) = bench.run(&[], None).await.through();
    assert!(outcome.is_complete());
    assert!(plan.steps.iter().all(|step| !step.address.as_str().starts_with("addon/")));
    assert!(bench.world.calls().iter().all(|call| !call.contains("addon")));
    assert!(bench.world.objects().is_empty() && bench.state().records().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pool_without_capacity_is_degraded_and_made_by_the_next_run() {
    let bench = Bench::default();
    let none = Error::new(Kind::Capacity, "no spot capacity");
    bench.world.complain("fake.pool", Some(Complaint::Broken(none)));
    let (_, outcome) = bench.run(&first(), None).await.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.degraded.values().collect::<Vec<_>>(), ["no spot capacity"]);
    bench.world.complain("fake.pool", None);
    let (plan, outcome) = bench.run(&first(), None).await.through();
    assert_eq!(plan.degraded.values().collect::<Vec<_>>(), ["no spot capacity"]);
    assert!(outcome.degraded.is_empty() && bench.faults().is_empty());
}

#[tokio::test(start_paused = true)]
async fn drift_is_put_back_and_what_was_deleted_by_hand_is_made_again() {
    let bench = built().await;
    bench.world.tamper(|objects| {
        objects.retain(|_, o| o.kind != "fake.route");
        let network = objects.values_mut().find(|o| o.kind == "fake.network").unwrap();
        network.body["dns"] = false.into();
        network.body["tags"]["theirs"] = "stays".into();
    });
    tokio::time::sleep(LAG).await;
    let (plan, _) = bench.run(&first(), None).await.through();
    assert_eq!(steps(&plan), ["update network", "create route"]);
    assert!(plan.steps.iter().all(|step| step.cause == Cause::Drift), "{plan:?}");
    let objects = bench.world.objects();
    let network = objects.values().find(|o| o.kind == "fake.network").unwrap();
    assert_eq!(network.tag("theirs"), Some("stays"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_observed_is_unknown_and_never_made() {
    let bench = built().await;
    let mut blind = Bench::broken(without_clusters, |_| true);
    (blind.world, blind.text) = (bench.world.clone(), bench.text.clone());
    let plan = blind.plan(&first()).await.unwrap();
    assert_eq!(steps(&plan), [""; 0]);
    let reasons: Vec<_> = plan.unknown.iter().map(|(a, why)| format!("{a}: {why}")).collect();
    assert_eq!(
        reasons,
        ["addon/dns: cluster: not allowed to look", "cluster: not allowed to look"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_seen_is_unknown_when_its_listing_fails() {
    let bench = built().await;
    bench.world.tamper(|objects| objects.retain(|_, o| o.kind != "fake.gateway"));
    tokio::time::sleep(LAG).await;
    let mut blind = Bench::broken(without_lists, |_| true);
    (blind.world, blind.text) = (bench.world.clone(), bench.text.clone());
    let plan = blind.plan(&first()).await.unwrap();
    assert_eq!(steps(&plan), [""; 0], "a second one may be there");
    let reasons: Vec<_> = plan.unknown.iter().map(|(a, why)| format!("{a}: {why}")).collect();
    assert_eq!(reasons, ["gateway: not allowed to list"]);
    assert_eq!(bench.plan(&first()).await.unwrap().count(Action::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_is_looked_for_ever_more_rarely_through_the_grace() {
    let bench = built().await;
    bench.world.looks("");
    bench.run(&[], None).await.through();
    let looks = bench.world.looks("fake.route");
    let waits: Vec<_> = looks.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    assert_eq!(waits, [0, 2, 4, 8, 15], "one before the delete call, and five after it");

    bench.run(&first(), None).await.through();
    bench.world.tamper(|objects| objects.retain(|_, o| o.kind != "fake.route"));
    tokio::time::sleep(LAG).await;
    bench.world.looks("");
    assert_eq!(steps(&bench.plan(&first()).await.unwrap()), ["create route"]);
    assert_eq!(bench.world.looks("fake.route").len(), 5, "a plan looks no more often");
}

#[tokio::test(start_paused = true)]
async fn what_appears_again_within_the_grace_is_removed_too() {
    let bench = built().await;
    let is_route =
        |(_, object): &(&String, &provision_testkit::Object)| object.kind == "fake.route";
    let there =
        || bench.world.objects().iter().find(is_route).map(|(id, o)| (id.clone(), o.clone()));
    let (id, route) = there().expect("it was built");
    let again = async {
        while there().is_some() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        bench.world.tamper(|objects| drop(objects.insert(id.clone(), route)));
    };
    let (ran, ()) = tokio::join!(bench.run(&[], None), again);
    let (_, outcome) = ran.through();
    assert!(outcome.is_complete(), "{outcome:?}");
    let deletes =
        bench.world.calls().iter().filter(|call| **call == format!("delete {id}")).count();
    assert_eq!((deletes, there()), (2, None));
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_goes_on_where_it_stopped() {
    let mut bench = Bench::default();
    let (stop, graphs) = (bench.stop.clone(), first());
    let asking = async {
        tokio::time::sleep(Duration::from_secs(200)).await;
        stop.ask();
    };
    let (ran, ()) = tokio::join!(bench.run(&graphs, None), asking);
    let (_, outcome) = ran.through();
    assert!(outcome.interrupted && outcome.failed.is_empty(), "{outcome:?}");
    bench.stop = Default::default();
    let (plan, outcome) = bench.run(&graphs, None).await.through();
    assert!(outcome.is_complete() && bench.faults().is_empty());
    let adopted = plan.steps.iter().find(|step| step.address.as_str() == "cluster").unwrap();
    assert_eq!((adopted.action, adopted.cause), (Action::Adopt, Cause::Leftover));
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_tail_described_is_found_again() {
    for lost in 1..12 {
        let bench = Bench::default();
        bench.run(&first(), Some(Fault { at: 30, kind: FaultKind::CrashAfter })).await;
        let mut text = bench.text.0.lock().unwrap().clone();
        let lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::len).collect();
        let cut: usize = lines.iter().rev().take(lost).sum();
        text.truncate(text.len() - cut);
        *bench.text.0.lock().unwrap() = text;
        let end: Vec<Graph> = if lost % 2 == 0 { Vec::new() } else { first() };
        let (_, outcome) = bench.run(&end, None).await.through();
        assert!(outcome.is_complete(), "{lost} lines lost: {outcome:?}");
        assert_eq!(bench.faults(), [""; 0], "{lost} lines lost");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hidden_field_is_sent_once_and_compared_with_what_was_accepted() {
    let bench = built().await;
    let graphs = [stack(&["a", "b"], "1.33", "old", "small", "h2")];
    let (plan, _) = bench.run(&graphs, None).await.through();
    assert_eq!(steps(&plan), ["update cluster"]);
    assert_eq!(bench.world.calls().len(), 1);
    assert_eq!(steps(&bench.plan(&graphs).await.unwrap()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_lags_is_asked_again_before_it_counts_what_is_left() {
    let bench = built().await;
    bench.world.lag(Duration::from_millis(1));
    bench.world.tamper(std::collections::BTreeMap::clear);
    assert!(bench.leftovers().await.unwrap().is_empty());
    let bench = built().await;
    bench.world.tamper(|objects| objects.retain(|_, o| o.kind == "fake.cluster"));
    assert_eq!(bench.leftovers().await.unwrap(), ["cluster".into()]);
}
