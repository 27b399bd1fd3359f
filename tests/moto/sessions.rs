//! Whole sessions as a user sees them, on a narrow and a wide terminal and in the log of a build.
use crate::provision::{FILE, Folder};
use crate::proxy::{Call, Fate, Proxy, Reason};
use crate::server::Moto;
use crate::terminal::Screen;
use std::cell::RefCell;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// A file with a problem of each sort.
const BAD: &str = "\
name: Acme
provider: eks
regon: us-east-1
profile: qualytics
pools: { app: { min: 5, max: 2, machne: t3.2xlarge } }
kubernetes: { api: { allow: [10.0.0.0/33] } }
";
/// What a user changes later.
const CHANGED: &str = "\
name: acme-prod
provider: eks
region: us-east-1
profile: qualytics
pools:
  app: { machine: m5.2xlarge }
  driver: { max: 5, taints: [{ key: dedicated, value: spark, effect: NoSchedule }] }
  executor: { labels: { executorNodes: \"true\", tier: batch } }
inCluster: false
eks: { addons: [], access: [], podIdentity: false }
";

/// A session: a user, a screen, and a cloud that may refuse things.
struct Session<'a> {
    name: &'a str,
    screen: Screen,
    folder: Folder,
    /// What the cloud calls things today, and what snapshots call them.
    names: RefCell<Vec<(String, String)>>,
}

impl Session<'_> {
    /// Runs a command that exits with `code`, and returns what was seen.
    fn run(&self, arguments: &[&str], answer: &str, code: i32) -> String {
        let mut command = self.folder.command(arguments);
        let (exit, seen) = self.screen.show(&mut command, answer);
        assert_eq!(exit, Some(code), "{arguments:?}\n{seen}");
        format!("$ provision {}\n{}", arguments.join(" "), self.redacted(&seen))
    }

    /// Runs a command that asks on a terminal and needs a flag elsewhere.
    fn approve(&self, command: &str, answer: &str, code: i32) -> String {
        match self.screen {
            Screen::Terminal(_) => self.run(&[command], answer, code),
            Screen::Log => self.run(&[command, "--auto-approve"], "", code),
        }
    }

    fn snapshot(&self, title: &str, seen: &[String]) {
        insta::assert_snapshot!(format!("{}_{title}", self.name), seen.join("\n"));
    }

    /// Takes out what differs from one run to the next, column by column.
    fn redacted(&self, seen: &str) -> String {
        let names = self.names.borrow();
        let known = |line: String| names.iter().fold(line, |l, (from, to)| l.replace(from, to));
        let lines = seen.lines().map(|line| timeless(&known(anonymous(line))));
        in_order(lines.collect()).join("\n") + "\n"
    }

    fn learn_names(&self) {
        let shown: serde_json::Value =
            serde_json::from_str(&self.folder.ok(&["show", "--json"])).expect("it is JSON");
        for (name, called) in [("endpoint", "https://API"), ("oidcIssuer", "https://ISSUER")] {
            let value = shown["outputs"][name].as_str().expect("it is there");
            self.names.borrow_mut().push((value.to_owned(), called.to_owned()));
        }
    }
}

/// Puts lines of steps that end side by side in the order of their addresses.
fn in_order(mut lines: Vec<String>) -> Vec<String> {
    let address = |line: &str| {
        let step = ["  ✓ ", "  ✗ ", "[ 0:00] "].iter().find_map(|mark| line.strip_prefix(mark));
        step.and_then(|step| step.split([' ', ':']).next()).map(str::to_owned)
    };
    for block in lines.chunk_by_mut(|a, b| address(a).is_some() == address(b).is_some()) {
        block.sort_by_key(|line| address(line));
    }
    lines
}

/// Makes ids of random digits all alike.
fn anonymous(line: &str) -> String {
    let mut out = String::new();
    for part in line.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let id = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_id = id.len() >= 17 && id.chars().all(|c| c.is_ascii_hexdigit());
        let id = if is_id { "0".repeat(id.len()) } else { id.to_owned() };
        out.push_str(&id);
        out.push_str(&part[id.len()..]);
    }
    out
}

