//! A sandbox of its own for each test, as a server.
use super::cloud::{self, Cloud, KEY};
use super::judge::Calls;
use super::relay::{self, Message, PATIENCE, RUN};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Tells the program to write down what a sandbox of its own was called.
pub(crate) const RECORD: &str = "PROVISION_SANDBOX_RECORD";

/// What is said of objects that are still told of for a while after they were deleted.
const OVER: [&str; 5] = ["deleted", "deleting", "terminated", "shutting-down", "PendingDeletion"];

/// A simulated AWS on loopback, which ends with its owner. Whatever it was called and replied is
/// judged then.
pub(crate) struct Served {
    process: Child,
    pub(crate) url: String,
    calls: Calls,
}

impl Served {
    /// Starts one whose world is in memory.
    pub(crate) fn start() -> Self {
        Self::with("instant", &[])
    }

    /// Starts one whose clock is so fast.
    pub(crate) fn at(speed: &str) -> Self {
        Self::with(speed, &[])
    }

    /// Starts one whose world is in a file.
    pub(crate) fn of(world: &Path) -> Self {
        Self::with("instant", &["--world", world.to_str().expect("the path is text")])
    }

    /// It takes a key of another account too, and one that is good in the first partition alone.
    fn with(speed: &str, more: &[&str]) -> Self {
        let calls = Calls::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_provision"));
        let mut process = cloud::environment(&mut command)
            .args(["sandbox", "serve", "--sandbox-speed", speed])
            .args(["--credential", &format!("{KEY}:{KEY}")])
            .args(["--credential", "other:other:210987654321"])
            .args(["--credential", "foreign:foreign:123456789012:aws"])
            .args(more)
            .env(RECORD, calls.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it serves");
        let ready: Value = serde_json::from_str(&line).expect("in one line of JSON");
        let url = ready["aws"].as_str().expect("there is an AWS").to_owned();
        Self { process, url, calls }
    }

    /// Returns everything that exists, each as kind and id, without what passes by itself.
    pub(crate) fn objects(&self) -> Vec<String> {
        let Value::Array(objects) = self.control("GET", "objects", None) else { panic!("no list") };
        let is_over = |object: &Value| OVER.iter().any(|word| object["status"] == *word);
        let stays = |object: &&Value| object["kind"] != "sts.session" && !is_over(object);
        let name = |object: &Value| format!("{} {}", object["kind"], object["id"]);
        objects.iter().filter(stays).map(name).collect()
    }

    /// Returns the operations that were called so far, in their order.
    pub(crate) fn operations(&self) -> Vec<String> {
        let name = |request: &Value| request["operation"].as_str().unwrap_or_default().to_owned();
        self.requests().iter().map(name).collect()
    }

    /// Waits until an operation has been called so often, while a program runs. False where that ended
    /// before.
    pub(crate) fn is_called(&self, operation: &str, count: usize, program: &mut Child) -> bool {
        let since = Instant::now();
        let so_far = || self.operations().iter().filter(|it| *it == operation).count();
        while so_far() < count {
            if program.try_wait().expect("it can be asked").is_some() {
                return false;
            }
            assert!(since.elapsed() < RUN, "{operation} {count} is not to be seen");
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Returns what was asked so far, in its order.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.listed("requests")
    }

    /// Returns what happened to each object so far, in its order.
    pub(crate) fn history(&self) -> Vec<Value> {
        self.listed("history")
    }

    fn listed(&self, endpoint: &str) -> Vec<Value> {
        let Value::Array(all) = self.control("GET", endpoint, None) else { panic!("no list") };
        all
    }

    /// Returns what was called of AWS so far, each as service and operation.
    pub(crate) fn calls(&self) -> BTreeSet<String> {
        let text = |request: &Value, field: &str| request[field].as_str().unwrap_or("").to_owned();
        self.requests()
            .iter()
            .filter(|it| it["service"] != "kubernetes")
            .map(|it| format!("{}:{}", text(it, "service"), text(it, "operation")))
            .collect()
    }

    /// Returns what it was called and replied so far, a JSON line each.
    pub(crate) fn recorded(&self) -> String {
        self.calls.lines()
    }

    /// Returns the whole world, as a world file has it.
    pub(crate) fn world(&self) -> Vec<u8> {
        self.ask("GET", "world", "").text().into()
    }

    /// Returns everything that exists now as a world file has it, each a key and the object.
    pub(crate) fn everything(&self) -> Vec<Value> {
        let mut world: Value = serde_json::from_slice(&self.world()).expect("a world is JSON");
        let Value::Array(objects) = world["objects"].take() else { panic!("it has objects") };
        objects
    }

    /// Puts such a world in the place of the one that is there.
    pub(crate) fn replace(&self, world: &[u8]) {
        let world = str::from_utf8(world).expect("a world is JSON");
        assert_eq!(self.ask("POST", "world", world).text(), "{}");
    }

    /// Asks for faults in the place of those that are left.
    pub(crate) fn faults(&self, faults: &[Value]) {
        self.control("POST", "faults", Some(json!({ "faults": faults })));
    }

    /// Tells whether a fault would mean anything, and asks for it if so.
    pub(crate) fn takes(&self, fault: &Value) -> bool {
        let reply = self.reply("POST", "faults", &json!({ "faults": [fault] }).to_string());
        reply.status() == Some(200)
    }

    /// Returns the faults that were asked for and have befallen no call yet.
    pub(crate) fn faults_left(&self) -> Vec<Value> {
        let Value::Array(left) = self.control("GET", "faults", None)["faults"].take() else {
            panic!("no list")
        };
        left
    }

    /// Returns how many calls those that were asked for have befallen.
    pub(crate) fn befallen(&self) -> usize {
        let befallen = self.control("GET", "faults", None)["befallen"].as_u64();
        usize::try_from(befallen.expect("it is a number")).expect("it is not many")
    }

    /// Lets something happen in a living cluster.
    pub(crate) fn event(&self, cluster: &str, event: &str) {
        self.control("POST", "events", Some(json!({ "cluster": cluster, "event": event })));
    }

    /// Lets simulated time pass so many times as fast as real time.
    pub(crate) fn clock(&self, speed: u32) {
        self.control("POST", "clock", Some(json!({ "speed": speed })));
    }

    /// Lets that many simulated hours pass at least, and requests alone move the clock from then on.
    pub(crate) fn pass(&self, hours: u32) {
        // So slow that a sleep which is late by seconds is late by little.
        const MOMENT: u32 = 4;
        self.clock(hours * 60 * 60 / MOMENT);
        std::thread::sleep(Duration::from_secs(MOMENT.into()));
        self.control("POST", "clock", Some(json!({ "speed": "instant" })));
    }

    fn control(&self, method: &str, endpoint: &str, body: Option<Value>) -> Value {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        serde_json::from_str(self.ask(method, endpoint, &body).text()).expect("it is JSON")
    }

    fn ask(&self, method: &str, endpoint: &str, body: &str) -> Message {
        let reply = self.reply(method, endpoint, body);
        assert_eq!(reply.status(), Some(200), "{endpoint}: {}", reply.text());
        reply
    }

    fn reply(&self, method: &str, endpoint: &str, body: &str) -> Message {
        let path = format!("/_sandbox/{endpoint}");
        let request = Message::request(&self.url, method, &path, &[], body);
        relay::ask(&self.url, &request, PATIENCE).expect("it replies")
    }
}

impl Cloud for Served {
    const SCALE: &'static str = "1000";

    fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("it ends");
    }
}
