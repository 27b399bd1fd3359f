//! What our requests say, judged by the vendor's models and compared with the vendor's CLI.
#[path = "../common/cloud.rs"]
mod cloud;
#[path = "../common/folder.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod folder;
#[path = "../moto/provision.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod provision;
#[path = "../common/recorder.rs"]
mod recorder;
#[path = "../common/relay.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod relay;
#[path = "../common/server.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod server;

use aws_credential_types::Credentials;
use provision::{FILE, Folder};
use recorder::Recorder;
use serde_json::{Value, json};
use server::{Moto, python};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const DESTROY: [&str; 2] = ["destroy", "--auto-approve"];

/// Why no run here sends it: the runs on the sandbox do, where it is judged too.
const UNSERVED: &str = "moto knows no add-ons, access entries, Pod Identity and scaling groups";
/// Why nothing is sent here about what a living cluster leaves behind.
const LEFTOVERS: &str = "nothing lives in moto's clusters; the sandbox's workload leaves some";
/// What the provider can send and no run here does, and why.
const UNREACHED: &[(&str, &str)] = &[
    ("autoscaling:CreateOrUpdateTags", UNSERVED),
    ("autoscaling:DeleteTags", UNSERVED),
    ("autoscaling:DescribeTags", UNSERVED),
    ("ec2:DeleteNetworkInterface", LEFTOVERS),
    ("ec2:DeleteSecurityGroup", LEFTOVERS),
    ("ec2:DeleteVolume", LEFTOVERS),
    ("ec2:RevokeSecurityGroupEgress", LEFTOVERS),
    ("ec2:RevokeSecurityGroupIngress", LEFTOVERS),
    ("eks:AssociateAccessPolicy", UNSERVED),
    ("eks:CreateAccessEntry", UNSERVED),
    ("eks:CreateAddon", UNSERVED),
    ("eks:CreatePodIdentityAssociation", UNSERVED),
    ("eks:DeleteAccessEntry", UNSERVED),
    ("eks:DeleteAddon", UNSERVED),
    ("eks:DeletePodIdentityAssociation", UNSERVED),
    ("eks:DescribeAddonVersions", UNSERVED),
    ("eks:DisassociateAccessPolicy", UNSERVED),
    ("eks:ListAccessPolicies", UNSERVED),
    ("eks:UpdateAddon", UNSERVED),
    ("eks:UpdateClusterVersion", "the intent raises no version"),
    ("eks:UpdateNodegroupVersion", "moto cannot give a node group another template"),
    ("eks:UpdatePodIdentityAssociation", UNSERVED),
    ("elasticloadbalancing:DeleteLoadBalancer", LEFTOVERS),
    ("elasticloadbalancing:DeleteTargetGroup", LEFTOVERS),
    ("elasticloadbalancing:DescribeLoadBalancers", LEFTOVERS),
    ("elasticloadbalancing:DescribeTags", LEFTOVERS),
    ("elasticloadbalancing:DescribeTargetGroups", LEFTOVERS),
    ("iam:DeleteRolePermissionsBoundary", "the intent has no boundary that comes or goes"),
    ("iam:PutRolePermissionsBoundary", "the intent has no boundary that comes or goes"),
    ("kms:DisableKeyRotation", "the stack wants every key to rotate"),
    ("kms:UpdateAlias", "an alias of a key that is not ours is refused"),
    ("logs:DeleteRetentionPolicy", "the stack wants every log to end"),
];

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/aws").join(file)
}

fn intent() -> String {
    fs::read_to_string(here("intent.yaml")).expect("it is there")
}

/// The change that `same_intent.sh` makes at its end.
fn changed_intent() -> String {
    intent()
        .replace("nat: per-zone", "nat: single")
        .replace("max: 2,", "max: 6,")
        .replace("team: data", "team: data, tier: one")
        .replace("value: \"true\"", "value: \"yes\"")
}

