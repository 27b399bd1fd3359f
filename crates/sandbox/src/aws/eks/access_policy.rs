//! Access policies: what an access entry may do in Kubernetes.
use super::super::{Answer, Call, Refusal, partition};
use super::access_entry::{ENTRY, open, standard};
use super::found::{Paging, invalid, one_of, refusal, seconds};
use crate::world::Key;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const NAMES: [&str; 8] = [
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSNetworkPolicy",
    "AmazonEKSSecretReaderPolicy",
    "AmazonEKSViewPolicy",
];

/// Writes the ARN of a policy.
pub(super) fn arn(region: &str, name: &str) -> String {
    format!("arn:{}:eks::aws:cluster-access-policy/{name}", partition(region))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct List {
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn list(call: &mut Call<'_>, request: List) -> Answer {
    let show = |name| json!({ "name": name, "arn": arn(&call.region, name) });
    let name = |policy: &Value| policy["name"].as_str().unwrap_or_default().to_owned();
    let paging = Paging::new(request.max_results, request.next_token);
    paging.answer("accessPolicies", NAMES.into_iter().map(show).collect(), name)
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Scope {
    #[serde(rename = "type")]
    sort: Option<String>,
    #[serde(default)]
    namespaces: Vec<String>,
}

impl Scope {
    fn check(&self) -> Result<(), Refusal> {
        let sort = self.sort.as_deref().unwrap_or_default();
        one_of("accessScope type", sort, &["cluster", "namespace"])?;
        match (sort, self.namespaces.is_empty()) {
            ("namespace", true) => {
                Err(invalid("An accessScope of type namespace needs at least one namespace."))
            }
            ("cluster", false) => {
                Err(invalid("An accessScope of type cluster cannot have namespaces."))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Associate {
    cluster_name: String,
    principal_arn: String,
    policy_arn: String,
    access_scope: Scope,
}

fn policies(call: &Call<'_>, key: &Key) -> Vec<Value> {
    let entry = call.get(key).and_then(|entry| entry.hidden.get("policies")?.as_array().cloned());
    entry.unwrap_or_default()
}

/// Associates a policy with an entry; one that is associated gets another scope.
pub(super) fn associate(call: &mut Call<'_>, request: Associate) -> Answer {
    open(call, &request.cluster_name)?;
    let key = ENTRY.get(call, &request.cluster_name, &request.principal_arn)?;
    standard(call, &key)?;
    request.access_scope.check()?;
    if !NAMES.into_iter().any(|name| arn(&call.region, name) == request.policy_arn) {
        let message = format!("The policyArn {} is not an access policy.", request.policy_arn);
        return Err(invalid(message).field("clusterName", request.cluster_name));
    }
    let now = seconds(call.world.now);
    let mut all = policies(call, &key);
    let before = all.iter().position(|policy| policy["policyArn"] == request.policy_arn.as_str());
    let since = before.map_or_else(|| now.clone(), |n| all.remove(n)["associatedAt"].clone());
    let policy = json!({
        "policyArn": request.policy_arn,
        "accessScope": request.access_scope,
        "associatedAt": since,
        "modifiedAt": now,
    });
    all.push(policy.clone());
    call.world.edit(&key, |entry| entry.hide("policies", all));
    Ok(json!({
        "clusterName": request.cluster_name,
        "principalArn": request.principal_arn,
        "associatedAccessPolicy": policy,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Disassociate {
    cluster_name: String,
    principal_arn: String,
    policy_arn: String,
}

pub(super) fn disassociate(call: &mut Call<'_>, request: Disassociate) -> Answer {
    open(call, &request.cluster_name)?;
    let key = ENTRY.get(call, &request.cluster_name, &request.principal_arn)?;
    let mut all = policies(call, &key);
    let before = all.len();
    all.retain(|policy| policy["policyArn"] != request.policy_arn.as_str());
    if all.len() == before {
        let message =
            format!("The policy {} is not associated with the entry.", request.policy_arn);
        let refusal = refusal("ResourceNotFoundException", message);
        return Err(refusal.field("clusterName", request.cluster_name));
    }
    call.world.edit(&key, |entry| entry.hide("policies", all));
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListAssociated {
    cluster_name: String,
    principal_arn: String,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn list_associated(call: &mut Call<'_>, request: ListAssociated) -> Answer {
    open(call, &request.cluster_name)?;
    let key = ENTRY.get(call, &request.cluster_name, &request.principal_arn)?;
    let name = |policy: &Value| policy["policyArn"].as_str().unwrap_or_default().to_owned();
    let paging = Paging::new(request.max_results, request.next_token);
    let mut answer = paging.answer("associatedAccessPolicies", policies(call, &key), name)?;
    answer["clusterName"] = json!(request.cluster_name);
    answer["principalArn"] = json!(request.principal_arn);
    Ok(answer)
}
