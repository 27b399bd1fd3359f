//! Somebody else in the simulated cloud, who uses boto3.
use crate::cloud::environment;
use crate::served::Served;
use crate::server::python;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Somebody with a key of their own, in a region.
pub(crate) struct Boto<'a> {
    pub(crate) served: &'a Served,
    /// The id of the key, which is its secret too.
    pub(crate) key: &'a str,
    pub(crate) region: &'a str,
}

impl<'a> Boto<'a> {
    /// Returns somebody in the account of the cluster.
    pub(crate) fn at_home(served: &'a Served) -> Self {
        Self { served, key: "testing", region: "us-east-1" }
    }

    /// Makes a call that must succeed.
    pub(crate) fn call(&self, service: &str, method: &str, parameters: &Value) -> Value {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sandbox/boto.py");
        let output = environment(&mut Command::new(python()))
            .arg(file)
            .args([service, method, &parameters.to_string()])
            .env("AWS_ACCESS_KEY_ID", self.key)
            .env("AWS_SECRET_ACCESS_KEY", self.key)
            .env("AWS_DEFAULT_REGION", self.region)
            .env("AWS_ENDPOINT_URL", &self.served.url)
            .output()
            .expect("python runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{service} {method} {parameters}: {errors}");
        serde_json::from_slice(&output.stdout).expect("it prints JSON")
    }

    /// Makes a node group of somebody else beside ours.
    pub(crate) fn make_node_group(&self, name: &str) {
        let cluster = json!({ "clusterName": "acme-prod" });
        let ours = self.call("eks", "list_nodegroups", &cluster)["nodegroups"][0].clone();
        let ours = json!({ "clusterName": "acme-prod", "nodegroupName": ours });
        let ours = self.call("eks", "describe_nodegroup", &ours)["nodegroup"].clone();
        let theirs = json!({ "clusterName": "acme-prod", "nodegroupName": name,
            "nodeRole": ours["nodeRole"], "subnets": ours["subnets"],
            // As many as no autoscaler would take away.
            "scalingConfig": { "minSize": 1, "maxSize": 1, "desiredSize": 1 } });
        self.call("eks", "create_nodegroup", &theirs);
    }
}
