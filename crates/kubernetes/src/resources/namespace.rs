//! A namespace.
//!
//! Everything in it goes with it, so that it is never made anew unasked.
use super::TIMING;
use crate::api::{Api, Named, Noun, Outputs, Tags, annotations, owned};
use crate::clusters::Kubernetes;
use kube::core::DynamicObject;
use provision_core::{
    Cx, Diff, Identity, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

const NOUN: Noun<'static> = Noun { api_version: "v1", kind: "Namespace", plural: "namespaces" };

/// A namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// Its annotations.
    pub annotations: Tags,
    /// Its labels, with what pods in it may do.
    pub labels: Tags,
}

impl Resource for Namespace {
    const KIND: &'static str = "kubernetes.namespace";
    const RULES: &'static [(&'static str, Rule)] =
        &[("name", Rule::Immutable), ("annotations", Rule::Tags), ("labels", Rule::Tags)];
    const IDENTITY: Identity = Identity::Name;
    const PRECIOUS: bool = true;
    const TIMING: Timing = TIMING;
    type Cloud = Kubernetes;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Kubernetes>) -> Result<Option<Vec<Live<Self>>>> {
        Api::marked(cx, NOUN, live).await
    }

    async fn read(
        &self,
        cx: &Cx<'_, Kubernetes>,
        _: Option<&Outputs>,
    ) -> Result<Option<Live<Self>>> {
        let found = Api::seen(cx, named(&self.name)).await?;
        Ok(found.map(|namespace| live(cx.marks(), &namespace)))
    }

    async fn create(&self, cx: &Cx<'_, Kubernetes>) -> Result<Started<Outputs>> {
        Api::open(cx)?.make(named(&self.name), self.body()).await
    }

    async fn update(
        &self,
        cx: &Cx<'_, Kubernetes>,
        _: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        Api::open(cx)?.change(named(&self.name), self.body(), diff).await
    }

    async fn delete(cx: &Cx<'_, Kubernetes>, live: &Live<Self>) -> Result<Started<Outputs>> {
        Api::open(cx)?.delete(named(&live.spec.name), &live.outputs.uid).await
    }
}

impl Namespace {
    fn body(&self) -> serde_json::Value {
        json!({ "metadata": { "annotations": self.annotations, "labels": self.labels } })
    }
}

fn named(name: &str) -> Named<'_> {
    Named { noun: NOUN, namespace: "", name }
}

fn live(marks: &Marks, namespace: &DynamicObject) -> Live<Namespace> {
    let annotations = annotations(namespace);
    owned(marks, namespace, Phase::Ready, annotations, |annotations| Namespace {
        name: namespace.metadata.name.clone().unwrap_or_default(),
        annotations,
        labels: namespace.metadata.labels.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::{marks, ours};

    #[test]
    fn one_that_goes_is_busy() {
        let labels = json!({ "a": "b", "kubernetes.io/metadata.name": "x" });
        let object = |more: &str| {
            let mut object = json!({ "metadata": { "name": "x", "labels": labels } });
            if !more.is_empty() {
                object["metadata"]["deletionTimestamp"] = more.into();
            }
            live(&marks(), &ours("namespace/x", object))
        };
        let there = object("");
        assert_eq!((there.phase, there.spec.labels.len()), (Phase::Ready, 2));
        assert_eq!(object("2026-01-02T03:04:05Z").phase, Phase::Busy("Terminating".into()));
    }
}
