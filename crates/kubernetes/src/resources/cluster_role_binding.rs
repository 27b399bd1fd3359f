//! A role that an account has in the whole cluster, for a while.
//!
//! The while begins when the account or this was made, whichever is older, by the cluster's own
//! record and clock. What has expired stays, with nobody in it: so it is seen that it has been, and
//! nothing but a later end lets anybody in again.
use super::TIMING;
use crate::api::{Api, Made, Named, Noun, Tags, annotations, owned};
use crate::clusters::Kubernetes;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::core::DynamicObject;
use provision_core::{
    Cx, Diff, Error, Identity, Input, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use provision_spec::Term;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const GROUP: &str = "rbac.authorization.k8s.io";
const NOUN: Noun<'static> = Noun {
    api_version: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    plural: "clusterrolebindings",
};

/// The annotation that tells people for how long.
const EXPIRES: &str = "provision-expires";

/// What stands between several of those who have it.
const AND: &str = ", ";

/// A role that an account has in the whole cluster, for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterRoleBinding {
    /// Its name.
    pub name: String,
    /// The role, which is one of the cluster's.
    pub grants: String,
    /// Who has it until it expires: the name of the account, after its namespace.
    pub account: String,
    /// When that was made.
    pub since: Input<String>,
    /// For how long, as a cluster file says it.
    pub expires: String,
    /// Who has it though it has expired, and since when it has.
    pub expired: Vec<String>,
    /// Its annotations but that of its end.
    pub annotations: Tags,
}

impl Resource for ClusterRoleBinding {
    const KIND: &'static str = "kubernetes.cluster_role_binding";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("name", Rule::Immutable),
        ("grants", Rule::Immutable),
        ("since", Rule::CreateOnly),
        ("annotations", Rule::Tags),
    ];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = TIMING;
    type Cloud = Kubernetes;
    type Outputs = Made;

    async fn read(&self, cx: &Cx<'_, Kubernetes>, _: Option<&Made>) -> Result<Option<Live<Self>>> {
        let Some(api) = Api::of(cx)? else { return Ok(None) };
        let found = api.get(named(&self.name)).await?;
        found.map(|binding| live(cx.marks(), &binding, self, api.now())).transpose()
    }

    async fn create(&self, cx: &Cx<'_, Kubernetes>) -> Result<Started<Made>> {
        let api = Api::open(cx)?;
        let now = api.now();
        let is_over = self.end(&now.to_string())? <= now;
        api.make(named(&self.name), self.body(is_over)).await
    }

    async fn update(
        &self,
        cx: &Cx<'_, Kubernetes>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Made>> {
        let api = Api::open(cx)?;
        let is_over = self.end(&live.outputs.made)? <= api.now();
        api.change(named(&self.name), self.body(is_over), diff).await
    }

    async fn delete(cx: &Cx<'_, Kubernetes>, live: &Live<Self>) -> Result<Started<Made>> {
        Api::open(cx)?.delete(named(&live.spec.name), &live.outputs.uid).await
    }
}

impl ClusterRoleBinding {
    /// Returns when it ends that was made at a time.
    fn end(&self, made: &str) -> Result<Timestamp> {
        let accounts = self.since.get().ok().map(String::as_str);
        end(&self.expires, [Some(made), accounts].into_iter().flatten())
    }

    fn body(&self, is_over: bool) -> Value {
        let (namespace, name) = self.account.split_once('/').unwrap_or_default();
        let account = json!({ "kind": "ServiceAccount", "namespace": namespace, "name": name });
        let subjects = if is_over { json!([]) } else { json!([account]) };
        let mut annotations = self.annotations.clone();
        annotations.insert(EXPIRES.to_owned(), self.expires.clone());
        json!({
            "metadata": { "annotations": annotations },
            "roleRef": { "apiGroup": GROUP, "kind": "ClusterRole", "name": self.grants },
            "subjects": subjects,
        })
    }
}

pub(crate) fn named(name: &str) -> Named<'_> {
    Named { noun: NOUN, namespace: "", name }
}

/// Returns when something ends that began at the first of some times.
///
/// # Errors
/// [`Kind::Invalid`](provision_core::Kind::Invalid) where there is no telling.
pub(crate) fn end<'a>(expires: &str, began: impl Iterator<Item = &'a str>) -> Result<Timestamp> {
    let wrong = |what: &str| Error::invalid(format!("the end of access cannot be told: {what}"));
    let term: Term = expires.parse().map_err(|why: String| wrong(&format!("{expires} {why}")))?;
    let times = began.map(|text| text.parse::<Timestamp>().map_err(|e| wrong(&e.to_string())));
    let times = times.collect::<Result<Vec<_>>>()?;
    let first = times.into_iter().min().ok_or_else(|| wrong("nobody knows when it began"))?;
    let end = first.checked_add(SignedDuration::from_hours(term.hours().into()));
    end.map_err(|error| wrong(&error.to_string()))
}

