//! What a caller must be allowed to do is documented: every call that the provider can make, which
//! a whole life is held to, and what AWS asks of the caller besides.
use crate::folder::{FILE, Folder};
use crate::served::Served;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference.md");
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../providers/eks/src");
const BEGIN: &str = "<!-- permissions: accepted with INSTA_UPDATE=always -->\n```text\n";
const END: &str = "```\n<!-- end -->";

/// What no call is named after: AWS asks it of whoever makes another call.
const BESIDES: [&str; 7] = [
    // Tags that something is made with are set by it.
    "ec2:CreateTags",
    "eks:TagResource",
    "iam:TagOpenIDConnectProvider",
    "iam:TagRole",
    "kms:TagResource",
    "logs:TagResource",
    // EKS is handed roles, and takes them on.
    "iam:PassRole",
];

/// What EKS asks of whoever makes a cluster or a node group, once in an account or for a key.
const ONCE: [&str; 3] = ["ec2:RunInstances", "iam:CreateServiceLinkedRole", "kms:CreateGrant"];

/// Files that, one after the other, make use of everything.
fn files() -> [String; 4] {
    let own = "kubernetes: { secretsKey: own }\n";
    let role = "permissionsBoundary: \"arn:aws:iam::aws:policy/PowerUserAccess\"";
    [
        format!("{FILE}{own}eks: {{ irsa: true, {role} }}\n"),
        format!(
            "{FILE}{own}eks: {{ irsa: true }}\ntags: {{ team: a }}\nnetwork: {{ nat: per-zone }}\n\
             pools: {{ app: {{ max: 4 }}, driver: {{ diskGb: 150 }} }}\n"
        ),
        format!("{FILE}{own}eks: {{ irsa: true, {role} }}\nnetwork: {{ nat: per-zone }}\n"),
        format!("{FILE}{own}"),
    ]
}

/// Returns what a whole life asks for.
fn asked() -> BTreeSet<String> {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    for file in files() {
        folder.write(&file);
        folder.ok(&["apply", "--auto-approve"]);
    }
    served.event("acme-prod", "workload");
    folder.ok(&["destroy", "--auto-approve", "--delete-volumes"]);
    served.calls()
}

/// Collects the operations that sources name beside their calls. The stack and the trust of roles
/// name others: those that roles may do; and errors are told apart by the beginnings of some.
fn named(folder: &Path, all: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        match path.file_stem().and_then(|name| name.to_str()) {
            Some("classify" | "stack" | "tests") => {}
            _ if path.is_dir() => named(&path, all),
            _ => {
                let text = fs::read_to_string(&path).expect("it can be read");
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                all.extend(code.split('"').filter(|it| is_operation(it)).map(str::to_owned));
            }
        }
    }
}

fn is_operation(text: &str) -> bool {
    let Some((service, name)) = text.split_once(':') else { return false };
    let is_service = !service.is_empty() && service.bytes().all(|c| c.is_ascii_alphanumeric());
    let is_name = name.bytes().all(|c| c.is_ascii_alphanumeric());
    is_service && is_name && name.starts_with(|c: char| c.is_ascii_uppercase())
}

#[test]
fn permissions_are_documented() {
    let mut wanted = BTreeSet::new();
    named(Path::new(SOURCES), &mut wanted);
    wanted.retain(|it| !it.starts_with("sts:") || it == "sts:GetCallerIdentity");
    let untold: Vec<_> = asked().into_iter().filter(|it| !wanted.contains(it)).collect();
    assert!(untold.is_empty(), "calls under other names than the sources tell: {untold:?}");
    wanted.extend(BESIDES.iter().chain(&ONCE).map(ToString::to_string));
    let wanted: String = wanted.iter().map(|name| format!("{name}\n")).collect();
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the list begins");
    let (list, after) = rest.split_once(END).expect("the list ends");
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        let page = format!("{before}{BEGIN}{wanted}{END}{after}");
        fs::write(PAGE, page).expect("the page can be written");
    } else {
        assert_eq!(list, wanted, "accept the list with INSTA_UPDATE=always");
    }
}
