use super::*;
use provision_core::{Action, Address, Error, Kind, Plan, Scope, Verb, World};
use provision_engine::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

mod end;
mod moving;

/// What a reporter wrote, and its time.
#[derive(Clone, Default)]
struct Desk {
    paper: Arc<Mutex<Vec<u8>>>,
    seconds: Arc<AtomicU64>,
}

impl Write for Desk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.paper.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Desk {
    fn reporter(&self, mode: Mode) -> Reporter {
        let style = Style { color: false, width: 80 };
        let live = (mode == Mode::Live).then(|| Live::new(style, || (80, 24)));
        Reporter::with(mode, style, Box::new(self.clone()), Time::Set(self.seconds.clone()), live)
    }

    fn at(&self, seconds: u64) {
        self.seconds.store(seconds, Ordering::Relaxed);
    }

    fn text(&self) -> String {
        String::from_utf8(self.paper.lock().unwrap().clone()).unwrap()
    }
}

fn event(address: &str, action: Action, what: EventKind) -> Event {
    Event { address: address.into(), kind: "aws.eks.cluster".into(), action, what }
}

fn throttled(request: &str) -> Error {
    Error {
        kind: Kind::Retry,
        operation: Some("eks:CreateCluster".into()),
        code: Some("ThrottlingException".into()),
        message: "rate exceeded".into(),
        request_id: Some(request.into()),
        hint: None,
    }
}

/// Plays a short run, each event at its second.
fn play(desk: &Desk, reporter: &Reporter) {
    let cluster = |what| event("cluster", Action::Create, what);
    let pool = |what| event("pool/app/1c688e46", Action::Create, what);
    let other = Error { message: "slow down".into(), ..throttled("r9") };
    let run = [
        (42, cluster(EventKind::Started)),
        (42, cluster(EventKind::Called(Verb::Create))),
        (43, cluster(EventKind::Retrying(throttled("r1")))),
        (44, cluster(EventKind::Retrying(throttled("r2")))),
        (45, cluster(EventKind::Retrying(other.clone()))),
        (55, cluster(EventKind::Retrying(other))),
        (60, cluster(EventKind::Waiting("CREATING".into()))),
        (594, cluster(EventKind::Settled(json!({"id": "acme-prod"})))),
        (595, pool(EventKind::Started)),
        (700, pool(EventKind::Failed(Error { kind: Kind::Quota, ..throttled("r3") }))),
        (700, event("vpc", Action::Adopt, EventKind::Adopted(json!({})))),
        (701, event("key", Action::Delete, EventKind::Removed)),
        (702, event("pool/b/1", Action::Update, EventKind::Degraded("no\u{1b}[2J room".into()))),
        (703, event("addon", Action::Create, EventKind::Skipped("needs cluster first".into()))),
    ];
    for (second, event) in run {
        desk.at(second);
        reporter.event(&event);
    }
}

fn outcome() -> Outcome {
    let needs = provision_engine::Skip::Needs("pool/app/1c688e46".into());
    Outcome {
        done: [(Action::Create, 40), (Action::Update, 1)].into(),
        degraded: [("pool/b/1".into(), "no room".to_owned())].into(),
        failed: vec![("pool/app/1c688e46".into(), throttled("r3"))],
        skipped: vec![("addon/a".into(), needs.clone()), ("addon/b".into(), needs)],
        ..Outcome::default()
    }
}

static NOTHING: BTreeSet<Address> = BTreeSet::new();

fn finish<'a>(
    outcome: &'a Outcome,
    outputs: &'a BTreeMap<String, Value>,
    next: &'a [(String, &'static str)],
) -> Finish<'a> {
    let elapsed = Some(Duration::from_secs(842));
    let (expected, simulated) = (Duration::from_secs(830), false);
    let (along, destroyed, left, stays) = (0, false, &[], &[]);
    Finish {
        outcome,
        outputs,
        unmade: &NOTHING,
        along,
        destroyed,
        left,
        stays,
        next,
        elapsed,
        expected,
        simulated,
    }
}

fn shown(mode: Mode, finish: &Finish<'_>) -> String {
    let desk = Desk::default();
    desk.reporter(mode).finished(finish);
    desk.text().trim_start().to_owned()
}