/// Runs one of the Python files beside this one, and returns the JSON that it prints.
fn run(file: &str, arguments: &[&Path]) -> Value {
    let mut command = Command::new(python());
    command.arg(here(file)).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output().expect("python runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{file}: {errors}");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// A moto with a recorder before it, and the program in a folder that knows the recorder alone.
struct Stage {
    recorder: Recorder,
    moto: Moto,
}

impl Stage {
    fn new() -> Self {
        let moto = Moto::start();
        Self { recorder: Recorder::start(&moto.url), moto }
    }

    fn folder(&self, file: &str) -> Folder {
        let mut folder = Folder::on(&self.moto, file);
        folder.set("AWS_ENDPOINT_URL", &self.recorder.url);
        folder
    }

    fn write(&self, to: &Path) {
        fs::write(to, self.recorder.lines()).expect("the recording can be written");
    }
}

#[test]
fn the_judge_finds_each_kind_of_bad_request() {
    let told = run("bad_requests.py", &[]);
    assert_eq!(told["missed"], json!([]), "{told:#}");
    assert!(told["bad"].as_u64() > Some(30));
}

/// Makes the cluster of the intent and changes it. What is recorded until then is compared.
fn make_and_change(folder: &Folder) {
    folder.ok(&APPLY);
    folder.write(&changed_intent());
    folder.ok(&APPLY);
}

/// Has the program send what else it can: repairs, other updates, and removals.
///
/// Moto 5.2 knows neither tags of node groups nor the encryption of a cluster that is there, so some
/// of these runs fail; what counts is what they send.
fn send_the_rest(stage: &Stage, folder: &Folder) {
    stage.moto.python(here("drift.py").to_str().expect("it is text"), &["eu-west-1", "acme-dev"]);
    folder.ok(&APPLY);
    let retagged = changed_intent().replace("tags: { team", "tags: { owner");
    folder.write(&retagged.replace("203.0.113.0", "198.51.100.0"));
    folder.run(&APPLY);
    folder.ok(&DESTROY);

    let folder = stage.folder(FILE);
    folder.ok(&APPLY);
    folder.write(&format!("{FILE}kubernetes: {{ secretsKey: own }}\n"));
    folder.run(&APPLY);
    folder.ok(&DESTROY);
}

/// Makes and changes the same with the AWS CLI.
fn by_hand(stage: &Stage, home: &Path) {
    let mut script = Command::new("timeout");
    stage.moto.environment(&mut script);
    script
        .args(["900", "bash"])
        .arg(here("same_intent.sh"))
        .env("PYTHON", python())
        .env("HOME", home);
    let output = script.env("AWS_ENDPOINT_URL", &stage.recorder.url).output().expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Both ways of making a cluster take half a minute each, so they are one test.
#[test]
fn every_request_is_right_and_means_what_the_vendors_cli_means() {
    let (ours, theirs) = (Stage::new(), Stage::new());
    let kept = tempfile::tempdir().expect("a folder can be made");
    let [compared, all, other] = ["compared", "all", "other"].map(|name| kept.path().join(name));
    std::thread::scope(|scope| {
        scope.spawn(|| by_hand(&theirs, kept.path()));
        let folder = ours.folder(&intent());
        make_and_change(&folder);
        ours.write(&compared);
        send_the_rest(&ours, &folder);
    });
    ours.write(&all);
    theirs.write(&other);

    let sources = here("../../providers/eks/src");
    let verdict = run("judge.py", &[&sources, &all, &other]);
    assert_eq!(verdict["findings"], json!([]), "{verdict:#}");
    assert!(verdict["judged"].as_u64() > Some(500), "{verdict:#}");
    let unreached: Vec<_> = UNREACHED.iter().map(|(operation, _)| *operation).collect();
    assert_eq!(verdict["unjudged"], json!(unreached));

    let table = here("../../docs/requests.md");
    let told = run("compare.py", &[&compared, &other, &table]);
    assert_eq!((&told["unexplained"], &told["stale"]), (&json!([]), &json!([])), "{told:#}");
    let made = told["made"].as_array().expect("two numbers");
    assert!(made.iter().all(|count| count.as_u64() > Some(30)), "{told:#}");

    let wrong = kept.path().join("wrong.md");
    let text = fs::read_to_string(table).expect("it is there");
    fs::write(&wrong, text.replace("| `50` |", "| `51` |")).expect("it can be written");
    let told = run("compare.py", &[&compared, &other, &wrong]);
    let row = |size: &str| json!([["node group", "diskSize", "—", size]]);
    assert_eq!((&told["unexplained"], &told["stale"]), (&row("50"), &row("51")));
}

/// Every partition that botocore knows too, without a session and with one.
#[tokio::test]
async fn a_token_for_a_cluster_is_the_one_that_botocore_signs() {
    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    let regions = ["us-east-1", "eu-central-2", "us-gov-west-1", "cn-north-1", "us-iso-east-1"];
    for (n, region) in regions.into_iter().enumerate() {
        let (session, time) = (["", "a/token+with=signs"][n % 2], 1_800_000_000 + n as u64);
        let token = Some(session.to_owned()).filter(|token| !token.is_empty());
        let credentials = Credentials::new(KEY, "not-a-secret", token, None, "test");
        let at = UNIX_EPOCH + Duration::from_secs(time);
        let ours = provision_eks::token(&credentials, region, "acme-prod", at).await;
        let (ours, time) = (ours.expect("it can be made"), time.to_string());
        let words = ["acme-prod", region, KEY, "not-a-secret", session, &time, &ours];
        let both = run("presigned.py", &words.map(Path::new));
        assert_eq!(both["prefix"], "k8s-aws-v1");
        assert_eq!(both["ours"], both["theirs"], "{region}");
        assert!(both["ours"].as_array().is_some_and(|parts| parts.len() > 8), "{both}");
    }
}
