//! The kinds of objects inside a cluster.
mod cluster_role_binding;
mod default_storage_class;
mod namespace;
mod object;
mod registry_secret;
mod service_account;
mod storage_class;

pub use crate::api::{Made, Outputs};
use crate::clusters::Kubernetes;
pub use cluster_role_binding::ClusterRoleBinding;
pub(crate) use cluster_role_binding::{applied, end, holders, named as binding_named};
pub use default_storage_class::DefaultStorageClass;
pub use namespace::Namespace;
pub use object::Object;
use provision_core::{Drivers, Timing, Typed};
pub use registry_secret::{Password, RegistrySecret};
pub use service_account::ServiceAccount;
pub(crate) use service_account::named as account_named;
use std::sync::Arc;
pub use storage_class::StorageClass;

/// How long the engine waits for what the API stores: it shows at once what it has.
const TIMING: Timing = Timing::new(2, 5 * 60, 4);

/// Returns every kind, driven with one caller's clusters.
pub fn drivers(kubernetes: &Arc<Kubernetes>) -> Drivers {
    Drivers::from([
        Typed::<ClusterRoleBinding>::driver(kubernetes),
        Typed::<DefaultStorageClass>::driver(kubernetes),
        Typed::<Namespace>::driver(kubernetes),
        Typed::<Object>::driver(kubernetes),
        Typed::<RegistrySecret>::driver(kubernetes),
        Typed::<ServiceAccount>::driver(kubernetes),
        Typed::<StorageClass>::driver(kubernetes),
    ])
}
