//! Objects as tables, for people.
use super::kind::Kind;
use super::objects::{items, name, text};
use crate::clock::Time;
use crate::server::Request;
use serde_json::{Value, json};

/// A column: its name, and what it shows of an object.
type Column = (&'static str, fn(&Value) -> String);

/// Tells whether a request wants a table.
pub(super) fn is_wanted(request: &Request) -> bool {
    request.header("accept").is_some_and(|accept| accept.contains("as=Table"))
}

/// Puts an object, or a list of them, into a table. `include` says what of an object goes with
/// its row.
pub(super) fn of(kind: &Kind, value: &Value, include: &str, now: Time) -> Value {
    let is_list = value["items"].is_array();
    let one = [value.clone()];
    let rows = if is_list { items(value, "/items") } else { &one };
    let columns = columns(kind);
    let titles = columns.iter().map(|(title, _)| *title).chain(["Age"]);
    let titles = titles.enumerate().map(|(at, title)| {
        let format = if at == 0 { "name" } else { "" };
        json!({ "name": title, "type": "string", "format": format, "description": title,
            "priority": 0 })
    });
    let row = |object: &Value| {
        let cells = columns.iter().map(|(_, show)| show(object)).chain([age(object, now)]);
        json!({ "cells": cells.collect::<Vec<_>>(), "object": included(kind, object, include) })
    };
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": if is_list { value["metadata"].clone() } else {
            json!({ "resourceVersion": value["metadata"]["resourceVersion"] })
        },
        "columnDefinitions": titles.collect::<Vec<_>>(),
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn included(kind: &Kind, object: &Value, include: &str) -> Value {
    match include {
        "None" => Value::Null,
        "Object" => {
            let mut object = object.clone();
            object["kind"] = json!(kind.kind);
            object["apiVersion"] = json!(kind.api_version());
            object
        }
        _ => json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": object["metadata"] }),
    }
}

/// Says how old an object is, as people do: with the two largest units that matter.
fn age(object: &Value, now: Time) -> String {
    let made = text(object, "/metadata/creationTimestamp").parse::<jiff::Timestamp>();
    let Ok(made) = made else { return "<unknown>".to_owned() };
    let seconds = (now / 1000).saturating_sub(made.as_second().max(0) as u64);
    short(seconds)
}

fn short(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |left: u64, unit: &str, right: u64, small: &str| match right {
        0 => format!("{left}{unit}"),
        right => format!("{left}{unit}{right}{small}"),
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        _ => format!("{days}d"),
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text.to_owned() }
}

fn count(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0).to_string()
}

fn ready(object: &Value) -> String {
    format!("{}/{}", count(object, "/status/readyReplicas"), count(object, "/spec/replicas"))
}

fn size(object: &Value, field: &str) -> String {
    object[field].as_object().map_or(0, serde_json::Map::len).to_string()
}

fn pod_ready(pod: &Value) -> String {
    let all = items(pod, "/spec/containers").len();
    let ready = items(pod, "/status/containerStatuses").iter().filter(|it| it["ready"] == true);
    format!("{}/{all}", ready.count())
}

fn pod_status(pod: &Value) -> String {
    match pod["metadata"]["deletionTimestamp"].is_string() {
        true => "Terminating".to_owned(),
        false if text(pod, "/status/phase") == "Succeeded" => "Completed".to_owned(),
        false => text(pod, "/status/phase").to_owned(),
    }
}

fn node_status(node: &Value) -> String {
    let ready = items(node, "/status/conditions").iter().find(|it| it["type"] == "Ready");
    let ready = ready.is_some_and(|it| it["status"] == "True");
    let status = if ready { "Ready" } else { "NotReady" };
    match node["spec"]["unschedulable"] == true {
        true => format!("{status},SchedulingDisabled"),
        false => status.to_owned(),
    }
}

fn class_name(class: &Value) -> String {
    let default = &class["metadata"]["annotations"][super::admission::DEFAULT_CLASS];
    match default == "true" {
        true => format!("{} (default)", name(class)),
        false => name(class).to_owned(),
    }
}

fn modes(modes: &[Value]) -> String {
    let short = |mode: &Value| match mode.as_str().unwrap_or_default() {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        _ => "RWOP",
    };
    modes.iter().map(short).collect::<Vec<_>>().join(",")
}

fn role_of(binding: &Value) -> String {
    format!("{}/{}", text(binding, "/roleRef/kind"), text(binding, "/roleRef/name"))
}

