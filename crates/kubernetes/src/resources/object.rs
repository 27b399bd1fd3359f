//! An object of any kind, as far as it is ours.
//!
//! Its fields are compared one by one, each with what it was set to; what others add is left alone,
//! and so is what the API fills in. Lists are compared as a whole, but for those whose items have
//! names. That a field is given up is seen by a digest of all that were set last, and which one by
//! what the API notes of our applies. Where nobody has told what its kind is called in paths, the
//! cluster is asked.
mod fields;
mod given_up;
mod phase;

use crate::api::{Api, Named, Noun, Outputs, Tags, annotations, owned};
use crate::clusters::Kubernetes;
use fields::{Fields, flatten, seen, whole};
use given_up::{applied, given_up, within_whole};
use kube::core::DynamicObject;
use phase::phase;
use provision_core::{
    Cx, Diff, Error, Identity, Live, Marks, Resource, Result, Rule, Started, Timing, fingerprint,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The annotation with the digest of the fields, of which nothing is told.
const DIGEST: &str = "provision-fields";

/// What is given up without being seen anywhere, such as a field without a value.
const UNSEEN: &str = "what the cluster does not show";

/// An object of any kind, as far as it is ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The version of its API, such as `apps/v1`.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// What its kind is called in paths; empty where the cluster is to tell.
    pub plural: String,
    /// Its namespace; empty where it is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its annotations but that of its fields.
    pub annotations: Tags,
    /// Its fields, by their path, such as `spec.containers[app].image`: items of lists by their names.
    pub fields: BTreeMap<String, Value>,
}

impl Resource for Object {
    const KIND: &'static str = "kubernetes.object";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("kind", Rule::Immutable),
        ("plural", Rule::Immutable),
        ("namespace", Rule::Immutable),
        ("name", Rule::Immutable),
        ("annotations", Rule::Tags),
        ("fields", Rule::Entries),
    ];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 15 * 60, 4).recovering_within(5 * 60);
    type Cloud = Kubernetes;
    type Outputs = Outputs;

    async fn read(
        &self,
        cx: &Cx<'_, Kubernetes>,
        _: Option<&Outputs>,
    ) -> Result<Option<Live<Self>>> {
        let Some(api) = Api::of(cx)? else { return Ok(None) };
        let Some(plural) = self.plural(&api).await? else { return Ok(None) };
        let found = api.get(self.named(&plural)).await?;
        Ok(found.map(|object| live(cx.marks(), &object, self)))
    }

    async fn create(&self, cx: &Cx<'_, Kubernetes>) -> Result<Started<Outputs>> {
        let api = Api::open(cx)?;
        let plural = self.plural(&api).await?.ok_or_else(|| self.unserved())?;
        let made = api.make(self.named(&plural), self.body()).await;
        made.map_err(|error| match error.code.as_deref() {
            Some("NotFound") if !error.message.starts_with("namespaces ") => self.unserved(),
            _ => error,
        })
    }

    async fn update(
        &self,
        cx: &Cx<'_, Kubernetes>,
        _: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        let api = Api::open(cx)?;
        let plural = self.plural(&api).await?.ok_or_else(|| self.unserved())?;
        let changed = api.change(self.named(&plural), self.body(), diff).await;
        changed.map_err(|error| match is_fixed(&error) {
            true => error
                .hint(format!("to delete it and make it again, add `--replace {}`", cx.address())),
            false => error,
        })
    }

    async fn delete(cx: &Cx<'_, Kubernetes>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let api = Api::open(cx)?;
        match live.spec.plural(&api).await? {
            Some(plural) => api.delete(live.spec.named(&plural), &live.outputs.uid).await,
            None => Ok(Started::done()),
        }
    }
}

impl Object {
    /// Makes an object of what its manifest says beside its kind, name and namespace.
    pub fn new(noun: (&str, &str, &str), namespace: &str, name: &str, body: &Value) -> Self {
        let (api_version, kind, plural) = noun;
        let mut fields = BTreeMap::new();
        flatten("", body, &mut fields);
        let annotations = Tags::new();
        let [api_version, kind, plural] = [api_version, kind, plural].map(str::to_owned);
        let [namespace, name] = [namespace, name].map(str::to_owned);
        Self { api_version, kind, plural, namespace, name, annotations, fields }
    }

    /// Adds annotations.
    #[must_use]
    pub fn annotated(mut self, annotations: &Tags) -> Self {
        self.annotations.extend(annotations.clone());
        self
    }

