//! Changes to the configuration of a cluster: one kind in each call, one call at a time.
use super::super::{Answer, Call, Refusal};
use super::cluster::{self, Encryption, Logging, MODES, UpgradePolicy};
use super::found::{cluster_key, invalid, one_of, refusal};
use super::network::{self, Flag, VpcConfig};
use super::token::Asked;
use super::update::{self, NO_ADDRESSES, New};
use super::versions;
use crate::behaviour::Behaviour;
use crate::world::{Key, Object};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) const CONFIGURED: Behaviour = Behaviour {
    service: "eks",
    what: "a cluster is UPDATING its configuration, then ACTIVE",
    seconds: 5 * 60,
    source: "assumption",
};
pub(super) const SWITCHED: Behaviour = Behaviour {
    service: "eks",
    what: "a cluster is UPDATING its access, policy or protection, then ACTIVE",
    seconds: 60,
    source: "assumption",
};
pub(super) const ENCRYPTED: Behaviour = Behaviour {
    service: "eks",
    what: "a cluster begins to encrypt its secrets",
    seconds: 15 * 60,
    source: "assumption",
};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Update {
    name: String,
    resources_vpc_config: Option<VpcConfig>,
    logging: Option<Logging>,
    client_request_token: Option<String>,
    access_config: Option<AccessConfig>,
    upgrade_policy: Option<UpgradePolicy>,
    zonal_shift_config: Option<Flag>,
    deletion_protection: Option<bool>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccessConfig {
    authentication_mode: Option<String>,
}

/// What a call changes: how EKS calls it, its parameters, and the members that are others then.
struct Change {
    kind: &'static str,
    params: Vec<(&'static str, String)>,
    members: Value,
    takes: &'static Behaviour,
}

/// Refuses a change of a cluster that is being changed.
pub(super) fn busy(name: &str, kind: &str) -> Refusal {
    let message = format!("Cannot {kind} because cluster {name} currently has update in progress");
    refusal("ResourceInUseException", message).field("clusterName", name)
}

/// Returns a cluster that can be changed now.
///
/// # Errors
/// When there is none, or it is being made, changed or taken away.
pub(super) fn free<'a>(
    call: &'a Call<'_>,
    name: &str,
    kind: &str,
) -> Result<(Key, &'a Object), Refusal> {
    let key = cluster_key(call, name)?;
    match call.get(&key) {
        Some(cluster) if cluster.text("status") == "ACTIVE" => Ok((key, cluster)),
        Some(cluster) if cluster.text("status") == "UPDATING" => Err(busy(name, kind)),
        _ => {
            let message = format!("Cannot {kind} because cluster {name} is not in ACTIVE status");
            Err(refusal("ResourceInUseException", message).field("clusterName", name))
        }
    }
}

pub(super) fn update(call: &mut Call<'_>, request: Update) -> Answer {
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(answer) = update::begun_before(call, &asked)? {
        return Ok(answer);
    }
    let (target, cluster) = free(call, &request.name, kind(&request))?;
    let change = change(call, &request, cluster)
        .map_err(|refusal| refusal.field("clusterName", request.name.as_str()))?;
    let new = New {
        target,
        kind: change.kind,
        params: change.params,
        change: change.members,
        takes: change.takes,
        failure: NO_ADDRESSES,
    };
    update::begin(call, asked, new)
}

/// Returns how EKS calls what a request changes.
fn kind(request: &Update) -> &'static str {
    let vpc = request.resources_vpc_config.as_ref();
    match request {
        _ if vpc
            .is_some_and(|vpc| vpc.subnet_ids.is_some() || vpc.security_group_ids.is_some()) =>
        {
            "VpcConfigUpdate"
        }
        _ if vpc.is_some() => "EndpointAccessUpdate",
        Update { logging: Some(_), .. } => "LoggingUpdate",
        Update { access_config: Some(_), .. } => "AccessConfigUpdate",
        Update { upgrade_policy: Some(_), .. } => "UpgradePolicyUpdate",
        Update { zonal_shift_config: Some(_), .. } => "ZonalShiftConfigUpdate",
        _ => "DeletionProtectionUpdate",
    }
}

