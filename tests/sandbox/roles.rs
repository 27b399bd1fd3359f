//! Working as a role of another account: sessions that end and begin again, and who is kept out.
use crate::boto::Boto;
use crate::folder::{FILE, Folder, Ran};
use crate::rehearsal::Rehearsal;
use crate::served::Served;
use serde_json::json;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const ROLE: &str = "arn:aws:iam::210987654321:role/team/deploy";

fn working_as(word: &str) -> String {
    format!(
        "{FILE}eks:\n  account: \"210987654321\"\n  assumeRole: {{ arn: \"{ROLE}\", externalId: \
         {word} }}\n"
    )
}

/// Makes the role, which lets the account of the caller in, under a word.
fn prepared(served: &Served) {
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::123456789012:root" },
        "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "sts:ExternalId": "acme-word" } },
    });
    let trust = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let other = Boto { key: "other", ..Boto::at_home(served) };
    let role = json!({ "RoleName": "deploy", "Path": "/team/", "AssumeRolePolicyDocument": trust });
    other.call("iam", "create_role", &role);
    // Others hear of it later; on an instant clock it is requests that let time pass.
    for _ in 0..8 {
        other.call("iam", "get_role", &json!({ "RoleName": "deploy" }));
    }
}

/// Returns when each session began, in milliseconds of the world.
fn sessions(served: &Served) -> Vec<u64> {
    let requests = served.requests();
    let begun = requests.iter().filter(|it| it["operation"] == "AssumeRole");
    begun.map(|it| it["time"].as_u64().expect("it is a number")).collect()
}

fn kept_out(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(77), "{}{}", ran.stdout, ran.stderr);
    for word in words {
        assert!(ran.stderr.replace("\n      ", " ").contains(word), "{word}: {}", ran.stderr);
    }
}

#[test]
fn a_cluster_lives_in_the_account_of_a_role() {
    let served = Served::start();
    prepared(&served);
    let folder = Folder::on(&served, &working_as("acme-word"));
    let plan = folder.ok(&["plan"]);
    assert!(plan.contains("account 210987654321"), "{plan}");
    let before = served.objects();
    let ran = folder.run(&["apply", "--auto-approve", "-v"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("operation=\"AssumeRole\" outcome=\"ok\""), "{}", ran.stderr);
    // On an instant clock no session is known to last, so one begins after the other.
    assert!(sessions(&served).len() > 20);
    assert_eq!(folder.plan(), [""; 0]);
    let state = std::fs::read_to_string(folder.path("acme-prod.state.jsonl")).expect("a state");
    assert!(state.lines().next().is_some_and(|header| header.contains("210987654321")));

    std::fs::remove_file(folder.path("provision.yaml")).expect("it is there");
    folder.ok(&["destroy", "--auto-approve", "--state", "acme-prod.state.jsonl"]);
    assert_eq!(served.objects(), before);
}

#[test]
fn a_session_is_used_until_it_is_nearly_over() {
    let served = Served::at("60");
    prepared(&served);
    let folder = Folder::on(&served, &working_as("acme-word"));
    std::thread::sleep(std::time::Duration::from_secs(1));
    let before = served.operations().len();
    folder.ok(&["plan"]);
    let calls = served.operations().len() - before;
    assert!(calls > 20, "{calls} calls");
    assert_eq!(sessions(&served).len(), 1);
}

#[test]
fn a_session_that_ends_in_the_middle_of_a_run_is_followed_by_another() {
    let served = Served::at("120");
    prepared(&served);
    let at = |version: &str| {
        format!("{}kubernetes: {{ version: \"{version}\" }}\n", working_as("acme-word"))
    };
    let folder = Folder::on(&served, &at("1.34"));
    std::thread::sleep(std::time::Duration::from_secs(1));
    folder.ok(&APPLY);
    folder.write(&at("1.36"));
    let before = sessions(&served).len();
    folder.ok(&APPLY);
    // One for calls of AWS and one for calls of the cluster, and then others when those are nearly
    // over: an hour of the world is half a minute here.
    let begun = sessions(&served).split_off(before);
    assert!(begun.len() > 2, "{begun:?}");
    let soon = |times: &&[u64]| times[2] - times[0] < 10 * 60 * 1000;
    assert_eq!(begun.windows(3).find(soon), None, "{begun:?}");
    assert_eq!(folder.plan(), [""; 0]);
}

#[test]
fn who_is_kept_out_hears_why() {
    let served = Served::start();
    prepared(&served);
    let folder = Folder::on(&served, &working_as("other-word"));
    kept_out(
        &folder.run(&["plan"]),
        &["sts:AssumeRole: AccessDenied", "under the external id other-word", "trust policy"],
    );
    let fault = |nth: usize, effect: &str| {
        served.faults(&[json!({ "operation": "AssumeRole", "nth": nth, "effect": effect })]);
    };
    folder.write(&working_as("acme-word"));
    fault(1, "expired");
    kept_out(&folder.run(&["plan"]), &["sts:AssumeRole: ExpiredToken", "own credentials failed"]);
    fault(15, "expired");
    kept_out(&folder.run(&APPLY), &["sts:AssumeRole: ExpiredToken", "own credentials failed"]);
    for effect in ["throttle", "cut-after", "error-before"] {
        fault(10, effect);
        folder.ok(&["apply", "--auto-approve"]);
        assert_eq!(served.faults_left(), [json!(null); 0], "{effect} in the middle of the run");
        folder.ok(&["destroy", "--auto-approve"]);
    }
}

#[test]
fn a_rehearsal_needs_no_other_account() {
    let folder = Rehearsal::of(&working_as("acme-word"));
    assert!(folder.ok(&["plan"]).contains("account 210987654321"));
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    std::fs::remove_file(folder.path("provision.yaml")).expect("it is there");
    folder.ok(&["destroy", "--auto-approve", "--state", "acme-prod.sandbox.state.jsonl"]);

    let folder = Rehearsal::of(&format!("{FILE}eks: {{ account: \"000000000012\" }}\n"));
    assert!(folder.ok(&["plan"]).contains("account 000000000012"));
    folder.ok(&APPLY);
    std::fs::remove_file(folder.path("provision.yaml")).expect("it is there");
    folder.ok(&["destroy", "--auto-approve", "--state", "acme-prod.sandbox.state.jsonl"]);
}