    /// Returns what its kind is called in paths. `None` where the cluster serves no such kind.
    async fn plural(&self, api: &Api<'_>) -> Result<Option<String>> {
        if !self.plural.is_empty() {
            return Ok(Some(self.plural.clone()));
        }
        let Some(served) = api.served(&self.api_version, &self.kind).await? else {
            return Ok(None);
        };
        let (kind, name) = (&self.kind, &self.name);
        match (served.namespaced, self.namespace.is_empty()) {
            (true, true) => Err(Error::invalid(format!("{kind} {name} names no namespace"))
                .hint("add `namespace: default` to its metadata")),
            (false, false) => Err(Error::invalid(format!("no {kind} is in a namespace"))
                .hint(format!("remove the namespace of {name}"))),
            _ => Ok(Some(served.name)),
        }
    }

    /// Makes the error of a kind that there is not.
    fn unserved(&self) -> Error {
        let Self { kind, api_version, .. } = self;
        Error::invalid(format!("the cluster serves no {kind} of {api_version}")).hint(
            "put the definition of its kind into manifests, or apply again when what brings it is \
             installed",
        )
    }

    fn named<'a>(&'a self, plural: &'a str) -> Named<'a> {
        let Self { api_version, kind, namespace, name, .. } = self;
        Named { noun: Noun { api_version, kind, plural }, namespace, name }
    }

    fn body(&self) -> Value {
        let mut body = whole(&self.fields);
        body["metadata"]["annotations"] = json!(self.annotations);
        body["metadata"]["annotations"][DIGEST] = self.digest().into();
        body
    }

    fn digest(&self) -> String {
        fingerprint(&whole(&self.fields))
    }
}

/// Tells whether the API refuses a change for what can never change.
fn is_fixed(error: &Error) -> bool {
    let words = ["immutable", "updates to", "may not change"];
    error.code.as_deref() == Some("Invalid") && words.iter().any(|it| error.message.contains(it))
}

fn live(marks: &Marks, object: &DynamicObject, wanted: &Object) -> Live<Object> {
    let mut annotations = annotations(object);
    let was_set = annotations.remove(DIGEST);
    let is_same = was_set.as_ref().is_some_and(|digest| *digest == wanted.digest());
    let mut fields = live_fields(object, wanted, is_same);
    if was_set.is_some() && !is_same && fields == wanted.fields {
        fields.insert(UNSEEN.to_owned(), "set".into());
    }
    let version = applied(object).and_then(|it| it.api_version.clone());
    owned(marks, object, phase(object), annotations, |annotations| Object {
        api_version: version.unwrap_or_else(|| wanted.api_version.clone()),
        annotations,
        fields,
        ..wanted.clone()
    })
}

