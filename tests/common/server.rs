//! A moto server of its own for each test, and boto3 to look at it.
use super::cloud::{self, Cloud};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/moto");
const START_WITHIN: Duration = Duration::from_secs(60);

/// A simulated AWS by other people, on loopback, which ends with its owner.
pub(crate) struct Moto {
    process: Child,
    pub(crate) url: String,
}

impl Moto {
    pub(crate) fn start() -> Self {
        // Somebody else may take a port between its choice and the server's own start.
        for _ in 0..5 {
            if let Some(moto) = Self::on(free_port()) {
                return moto;
            }
        }
        panic!("moto does not start");
    }

    /// Starts it on a port. `None` where it cannot be had.
    fn on(port: u16) -> Option<Self> {
        let process = Command::new(python())
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto starts");
        let mut moto = Self { process, url: format!("http://127.0.0.1:{port}") };
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < START_WITHIN, "moto does not answer");
            if moto.has_ended() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        (!moto.has_ended()).then_some(moto)
    }

    fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("it can be asked").is_some()
    }

    /// Runs one of the Python files of the tests against moto, and returns the JSON that it prints.
    pub(crate) fn python(&self, file: &str, arguments: &[&str]) -> Value {
        let mut command = Command::new(python());
        command.arg(Path::new(HERE).join(file)).args(arguments);
        self.environment(&mut command);
        let output = command.output().expect("python runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{file}: {errors}");
        serde_json::from_slice(&output.stdout).expect("it prints JSON")
    }

    /// Returns every living object, sorted.
    pub(crate) fn inventory(&self) -> Vec<Value> {
        let Value::Array(mut objects) = self.python("inventory.py", &[]) else { panic!("no list") };
        objects.sort_by_key(ToString::to_string);
        objects
    }

    /// Counts living objects by kind.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for object in self.inventory() {
            *counts.entry(object["kind"].as_str().unwrap_or("").to_owned()).or_default() += 1;
        }
        counts
    }

    /// Points a command at this server, with nothing of the caller's own configuration.
    pub(crate) fn environment(&self, command: &mut Command) {
        cloud::environment(command).env("AWS_ENDPOINT_URL", &self.url);
    }
}

impl Cloud for Moto {
    const SCALE: &'static str = "200";

    fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("moto ends");
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

/// Returns the Python of a virtual environment with moto, and makes that if there is none. It is
/// named after what is in it, and made by one test at a time.
pub(crate) fn python() -> PathBuf {
    let wanted = fs::read_to_string(Path::new(HERE).join("requirements.txt")).expect("it is there");
    let name: String = wanted.chars().filter(char::is_ascii_alphanumeric).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let (python, complete) = (folder.join("bin/python"), folder.join("complete"));
    if complete.exists() {
        return python;
    }
    let lock = File::create(folder.with_extension("lock")).expect("the lock can be made");
    lock.lock().expect("the lock can be taken");
    if !complete.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        let requirements = Path::new(HERE).join("requirements.txt");
        run(Command::new(&python).args(["-m", "pip", "install", "-q", "-r"]).arg(requirements));
        File::create(complete).expect("the mark can be made");
    }
    python
}

fn run(command: &mut Command) {
    let status = command.status().expect("it starts");
    assert!(status.success(), "{command:?}: {status}");
}
