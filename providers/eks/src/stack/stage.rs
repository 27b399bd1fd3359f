//! The stages that a cluster goes through on its way to a version of Kubernetes.
use crate::versions::way;
use provision_spec::Minor;

/// One stage: a version that everything is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    /// The version.
    pub(super) version: Minor,
    /// What the control plane runs then, which is higher where AWS upgraded it by itself.
    pub(super) runs: Minor,
    /// Whether the control plane is brought there first. In other stages it is new, or there.
    pub(super) upgrades: bool,
    /// Whether it is the version that is wanted in the end.
    pub(super) is_last: bool,
}

impl Stage {
    /// Returns what the stage is about, where it is one of several.
    pub(super) fn title(self) -> String {
        match (self.upgrades, self.is_last) {
            (true, _) => format!("Upgrade to {}", self.version),
            (false, false) => format!("Before the upgrade, at {}", self.version),
            (false, true) => String::new(),
        }
    }
}

/// Returns the stages from what is there to what is wanted. EKS takes one minor version at a time,
/// and none before every node group is at the version of the control plane, which the first stage
/// is for.
pub(super) fn stages(wanted: Minor, live: Option<Minor>) -> Vec<Stage> {
    let way = way(wanted, live);
    let stage = |version: &Minor| Stage {
        version: *version,
        runs: live.map_or(*version, |live| live.max(*version)),
        upgrades: version > &way[0],
        is_last: *version == wanted,
    };
    way.iter().map(stage).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_goes_one_minor_at_a_time_from_where_it_is() {
        let of = |wanted, live: Option<u32>| {
            let all = stages(Minor(wanted), live.map(Minor)).into_iter();
            all.map(|it| (it.version.0, it.runs.0, it.upgrades)).collect::<Vec<_>>()
        };
        assert_eq!(of(36, None), [(36, 36, false)], "a new one is made as it is wanted");
        assert_eq!(of(36, Some(34)), [(34, 34, false), (35, 35, true), (36, 36, true)]);
        assert_eq!(of(36, Some(36)), [(36, 36, false)]);
        assert_eq!(of(34, Some(36)), [(34, 36, false)], "what AWS raised is left alone");
    }

    #[test]
    fn stages_say_what_they_are_about_where_there_are_several() {
        let titles: Vec<_> =
            stages(Minor(36), Some(Minor(35))).into_iter().map(Stage::title).collect();
        assert_eq!(titles, ["Before the upgrade, at 1.35", "Upgrade to 1.36"]);
        assert_eq!(stages(Minor(36), None)[0].title(), "");
    }
}
