//! The calls that kinds make.
mod owned;

use crate::access::Access;
use crate::classify::{failed, parsed};
use crate::clusters::{Cluster, Kubernetes};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use k8s_openapi::jiff::Timestamp;
use kube::core::params::{DeleteParams, GetParams, ListParams, Patch, PatchParams, Preconditions};
use kube::core::{DynamicObject, ObjectList, Request};
use owned::is_of_cluster;
pub use owned::{Made, Outputs};
pub(crate) use owned::{annotations, owned};
use provision_core::{Cx, Diff, Error, Kind, Live, Marks, Resource, Result, Started};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The manager of every field that is ours.
pub(crate) const MANAGER: &str = "provision";

/// How many objects a page of a listing has.
const PAGE: u32 = 500;

/// Annotations or labels, by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// What a kind is called in the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noun<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) plural: &'a str,
}

/// Which object a call is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a> {
    pub(crate) noun: Noun<'a>,
    /// Empty for what is in none.
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

/// How a kind is served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Served {
    /// What it is called in paths.
    pub(crate) name: String,
    kind: String,
    pub(crate) namespaced: bool,
}

/// What a version of a group serves.
#[derive(Deserialize)]
struct AllServed {
    resources: Vec<Served>,
}

/// The API of one cluster.
pub(crate) struct Api<'a> {
    kubernetes: &'a Kubernetes,
    access: Access,
    cluster: Arc<Cluster>,
}

impl<'a> Api<'a> {
    /// Returns the API of the cluster that an object is within; nothing while that is being made.
    pub(crate) fn of(cx: &Cx<'a, Kubernetes>) -> Result<Option<Self>> {
        let access: Access = cx.within()?;
        match access.endpoint.is_empty() {
            true => Ok(None),
            false => Self::to(cx.cloud, access).map(Some),
        }
    }

    /// Returns the API of a cluster.
    pub(crate) fn to(kubernetes: &'a Kubernetes, access: Access) -> Result<Self> {
        Ok(Self { kubernetes, cluster: kubernetes.cluster(&access)?, access })
    }

    /// Returns what time it is in the cluster.
    pub(crate) fn now(&self) -> Timestamp {
        self.cluster.now()
    }

    /// Returns the API of a cluster that must be there.
    pub(crate) fn open(cx: &Cx<'a, Kubernetes>) -> Result<Self> {
        let busy = || Error::new(Kind::Blocked, "the cluster has no endpoint yet");
        Self::of(cx)?.ok_or_else(busy)
    }

    /// Reads an object of the cluster that it is within.
    pub(crate) async fn seen(
        cx: &Cx<'a, Kubernetes>,
        of: Named<'_>,
    ) -> Result<Option<DynamicObject>> {
        match Self::of(cx)? {
            Some(api) => api.get(of).await,
            None => Ok(None),
        }
    }

    /// Lists what is of our cluster, whatever its lineage, in the cluster that it is within. `None`
    /// where it is within none.
    pub(crate) async fn marked<R: Resource>(
        cx: &Cx<'a, Kubernetes>,
        noun: Noun<'_>,
        live: impl Fn(&Marks, &DynamicObject) -> Live<R>,
    ) -> Result<Option<Vec<Live<R>>>> {
        if !cx.is_within() {
            return Ok(None);
        }
        let Some(api) = Self::of(cx)? else { return Ok(Some(Vec::new())) };
        let found = api.list(noun).await?;
        let ours = found.iter().filter(|object| is_of_cluster(cx.marks(), object));
        Ok(Some(ours.map(|object| live(cx.marks(), object)).collect()))
    }

