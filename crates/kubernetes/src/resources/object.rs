//! An object of any kind, as far as it is ours.
//!
//! Its fields are compared one by one, each with what it was set to; what others add is left alone,
//! and so is what the API fills in. Lists are compared as a whole, but for those whose items have
//! names. That a field is given up is seen by a digest of all that are set.
use crate::api::{Api, Named, Noun, Outputs, Tags, annotations, owned};
use crate::clusters::Kubernetes;
use kube::core::DynamicObject;
use provision_core::{
    Cx, Diff, Identity, Live, Marks, Phase, Resource, Result, Rule, Started, Timing, fingerprint,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The annotation with the digest of the fields.
const DIGEST: &str = "provision-fields";

/// An object of any kind, as far as it is ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The version of its API, such as `apps/v1`.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// What its kind is called in paths.
    pub plural: String,
    /// Its namespace; empty where it is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its annotations, with the digest of its fields.
    pub annotations: Tags,
    /// Its fields, by their path. Items of a list that have names are `[name]` there.
    pub fields: BTreeMap<String, Value>,
}

impl Resource for Object {
    const KIND: &'static str = "kubernetes.object";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("api_version", Rule::Immutable),
        ("kind", Rule::Immutable),
        ("plural", Rule::Immutable),
        ("namespace", Rule::Immutable),
        ("name", Rule::Immutable),
        ("annotations", Rule::Tags),
        ("fields", Rule::Tags),
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
        let found = Api::seen(cx, self.named()).await?;
        Ok(found.map(|object| live(cx.marks(), &object, self)))
    }

    async fn create(&self, cx: &Cx<'_, Kubernetes>) -> Result<Started<Outputs>> {
        Api::open(cx)?.make(self.named(), self.body()).await
    }

    async fn update(
        &self,
        cx: &Cx<'_, Kubernetes>,
        _: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        Api::open(cx)?.change(self.named(), self.body(), diff).await
    }

    async fn delete(cx: &Cx<'_, Kubernetes>, live: &Live<Self>) -> Result<Started<Outputs>> {
        Api::open(cx)?.delete(live.spec.named(), &live.outputs).await
    }
}

impl Object {
    /// Makes an object of what its manifest says beside its kind, name and namespace.
    pub fn new(noun: (&str, &str, &str), namespace: &str, name: &str, body: &Value) -> Self {
        let (api_version, kind, plural) = noun;
        let mut fields = BTreeMap::new();
        flatten("", body, &mut fields);
        let annotations = [(DIGEST.to_owned(), fingerprint(&fields))].into();
        let [api_version, kind, plural] = [api_version, kind, plural].map(str::to_owned);
        let [namespace, name] = [namespace, name].map(str::to_owned);
        Self { api_version, kind, plural, namespace, name, annotations, fields }
    }

    fn named(&self) -> Named<'_> {
        let Self { api_version, kind, plural, namespace, name, .. } = self;
        Named { noun: Noun { api_version, kind, plural }, namespace, name }
    }

    fn body(&self) -> Value {
        let mut body = json!({});
        for (path, value) in &self.fields {
            set(&mut body, path, value.clone());
        }
        body["metadata"]["annotations"] = json!(self.annotations);
        body
    }
}

/// Takes a value apart: maps, and lists of things with names.
fn flatten(path: &str, value: &Value, fields: &mut BTreeMap<String, Value>) {
    let below =
        |part: &str| if path.is_empty() { part.to_owned() } else { format!("{path}/{part}") };
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                flatten(&below(&escaped(name)), value, fields);
            }
        }
        Value::Array(items)
            if !items.is_empty() && items.iter().all(|it| it["name"].is_string()) =>
        {
            for item in items {
                let name = item["name"].as_str().unwrap_or_default();
                flatten(&below(&format!("[{}]", escaped(name))), item, fields);
            }
        }
        leaf => drop(fields.insert(path.to_owned(), leaf.clone())),
    }
}

fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// Returns the name of a list's item, if a part of a path is one.
fn item(part: &str) -> Option<String> {
    Some(unescaped(part.strip_prefix('[')?.strip_suffix(']')?))
}

/// Puts a value at a path, with all that leads there.
fn set(at: &mut Value, path: &str, value: Value) {
    let Some((part, rest)) = path.split_once('/').or((!path.is_empty()).then_some((path, "")))
    else {
        *at = value;
        return;
    };
    let next = match item(part) {
        None => &mut at[unescaped(part)],
        Some(name) => {
            if !at.is_array() {
                *at = json!([]);
            }
            let Value::Array(items) = at else { return };
            let found = items.iter().position(|it| it["name"] == name.as_str());
            let found = found.unwrap_or_else(|| {
                items.push(json!({ "name": name }));
                items.len() - 1
            });
            &mut items[found]
        }
    };
    set(next, rest, value);
}

