//! What one role may do, written into the role itself.
//!
//! It carries no tags, so it is as much ours as its role, which takes it along when it goes.
use super::role::document;
use crate::aws::{Aws, Reply, inherited};
use provision_core::{
    Cx, Diff, Identity, Input, Live, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What one role may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolePolicy {
    /// Its name, of which a role has one.
    pub name: String,
    /// The name of the role.
    pub role: Input<String>,
    /// What it may do.
    #[serde(default)]
    pub statements: Vec<Statement>,
}

/// What may be done with what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// What may be done, such as `kms:Encrypt`.
    pub actions: BTreeSet<String>,
    /// The ARN of what that may be done with, or `*`.
    pub resource: Input<String>,
    /// What must be equal to what, such as a tag of the thing.
    pub equal: BTreeMap<String, String>,
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
        let statements = self.statements.iter().map(Statement::document);
        let statements = statements.collect::<Result<Vec<_>>>()?;
        Ok(json!({ "Version": "2012-10-17", "Statement": statements }))
    }
}

impl Statement {
    fn document(&self) -> Result<Value> {
        let mut statement = json!({
            "Effect": "Allow",
            "Action": self.actions,
            "Resource": self.resource.get()?,
        });
        if !self.equal.is_empty() {
            statement["Condition"] = json!({ "StringEquals": self.equal });
        }
        Ok(statement)
    }

    /// Reads a statement; `None` when it is not of our making.
    fn read(document: &Value) -> Option<Self> {
        let allows = document["Effect"] == "Allow";
        let actions = Deserialize::deserialize(&document["Action"]).ok().filter(|_| allows)?;
        let resource = Input::Known(document["Resource"].as_str()?.to_owned());
        let equal = match document.get("Condition") {
            None => BTreeMap::new(),
            Some(condition) => Deserialize::deserialize(&condition["StringEquals"]).ok()?,
        };
        let statement = Self { actions, resource, equal };
        (statement.document().as_ref() == Ok(document)).then_some(statement)
    }
}

fn outputs(role: &str, name: &str) -> Outputs {
    Outputs { id: format!("{role}/{name}") }
}

/// Maps a document; one that is not of our making allows nothing that we know.
fn live(role: &str, name: &str, document: &Value) -> Live<RolePolicy> {
    let statements = document["Statement"].as_array().into_iter().flatten();
    let statements: Option<Vec<_>> = statements.map(Statement::read).collect();
    let spec = RolePolicy {
        name: name.to_owned(),
        role: Input::Known(role.to_owned()),
        statements: statements.unwrap_or_default(),
    };
    inherited(Phase::Ready, outputs(role, name), spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(resource: &str, equal: &[(&str, &str)]) -> Statement {
        let equal = equal.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Statement {
            actions: ["kms:Decrypt", "kms:Encrypt"].map(String::from).into(),
            resource: Input::Known(resource.into()),
            equal: equal.collect(),
        }
    }

    #[test]
    fn a_policy_comes_back_as_it_was_sent() {
        let key = statement("arn:aws:kms:us-east-1:1:key/k", &[]);
        let statements = vec![key, statement("*", &[("aws:ResourceTag/a", "owned")])];
        let policy =
            RolePolicy { name: "secrets-key".into(), role: Input::Known("r".into()), statements };
        let document = policy.document().unwrap();
        assert_eq!(live("r", "secrets-key", &document).spec, policy);
        assert_eq!(document["Statement"][0].get("Condition"), None);
    }

    #[test]
    fn what_is_not_of_our_making_is_nothing_that_we_know() {
        let ours = json!({ "Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": "*" });
        let of = |statements: Value| {
            live("r", "n", &json!({ "Statement": statements })).spec.statements.len()
        };
        assert_eq!(of(json!([ours])), 1);
        let changed = |field: &str, value: Value| {
            let mut other = ours.clone();
            other[field] = value;
            json!([ours, other])
        };
        assert_eq!(of(changed("Effect", json!("Deny"))), 0);
        assert_eq!(of(changed("NotAction", json!("kms:*"))), 0);
        let condition = json!({ "StringEquals": { "a": "b" }, "Bool": { "c": "true" } });
        assert_eq!(of(changed("Condition", condition)), 0);
    }

    #[test]
    fn a_record_of_one_action_list_is_read() {
        let before = json!({ "name": "n", "role": "r", "actions": ["a"], "resource": "*" });
        let policy: RolePolicy = serde_json::from_value(before).unwrap();
        assert_eq!((policy.name.as_str(), policy.statements.len()), ("n", 0));
    }
}
