//! A world as a whole: it is taken out of a sandbox, and put into another.
use crate::client::Client;
use provision_sandbox::{Sandbox, Settings};
use serde_json::Value;

fn start() -> Sandbox {
    Sandbox::start(Settings::default()).expect("it starts")
}

fn get(client: &Client, what: &str) -> Value {
    let reply = client.send("GET", &format!("/_sandbox/{what}"), &[], "");
    assert_eq!(reply.status, 200, "{}", reply.body);
    serde_json::from_str(&reply.body).expect("it is JSON")
}

#[test]
fn a_world_goes_on_in_another_sandbox() {
    let (one, other) = (start(), start());
    let (one, other) = (Client::of(&one), Client::of(&other));
    let make = "Action=CreateVpc&CidrBlock=10.0.0.0%2F16";
    assert_eq!(one.form("ec2", make).status, 200);
    assert_eq!(other.form("ec2", make).status, 200);
    let world = get(&one, "world");
    let put = other.send("POST", "/_sandbox/world", &[], &world.to_string());
    assert_eq!((put.status, put.body.as_str()), (200, "{}"));
    assert_eq!(get(&other, "objects"), get(&one, "objects"));
    assert_eq!(get(&other, "requests"), Value::Array(Vec::new()), "what was asked is of another");
    let now = get(&other, "world");
    assert_eq!(now["objects"], world["objects"]);
    assert!(now["serial"].as_u64() > world["serial"].as_u64(), "whoever watches sees it");
    assert_eq!(other.form("ec2", make).status, 200, "and goes on there");
}

#[test]
fn what_is_no_world_is_refused_and_changes_nothing() {
    let sandbox = start();
    let client = Client::of(&sandbox);
    let before = get(&client, "world");
    for text in ["", "{}", r#"{"format":"provision.sandbox/v2"}"#] {
        assert_eq!(client.send("POST", "/_sandbox/world", &[], text).status, 400, "{text}");
    }
    assert_eq!(get(&client, "world"), before);
}