fn change(call: &Call<'_>, request: &Update, cluster: &Object) -> Result<Change, Refusal> {
    let vpc = request.resources_vpc_config.as_ref();
    let is_given = [
        vpc.is_some(),
        request.logging.is_some(),
        request.access_config.is_some(),
        request.upgrade_policy.is_some(),
        request.zonal_shift_config.is_some(),
        request.deletion_protection.is_some(),
    ];
    match is_given.iter().filter(|given| **given).count() {
        0 => return Err(invalid("No changes were provided")),
        1 => {}
        _ => return Err(invalid("Only one type of update can be allowed.")),
    }
    match (vpc, &request.logging, &request.access_config, &request.upgrade_policy) {
        (Some(vpc), ..) if kind(request) == "VpcConfigUpdate" => subnets(call, vpc, cluster),
        (Some(vpc), ..) => endpoint(vpc, cluster),
        (_, Some(logs), ..) => logging(logs, cluster),
        (_, _, Some(access), _) => authentication(access, cluster),
        (.., Some(policy)) => support(call, policy, cluster),
        _ => flag(request, cluster),
    }
}

fn subnets(call: &Call<'_>, asked: &VpcConfig, cluster: &Object) -> Result<Change, Refusal> {
    let is_endpoint = asked.endpoint_public_access.is_some()
        || asked.endpoint_private_access.is_some()
        || asked.public_access_cidrs.is_some();
    if is_endpoint {
        return Err(invalid("Only one type of update can be allowed."));
    }
    let mut vpc = cluster.body.get("resourcesVpcConfig").cloned().unwrap_or_default();
    let was = vpc.clone();
    let ids =
        |list: &Value| -> Vec<String> { serde_json::from_value(list.clone()).unwrap_or_default() };
    let mut params = Vec::new();
    if let Some(subnets) = &asked.subnet_ids {
        let name = cluster.text("name");
        let before = network::subnets(call, name, &ids(&vpc["subnetIds"]))?;
        let after = network::subnets(call, name, subnets)?;
        if before.vpc != after.vpc {
            return Err(invalid("Subnets must be in the VPC of the cluster"));
        }
        if before.zones != after.zones {
            return Err(invalid(
                "Provided subnets belong to different AZs: they must be in the set of AZs that the \
                 cluster was created with",
            ));
        }
        vpc["subnetIds"] = json!(subnets);
        params.push(("Subnets", json!(subnets).to_string()));
    }
    if let Some(groups) = &asked.security_group_ids {
        network::groups(call, vpc["vpcId"].as_str().unwrap_or_default(), groups)?;
        vpc["securityGroupIds"] = json!(groups);
        params.push(("SecurityGroups", json!(groups).to_string()));
    }
    if vpc == was {
        return Err(invalid("Cluster is already at the desired configuration"));
    }
    let members = json!({ "resourcesVpcConfig": vpc });
    Ok(Change { kind: "VpcConfigUpdate", params, members, takes: &CONFIGURED })
}

fn endpoint(asked: &VpcConfig, cluster: &Object) -> Result<Change, Refusal> {
    let mut vpc = cluster.body.get("resourcesVpcConfig").cloned().unwrap_or_default();
    let was = vpc.clone();
    let given = [
        ("endpointPublicAccess", asked.endpoint_public_access.map(Value::from)),
        ("endpointPrivateAccess", asked.endpoint_private_access.map(Value::from)),
        ("publicAccessCidrs", asked.public_access_cidrs.clone().map(Value::from)),
    ];
    for (member, value) in given {
        if let Some(value) = value {
            vpc[member] = value;
        }
    }
    let (public, private) =
        (vpc["endpointPublicAccess"] == true, vpc["endpointPrivateAccess"] == true);
    let ranges: Vec<String> =
        serde_json::from_value(vpc["publicAccessCidrs"].clone()).unwrap_or_default();
    network::endpoint(public, private, &ranges)?;
    if vpc == was {
        return Err(invalid(format!(
            "Cluster is already at the desired configuration with endpointPrivateAccess: {private} \
             , endpointPublicAccess: {public}, and Public Endpoint Restrictions: [{}]",
            ranges.join(", ")
        )));
    }
    let params = vec![
        ("EndpointPublicAccess", public.to_string()),
        ("EndpointPrivateAccess", private.to_string()),
        ("PublicAccessCidrs", json!(ranges).to_string()),
    ];
    let members = json!({ "resourcesVpcConfig": vpc });
    Ok(Change { kind: "EndpointAccessUpdate", params, members, takes: &CONFIGURED })
}

