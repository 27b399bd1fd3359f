//! How snapshots of volumes are made.
use crate::resources::Object;
use provision_core::{Graph, Place};
use serde_json::json;

/// What the class of snapshots is called.
const NAME: &str = "snapshots";

const KIND: (&str, &str, &str) =
    ("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "volumesnapshotclasses");

/// The annotation that makes a class that of snapshots which name none.
const DEFAULT: &str = "snapshot.storage.kubernetes.io/is-default-class";

/// Adds the class of snapshots that a driver makes, where `placed` puts it: after what defines its
/// kind. A snapshot goes with the object that asked for it.
pub fn snapshot_class(graph: &mut Graph, driver: &str, placed: impl FnOnce(Place) -> Place) {
    let body = json!({ "driver": driver, "deletionPolicy": "Delete" });
    let default = [(DEFAULT.to_owned(), "true".to_owned())].into();
    let class = Object::new(KIND, "", NAME, &body).annotated(&default);
    graph.add(placed(Place::at(format!("snapshot-class/{NAME}"))), class);
}
