//! Who calls: the bearer of an IAM identity's token, or of a service account's.
use super::account;
use super::objects::Cluster;
use super::status::Status;
use crate::aws::{self, Caller};
use crate::behaviour::Behaviour;
use crate::clock::Time;
use crate::credential::Credential;
use crate::server::Request;
use crate::world::{Object, World};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const KNOWN: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a new access entry, and an access policy that was associated or changed, reaches the \
        API; until then it knows the caller not, or by what was before",
    seconds: 5,
    source: "assumption",
};

pub(super) const PRESIGNED: Behaviour = Behaviour {
    service: "kubernetes",
    what: "the token of an IAM identity is a presigned GetCallerIdentity that signs the header \
        x-k8s-aws-id with the name of the cluster, and is good for 15 minutes",
    seconds: 0,
    source: "aws-iam-authenticator, API authorization from outside a cluster",
};

pub(super) const UNMAPPED: Behaviour = Behaviour {
    service: "kubernetes",
    what: "without access entries, as in mode CONFIG_MAP, only whoever made the cluster is known; \
        what the ConfigMap aws-auth maps is not",
    seconds: 0,
    source: "assumption",
};

/// What tokens of IAM identities begin with.
const PREFIX: &str = "k8s-aws-v1.";

/// Whose keys are accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys<'a> {
    pub(super) credentials: &'a BTreeMap<String, Credential>,
    /// Whether they are those of every account.
    pub(super) open: bool,
}

/// Whoever calls, as Kubernetes knows them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) groups: Vec<String>,
    /// Access policies of EKS, each with the namespaces that it is for; none means all.
    pub(super) policies: Vec<(String, Vec<String>)>,
    /// Further facts about the caller, as reviews tell them.
    pub(super) extra: BTreeMap<String, Vec<String>>,
}

impl User {
    fn grouped(mut self) -> Self {
        self.groups.push("system:authenticated".to_owned());
        self
    }

    /// Returns whoever shows no token.
    fn anonymous() -> Self {
        let groups = vec!["system:unauthenticated".to_owned()];
        Self { name: "system:anonymous".to_owned(), groups, ..Self::default() }
    }
}

/// Finds out who makes a request.
///
/// # Errors
/// When the token is nobody's.
pub(super) fn of(
    world: &World,
    cluster: &Cluster,
    request: &Request,
    keys: Keys<'_>,
) -> Result<User, Status> {
    let Some(header) = request.header("authorization") else { return Ok(User::anonymous()) };
    let scheme = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = scheme.map(|(_, token)| token.trim()).ok_or_else(Status::unauthorized)?;
    let user = match token.strip_prefix(PREFIX) {
        Some(presigned) => {
            let caller = presigned_by(world, cluster, presigned, keys);
            caller.and_then(|caller| mapped(world, cluster, &caller))
        }
        None => account::bearer(world, cluster, token),
    };
    user.map(User::grouped).ok_or_else(Status::unauthorized)
}

/// Asks STS who presigned a request for this cluster.
fn presigned_by(world: &World, cluster: &Cluster, token: &str, keys: Keys<'_>) -> Option<Caller> {
    let url = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok()?;
    let url = String::from_utf8(url).ok()?;
    let (scheme, rest) = url.split_once("://")?;
    let (host, target) = rest.split_once('/')?;
    if !is_sts(scheme, host) {
        return None;
    }
    let (path, query) = target.split_once('?')?;
    let said: BTreeMap<String, String> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let is_identity = said.get("Action").is_some_and(|action| action == "GetCallerIdentity");
    let signs = said.get("X-Amz-SignedHeaders")?.split(';').any(|name| name == "x-k8s-aws-id");
    if !path.is_empty() || !is_identity || !signs {
        return None;
    }
    let headers = [("host", host), ("x-k8s-aws-id", cluster.name.as_str())];
    let request = Request {
        method: "GET".to_owned(),
        target: format!("/{target}"),
        path: "/".to_owned(),
        query: query.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: Vec::new(),
    };
    aws::who(world, &request, keys.credentials, keys.open).ok()
}