    /// Lists every object of a kind, in every namespace.
    pub(crate) async fn list(&self, noun: Noun<'_>) -> Result<Vec<DynamicObject>> {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let mut params = ListParams::default().limit(PAGE);
            params.continue_token = from;
            let request = Request::new(noun.path("")).list(&params);
            let page: ObjectList<DynamicObject> = self.call("list", noun, request).await?;
            found.extend(page.items);
            from = page.metadata.continue_.filter(|token| !token.is_empty());
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    /// Asks how a kind is served. `None` where it is not.
    pub(crate) async fn served(&self, api_version: &str, kind: &str) -> Result<Option<Served>> {
        let noun = Noun { api_version, kind, plural: api_version };
        let root = if api_version.contains('/') { "apis" } else { "api" };
        let request = http::Request::get(format!("/{root}/{api_version}")).body(Vec::new());
        let request = request.map_err(kube::core::request::Error::BuildRequest);
        let answer = absent(self.call::<AllServed>("discover", noun, request).await)?;
        // The parts of an object have a path of their own.
        let is_it = |it: &Served| it.kind == kind && !it.name.contains('/');
        Ok(answer.and_then(|all| all.resources.into_iter().find(is_it)))
    }

    /// Reads an object.
    pub(crate) async fn get(&self, of: Named<'_>) -> Result<Option<DynamicObject>> {
        let request = Request::new(of.path()).get(of.name, &GetParams::default());
        absent(self.call("get", of.noun, request).await)
    }

    /// Makes an object by applying it, unless somebody else has a field of it.
    pub(crate) async fn make<O: for<'o> From<&'o DynamicObject>>(
        &self,
        of: Named<'_>,
        body: Value,
    ) -> Result<Started<O>> {
        let made = self.apply(of, body, PatchParams::apply(MANAGER)).await?;
        Ok(Started::made(O::from(&made)))
    }

    /// Changes an object that is ours: takes away what is not wanted any more, which an apply does
    /// only to what nobody else has set since, or else applies it, whoever has changed it.
    pub(crate) async fn change<O>(
        &self,
        of: Named<'_>,
        body: Value,
        diff: &Diff,
    ) -> Result<Started<O>> {
        let gone = ["annotations", "labels"].map(|field| (field, diff.tags(field).remove));
        if gone.iter().all(|(_, keys)| keys.is_empty()) {
            let params = PatchParams::apply(MANAGER).force();
            return self.apply(of, body, params).await.map(|_| Started::done());
        }
        let nulls = |keys: Vec<String>| {
            let nulls = keys.into_iter().map(|key| (key, Value::Null));
            Value::Object(nulls.collect::<Map<_, _>>())
        };
        let metadata = gone.into_iter().filter(|(_, keys)| !keys.is_empty());
        let metadata: Map<_, _> =
            metadata.map(|(field, keys)| (field.to_owned(), nulls(keys))).collect();
        self.merge(of, &json!({ "metadata": metadata })).await.map(|_| Started::done())
    }

    /// Merges a few fields into an object.
    pub(crate) async fn merge(&self, of: Named<'_>, patch: &Value) -> Result<DynamicObject> {
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        let request = Request::new(of.path()).patch(of.name, &params, &Patch::Merge(patch));
        self.call("patch", of.noun, request).await
    }

    async fn apply(
        &self,
        of: Named<'_>,
        mut body: Value,
        params: PatchParams,
    ) -> Result<DynamicObject> {
        body["apiVersion"] = of.noun.api_version.into();
        body["kind"] = of.noun.kind.into();
        body["metadata"]["name"] = of.name.into();
        if !of.namespace.is_empty() {
            body["metadata"]["namespace"] = of.namespace.into();
        }
        let request = Request::new(of.path()).patch(of.name, &params, &Patch::Apply(body));
        self.call("patch", of.noun, request).await
    }

    /// Deletes the very object that was seen, and what belongs to it.
    pub(crate) async fn delete<O>(&self, of: Named<'_>, uid: &str) -> Result<Started<O>> {
        let uid = Some(uid.to_owned());
        let preconditions = Some(Preconditions { uid, resource_version: None });
        let params = DeleteParams { preconditions, ..DeleteParams::background() };
        let request = Request::new(of.path()).delete(of.name, &params);
        let gone = absent(self.call::<Value>("delete", of.noun, request).await);
        gone.map(|_| Started::done())
    }

    /// Makes one call with a token of its own.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        verb: &'static str,
        noun: Noun<'_>,
        request: std::result::Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T> {
        let operation = format!("kubernetes:{verb} {}", noun.plural);
        let wrong =
            |why: String| Error { operation: Some(operation.clone()), ..Error::invalid(why) };
        let mut request = request.map_err(|error| wrong(error.to_string()))?;
        let token = self.kubernetes.tokens.token(&self.access.id).await?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| wrong("the token cannot be sent".into()))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
        let begun = Instant::now();
        let answer = self.cluster.text(request).await;
        let let_in = &self.cluster.let_in;
        let outcome = match answer {
            Ok(text) => {
                let_in.store(true, Ordering::Relaxed);
                parsed(&text)
            }
            Err(error) => {
                let known = let_in.load(Ordering::Relaxed);
                Err(failed(error, known, self.kubernetes.tokens.way_in()))
            }
        };
        log(verb, noun, begun, outcome.as_ref().err());
        outcome.map_err(|error| Error { operation: Some(operation), ..error })
    }
}

