//! Proxies, and certificates that only a company trusts.
use crate::folder::Ran;
use crate::provision::{FILE, Folder};
use crate::scope::with_header;
use crate::server::{Moto, python};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A name that leads nowhere but through the proxy.
const ENDPOINT: &str = "https://aws.test";

/// A proxy that reads along, in front of moto; it ends with its owner.
struct Inspector {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Inspector {
    fn start(moto: &Moto) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let port = moto.url.rsplit(':').next().expect("a port");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/moto/tls_proxy.py");
        let mut process = Command::new(python())
            .args([Path::new(script), Path::new(port), folder.path()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the proxy starts");
        let mut line = String::new();
        let out = process.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("it tells its port");
        let port = line.trim().parse().expect("a port");
        Self { process, port, folder }
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Returns where it was asked to connect to, and by whom, and forgets it.
    fn connects(&self) -> Vec<String> {
        let path = self.folder.path().join("connects");
        let lines = fs::read_to_string(&path).expect("it is there");
        fs::write(&path, "").expect("it can be written");
        lines.lines().map(str::to_owned).collect()
    }
}

impl Drop for Inspector {
    fn drop(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("the proxy ends");
    }
}

/// Runs a plan with these variables, and nothing that keeps it from a proxy.
fn plan(folder: &Folder, variables: &[(&str, &str)]) -> Ran {
    let mut command = folder.command(&["plan", "-v"]);
    command.env_remove("NO_PROXY").envs(variables.iter().copied());
    Ran::from(command.output().expect("it runs"))
}

fn dead_proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").to_string()
}

#[test]
fn a_proxy_that_reads_along_is_passed_with_its_certificate() {
    let moto = Moto::start();
    let proxy = Inspector::start(&moto);
    let folder = Folder::on(&moto, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let state = folder.path("acme-prod.state.jsonl");
    let text = fs::read_to_string(&state).expect("a state");
    let text = with_header(&text, "\"world\":\"loopback\"", "\"world\":\"vendor\"");
    fs::write(&state, text).expect("it can be written");

    let (authority, config) = (proxy.authority(), folder.path("config"));
    let authority = authority.to_str().expect("it is text");
    fs::write(&config, format!("[default]\nca_bundle = {authority}\n")).expect("it can be written");
    let url = format!("http://me:marker-of-a-password@127.0.0.1:{}", proxy.port);
    for trust in [
        ("AWS_CA_BUNDLE", authority),
        ("AWS_CONFIG_FILE", config.to_str().expect("it is text")),
        ("SSL_CERT_FILE", authority),
    ] {
        let ran = plan(&folder, &[("HTTPS_PROXY", &url), ("AWS_ENDPOINT_URL", ENDPOINT), trust]);
        assert_eq!(ran.code, Some(0), "{trust:?} {}{}", ran.stdout, ran.stderr);
        let connects = proxy.connects();
        assert!(!connects.is_empty());
        let expected = "aws.test:443 Basic bWU6bWFya2VyLW9mLWEtcGFzc3dvcmQ=";
        assert!(connects.iter().all(|line| line == expected), "{connects:?}");
        assert!(ran.stderr.contains(&format!("proxy=\"http://127.0.0.1:{}\"", proxy.port)));
        assert!(!ran.stderr.contains("marker-of"), "{}", ran.stderr);
    }
}

#[test]
fn what_keeps_a_call_from_its_server_is_named() {
    let moto = Moto::start();
    let proxy = Inspector::start(&moto);
    let folder = Folder::on(&moto, FILE);
    let url = format!("127.0.0.1:{}", proxy.port);
    let by = |variables: &[(&str, &str)]| {
        let ran = plan(&folder, &[&[("AWS_ENDPOINT_URL", ENDPOINT)], variables].concat());
        assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
        let error = ran.stderr.lines().find(|line| line.starts_with("error: "));
        error.unwrap_or_else(|| panic!("no error in {}", ran.stderr)).to_owned()
    };

    let error = by(&[("HTTPS_PROXY", &url)]);
    assert!(error.contains("invalid peer certificate: UnknownIssuer"), "{error}");
    assert!(error.contains("AWS_CA_BUNDLE"), "{error}");
    let connects = proxy.connects();
    let is_aws = |line: &String| line == "aws.test:443";
    assert!(!connects.is_empty() && connects.iter().all(is_aws), "{connects:?}");

    let error = by(&[("HTTPS_PROXY", &url), ("NO_PROXY", "other.test, aws.test")]);
    assert!(error.contains("dns error"), "{error}");
    assert_eq!(proxy.connects(), [""; 0], "it goes past the proxy");

    let error = by(&[("AWS_CA_BUNDLE", "/nowhere.pem")]);
    assert!(error.contains("AWS_CA_BUNDLE: /nowhere.pem cannot be read"), "{error}");
    let file = folder.path("provision.yaml");
    let error = by(&[("AWS_CA_BUNDLE", file.to_str().expect("it is text"))]);
    assert!(error.contains("holds no root certificate"), "{error}");

    let dead = dead_proxy();
    let error = by(&[("HTTPS_PROXY", &format!("http://me:marker-of-a-password@{dead}"))]);
    assert!(error.contains("Connection refused"), "{error}");
    assert!(error.ends_with(&format!("; HTTPS_PROXY is http://{dead}")), "{error}");
}

#[test]
fn what_is_on_this_machine_is_reached_without_a_proxy() {
    let moto = Moto::start();
    let proxy = Inspector::start(&moto);
    let folder = Folder::on(&moto, FILE);
    let dead = format!("http://{}", dead_proxy());
    let proxies = [("HTTP_PROXY", &*dead), ("HTTPS_PROXY", &*dead), ("ALL_PROXY", &*dead)];
    let ran = plan(&folder, &proxies);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);

    let (endpoint, authority) = (format!("https://localhost:{}", proxy.port), proxy.authority());
    let authority = authority.to_str().expect("it is text");
    let more = [("AWS_ENDPOINT_URL", &*endpoint), ("AWS_CA_BUNDLE", authority)];
    let ran = plan(&folder, &[&proxies[..], &more].concat());
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(proxy.connects(), [""; 0]);
}