/// Returns what is at a path, where it is as far as `like` goes.
fn get<'a>(at: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/').try_fold(at, |at, part| match item(part) {
        None => at.get(unescaped(part)),
        Some(name) => at.as_array()?.iter().find(|it| it["name"] == name.as_str()),
    })
}

/// Leaves out of a value what a wanted one does not speak of, so that what the API fills in does
/// not differ.
fn like(value: &Value, wanted: &Value) -> Value {
    match (value, wanted) {
        (Value::Object(members), Value::Object(wanted)) => {
            let both = wanted.iter().filter_map(|(name, wanted)| {
                Some((name.clone(), like(members.get(name)?, wanted)))
            });
            Value::Object(both.collect::<Map<_, _>>())
        }
        (Value::Array(items), Value::Array(wanted)) if items.len() == wanted.len() => {
            items.iter().zip(wanted).map(|(item, wanted)| like(item, wanted)).collect()
        }
        _ => value.clone(),
    }
}

/// Tells how a workload is: whether all that it should run is there, or on the way. How long that may
/// take is for its own controller to say.
fn phase(object: &DynamicObject) -> Phase {
    if object.types.as_ref().is_none_or(|types| types.kind != "Deployment") {
        return Phase::Ready;
    }
    let status = &object.data["status"];
    if status["observedGeneration"].as_i64() < object.metadata.generation {
        return Phase::Busy("it is not begun".into());
    }
    let wanted = object.data["spec"]["replicas"].as_i64().unwrap_or(1);
    let count = |field: &str| status[field].as_i64().unwrap_or_default();
    let available = count("availableReplicas");
    if available >= wanted && count("updatedReplicas") >= wanted {
        return Phase::Ready;
    }
    let so_far = format!("{available} of {wanted} replicas are available");
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let condition = |kind: &str| conditions.clone().find(|it| it["type"] == kind);
    match condition("Progressing") {
        // Then all were there once, and some are not now.
        Some(it) if it["reason"] == "NewReplicaSetAvailable" => Phase::Degraded(so_far),
        Some(it) if it["status"] == "False" => {
            let why = condition("ReplicaFailure").unwrap_or(it)["message"].as_str();
            Phase::Degraded(why.unwrap_or(&so_far).to_owned())
        }
        _ => Phase::Busy(so_far),
    }
}

fn live(marks: &Marks, object: &DynamicObject, wanted: &Object) -> Live<Object> {
    let mut data = object.data.clone();
    data["metadata"]["labels"] = json!(object.metadata.labels);
    let fields = wanted
        .fields
        .iter()
        .filter_map(|(path, value)| Some((path.clone(), like(get(&data, path)?, value))));
    let fields = fields.collect();
    owned(marks, object, phase(object), annotations(object), |annotations| Object {
        annotations,
        fields,
        ..wanted.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::{marks, ours};

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
        let container = "spec/template/spec/containers/[a]";
        assert_eq!(paths[0], "metadata/labels/app.kubernetes.io~1name");
        assert!(paths.contains(&format!("{container}/env/[R]/value").as_str()), "{paths:?}");
        let body = wanted().body();
        assert_eq!(body["spec"]["template"]["spec"]["containers"][0]["args"][1], "--y=1");
        assert_eq!(body["metadata"]["labels"]["app.kubernetes.io/name"], "a");
    }

    #[test]
    fn only_what_is_ours_differs_and_nothing_else() {
        assert_eq!(differs(|_| ()), [""; 0]);
        let container = "spec/template/spec/containers/[a]";
        let args = |body: &mut Value| {
            body["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["--x"]);
        };
        assert_eq!(differs(args), [format!("{container}/args")]);
        let sidecar = |body: &mut Value| {
            let containers = &mut body["spec"]["template"]["spec"]["containers"];
            *containers = json!([{ "name": "b" }, containers[0]]);
        };
        assert_eq!(differs(sidecar), [""; 0]);
        let scaled = |body: &mut Value| body["spec"]["replicas"] = 0.into();
        assert_eq!(differs(scaled), ["spec/replicas"]);
        let stripped = |body: &mut Value| body["metadata"]["labels"] = json!({});
        assert_eq!(differs(stripped), ["metadata/labels/app.kubernetes.io~1name"]);
    }

    #[test]
    fn a_field_that_is_given_up_is_seen_by_the_digest() {
        let mut object = wanted();
        object.annotations.insert(DIGEST.into(), "another".into());
        let diff = Diff::between(
            &json!(wanted()),
            &json!(object),
            Some(&json!(object)),
            Object::RULES,
            &[],
        );
        assert!(diff.touches(&["annotations"]));
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
