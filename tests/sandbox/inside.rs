//! What is inside a cluster: made in the apply that makes the cluster, looked after, and never taken
//! from somebody else.
use crate::boto::Boto;
use crate::cloud::environment;
use crate::folder::{FILE, Folder};
use crate::kubectl::Kubectl;
use crate::rehearsal::Rehearsal;
use crate::served::Served;
use crate::server::python;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
const TOKEN: &str = "secrets: { registryToken: { env: REGISTRY_TOKEN } }\n\
                     support: { access: admin }\n";

/// A cluster with everything inside.
fn made(served: &Served) -> Folder {
    let mut folder = Folder::on(served, &format!("{FILE}{TOKEN}"));
    folder.set("REGISTRY_TOKEN", "one-token");
    folder.ok(&APPLY);
    folder
}

fn is_default(kubectl: &Kubectl, class: &str) -> Value {
    kubectl.get(&["storageclass", class])["metadata"]["annotations"][DEFAULT].clone()
}

/// Returns how often the Kubernetes API was called.
fn calls_inside(served: &Served) -> usize {
    served.requests().iter().filter(|request| request["service"] == "kubernetes").count()
}

#[test]
fn one_apply_makes_the_cluster_and_what_is_inside() {
    let served = Served::start();
    let folder = made(&served);
    let kubectl = Kubectl::on(&served);
    let class = kubectl.get(&["storageclass", "fast"]);
    assert_eq!(class["provisioner"], "ebs.csi.aws.com");
    assert_eq!(class["parameters"], json!({ "type": "gp3", "encrypted": "true" }));
    assert_eq!(class["volumeBindingMode"], "WaitForFirstConsumer");
    assert_eq!(class["allowVolumeExpansion"], true);
    let managers = &class["metadata"]["managedFields"];
    assert_eq!(
        (&managers[0]["manager"], &managers[0]["operation"]),
        (&json!("provision"), &json!("Apply"))
    );
    assert_eq!(kubectl.get(&["storageclass", "fast-retain"])["reclaimPolicy"], "Retain");
    assert_eq!(["fast", "fast-retain"].map(|it| is_default(&kubectl, it)), ["true", "false"]);
    let namespace = kubectl.get(&["namespace", "qualytics"]);
    let enforced = &namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"];
    assert_eq!(enforced, "baseline");
    let secret = kubectl.get(&["secret", "-n", "qualytics", "regcred"]);
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    for marked in [&class, &namespace, &secret] {
        let annotations = &marked["metadata"]["annotations"];
        assert_eq!(annotations["provision-cluster"], "acme-prod", "{annotations}");
        assert!(annotations["provision-lineage"].is_string(), "{annotations}");
    }
    assert_eq!(folder.plan(), [""; 0]);

    let so_far = calls_inside(&served);
    folder.ok(&["plan"]);
    assert_eq!(calls_inside(&served) - so_far, 12, "one for each kind");
    folder.ok(&["destroy", "--auto-approve"]);
    assert_eq!(calls_inside(&served), so_far + 12, "what goes with its cluster is not called");
}

/// Somebody else changes what is ours, each in another way.
fn others_change(kubectl: &Kubectl) {
    let to = format!("{DEFAULT}=false");
    kubectl.ok(&["annotate", "--overwrite", "storageclass", "fast", &to]);
    let shrink = r#"{"allowVolumeExpansion":false}"#;
    kubectl.ok(&["patch", "storageclass", "fast", "--type=merge", "-p", shrink]);
    kubectl.ok(&["delete", "storageclass", "fast-retain"]);
    let enforce = "pod-security.kubernetes.io/enforce=privileged";
    kubectl.ok(&["label", "--overwrite", "namespace", "qualytics", enforce, "team=theirs"]);
    let data = r#"{"data":{".dockerconfigjson":"e30="}}"#;
    kubectl.ok(&["patch", "secret", "-n", "qualytics", "regcred", "--type=merge", "-p", data]);
    kubectl.ok(&["delete", "-n", "kube-system", "rolebinding", "cluster-autoscaler"]);
    let image = "cluster-autoscaler=registry.k8s.io/autoscaling/cluster-autoscaler:v1.29.0";
    kubectl.ok(&["set", "image", "-n", "kube-system", "deployment/cluster-autoscaler", image]);
}

