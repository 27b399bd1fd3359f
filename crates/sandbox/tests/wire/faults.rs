//! Faults that are about time.
use crate::client::Client;
use provision_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const MAKE: &str = "Action=CreateVpc&CidrBlock=10.0.0.0/16";

fn with(effect: &str) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(Settings::default()).expect("it starts");
    let client = Client::of(&sandbox);
    let faults = json!({ "faults": [{ "operation": "CreateVpc", "effect": effect }] });
    let reply = client.send("POST", "/_sandbox/faults", &[], &faults.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    (sandbox, client)
}

fn log(client: &Client) -> Vec<Value> {
    let reply = client.send("GET", "/_sandbox/requests", &[], "");
    serde_json::from_str(&reply.body).expect("it is JSON")
}

#[test]
fn a_call_that_hangs_does_nothing() {
    let (_sandbox, mut client) = with("hang");
    client.patience = Duration::from_secs(2);
    assert_eq!(client.form("ec2", MAKE).status, 0);
    let objects = client.send("GET", "/_sandbox/objects", &[], "").body;
    assert!(!objects.contains("ec2.vpc"), "{objects}");
    assert_eq!(log(&client)[0]["status"], 0);
}

#[test]
fn a_slow_call_takes_time_on_an_instant_clock_too() {
    let (_sandbox, client) = with("slow");
    let begun = Instant::now();
    assert_eq!(client.form("ec2", MAKE).status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    client.form("ec2", MAKE);
    let log = log(&client);
    let time = |at: usize| log[at]["time"].as_u64().unwrap_or_default();
    assert!(time(1) - time(0) >= 20_000, "{log:?}");
}
