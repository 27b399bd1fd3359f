//! What the API itself serves.
use super::check::{Case, Finding, Judged};
use super::snapshot::{condition, few, holds, items, name, text};
use serde_json::Value;

const RBAC: &str = "rbac.authorization.k8s.io";

/// Whoever is everybody, or nobody in particular.
const EVERYBODY: [&str; 4] = [
    "system:anonymous",
    "system:authenticated",
    "system:serviceaccounts",
    "system:unauthenticated",
];

pub(super) fn rbac(case: &Case<'_>) -> Judged {
    let wanted = "RBAC, by which not everybody is an administrator";
    if !case.seen.groups.as_ref()?.iter().any(|group| group == RBAC) {
        let hint = "start the API with --authorization-mode=Node,RBAC";
        return Ok(Finding::fail(format!("{RBAC} is not served"), wanted, hint));
    }
    let everybody = |binding: &&Value| {
        let mut subjects = items(binding, "/subjects").iter();
        text(binding, "/roleRef/name") == "cluster-admin"
            && subjects.any(|it| EVERYBODY.contains(&text(it, "/name")))
    };
    let wrong: Vec<_> = case.seen.bindings.as_ref()?.iter().filter(everybody).map(name).collect();
    Ok(match wrong.first() {
        None => Finding::pass("on", wanted),
        Some(first) => Finding::fail(
            format!("everybody is one by ClusterRoleBinding {}", few(wrong.iter().copied())),
            wanted,
            format!("`kubectl delete clusterrolebinding {first}`"),
        ),
    })
}

pub(super) fn metrics(case: &Case<'_>) -> Judged {
    let wanted = "metrics.k8s.io, available";
    let Some(service) = case.seen.metrics.as_ref()? else {
        let hint = "install metrics-server, on EKS as an add-on";
        return Ok(Finding::fail("metrics.k8s.io is not registered", wanted, hint));
    };
    if holds(service, "Available") {
        return Ok(Finding::pass("available", wanted));
    }
    let why = condition(service, "Available").map_or("", |it| text(it, "/message"));
    let hint = format!(
        "`kubectl get pods -n {} -l k8s-app={}` shows who serves it",
        text(service, "/spec/service/namespace"),
        text(service, "/spec/service/name")
    );
    Ok(Finding::fail(format!("not available: {why}"), wanted, hint))
}
