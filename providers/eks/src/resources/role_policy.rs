//! What one role may do with one thing, written into the role itself.
//!
//! It carries no tags, so it is as much ours as its role, which takes it along when it goes.
use super::role::document;
use crate::aws::{Aws, Reply, inherited};
use provision_core::{
    Cx, Diff, Identity, Input, Live, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What one role may do with one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolePolicy {
    /// Its name, of which a role has one.
    pub name: String,
    /// The name of the role.
    pub role: Input<String>,
    /// What it may do, such as `kms:Encrypt`.
    pub actions: BTreeSet<String>,
    /// The ARN of what it may do that with.
    pub resource: Input<String>,
}

/// What follows from where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Role and name, as `provision-acme-us-east-1-cluster/secrets-key`.
    pub id: String,
}

impl Resource for RolePolicy {
    const KIND: &'static str = "aws.iam.role_policy";
    const RULES: &'static [(&'static str, Rule)] =
        &[("name", Rule::Immutable), ("role", Rule::Immutable)];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 20 * 60, 30);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let Ok(role) = self.role.get() else { return Ok(None) };
        let call = cx.cloud.iam.get_role_policy().role_name(role).policy_name(&self.name);
        let found = call.send().await.found("iam:GetRolePolicy")?;
        Ok(found.map(|found| live(role, &self.name, &document(&found.policy_document))))
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        self.put(cx).await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>, _: &Diff) -> Result<Started<Outputs>> {
        self.put(cx).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.iam.delete_role_policy().role_name(live.spec.role.get()?);
        call.policy_name(&live.spec.name).send().await.gone("iam:DeleteRolePolicy")
    }
}

impl RolePolicy {
    async fn put(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let role = self.role.get()?;
        let call = cx.cloud.iam.put_role_policy().role_name(role).policy_name(&self.name);
        let call = call.policy_document(self.document()?.to_string());
        call.send().await.reply("iam:PutRolePolicy")?;
        Ok(Started::made(outputs(role, &self.name)))
    }

    fn document(&self) -> Result<Value> {
        let statement = json!({
            "Effect": "Allow",
            "Action": self.actions,
            "Resource": self.resource.get()?,
        });
        Ok(json!({ "Version": "2012-10-17", "Statement": [statement] }))
    }
}

fn outputs(role: &str, name: &str) -> Outputs {
    Outputs { id: format!("{role}/{name}") }
}

/// Maps a document; one that is not of our making allows nothing that we know.
fn live(role: &str, name: &str, document: &Value) -> Live<RolePolicy> {
    let statement = match document["Statement"].as_array().map(Vec::as_slice) {
        Some([one]) if one["Effect"] == "Allow" => one,
        _ => &Value::Null,
    };
    let actions = statement["Action"].as_array().into_iter().flatten();
    let spec = RolePolicy {
        name: name.to_owned(),
        role: Input::Known(role.to_owned()),
        actions: actions.filter_map(|action| action.as_str().map(str::to_owned)).collect(),
        resource: Input::Known(statement["Resource"].as_str().unwrap_or_default().to_owned()),
    };
    inherited(Phase::Ready, outputs(role, name), spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_comes_back_as_it_was_sent() {
        let policy = RolePolicy {
            name: "secrets-key".into(),
            role: Input::Known("r".into()),
            actions: ["kms:Decrypt", "kms:Encrypt"].map(String::from).into(),
            resource: Input::Known("arn:aws:kms:us-east-1:1:key/k".into()),
        };
        let document = policy.document().unwrap();
        assert_eq!(live("r", "secrets-key", &document).spec, policy);
        let other = json!({ "Statement": [{ "Effect": "Deny", "Action": ["kms:Decrypt"] }] });
        assert!(live("r", "secrets-key", &other).spec.actions.is_empty());
    }
}