/// Tells whether STS is at an address: that of AWS, or of a sandbox.
fn is_sts(scheme: &str, host: &str) -> bool {
    let local = host.parse::<std::net::SocketAddr>().is_ok_and(|at| at.ip().is_loopback());
    let name = host.strip_suffix(".cn").unwrap_or(host);
    let name = name.strip_suffix(".amazonaws.com");
    let of_region = |name: &str| name == "sts" || name.starts_with("sts.");
    local || (scheme == "https" && name.is_some_and(of_region))
}

/// Returns the user that a cluster takes an IAM identity for.
fn mapped(world: &World, cluster: &Cluster, caller: &Caller) -> Option<User> {
    let principal = caller.role.as_ref().unwrap_or(&caller.arn);
    let extra = extra(caller, principal);
    let object = world.get(&cluster.key)?;
    let mode = object.body.get("accessConfig").map(|it| it["authenticationMode"].clone());
    let is_creator = object.secret("creator") == principal;
    if mode.is_some_and(|mode| mode == "CONFIG_MAP") {
        let groups = vec!["system:masters".to_owned()];
        let user = User { name: "kubernetes-admin".to_owned(), groups, extra, ..User::default() };
        return is_creator.then_some(user);
    }
    let is_its = |entry: &&Object| {
        entry.text("clusterName") == cluster.name
            && entry.text("principalArn") == principal
            && (&entry.account, &entry.region) == (&cluster.account, &cluster.region)
    };
    let entry = world.of("eks.access_entry").map(|(_, entry)| entry).find(is_its)?;
    if !is_known(world, entry.made) || entry.text("type") != "STANDARD" {
        return None;
    }
    let groups = entry.body.get("kubernetesGroups").cloned().unwrap_or_default();
    let uid = format!("aws-iam-authenticator:{}:{}", caller.account, caller.id);
    Some(User {
        name: filled(entry.text("username"), caller),
        uid,
        groups: serde_json::from_value(groups).unwrap_or_default(),
        policies: policies(world, entry),
        extra,
    })
}

fn is_known(world: &World, since: Time) -> bool {
    world.now >= since.saturating_add(KNOWN.seconds * 1000)
}

/// Returns the access policies of an entry that the API knows of.
fn policies(world: &World, entry: &Object) -> Vec<(String, Vec<String>)> {
    let all = entry.hidden.get("policies").and_then(Value::as_array).into_iter().flatten();
    let known = all.filter(|policy| {
        let since = policy["modifiedAt"].as_f64().unwrap_or_default() * 1000.0;
        is_known(world, since as Time)
    });
    let policy = |policy: &Value| {
        let arn = policy["policyArn"].as_str()?;
        let namespaces = policy["accessScope"]["namespaces"].clone();
        let name = arn.rsplit('/').next()?.to_owned();
        Some((name, serde_json::from_value(namespaces).unwrap_or_default()))
    };
    known.filter_map(policy).collect()
}

/// Fills in the name that an entry gives its users.
fn filled(template: &str, caller: &Caller) -> String {
    let session = caller.arn.rsplit('/').next().unwrap_or_default();
    let plain = session.replace('@', "-");
    template
        .replace("{{SessionNameRaw}}", session)
        .replace("{{SessionName}}", &plain)
        .replace("{{AccountID}}", &caller.account)
}

fn extra(caller: &Caller, principal: &str) -> BTreeMap<String, Vec<String>> {
    let session = caller.arn.rsplit('/').next().unwrap_or_default();
    let session = if caller.role.is_some() { session } else { "" };
    let facts = [
        ("arn", caller.arn.as_str()),
        ("canonicalArn", principal),
        ("principalId", caller.id.split(':').next().unwrap_or_default()),
        ("sessionName", session),
    ];
    facts.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sts_says_who_calls() {
        assert!(is_sts("https", "sts.amazonaws.com"));
        assert!(is_sts("https", "sts.us-east-1.amazonaws.com"));
        assert!(is_sts("https", "sts.cn-north-1.amazonaws.com.cn"));
        assert!(is_sts("http", "127.0.0.1:4566"));
        assert!(!is_sts("http", "sts.us-east-1.amazonaws.com"));
        assert!(!is_sts("https", "sts.example.com"));
        assert!(!is_sts("https", "evil-sts.amazonaws.com"));
    }
}
