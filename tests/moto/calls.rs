//! What is logged of calls, and what never is.
use crate::folder::Ran;
use crate::provision::{FILE, Folder};
use crate::proxy::{Fate, Proxy};
use crate::server::Moto;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

const SECRETS: [(&str, &str); 2] = [
    ("AWS_SECRET_ACCESS_KEY", "marker-of-the-secret-key"),
    ("AWS_SESSION_TOKEN", "marker-of-the-session-token"),
];

/// Reads lines of which each must be a JSON object.
fn objects(text: &str) -> Vec<Value> {
    let object = |line: &str| match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Value::Object(object),
        _ => panic!("{line} is not an object in {text}"),
    };
    text.lines().map(object).collect()
}

fn calls(ran: &Ran) -> Vec<Value> {
    objects(&ran.stderr).into_iter().filter(|line| line["message"] == "called").collect()
}

#[test]
fn every_call_is_one_line_with_its_request_id() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, |_| Fate::Pass);
    let mut folder = Folder::on(&moto, FILE);
    folder.set("AWS_ENDPOINT_URL", &proxy.url);
    let ran = folder.run(&["apply", "--auto-approve", "-vv", "--log-format", "json"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let calls = calls(&ran);
    assert_eq!(calls.len(), proxy.calls().values().sum::<usize>());
    // Moto 5.2 has no such call, and answers without an id.
    let served = calls.iter().filter(|call| call["operation"] != "DescribeClusterVersions");
    for call in served {
        for field in ["timestamp", "level", "service", "operation", "outcome", "request_id"] {
            assert!(call[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {call}");
        }
        assert!(call["ms"].is_u64() && call["status"].is_u64(), "{call}");
    }
    let of = |operation: &str, address: &str| {
        let is =
            |call: &&Value| call["operation"] == operation && call["span"]["address"] == address;
        calls.iter().filter(is).map(|call| call["level"].as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("CreateVpc", "vpc"), [Some("INFO")]);
    assert_eq!(of("CreateCluster", "cluster"), [Some("INFO")]);
    assert!(of("DescribeCluster", "cluster").contains(&Some("DEBUG")));
    let absent = calls.iter().find(|call| call["outcome"] == "ResourceNotFoundException");
    assert_eq!(absent.expect("a cluster that is not there")["status"], 404);

    let ran = folder.run(&["destroy", "--auto-approve", "-v"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let deleted = ran.stderr.lines().filter(|line| line.contains("operation=\"DeleteVpc\""));
    let deleted: Vec<_> = deleted.collect();
    assert_eq!(deleted.len(), 1, "{}", ran.stderr);
    for part in ["address=vpc", "service=\"EC2\"", "outcome=\"ok\"", "request_id=\""] {
        assert!(deleted[0].contains(part), "{part} is not in {}", deleted[0]);
    }
    assert!(!ran.stderr.contains("Describe"), "reads are detail");
}

#[test]
fn no_secret_is_logged_however_much_is_asked_for() {
    let moto = Moto::start();
    let mut folder = Folder::on(&moto, FILE);
    SECRETS.iter().for_each(|(name, value)| folder.set(name, value));
    folder.set("PROVISION_LOG", "trace");
    for format in ["text", "json"] {
        for command in [&["apply", "--auto-approve"][..], &["plan"], &["destroy", "--auto-approve"]]
        {
            let ran = folder.run(&[command, &["-vv", "--log-format", format]].concat());
            assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
            assert!(ran.stderr.contains("called"), "{}", ran.stderr);
            let secrets = SECRETS.iter().map(|(_, value)| *value);
            for never in secrets.chain(["AWS4-HMAC-SHA256", "uthorization", "Action="]) {
                assert!(!ran.stderr.contains(never), "{never} is in what {command:?} logged");
            }
        }
    }
}

/// Answers one call as AWS does when a signature is wrong, and returns where.
fn refusing() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    let thread = std::thread::spawn(move || {
        let (client, _) = listener.accept().expect("somebody calls");
        let mut lines = BufReader::new(&client).lines().map(|line| line.expect("a line"));
        let token = lines.find_map(|line| Some(line.split_once("security-token: ")?.1.to_owned()));
        lines.find(String::is_empty).expect("the headers end");
        let body = format!(
            "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.\n\n\
             The Canonical String for this request should have been x-amz-security-token:{}\
             </Message></Error></ErrorResponse>",
            token.expect("a token")
        );
        let head = format!("x-amzn-RequestId: r-4711\r\ncontent-length: {}\r\n", body.len());
        let answer = format!("HTTP/1.1 403 Forbidden\r\n{head}connection: close\r\n\r\n{body}");
        (&client).write_all(answer.as_bytes()).expect("it listens");
    });
    (url, thread)
}

#[test]
fn a_failed_call_is_told_with_its_request_id() {
    let moto = Moto::start();
    let mut folder = Folder::on(&moto, FILE);
    SECRETS.iter().for_each(|(name, value)| folder.set(name, value));
    let (url, thread) = refusing();
    folder.set("AWS_ENDPOINT_URL", &url);
    let ran = folder.run(&["plan", "-vv", "--log-format", "json"]);
    thread.join().expect("it answered");
    assert_eq!(ran.code, Some(77), "{}{}", ran.stdout, ran.stderr);
    let [call] = &calls(&ran)[..] else { panic!("not one call in {}", ran.stderr) };
    for (field, value) in [
        ("service", "STS".into()),
        ("operation", "GetCallerIdentity".into()),
        ("outcome", "SignatureDoesNotMatch".into()),
        ("status", Value::from(403)),
        ("request_id", "r-4711".into()),
    ] {
        assert_eq!(call[field], value, "{field}");
    }
    let error = objects(&ran.stderr).pop().expect("an error");
    assert_eq!(error["format"], "provision.error/v1");
    assert_eq!(error["requestId"], "r-4711");
    let told = "sts:GetCallerIdentity: SignatureDoesNotMatch: It does not match. (request r-4711)";
    assert_eq!(error["error"], told);
}
