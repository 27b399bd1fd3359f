//! What the API says of itself: its version, its groups and kinds, and its OpenAPI as far as
//! clients read it before they write.
use super::kind::{Kind, REVIEWS, VERBS};
use super::objects::{Cluster, ServedKind};
use super::status::Status;
use crate::aws;
use crate::server::{Reply, Request};
use serde_json::{Map, Value, json};

/// Answers a request that is about no resource.
///
/// # Errors
/// When nothing is served there.
pub(super) fn answer(
    cluster: &Cluster,
    kinds: &[ServedKind],
    request: &Request,
    path: &str,
) -> Result<Reply, Status> {
    let accept = request.header("accept").unwrap_or_default();
    let aggregated = ["v2", "v2beta1"].into_iter().find(|version| {
        accept.contains(&format!("g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"))
    });
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let value = match (&parts[..], aggregated) {
        (["version"], _) => version(cluster),
        (["healthz" | "livez" | "readyz"], _) => {
            return Ok(Reply::text(200, "ok"));
        }
        (["api"], Some(version)) => return Ok(whole(kinds, true, version)),
        (["apis"], Some(version)) => return Ok(whole(kinds, false, version)),
        (["api"], None) => json!({ "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [] }),
        (["apis"], None) => {
            let groups: Vec<Value> =
                groups(kinds).iter().map(|group| about(kinds, group)).collect();
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
        }
        (["apis", group], _) if groups(kinds).iter().any(|its| its == group) => {
            let mut about = about(kinds, group);
            about["kind"] = json!("APIGroup");
            about["apiVersion"] = json!("v1");
            about
        }
        (["api", "v1"], _) => resources(kinds, "", "v1")?,
        (["apis", group, version], _) => resources(kinds, group, version)?,
        (["openapi", "v2"], _) => return Ok(openapi_v2(accept)),
        (["openapi", "v3"], _) => openapi_index(kinds),
        (["openapi", "v3", "api", "v1"], _) => openapi(kinds, "", "v1")?,
        (["openapi", "v3", "apis", group, version], _) => openapi(kinds, group, version)?,
        _ => return Err(Status::no_path()),
    };
    Ok(Reply::json(200, &value))
}

fn version(cluster: &Cluster) -> Value {
    let minor = cluster.version.split('.').nth(1).unwrap_or_default();
    let patch = aws::patch(&cluster.version);
    json!({
        "major": "1",
        "minor": minor,
        "gitVersion": format!("v{patch}-eks-0000000"),
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "go1.25.0",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

/// Returns the groups that have names, in the order of these.
fn groups(kinds: &[ServedKind]) -> Vec<String> {
    let named = kinds.iter().map(|kind| kind.group.clone());
    let reviews = REVIEWS.iter().map(|(group, ..)| (*group).to_owned());
    let mut groups: Vec<String> = named.chain(reviews).filter(|it| !it.is_empty()).collect();
    groups.sort();
    groups.dedup();
    groups
}

fn versions(kinds: &[ServedKind], group: &str) -> Vec<String> {
    let its = kinds.iter().filter(|kind| kind.group == group);
    let mut versions: Vec<String> = its.map(|kind| kind.version.clone()).collect();
    if REVIEWS.iter().any(|(of, ..)| *of == group) {
        versions.push("v1".to_owned());
    }
    versions.sort();
    versions.dedup();
    versions
}

fn about(kinds: &[ServedKind], group: &str) -> Value {
    let version = |version: &String| json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    let all: Vec<Value> = versions(kinds, group).iter().map(version).collect();
    json!({ "name": group, "versions": all, "preferredVersion": all.first() })
}

fn of<'a>(kinds: &'a [ServedKind], group: &str, version: &str) -> Vec<&'a Kind> {
    let is_its = |kind: &&Kind| kind.group == group && kind.version == version;
    kinds.iter().map(|kind| &**kind).filter(is_its).collect()
}

fn reviews(
    group: &str,
) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    REVIEWS.iter().filter(move |(of, ..)| *of == group)
}

/// Returns the group and kind that a subresource speaks of, if not of the object.
fn answers(subresource: &str) -> Option<(&'static str, &'static str)> {
    match subresource {
        "eviction" => Some(("policy", "Eviction")),
        "scale" => Some(("autoscaling", "Scale")),
        "token" => Some(("authentication.k8s.io", "TokenRequest")),
        _ => None,
    }
}

/// Returns which verbs a subresource has.
fn verbs(subresource: &str) -> &'static [&'static str] {
    match subresource {
        "eviction" | "token" => &["create"],
        _ => &["get", "patch", "update"],
    }
}

/// Lists the resources of a version of a group.
fn resources(kinds: &[ServedKind], group: &str, version: &str) -> Result<Value, Status> {
    let mut all = Vec::new();
    for kind in of(kinds, group, version) {
        let mut its = json!({
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": VERBS,
        });
        if !kind.short.is_empty() {
            its["shortNames"] = json!(kind.short);
        }
        if in_all(kind) {
            its["categories"] = json!(["all"]);
        }
        all.push(its);
        for subresource in &kind.subresources {
            let mut its = json!({
                "name": format!("{}/{subresource}", kind.plural),
                "singularName": "",
                "namespaced": kind.namespaced,
                "kind": kind.kind,
                "verbs": verbs(subresource),
            });
            if let Some((group, kind)) = answers(subresource) {
                (its["group"], its["version"]) = (json!(group), json!("v1"));
                its["kind"] = json!(kind);
            }
            all.push(its);
        }
    }
    for (_, kind, plural) in reviews(group).filter(|_| version == "v1") {
        all.push(json!({ "name": plural, "singularName": kind.to_lowercase(), "namespaced": false,
            "kind": kind, "verbs": ["create"] }));
    }
    if all.is_empty() {
        return Err(Status::no_path());
    }
    let group_version =
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Ok(json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
        "resources": all }))
}

