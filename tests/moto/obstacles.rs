//! A disk that is full, a folder that nobody may write, and two runs at once.
use crate::folder::Ran;
use crate::provision::{FILE, Folder};
use crate::proxy::{Fate, Proxy};
use crate::server::Moto;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
/// Anybody but root, whom no permission holds back.
const NOBODY: u32 = 65534;

/// Counts the entries of a state that announce a call, and the objects whose call is not known to
/// have ended well: it is made again without another entry.
fn announced(state: &Path) -> (usize, usize) {
    let text = fs::read_to_string(state).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let (mut count, mut open) = (0, BTreeSet::new());
    for line in whole.lines().skip(1) {
        let entry: Value = serde_json::from_str(line).expect("an entry");
        let address = entry["address"].as_str().unwrap_or_default().to_owned();
        match entry["event"].as_str().expect("an event") {
            "creating" | "updating" | "deleting" => {
                count += 1;
                open.insert(address);
            }
            "settled" | "gone" => drop(open.remove(&address)),
            _ => {}
        }
    }
    (count, open.len())
}

/// Runs a command that may write no file longer than so many blocks of half a kilobyte.
fn limited(folder: &Folder, blocks: usize) -> Ran {
    let program = folder.command(&APPLY);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f \"$0\" && exec \"$@\"", &blocks.to_string()]);
    command.arg(program.get_program()).args(program.get_args());
    command.current_dir(program.get_current_dir().expect("it has a folder"));
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().expect("it runs").into()
}

#[test]
fn a_full_disk_stops_the_run_before_its_next_effect() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, |_| Fate::Pass);
    let mut folder = Folder::on(&moto, FILE);
    folder.set("AWS_ENDPOINT_URL", &proxy.url);
    let state = folder.path("acme-prod.state.jsonl");
    let (mut before, mut open) = (0, 0);
    for blocks in [0, 1, 2, 8, 20, 33] {
        let ran = limited(&folder, blocks);
        assert_eq!(ran.code, Some(1), "{blocks}: {}{}", ran.stdout, ran.stderr);
        for words in ["File too large", "hint: make room"] {
            assert!(ran.stderr.contains(words), "{blocks}: {words} is not in {}", ran.stderr);
        }
        let (changes, (durable, still_open)) = (proxy.restart().len(), announced(&state));
        let most = durable - before + open;
        assert!(changes <= most, "{blocks}: {changes} changes, at most {most} were announced");
        (before, open) = (durable, still_open);
    }
    assert!(before > 10, "only {before} changes were announced");
    folder.ok(&APPLY);
    let built = moto.counts();
    assert_eq!(folder.plan(), [""; 0]);
    folder.ok(&["destroy", "--auto-approve"]);
    folder.ok(&APPLY);
    assert_eq!(moto.counts(), built);
}

/// Runs a command as somebody whom permissions hold back.
fn as_nobody(folder: &Folder, root: &Path, arguments: &[&str]) -> Ran {
    let wanted = folder.command(arguments);
    let is_root = fs::metadata("/proc/self").map_or(true, |it| it.uid() == 0);
    let copy = root.join("provision");
    if !copy.exists() {
        fs::copy(wanted.get_program(), &copy).expect("it can be copied");
    }
    let mut command = folder.command(arguments);
    if is_root {
        command = Command::new(&copy);
        command.args(arguments).current_dir(wanted.get_current_dir().expect("a folder"));
        command.envs(wanted.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.uid(NOBODY).gid(NOBODY);
    }
    command.output().expect("it runs").into()
}

#[test]
fn what_cannot_be_written_stops_the_run_before_its_first_effect() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, |_| Fate::Pass);
    let mut folder = Folder::on(&moto, FILE);
    folder.set("AWS_ENDPOINT_URL", &proxy.url);
    let root = tempfile::tempdir().expect("a folder can be made");
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    };
    mode(root.path(), 0o755);
    let state = folder.path("acme-prod.state.jsonl");
    let here = state.parent().expect("a folder").to_owned();
    let before = moto.inventory();

    mode(&here, 0o555);
    let plan = as_nobody(&folder, root.path(), &["plan"]);
    assert_eq!(plan.code, Some(0), "a plan needs no lock: {}", plan.stderr);
    let refused = |what: &str| {
        let ran = as_nobody(&folder, root.path(), &APPLY);
        assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
        for words in
            [what, "Permission denied", "hint: make room, or mend the folder's permissions"]
        {
            assert!(ran.stderr.contains(words), "{words} is not in {}", ran.stderr);
        }
        assert_eq!(proxy.restart(), [""; 0], "nothing was changed");
    };
    refused("error: lock file ");
    mode(&here, 0o777);
    fs::write(&state, "").expect("it can be written");
    mode(&state, 0o444);
    refused("error: state file ");
    assert_eq!(moto.inventory(), before);
    mode(&here, 0o755);
    fs::remove_file(folder.path("acme-prod.state.jsonl.lock")).expect("it is there");
    folder.ok(&APPLY);
}

#[test]
fn of_two_runs_at_once_the_second_does_nothing_and_names_the_first() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, |_| Fate::Pass);
    let mut folder = Folder::on(&moto, FILE);
    let mut first = folder
        .command(&["apply", "--auto-approve", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(first.stdout.take().expect("it is piped")).lines();
    assert!(lines.by_ref().any(|line| line.expect("a line").contains("\"settled\"")));
    folder.set("AWS_ENDPOINT_URL", &proxy.url);
    for arguments in [&APPLY, &["destroy", "--auto-approve"]] {
        let second = folder.run(arguments);
        assert_eq!(second.code, Some(75), "{}{}", second.stdout, second.stderr);
        let holder = format!("locked by process {}", first.id());
        assert!(second.stderr.contains(&holder), "{holder} is not in {}", second.stderr);
        assert!(proxy.calls().is_empty(), "{:?}", proxy.calls());
    }
    lines.for_each(drop);
    assert!(first.wait().expect("it ends").success());
    assert_eq!(folder.plan(), [""; 0]);
}
