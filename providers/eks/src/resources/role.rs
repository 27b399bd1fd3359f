//! What a service may do in the account.
//!
//! Policies are attached and detached one by one, and a role cannot be deleted while it has any.
//! Its name is unique in the account, whatever the region.
use crate::aws::{Aws, Reply, Tags, missing, own, owned};
use aws_sdk_iam::types::{Role as Found, Tag};
use provision_core::{
    Cx, Diff, Identity, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a service may do in the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its name, at most 64 characters.
    pub name: String,
    /// The policy that says who may take it on.
    pub trust: Value,
    /// The ARNs of managed policies that say what it may do.
    pub policies: BTreeSet<String>,
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
        &[("name", Rule::Immutable), ("tags", Rule::Tags)];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 20 * 60, 30);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let iam = &cx.cloud.iam;
        let found = iam.get_role().role_name(&self.name).send().await.found("iam:GetRole")?;
        let Some(role) = found.and_then(|answer| answer.role) else { return Ok(None) };
        let call = iam.list_attached_role_policies().role_name(&self.name).into_paginator();
        let attached: Result<Vec<_>, _> = call.items().send().collect().await;
        let attached = attached.found("iam:ListAttachedRolePolicies")?;
        let policies = attached.into_iter().flatten().filter_map(|policy| policy.policy_arn);
        Ok(Some(live(cx.marks(), role, policies.collect())))
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.iam.create_role().role_name(&self.name);
        let call = call.assume_role_policy_document(self.trust.to_string());
        let call = call.set_tags(Some(self.tags.iter().map(tag).collect::<Result<_>>()?));
        let made = call.send().await.reply("iam:CreateRole")?.role;
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
        if let Some(policy) = self.policies.difference(&live.spec.policies).next() {
            let call = iam.attach_role_policy().role_name(&self.name).policy_arn(policy);
            return call.send().await.reply("iam:AttachRolePolicy").map(|_| Started::done());
        }
        if let Some(policy) = live.spec.policies.difference(&self.policies).next() {
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
        if let Some(policy) = live.spec.policies.first() {
            return detach(cx, live, policy).await;
        }
        let call = cx.cloud.iam.delete_role().role_name(&live.spec.name);
        call.send().await.gone("iam:DeleteRole")
    }
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
fn document(encoded: &str) -> Value {
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

fn live(marks: &Marks, role: Found, policies: BTreeSet<String>) -> Live<Role> {
    let trust = document(role.assume_role_policy_document.as_deref().unwrap_or_default());
    let outputs = Outputs { id: role.role_name.clone(), arn: role.arn };
    let name = role.role_name;
    let spec = |tags| Role { name, trust, policies, tags };
    owned(marks, tags(role.tags), Phase::Ready, outputs, spec)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
