//! What the document of operations quotes is what the program prints.
use crate::boto::Boto;
use crate::capacity::no_spot;
use crate::folder::{FILE, Folder, Ran};
use crate::served::Served;
use crate::shown::{Typed, compare, document, typed};
use crate::upgrade::{Cloud, file};
use crate::world;
use serde_json::json;
use std::fs;
use std::process::Stdio;

const DOCUMENT: &str = "docs/operations.md";
const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const WIDTH: &str = "100";
/// A width at which the path of no folder breaks a line.
const WIDE: &str = "200";
/// The blocks that are held, by their marks, and the tests that hold them.
const HELD: [(&str, fn()); 20] = [
    ("locked", a_locked_state_is_as_it_is_quoted),
    ("expired", what_ends_a_run_is_as_it_is_quoted),
    ("no spot", a_pool_without_machines_is_as_it_is_quoted),
    ("no spot, again", a_pool_without_machines_is_as_it_is_quoted),
    ("quota", what_ends_a_run_is_as_it_is_quoted),
    ("foreign", a_role_of_somebody_else_is_as_it_is_quoted),
    ("adopted", a_role_that_is_handed_over_is_as_it_is_quoted),
    ("lost", a_lost_state_is_as_it_is_quoted),
    ("taken over", a_lost_state_is_as_it_is_quoted),
    ("damaged", a_damaged_state_is_as_it_is_quoted),
    ("restored", a_damaged_state_is_as_it_is_quoted),
    ("protected", a_protected_cluster_is_as_it_is_quoted),
    ("unprotected", a_protected_cluster_is_as_it_is_quoted),
    ("support", letting_support_in_is_as_it_is_quoted),
    ("support expired", letting_support_in_is_as_it_is_quoted),
    ("upgrade", an_upgrade_is_as_it_is_quoted),
    ("volumes", volumes_that_stay_are_as_they_are_quoted),
    ("in the network", what_keeps_the_network_is_as_it_is_quoted),
    ("in the network, again", what_keeps_the_network_is_as_it_is_quoted),
    ("node group", a_node_group_of_somebody_else_is_as_it_is_quoted),
];
/// How blocks that nothing here holds begin, and why.
const LOOSE: [(&str, &str); 4] = [
    ("$ provision plan\n…\nIdentities", "where a run dies is chance"),
    ("error: 10 objects could not be observed", "how far that run came is chance"),
    ("Interrupted: ", "where a run is stopped is chance"),
    ("$ aws ec2 describe-snapshots", "of another program"),
];

/// Puts `#` in the place of what differs from one run to the next: times and how long something took,
/// ids, processes, lines of a state; and single spaces between words.
fn plain(line: &str) -> String {
    let line = world::without_chance(line);
    let (mut words, mut before) = (Vec::new(), "");
    for word in line.split_whitespace() {
        let is_counted = ["process", "line", "entry", "after"].contains(&before);
        let number = |word: &str| !word.is_empty() && word.bytes().all(|it| it.is_ascii_digit());
        let bare = word.trim_matches(['(', ')', '.', ',', ':']);
        // `12m`, `1h5m`, `21:04`, `2026-11-27`, and the like of `2026-11-27T21:04:00Z`.
        let is_time = bare.starts_with(|it: char| it.is_ascii_digit())
            && bare.contains(['h', 'm', 's', ':', '-'])
            && bare.chars().all(|it| it.is_ascii_digit() || "hms:-TZ".contains(it));
        let is_loose = is_time || is_counted && number(bare);
        words.push(if is_loose { word.replace(bare, "#") } else { word.to_owned() });
        before = word;
    }
    words.join(" ")
}

/// The same without the counts of what was done, where that is chance.
fn countless(line: &str) -> String {
    let line = plain(line);
    match line.starts_with("Not finished") {
        true => line.chars().filter(|it| !it.is_ascii_digit()).collect(),
        false => line,
    }
}

