//! What a service may do in the account.
//!
//! Policies are attached and detached one by one, and a role cannot be deleted while it has any,
//! whoever put it there. Until then those of others stay.
//! Its name is unique in the account, whatever the region.
use crate::aws::{Aws, Reply, Tags, is_of_cluster, missing, own, owned};
use crate::names;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{Role as Found, Tag};
use provision_core::{
    Cx, Diff, Error, Identity, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What stands at each managed policy that is attached.
const ATTACHED: &str = "attached";

/// What a service may do in the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its name, at most 64 characters.
    pub name: String,
    /// The policy that says who may take it on.
    pub trust: Value,
    /// The managed policies that say what it may do: each ARN with `attached`. Others
    /// that somebody attached are left alone until the role goes.
    pub policies: BTreeMap<String, String>,
    /// The ARN of the policy that bounds what it may do, whatever others allow; empty for none.
    #[serde(default)]
    pub boundary: String,
    /// Its tags.
    pub tags: Tags,
}

/// What IAM decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

impl Resource for Role {
    const KIND: &'static str = "aws.iam.role";
    const RULES: &'static [(&'static str, Rule)] =
        &[("name", Rule::Immutable), ("tags", Rule::Tags), ("policies", Rule::Tags)];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 20 * 60, 30);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        let mut all = Vec::new();
        for of in names::ROLES {
            let found = find(cx, &names::role(&cx.marks().cluster, &cx.cloud.region, of)).await?;
            all.extend(found.filter(|live| is_of_cluster(cx.marks(), &live.spec.tags)));
        }
        Ok(Some(all))
    }

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        find(cx, &self.name).await
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.iam.create_role().role_name(&self.name);
        let call = call.assume_role_policy_document(self.trust.to_string());
        let boundary = Some(self.boundary.clone()).filter(|boundary| !boundary.is_empty());
        let call = call.set_permissions_boundary(boundary);
        let call = call.set_tags(Some(self.tags.iter().map(tag).collect::<Result<_>>()?));
        let made = call.send().await.reply("iam:CreateRole").map_err(boundary_is_missing)?.role;
        let made = made.ok_or_else(|| missing("iam:CreateRole", "role"))?;
        Ok(Started::made(Outputs { id: made.role_name, arn: made.arn }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let iam = &cx.cloud.iam;
        if diff.touches(&["trust"]) {
            let call = iam.update_assume_role_policy().role_name(&self.name);
            let call = call.policy_document(self.trust.to_string());
            return call.send().await.reply("iam:UpdateAssumeRolePolicy").map(|_| Started::done());
        }
        if diff.touches(&["boundary"]) {
            return self.bound(iam).await;
        }
        let policies = diff.tags("policies");
        if let Some((policy, _)) = policies.set.first() {
            let call = iam.attach_role_policy().role_name(&self.name).policy_arn(policy);
            return call.send().await.reply("iam:AttachRolePolicy").map(|_| Started::done());
        }
        if let Some(policy) = policies.remove.first() {
            return detach(cx, live, policy).await;
        }
        let change = diff.tags("tags");
        if change.set.is_empty() {
            let call = iam.untag_role().role_name(&self.name).set_tag_keys(Some(change.remove));
            return call.send().await.reply("iam:UntagRole").map(|_| Started::done());
        }
        let tags = change.set.iter().map(|(key, value)| tag((key, value)));
        let call =
            iam.tag_role().role_name(&self.name).set_tags(Some(tags.collect::<Result<_>>()?));
        call.send().await.reply("iam:TagRole").map(|_| Started::done())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let (iam, name) = (&cx.cloud.iam, &live.spec.name);
        if let Some(policy) = live.spec.policies.keys().next() {
            return detach(cx, live, policy).await;
        }
        let inline = iam.list_role_policies().role_name(name).send().await;
        let inline = inline.found("iam:ListRolePolicies")?.map(|answer| answer.policy_names);
        if let Some(policy) = inline.unwrap_or_default().first() {
            let call = iam.delete_role_policy().role_name(name).policy_name(policy);
            return call.send().await.gone("iam:DeleteRolePolicy");
        }
        let call = iam.delete_role().role_name(name);
        call.send().await.gone("iam:DeleteRole")
    }
}

impl Role {
    /// Sets the boundary, or takes it off.
    async fn bound(&self, iam: &Client) -> Result<Started<Outputs>> {
        if self.boundary.is_empty() {
            let call = iam.delete_role_permissions_boundary().role_name(&self.name);
            return call.send().await.gone("iam:DeleteRolePermissionsBoundary");
        }
        let call = iam.put_role_permissions_boundary().role_name(&self.name);
        let call = call.permissions_boundary(&self.boundary);
        let reply = call.send().await.reply("iam:PutRolePermissionsBoundary");
        reply.map(|_| Started::done()).map_err(boundary_is_missing)
    }
}

/// Says what to do about a boundary that there is not, which IAM calls a scope.
fn boundary_is_missing(error: Error) -> Error {
    match error.message.contains("Scope ARN") {
        true => error.hint("make that policy first, or name another in eks.permissionsBoundary"),
        false => error,
    }
}

