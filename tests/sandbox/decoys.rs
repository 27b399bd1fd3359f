//! Objects of somebody else that look like ours stay as they are, to the byte, whatever we do.
use crate::cloud::environment;
use crate::kubectl::Kubectl;
use crate::life::{APPLY, DESTROY, Life, Moment};
use crate::phase::{built, changed, upgraded};
use crate::server::python;
use crate::world;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// How many of them there are at least.
const MANY: usize = 100;

/// Makes them, and lets the other cluster among them do some work.
pub(crate) fn prepare(life: &Life) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sandbox/decoys.py");
    let mut command = Command::new(python());
    environment(&mut command).arg(file).env("AWS_ENDPOINT_URL", &life.served.url);
    let output = command.output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    life.served.event("acme-prod-2", "workload");
    // Lets what was begun come to its end.
    for _ in 0..3 {
        life.folder.run(&["plan"]);
    }
}

/// Puts objects of others inside our cluster that are called and marked almost like ours.
fn inside(kubectl: &Kubectl) {
    let marks = |address: &str| {
        json!({ "provision-lineage": "00000000000000000000", "provision-cluster": "acme-prod",
                "provision-address": address })
    };
    for name in ["fast-2", "fas", "fast-retain-2", "plain-2"] {
        let metadata =
            json!({ "name": name, "annotations": marks(&format!("storage-class/{name}")) });
        kubectl.create(&json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": metadata, "provisioner": "ebs.csi.aws.com" }));
    }
    for name in ["qualytics-2", "qualytic", "provision"] {
        let metadata = json!({ "name": name, "annotations": marks(&format!("namespace/{name}")) });
        kubectl.create(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }));
    }
    for (namespace, name) in
        [("qualytics", "regcred-2"), ("qualytics-2", "regcred"), ("default", "regcred")]
    {
        let metadata =
            json!({ "name": name, "namespace": namespace, "annotations": marks("secret/regcred") });
        kubectl.create(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata,
            "stringData": { "a": "b" } }));
    }
    for (namespace, name) in
        [("kube-system", "provision-support-2"), ("default", "provision-support")]
    {
        let metadata = json!({ "name": name, "namespace": namespace,
            "annotations": marks("support/service-account") });
        kubectl
            .create(&json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata }));
    }
    let metadata = json!({ "name": "provision-support-2",
        "annotations": marks("support/cluster-role-binding") });
    let view =
        json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" });
    kubectl.create(&json!({ "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": view }));
    let metadata = json!({ "name": "settings", "namespace": "default",
        "annotations": marks("manifest/configmap/default/settings") });
    kubectl.create(&json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata }));
}

/// Returns the objects inside the cluster that [`inside`] made, as the world has them.
fn decoys_inside(life: &Life) -> BTreeMap<String, String> {
    let mut all = world::raw(&life.moment().world);
    all.retain(|name, object| {
        name.starts_with("kubernetes.") && object.contains("\"00000000000000000000\"")
    });
    all
}

#[test]
fn what_looks_like_ours_and_is_not_stays_as_it_is() {
    let life = Life::from(&Moment::default(), &built());
    prepare(&life);
    let theirs = world::raw(&life.moment().world);
    let like_ours = theirs.values().filter(|object| object.contains("acme-pro")).count();
    assert!(like_ours > MANY, "{like_ours} of {} objects", theirs.len());
    let untouched = |when: &str| {
        let now = world::raw(&life.moment().world);
        for (name, object) in &theirs {
            assert_eq!(now.get(name), Some(object), "{when}: {name}");
        }
        now.len()
    };
    life.ok(APPLY);
    assert!(untouched("build") > theirs.len() + 50);
    inside(&Kubectl::on(&life.served));
    let within = decoys_inside(&life);
    assert_eq!(within.len(), 14, "{:?}", within.keys());
    life.folder.write(&changed());
    life.ok(APPLY);
    untouched("change");
    assert_eq!(decoys_inside(&life), within, "change");
    life.folder.write(&upgraded());
    life.ok(APPLY);
    untouched("upgrade");
    assert_eq!(decoys_inside(&life), within, "upgrade");
    life.ok(DESTROY);
    life.ok(&["plan"]);
    assert_eq!(untouched("destroy"), theirs.len(), "nothing of ours is left");
}
