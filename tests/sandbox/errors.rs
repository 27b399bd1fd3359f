//! What people are told when something goes wrong: what, where, in whose words, and what to do.
use crate::boto::Boto;
use crate::folder::{FILE, Folder, Ran};
use crate::served::Served;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

const PLAN: &[&str] = &["plan"];
/// A width at which no path or host name breaks a line.
const WIDE: &str = "400";
const APPLY: &[&str] = &["apply", "--auto-approve"];

/// A folder, and the page of everything that was told in it.
struct Book {
    served: Served,
    folder: Folder,
    page: String,
}

impl Book {
    fn open() -> Self {
        let served = Served::start();
        let folder = Folder::on(&served, FILE);
        Self { served, folder, page: String::new() }
    }

    fn faults(&self, faults: &[(&str, &str)]) {
        let fault = |(operation, effect): &(&str, &str)| json!({ "operation": operation, "count": 50, "effect": effect });
        let faults: Vec<Value> = faults.iter().map(fault).collect();
        self.served.faults(&faults);
    }

    /// Runs a command under faults, with some of its environment changed, and notes what it told.
    fn tell(
        &mut self,
        what: &str,
        command: &[&str],
        faults: &[(&str, &str)],
        set: &[(&str, &str)],
    ) {
        self.faults(faults);
        let mut process = self.folder.command(command);
        process.env("COLUMNS", "100").envs(set.iter().copied());
        for (name, _) in set.iter().filter(|(_, value)| value.is_empty()) {
            process.env_remove(name);
        }
        let ran = Ran::from(process.output().expect("it runs"));
        self.faults(&[]);
        self.note(what, &ran);
    }

    fn note(&mut self, what: &str, ran: &Ran) {
        let code = ran.code.expect("it ends by itself");
        let end = ran.stdout.find("\nNot finished").map_or("", |at| &ran.stdout[at..]);
        let folder = self.folder.path("").display().to_string();
        let told = format!("{}{}", end.trim_start(), ran.stderr);
        let told = redacted(&told.replace(&self.served.url, "http://SANDBOX").replace(&folder, ""));
        write!(self.page, "## {what}: exit {code}\n\n{told}\n").expect("a text takes all");
    }
}

