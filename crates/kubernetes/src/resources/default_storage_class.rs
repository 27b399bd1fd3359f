//! Which class serves claims that name none.
//!
//! Of several default classes Kubernetes takes the newest, so that there must be one. It gives way to
//! a default class of somebody else, until it may take its place: then that stays and is one no more.
use super::TIMING;
use super::storage_class::{self, DEFAULT, is_default};
use crate::api::{Api, Outputs, annotations};
use crate::clusters::Kubernetes;
use kube::core::DynamicObject;
use provision_core::{
    Cx, Diff, Identity, Live, Marks, Owner, Phase, Resource, Result, Started, Timing,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What stands between the names of several classes.
const AND: &str = ", ";

/// Which class serves claims that name none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DefaultStorageClass {
    /// Its name, or those of all that say that they are the default.
    pub class: String,
}

impl Resource for DefaultStorageClass {
    const KIND: &'static str = "kubernetes.default_storage_class";
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = TIMING;
    const YIELDS: bool = true;
    type Cloud = Kubernetes;
    type Outputs = Outputs;

    async fn read(
        &self,
        cx: &Cx<'_, Kubernetes>,
        _: Option<&Outputs>,
    ) -> Result<Option<Live<Self>>> {
        let Some(api) = Api::of(cx)? else { return Ok(None) };
        Ok(live(cx.marks(), api.list(storage_class::NOUN).await?, &self.class))
    }

    async fn create(&self, cx: &Cx<'_, Kubernetes>) -> Result<Started<Outputs>> {
        set(cx, &self.class, true).await
    }

    async fn update(
        &self,
        cx: &Cx<'_, Kubernetes>,
        live: &Live<Self>,
        _: &Diff,
    ) -> Result<Started<Outputs>> {
        match live.spec.names().find(|name| *name != self.class) {
            Some(other) if live.spec.names().any(|name| name == self.class) => {
                set(cx, other, false).await
            }
            _ => set(cx, &self.class, true).await,
        }
    }

    async fn delete(cx: &Cx<'_, Kubernetes>, live: &Live<Self>) -> Result<Started<Outputs>> {
        match live.spec.names().next() {
            Some(name) => set(cx, name, false).await,
            None => Ok(Started::done()),
        }
    }
}

impl DefaultStorageClass {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.class.split(AND)
    }
}

/// Makes a class the default, or one like the others.
async fn set(cx: &Cx<'_, Kubernetes>, name: &str, default: bool) -> Result<Started<Outputs>> {
    let patch = json!({ "metadata": { "annotations": { DEFAULT: default.to_string() } } });
    let changed = Api::open(cx)?.merge(storage_class::named(name), &patch).await;
    changed.map(|_| Started::done())
}

/// Returns which class it is. Whose the wanted one is, is told of that itself.
fn live(
    marks: &Marks,
    classes: Vec<DynamicObject>,
    wanted: &str,
) -> Option<Live<DefaultStorageClass>> {
    let all: Vec<_> = classes.into_iter().filter(is_default).collect();
    let is_wanted = |class: &DynamicObject| class.metadata.name.as_deref() == Some(wanted);
    let is_ours = |class: &DynamicObject| marks.owner(&annotations(class)) == Owner::Ours;
    let foreign = all.iter().find(|class| !is_ours(class) && !is_wanted(class));
    let outputs = Outputs::from(foreign.or(all.first())?);
    let why = || format!("is the class of claims that name none, and {} is too", outputs.id);
    let owner = match foreign {
        Some(_) if all.len() > 1 => Owner::Foreign(why()),
        Some(_) => Owner::Foreign("is the class of claims that name none".to_owned()),
        None => Owner::Inherited,
    };
    let names = all.into_iter().filter_map(|class| class.metadata.name).collect::<Vec<_>>();
    let spec = DefaultStorageClass { class: names.join(AND) };
    Some(Live { address: None, spec, outputs, phase: Phase::Ready, owner, unobserved: &[] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::{marks, ours, theirs};
    use serde_json::Value;

    fn class(name: &str, default: &str) -> Value {
        json!({ "metadata": { "name": name, "annotations": { DEFAULT: default } } })
    }

    #[test]
    fn there_is_one_when_one_says_so() {
        let ours = |name: &str, default| ours("storage-class/x", class(name, default));
        assert!(live(&marks(), vec![ours("a", "false"), ours("b", "")], "a").is_none());
        let one = live(&marks(), vec![ours("a", "true"), ours("b", "false")], "a").unwrap();
        assert_eq!((one.spec.class.as_str(), one.owner), ("a", Owner::Inherited));
        let two = live(&marks(), vec![ours("a", "true"), ours("b", "true")], "a").unwrap();
        assert_eq!((two.spec.class.as_str(), two.owner), ("a, b", Owner::Inherited));
    }

    #[test]
    fn a_default_class_of_others_is_in_the_way() {
        let all = vec![ours("storage-class/a", class("a", "true")), theirs(class("gp2", "true"))];
        let found = live(&marks(), all, "a").unwrap();
        assert_eq!((found.spec.class.as_str(), found.outputs.id.as_str()), ("a, gp2", "gp2"));
        assert!(matches!(found.owner, Owner::Foreign(_)));
        let alone = live(&marks(), vec![theirs(class("a", "true"))], "a").unwrap();
        assert_eq!(alone.owner, Owner::Inherited, "the class itself is refused, or taken over");
    }
}
