//! Objects as kinds see them: what tells them, and whose they are.
use super::Tags;
use kube::core::DynamicObject;
use provision_core::{LINEAGE_MARK, Live, Marks, Owner, Phase, Resource};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What Kubernetes decides of every object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its name, after its namespace where it is in one.
    pub id: String,
    /// What tells it from another of the same name.
    pub uid: String,
}

/// The same of objects whose age counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Its name, after its namespace where it is in one.
    pub id: String,
    /// What tells it from another of the same name.
    pub uid: String,
    /// When it was made, by the clock of the cluster.
    pub made: String,
}

impl From<&DynamicObject> for Outputs {
    fn from(object: &DynamicObject) -> Self {
        let metadata = &object.metadata;
        let name = metadata.name.clone().unwrap_or_default();
        let id = match &metadata.namespace {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name,
        };
        Self { id, uid: metadata.uid.clone().unwrap_or_default() }
    }
}

impl From<&DynamicObject> for Made {
    fn from(object: &DynamicObject) -> Self {
        let Outputs { id, uid } = object.into();
        let made = object.metadata.creation_timestamp.as_ref();
        Self { id, uid, made: made.map(|time| time.0.to_string()).unwrap_or_default() }
    }
}

/// Makes a [`Live`] of an object whose annotations go into its spec.
pub(crate) fn owned<R: Resource>(
    marks: &Marks,
    object: &DynamicObject,
    phase: Phase,
    annotations: Tags,
    spec: impl FnOnce(Tags) -> R,
) -> Live<R>
where
    R::Outputs: for<'o> From<&'o DynamicObject>,
{
    let (address, owner) = (Marks::address(&annotations), owner(marks, object, &annotations));
    let phase = match &object.metadata.deletion_timestamp {
        Some(_) => Phase::Busy("Terminating".into()),
        None => phase,
    };
    let outputs = object.into();
    Live { address, spec: spec(annotations), outputs, phase, owner, unobserved: &[] }
}

/// Tells whose an object is, and who looks after it if that is somebody else.
fn owner(marks: &Marks, object: &DynamicObject, annotations: &Tags) -> Owner {
    match marks.owner(annotations) {
        Owner::Foreign(why) if !annotations.contains_key(LINEAGE_MARK) => {
            let entries = object.metadata.managed_fields.iter().flatten();
            let managers: BTreeSet<_> = entries.filter_map(|it| it.manager.as_deref()).collect();
            let managers = managers.into_iter().collect::<Vec<_>>().join(", ");
            Owner::Foreign(match managers.is_empty() {
                true => why,
                false => format!("{why}, and {managers} looks after it"),
            })
        }
        owner => owner,
    }
}

/// Returns the annotations of an object.
pub(crate) fn annotations(object: &DynamicObject) -> Tags {
    object.metadata.annotations.clone().unwrap_or_default()
}

/// Tells whether an object is of our cluster, whatever its lineage.
pub(super) fn is_of_cluster(marks: &Marks, object: &DynamicObject) -> bool {
    let annotations = object.metadata.annotations.as_ref();
    annotations.and_then(|all| all.get(provision_core::CLUSTER_MARK)) == Some(&marks.cluster)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::{marks, ours, theirs};
    use serde_json::json;

    #[test]
    fn what_is_not_ours_is_told_with_who_looks_after_it() {
        let fields = json!([{ "manager": "kubectl", "operation": "Update" },
                            { "manager": "helm", "operation": "Apply" }]);
        let object = theirs(json!({ "metadata": { "name": "a", "managedFields": fields } }));
        let told = owner(&marks(), &object, &annotations(&object));
        let words = "carries no mark of ours, and helm, kubectl looks after it";
        assert_eq!(told, Owner::Foreign(words.into()));
        let object = ours("a", json!({ "metadata": { "name": "a", "namespace": "b" } }));
        assert_eq!(owner(&marks(), &object, &annotations(&object)), Owner::Ours);
        assert_eq!(Outputs::from(&object).id, "b/a");
    }
}
