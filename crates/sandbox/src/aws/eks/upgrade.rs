//! Upgrades of the control plane: one minor version at a time, never back.
use super::super::{Answer, Call};
use super::cluster_config::{busy, free};
use super::found::{children, invalid};
use super::token::Asked;
use super::update::{self, NO_ADDRESSES, New};
use super::versions::{self, Version, minor};
use crate::behaviour::Behaviour;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const UPGRADED: Behaviour = Behaviour {
    service: "eks",
    what: "a cluster is UPDATING to another version, then ACTIVE",
    seconds: 12 * 60,
    source: "assumption",
};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Upgrade {
    name: String,
    version: String,
    client_request_token: Option<String>,
    #[serde(default)]
    force: bool,
}

/// Returns what an update to a version says of itself.
pub(super) fn params(version: &Version) -> Vec<(&'static str, String)> {
    vec![("Version", version.name()), ("PlatformVersion", version.platform())]
}

pub(super) fn upgrade(call: &mut Call<'_>, request: Upgrade) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(answer) = update::begun_before(call, &asked)? {
        return Ok(answer);
    }
    let (key, cluster) = free(call, &request.name, "VersionUpdate")?;
    let wrong = |message: String| invalid(message).field("clusterName", request.name.as_str());
    let (from, to) = (cluster.text("version"), request.version.as_str());
    let Some(version) = versions::offered(to, call.world.now) else {
        return Err(wrong("unsupported Kubernetes version".to_owned()));
    };
    if minor(from).map(|minor| minor + 1) != Some(version.minor) {
        let message = format!("Unsupported Kubernetes minor version update from {from} to {to}");
        return Err(wrong(message));
    }
    let groups = children(call.world, cluster, "eks.node_group");
    let groups = groups.iter().filter_map(|key| call.get(key));
    if groups.clone().any(|group| group.text("status") == "UPDATING") {
        return Err(busy(&request.name, "VersionUpdate"));
    }
    let older = groups.filter(|group| group.text("version") != from);
    let older: Vec<&str> = older.map(|group| group.text("nodegroupName")).collect();
    if !older.is_empty() {
        return Err(wrong(format!(
            "Nodegroups {} must be updated to match cluster version {from} before updating cluster \
             version",
            older.join(", ")
        )));
    }
    let new = New {
        target: key,
        kind: "VersionUpdate",
        params: params(version),
        change: json!({ "version": version.name(), "platformVersion": version.platform() }),
        takes: &UPGRADED,
        failure: NO_ADDRESSES,
    };
    update::begin(call, asked, new)
}
