//! From the bytes of a file to a [`ClusterSpec`], or to everything wrong with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::{self, Context};
use crate::cluster::{ClusterSpec, Document, ProviderName, Section};
use crate::fields::{Field, Fields};
use crate::kubernetes::Kubernetes;
use crate::labels;
use crate::manifests;
use crate::network::Network;
use crate::pools::Pool;
use crate::problem::Problems;
use crate::profile::Profile;
use crate::secrets::Secrets;
use crate::source::{Report, Source};
use crate::storage::StorageClass;
use crate::support::Support;
use crate::tree::{self, Node, Value};

/// The fields at the top of a cluster file.
pub(crate) const FIELDS: [&str; 18] = [
    "name",
    "provider",
    "region",
    "profile",
    "kubernetes",
    "network",
    "pools",
    "storageClasses",
    "tags",
    "protect",
    "secrets",
    "inCluster",
    "manifests",
    "support",
    "eks",
    "gke",
    "aks",
    "oke",
];

/// Reads a cluster file. The provider's own section is taken as it is; see [`read_with`].
///
/// # Errors
///
/// Everything wrong with the file, in its order.
pub fn read(file: &str, text: &[u8]) -> Result<ClusterSpec, Problems> {
    read_with(file, text, |_, _| ())
}

/// Reads a cluster file, and lets a function report what is wrong in the provider's own section.
///
/// The function is not called when the file names no known provider. What it finds is reported together with everything else.
///
/// # Errors
///
/// Everything wrong with the file, in its order.
pub fn read_with(
    file: &str,
    text: &[u8],
    check_section: impl FnOnce(&ClusterSpec, &Field<'_>),
) -> Result<ClusterSpec, Problems> {
    let report = Report::new(Source::new(file, text)?);
    let Some(node) = tree::parse(&report) else { return Err(report.into_problems()) };
    let Some(root) = Field::root(&report, "", &node).fields(&FIELDS) else {
        return Err(report.into_problems());
    };
    let (spec, provider) = cluster(&report, &node, &root);
    if let Some(provider) = provider {
        check_section(&spec, &Field::root(&report, provider.word(), &spec.section.node));
    }
    report.finish(spec)
}

/// Fills in what was refused with placeholders, which nobody sees: there are problems then.
fn cluster(report: &Report, node: &Node, root: &Fields<'_>) -> (ClusterSpec, Option<ProviderName>) {
    let provider = provider(root);
    let name = root.required("name", "acme-prod").and_then(|field| field.parse(check::name));
    let region = root.required("region", "us-east-1");
    let region = region.and_then(|field| field.parse(|text| check::region(text, provider)));
    let profile = root.required("profile", "qualytics");
    let profile = profile.and_then(|field| field.choice(&Profile::WORDS));
    let network = Network::read(root, provider, region.as_deref());
    let context = Context { provider, profile, region: region.as_deref(), zones: &network.zones };
    let pools = Pool::read_all(root, &context);
    let in_cluster = in_cluster(root);
    let mut storage_classes = StorageClass::read_all(root, profile);
    storage_classes.retain(|_| in_cluster);
    let spec = ClusterSpec {
        name: name.unwrap_or_default(),
        provider: provider.unwrap_or(ProviderName::Eks),
        profile: profile.unwrap_or(Profile::None),
        kubernetes: Kubernetes::read(root, provider),
        pools,
        storage_classes,
        tags: tags(root),
        protect: boolean(root, "protect"),
        secrets: Secrets::read(root, profile),
        in_cluster,
        manifests: manifests::files(root, in_cluster),
        objects: Vec::new(),
        support: Support::read(root, in_cluster),
        section: section(report, root, provider),
        region: region.unwrap_or_default(),
        network,
        document: Document { root: node.clone(), source: Arc::clone(report.source()) },
    };
    (spec, provider)
}

fn provider(root: &Fields<'_>) -> Option<ProviderName> {
    let field = root.required("provider", "eks")?;
    let provider = field.choice(&ProviderName::WORDS)?;
    if !provider.is_supported() {
        let hint = Some("this version builds clusters on eks".to_owned());
        field.refuse(
            "file.not-supported",
            format!("{} is not supported yet", provider.word()),
            hint,
        );
    }
    Some(provider)
}

fn boolean(root: &Fields<'_>, name: &str) -> bool {
    root.optional(name).and_then(|field| field.boolean()).unwrap_or_default()
}

fn tags(root: &Fields<'_>) -> BTreeMap<String, String> {
    root.optional("tags").and_then(|field| labels::tags(&field)).unwrap_or_default()
}

fn in_cluster(root: &Fields<'_>) -> bool {
    let Some(field) = root.optional("inCluster") else { return true };
    let wanted = field.boolean();
    if wanted == Some(false) {
        let classes = root.optional("storageClasses");
        let classes = classes.filter(|field| field.list().is_some_and(|items| !items.is_empty()));
        let token = root.optional("secrets").and_then(|field| {
            let entries = field.entries().unwrap_or_default();
            entries.into_iter().find(|entry| entry.name() == "registryToken")
        });
        for field in classes.into_iter().chain(token) {
            let message = "is for what is inside the cluster, and inCluster is false";
            let hint = "remove it, or write `inCluster: true`".to_owned();
            field.refuse_key("file.conflict", message, Some(hint));
        }
    }
    wanted.unwrap_or_default()
}

/// Takes the section of the named provider, and refuses those of others.
fn section(report: &Report, root: &Fields<'_>, provider: Option<ProviderName>) -> Section {
    let own = provider.unwrap_or(ProviderName::Eks);
    let mut node = Node::made(Value::Map(Vec::new()));
    for (word, name) in ProviderName::WORDS {
        let Some(field) = root.optional(word) else { continue };
        if name == own {
            if field.entries().is_some() {
                node = field.node().clone();
            }
        } else if provider.is_some() {
            let message = format!("is the section of another provider than {}", own.word());
            let hint = format!("remove it, or write `provider: {word}`");
            field.refuse_key("file.conflict", message, Some(hint));
        }
    }
    Section { provider: own, node, source: Arc::clone(report.source()) }
}

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod tests;