fn logging(asked: &Logging, cluster: &Object) -> Result<Change, Refusal> {
    let was = cluster::logged(cluster.body.get("logging"));
    let on = asked.apply(&was)?;
    if on == was {
        return Err(invalid("No changes needed for the logging config provided"));
    }
    let told = cluster::logging(&on);
    let params = vec![("ClusterLogging", told.to_string())];
    let members = json!({ "logging": told });
    Ok(Change { kind: "LoggingUpdate", params, members, takes: &CONFIGURED })
}

fn authentication(asked: &AccessConfig, cluster: &Object) -> Result<Change, Refusal> {
    let mut access = cluster.body.get("accessConfig").cloned().unwrap_or_default();
    let to = asked.authentication_mode.as_deref().unwrap_or_default();
    one_of("authenticationMode", to, &MODES)?;
    let rank = |mode: &str| MODES.iter().position(|known| *known == mode);
    let from = access["authenticationMode"].as_str().unwrap_or_default().to_owned();
    if rank(to) <= rank(&from) {
        let message = format!("Unsupported authentication mode update from {from} to {to}");
        return Err(invalid(message));
    }
    access["authenticationMode"] = json!(to);
    let params = vec![("AuthenticationMode", to.to_owned())];
    let members = json!({ "accessConfig": access });
    Ok(Change { kind: "AccessConfigUpdate", params, members, takes: &SWITCHED })
}

fn support(call: &Call<'_>, asked: &UpgradePolicy, cluster: &Object) -> Result<Change, Refusal> {
    let to = asked.support_type.as_deref().unwrap_or_default();
    let now = call.world.now;
    if let Some(version) = versions::known(cluster.text("version")) {
        cluster::support(to, version, now)?;
    }
    let policy = json!({ "supportType": to });
    if cluster.body.get("upgradePolicy") == Some(&policy) {
        return Err(invalid(format!("Cluster is already at the desired supportType: {to}")));
    }
    let params = vec![("UpgradePolicy", policy.to_string())];
    let members = json!({ "upgradePolicy": policy });
    Ok(Change { kind: "UpgradePolicyUpdate", params, members, takes: &SWITCHED })
}

fn flag(request: &Update, cluster: &Object) -> Result<Change, Refusal> {
    let (kind, param, member, value) = match &request.zonal_shift_config {
        Some(shift) => {
            let shift = json!({ "enabled": shift.enabled.unwrap_or(false) });
            ("ZonalShiftConfigUpdate", "ZonalShiftConfig", "zonalShiftConfig", shift)
        }
        None => {
            let is_on = json!(request.deletion_protection.unwrap_or(false));
            ("DeletionProtectionUpdate", "DeletionProtection", "deletionProtection", is_on)
        }
    };
    if cluster.body.get(member) == Some(&value) {
        return Err(invalid(format!("Cluster is already at the desired {member}: {value}")));
    }
    let params = vec![(param, value.to_string())];
    Ok(Change { kind, params, members: json!({ member: value }), takes: &SWITCHED })
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Encrypt {
    cluster_name: String,
    encryption_config: Vec<Encryption>,
    client_request_token: Option<String>,
}

/// Begins to encrypt the secrets of a cluster, for good.
pub(super) fn encrypt(call: &mut Call<'_>, request: Encrypt) -> Answer {
    const KIND: &str = "AssociateEncryptionConfig";
    let asked = Asked::new(call.operation, &request, request.client_request_token.as_ref());
    if let Some(answer) = update::begun_before(call, &asked)? {
        return Ok(answer);
    }
    let (target, cluster) = free(call, &request.cluster_name, KIND)?;
    let of_cluster = |refusal: Refusal| refusal.field("clusterName", request.cluster_name.as_str());
    if cluster.body.contains_key("encryptionConfig") {
        return Err(of_cluster(invalid("Encryption is already enabled for the cluster")));
    }
    let config = cluster::encryption(call, &request.encryption_config).map_err(of_cluster)?;
    let new = New {
        target,
        kind: KIND,
        params: vec![("EncryptionConfig", config.to_string())],
        change: json!({ "encryptionConfig": config }),
        takes: &ENCRYPTED,
        failure: ("AccessDenied", "The key could not be used."),
    };
    update::begin(call, asked, new)
}
