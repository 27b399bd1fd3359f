//! A cluster file's own manifests: their objects are made last, and looked after like all others.
use crate::folder::{FILE, Folder};
use crate::kubectl::Kubectl;
use crate::served::Served;
use serde_json::{Value, json};
use std::fs;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];

/// The objects of a team: a kind of its own and one of that, a namespace, what runs in it, and who
/// may see it.
pub(crate) const TEAM: &str = r#"apiVersion: acme.com/v1
kind: Widget
metadata: { name: one, namespace: team }
spec: { size: 3 }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.acme.com }
spec:
  group: acme.com
  scope: Namespaced
  names: { kind: Widget, listKind: WidgetList, plural: widgets, singular: widget }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true }
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: team
  labels: { app: web }
  annotations: { note: kept }
data:
  page: |
    one
    two
---
apiVersion: v1
kind: Namespace
metadata: { name: team }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: team }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      hostNetwork: false
      containers:
        - name: web
          image: web:1
          env: [{ name: B, value: "1" }, { name: A, value: $(B) }]
          resources: { requests: { cpu: 0.5, memory: 1024Mi } }
        - { name: side, image: "side:1" }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: team }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
subjects:
  - { kind: ServiceAccount, name: default, namespace: team }
  - { kind: ServiceAccount, name: default, namespace: qualytics }
"#;

/// The same but for what a container is, what is in the settings, and whom the team lets in.
pub(crate) fn changed() -> String {
    let text = TEAM
        .replace("  page: |\n    one\n    two\n", "  other: \"1\"\n")
        .replace("labels: { app: web }\n  annotations: { note: kept }", "labels: {}")
        .replace("image: web:1", "image: web:2");
    without(&text, "kind: ClusterRoleBinding")
}

/// Leaves an object out.
fn without(text: &str, words: &str) -> String {
    text.split("---\n").filter(|it| !it.contains(words)).collect::<Vec<_>>().join("---\n")
}

const BINDING: &str = "manifest/clusterrolebinding/team";
const CONFIG: &str = "manifest/configmap/team/settings";
const DEFINITION: &str = "manifest/customresourcedefinition/widgets.acme.com";
const NAMESPACE: &str = "manifest/namespace/team";
const WEB: &str = "manifest/deployment/team/web";
const WIDGET: &str = "manifest/widget.acme.com/team/one";

/// A folder whose cluster file names `team.yaml`.
fn folder(served: &Served, text: &str) -> Folder {
    let folder = Folder::on(served, &format!("{FILE}manifests: [team.yaml]\n"));
    write(&folder, text);
    folder
}

fn write(folder: &Folder, text: &str) {
    fs::write(folder.path("team.yaml"), text).expect("it can be written");
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}

