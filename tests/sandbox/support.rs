//! How the vendor's support is let in, until its access expires, and not again by itself.
use crate::folder::{FILE, Folder, Ran};
use crate::kubeconfig::kubectl_with;
use crate::kubectl::Kubectl;
use crate::served::Served;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const BINDING: [&str; 2] = ["clusterrolebinding", "provision-support"];
const LET_IN: [&str; 3] = ["kubeconfig", "--support", "support.kubeconfig"];

fn file(expires: &str) -> String {
    format!("{FILE}support: {{ access: admin, expires: {expires} }}\n")
}

/// Returns who has the role.
fn holders(kubectl: &Kubectl) -> Value {
    let binding = kubectl.get(&BINDING);
    let names = binding["subjects"].as_array().into_iter().flatten();
    let name = |it: &Value| format!("{}/{}", it["namespace"], it["name"]).replace('"', "");
    names.map(|it| json!(name(it))).collect()
}

/// Runs kubectl as support.
fn support(folder: &Folder, served: &Served, arguments: &[&str]) -> Ran {
    kubectl_with(folder, served, "support.kubeconfig", arguments)
}

/// Asks whether support may do anything.
fn may(folder: &Folder, served: &Served) -> String {
    let ran = support(folder, served, &["auth", "can-i", "*", "*", "--all-namespaces"]);
    format!("{}{}", ran.stdout, ran.stderr)
}

#[test]
fn support_is_let_in_until_its_access_expires() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&APPLY);
    let ran = folder.run(&LET_IN);
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    folder.write(&file("8h"));
    let ran = folder.run(&LET_IN);
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    assert!(ran.stderr.contains("support is not let in yet"), "{}", ran.stderr);
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    let kubectl = Kubectl::on(&served);
    assert_eq!(holders(&kubectl), json!(["kube-system/provision-support"]));
    let account = kubectl.get(&["serviceaccount", "-n", "kube-system", "provision-support"]);
    assert_eq!(account["automountServiceAccountToken"], false);
    let secrets = kubectl.get(&["secrets", "--all-namespaces"]);
    assert_eq!(secrets["items"], json!([]), "no token stays");

    let ran = folder.run(&LET_IN);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("The access itself ends on 20"), "{}", ran.stderr);
    let path = folder.path("support.kubeconfig");
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(may(&folder, &served).starts_with("yes"), "{}", may(&folder, &served));

    served.pass(9);
    let told = may(&folder, &served);
    assert!(told.contains("Unauthorized") || told.contains("logged in"), "{told}");
    assert_eq!(folder.changes(), ["update support/cluster-role-binding: expired"]);
    let told = folder.ok(&["plan"]);
    assert!(told.contains("expired: - kube-system/provision-support on 20"), "{told}");
    folder.ok(&APPLY);
    assert_eq!((folder.plan(), holders(&kubectl)), (vec![], json!([])));
    let ran = folder.run(&LET_IN);
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    assert!(ran.stderr.contains("the access of support expired on"), "{}", ran.stderr);
}

#[test]
fn what_expired_is_granted_again_when_the_file_says_so_and_not_before() {
    let served = Served::start();
    let folder = Folder::on(&served, &file("3d"));
    folder.ok(&APPLY);
    let ran = folder.run(&LET_IN);
    assert!(ran.stderr.contains("writes another, until the access ends on"), "{}", ran.stderr);
    served.pass(9);
    assert!(may(&folder, &served).starts_with("yes"), "{}", may(&folder, &served));
    // What the file says is good for nothing until it is applied.
    folder.write(&file("365d"));
    let ran = folder.run(&LET_IN);
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    assert!(ran.stderr.contains("not applied yet as the file has it"), "{}", ran.stderr);
    // A shorter time is over already; the token is not.
    folder.write(&file("8h"));
    assert_eq!(folder.changes(), ["update support/cluster-role-binding: expires expired"]);
    folder.ok(&APPLY);
    assert!(may(&folder, &served).starts_with("no"), "{}", may(&folder, &served));
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(&served);
    assert_eq!(holders(&kubectl), json!([]));

    kubectl.ok(&["delete", BINDING[0], BINDING[1]]);
    assert_eq!(folder.changes(), ["create support/cluster-role-binding"]);
    folder.ok(&APPLY);
    assert_eq!((folder.plan(), holders(&kubectl)), (vec![], json!([])), "the account is as old");

    folder.write(&file("5d"));
    assert_eq!(folder.changes(), ["update support/cluster-role-binding: account expires"]);
    folder.ok(&APPLY);
    assert_eq!(holders(&kubectl), json!(["kube-system/provision-support"]));
    folder.ok(&LET_IN);
    assert!(may(&folder, &served).starts_with("yes"), "{}", may(&folder, &served));

    folder.write(FILE);
    let mut gone = folder.changes();
    gone.sort();
    assert_eq!(gone, ["delete support/cluster-role-binding", "delete support/service-account"]);
    folder.ok(&APPLY);
    let told = may(&folder, &served);
    assert!(told.contains("Unauthorized") || told.contains("logged in"), "{told}");
    folder.write(&file("8h"));
    folder.ok(&APPLY);
    assert_eq!(holders(&kubectl), json!(["kube-system/provision-support"]), "it begins anew");
    fs::write(folder.path("support.kubeconfig"), "apiVersion: v1\nkind: Config\npreferences: {}\n")
        .expect("it can be written");
    let ran = folder.run(&LET_IN);
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    assert!(ran.stderr.contains("was left as it is"), "{}", ran.stderr);
}

#[test]
fn others_are_put_out_of_the_role_and_what_others_made_is_refused() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(&served);
    let made = ["create", BINDING[0], BINDING[1], "--clusterrole=view", "--user=eve"];
    kubectl.ok(&made);
    folder.write(&file("8h"));
    let ran = folder.run(&["plan"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("--adopt support/cluster-role-binding"), "{}", ran.stderr);
    kubectl.ok(&["delete", BINDING[0], BINDING[1]]);
    folder.ok(&APPLY);
    let eve = r#"[{"op":"add","path":"/subjects/-","value":{"kind":"User","name":"eve","apiGroup":"rbac.authorization.k8s.io"}}]"#;
    kubectl.ok(&["patch", BINDING[0], BINDING[1], "--type=json", "-p", eve]);
    assert_eq!(folder.changes(), ["update support/cluster-role-binding: account"]);
    let told = folder.ok(&["plan"]);
    assert!(told.contains("kube-system/provision-support, eve →"), "{told}");
    folder.ok(&APPLY);
    assert_eq!(holders(&kubectl), json!(["kube-system/provision-support"]));
}