/// Stops the clock: every time is none, and a step takes none.
fn timeless(line: &str) -> String {
    let line = match line.strip_prefix('[').and_then(|line| line.split_once(']')) {
        Some((time, rest)) if time.contains(':') => match rest.rsplit_once(" in ") {
            Some((rest, took)) if is_time(took) => format!("[ 0:00]{rest}"),
            _ => format!("[ 0:00]{rest}"),
        },
        _ => line.to_owned(),
    };
    let mut out = String::new();
    for part in line.split_inclusive([' ', ':', '.']) {
        let word = part.trim_end_matches([' ', ':', '.']);
        if is_time(word) {
            let gap = word.len().saturating_sub(2);
            let gap = if out.ends_with("  ") { " ".repeat(gap) } else { String::new() };
            out.push_str(&format!("{gap}0s{}", &part[word.len()..]));
        } else {
            out.push_str(part);
        }
    }
    out
}

fn is_time(word: &str) -> bool {
    let digits = word.strip_suffix('s').unwrap_or_default().replace('m', "");
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
}

#[test]
fn sessions_read_well_on_terminals_and_in_logs() {
    let moto = Moto::start();
    let refusing = Arc::new(AtomicBool::new(false));
    let its = refusing.clone();
    let proxy = Proxy::start(&moto.url, move |call: &Call<'_>| match call.operation {
        "CreateNatGateway" if its.load(SeqCst) => Fate::Refuse(Reason::Denied),
        _ => Fate::Pass,
    });
    for (name, screen) in
        [("80", Screen::Terminal(80)), ("160", Screen::Terminal(160)), ("log", Screen::Log)]
    {
        let mut folder = Folder::on(&moto, FILE);
        folder.set("AWS_ENDPOINT_URL", &proxy.url);
        let session = Session { name, screen, folder, names: RefCell::default() };
        before_the_cloud(&session);
        refusing.store(true, SeqCst);
        a_cluster_is_made(&session, &refusing);
        it_changes(&session);
        it_goes(&session);
    }
}

fn before_the_cloud(session: &Session<'_>) {
    fs::write(session.folder.path("bad.yaml"), BAD).expect("it can be written");
    let init = ["init", "--provider", "eks", "--name", "acme-dev", "--region", "us-east-1"];
    session.snapshot(
        "1_files",
        &[
            session.run(&[&init[..], &["dev.yaml"]].concat(), "", 0),
            session.run(&["validate"], "", 0),
            session.run(&["validate", "bad.yaml"], "", 65),
            session.run(&["validate", "other.yaml"], "", 65),
            session.run(&["show"], "", 0),
            session.run(&["graph"], "", 65),
        ],
    );
}

fn a_cluster_is_made(session: &Session<'_>, refusing: &AtomicBool) {
    if let Screen::Terminal(_) = session.screen {
        session.snapshot("2_declined", &[session.run(&["apply"], "no", 1)]);
    } else {
        session.snapshot("2_nobody_to_ask", &[session.run(&["apply"], "", 64)]);
    }
    session.snapshot("3_one_step_fails", &[session.approve("apply", "yes", 1)]);
    refusing.store(false, SeqCst);
    let resumed = session.approve("apply", "yes", 0);
    session.learn_names();
    let known = session.redacted(&resumed);
    session.snapshot("4_resumed", &[known, session.run(&["plan"], "", 0)]);
    let record = [session.run(&["show"], "", 0), session.run(&["state", "show", "vpc"], "", 0)];
    session.snapshot("5_record", &record);
}

fn it_changes(session: &Session<'_>) {
    session.folder.write(CHANGED);
    let plan = session.run(&["plan", "--out", "saved.plan"], "", 0);
    session.folder.write(FILE);
    let stale = session.run(&["apply", "saved.plan"], "", 65);
    let lost = session.run(&["plan", "--state", "other.state.jsonl"], "", 1);
    let lock = fs::File::create(session.folder.path("acme-prod.state.jsonl.lock"));
    let lock = lock.expect("a lock");
    let holder = r#"{"host":"build-7","pid":4711,"since":"2026-01-02T03:04:05Z"}"#;
    fs::write(session.folder.path("acme-prod.state.jsonl.lock"), holder).expect("it is written");
    lock.lock().expect("it can be taken");
    let locked = session.run(&["apply", "--auto-approve"], "", 75);
    drop(lock);
    session.snapshot("6_changes", &[plan, stale, locked]);
    session.snapshot("7_not_ours", &[lost]);
}

fn it_goes(session: &Session<'_>) {
    let destroyed = session.approve("destroy", "acme-prod", 0);
    session.snapshot("8_destroyed", &[destroyed, session.run(&["plan", "--offline"], "", 65)]);
}
