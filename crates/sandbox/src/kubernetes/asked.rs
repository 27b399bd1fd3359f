//! What a request asks for: path, verb and options.
use super::allow::Wish;
use super::kind::{Kind, REVIEWS};
use super::objects::ServedKind;
use super::status::Status;
use crate::server::Request;
use std::collections::BTreeMap;

/// What a request asks for.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// Something that is no resource, such as discovery.
    Path(String),
    /// Stored objects.
    Objects(Box<Objects>),
    /// A question about the caller; the plural of its resource.
    Review(&'static str),
    /// Objects of a kind that is not served, which only those learn who may do that.
    Unserved(Box<Wish>),
}

/// What a request wants of stored objects.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    pub(super) verb: &'static str,
    pub(super) kind: Kind,
    /// Empty for all namespaces, and for what has none.
    pub(super) namespace: String,
    /// Empty for a whole list.
    pub(super) name: String,
    pub(super) subresource: String,
}

/// The options of a request, out of its query string.
#[derive(Clone, Debug, Default)]
pub(super) struct Options(BTreeMap<String, String>);

impl Options {
    pub(super) fn of(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Returns an option; empty when it is not given.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1")
    }

    /// Tells whether nothing is to be kept.
    pub(super) fn is_dry(&self) -> bool {
        self.get("dryRun") == "All"
    }
}

/// Reads what a request asks for, below the part of its path that tells the cluster.
///
/// # Errors
/// When nothing is served there.
pub(super) fn read(request: &Request, path: &str, kinds: &[ServedKind]) -> Result<Asked, Status> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (group, version, rest) = match &parts[..] {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Ok(Asked::Path(format!("/{}", parts.join("/")))),
    };
    if let [resource] = rest
        && let Some((_, _, plural)) =
            REVIEWS.iter().find(|(of, _, plural)| of == &group && plural == resource)
    {
        return match request.method.as_str() {
            "POST" => Ok(Asked::Review(plural)),
            _ => Err(Status::no_method()),
        };
    }
    let find = |plural: &str| {
        let is_it = |kind: &&ServedKind| {
            kind.group == group && kind.version == version && kind.plural == plural
        };
        kinds.iter().find(is_it).map(|kind| Kind::clone(kind))
    };
    let whole = rest;
    let (kind, namespace, rest) = match rest {
        ["namespaces", namespace, plural, rest @ ..]
            if find(plural).is_some_and(|kind| kind.namespaced) =>
        {
            (find(plural), *namespace, rest)
        }
        [plural, rest @ ..] => (find(plural), "", rest),
        [] => (None, "", rest),
    };
    let Some(kind) = kind else {
        return Ok(Asked::Unserved(Box::new(unserved(&request.method, group, whole))));
    };
    let (name, subresource) = match rest {
        [] => ("", ""),
        [name] => (*name, ""),
        [name, subresource] => (*name, *subresource),
        _ => return Err(Status::no_path()),
    };
    let is_lost = kind.namespaced && namespace.is_empty() && !name.is_empty();
    let is_known = subresource.is_empty() || has(&kind, subresource);
    if is_lost || !is_known {
        return Err(Status::no_path());
    }
    let verb = verb(request, &kind, namespace, name)?;
    let [namespace, name, subresource] = [namespace, name, subresource].map(str::to_owned);
    let objects = Objects { verb, kind, namespace, name, subresource };
    Ok(Asked::Objects(Box::new(objects)))
}

/// Returns what is wanted of a kind that is not served, as its path says.
fn unserved(method: &str, group: &str, parts: &[&str]) -> Wish {
    let (namespace, resource, name) = match parts {
        ["namespaces", namespace, resource, rest @ ..] => (*namespace, *resource, rest.first()),
        [resource, rest @ ..] => ("", *resource, rest.first()),
        [] => ("", "", None),
    };
    let verb = match method {
        "GET" if name.is_none() => "list",
        "GET" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        _ => "delete",
    };
    let name = name.copied().unwrap_or_default().to_owned();
    let [verb, group, resource] = [verb, group, resource].map(str::to_owned);
    Wish { verb, group, resource, namespace: namespace.to_owned(), name, path: String::new() }
}

fn has(kind: &Kind, subresource: &str) -> bool {
    kind.subresources.iter().any(|its| its == subresource)
}

fn verb(
    request: &Request,
    kind: &Kind,
    namespace: &str,
    name: &str,
) -> Result<&'static str, Status> {
    let options = Options::of(&request.query);
    let is_list = name.is_empty();
    Ok(match request.method.as_str() {
        "GET" if is_list && options.is_set("watch") => "watch",
        "GET" if is_list => "list",
        "GET" => "get",
        "POST" if request.path.ends_with("/token") && !is_list => "create",
        "POST" if request.path.ends_with("/eviction") && !is_list => "create",
        "POST" if is_list && !(kind.namespaced && namespace.is_empty()) => "create",
        "PUT" if !is_list => "update",
        "PATCH" if !is_list => "patch",
        "DELETE" if is_list && !(kind.namespaced && namespace.is_empty()) => "deletecollection",
        "DELETE" if !is_list => "delete",
        _ => return Err(Status::no_method()),
    })
}

impl Objects {
    /// Calls what is asked for as faults and the log do, such as `patch storageclasses`.
    pub(super) fn operation(&self) -> String {
        match self.subresource.is_empty() {
            true => format!("{} {}", self.verb, self.kind.plural),
            false => format!("{} {}/{}", self.verb, self.kind.plural, self.subresource),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::built_in;
    use super::*;

    fn asked(method: &str, target: &str) -> Result<String, u16> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request {
            method: method.to_owned(),
            target: target.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let kinds: Vec<_> = built_in().iter().map(ServedKind::Borrowed).collect();
        match read(&request, path, &kinds) {
            Ok(Asked::Objects(it)) => {
                Ok(format!("{} {} {}", it.operation(), it.namespace, it.name).trim_end().to_owned())
            }
            Ok(other) => Ok(format!("{other:?}")),
            Err(status) => Err(status.code),
        }
    }

    #[test]
    fn paths_say_what_is_asked_for() {
        for (method, target, wanted) in [
            ("GET", "/api/v1/namespaces/a/pods?watch=true", "watch pods a"),
            ("GET", "/api/v1/pods", "list pods"),
            ("GET", "/api/v1/namespaces/a", "get namespaces  a"),
            ("PUT", "/api/v1/namespaces/a/pods/b/status", "update pods/status a b"),
            ("POST", "/apis/storage.k8s.io/v1/storageclasses", "create storageclasses"),
            (
                "POST",
                "/api/v1/namespaces/a/serviceaccounts/b/token",
                "create serviceaccounts/token a b",
            ),
            ("DELETE", "/api/v1/namespaces/a/secrets", "deletecollection secrets a"),
            ("GET", "/apis/apps/v1", "Path(\"/apis/apps/v1\")"),
        ] {
            assert_eq!(asked(method, target).as_deref(), Ok(wanted), "{target}");
        }
        let wolves = asked("GET", "/apis/acme.com/v1/namespaces/a/wolves/b").unwrap();
        let wanted = r#"Unserved(Wish { verb: "get", group: "acme.com", resource: "wolves", "#;
        assert!(wolves.starts_with(wanted) && wolves.contains(r#"namespace: "a", name: "b""#));
        assert_eq!(asked("GET", "/api/v1/pods/a"), Err(404), "it has a namespace");
        assert_eq!(asked("POST", "/api/v1/pods"), Err(405));
        assert_eq!(asked("GET", "/api/v1/namespaces/a/secrets/b/status"), Err(404));
    }
}
