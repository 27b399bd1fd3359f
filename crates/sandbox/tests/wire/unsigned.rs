//! Who may ask, and how others are refused.
use crate::client::Client;
use provision_sandbox::{Sandbox, Settings};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn who_signs_nothing_is_told_so_in_their_protocol() {
    let sandbox = Sandbox::start(Settings::default()).expect("it starts");
    let client = Client::of(&sandbox);
    let vpcs = "Action=DescribeVpcs&Version=2016-11-15";
    let ec2 = client.send("POST", "/", &[FORM], vpcs);
    assert!(ec2.body.contains("<Errors><Error><Code>MissingAuthenticationToken"), "{}", ec2.body);
    let kms = client.send("POST", "/", &[("x-amz-target", "TrentService.ListKeys")], "{}");
    assert!(kms.body.contains(r#""__type":"MissingAuthenticationTokenException""#), "{}", kms.body);
    let eks = client.send("GET", "/clusters", &[], "");
    assert!(eks.body.starts_with(r#"{"message":"#), "{}", eks.body);
    let deep = format!("{}=x", "a.".repeat(500_000));
    let deep = client.send("POST", "/", &[FORM], &deep);
    assert_eq!(deep.status, 403, "{}", deep.body);
    assert_eq!(
        client.form("ec2", &format!("Action=DescribeVpcs&{}=x", "a.".repeat(20))).element("Code"),
        "MalformedQueryString"
    );
}

#[test]
fn control_can_be_switched_off_and_is_not_for_pages() {
    let start = |control| {
        let settings = Settings { control, ..Settings::default() };
        Sandbox::start(settings).expect("it starts")
    };
    let (with, without) = (start(true), start(false));
    let reset = |sandbox: &Sandbox, headers: &[(&str, &str)]| {
        Client::of(sandbox).send("POST", "/_sandbox/reset", headers, "").status
    };
    assert_eq!(reset(&with, &[]), 200);
    assert_eq!(reset(&with, &[("origin", "http://example.com")]), 403);
    assert_eq!(reset(&without, &[]), 404);
}
