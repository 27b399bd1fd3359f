//! The tags by which an object tells whose it is.
use crate::address::Address;
use crate::resource::Owner;
use std::collections::BTreeMap;

/// The tag that names the state an object belongs to.
pub const LINEAGE_MARK: &str = "provision-lineage";
/// The tag that names the cluster an object belongs to.
pub const CLUSTER_MARK: &str = "provision-cluster";
/// The tag that names an object's place in its graph.
pub const ADDRESS_MARK: &str = "provision-address";

/// Whose objects are ours: what every object of one state is marked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The random identity of the state. `None` before the first apply.
    pub lineage: Option<String>,
    /// The cluster's name.
    pub cluster: String,
}

impl Marks {
    /// Tells whether `key` is one of the marks, which plans do not show.
    pub fn is_mark(key: &str) -> bool {
        matches!(key, LINEAGE_MARK | CLUSTER_MARK | ADDRESS_MARK)
    }

    /// Returns the marks of the object at `address`.
    pub fn of(&self, address: &Address) -> impl Iterator<Item = (&'static str, String)> {
        let lineage = self.lineage.clone().map(|lineage| (LINEAGE_MARK, lineage));
        let rest = [(CLUSTER_MARK, self.cluster.clone()), (ADDRESS_MARK, address.to_string())];
        lineage.into_iter().chain(rest)
    }

    /// Tells whose an object with these tags is.
    pub fn owner(&self, tags: &BTreeMap<String, String>) -> Owner {
        match (tags.get(LINEAGE_MARK), &self.lineage) {
            (Some(theirs), Some(ours)) if theirs == ours => Owner::Ours,
            (Some(theirs), _) => Owner::Foreign(match tags.get(CLUSTER_MARK) {
                Some(cluster) => {
                    format!("belongs to cluster {cluster} of another state ({theirs})")
                }
                None => format!("belongs to another state ({theirs})"),
            }),
            (None, _) => Owner::Foreign("carries no mark of ours".into()),
        }
    }

    /// Returns the address that an object with these tags says it has.
    pub fn address(tags: &BTreeMap<String, String>) -> Option<Address> {
        tags.get(ADDRESS_MARK).map(|address| address.as_str().into())
    }
}