#[test]
fn plain_lines_say_what_happened_and_when() {
    let desk = Desk::default();
    let reporter = desk.reporter(Mode::Plain);
    play(&desk, &reporter);
    reporter.note("stopping: nothing new is started");
    insta::assert_snapshot!(desk.text(), @r#"
    [ 0:42] cluster: creating…
    [ 0:43] cluster: trying again: eks:CreateCluster: ThrottlingException: rate exceeded
    [ 0:55] cluster: trying again: eks:CreateCluster: ThrottlingException: slow down
    [ 1:00] cluster: CREATING
    [ 9:54] cluster: created in 9m12s
    [ 9:55] pool/app/1c688e46: creating…
    [11:40] pool/app/1c688e46: failed after 1m45s: eks:CreateCluster: ThrottlingException: rate exceeded (request r3)
    [11:40] vpc: adopted
    [11:41] key: deleted
    [11:42] pool/b/1: changed, degraded: no�[2J room
    [11:43] addon: skipped: needs cluster first
    [11:43] stopping: nothing new is started
    "#);
}

#[test]
fn events_are_json_lines() {
    let desk = Desk::default();
    play(&desk, &desk.reporter(Mode::Json));
    insta::assert_snapshot!(desk.text(), @r#"
    {"format":"provision.event/v1","seq":1,"time":"1970-01-01T00:00:42.000Z","type":"started","address":"cluster","kind":"aws.eks.cluster","action":"create"}
    {"format":"provision.event/v1","seq":2,"time":"1970-01-01T00:00:43.000Z","type":"retrying","address":"cluster","kind":"aws.eks.cluster","action":"create","error":{"code":"ThrottlingException","message":"rate exceeded","requestId":"r1","operation":"eks:CreateCluster"}}
    {"format":"provision.event/v1","seq":3,"time":"1970-01-01T00:00:44.000Z","type":"retrying","address":"cluster","kind":"aws.eks.cluster","action":"create","error":{"code":"ThrottlingException","message":"rate exceeded","requestId":"r2","operation":"eks:CreateCluster"}}
    {"format":"provision.event/v1","seq":4,"time":"1970-01-01T00:00:45.000Z","type":"retrying","address":"cluster","kind":"aws.eks.cluster","action":"create","error":{"code":"ThrottlingException","message":"slow down","requestId":"r9","operation":"eks:CreateCluster"}}
    {"format":"provision.event/v1","seq":5,"time":"1970-01-01T00:00:55.000Z","type":"retrying","address":"cluster","kind":"aws.eks.cluster","action":"create","error":{"code":"ThrottlingException","message":"slow down","requestId":"r9","operation":"eks:CreateCluster"}}
    {"format":"provision.event/v1","seq":6,"time":"1970-01-01T00:01:00.000Z","type":"waiting","address":"cluster","kind":"aws.eks.cluster","action":"create","status":"CREATING"}
    {"format":"provision.event/v1","seq":7,"time":"1970-01-01T00:09:54.000Z","type":"settled","address":"cluster","kind":"aws.eks.cluster","action":"create","outputs":{"id":"acme-prod"}}
    {"format":"provision.event/v1","seq":8,"time":"1970-01-01T00:09:55.000Z","type":"started","address":"pool/app/1c688e46","kind":"aws.eks.cluster","action":"create"}
    {"format":"provision.event/v1","seq":9,"time":"1970-01-01T00:11:40.000Z","type":"failed","address":"pool/app/1c688e46","kind":"aws.eks.cluster","action":"create","error":{"code":"ThrottlingException","message":"rate exceeded","requestId":"r3","operation":"eks:CreateCluster"}}
    {"format":"provision.event/v1","seq":10,"time":"1970-01-01T00:11:40.000Z","type":"adopted","address":"vpc","kind":"aws.eks.cluster","action":"adopt","outputs":{}}
    {"format":"provision.event/v1","seq":11,"time":"1970-01-01T00:11:41.000Z","type":"removed","address":"key","kind":"aws.eks.cluster","action":"delete"}
    {"format":"provision.event/v1","seq":12,"time":"1970-01-01T00:11:42.000Z","type":"degraded","address":"pool/b/1","kind":"aws.eks.cluster","action":"update","reason":"no\u001b[2J room"}
    {"format":"provision.event/v1","seq":13,"time":"1970-01-01T00:11:43.000Z","type":"skipped","address":"addon","kind":"aws.eks.cluster","action":"create","reason":"needs cluster first"}
    "#);
}

#[test]
fn a_quiet_run_says_nothing_until_something_went_wrong() {
    let desk = Desk::default();
    play(&desk, &desk.reporter(Mode::Quiet));
    assert_eq!(desk.text(), "");
    let (good, nothing) = (Outcome::default(), BTreeMap::new());
    assert_eq!(shown(Mode::Quiet, &finish(&good, &nothing, &[])), "");
    assert!(shown(Mode::Quiet, &finish(&outcome(), &nothing, &[])).starts_with("Failed\n"));
}

#[test]
fn numbers_have_no_gaps_when_many_speak_at_once() {
    let desk = Desk::default();
    let reporter = desk.reporter(Mode::Json);
    let told = |event: Event| reporter.event(&event);
    let tell: &(dyn Fn(Event) + Send + Sync) = &told;
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for _ in 0..50 {
                    tell(event(&format!("a/{thread}"), Action::Create, EventKind::Started));
                    tell(event("a", Action::Create, EventKind::Called(Verb::Create)));
                }
            });
        }
    });
    let text = desk.text();
    let numbers = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["seq"].as_u64().unwrap()
    });
    assert!(numbers.eq(1..=400));
}