/// Somebody else changes what is ours, and adds something.
fn others_change(kubectl: &Kubectl) {
    let merge = |what: &[&str], patch: &str| {
        kubectl.ok(&[&["patch", "--type=merge", "-n", "team", "-p", patch], what].concat());
    };
    merge(&["configmap", "settings"], r#"{"data":{"page":"three","theirs":"1"}}"#);
    merge(&["widget", "one"], r#"{"spec":{"size":4}}"#);
    kubectl.ok(&["scale", "-n", "team", "deployment/web", "--replicas=2"]);
    kubectl.ok(&["delete", "clusterrolebinding", "team"]);
}

#[test]
fn objects_are_made_with_the_cluster_and_drift_is_repaired() {
    let served = Served::start();
    let folder = folder(&served, TEAM);
    let told = folder.ok(&APPLY);
    assert!(told.contains(WIDGET), "{told}");
    assert_eq!(folder.plan(), [""; 0]);
    let kubectl = Kubectl::on(&served);
    let web = kubectl.get(&["deployment", "-n", "team", "web"]);
    let containers = &web["spec"]["template"]["spec"]["containers"];
    assert_eq!(
        (&containers[0]["name"], &containers[0]["env"][0]["name"]),
        (&json!("web"), &json!("B"))
    );
    assert_eq!(web["metadata"]["annotations"]["provision-address"], WEB);
    let binding = kubectl.get(&["clusterrolebinding", "team"]);
    assert_eq!(binding["subjects"].as_array().map(Vec::len), Some(2));
    let config = kubectl.get(&["configmap", "-n", "team", "settings"]);
    assert_eq!(
        (&config["data"]["page"], &config["metadata"]["annotations"]["note"]),
        (&json!("one\ntwo\n"), &json!("kept"))
    );
    let manager = &config["metadata"]["managedFields"][0];
    assert_eq!(
        (&manager["manager"], &manager["operation"]),
        (&json!("provision"), &json!("Apply"))
    );

    others_change(&kubectl);
    let changes = sorted(folder.changes());
    let update = |address: &str| format!("update {address}: fields");
    assert_eq!(changes, [format!("create {BINDING}"), update(CONFIG), update(WEB), update(WIDGET)]);
    let told = folder.ok(&["plan"]);
    for line in ["spec.replicas: 2 → 1", "spec.size: 4 → 3"] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    let config = kubectl.get(&["configmap", "-n", "team", "settings"]);
    assert_eq!(
        (&config["data"]["page"], &config["data"]["theirs"]),
        (&json!("one\ntwo\n"), &json!("1"))
    );
}

#[test]
fn objects_change_with_their_files_and_go_with_them() {
    let served = Served::start();
    let folder = folder(&served, TEAM);
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(&served);
    write(&folder, &changed());
    let updates = [(CONFIG, "annotations fields"), (WEB, "fields")];
    let updates = updates.map(|(address, fields)| format!("update {address}: {fields}"));
    assert_eq!(sorted(folder.changes()), [&[format!("delete {BINDING}")], &updates[..]].concat());
    let told = folder.ok(&["plan"]);
    for line in ["- data.page", "+ data.other: 1", "- metadata.labels", "- note"] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    let config = kubectl.get(&["configmap", "-n", "team", "settings"]);
    assert_eq!(config["data"], json!({ "other": "1" }), "what left the file is gone");
    assert!(config["metadata"]["annotations"]["note"].is_null(), "{config}");

    folder.write(FILE);
    let all = [CONFIG, DEFINITION, WEB, NAMESPACE, WIDGET];
    assert_eq!(sorted(folder.plan()), all.map(|it| format!("delete {it}")));
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    let left = kubectl.run(&["get", "namespace", "team"], "");
    assert!(left.stderr.contains("NotFound"), "{}{}", left.stdout, left.stderr);
    folder.ok(&["destroy", "--auto-approve"]);
}

/// Who may see two of the settings.
const READER: &str = r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: reader }
rules: [{ apiGroups: [""], resources: [configmaps], resourceNames: [a, b], verbs: [get] }]
"#;

#[test]
fn a_field_that_leaves_its_manifest_is_named_and_goes_unless_others_have_it() {
    let served = Served::start();
    let team = format!("{TEAM}---\n{READER}");
    let folder = folder(&served, &team);
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(&served);
    let apply = json!({ "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "web", "namespace": "team" }, "spec": { "replicas": 1 } });
    let theirs = ["apply", "--server-side", "--field-manager=them", "-f", "-"];
    let ran = kubectl.run(&theirs, &apply.to_string());
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let less = team
        .replace("  replicas: 1\n", "")
        .replace(", { name: A, value: $(B) }", "")
        .replace(" resourceNames: [a, b],", "");
    write(&folder, &less);
    let told = folder.ok(&["plan"]);
    let paths = ["- spec.replicas", "- spec.template.spec.containers[web].env[A]", "rules:"];
    for path in paths {
        assert!(told.contains(path), "{path} is not in {told}");
    }
    assert!(!told.contains("provision-fields"), "{told}");
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    let web = kubectl.get(&["deployment", "-n", "team", "web"]);
    let env = &web["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!((env.as_array().map(Vec::len), &web["spec"]["replicas"]), (Some(1), &json!(1)));
    let rules = kubectl.get(&["clusterrole", "reader"])["rules"].clone();
    assert!(rules[0]["resourceNames"].is_null(), "{rules}");
}

/// What runs on every node, what keeps what it has, and what ends.
const RUNNING: &str = r#"apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent, namespace: qualytics }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec: { containers: [{ name: agent, image: "agent:1" }] }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: store, namespace: qualytics }
spec:
  replicas: 2
  serviceName: store
  selector: { matchLabels: { app: store } }
  template:
    metadata: { labels: { app: store } }
    spec: { containers: [{ name: store, image: "store:1" }] }
---
apiVersion: batch/v1
kind: Job
metadata: { name: once, namespace: qualytics }
spec:
  activeDeadlineSeconds: 20
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: once, image: "once:1", command: [sleep, "3000"] }]
"#;

#[test]
fn what_runs_is_waited_for_and_a_job_that_fails_is_told_and_made_anew() {
    let served = Served::start();
    let folder = folder(&served, RUNNING);
    let ran = folder.run(&APPLY);
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, Some(1), "{told}");
    assert!(told.contains("the job failed: Job was active longer than"), "{told}");
    let kubectl = Kubectl::on(&served);
    let status = |kind: &str, name: &str, field: &str| {
        kubectl.get(&[kind, "-n", "qualytics", name])["status"][field].clone()
    };
    assert_eq!(status("statefulset", "store", "availableReplicas"), 2);
    let agents = status("daemonset", "agent", "numberAvailable");
    assert!(agents.as_u64() >= Some(3), "{agents}");
    assert_eq!(status("job", "once", "conditions")[0]["type"], "Failed");

    let sooner = RUNNING.replace("3000", "5").replace("Seconds: 20", "Seconds: 900");
    write(&folder, &sooner);
    let job = "manifest/job/qualytics/once";
    assert_eq!(sorted(folder.plan()), [format!("create {job}"), format!("delete {job}")]);
    folder.ok(&APPLY);
    assert_eq!(status("job", "once", "succeeded"), 1);
    assert_eq!(folder.plan(), [""; 0]);
    write(&folder, &sooner.replace("store:1", "store:2").replace("agent:1", "agent:2"));
    folder.ok(&APPLY);
    assert_eq!(status("statefulset", "store", "updatedReplicas"), 2);
    assert_eq!(status("daemonset", "agent", "updatedNumberScheduled"), agents);
}

#[test]
fn a_rollout_that_never_ends_is_told_and_the_next_one_ends_it() {
    let served = Served::start();
    let folder = folder(&served, TEAM);
    folder.ok(&APPLY);
    write(&folder, &TEAM.replace("image: web:1", "image: \"not a name\""));
    let ran = folder.run(&APPLY);
    assert_eq!(ran.code, Some(4), "{}{}", ran.stdout, ran.stderr);
    let told = "manifest/deployment/team/web  ReplicaSet";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    write(&folder, &TEAM.replace("web:1", "web:2"));
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
}

#[test]
fn what_is_wrong_with_a_manifest_is_told_before_anything_is_made() {
    let served = Served::start();
    let folder = folder(&served, "kind: Pod\n");
    let place = "team.yaml:1:1: object has no apiVersion";
    folder.run(&["validate"]).refused(65, &[place, "manifests have"]);
    let canary = "hunter2";
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{ name: a }}\nstringData: {{ a: {canary} }}\n"
    );
    write(&folder, &secret);
    for command in ["validate", "plan"] {
        let ran = folder.run(&[command, "-v"]);
        ran.refused(65, &["object is a Secret"]);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(canary));
    }
    assert_eq!(served.operations(), [""; 0], "nothing was asked of the cloud");
    write(&folder, "apiVersion: v1\nkind: Namespace\nmetadata: { name: qualytics }\n");
    let words = "manifests: Namespace qualytics at team.yaml:1 is namespace/qualytics already";
    folder.run(&["plan"]).refused(65, &[words]);
    fs::remove_file(folder.path("team.yaml")).expect("it is there");
    folder.run(&["plan"]).refused(65, &["manifests[0] is a file that is not there"]);
}

