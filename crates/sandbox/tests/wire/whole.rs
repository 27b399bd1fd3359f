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
    assert!(now["serial"].as_u64() > world["serial"].as_u64(), "what is made now is newer");
    assert_eq!(now["forgotten"], now["serial"], "and who watched looks anew");
    assert_eq!(other.form("ec2", make).status, 200, "and goes on there");
}

#[test]
fn what_is_no_world_is_refused_and_changes_nothing() {
    let sandbox = start();
    let client = Client::of(&sandbox);
    assert_eq!(client.form("ec2", "Action=CreateVpc&CidrBlock=10.0.0.0%2F16").status, 200);
    let (before, asked) = (get(&client, "world"), get(&client, "requests"));
    let mut newer = before.clone();
    newer["format"] = "provision.sandbox/v2".into();
    for text in [String::new(), "{}".to_owned(), newer.to_string()] {
        let reply = client.send("POST", "/_sandbox/world", &[], &text);
        assert_eq!(reply.status, 400, "{text}");
        assert!(reply.body.contains("this is not the world of a sandbox: "), "{}", reply.body);
    }
    assert_eq!(get(&client, "world"), before);
    assert_eq!(get(&client, "requests"), asked);
}