/// Returns the fields that are wanted as they are, and those that were set and are not wanted any
/// more, unless what is wanted `is_same` as what was set.
fn live_fields(object: &DynamicObject, wanted: &Object, is_same: bool) -> Fields {
    let mut data = object.data.clone();
    data["metadata"]["labels"] = json!(object.metadata.labels);
    let of = |(path, wanted): (&String, &Value)| Some((path.clone(), seen(&data, path, wanted)?));
    let mut fields: Fields = wanted.fields.iter().filter_map(of).collect();
    if let Some(applied) = applied(object).filter(|_| !is_same) {
        fields.extend(given_up(applied, &data, &wanted.fields));
        if fields == wanted.fields {
            fields.extend(within_whole(applied, &data, &wanted.fields));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::{marks, ours};
    use provision_core::Phase;

    fn wanted() -> Object {
        let container = json!({ "name": "a", "image": "a:1", "args": ["--x", "--y=1"],
            "env": [{ "name": "R", "value": "1" }] });
        let body = json!({
            "metadata": { "labels": { "app.kubernetes.io/name": "a" } },
            "spec": { "replicas": 1, "template": { "spec": { "containers": [container] } } },
        });
        Object::new(("apps/v1", "Deployment", "deployments"), "kube-system", "a", &body)
    }

    /// The object as the API has it, with a change.
    fn seen(change: impl FnOnce(&mut Value)) -> Live<Object> {
        let mut body = wanted().body();
        body["apiVersion"] = "apps/v1".into();
        body["kind"] = "Deployment".into();
        body["metadata"]["name"] = "a".into();
        body["metadata"]["generation"] = 1.into();
        body["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always".into();
        body["status"] =
            json!({ "observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1 });
        change(&mut body);
        live(&marks(), &ours("autoscaler/deployment", body), &wanted())
    }

    fn differs(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let (want, live) = (json!(wanted()), json!(seen(change).spec));
        let diff = Diff::between(&want, &live, Some(&want), Object::RULES, &[]);
        let changes = diff.0.iter().filter_map(|it| it.to.as_object());
        changes.flat_map(|fields| fields.keys().cloned()).collect()
    }

    #[test]
    fn paths_come_together_again() {
        let fields = wanted().fields;
        let paths: Vec<_> = fields.keys().map(String::as_str).collect();
        let container = "spec.template.spec.containers[a]";
        assert_eq!(paths[0], r"metadata.labels.app\.kubernetes\.io/name");
        assert!(paths.contains(&format!("{container}.env[R].value").as_str()), "{paths:?}");
        let body = wanted().body();
        assert_eq!(body["spec"]["template"]["spec"]["containers"][0]["args"][1], "--y=1");
        assert_eq!(body["metadata"]["labels"]["app.kubernetes.io/name"], "a");
    }

    #[test]
    fn only_what_is_ours_differs_and_nothing_else() {
        assert_eq!(differs(|_| ()), [""; 0]);
        let container = "spec.template.spec.containers[a]";
        let args = |body: &mut Value| {
            body["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["--x"]);
        };
        assert_eq!(differs(args), [format!("{container}.args")]);
        let sidecar = |body: &mut Value| {
            let containers = &mut body["spec"]["template"]["spec"]["containers"];
            *containers = json!([{ "name": "b" }, containers[0]]);
        };
        assert_eq!(differs(sidecar), [""; 0]);
        let scaled = |body: &mut Value| body["spec"]["replicas"] = 0.into();
        assert_eq!(differs(scaled), ["spec.replicas"]);
        let stripped = |body: &mut Value| body["metadata"]["labels"] = json!({});
        assert_eq!(differs(stripped), [r"metadata.labels.app\.kubernetes\.io/name"]);
    }

    #[test]
    fn a_field_that_is_given_up_is_named_until_it_is_gone() {
        let set = json!({ "f:spec": { "f:replicas": {}, "f:paused": {} } });
        let entry = json!({ "manager": "provision", "operation": "Apply", "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1", "fieldsV1": set });
        let of = |digest: Option<String>| {
            differs(|body| {
                body["spec"]["paused"] = true.into();
                body["metadata"]["managedFields"] = json!([entry]);
                if let Some(digest) = &digest {
                    body["metadata"]["annotations"][DIGEST] = digest.as_str().into();
                }
            })
        };
        assert_eq!(of(Some("another".into())), ["spec.paused"]);
        assert_eq!(of(None), [""; 0], "what was set is what is wanted");
        let unseen = |body: &mut Value| {
            body["metadata"]["annotations"][DIGEST] = "another".into();
        };
        assert_eq!(differs(unseen), [UNSEEN]);
    }

    #[test]
    fn another_version_of_the_api_is_a_change() {
        let entry = json!({ "manager": "provision", "operation": "Apply",
                            "apiVersion": "apps/v1beta2" });
        let live = seen(|body| body["metadata"]["managedFields"] = json!([entry]));
        assert_eq!(live.spec.api_version, "apps/v1beta2");
        assert_eq!(seen(|_| ()).spec.api_version, "apps/v1");
    }

    #[test]
    fn a_definition_is_ready_when_its_kind_is_served() {
        let version = "apiextensions.k8s.io/v1";
        let wanted = Object::new((version, "CustomResourceDefinition", "x"), "", "a", &json!({}));
        let of = |status: &str| {
            let conditions = json!([{ "type": "Established", "status": status }]);
            let object = json!({ "apiVersion": version, "kind": "CustomResourceDefinition",
                "metadata": { "name": "a" }, "status": { "conditions": conditions } });
            live(&marks(), &ours("manifest/a", object), &wanted).phase
        };
        assert_eq!(of("True"), Phase::Ready);
        assert_eq!(of("False"), Phase::Busy("it is not established".into()));
    }

    #[test]
    fn a_change_of_what_is_fixed_is_told_from_others() {
        let refused =
            |message: &str| Error { code: Some("Invalid".into()), ..Error::invalid(message) };
        assert!(is_fixed(&refused("spec.selector: Invalid value: field is immutable")));
        assert!(is_fixed(&refused("spec: Forbidden: updates to statefulset spec for fields …")));
        assert!(!is_fixed(&refused("spec.replicas: must be greater than 0")));
        assert!(!is_fixed(&Error::invalid("field is immutable")));
    }

    #[test]
    fn a_deployment_is_ready_when_all_of_it_runs() {
        assert_eq!(seen(|_| ()).phase, Phase::Ready);
        let of = |reason: &str, status: &str| {
            seen(|body| {
                body["status"] = json!({ "observedGeneration": 1, "conditions": [{
                    "type": "Progressing", "status": status, "reason": reason,
                    "message": "it takes too long" }] });
            })
            .phase
        };
        let none = "0 of 1 replicas are available".to_owned();
        assert_eq!(of("ReplicaSetUpdated", "True"), Phase::Busy(none.clone()));
        assert_eq!(of("NewReplicaSetAvailable", "True"), Phase::Degraded(none));
        let late = of("ProgressDeadlineExceeded", "False");
        assert_eq!(late, Phase::Degraded("it takes too long".into()));
        let newer = seen(|body| body["metadata"]["generation"] = 2.into()).phase;
        assert_eq!(newer, Phase::Busy("it is not begun".into()));
    }
}
