//! The platform's namespace, and what it pulls images with.
use super::check::{Case, Finding, Judged};
use super::snapshot::text;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use provision_spec::Registry;
use provision_spec::chart::PULL_SECRET;
use serde_json::Value;

/// The label that says what pods of a namespace may do.
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// Its values by which pods cannot take over their node.
const SAFE: [&str; 2] = ["baseline", "restricted"];

/// What kind of secret it is, and the one thing that it holds.
const TYPE: &str = "kubernetes.io/dockerconfigjson";
const DATA: &str = ".dockerconfigjson";

pub(super) fn namespace(case: &Case<'_>) -> Judged {
    let Some(platform) = &case.wanted.platform else { return Ok(unnamed()) };
    let name = platform.namespace;
    let wanted = format!("namespace {name}");
    Ok(match case.seen.namespace.as_ref()? {
        None => Finding::fail(
            format!("there is no namespace {name}"),
            wanted,
            format!("`kubectl create namespace {name}`"),
        ),
        Some(it) if text(it, "/status/phase") == "Terminating" => Finding::fail(
            format!("{name} is being deleted"),
            wanted,
            format!("wait until it has gone, then `kubectl create namespace {name}`"),
        ),
        Some(_) => Finding::pass("there", wanted),
    })
}

pub(super) fn labels(case: &Case<'_>) -> Judged {
    let Some(platform) = &case.wanted.platform else { return Ok(unnamed()) };
    let Some(namespace) = case.seen.namespace.as_ref()? else {
        return Ok(missing(platform.namespace));
    };
    let level = namespace["metadata"]["labels"][ENFORCE].as_str();
    let found = level.map_or_else(|| "not set".to_owned(), str::to_owned);
    let hint =
        format!("`kubectl label --overwrite namespace {} {ENFORCE}=baseline`", platform.namespace);
    let is_safe = level.is_some_and(|level| SAFE.contains(&level));
    let wanted = format!("{ENFORCE} baseline or restricted");
    Ok(Finding::of(is_safe, found, wanted, hint))
}

pub(super) fn registry(case: &Case<'_>) -> Judged {
    let Some(platform) = &case.wanted.platform else { return Ok(unnamed()) };
    let Some(registry) = platform.registry else {
        return Ok(Finding::skip("the cluster file has no secrets.registryToken"));
    };
    if case.seen.namespace.as_ref()?.is_none() {
        return Ok(missing(platform.namespace));
    }
    let wanted = format!("{PULL_SECRET}, with an entry for {}", registry.server);
    let hint = format!(
        "`kubectl create secret docker-registry {PULL_SECRET} -n {} --docker-username={} \
         --docker-password=…` makes it",
        platform.namespace, registry.user
    );
    let Some(secret) = case.seen.secret.as_ref()? else {
        return Ok(Finding::fail(format!("there is no secret {PULL_SECRET}"), wanted, hint));
    };
    Ok(match wrong(secret, registry) {
        Some(why) => Finding::fail(why, wanted, format!("delete it; {hint}")),
        None => Finding::pass("there and well formed", wanted),
    })
}

fn unnamed() -> Finding {
    Finding::skip("no profile names a namespace")
}

fn missing(namespace: &str) -> Finding {
    Finding::skip(format!("there is no namespace {namespace}"))
}

/// Says what is wrong with a secret, and nothing of what it holds.
fn wrong(secret: &Value, registry: Registry) -> Option<String> {
    let kind = text(secret, "/type");
    if kind != TYPE {
        return Some(format!("it is of type {kind} and not {TYPE}"));
    }
    let config = secret["data"][DATA].as_str().and_then(decoded);
    let config = config.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let Some(config) = config else { return Some(format!("its {DATA} is no JSON")) };
    let host = |url: &str| {
        let host = url.trim_start_matches("https://").trim_start_matches("http://");
        host.split('/').next().unwrap_or_default().to_owned()
    };
    let mut entries = config["auths"].as_object().into_iter().flatten();
    let entry = entries.find(|(server, _)| host(server) == host(registry.server));
    let Some((_, entry)) = entry else {
        return Some(format!("it has no entry for {}", registry.server));
    };
    let filled = |field: &str| entry[field].as_str().is_some_and(|text| !text.is_empty());
    let pair = entry["auth"].as_str().and_then(decoded);
    let is_pair = pair.is_some_and(|pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b':');
        parts.next().is_some_and(|user| !user.is_empty())
            && parts.next().is_some_and(|password| !password.is_empty())
    });
    let is_well = is_pair || (!filled("auth") && filled("username") && filled("password"));
    (!is_well).then(|| format!("its entry for {} has no user or no password", registry.server))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}