#[test]
fn drift_is_shown_exactly_and_repaired() {
    let served = Served::start();
    let mut folder = made(&served);
    let kubectl = Kubectl::on(&served);
    others_change(&kubectl);
    let mut changes = folder.changes();
    changes.sort();
    let wanted = [
        "create autoscaler/role-binding",
        "create default-storage-class",
        "create storage-class/fast-retain",
        "update autoscaler/deployment: fields",
        "update namespace/qualytics: labels",
        "update secret/regcred: registry user password",
        "update storage-class/fast: expandable",
    ];
    assert_eq!(changes, wanted);
    let told = folder.ok(&["plan"]);
    for line in [
        "enforce: privileged →",
        "expandable: false → true",
        "something else → the token",
        "v1.29.0",
    ] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    assert_eq!(is_default(&kubectl, "fast"), "true");
    let labels = kubectl.get(&["namespace", "qualytics"])["metadata"]["labels"].clone();
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "baseline");
    assert_eq!(labels["team"], "theirs", "what others add is left alone");

    folder.set("REGISTRY_TOKEN", "another-token");
    assert_eq!(folder.changes(), ["update secret/regcred: password"]);
    folder.ok(&APPLY);
    folder.set("REGISTRY_TOKEN", "");
    assert_eq!(folder.plan(), [""; 0], "an empty one is none");
}