/// Returns for how long it was applied, as a cluster file says it; empty where nobody noted that.
pub(crate) fn applied(binding: &DynamicObject) -> String {
    annotations(binding).remove(EXPIRES).unwrap_or_default()
}

/// Returns those who have the role: accounts by their namespace and name, others by their name.
pub(crate) fn holders(binding: &DynamicObject) -> Vec<String> {
    let subjects = binding.data["subjects"].as_array().into_iter().flatten();
    let text = |of: &Value, field: &str| of[field].as_str().unwrap_or_default().to_owned();
    let holder = |it: &Value| match it["namespace"].as_str() {
        Some(namespace) => format!("{namespace}/{}", text(it, "name")),
        None => text(it, "name"),
    };
    subjects.map(holder).collect()
}

/// Returns how it is at a time. Once it is over nobody is missed who should have it before.
fn live(
    marks: &Marks,
    binding: &DynamicObject,
    wanted: &ClusterRoleBinding,
    now: Timestamp,
) -> Result<Live<ClusterRoleBinding>> {
    let mut annotations = annotations(binding);
    let expires = annotations.remove(EXPIRES).unwrap_or_default();
    let (made, holders) = (Made::from(binding).made, holders(binding));
    let end = wanted.end(&made)?;
    let day = end.strftime("%Y-%m-%d");
    let (account, expired) = match end <= now {
        true => {
            let told = holders.iter().map(|holder| format!("{holder} on {day}")).collect();
            (wanted.account.clone(), told)
        }
        false => (holders.join(AND), Vec::new()),
    };
    Ok(owned(marks, binding, Phase::Ready, annotations, |annotations| ClusterRoleBinding {
        name: binding.metadata.name.clone().unwrap_or_default(),
        grants: binding.data["roleRef"]["name"].as_str().unwrap_or_default().to_owned(),
        account,
        since: made.into(),
        expires,
        expired,
        annotations,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::{marks, ours};

    const BEGUN: &str = "2026-11-26T09:00:00Z";

    fn wanted(since: &str, expires: &str) -> ClusterRoleBinding {
        ClusterRoleBinding {
            name: "provision-support".into(),
            grants: "cluster-admin".into(),
            account: "qualytics/provision-support".into(),
            since: since.to_owned().into(),
            expires: expires.into(),
            expired: Vec::new(),
            annotations: Tags::new(),
        }
    }

    /// What is seen at a time of what was made with or without an account in it.
    fn seen(of: &ClusterRoleBinding, is_over: bool, now: &str) -> ClusterRoleBinding {
        let mut object = of.body(is_over);
        object["metadata"]["name"] = "provision-support".into();
        object["metadata"]["creationTimestamp"] = BEGUN.into();
        let object = ours("support/cluster-role-binding", object);
        let live = live(&marks(), &object, of, now.parse().unwrap()).unwrap();
        ClusterRoleBinding { annotations: Tags::new(), ..live.spec }
    }

    #[test]
    fn it_is_as_wanted_before_its_end_with_an_account_and_after_it_without() {
        let of = wanted(BEGUN, "30d");
        assert_eq!(seen(&of, false, "2026-12-26T08:59:59Z"), of);
        let late = seen(&of, false, "2026-12-26T09:00:00Z");
        assert_eq!(late.expired, ["qualytics/provision-support on 2026-12-26"]);
        assert_eq!(ClusterRoleBinding { expired: Vec::new(), ..late }, of);
        assert_eq!(seen(&of, true, "2027-02-01T00:00:00Z"), of);
    }

    #[test]
    fn a_later_end_lets_in_again_and_a_younger_binding_does_not() {
        let longer = wanted(BEGUN, "60d");
        assert_eq!(seen(&longer, true, "2026-12-27T00:00:00Z").account, "");
        let older = wanted("2026-10-01T00:00:00Z", "30d");
        assert_eq!(seen(&older, false, "2026-11-27T00:00:00Z").expired.len(), 1);
        let younger = wanted("2026-12-20T00:00:00Z", "30d");
        assert_eq!(seen(&younger, false, "2026-12-27T00:00:00Z").expired.len(), 1);
    }

    #[test]
    fn an_end_that_nobody_can_tell_is_an_error() {
        let told = |expires: &str, began: &[&str]| end(expires, began.iter().copied());
        assert_eq!(told("8h", &[BEGUN]).unwrap().to_string(), "2026-11-26T17:00:00Z");
        for (expires, began) in [("", BEGUN), ("soon", BEGUN), ("8h", "")] {
            assert!(told(expires, &[began]).is_err(), "{expires} {began}");
        }
        assert!(told("8h", &[]).is_err());
    }
}
