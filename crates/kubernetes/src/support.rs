//! How the vendor's support gets into a cluster: an account, its role for a while, and its tokens.
use crate::access::{Access, Tokens, Way};
use crate::api::{Api, Made, Noun, Tags, annotations};
use crate::clusters::Kubernetes;
use crate::resources::{
    ClusterRoleBinding, ServiceAccount, account_named, applied, binding_named, end, holders,
};
use futures::future::BoxFuture;
use k8s_openapi::jiff::Timestamp;
use kube::core::DynamicObject;
use provision_core::{Error, Graph, Handle, Marks, Owner, Place, Result, out};
use provision_spec::Term;
use serde::Deserialize;
use serde_json::json;

/// What everything of it is called.
const NAME: &str = "provision-support";
/// The role that it has.
const ROLE: &str = "cluster-admin";
/// Where its account is. Whoever may run a pod in a namespace may run it as any account there, and the
/// platform runs pods in its own.
const NAMESPACE: &str = "kube-system";
/// The shortest and longest that a token is asked for, in seconds: the API makes none that is
/// shorter.
const SHORTEST: i64 = 10 * 60;
const LONGEST: i64 = 24 * 60 * 60;

/// What lets support in.
#[derive(Clone, PartialEq, Eq)]
pub struct Admission {
    /// The token. A secret.
    pub token: String,
    /// Until when it is good.
    pub until: Timestamp,
    /// When the access ends, whatever the token.
    pub ends: Timestamp,
}

impl Admission {
    /// Tells whether the access ends before another token could be asked for.
    pub fn is_last(&self) -> bool {
        self.ends.as_second() - self.until.as_second() < SHORTEST
    }
}

/// Adds what lets support in, each where `placed` puts it.
pub(crate) fn support(
    graph: &mut Graph,
    expires: Term,
    placed: impl Fn(Place) -> Place,
) -> Handle<ClusterRoleBinding> {
    let account = ServiceAccount {
        name: NAME.to_owned(),
        namespace: NAMESPACE.to_owned(),
        mounted: false,
        annotations: Tags::new(),
    };
    let account = graph.add(placed(Place::at("support/service-account")), account);
    let binding = ClusterRoleBinding {
        name: NAME.to_owned(),
        grants: ROLE.to_owned(),
        account: holder(),
        since: out!(account.made),
        expires: expires.to_string(),
        expired: Vec::new(),
        annotations: Tags::new(),
    };
    graph.add(placed(Place::at("support/cluster-role-binding")), binding)
}

/// Asks a cluster for a token that lets support in, as whoever `token` lets in. It ends no later than
/// the access does that `expires` says.
///
/// # Errors
/// [`Kind::Invalid`](provision_core::Kind::Invalid) where support is not let in, or not any more;
/// else what the cluster answered.
pub async fn admission(
    (access, way, token): (&Access, &Way, &str),
    marks: &Marks,
    expires: Term,
) -> Result<Admission> {
    let kubernetes = Kubernetes::new(Given(token.to_owned()), way.clone(), false);
    let api = Api::to(&kubernetes, access.clone())?;
    let account = ours(marks, api.get(account_named(NAMESPACE, NAME)).await?)?;
    let binding = ours(marks, api.get(binding_named(NAME)).await?)?;
    if applied(&binding) != expires.to_string() {
        return Err(Error::invalid("`expires` is not applied yet as the file has it").hint(NOT_YET));
    }
    let made = [&account, &binding].map(|object| Made::from(object).made);
    let (ends, now) = (end(&expires.to_string(), made.iter().map(String::as_str))?, api.now());
    let (left, day) = (ends.as_second() - now.as_second(), ends.strftime("%Y-%m-%d %H:%M UTC"));
    if left <= 0 {
        return Err(Error::invalid(format!("the access of support expired on {day}"))
            .hint("a later `expires` in the file, applied, lets it in again"));
    }
    if !holders(&binding).contains(&holder()) {
        return Err(Error::invalid("support has no role in the cluster").hint(NOT_YET));
    }
    if left < SHORTEST {
        let what = format!("the access of support ends on {day}, sooner than any token");
        return Err(Error::invalid(what).hint("a later `expires` in the file, applied, gives time"));
    }
    let (token, until) = ask(&api, left.min(LONGEST)).await?;
    Ok(Admission { token, until, ends })
}

fn holder() -> String {
    format!("{NAMESPACE}/{NAME}")
}

/// What to do where support is not let in yet.
const NOT_YET: &str = "apply the cluster file, which makes what is missing";

/// Returns an object, if it is ours.
fn ours(marks: &Marks, object: Option<DynamicObject>) -> Result<DynamicObject> {
    let none = || Error::invalid("support is not let in yet").hint(NOT_YET);
    let object = object.ok_or_else(none)?;
    match marks.owner(&annotations(&object)) {
        Owner::Foreign(why) => {
            let what = format!("what lets support in is of somebody else: {why}");
            Err(Error::invalid(what).hint(NOT_YET))
        }
        Owner::Ours | Owner::Inherited => Ok(object),
    }
}

/// A token as the API hands it out.
#[derive(Deserialize)]
struct Answer {
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: String,
    expiration_timestamp: Timestamp,
}

/// Asks for a token of whole minutes: another number means another thing to the API.
async fn ask(api: &Api<'_>, seconds: i64) -> Result<(String, Timestamp)> {
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": { "expirationSeconds": seconds - seconds % 60 },
    });
    let path = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{NAME}/token");
    let request = http::Request::post(path).header("content-type", "application/json");
    let request = request.body(body.to_string().into_bytes());
    let request = request.map_err(kube::core::request::Error::BuildRequest);
    let noun = Noun { api_version: "v1", kind: "TokenRequest", plural: "serviceaccounts/token" };
    let Answer { status } = api.call("create", noun, request).await?;
    Ok((status.token, status.expiration_timestamp))
}

/// Lets in with a token that is there already.
struct Given(String);

impl Tokens for Given {
    fn token<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move { Ok(self.0.clone()) })
    }

    fn way_in(&self) -> &'static str {
        "whoever administers it gives access"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::{marks, ours as marked, theirs};

    #[test]
    fn the_role_ends_by_when_the_account_was_made() {
        let mut graph = Graph::new();
        support(&mut graph, Term::USUAL, |place| place);
        let binding = graph.node(&"support/cluster-role-binding".into()).unwrap();
        assert_eq!(binding.spec["since"]["$from"], "support/service-account");
        assert_eq!(binding.spec["account"], "kube-system/provision-support");
        assert_eq!(binding.spec["expires"], "30d");
    }

    #[test]
    fn nothing_of_somebody_else_lets_support_in() {
        let object = || json!({ "metadata": { "name": NAME } });
        ours(&marks(), Some(marked("support/service-account", object()))).unwrap();
        assert!(ours(&marks(), None).unwrap_err().hint.is_some());
        let error = ours(&marks(), Some(theirs(object()))).unwrap_err();
        assert!(error.message.contains("somebody else"), "{error}");
    }
}