/// Puts placeholders in the place of ids, times and durations.
fn redacted(text: &str) -> String {
    let is_id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == ':' || c == '.';
    let (mut page, mut rest) = (String::new(), text);
    while let Some(begin) = rest.find(is_id) {
        let (before, from) = rest.split_at(begin);
        let end = from.find(|c| !is_id(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        page.push_str(before);
        page.push_str(&placeholder(word));
        rest = after;
    }
    page + rest
}

fn placeholder(word: &str) -> String {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<_> = word.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    let seconds = word.trim_end_matches(['s', '.', ':']);
    let is_time = |text: &str| text.replace('m', "").parse::<u32>().is_ok();
    match parts[..] {
        _ if lengths == [8, 4, 4, 4, 12] => "REQUEST".to_owned(),
        [kind, id] if id.len() == 17 && is_hex(id) => format!("{kind}-ID"),
        [id] if id.len() == 20 && is_hex(id) => "LINEAGE".to_owned(),
        _ if word.contains('T') && word.ends_with('Z') && word.len() >= 20 => "TIME".to_owned(),
        _ if seconds.len() < word.len() && is_time(seconds) => "SOON".to_owned(),
        _ => word.to_owned(),
    }
}

/// Tells of who may not get in.
fn callers(book: &mut Book) {
    let none = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    book.tell("no credentials", PLAN, &[], &none);
    book.tell("a wrong secret", PLAN, &[], &[("AWS_SECRET_ACCESS_KEY", "wrong")]);
    book.tell("expired credentials", PLAN, &[("GetCallerIdentity", "expired")], &[]);
    book.folder.write(&format!("{FILE}eks: {{ account: \"210987654321\" }}\n"));
    book.tell("another account", PLAN, &[], &[]);
    let role = "assumeRole: { arn: \"arn:aws:iam::210987654321:role/deploy\", externalId: word }";
    book.folder.write(&format!("{FILE}eks: {{ {role} }}\n"));
    book.tell("a role that lets nobody in", PLAN, &[], &[]);
    book.tell("a role, and expired credentials", PLAN, &[("AssumeRole", "expired")], &[]);
    book.folder.write(&FILE.replace("us-east-1", "cn-north-1"));
    let foreign = [("AWS_ACCESS_KEY_ID", "foreign"), ("AWS_SECRET_ACCESS_KEY", "foreign")];
    book.tell("another partition", PLAN, &[], &foreign);
}

/// Tells of what keeps a plan from being made.
fn plans(book: &mut Book) {
    book.folder.write(&format!("{FILE}pools: {{ app: {{ machine: x9.large, max: 9 }} }}\n"));
    book.tell("no such machine", PLAN, &[], &[]);
    book.folder.write(&format!("{FILE}kubernetes: {{ version: \"1.28\" }}\n"));
    book.tell("a version that EKS dropped", PLAN, &[], &[]);
    book.folder.write(FILE);
    book.tell("zones may not be seen", PLAN, &[("DescribeAvailabilityZones", "denied")], &[]);
    book.tell("networks may not be seen", PLAN, &[("DescribeVpcs", "denied")], &[]);
    book.tell("too many requests", PLAN, &[("GetCallerIdentity", "throttle")], &[]);
    let no_url = [("AWS_ENDPOINT_URL", "localhost:4566")];
    book.tell("an address without a scheme", PLAN, &[], &no_url);
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9")];
    book.tell("nobody answers", PLAN, &[], &nowhere);
}

/// Tells of steps that fail, and of a run that ends.
fn runs(book: &mut Book) {
    book.tell("a refused call", APPLY, &[("CreateVpc", "denied")], &[]);
    book.tell("no room", APPLY, &[("CreateVpc", "quota")], &[]);
    book.tell("credentials that expire", APPLY, &[("CreateVpc", "expired")], &[]);
}

/// Tells of two runs at once, of which the first waits for an answer that does not come.
fn two_at_once(book: &mut Book) {
    book.folder = Folder::on(&book.served, &FILE.replace("acme-prod", "acme-two"));
    book.faults(&[("CreateVpc", "hang")]);
    let before = book.served.operations().iter().filter(|it| *it == "CreateVpc").count();
    let mut command = book.folder.command(APPLY);
    let first = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut first = first.expect("it starts");
    assert!(book.served.is_called("CreateVpc", before + 1, &mut first), "it ended before");
    let second = book.folder.command(APPLY).env("COLUMNS", WIDE).output();
    let ran = Ran::from(second.expect("it runs"));
    first.kill().and_then(|()| first.wait()).expect("it ends");
    let pid = first.id().to_string();
    let stderr = ran.stderr.replace(&pid, "PID");
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    book.note("another run", &Ran { stderr: stderr.replace(host.trim(), "HOST"), ..ran });
    book.faults(&[]);
}

/// Tells of a state that is not of this file, or is lost.
fn states(book: &mut Book) {
    book.folder.write(&FILE.replace("us-east-1", "us-west-2"));
    book.tell("another region", PLAN, &[], &[("COLUMNS", WIDE)]);
    let key = ("AWS_ACCESS_KEY_ID", "other");
    let other = [key, ("AWS_SECRET_ACCESS_KEY", "other"), ("COLUMNS", WIDE)];
    book.folder.write(FILE);
    book.tell("a state of another account", PLAN, &[], &other);
    let state = book.folder.path("acme-prod.state.jsonl");
    std::fs::remove_file(state).expect("it is there");
    book.tell("a lost state", PLAN, &[], &[]);
}

/// Tells of a run that fails half-way.
fn half_way(book: &mut Book) {
    book.folder = Folder::on(&book.served, &FILE.replace("acme-prod", "acme-three"));
    book.tell("a cluster that may not be made", APPLY, &[("CreateCluster", "denied")], &[]);
}

#[test]
fn errors_are_for_people() {
    let mut book = Book::open();
    callers(&mut book);
    plans(&mut book);
    runs(&mut book);
    let vpc = json!({ "Filters": [{ "Name": "tag-key", "Values": ["provision-lineage"] }] });
    let vpcs = Boto::at_home(&book.served).call("ec2", "describe_vpcs", &vpc);
    assert_eq!(vpcs["Vpcs"], json!([]), "no call that was refused has made anything");
    states(&mut book);
    two_at_once(&mut book);
    half_way(&mut book);
    insta::assert_snapshot!(book.page);
}

/// Begins to refuse whatever is asked of it as a proxy, for as long as the test runs.
fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut asked = [0; 4096];
            let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
            drop(stream.read(&mut asked).and_then(|_| stream.write_all(refusal.as_bytes())));
        }
    });
    format!("http://127.0.0.1:{port}")
}

