//! Profiles: the defaults of a cluster file for what runs in the cluster.

use std::collections::BTreeMap;

use crate::cluster::ProviderName;
use crate::pools::{Capacity, Pool};
use crate::storage::{Reclaim, StorageClass};

/// A set of defaults for pools, storage classes and the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// What the Qualytics platform needs.
    Qualytics,
    /// No defaults.
    None,
}

/// A registry of container images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registry {
    /// Gives its address, as clients write it.
    pub server: &'static str,
    /// Names who pulls from it.
    pub user: &'static str,
}

impl Profile {
    /// Lists the words of the cluster file.
    pub const WORDS: [(&str, Self); 2] = [("qualytics", Self::Qualytics), ("none", Self::None)];

    /// Gives the word of the cluster file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Qualytics => "qualytics",
            Self::None => "none",
        }
    }

    /// Names the profile in a message.
    pub(crate) fn describe(self) -> String {
        format!("profile {}", self.word())
    }

    /// Gives the pools of a file that lists none.
    #[must_use]
    pub fn pools(self, provider: ProviderName) -> Vec<Pool> {
        let pool = |name| self.pool(provider, name);
        ["app", "driver", "executor"].into_iter().filter_map(pool).collect()
    }

    /// Gives the defaults of a listed pool; `None` when the profile does not know the name.
    #[must_use]
    pub fn pool(self, provider: ProviderName, name: &str) -> Option<Pool> {
        use Capacity::{OnDemand, Spot};
        if self == Self::None {
            return None;
        }
        let machines = Machines::of(provider);
        let (label, machine, capacity, max) = match name {
            "app" => ("appNodes", machines.app, OnDemand, 3),
            "driver" => ("driverNodes", machines.driver, OnDemand, 3),
            "executor" => ("executorNodes", machines.executor, Spot, 12),
            "spark" => ("sparkNodes", machines.executor, OnDemand, 13),
            _ => return None,
        };
        Some(Pool {
            name: name.to_owned(),
            machine: machine.iter().map(|&machine| machine.to_owned()).collect(),
            capacity,
            min: 1,
            max,
            labels: BTreeMap::from([(label.to_owned(), "true".to_owned())]),
            taints: Vec::new(),
            disk_gb: Pool::DISK_GB,
            zones: None,
        })
    }

    /// Gives the names of the pools with defaults.
    #[must_use]
    pub fn pool_names(self) -> &'static [&'static str] {
        match self {
            Self::Qualytics => &["app", "driver", "executor", "spark"],
            Self::None => &[],
        }
    }

    /// Gives the storage classes of a file that lists none.
    #[must_use]
    pub fn storage_classes(self) -> Vec<StorageClass> {
        let class =
            |name, default, reclaim| StorageClass { default, reclaim, ..StorageClass::named(name) };
        match self {
            Self::Qualytics => vec![
                class("fast", true, Reclaim::Delete),
                class("fast-retain", false, Reclaim::Retain),
            ],
            Self::None => Vec::new(),
        }
    }

    /// Gives the namespace that the profile makes.
    #[must_use]
    pub fn namespace(self) -> Option<&'static str> {
        match self {
            Self::Qualytics => Some("qualytics"),
            Self::None => None,
        }
    }

    /// Gives the registry that images are pulled from with a token.
    #[must_use]
    pub fn registry(self) -> Option<Registry> {
        match self {
            Self::Qualytics => {
                Some(Registry { server: "https://index.docker.io/v1/", user: "qualyticsai" })
            }
            Self::None => None,
        }
    }
}

/// The machines of profile `qualytics`. A flexible shape of OKE is written
/// `SHAPE:OCPUS:GIGABYTES`.
struct Machines {
    app: &'static [&'static str],
    driver: &'static [&'static str],
    executor: &'static [&'static str],
}

impl Machines {
    fn of(provider: ProviderName) -> Self {
        match provider {
            ProviderName::Eks => Self {
                app: &["t3.2xlarge"],
                driver: &["r5.2xlarge"],
                executor: &["r5d.2xlarge", "r6id.2xlarge", "r5dn.2xlarge", "r5ad.2xlarge"],
            },
            ProviderName::Gke => Self {
                app: &["n2-standard-8"],
                driver: &["n2-highmem-8"],
                executor: &["n2-highmem-8"],
            },
            ProviderName::Aks => Self {
                app: &["Standard_D8s_v5"],
                driver: &["Standard_E8s_v5"],
                executor: &["Standard_E8s_v5"],
            },
            ProviderName::Oke => Self {
                app: &["VM.Standard.E5.Flex:4:32"],
                driver: &["VM.Standard.E5.Flex:4:64"],
                executor: &["VM.Standard.E5.Flex:4:64"],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(profile: Profile, provider: ProviderName, names: &[&str]) -> String {
        let row = |name: &&str| {
            let pool = profile.pool(provider, name).unwrap();
            let labels: Vec<_> =
                pool.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let (min, max, capacity) = (pool.min, pool.max, pool.capacity.word());
            format!("{name} {} {min}-{max} {capacity} {}", labels.join(","), pool.machine.join(","))
        };
        names.iter().map(row).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn qualytics_is_the_table_of_the_reference() {
        use ProviderName::{Aks, Eks, Gke, Oke};
        let names = Profile::Qualytics.pool_names();
        let tables = [Eks, Gke, Aks, Oke].map(|provider| {
            format!("{}\n{}", provider.word(), table(Profile::Qualytics, provider, names))
        });
        insta::assert_snapshot!(tables.join("\n"), @r#"
        eks
        app appNodes=true 1-3 on-demand t3.2xlarge
        driver driverNodes=true 1-3 on-demand r5.2xlarge
        executor executorNodes=true 1-12 spot r5d.2xlarge,r6id.2xlarge,r5dn.2xlarge,r5ad.2xlarge
        spark sparkNodes=true 1-13 on-demand r5d.2xlarge,r6id.2xlarge,r5dn.2xlarge,r5ad.2xlarge
        gke
        app appNodes=true 1-3 on-demand n2-standard-8
        driver driverNodes=true 1-3 on-demand n2-highmem-8
        executor executorNodes=true 1-12 spot n2-highmem-8
        spark sparkNodes=true 1-13 on-demand n2-highmem-8
        aks
        app appNodes=true 1-3 on-demand Standard_D8s_v5
        driver driverNodes=true 1-3 on-demand Standard_E8s_v5
        executor executorNodes=true 1-12 spot Standard_E8s_v5
        spark sparkNodes=true 1-13 on-demand Standard_E8s_v5
        oke
        app appNodes=true 1-3 on-demand VM.Standard.E5.Flex:4:32
        driver driverNodes=true 1-3 on-demand VM.Standard.E5.Flex:4:64
        executor executorNodes=true 1-12 spot VM.Standard.E5.Flex:4:64
        spark sparkNodes=true 1-13 on-demand VM.Standard.E5.Flex:4:64
        "#);
        let names: Vec<_> =
            Profile::Qualytics.pools(Eks).into_iter().map(|pool| pool.name).collect();
        assert_eq!(names, ["app", "driver", "executor"]);
    }

    #[test]
    fn none_has_no_defaults() {
        assert_eq!(Profile::None.pools(ProviderName::Eks), []);
        assert_eq!(Profile::None.pool(ProviderName::Eks, "app"), None);
        assert_eq!(Profile::None.storage_classes(), []);
        assert_eq!((Profile::None.namespace(), Profile::None.registry()), (None, None));
    }
}
