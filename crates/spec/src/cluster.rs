//! The cluster file, parsed and checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fields::Field;
use crate::kubernetes::Kubernetes;
use crate::manifests::Manifest;
use crate::network::Network;
use crate::pools::Pool;
use crate::problem::Problems;
use crate::profile::Profile;
use crate::secrets::Secrets;
use crate::source::{Report, Source};
use crate::storage::StorageClass;
use crate::support::Support;
use crate::tree::{Node, Span};

/// A cluster file with every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSpec {
    /// Names the cluster; every name in the cloud derives from it. At most 20 characters.
    pub name: String,
    /// Says which cloud it runs in.
    pub provider: ProviderName,
    /// Names the region, in the cloud's own words.
    pub region: String,
    /// Says where defaults came from.
    pub profile: Profile,
    /// Describes the control plane.
    pub kubernetes: Kubernetes,
    /// Describes the network.
    pub network: Network,
    /// Lists the pools in the order of the file; no two have the same name.
    pub pools: Vec<Pool>,
    /// Lists the storage classes, of which at most one is the default.
    pub storage_classes: Vec<StorageClass>,
    /// Holds the user's own tags for everything in the cloud.
    pub tags: BTreeMap<String, String>,
    /// Says that `destroy` must refuse.
    pub protect: bool,
    /// Refers to secrets.
    pub secrets: Secrets,
    /// Says whether what is inside the cluster is ours too. Else the file wants nothing there.
    pub in_cluster: bool,
    /// Names files with extra Kubernetes manifests, from where the cluster file is.
    pub manifests: Vec<String>,
    /// Holds what is in them, once [`ClusterSpec::read_manifests`] has read it.
    pub objects: Vec<Manifest>,
    /// Says how the vendor's support gets in.
    pub support: Support,
    /// Holds the provider's own section, which its crate reads.
    pub section: Section,
    pub(crate) document: Document,
}

/// The file as it was written, for places; all are equal, since places do not matter to a spec.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) root: Node,
    pub(crate) source: Arc<Source>,
}

impl PartialEq for Document {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The clouds of the cluster file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderName {
    /// Amazon's.
    Eks,
    /// Google's.
    Gke,
    /// Microsoft's.
    Aks,
    /// Oracle's.
    Oke,
}

/// A provider's own section, with its place in the file. Two are equal when their values are.
#[derive(Debug, Clone)]
pub struct Section {
    pub(crate) provider: ProviderName,
    pub(crate) node: Node,
    pub(crate) source: Arc<Source>,
}

impl ProviderName {
    pub(crate) const WORDS: [(&str, Self); 4] =
        [("eks", Self::Eks), ("gke", Self::Gke), ("aks", Self::Aks), ("oke", Self::Oke)];

    /// Gives the word of the cluster file, which also names the provider's section.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Eks => "eks",
            Self::Gke => "gke",
            Self::Aks => "aks",
            Self::Oke => "oke",
        }
    }

    /// Says whether this version can build clusters there.
    pub(crate) fn is_supported(self) -> bool {
        self == Self::Eks
    }

    /// Shortens the name of a pool to what the cloud allows: on AKS 12 letters and digits.
    pub(crate) fn short_pool_name(self, name: &str) -> String {
        match self {
            Self::Aks => name.chars().filter(|c| *c != '-').take(12).collect(),
            Self::Eks | Self::Gke | Self::Oke => name.to_owned(),
        }
    }
}

impl ClusterSpec {
    /// Starts a report on the file, for what only a provider can find wrong in it.
    #[must_use]
    pub fn report(&self) -> Report {
        Report::new(Arc::clone(&self.document.source))
    }

    /// Gives the place of a value by its way from the root, such as `["pools", "app", "min"]`;
    /// items of lists by number, `"0"`. Where the file leaves a part out, what is around it.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> Span {
        let mut node = &self.document.root;
        for part in path {
            let Some(inner) = node.part(part) else { break };
            node = inner;
        }
        node.span
    }

    /// Gives a pool by name.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name == name)
    }
}

impl Section {
    /// Gives the values, an empty map when the file has no such section.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Reads the section into the provider's own type.
    ///
    /// What the function returns is dropped when it reported problems, so a placeholder will do
    /// for a field that was refused.
    ///
    /// # Errors
    ///
    /// All problems that the function reported, in the order of the file.
    pub fn read<T>(&self, read: impl FnOnce(&Field<'_>) -> T) -> Result<T, Problems> {
        let report = Report::new(Arc::clone(&self.source));
        let read = read(&Field::root(&report, self.provider.word(), &self.node));
        report.finish(read)
    }
}

impl PartialEq for Section {
    fn eq(&self, other: &Self) -> bool {
        self.provider == other.provider && self.node == other.node
    }
}