#[test]
fn what_others_have_is_refused_by_name_and_taken_over_when_asked() {
    let served = Served::start();
    let folder = Folder::on(&served, &format!("{FILE}inCluster: false\n"));
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(&served);
    kubectl.ok(&["create", "namespace", "qualytics"]);
    let class = json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": "fast" }, "provisioner": "ebs.csi.aws.com",
        "parameters": { "type": "gp3", "encrypted": "true" },
        "volumeBindingMode": "WaitForFirstConsumer" });
    kubectl.create(&class);
    kubectl.ok(&["annotate", "storageclass", "gp2", &format!("{DEFAULT}=true")]);
    folder.write(FILE);
    let ran = folder.run(&["plan"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    let adopted = ["namespace/qualytics", "storage-class/fast", "default-storage-class"];
    for address in &adopted[..2] {
        assert!(ran.stderr.contains(&format!("--adopt {address}")), "{address}: {}", ran.stderr);
    }
    assert!(ran.stderr.contains("kubectl-create looks after it"), "{}", ran.stderr);
    assert_eq!(is_default(&kubectl, "gp2"), "true", "it is not touched");

    let adopt = adopted.iter().flat_map(|address| ["--adopt", address]);
    folder.ok(&APPLY.into_iter().chain(adopt).collect::<Vec<_>>());
    assert_eq!(["fast", "gp2"].map(|it| is_default(&kubectl, it)), ["true", "false"]);
    assert_eq!(folder.plan(), [""; 0]);

    folder.ok(&["state", "forget", "storage-class/fast"]);
    let class = kubectl.get(&["storageclass", "fast"]);
    assert!(class["metadata"]["annotations"]["provision-lineage"].is_null(), "{class}");
}

#[test]
fn a_default_class_of_others_is_told_and_left_alone() {
    let served = Served::start();
    let folder = Folder::on(&served, &format!("{FILE}inCluster: false\n"));
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(&served);
    kubectl.ok(&["annotate", "storageclass", "gp2", &format!("{DEFAULT}=true")]);
    folder.write(FILE);
    let told = folder.ok(&["plan"]);
    for words in ["Left alone", "gp2 is not ours", "--adopt default-storage-class"] {
        assert!(told.contains(words), "{words} is not in {told}");
    }
    let plan: Value = serde_json::from_str(&folder.ok(&["plan", "--json"])).expect("it is JSON");
    assert!(plan["yields"]["default-storage-class"].is_string(), "{plan:#}");
    folder.ok(&APPLY);
    assert_eq!(["fast", "gp2"].map(|it| is_default(&kubectl, it)), ["false", "true"]);
    assert_eq!(folder.plan(), [""; 0]);
    let shrink = r#"{"allowVolumeExpansion":false}"#;
    kubectl.ok(&["patch", "storageclass", "fast", "--type=merge", "-p", shrink]);
    folder.ok(&APPLY);
    assert_eq!(is_default(&kubectl, "fast"), "false", "what repairs it makes it no second default");
    folder.write(&format!("{FILE}storageClasses: []\n"));
    folder.ok(&APPLY);
    assert_eq!(is_default(&kubectl, "gp2"), "true");

    folder.write(FILE);
    folder.ok(&APPLY);
    kubectl.ok(&["annotate", "--overwrite", "storageclass", "gp2", &format!("{DEFAULT}=false")]);
    assert_eq!(folder.plan(), ["create default-storage-class"], "now there is none");
    folder.ok(&APPLY);
    assert_eq!(["fast", "gp2"].map(|it| is_default(&kubectl, it)), ["true", "false"]);
    kubectl.ok(&["annotate", "--overwrite", "storageclass", "gp2", &format!("{DEFAULT}=true")]);
    assert_eq!(folder.plan(), [""; 0]);
    folder.ok(&["apply", "--auto-approve", "--adopt", "default-storage-class"]);
    assert_eq!(["fast", "gp2"].map(|it| is_default(&kubectl, it)), ["true", "false"]);
}

#[test]
fn a_class_of_snapshots_comes_with_what_makes_them() {
    let served = Served::start();
    let addons = |more: &str| {
        let some = "vpc-cni, kube-proxy, eks-pod-identity-agent, coredns, aws-ebs-csi-driver";
        format!("{FILE}eks: {{ addons: [{some}{more}] }}\n")
    };
    let folder = Folder::on(&served, &addons(", snapshot-controller"));
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(&served);
    let class = kubectl.get(&["volumesnapshotclass", "snapshots"]);
    assert_eq!(
        (&class["driver"], &class["deletionPolicy"]),
        (&json!("ebs.csi.aws.com"), &json!("Delete"))
    );
    assert_eq!(folder.plan(), [""; 0]);
    folder.write(&addons(""));
    let mut steps = folder.plan();
    steps.sort();
    assert_eq!(steps, ["delete addon/snapshot-controller", "delete snapshot-class/snapshots"]);
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
}

#[test]
fn a_namespace_that_goes_is_a_loss_and_none_is_lost_where_protected() {
    let served = Served::start();
    let folder = Folder::on(&served, &format!("{FILE}protect: true\n"));
    folder.ok(&APPLY);
    folder.write(&format!("{FILE}protect: true\ninCluster: false\n"));
    for command in [&["plan"][..], &APPLY] {
        let ran = folder.run(command);
        assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
        let words = "is protected, and namespace qualytics goes with everything in it";
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    folder.write(&format!("{FILE}inCluster: false\n"));
    assert_eq!(folder.run(&APPLY).code, Some(1), "protection is on record");
    folder.write(FILE);
    folder.ok(&APPLY);
    folder.write(&format!("{FILE}inCluster: false\n"));
    let told = folder.ok(&["plan"]);
    let lost = told.split("Will be lost").nth(1).expect("it is told");
    assert!(lost.contains("qualytics  goes with everything in it"), "{told}");
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
}

#[test]
fn a_cluster_that_is_made_again_is_a_loss_and_a_protected_one_is_not() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&APPLY);
    let told = folder.ok(&["plan", "--replace", "cluster"]);
    let (steps, lost) = told.split_once("Will be lost").expect("it is told");
    for words in
        ["cluster  acme-prod", "goes with everything that runs on it", "go with their disks"]
    {
        assert!(lost.contains(words), "{words} is not in {told}");
    }
    assert!(steps.contains("goes with what it is in, and is made again"), "{told}");
    assert!(!told.contains("drifted") && !lost.contains("logged"), "{told}");
    let logs = folder.ok(&["plan", "--replace", "log-group"]);
    assert!(logs.contains("go with everything logged so far"), "{logs}");
    let there = served.objects();

    folder.write(&format!("{FILE}protect: true\n"));
    let words = ["cluster acme-prod is protected"];
    folder.run(&["destroy", "--auto-approve"]).refused(1, &words);
    let plan = folder.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, Some(2), "protection is not on record yet: {}", plan.stdout);
    assert!(plan.stdout.contains("The next apply records what is told above."), "{}", plan.stdout);
    folder.run(&["apply", "--replace", "cluster", "--auto-approve"]).refused(1, &words);
    folder.ok(&APPLY);
    assert_eq!(folder.run(&["plan", "--detailed-exitcode"]).code, Some(0));
    folder.run(&["apply", "--replace", "cluster", "--auto-approve"]).refused(1, &words);
    assert_eq!(served.objects(), there);
    let pool = folder.ok(&["plan", "--replace", "pool/app/1c688e46"]);
    assert!(pool.contains("replaces pool/app/1c688e46"), "nodes come again: {pool}");
}

