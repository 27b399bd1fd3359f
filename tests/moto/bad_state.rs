//! State files that were cut, edited, mixed up, or are of something else.
use crate::folder::Ran;
use crate::provision::{FILE, Folder};
use crate::proxy::{Fate, Proxy, Reason};
use crate::server::Moto;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];

/// A cluster whose state is put back before each command.
struct Subject {
    folder: Folder,
    state: PathBuf,
}

impl Subject {
    fn new(moto: &Moto) -> Self {
        let folder = Folder::on(moto, FILE);
        Self { state: folder.path("acme-prod.state.jsonl"), folder }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.state).expect("a state")
    }

    fn run(&self, state: &[u8], arguments: &[&str]) -> Ran {
        fs::write(&self.state, state).expect("it can be written");
        self.folder.run(arguments)
    }

    /// Wants a state to be refused, and left as it is.
    fn refused(&self, what: &str, state: &[u8], arguments: &[&str], words: &str) {
        let ran = self.run(state, arguments);
        assert_eq!(ran.code, Some(65), "{what}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(words), "{what}: {words} is not in {}", ran.stderr);
        assert!(ran.stderr.contains("\nhint: "), "{what}: {}", ran.stderr);
        assert!(fs::read(&self.state).expect("a state") == state, "{what}: it was changed");
    }

    /// Returns how many objects a state has on record, without asking the cloud.
    fn records(&self, state: &[u8]) -> usize {
        let ran = self.run(state, &["show", "--json"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(fs::read(&self.state).expect("a state") == state, "looking changed it");
        let shown: Value = serde_json::from_str(&ran.stdout).expect("the record is JSON");
        shown["resources"].as_array().expect("a list").len()
    }
}

/// Returns where each line of a text ends.
fn ends(text: &str) -> Vec<usize> {
    text.match_indices('\n').map(|(at, _)| at + 1).collect()
}

#[test]
fn a_lost_tail_is_found_again_and_nothing_is_made_twice() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, |call| match call.change > 30 {
        true => Fate::Refuse(Reason::Expired),
        false => Fate::Pass,
    });
    let mut subject = Subject::new(&moto);
    subject.folder.set("AWS_ENDPOINT_URL", &proxy.url);
    assert_eq!(subject.folder.run(&APPLY).code, Some(77));
    let journal = subject.text();
    subject.folder.set("AWS_ENDPOINT_URL", &moto.url);
    subject.folder.ok(&APPLY);
    let (text, whole, counts) = (subject.text(), moto.inventory(), moto.counts());
    assert!(ends(&journal).len() > 60, "it is not compacted: {journal}");

    for file in [&journal, &text] {
        let mut known = 0;
        for end in ends(file) {
            let records = subject.records(&file.as_bytes()[..end]);
            assert!(records >= known, "what is complete is read");
            known = records;
            let cut = end.saturating_sub(7);
            assert!(subject.records(&file.as_bytes()[..cut]) <= known, "the rest is read");
        }
        assert!(known > 20, "{known}");
    }
    let (header, lines) = (ends(&text)[0], ends(&text));
    let middle = lines[lines.len() / 2];
    for end in [header - 1, header, middle, middle + 40, lines[lines.len() - 2], text.len() - 1] {
        let ran = subject.run(&text.as_bytes()[..end], &APPLY);
        assert_eq!(ran.code, Some(0), "cut at {end}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(moto.inventory(), whole, "cut at {end}");
        assert_eq!(subject.folder.plan(), [""; 0], "cut at {end}");
    }
    for end in ends(&journal).into_iter().step_by(23) {
        let ran = subject.run(&journal.as_bytes()[..end], &APPLY);
        assert_eq!(ran.code, Some(0), "journal cut at {end}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(moto.counts(), counts, "journal cut at {end}");
    }
    subject.folder.ok(&["destroy", "--auto-approve"]);
    assert!(moto.counts().is_empty(), "{:?}", moto.counts());
}

#[test]
fn a_state_that_is_not_as_it_was_written_is_refused_and_left_alone() {
    let moto = Moto::start();
    let subject = Subject::new(&moto);
    subject.folder.ok(&APPLY);
    let (text, before) = (subject.text(), moto.inventory());
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let edited_last = text.replacen("\"address\":\"vpc\"", "\"address\":\"vpx\"", 1);

    for (number, line) in lines.iter().enumerate() {
        let mut edited = text.clone().into_bytes();
        let begin: usize = lines[..number].iter().map(|line| line.len()).sum();
        let at = begin + line.len() * (number % 7 + 1) / 9;
        edited[at] = if edited[at] == b'x' { b'y' } else { b'x' };
        subject.refused(&format!("byte {at}"), &edited, &["show"], "state file ");
    }
    let other = Folder::on(&moto, &FILE.replace("acme-prod", "acme-test"));
    other.ok(&APPLY);
    let theirs = fs::read_to_string(other.path("acme-test.state.jsonl")).expect("a state");
    let their_lines: Vec<&str> = theirs.split_inclusive('\n').collect();
    other.ok(&["destroy", "--auto-approve"]);
    let mut swapped = lines.clone();
    swapped.swap(4, 5);
    let table = [
        ("another address", edited_last, "is not as it was written"),
        ("our header", format!("{}{}", lines[0], their_lines[1..].concat()), "damaged at line 2"),
        ("our first half", lines[..9].concat() + &their_lines[9..].concat(), "damaged at line 10"),
        ("both", format!("{text}{theirs}"), "damaged at line"),
        ("twice", format!("{text}{text}"), "damaged at line"),
        ("a line lost", [&lines[..7], &lines[8..]].concat().concat(), "follows entry"),
        ("a line twice", lines[..7].concat() + &lines[6..].concat(), "follows entry"),
        ("swapped", swapped.concat(), "follows entry"),
        ("another cluster", theirs, "is of cluster acme-test"),
        ("newer", text.replace("state/v1", "state/v2"), "format provision.state/v2"),
        (
            "newer, cut",
            "{\"format\":\"provision.state/v2\",\"x\":1}".into(),
            "format provision.state/v2",
        ),
        ("other line ends", text.replace('\n', "\r\n"), "damaged at line 2"),
        ("no line ends", text.replace('\n', "\r"), "is not a state file"),
        ("text", "hello".into(), "is not a state file"),
        ("JSON", "{}\n".into(), "is not a state file"),
        ("blank", "\n".into(), "is not a state file"),
        ("deep", "[".repeat(20_000), "is not a state file"),
        ("NUL", "\0".repeat(4096), "is not a state file"),
    ];
    for (what, state, words) in &table {
        for command in [&["plan"][..], &APPLY, &["destroy", "--auto-approve"]] {
            subject.refused(what, state.as_bytes(), command, words);
        }
    }
    subject.refused("binary", &[0xff, 0xfe, 0, b'\n', 7], &APPLY, "is not a state file");
    let ran = subject.run(b"", &APPLY);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("belongs to"), "{}", ran.stderr);
    assert_eq!(moto.inventory(), before);
    fs::write(&subject.state, &text).expect("it can be written");
    assert_eq!(subject.folder.plan(), [""; 0]);
}