/// Shows a plan to a reporter.
fn with_view(plan: &Plan, stages: &[&str], show: impl FnOnce(&View<'_>)) {
    let scope = Scope { world: World::Sandbox, place: BTreeMap::new() };
    let nothing = BTreeMap::new();
    show(&View {
        cluster: "acme",
        provider: "eks",
        scope: &scope,
        lineage: None,
        serial: 0,
        new_facts: &nothing,
        facts: &nothing,
        seen: &nothing,
        stages,
        unmanaged: &[],
        notes: &[],
        warnings: &[],
        losses: None,
        expected: Duration::ZERO,
        simulated: false,
        along: &[],
        plan,
    });
}

#[test]
fn a_later_stage_says_what_it_is_about_when_it_begins() {
    let (desk, mut plan) = (Desk::default(), Plan::default());
    let addresses = ["cluster", "pool/app/1", "pool/driver/1"];
    let step = |stage, address: &&str| provision_core::Step {
        stage,
        action: Action::Update,
        address: (*address).into(),
        kind: "k".into(),
        object: None,
        cause: provision_core::Cause::File,
        changes: Default::default(),
        slot: None,
        lane: None,
        after: Default::default(),
    };
    plan.steps = (0..3).flat_map(|stage| addresses.iter().map(move |a| step(stage, a))).collect();
    let reporter = desk.reporter(Mode::Plain);
    let titles = ["Before the upgrade, at 1.34", "Upgrade to 1.35", "Upgrade to 1.36"];
    with_view(&plan, &titles, |view| reporter.expect(view));
    for _ in 0..3 {
        for address in addresses {
            reporter.event(&event(address, Action::Update, EventKind::Started));
        }
    }
    let text = desk.text();
    let told: Vec<_> = text.lines().map(|line| line.trim_start_matches("[ 0:00] ")).collect();
    let begun: Vec<_> = told.iter().filter(|line| line.starts_with("Upgrade")).collect();
    assert_eq!(begun, [&"Upgrade to 1.35", &"Upgrade to 1.36"], "{text}");
    assert_eq!(told.iter().position(|line| line == begun[1]), Some(7), "{text}");
}

#[test]
fn the_first_and_the_last_event_are_about_the_run() {
    let desk = Desk::default();
    let reporter = desk.reporter(Mode::Json);
    let (plan, nothing) = (Plan::default(), BTreeMap::new());
    let quiet = Desk::default();
    with_view(&plan, &[], |view| quiet.reporter(Mode::Quiet).planned(view));
    assert_eq!(quiet.text(), "");
    with_view(&plan, &[], |view| reporter.planned(view));
    reporter.finished(&finish(&outcome(), &nothing, &[]));
    let text = desk.text();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(
        (&lines[0]["type"], &lines[0]["plan"]["cluster"]),
        (&json!("planned"), &json!("acme"))
    );
    let mut last = lines[1].clone();
    assert_eq!(last["time"].take(), "1970-01-01T00:00:00.000Z");
    insta::assert_snapshot!(serde_json::to_string_pretty(&last).unwrap(), @r#"
    {
      "format": "provision.event/v1",
      "seq": 2,
      "time": null,
      "type": "finished",
      "address": null,
      "status": "failed",
      "summary": {
        "create": 40,
        "update": 1,
        "adopt": 0,
        "delete": 0,
        "along": 0,
        "degraded": 1,
        "failed": 1,
        "skipped": 2
      },
      "outputs": {},
      "failed": [
        {
          "address": "pool/app/1c688e46",
          "error": {
            "code": "ThrottlingException",
            "message": "rate exceeded",
            "requestId": "r3",
            "operation": "eks:CreateCluster"
          }
        }
      ],
      "skipped": [
        {
          "address": "addon/a",
          "reason": "needs pool/app/1c688e46 first"
        },
        {
          "address": "addon/b",
          "reason": "needs pool/app/1c688e46 first"
        }
      ],
      "degraded": {
        "pool/b/1": "no room"
      },
      "left": [],
      "stays": [],
      "fatal": null,
      "destroyed": false,
      "elapsedSeconds": 842,
      "expectedSeconds": 830,
      "simulatedTime": false,
      "next": []
    }
    "#);
}