#[test]
fn what_others_have_is_refused_and_what_the_api_refuses_is_told() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(&served);
    let theirs = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "web" },
                         "data": { "a": "theirs" } });
    kubectl.create(&theirs);
    let ours = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { a: ours }\n";
    folder.write(&format!("{FILE}manifests: [team.yaml]\n"));
    write(&folder, ours);
    let address = "manifest/configmap/default/web";
    folder.run(&["plan"]).refused(1, &[&format!("--adopt {address}"), "kubectl-create"]);
    let data = || kubectl.get(&["configmap", "web"])["data"]["a"].clone();
    assert_eq!(data(), "theirs");
    folder.ok(&["apply", "--auto-approve", "--adopt", address]);
    assert_eq!((data(), folder.plan()), (json!("ours"), vec![]));

    let gadget = "apiVersion: acme.com/v1\nkind: Gadget\nmetadata: { name: one }\n";
    write(&folder, &format!("{ours}---\n{gadget}"));
    let ran = folder.run(&APPLY);
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, Some(1), "{told}");
    assert!(told.contains("the cluster serves no Gadget of acme.com/v1"), "{told}");
}

#[test]
fn an_object_whose_kind_is_there_already_needs_no_definition() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    folder.ok(&APPLY);
    let kubectl = Kubectl::on(&served);
    let definition = TEAM.split("---\n").nth(1).expect("it is the second");
    let ran = kubectl.run(&["create", "-f", "-"], definition);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    folder.write(&format!("{FILE}manifests: [team.yaml]\n"));
    let widget = TEAM.split("---\n").next().expect("it is the first");
    write(&folder, &widget.replace("namespace: team", "namespace: qualytics"));
    folder.ok(&APPLY);
    assert_eq!(folder.plan(), [""; 0]);
    let size = kubectl.get(&["widget", "-n", "qualytics", "one"])["spec"]["size"].clone();
    assert_eq!(size, 3);
    folder.write(FILE);
    folder.ok(&APPLY);
    let left: Value = kubectl.get(&["widgets", "-A"]);
    assert_eq!(left["items"], json!([]));
}

#[test]
fn a_saved_plan_is_stale_when_a_manifest_has_changed() {
    let served = Served::start();
    let folder = folder(&served, TEAM);
    folder.ok(&["plan", "--out", "saved.plan"]);
    write(&folder, &TEAM.replace("replicas: 1", "replicas: 2"));
    folder.run(&["apply", "saved.plan"]).refused(65, &[WEB]);
    write(&folder, TEAM);
    folder.ok(&["apply", "saved.plan"]);
    assert_eq!(folder.plan(), [""; 0]);
}