/// Returns the columns of a kind, without the last, its age.
fn columns(kind: &Kind) -> Vec<Column> {
    const NAME: Column = ("Name", |it| name(it).to_owned());
    let own: &[Column] = match kind.plural.as_str() {
        _ if kind.is_custom => &[],
        "pods" => &[("Ready", pod_ready), ("Status", pod_status), ("Restarts", |_| "0".to_owned())],
        "nodes" => &[
            ("Status", node_status),
            ("Roles", |_| "<none>".to_owned()),
            ("Version", |it| text(it, "/status/nodeInfo/kubeletVersion").to_owned()),
        ],
        "namespaces" => &[("Status", |it| text(it, "/status/phase").to_owned())],
        "secrets" => {
            &[("Type", |it| text(it, "/type").to_owned()), ("Data", |it| size(it, "data"))]
        }
        "configmaps" => &[("Data", |it| size(it, "data"))],
        "serviceaccounts" => &[("Secrets", |it| items(it, "/secrets").len().to_string())],
        "services" => &[
            ("Type", |it| text(it, "/spec/type").to_owned()),
            ("Cluster-IP", |it| or_none(text(it, "/spec/clusterIP"))),
        ],
        "deployments" => &[
            ("Ready", ready),
            ("Up-to-date", |it| count(it, "/status/updatedReplicas")),
            ("Available", |it| count(it, "/status/availableReplicas")),
        ],
        "statefulsets" => &[("Ready", ready)],
        "replicasets" => &[
            ("Desired", |it| count(it, "/spec/replicas")),
            ("Current", |it| count(it, "/status/replicas")),
            ("Ready", |it| count(it, "/status/readyReplicas")),
        ],
        "daemonsets" => &[
            ("Desired", |it| count(it, "/status/desiredNumberScheduled")),
            ("Current", |it| count(it, "/status/currentNumberScheduled")),
            ("Ready", |it| count(it, "/status/numberReady")),
        ],
        "storageclasses" => {
            return vec![
                ("Name", class_name),
                ("Provisioner", |it| text(it, "/provisioner").to_owned()),
                ("ReclaimPolicy", |it| text(it, "/reclaimPolicy").to_owned()),
                ("VolumeBindingMode", |it| text(it, "/volumeBindingMode").to_owned()),
                ("AllowVolumeExpansion", |it| (it["allowVolumeExpansion"] == true).to_string()),
            ];
        }
        "persistentvolumeclaims" => &[
            ("Status", |it| text(it, "/status/phase").to_owned()),
            ("Volume", |it| text(it, "/spec/volumeName").to_owned()),
            ("Capacity", |it| text(it, "/status/capacity/storage").to_owned()),
            ("Access Modes", |it| modes(items(it, "/status/accessModes"))),
            ("StorageClass", |it| text(it, "/spec/storageClassName").to_owned()),
        ],
        "persistentvolumes" => &[
            ("Capacity", |it| text(it, "/spec/capacity/storage").to_owned()),
            ("Access Modes", |it| modes(items(it, "/spec/accessModes"))),
            ("Reclaim Policy", |it| text(it, "/spec/persistentVolumeReclaimPolicy").to_owned()),
            ("Status", |it| text(it, "/status/phase").to_owned()),
            ("StorageClass", |it| text(it, "/spec/storageClassName").to_owned()),
        ],
        "rolebindings" | "clusterrolebindings" => &[("Role", role_of)],
        "events" => &[
            ("Type", |it| text(it, "/type").to_owned()),
            ("Reason", |it| text(it, "/reason").to_owned()),
            ("Message", |it| text(it, "/message").to_owned()),
        ],
        _ => &[],
    };
    [&[NAME], own].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_as_kubectl_does() {
        let told = [5, 119, 120, 200, 599, 7_200, 10_860, 200_000, 700_000].map(short);
        let wanted = ["5s", "119s", "2m", "3m20s", "9m59s", "120m", "3h1m", "2d7h", "8d"];
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_table_has_a_row_for_each_object() {
        let class = json!({ "metadata": { "name": "fast", "annotations":
            { "storageclass.kubernetes.io/is-default-class": "true" } }, "provisioner": "p" });
        let list = json!({ "metadata": { "resourceVersion": "7" }, "items": [class] });
        let table = of(Kind::named("storageclasses"), &list, "", 0);
        assert_eq!(table["rows"][0]["cells"][0], "fast (default)");
        assert_eq!(table["metadata"]["resourceVersion"], "7");
        assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    }
}
