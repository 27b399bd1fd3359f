//! An account that whoever is no person gets in with.
//!
//! It has no token of its own: whoever may asks for one that ends.
use super::TIMING;
use crate::api::{Api, Made, Named, Noun, Tags, annotations, owned};
use crate::clusters::Kubernetes;
use kube::core::DynamicObject;
use provision_core::{
    Cx, Diff, Identity, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const NOUN: Noun<'static> =
    Noun { api_version: "v1", kind: "ServiceAccount", plural: "serviceaccounts" };

/// An account that whoever is no person gets in with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whether pods that run as it are given a token.
    pub mounted: bool,
    /// Its annotations.
    pub annotations: Tags,
}

impl Resource for ServiceAccount {
    const KIND: &'static str = "kubernetes.service_account";
    const RULES: &'static [(&'static str, Rule)] =
        &[("name", Rule::Immutable), ("namespace", Rule::Immutable), ("annotations", Rule::Tags)];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = TIMING;
    type Cloud = Kubernetes;
    type Outputs = Made;

    async fn read(&self, cx: &Cx<'_, Kubernetes>, _: Option<&Made>) -> Result<Option<Live<Self>>> {
        let found = Api::seen(cx, named(&self.namespace, &self.name)).await?;
        Ok(found.map(|account| live(cx.marks(), &account)))
    }

    async fn create(&self, cx: &Cx<'_, Kubernetes>) -> Result<Started<Made>> {
        Api::open(cx)?.make(named(&self.namespace, &self.name), self.body()).await
    }

    async fn update(
        &self,
        cx: &Cx<'_, Kubernetes>,
        _: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Made>> {
        Api::open(cx)?.change(named(&self.namespace, &self.name), self.body(), diff).await
    }

    async fn delete(cx: &Cx<'_, Kubernetes>, live: &Live<Self>) -> Result<Started<Made>> {
        let of = named(&live.spec.namespace, &live.spec.name);
        Api::open(cx)?.delete(of, &live.outputs.uid).await
    }
}

impl ServiceAccount {
    fn body(&self) -> Value {
        json!({
            "metadata": { "annotations": self.annotations },
            "automountServiceAccountToken": self.mounted,
        })
    }
}

pub(crate) fn named<'a>(namespace: &'a str, name: &'a str) -> Named<'a> {
    Named { noun: NOUN, namespace, name }
}

fn live(marks: &Marks, account: &DynamicObject) -> Live<ServiceAccount> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    owned(marks, account, Phase::Ready, annotations(account), |annotations| ServiceAccount {
        name: text(&account.metadata.name),
        namespace: text(&account.metadata.namespace),
        // Pods are given one unless their account says that they are not.
        mounted: account.data["automountServiceAccountToken"] != false,
        annotations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::{marks, ours};

    #[test]
    fn an_account_is_seen_as_it_was_asked_for() {
        let account = |mounted: Value| {
            let metadata = json!({ "name": "a", "namespace": "b",
                "creationTimestamp": "2026-11-26T09:00:00Z" });
            let object = json!({ "metadata": metadata, "automountServiceAccountToken": mounted });
            live(&marks(), &ours("support/service-account", object))
        };
        let told = account(json!(false));
        assert_eq!((told.spec.mounted, told.spec.namespace.as_str()), (false, "b"));
        assert_eq!(told.outputs.made, "2026-11-26T09:00:00Z");
        assert!(account(Value::Null).spec.mounted && account(json!(true)).spec.mounted);
    }
}