async fn find(cx: &Cx<'_, Aws>, name: &str) -> Result<Option<Live<Role>>> {
    let iam = &cx.cloud.iam;
    let found = iam.get_role().role_name(name).send().await.found("iam:GetRole")?;
    let Some(role) = found.and_then(|answer| answer.role) else { return Ok(None) };
    let call = iam.list_attached_role_policies().role_name(name).into_paginator();
    let found: Result<Vec<_>, _> = call.items().send().collect().await;
    let found = found.found("iam:ListAttachedRolePolicies")?.into_iter().flatten();
    Ok(Some(live(cx.marks(), role, attached(found.filter_map(|policy| policy.policy_arn)))))
}

/// Writes the ARNs of policies as a role holds them.
pub(crate) fn attached(policies: impl IntoIterator<Item = String>) -> BTreeMap<String, String> {
    policies.into_iter().map(|policy| (policy, ATTACHED.to_owned())).collect()
}

/// Writes the policy that lets one service take a role on.
pub(crate) fn trust(service: &str) -> Value {
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "Service": service },
        "Action": "sts:AssumeRole",
    });
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// Writes the policy that lets pods of one service account in one cluster take a role on.
pub(crate) fn trust_of_pods(cluster: &str, namespace: &str, account: &str) -> Value {
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "Service": "pods.eks.amazonaws.com" },
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": { "StringEquals": {
            "aws:RequestTag/eks-cluster-name": cluster,
            "aws:RequestTag/kubernetes-namespace": namespace,
            "aws:RequestTag/kubernetes-service-account": account,
        } },
    });
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

async fn detach(cx: &Cx<'_, Aws>, live: &Live<Role>, policy: &str) -> Result<Started<Outputs>> {
    let call = cx.cloud.iam.detach_role_policy().role_name(&live.spec.name).policy_arn(policy);
    call.send().await.gone("iam:DetachRolePolicy")
}

/// Writes one tag in IAM's notation.
pub(super) fn tag((key, value): (&String, &String)) -> Result<Tag> {
    let tag = Tag::builder().key(key).value(value).build();
    tag.map_err(|error| provision_core::Error::invalid(error.to_string()))
}

/// Reads IAM's notation of tags.
pub(super) fn tags(tags: Option<Vec<Tag>>) -> Tags {
    own(tags.into_iter().flatten().map(|tag| (tag.key, tag.value)))
}

/// Reads a policy document, which IAM tells with its bytes percent-encoded.
pub(super) fn document(encoded: &str) -> Value {
    let hex = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let (bytes, mut decoded, mut at) = (encoded.as_bytes(), Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    let text = String::from_utf8_lossy(&decoded);
    serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()))
}

fn live(marks: &Marks, role: Found, policies: BTreeMap<String, String>) -> Live<Role> {
    let trust = document(role.assume_role_policy_document.as_deref().unwrap_or_default());
    let boundary = role.permissions_boundary.and_then(|it| it.permissions_boundary_arn);
    let boundary = boundary.unwrap_or_default();
    let outputs = Outputs { id: role.role_name.clone(), arn: role.arn };
    let name = role.role_name;
    let spec = |tags| Role { name, trust, policies, boundary, tags };
    owned(marks, tags(role.tags), Phase::Ready, outputs, spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_others_stay_and_ours_go_with_the_file() {
        let role = |policies: &[&str]| Role {
            name: "r".into(),
            trust: Value::Null,
            policies: attached(policies.iter().map(ToString::to_string)),
            boundary: String::new(),
            tags: Tags::new(),
        };
        let between = |want: &Role, live: &Role, accepted: &Role| {
            let [want, live, accepted] = [want, live, accepted].map(|role| json!(role));
            let diff = Diff::between(&want, &live, Some(&accepted), Role::RULES, &[]);
            diff.tags("policies")
        };
        let (ours, theirs) = (role(&["a"]), role(&["a", "audit"]));
        assert_eq!(between(&ours, &theirs, &ours), Default::default());
        let change = between(&role(&["b"]), &theirs, &ours);
        assert_eq!(change.set, [("b".to_owned(), ATTACHED.to_owned())]);
        assert_eq!(change.remove, ["a"]);
    }

    #[test]
    fn a_role_on_record_that_knows_no_boundary_has_none() {
        let before = json!({"name": "r", "trust": null, "policies": {}, "tags": {}});
        let role: Role = serde_json::from_value(before).unwrap();
        assert_eq!(role.boundary, "");
    }

    #[test]
    fn a_policy_document_is_told_percent_encoded() {
        let encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22a%22%3A%22100%25%22%7D";
        assert_eq!(document(encoded), json!({"Version": "2012-10-17", "a": "100%"}));
        assert_eq!(document(r#"{"a":"%zz"}"#), json!({"a": "%zz"}));
    }

    #[test]
    fn one_service_may_take_the_role_on() {
        let trust = trust("eks.amazonaws.com");
        assert_eq!(trust["Statement"][0]["Principal"]["Service"], "eks.amazonaws.com");
        assert_eq!(document(&trust.to_string()), trust);
        let pods = &trust_of_pods("acme", "kube-system", "sa")["Statement"][0];
        assert_eq!(pods["Action"], json!(["sts:AssumeRole", "sts:TagSession"]));
        let only = &pods["Condition"]["StringEquals"];
        assert_eq!(only["aws:RequestTag/kubernetes-service-account"], "sa");
    }
}