#[test]
fn what_another_state_made_is_refused_by_name() {
    let served = Served::start();
    let folder = made(&served);
    std::fs::remove_file(folder.path("acme-prod.state.jsonl")).expect("there is a state");
    let refused = |adopted: &[String]| {
        let adopt = adopted.iter().flat_map(|address| ["--adopt", address]);
        let ran = folder.run(&["plan", "--json"].into_iter().chain(adopt).collect::<Vec<_>>());
        assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
        let error: Value = serde_json::from_str(&ran.stderr).expect("an error is JSON");
        let causes = error["causes"].as_array().expect("a list").iter();
        let of = |it: &Value| it.as_str()?.split(": ").next().map(str::to_owned);
        causes.filter_map(of).collect::<Vec<_>>()
    };
    let all = refused(&[]);
    let is_inside = |it: &&String| {
        let inside = ["autoscaler/", "namespace/", "secret/", "storage-class/", "support/"];
        inside.iter().any(|group| it.starts_with(group))
    };
    let inside: Vec<_> = all.iter().filter(is_inside).cloned().collect();
    assert_eq!(inside.len(), 12, "{all:?}");
    let outside: Vec<_> = all.iter().filter(|it| !is_inside(it)).cloned().collect();
    assert_eq!(refused(&outside), inside, "whoever takes the cluster over has not what is in it");
    let adopt = all.iter().flat_map(|address| ["--adopt", address]);
    folder.ok(&APPLY.into_iter().chain(adopt).collect::<Vec<_>>());
    assert_eq!(folder.plan(), [""; 0]);
}

