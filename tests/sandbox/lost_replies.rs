//! The reply to each operation that changes something is lost once, and still there is one object of
//! each, and nothing is left.
use crate::folder::{FILE, Folder};
use crate::served::Served;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn changes(operations: &[String]) -> BTreeSet<String> {
    let reads = ["Describe", "Get", "List"];
    let changes = |name: &&String| !reads.iter().any(|read| name.starts_with(read));
    operations.iter().filter(changes).cloned().collect()
}

fn cut(operations: &BTreeSet<String>) -> Vec<Value> {
    let cut = |operation| json!({ "operation": operation, "effect": "cut-after" });
    operations.iter().map(cut).collect()
}

/// Counts objects by their kind.
fn kinds(objects: &[String]) -> Vec<(String, usize)> {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for object in objects {
        let kind = object.split(' ').next().unwrap_or_default();
        match kinds.last_mut() {
            Some((last, count)) if last == kind => *count += 1,
            _ => kinds.push((kind.to_owned(), 1)),
        }
    }
    kinds
}

#[test]
fn a_lost_reply_makes_nothing_twice_and_leaves_nothing() {
    let served = Served::start();
    let file = format!("{FILE}kubernetes: {{ secretsKey: own }}\neks: {{ irsa: true }}\n");
    let folder = Folder::on(&served, &file);
    folder.ok(&["plan"]);
    let before = served.objects();
    folder.ok(&["apply", "--auto-approve"]);
    let of_apply = changes(&served.operations());
    assert_eq!(folder.plan(), [""; 0], "by then the last machine is there");
    let made = kinds(&new(&before, &served.objects()));
    let so_far = served.operations().len();
    folder.ok(&["destroy", "--auto-approve"]);
    let of_destroy = changes(&served.operations()[so_far..]);
    assert_eq!(served.objects(), before);

    let again = Folder::on(&served, &file);
    let so_far = served.objects();
    served.faults(&cut(&of_apply));
    again.ok(&["apply", "--auto-approve"]);
    assert_eq!(served.faults_left(), [json!(null); 0], "a reply that was to be lost");
    assert_eq!(again.plan(), [""; 0]);
    assert_eq!(kinds(&new(&so_far, &served.objects())), made);
    served.faults(&cut(&of_destroy));
    again.ok(&["destroy", "--auto-approve"]);
    assert_eq!(served.faults_left(), [json!(null); 0], "a reply that was to be lost");
    assert_eq!(served.objects(), before);
}

/// Returns the objects that came, but for the notes of what happened inside a cluster.
fn new(before: &[String], now: &[String]) -> Vec<String> {
    let is_new = |it: &&String| !before.contains(it) && !it.contains("kubernetes.events");
    now.iter().filter(is_new).cloned().collect()
}