/// Tells whether `kubectl get all` shows a kind.
fn in_all(kind: &Kind) -> bool {
    let all =
        ["daemonsets", "deployments", "jobs", "pods", "replicasets", "services", "statefulsets"];
    !kind.is_custom && all.contains(&kind.plural.as_str())
}

/// Lists everything at once: of the group without name, or of all others.
fn whole(kinds: &[ServedKind], core: bool, version: &str) -> Reply {
    let all = if core { vec![String::new()] } else { groups(kinds) };
    let item = |group: &String| {
        let metadata = if core { json!({}) } else { json!({ "name": group }) };
        let versions: Vec<Value> = versions(kinds, group)
            .iter()
            .map(|version| {
                let resources = of(kinds, group, version).into_iter().map(discovered);
                let reviews = reviews(group).map(|(_, kind, plural)| {
                    json!({
                        "resource": plural, "singularResource": kind.to_lowercase(),
                        "scope": "Cluster", "verbs": ["create"],
                        "responseKind": { "group": "", "version": "", "kind": kind },
                    })
                });
                let resources: Vec<Value> = resources.chain(reviews).collect();
                json!({ "version": version, "freshness": "Current", "resources": resources })
            })
            .collect();
        json!({ "metadata": metadata, "versions": versions })
    };
    let items: Vec<Value> = all.iter().map(item).collect();
    let list = json!({ "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {}, "items": items });
    Reply::json(200, &list).of_type(&format!(
        "application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    ))
}

fn discovered(kind: &Kind) -> Value {
    let response = |name: &str| json!({ "group": "", "version": "", "kind": name });
    let subresources = kind.subresources.iter().map(|sub| {
        let its = match answers(sub) {
            Some((group, kind)) => json!({ "group": group, "version": "v1", "kind": kind }),
            None => response(&kind.kind),
        };
        json!({ "subresource": sub, "responseKind": its, "verbs": verbs(sub) })
    });
    let mut value = json!({
        "resource": kind.plural,
        "responseKind": response(&kind.kind),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular,
        "verbs": VERBS,
        "shortNames": kind.short,
        "subresources": subresources.collect::<Vec<_>>(),
    });
    if in_all(kind) {
        value["categories"] = json!(["all"]);
    }
    value
}

fn openapi_index(kinds: &[ServedKind]) -> Value {
    let mut paths = Map::new();
    let mut add = |path: String| {
        let url = json!({ "serverRelativeURL": format!("/openapi/v3/{path}?hash=0") });
        paths.insert(path, url);
    };
    add("api/v1".to_owned());
    for group in groups(kinds) {
        versions(kinds, &group).iter().for_each(|version| add(format!("apis/{group}/{version}")));
    }
    json!({ "paths": paths })
}

/// Says how objects of a version of a group are written, as far as clients ask: which options a
/// patch has.
fn openapi(kinds: &[ServedKind], group: &str, version: &str) -> Result<Value, Status> {
    let its = of(kinds, group, version);
    if its.is_empty() && reviews(group).next().is_none() {
        return Err(Status::no_path());
    }
    let names = ["dryRun", "fieldManager", "fieldValidation", "force"];
    let parameters = names.map(|name| {
        let sort = if name == "force" { "boolean" } else { "string" };
        json!({ "name": name, "in": "query", "schema": { "type": sort, "uniqueItems": true } })
    });
    let root = if group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{group}/{version}")
    };
    let path = |kind: &&Kind| {
        let place = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
        let of = json!({ "group": kind.group, "version": kind.version, "kind": kind.kind });
        let patch = json!({
            "parameters": parameters,
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": of,
            "responses": { "200": { "description": "OK" } },
        });
        (format!("{root}{place}/{}/{{name}}", kind.plural), json!({ "patch": patch }))
    };
    let paths: Map<String, Value> = its.iter().map(path).collect();
    Ok(json!({ "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": "v1" },
        "paths": paths, "components": { "schemas": {} } }))
}

/// Answers clients that know the second version alone. It names no kinds, so that they leave it to
/// the API to check what they write.
fn openapi_v2(accept: &str) -> Reply {
    if accept.contains("protobuf") {
        let document = [&[0x0a, 3][..], b"2.0", &[0x12, 4, 0x12, 2], b"v1"].concat();
        let kind = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
        return Reply::bytes(200, document).of_type(kind);
    }
    let info = json!({ "title": "Kubernetes", "version": "v1" });
    Reply::json(200, &json!({ "swagger": "2.0", "info": info, "paths": {}, "definitions": {} }))
}