#[test]
fn a_cluster_that_lets_nobody_in_is_unknown_until_the_way_in_is_mended() {
    let served = Served::start();
    let folder = made(&served);
    let boto = Boto::at_home(&served);
    let entry = json!({ "clusterName": "acme-prod",
        "principalArn": "arn:aws:iam::123456789012:user/sandbox" });
    boto.call("eks", "delete_access_entry", &entry);
    for _ in 0..4 {
        boto.call("eks", "list_access_entries", &json!({ "clusterName": "acme-prod" }));
    }
    let ran = folder.run(&["plan", "--json"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    let plan: Value = serde_json::from_str(&ran.stdout).expect("a plan is JSON");
    let unknown = plan["unknown"].as_object().expect("a map");
    assert!(unknown["namespace/qualytics"].to_string().contains("Unauthorized"), "{unknown:?}");
    let steps = plan["steps"].as_array().expect("a list");
    let of: Vec<_> = steps.iter().map(|step| step["address"].clone()).collect();
    assert_eq!(of, ["access-entry/user/123456789012/sandbox"]);
    let told = folder.ok(&APPLY);
    assert!(told.contains("Then another: 13 could not be observed yet."), "{told}");
    assert_eq!(folder.plan(), [""; 0], "the same run saw them once it was let in");
}

#[test]
fn whoever_leaves_themselves_out_is_told_before_anything_is_made() {
    let folder = Rehearsal::of(FILE);
    let warned = |whom: &str| {
        let principal = format!("arn:aws:iam::123456789012:user/{whom}");
        let its = format!("principal: {principal:?}, policy: AmazonEKSClusterAdminPolicy");
        folder.write(&format!("{FILE}eks: {{ access: [{{ {its} }}] }}\n"));
        let told = folder.ok(&["plan"]);
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        let sandbox = "arn:aws:iam::123456789012:user/sandbox, who runs this";
        told.contains(&format!("does not give AmazonEKSClusterAdminPolicy to {sandbox}"))
    };
    assert!(warned("ann") && !warned("sandbox"));
}

/// Returns an executor of the platform's Spark.
fn executor(name: &str) -> Value {
    let requests = json!({ "cpu": "7", "memory": "60500Mi" });
    let container =
        json!({ "name": "spark", "image": "spark", "resources": { "requests": requests } });
    json!({ "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "qualytics" },
        "spec": { "nodeSelector": { "executorNodes": "true" }, "containers": [container] } })
}

/// Returns the phase of a pod, after looking for a while for the one that is hoped for.
fn phase(kubectl: &Kubectl, pod: &str, hoped: &str) -> String {
    let look = || {
        let pod = kubectl.get(&["pod", "-n", "qualytics", pod]);
        pod["status"]["phase"].as_str().unwrap_or_default().to_owned()
    };
    (0..60).map(|_| look()).find(|phase| phase == hoped).unwrap_or_else(look)
}

#[test]
fn executors_that_find_no_node_get_one_while_the_autoscaler_is_as_it_was_made() {
    let served = Served::start();
    let folder = made(&served);
    let kubectl = Kubectl::on(&served);
    kubectl.create(&executor("one"));
    assert_eq!(phase(&kubectl, "one", "Running"), "Running", "there is a node from the start");
    let scale = ["scale", "-n", "kube-system", "deployment/cluster-autoscaler", "--replicas"];
    kubectl.ok(&[&scale[..], &["0"]].concat());
    kubectl.create(&executor("two"));
    assert_eq!(phase(&kubectl, "two", "Running"), "Pending", "nobody makes a node");
    assert_eq!(folder.changes(), ["update autoscaler/deployment: fields"]);
    folder.ok(&APPLY);
    assert_eq!(phase(&kubectl, "two", "Running"), "Running", "the group has grown");
    assert_eq!(folder.plan(), [""; 0], "the sizes of pools are the autoscaler's");
}

#[test]
fn manifests_are_valid_in_every_version_of_kubernetes() {
    let served = Served::start();
    let _folder = made(&served);
    let kubectl = Kubectl::on(&served);
    let kinds = "storageclasses,namespaces,serviceaccounts,secrets,deployments,roles,rolebindings,\
                 clusterroles,clusterrolebindings";
    let all = kubectl.get(&[kinds, "--all-namespaces"]);
    let is_ours =
        |object: &&Value| object["metadata"]["annotations"]["provision-lineage"].is_string();
    let ours: Vec<_> = all["items"].as_array().expect("a list").iter().filter(is_ours).collect();
    assert_eq!(ours.len(), 12);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sandbox/valid.py");
    let mut command = Command::new(python());
    let mut child = environment(command.arg(file))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(json!(ours).to_string().as_bytes()).expect("it reads");
    drop(stdin);
    let told = child.wait_with_output().expect("it ends").stdout;
    let told: Value = serde_json::from_slice(&told).expect("it prints JSON");
    assert_eq!(told["wrong"], json!([]), "{told:#}");
    assert_eq!(told["versions"][0], "1.30");
    assert!(told["versions"].as_array().is_some_and(|all| all.len() >= 8), "{told}");
}