/// Logs a call: one that changes something as information, a read as detail. What was sent and what
/// came back is never logged.
fn log(verb: &str, noun: Noun<'_>, begun: Instant, error: Option<&Error>) {
    let (service, operation) = ("kubernetes", format!("{verb} {}", noun.plural));
    let outcome = match error {
        None => "ok",
        Some(error) => error.code.as_deref().unwrap_or(&error.message),
    };
    let ms = u64::try_from(begun.elapsed().as_millis()).ok();
    match matches!(verb, "discover" | "get" | "list") {
        true => tracing::debug!(service, operation, outcome, ms, "called"),
        false => tracing::info!(service, operation, outcome, ms, "called"),
    }
}

/// Takes absence for an answer.
fn absent<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if error.code.as_deref() == Some("NotFound") => Ok(None),
        answer => answer.map(Some),
    }
}

impl Noun<'_> {
    /// Returns the path of all objects of the kind, or of those in a namespace.
    fn path(&self, namespace: &str) -> String {
        let root = if self.api_version.contains('/') { "apis" } else { "api" };
        let of =
            if namespace.is_empty() { String::new() } else { format!("namespaces/{namespace}/") };
        format!("/{root}/{}/{of}{}", self.api_version, self.plural)
    }
}

impl Named<'_> {
    fn path(&self) -> String {
        self.noun.path(self.namespace)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use provision_core::{ADDRESS_MARK, CLUSTER_MARK, LINEAGE_MARK};

    /// Marks of a cluster `acme` with lineage `l1`.
    pub(crate) fn marks() -> Marks {
        Marks { lineage: Some("l1".into()), cluster: "acme".into() }
    }

    /// An object that is ours at `address`.
    pub(crate) fn ours(address: &str, mut object: Value) -> DynamicObject {
        object["metadata"]["uid"] = "u-1".into();
        for (key, value) in [(LINEAGE_MARK, "l1"), (CLUSTER_MARK, "acme"), (ADDRESS_MARK, address)]
        {
            object["metadata"]["annotations"][key] = value.into();
        }
        theirs(object)
    }

    /// An object that is not ours.
    pub(crate) fn theirs(object: Value) -> DynamicObject {
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn paths_are_of_group_and_namespace() {
        let noun = |api_version, plural| Noun { api_version, kind: "", plural };
        assert_eq!(noun("v1", "secrets").path("a"), "/api/v1/namespaces/a/secrets");
        let class = noun("storage.k8s.io/v1", "storageclasses");
        assert_eq!(class.path(""), "/apis/storage.k8s.io/v1/storageclasses");
    }
}
