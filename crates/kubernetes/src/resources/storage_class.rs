//! A class of volumes.
//!
//! Only expansion and annotations can change: any other change makes it anew, and volumes of the
//! old one stay as they are. It is made as the default or not, by an annotation, and not asked about
//! that again: see [`DefaultStorageClass`](super::DefaultStorageClass). Beside a default of somebody
//! else it is made as none.
use super::TIMING;
use crate::api::{Api, Named, Noun, Outputs, Tags, annotations, owned};
use crate::clusters::Kubernetes;
use kube::core::DynamicObject;
use provision_core::{
    Cx, Diff, Identity, Live, Marks, Owner, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const NOUN: Noun<'static> =
    Noun { api_version: "storage.k8s.io/v1", kind: "StorageClass", plural: "storageclasses" };

/// The annotation that makes a class the default.
pub(super) const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";

/// A class of volumes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StorageClass {
    /// Its name.
    pub name: String,
    /// The driver that makes its volumes.
    pub provisioner: String,
    /// What the driver is told of them.
    pub parameters: BTreeMap<String, String>,
    /// What becomes of a volume when its claim goes: `Delete` or `Retain`.
    pub reclaim: String,
    /// When a volume is made: `WaitForFirstConsumer` is in the zone of the pod that needs it.
    pub binding: String,
    /// Whether its volumes can grow.
    pub expandable: bool,
    /// Whether it is made as the class of claims that name none.
    pub default: bool,
    /// Its annotations but that for the default.
    pub annotations: Tags,
}

impl Resource for StorageClass {
    const KIND: &'static str = "kubernetes.storage_class";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("name", Rule::Immutable),
        ("provisioner", Rule::Immutable),
        ("parameters", Rule::Immutable),
        ("reclaim", Rule::Immutable),
        ("binding", Rule::Immutable),
        ("default", Rule::CreateOnly),
        ("annotations", Rule::Tags),
    ];
    const IDENTITY: Identity = Identity::Name;
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
        Ok(found.map(|class| live(cx.marks(), &class)))
    }

    async fn create(&self, cx: &Cx<'_, Kubernetes>) -> Result<Started<Outputs>> {
        let api = Api::open(cx)?;
        let is_default = self.default && !is_taken(cx.marks(), &api.list(NOUN).await?);
        api.make(named(&self.name), self.body(is_default)).await
    }

    async fn update(
        &self,
        cx: &Cx<'_, Kubernetes>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let body = self.body(live.spec.default);
        Api::open(cx)?.change(named(&self.name), body, diff).await
    }

    async fn delete(cx: &Cx<'_, Kubernetes>, live: &Live<Self>) -> Result<Started<Outputs>> {
        Api::open(cx)?.delete(named(&live.spec.name), &live.outputs.uid).await
    }
}

impl StorageClass {
    fn body(&self, is_default: bool) -> Value {
        let mut annotations = self.annotations.clone();
        annotations.insert(DEFAULT.to_owned(), is_default.to_string());
        json!({
            "metadata": { "annotations": annotations },
            "provisioner": self.provisioner,
            "parameters": self.parameters,
            "reclaimPolicy": self.reclaim,
            "volumeBindingMode": self.binding,
            "allowVolumeExpansion": self.expandable,
        })
    }
}

pub(super) fn named(name: &str) -> Named<'_> {
    Named { noun: NOUN, namespace: "", name }
}

/// Tells whether a class says that it is the default.
pub(super) fn is_default(class: &DynamicObject) -> bool {
    annotations(class).get(DEFAULT).is_some_and(|word| word == "true")
}

/// Tells whether a class of somebody else says so.
fn is_taken(marks: &Marks, classes: &[DynamicObject]) -> bool {
    let is_ours = |class: &DynamicObject| marks.owner(&annotations(class)) == Owner::Ours;
    classes.iter().any(|class| is_default(class) && !is_ours(class))
}

fn live(marks: &Marks, class: &DynamicObject) -> Live<StorageClass> {
    let mut annotations = annotations(class);
    annotations.remove(DEFAULT);
    let text =
        |field: &str, otherwise: &str| class.data[field].as_str().unwrap_or(otherwise).to_owned();
    let parameters = BTreeMap::deserialize(&class.data["parameters"]);
    owned(marks, class, Phase::Ready, annotations, |annotations| StorageClass {
        name: class.metadata.name.clone().unwrap_or_default(),
        provisioner: text("provisioner", ""),
        parameters: parameters.unwrap_or_default(),
        reclaim: text("reclaimPolicy", "Delete"),
        binding: text("volumeBindingMode", "Immediate"),
        expandable: class.data["allowVolumeExpansion"] == true,
        default: is_default(class),
        annotations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::{marks, ours, theirs};

    #[test]
    fn what_is_asked_for_is_what_is_seen() {
        let wanted = StorageClass {
            name: "fast".into(),
            provisioner: "ebs.csi.aws.com".into(),
            parameters: [("type".to_owned(), "gp3".to_owned())].into(),
            reclaim: "Retain".into(),
            binding: "WaitForFirstConsumer".into(),
            expandable: true,
            default: true,
            annotations: Tags::new(),
        };
        let mut body = wanted.body(true);
        body["metadata"]["name"] = "fast".into();
        let live = live(&marks(), &ours("storage-class/fast", body));
        assert_eq!((live.owner, live.address), (Owner::Ours, Some("storage-class/fast".into())));
        assert_eq!(StorageClass { annotations: Tags::new(), ..live.spec }, wanted);
    }

    #[test]
    fn the_default_is_taken_by_others_alone() {
        let class = |word: &str| json!({ "metadata": { "annotations": { (DEFAULT): word } } });
        let mine = ours("storage-class/fast", class("true"));
        assert!(!is_taken(&marks(), &[mine.clone(), theirs(class("false"))]));
        assert!(is_taken(&marks(), &[mine, theirs(class("true"))]));
    }

    #[test]
    fn what_an_object_leaves_out_is_what_the_api_takes_it_for() {
        let class = theirs(json!({ "metadata": { "name": "gp2" }, "provisioner": "a" }));
        let live = live(&marks(), &class);
        assert!(matches!(live.owner, Owner::Foreign(_)));
        let StorageClass { reclaim, binding, expandable, default, .. } = live.spec;
        assert_eq!((reclaim.as_str(), binding.as_str()), ("Delete", "Immediate"));
        assert!(!expandable && !default);
    }
}
