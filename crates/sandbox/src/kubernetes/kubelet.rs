//! What keeps a pod from starting on its node: what it names and is not there.
use super::events::{self, Said};
use super::kind::Kind;
use super::objects::{self, Cluster, View, items, text};
use crate::world::World;
use serde_json::{Value, json};

const BY: &str = "kubelet";

/// What begins every message about a name that is none.
const NO_NAME: &str = "Failed to apply default image tag";

/// What a container waits for, in two words of the kubelet's.
struct Waits {
    reason: &'static str,
    message: String,
}

/// Tells of a pod on a node why it does not start. Returns whether it does.
pub(super) fn admits(world: &mut World, cluster: &Cluster, pod: &Value) -> bool {
    let warn = |world: &mut World, reason: &str, message: &str| {
        events::tell(world, cluster, pod, Said { by: BY, sort: "Warning", reason, message });
    };
    if let Some(message) = unmounted(world, cluster, pod) {
        warn(world, "FailedMount", &message);
        return false;
    }
    let containers = items(pod, "/spec/containers");
    let all: Vec<_> = containers.iter().map(|it| waits(world, cluster, pod, it)).collect();
    if all.iter().all(Option::is_none) {
        return true;
    }
    for Waits { reason, message } in all.iter().flatten() {
        match *reason {
            "InvalidImageName" => {
                warn(world, "InspectFailed", message);
                warn(world, "Failed", "Error: InvalidImageName");
            }
            _ => warn(world, "Failed", &format!("Error: {message}")),
        }
    }
    let now = objects::time(world.now);
    let status = |(container, waits): (&Value, &Option<Waits>)| {
        let state = match waits {
            Some(waits) => {
                json!({ "waiting": { "reason": waits.reason, "message": waits.message } })
            }
            None => json!({ "running": { "startedAt": now } }),
        };
        json!({ "name": container["name"], "image": container["image"], "imageID": "",
            "ready": waits.is_none(), "started": waits.is_none(), "restartCount": 0,
            "state": state })
    };
    let statuses: Vec<Value> = containers.iter().zip(&all).map(status).collect();
    objects::edit(world, cluster, Kind::named("pods"), pod, |pod| {
        // Those that run have run since they were told of first.
        let names = |list: &[Value]| list.iter().map(reason_of).collect::<Vec<_>>();
        if names(items(pod, "/status/containerStatuses")) != names(&statuses) {
            pod["status"]["containerStatuses"] = json!(statuses);
        }
    });
    false
}

fn reason_of(status: &Value) -> Value {
    status["state"]["waiting"].clone()
}

/// Says which volume of a pod cannot be mounted, since what it is made of is not there.
fn unmounted(world: &World, cluster: &Cluster, pod: &Value) -> Option<String> {
    let sources = |volume: &Value| {
        let mut all = vec![volume.clone()];
        all.extend(items(volume, "/projected/sources").iter().cloned());
        all
    };
    items(pod, "/spec/volumes").iter().find_map(|volume| {
        let missing = sources(volume).iter().find_map(|source| {
            let secret = &source["secret"];
            let name = if secret["secretName"].is_string() { "secretName" } else { "name" };
            missing(world, cluster, pod, "secret", secret, name)
                .or_else(|| missing(world, cluster, pod, "configmap", &source["configMap"], "name"))
        })?;
        let volume = text(volume, "/name");
        Some(format!("MountVolume.SetUp failed for volume \"{volume}\" : {missing}"))
    })
}