/// Breaks an add-on that was well: somebody takes it away and makes it anew, and their own software
/// is in its way.
fn broken(book: &mut Book) {
    book.folder.ok(APPLY);
    let boto = Boto::at_home(&book.served);
    let named = json!({ "clusterName": "acme-prod", "addonName": "vpc-cni" });
    let with = |more: Value| {
        let (mut all, Value::Object(more)) = (named.clone(), more) else { panic!("no fields") };
        all.as_object_mut().expect("fields").extend(more);
        all
    };
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        assert!((0..200).any(|_| is_so()), "{what}");
    };
    let tags = boto.call("eks", "describe_addon", &named)["addon"]["tags"].clone();
    boto.call("eks", "delete_addon", &with(json!({ "preserve": true })));
    let all = json!({ "clusterName": "acme-prod" });
    until("it goes", &|| {
        let left = boto.call("eks", "list_addons", &all);
        !left["addons"].as_array().expect("a list").contains(&json!("vpc-cni"))
    });
    boto.call("eks", "create_addon", &with(json!({ "resolveConflicts": "NONE", "tags": tags })));
    until("it fails", &|| {
        boto.call("eks", "describe_addon", &named)["addon"]["status"] == "CREATE_FAILED"
    });
    book.tell("an add-on that was well and is broken", PLAN, &[], &[]);
}

/// Tells of what does not come: a policy that nobody has made, and a gateway that takes longer than
/// anybody waits.
fn never(book: &mut Book) {
    let boundary = "eks: { permissionsBoundary: \"arn:aws:iam::123456789012:policy/nothing\" }\n";
    let file = format!("{}{boundary}", FILE.replace("acme-prod", "acme-four"));
    book.folder = Folder::on(&book.served, &file);
    book.served.clock(1);
    book.tell("what does not come", APPLY, &[], &[]);
    let (before, after) = book.page.split_once("not done after ").expect("it is not done");
    let (_, after) = after.split_once(" seconds").expect("how long that took");
    // Which of several roles that fail is waited for is told as it comes.
    let (hint, rest) = after.split_once("\nNot done\n").expect("much is not done");
    let (_, next) = rest.split_once("\n\n").expect("and what to do");
    book.page = format!("{before}not done after SOME seconds{hint}\n{next}");
}

#[test]
fn waits_that_end_without_what_is_waited_for_are_for_people() {
    let mut book = Book::open();
    let proxy = refusing();
    let by_proxy = [("AWS_ENDPOINT_URL", ""), ("HTTPS_PROXY", proxy.as_str())];
    book.tell("a proxy that refuses", PLAN, &[], &by_proxy);
    book.page = book.page.replace(&proxy, "http://PROXY");
    broken(&mut book);
    never(&mut book);
    insta::assert_snapshot!(book.page);
}
