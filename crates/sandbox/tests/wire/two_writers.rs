//! Two sandboxes that work on one world at once.
use crate::client::Client;
use provision_sandbox::{Sandbox, Settings};
use serde_json::Value;
use std::collections::BTreeSet;
use std::thread;

/// How many changes each of them makes.
const EACH: usize = 200;

#[test]
fn nothing_that_either_acknowledged_is_lost() {
    let folder = tempfile::tempdir().expect("there is room");
    let world = folder.path().join("acme.sandbox.json");
    let start = || {
        let settings = Settings { world: Some(world.clone()), ..Settings::default() };
        Sandbox::start(settings).expect("it starts")
    };
    let (one, other) = (start(), start());
    let make = |client: &Client, writer: &str| -> Vec<String> {
        let name = |n| format!("{writer}-{n}");
        (0..EACH)
            .map(|n| {
                let body = format!(r#"{{"logGroupName":"{}"}}"#, name(n));
                let reply = client.json("logs", "Logs_20140328.CreateLogGroup", &body);
                assert_eq!(reply.status, 200, "{}", reply.body);
                name(n)
            })
            .collect()
    };
    let made: BTreeSet<String> = thread::scope(|scope| {
        let writers = [(&one, "one"), (&other, "other")]
            .map(|(sandbox, writer)| scope.spawn(move || make(&Client::of(sandbox), writer)));
        writers.into_iter().flat_map(|writer| writer.join().expect("it ends")).collect()
    });
    assert_eq!(made.len(), 2 * EACH);
    for sandbox in [&one, &other, &start()] {
        let reply = Client::of(sandbox).send("GET", "/_sandbox/objects", &[], "");
        let objects: Vec<Value> = serde_json::from_str(&reply.body).expect("it is JSON");
        let groups = objects.iter().filter(|object| object["kind"] == "logs.group");
        let name = |id: &str| id.rsplit(':').next().unwrap_or_default().to_owned();
        let there: BTreeSet<String> =
            groups.filter_map(|group| group["id"].as_str()).map(name).collect();
        assert_eq!(there, made);
    }
}