/// Says what a container waits for, if anything.
fn waits(world: &World, cluster: &Cluster, pod: &Value, container: &Value) -> Option<Waits> {
    let image = text(container, "/image");
    if let Err(why) = parse(image) {
        let message =
            format!("{NO_NAME} \"{image}\": couldn't parse image name \"{image}\": {why}");
        return Some(Waits { reason: "InvalidImageName", message });
    }
    let by_value = items(container, "/env").iter().map(|it| &it["valueFrom"]);
    let from = items(container, "/envFrom").iter();
    let named = by_value
        .flat_map(|it| [("secret", &it["secretKeyRef"]), ("configmap", &it["configMapKeyRef"])])
        .chain(
            from.flat_map(|it| [("secret", &it["secretRef"]), ("configmap", &it["configMapRef"])]),
        );
    let mut all = named.filter_map(|(kind, by)| {
        missing(world, cluster, pod, kind, by, "name")
            .or_else(|| keyless(world, cluster, pod, kind, by))
    });
    all.next().map(|message| Waits { reason: "CreateContainerConfigError", message })
}

fn named(world: &World, cluster: &Cluster, pod: &Value, kind: &str, name: &str) -> Option<View> {
    let kind = Kind::named(if kind == "secret" { "secrets" } else { "configmaps" });
    objects::get(world, cluster, kind, text(pod, "/metadata/namespace"), name)
}

/// Says that what something names is not there, unless it may be missing.
fn missing(
    world: &World,
    cluster: &Cluster,
    pod: &Value,
    kind: &str,
    by: &Value,
    field: &str,
) -> Option<String> {
    let its = by[field].as_str().filter(|_| by["optional"] != true)?;
    let none = named(world, cluster, pod, kind, its).is_none();
    none.then(|| format!("{kind} \"{its}\" not found"))
}

/// Says that what something names has not the key that it names, unless that may be missing.
fn keyless(
    world: &World,
    cluster: &Cluster,
    pod: &Value,
    kind: &str,
    by: &Value,
) -> Option<String> {
    let key = by["key"].as_str().filter(|_| by["optional"] != true)?;
    let its = text(by, "/name");
    let object = named(world, cluster, pod, kind, its)?;
    let has = ["data", "binaryData"].iter().any(|data| !object[*data][key].is_null());
    let kind = if kind == "secret" { "Secret" } else { "ConfigMap" };
    let place = text(pod, "/metadata/namespace");
    (!has).then(|| format!("couldn't find key {key} in {kind} {place}/{its}"))
}

/// Tells whether a text names an image, and how it does not.
/// Source: github.com/distribution/reference, the grammar of its package.
fn parse(image: &str) -> Result<(), String> {
    let wrong = "invalid reference format";
    let plain = image.split('@').next().unwrap_or_default();
    let (domain, rest) = match plain.split_once('/') {
        Some((domain, rest))
            if domain.contains(['.', ':'])
                || domain == "localhost"
                || domain.chars().any(|c| c.is_ascii_uppercase()) =>
        {
            (domain, rest)
        }
        _ => ("", plain),
    };
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (rest, None),
    };
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        let path = if domain.is_empty() && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        return Err(format!("{wrong}: repository name ({path}) must be lowercase"));
    }
    let is_part = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        part.chars().all(inner) && end(part.chars().next()) && end(part.chars().last())
    };
    let is_tag = |tag: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        (1..=128).contains(&tag.len()) && tag.chars().all(inner) && !tag.starts_with(['.', '-'])
    };
    match path.split('/').all(is_part) && tag.is_none_or(is_tag) {
        true => Ok(()),
        false => Err(wrong.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_are_told_from_what_is_none() {
        for image in [
            "api",
            "registry.k8s.io/pause:3.10",
            "localhost:5000/a/b_c:V1",
            "Host/a:1",
            "a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/coredns:v1.13.1-eksbuild.1",
        ] {
            assert_eq!(parse(image), Ok(()), "{image}");
        }
        let lower = "invalid reference format: repository name (library/Api) must be lowercase";
        assert_eq!(parse("Api:1"), Err(lower.to_owned()));
        for image in ["a:", "a b", "-a", "a//b", "${image}", "a:-1"] {
            assert_eq!(parse(image), Err("invalid reference format".to_owned()), "{image}");
        }
    }
}
