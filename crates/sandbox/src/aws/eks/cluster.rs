//! The control plane: how it is made, and what must be true for that.
use super::super::{Answer, Call, Refusal, kms};
use super::found::{body, check_tags, invalid, one_of, refusal, room, seconds, show};
use super::network::{self, Addresses, Flag, VpcConfig, Where};
use super::token::Asked;
use super::{cluster_life, roles, versions};
use crate::behaviour::Behaviour;
use crate::faults::Effect;
use crate::world::Key;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const KIND: &str = "eks.cluster";

/// The most clusters of an account in a region.
pub(super) const LIMIT: Behaviour = Behaviour {
    service: "eks",
    what: "an account has at most 100 clusters in a region",
    seconds: 0,
    source: "Amazon EKS User Guide, service quotas",
};
const MOST: usize = 100;

/// Everything that a control plane can log.
pub(super) const LOGS: [&str; 5] =
    ["api", "audit", "authenticator", "controllerManager", "scheduler"];

pub(super) const MODES: [&str; 3] = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"];
pub(super) const SUPPORT: [&str; 2] = ["STANDARD", "EXTENDED"];

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    name: String,
    role_arn: String,
    resources_vpc_config: VpcConfig,
    version: Option<String>,
    #[serde(default)]
    kubernetes_network_config: Addresses,
    #[serde(default)]
    logging: Logging,
    client_request_token: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    encryption_config: Vec<Encryption>,
    #[serde(default)]
    access_config: Access,
    bootstrap_self_managed_addons: Option<bool>,
    #[serde(default)]
    upgrade_policy: UpgradePolicy,
    zonal_shift_config: Option<Flag>,
    #[serde(default)]
    deletion_protection: bool,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Logging {
    #[serde(default)]
    cluster_logging: Vec<LogSetup>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LogSetup {
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    enabled: bool,
}

impl Logging {
    /// Returns what is logged, once this is applied to what was.
    ///
    /// # Errors
    /// When it names what no control plane logs.
    pub(super) fn apply(&self, on: &BTreeSet<String>) -> Result<BTreeSet<String>, Refusal> {
        let mut on = on.clone();
        for setup in &self.cluster_logging {
            for name in &setup.types {
                one_of("types", name, &LOGS)?;
                match setup.enabled {
                    true => on.insert(name.clone()),
                    false => on.remove(name),
                };
            }
        }
        Ok(on)
    }
}

/// Shows what is logged, and what is not.
pub(super) fn logging(on: &BTreeSet<String>) -> Value {
    let (on, off): (Vec<&str>, Vec<&str>) = LOGS.iter().partition(|name| on.contains(**name));
    let setup = |types: Vec<&str>, enabled| {
        (!types.is_empty()).then(|| json!({ "types": types, "enabled": enabled }))
    };
    let setups: Vec<Value> = setup(on, true).into_iter().chain(setup(off, false)).collect();
    json!({ "clusterLogging": setups })
}

/// Returns what is logged.
pub(super) fn logged(logging: Option<&Value>) -> BTreeSet<String> {
    let setups = logging.and_then(|logging| logging["clusterLogging"].as_array());
    let on = setups.into_iter().flatten().filter(|setup| setup["enabled"] == true);
    let types = on.filter_map(|setup| setup["types"].as_array()).flatten();
    types.filter_map(|name| Some(name.as_str()?.to_owned())).collect()
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Encryption {
    #[serde(default)]
    resources: Vec<String>,
    provider: Provider,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Provider {
    key_arn: String,
}

/// Checks the key that is to encrypt secrets.
///
/// # Errors
/// When there are several, or it cannot.
pub(super) fn encryption(call: &Call<'_>, all: &[Encryption]) -> Result<Value, Refusal> {
    if all.len() > 1 {
        return Err(invalid("encryptionConfig can have at most one item"));
    }
    for one in all {
        if one.resources != ["secrets"] {
            return Err(invalid("The resources of encryptionConfig must be [secrets]"));
        }
        let arn = &one.provider.key_arn;
        if !kms::usable(call.world, arn) {
            let message = format!("The keyArn in encryptionConfig provider is not valid: {arn}");
            return Err(invalid(message));
        }
    }
    Ok(json!(all))
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Access {
    bootstrap_cluster_creator_admin_permissions: Option<bool>,
    authentication_mode: Option<String>,
}

impl Access {
    fn told(&self) -> Result<Value, Refusal> {
        let mode = self.authentication_mode.as_deref().unwrap_or("CONFIG_MAP");
        one_of("authenticationMode", mode, &MODES)?;
        let creator = self.bootstrap_cluster_creator_admin_permissions.unwrap_or(true);
        if mode == "CONFIG_MAP" && !creator {
            return Err(invalid(
                "bootstrapClusterCreatorAdminPermissions must be true if cluster authentication \
                 mode is set to CONFIG_MAP",
            ));
        }
        Ok(json!({
            "bootstrapClusterCreatorAdminPermissions": creator,
            "authenticationMode": mode,
        }))
    }
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UpgradePolicy {
    pub(super) support_type: Option<String>,
}

/// Checks what is to happen at the end of support.
///
/// # Errors
/// When it names no policy, or one that is over for a version.
pub(super) fn support(asked: &str, version: &versions::Version, now: u64) -> Result<(), Refusal> {
    one_of("supportType", asked, &SUPPORT)?;
    match asked == "STANDARD" && version.status(now) != "STANDARD_SUPPORT" {
        true => Err(invalid(format!(
            "The supportType STANDARD cannot be set for Kubernetes version {}, which is in \
             extended support",
            version.name()
        ))),
        false => Ok(()),
    }
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(cluster) = asked.made_before(call, KIND)?.and_then(|key| call.get(&key)) {
        return Ok(json!({ "cluster": show(cluster) }));
    }
    let of_cluster = |refusal: Refusal| refusal.field("clusterName", request.name.as_str());
    let key = name(call, &request.name)?;
    let mut cluster = call.object();
    cluster.body = told(call, &request, &key).map_err(of_cluster)?;
    cluster.tags = request.tags.clone();
    let creator = call.caller.role.as_ref().unwrap_or(&call.caller.arn);
    cluster.hide("creator", creator.as_str());
    cluster.hide("own add-ons", request.bootstrap_self_managed_addons.unwrap_or(true));
    asked.keep(&mut cluster);
    cluster_life::begin(call.world, &mut cluster);
    let shown = show(&cluster);
    call.world.put(key.clone(), cluster);
    cluster_life::let_in(call.world, &key);
    Ok(json!({ "cluster": shown }))
}

/// Checks what a new cluster is to be, and says it as a cluster does.
fn told(call: &Call<'_>, request: &Create, key: &Key) -> Result<Map<String, Value>, Refusal> {
    let wanted = request.version.as_deref().unwrap_or(versions::DEFAULT);
    let version = versions::offered(wanted, call.world.now);
    let version = version.ok_or_else(|| invalid("unsupported Kubernetes version"))?;
    let support_type = request.upgrade_policy.support_type.as_deref().unwrap_or("EXTENDED");
    support(support_type, version, call.world.now)?;
    check_tags(&request.tags, &request.tags, "InvalidParameterException")?;
    roles::of_cluster(call, &request.name, &request.role_arn)?;
    let (place, vpc) = within(call, request)?;
    let addresses = network::addresses(call, &place.vpc, &request.kubernetes_network_config)?;
    let secrets = encryption(call, &request.encryption_config)?;
    let logs = request.logging.apply(&BTreeSet::new())?;
    Ok(body(json!({
        "name": request.name,
        "arn": key.id,
        "createdAt": seconds(call.world.now),
        "version": version.name(),
        "roleArn": request.role_arn,
        "resourcesVpcConfig": vpc,
        "kubernetesNetworkConfig": addresses,
        "logging": logging(&logs),
        "status": "CREATING",
        "certificateAuthority": {},
        "clientRequestToken": request.client_request_token,
        "platformVersion": version.platform(),
        "encryptionConfig": (!request.encryption_config.is_empty()).then_some(secrets),
        "health": { "issues": [] },
        "accessConfig": request.access_config.told()?,
        "upgradePolicy": { "supportType": support_type },
        "zonalShiftConfig": request.zonal_shift_config,
        "deletionProtection": request.deletion_protection,
    })))
}

/// Checks the name of a new cluster.
fn name(call: &Call<'_>, name: &str) -> Result<Key, Refusal> {
    let is_fit =
        |(n, c): (usize, char)| c.is_ascii_alphanumeric() || (n > 0 && (c == '-' || c == '_'));
    if !(1..=100).contains(&name.len()) || !name.chars().enumerate().all(is_fit) {
        let message = format!(
            "The cluster name {name:?} must have 1 to 100 characters and match \
             ^[0-9A-Za-z][A-Za-z0-9\\-_]*$"
        );
        return Err(invalid(message));
    }
    let key = Key::new(KIND, call.arn("eks", &format!("cluster/{name}")));
    if call.get(&key).is_some() {
        let message = format!("Cluster already exists with name: {name}");
        return Err(refusal("ResourceInUseException", message).field("clusterName", name));
    }
    let is_full = call.there(KIND).len() >= MOST;
    room(call, is_full, "Cluster limit exceeded for account.")
        .map_err(|refusal| refusal.field("clusterName", name))?;
    Ok(key)
}

/// Checks where a new cluster is to be, and says it as a cluster does.
fn within(call: &Call<'_>, request: &Create) -> Result<(Where, Value), Refusal> {
    let VpcConfig {
        subnet_ids,
        security_group_ids,
        endpoint_public_access,
        endpoint_private_access,
        public_access_cidrs,
    } = request.resources_vpc_config.clone();
    let subnets = subnet_ids.unwrap_or_default();
    let place = network::subnets(call, &request.name, &subnets)?;
    if call.effect == Some(Effect::Capacity) {
        let zone = place.zones.first().map(String::as_str).unwrap_or_default();
        return Err(network::unsupported_zone(call, &request.name, zone, network::NO_ROOM));
    }
    let groups = security_group_ids.unwrap_or_default();
    network::groups(call, &place.vpc, &groups)?;
    let public = endpoint_public_access.unwrap_or(true);
    let private = endpoint_private_access.unwrap_or(false);
    let ranges = public_access_cidrs.filter(|ranges| !ranges.is_empty());
    let ranges = ranges.unwrap_or_else(|| vec!["0.0.0.0/0".to_owned()]);
    network::endpoint(public, private, &ranges)?;
    let told = json!({
        "subnetIds": subnets,
        "securityGroupIds": groups,
        "vpcId": place.vpc,
        "endpointPublicAccess": public,
        "endpointPrivateAccess": private,
        "publicAccessCidrs": ranges,
    });
    Ok((place, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_switched_one_by_one() {
        let setup = |types: &[&str], enabled| LogSetup {
            types: types.iter().map(|name| (*name).to_owned()).collect(),
            enabled,
        };
        let was = BTreeSet::from(["api".to_owned(), "audit".to_owned()]);
        let change =
            Logging { cluster_logging: vec![setup(&["scheduler"], true), setup(&["api"], false)] };
        let on = change.apply(&was).unwrap();
        assert_eq!(on.iter().collect::<Vec<_>>(), ["audit", "scheduler"]);
        assert_eq!(logged(Some(&logging(&on))), on);
        assert!(Logging { cluster_logging: vec![setup(&["all"], true)] }.apply(&was).is_err());
    }

    #[test]
    fn a_config_map_needs_its_creator() {
        let access = |mode: Option<&str>, creator| Access {
            bootstrap_cluster_creator_admin_permissions: creator,
            authentication_mode: mode.map(str::to_owned),
        };
        assert!(access(None, Some(false)).told().is_err());
        assert!(access(Some("API"), Some(false)).told().is_ok());
        assert_eq!(access(None, None).told().unwrap()["authenticationMode"], "CONFIG_MAP");
    }
}
