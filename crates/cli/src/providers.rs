//! The providers that this build knows.
use crate::args::Global;
use crate::failure::{Code, Failure};
use provision_core::State;
use provision_spec::{ClusterSpec, Provider};
use serde_json::Value;
use std::collections::BTreeMap;

/// Returns the provider of a name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Provider> {
    match name {
        #[cfg(feature = "eks")]
        "eks" => Some(&provision_eks::Eks),
        _ => None,
    }
}

/// Returns the provider of a cluster file.
pub(crate) fn of(spec: &ClusterSpec) -> Result<&'static dyn Provider, Failure> {
    known(spec.provider.word())
}

/// Returns the provider of a name, or says that this build has none.
pub(crate) fn known(name: &str) -> Result<&'static dyn Provider, Failure> {
    named(name).ok_or_else(|| {
        let error = format!("provider {name} is not part of this build");
        Failure::new(Code::ProviderUnknown, error)
    })
}

/// Returns what a cluster tells of itself. The address of one that is simulated within the program
/// is none: it ends with the program.
pub(crate) fn outputs(
    global: &Global,
    provider: &dyn Provider,
    state: &State,
) -> BTreeMap<String, Value> {
    let mut outputs = provider.outputs(state);
    if global.sandbox {
        outputs.remove("endpoint");
    }
    outputs
}
