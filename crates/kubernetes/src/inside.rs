//! What a cluster file wants inside the cluster.
use crate::api::Tags;
use crate::resources::{
    ClusterRoleBinding, DefaultStorageClass, Namespace, Password, RegistrySecret, StorageClass,
};
use crate::support::support;
use provision_core::{Graph, Handle, Place};
use provision_spec::chart::PULL_SECRET;
use provision_spec::{ClusterSpec, Reclaim, Support};
use std::collections::BTreeMap;

/// What pods in the platform's namespace may do: nothing that takes over their node. What is beyond
/// good practice is told to whoever makes them.
const POD_SECURITY: [(&str, &str); 3] = [
    ("pod-security.kubernetes.io/audit", "restricted"),
    ("pod-security.kubernetes.io/enforce", "baseline"),
    ("pod-security.kubernetes.io/warn", "restricted"),
];

/// How a cloud makes the volumes of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The driver.
    pub provisioner: String,
    /// What the driver is told.
    pub parameters: BTreeMap<String, String>,
}

/// What was made inside the cluster, for what comes after it.
#[derive(Debug, Default)]
pub struct Inside {
    classes: Vec<Handle<StorageClass>>,
    default: Option<Handle<DefaultStorageClass>>,
    namespace: Option<(String, Handle<Namespace>)>,
    secret: Option<Handle<RegistrySecret>>,
    support: Option<Handle<ClusterRoleBinding>>,
}

impl Inside {
    /// Lets something settle after all of it.
    pub(crate) fn follow(&self, place: Place) -> Place {
        let place = self.classes.iter().fold(place, Place::follow);
        let place = self.default.iter().fold(place, Place::follow);
        let place = self.namespace.iter().fold(place, |place, (_, it)| place.follow(it));
        let place = self.secret.iter().fold(place, Place::follow);
        self.support.iter().fold(place, Place::follow)
    }

    /// Returns the namespace of that name, if it was made.
    pub(crate) fn namespace_of(&self, name: &str) -> Option<&Handle<Namespace>> {
        self.namespace.as_ref().filter(|(its, _)| its == name).map(|(_, handle)| handle)
    }
}

/// Adds what a cluster file wants inside the cluster, each where `placed` puts it. `storage` says how
/// the cloud makes the volumes of a class.
pub fn inside(
    graph: &mut Graph,
    spec: &ClusterSpec,
    placed: impl Fn(Place) -> Place,
    storage: impl Fn(&provision_spec::StorageClass) -> Storage,
) -> Inside {
    let mut inside = Inside::default();
    if !spec.in_cluster {
        return inside;
    }
    for class in &spec.storage_classes {
        let handle = graph.add(
            placed(Place::at(format!("storage-class/{}", class.name))),
            storage_class(class, storage(class)),
        );
        if class.default {
            let place = placed(Place::at("default-storage-class")).after(&handle);
            let default = DefaultStorageClass { class: class.name.clone() };
            inside.default = Some(graph.add(place, default));
        }
        inside.classes.push(handle);
    }
    platform(graph, spec, &placed, &mut inside);
    if let Support::Admin { expires } = spec.support {
        inside.support = Some(support(graph, expires, &placed));
    }
    inside
}

/// Adds the platform's namespace, and what images are pulled with there.
fn platform(
    graph: &mut Graph,
    spec: &ClusterSpec,
    placed: impl Fn(Place) -> Place,
    inside: &mut Inside,
) {
    let Some(name) = spec.profile.namespace() else { return };
    let labels = POD_SECURITY.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let namespace = Namespace { name: name.to_owned(), annotations: Tags::new(), labels };
    let namespace = graph.add(placed(Place::at(format!("namespace/{name}"))), namespace);
    if let (Some(token), Some(registry)) = (&spec.secrets.registry_token, spec.profile.registry()) {
        let secret = RegistrySecret {
            name: PULL_SECRET.to_owned(),
            namespace: name.to_owned(),
            purpose: RegistrySecret::PURPOSE.to_owned(),
            registry: registry.server.to_owned(),
            user: registry.user.to_owned(),
            token: token.clone(),
            password: Password::Token,
            annotations: Tags::new(),
        };
        let place = placed(Place::at(format!("secret/{PULL_SECRET}")));
        inside.secret = Some(graph.add(place.after(&namespace), secret));
    }
    inside.namespace = Some((name.to_owned(), namespace));
}

fn storage_class(class: &provision_spec::StorageClass, storage: Storage) -> StorageClass {
    let reclaim = match class.reclaim {
        Reclaim::Delete => "Delete",
        Reclaim::Retain => "Retain",
    };
    StorageClass {
        name: class.name.clone(),
        provisioner: storage.provisioner,
        parameters: storage.parameters,
        reclaim: reclaim.to_owned(),
        binding: "WaitForFirstConsumer".to_owned(),
        expandable: true,
        default: class.default,
        annotations: Tags::new(),
    }
}