/// Runs what is quoted in a block, each with whether it ends well, and compares.
fn holds(folder: &Folder, mark: &str, ends_well: &[bool]) {
    assert!(HELD.iter().any(|(it, _)| *it == mark), "{mark} is not named");
    let plain = if mark == "expired" { countless } else { plain };
    let all = typed(&document(DOCUMENT), mark);
    assert_eq!(all.len(), ends_well.len(), "{mark}");
    for (typed, &ends_well) in all.iter().zip(ends_well) {
        let ran = types(folder, typed, if mark == "damaged" { WIDE } else { WIDTH });
        assert_eq!(ran.code == Some(0), ends_well, "{mark}: {}{}", ran.stdout, ran.stderr);
        compare(typed, &format!("{}{}", ran.stdout, ran.stderr), plain);
    }
}

/// Types a command on a terminal of a width. What that would ask is approved.
fn types(folder: &Folder, typed: &Typed, width: &str) -> Ran {
    let mut words: Vec<&str> = typed.line.split_whitespace().collect();
    match words.remove(0) {
        "provision" => {
            if ["apply", "destroy"].contains(&words[0]) && !words.contains(&APPLY[1]) {
                words.push(APPLY[1]);
            }
            let mut command = folder.command(&words);
            command.env("COLUMNS", width).output().expect("the program runs").into()
        }
        "cp" => {
            fs::copy(folder.path(words[0]), folder.path(words[1])).expect("it can be copied");
            Ran { code: Some(0), stdout: String::new(), stderr: String::new() }
        }
        other => panic!("nobody types {other} here"),
    }
}

/// A cluster of the shortest file.
fn built() -> (Served, Folder) {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&APPLY);
    (served, folder)
}

#[test]
fn every_block_is_held_or_says_why_not() {
    let text = document(DOCUMENT);
    let mut marks = Vec::new();
    for (before, block) in text.match_indices("```console\n").map(|(at, _)| text.split_at(at)) {
        let block = block.trim_start_matches("```console\n");
        let mark = before.trim_end().lines().last().unwrap_or_default().trim();
        match mark.strip_prefix("<!-- ").and_then(|mark| mark.strip_suffix(" -->")) {
            Some(mark) => marks.push(mark),
            None => assert!(LOOSE.iter().any(|(it, _)| block.starts_with(it)), "{block}"),
        }
    }
    assert_eq!(marks, HELD.map(|(mark, _)| mark));
}

#[test]
fn a_locked_state_is_as_it_is_quoted() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    served.faults(&[json!({ "operation": "CreateVpc", "effect": "hang" })]);
    let mut command = folder.command(&APPLY);
    let mut first = command.stdout(Stdio::null()).spawn().expect("it starts");
    assert!(served.is_called("CreateVpc", 1, &mut first), "it ended before");
    holds(&folder, "locked", &[false]);
    first.kill().and_then(|()| first.wait()).expect("it ends");
}

#[test]
fn what_ends_a_run_is_as_it_is_quoted() {
    for (mark, operation, effect) in
        [("expired", "CreateNatGateway", "expired"), ("quota", "AllocateAddress", "quota")]
    {
        let served = Served::start();
        let folder = Folder::on(&served, FILE);
        served.faults(&[json!({ "operation": operation, "effect": effect })]);
        holds(&folder, mark, &[false]);
    }
}

#[test]
fn a_pool_without_machines_is_as_it_is_quoted() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    no_spot(&served);
    holds(&folder, "no spot", &[false]);
    holds(&folder, "no spot, again", &[true]);
}

#[test]
fn a_role_that_is_handed_over_is_as_it_is_quoted() {
    let (served, folder) = built();
    let boto = Boto::at_home(&served);
    let name = "provision-acme-prod-us-east-1-node";
    let keys = boto.call("iam", "list_role_tags", &json!({ "RoleName": name }))["Tags"].clone();
    let keys: Vec<_> = keys
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["Key"].clone())
        .filter(|key| key != "Name")
        .collect();
    boto.call("iam", "untag_role", &json!({ "RoleName": name, "TagKeys": keys }));
    holds(&folder, "adopted", &[true]);
}

#[test]
fn a_role_of_somebody_else_is_as_it_is_quoted() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
        "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
    let trust = trust.to_string();
    let name = "provision-acme-prod-us-east-1-node";
    let role = json!({ "RoleName": name, "AssumeRolePolicyDocument": trust });
    Boto::at_home(&served).call("iam", "create_role", &role);
    holds(&folder, "foreign", &[false]);
}

#[test]
fn a_lost_state_is_as_it_is_quoted() {
    let (_served, folder) = built();
    let all = folder.ok(&["state", "list"]);
    let state = folder.path("acme-prod.state.jsonl");
    fs::remove_file(&state).expect("it can be removed");
    holds(&folder, "lost", &[false]);
    let adopt = all.lines().flat_map(|address| ["--adopt", address]);
    let told = folder.ok(&APPLY.into_iter().chain(adopt).collect::<Vec<_>>());
    let [typed] = &typed(&document(DOCUMENT), "taken over")[..] else { panic!("one command") };
    assert!(typed.line.starts_with("provision apply --adopt"), "{}", typed.line);
    compare(typed, &told, plain);
}

#[test]
fn a_damaged_state_is_as_it_is_quoted() {
    let (_served, folder) = built();
    let state = folder.path("acme-prod.state.jsonl");
    let text = fs::read_to_string(&state).expect("there is a state");
    let lines: Vec<_> = text.lines().collect();
    fs::write(&state, [&lines[..4], &lines[5..]].concat().join("\n") + "\n")
        .expect("it is written");
    holds(&folder, "damaged", &[false]);
    holds(&folder, "restored", &[true, true]);
}

#[test]
fn a_protected_cluster_is_as_it_is_quoted() {
    let (_served, folder) = built();
    folder.write(&format!("{FILE}protect: true\n"));
    folder.ok(&APPLY);
    holds(&folder, "protected", &[false]);
    folder.write(&format!("{FILE}protect: false\n"));
    holds(&folder, "unprotected", &[true]);
}

#[test]
fn letting_support_in_is_as_it_is_quoted() {
    let served = Served::start();
    let support = "support: { access: admin, expires: 30d }\n";
    let folder = Folder::on(&served, &format!("{FILE}{support}"));
    holds(&folder, "support", &[true, true]);
    (0..7).for_each(|_| served.pass(5 * 24));
    holds(&folder, "support expired", &[true]);
}

#[test]
fn an_upgrade_is_as_it_is_quoted() {
    let cloud = Cloud::start();
    let mut folder = Folder::on(&cloud.served, &file("1.33", ""));
    folder.ok(&APPLY);
    folder.write(&file("1.35", ""));
    folder.set("PROVISION_TIME_SCALE", "1");
    holds(&folder, "upgrade", &[true]);
}

#[test]
fn volumes_that_stay_are_as_they_are_quoted() {
    let (served, folder) = built();
    served.event("acme-prod", "workload");
    holds(&folder, "volumes", &[true]);
}

#[test]
fn what_keeps_the_network_is_as_it_is_quoted() {
    let (served, folder) = built();
    let boto = Boto::at_home(&served);
    let ours = json!({ "Filters": [{ "Name": "tag:provision-address", "Values": ["vpc"] }] });
    let vpc = boto.call("ec2", "describe_vpcs", &ours)["Vpcs"][0]["VpcId"].clone();
    let theirs = json!({ "GroupName": "theirs", "Description": "of others", "VpcId": vpc });
    let group = boto.call("ec2", "create_security_group", &theirs)["GroupId"].clone();
    holds(&folder, "in the network", &[false]);
    boto.call("ec2", "delete_security_group", &json!({ "GroupId": group }));
    holds(&folder, "in the network, again", &[true]);
}

#[test]
fn a_node_group_of_somebody_else_is_as_it_is_quoted() {
    let (served, folder) = built();
    Boto::at_home(&served).make_node_group("gpu");
    holds(&folder, "node group", &[false]);
}
