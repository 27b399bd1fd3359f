//! Machine types: their shapes, and which zones have them.
mod table;

use super::zones::{self, Zone};

/// A machine type.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) name: &'static str,
    pub(crate) maker: Maker,
    pub(crate) vcpus: u32,
    pub(crate) memory_mib: u64,
    /// How many disks of its own it has, and what each holds in GB.
    pub(crate) disks: (u32, u64),
    /// How many network interfaces it can have, and how many addresses each.
    pub(crate) interfaces: (u32, u32),
    /// How EC2 calls the speed of its network.
    pub(crate) network: &'static str,
}

/// Who makes the processor of a machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Maker {
    Amd,
    Graviton,
    Intel,
}

impl Machine {
    /// Returns what comes before the dot.
    pub(crate) fn family(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    /// Returns its architecture, as EC2 writes it.
    pub(crate) fn architecture(&self) -> &'static str {
        match self.maker {
            Maker::Graviton => "arm64",
            Maker::Amd | Maker::Intel => "x86_64",
        }
    }

    /// Tells whether it has accelerators.
    pub(crate) fn has_gpu(&self) -> bool {
        self.family() == "g5"
    }

    /// Returns what an hour of it costs on demand, in millionths of a dollar. It is made up: in
    /// proportion to its processors, memory and disks.
    pub(crate) fn price(&self) -> u64 {
        let disks = u64::from(self.disks.0) * self.disks.1 * 60;
        u64::from(self.vcpus) * 30_000 + self.memory_mib * 4 + disks
    }
}

/// Families that are missing in zones, by the id of the zone.
const MISSING: &[(&str, &str)] = &[
    ("apne1-az1", "r5ad t3a"),
    ("apne1-az2", "g5"),
    ("aps1-az1", "r5dn r6idn r8gd r8id"),
    ("aps1-az2", "g5 r5dn r6idn r8gd r8id"),
    ("aps1-az3", "r5dn r6idn r8gd r8id"),
    ("apse1-az1", "g5 r8gd r8id"),
    ("apse1-az2", "g5 r8gd r8id"),
    ("apse1-az3", "g5 r8gd r8id"),
    ("apse2-az1", "r8id"),
    ("apse2-az2", "r8id"),
    ("apse2-az3", "g5 r8id"),
    ("cac1-az1", "r5dn r6id r6idn r7gd r8id"),
    ("cac1-az2", "r5dn r6id r6idn r7gd r8id"),
    ("cac1-az4", "g5 r5a r5ad r5dn r6id r6idn r7gd r8id t3a"),
    ("cnn1-az1", "g5 m6a m6id r5ad r5dn r6id r6idn r7gd r8gd r8id"),
    ("cnn1-az2", "g5 m6a m6id r5ad r5dn r6id r6idn r7gd r8gd r8id"),
    ("cnn1-az4", "g5 m6a m6id r5ad r5dn r6id r6idn r7gd r8gd r8id"),
    ("eun1-az1", "g5 m6a m6id r5a r5ad r5dn r6id r8gd r8id t3a"),
    ("eun1-az2", "m6a m6id r5a r5ad r6id r8gd r8id t3a"),
    ("eun1-az3", "m6a m6id r5a r5ad r6gd r6id r8gd r8id t3a"),
    ("euw1-az1", "r8id"),
    ("euw1-az2", "r8gd r8id"),
    ("euw1-az3", "r8id"),
    ("euw2-az1", "g5 m6id r5dn r6idn r8id"),
    ("euw2-az2", "r5dn r6idn r8id"),
    ("euw2-az3", "r5dn r6gd r6idn r8id"),
    ("euw3-az1", "g5 m6id r6id r6idn r8gd r8id"),
    ("euw3-az2", "g5 m6id r6id r6idn r8gd r8id"),
    ("euw3-az3", "g5 m6id r5dn r6id r6idn r8gd r8id"),
    ("sae1-az1", "r5dn r6id r6idn r8id"),
    ("sae1-az2", "m6id r5a r5ad r5dn r6id r6idn r8id"),
    ("sae1-az3", "g5 r5dn r6id r6idn r8id"),
    ("usge1-az1", "g5 m6a m6id r5ad r6gd r6id r6idn r7gd r8gd r8id"),
    ("usge1-az2", "g5 m6a m6id r5ad r6gd r6id r6idn r7gd r8gd r8id"),
    ("usge1-az3", "g5 m6a m6id r5ad r6gd r6id r6idn r7gd r8gd r8id"),
    ("usw1-az1", "g5 r5dn r6id r6idn r8id"),
    ("usw1-az3", "g5 r5dn r6id r6idn r8id"),
    ("usw2-az4", "g5 r6idn"),
];

/// The zone that has only the oldest family of those that a sandbox knows.
const OLD_ZONE: (&str, &str) = ("use1-az3", "i3");

/// Returns every machine type, in the order of names.
pub(crate) fn all() -> impl Iterator<Item = &'static Machine> {
    table::ALL.iter()
}

/// Finds a machine type.
pub(crate) fn find(name: &str) -> Option<&'static Machine> {
    all().find(|machine| machine.name == name)
}

/// Tells whether a zone of a region, called by its name, has a machine type.
pub(crate) fn offered(region: &str, zone: &str, name: &str) -> bool {
    let mut zones = zones::of(region).into_iter().flat_map(zones::Region::own);
    let zone = zones.find(|its| its.name == zone);
    find(name).zip(zone).is_some_and(|(machine, zone)| has(zone, machine))
}

/// Tells whether a zone has a machine type.
pub(crate) fn has(zone: &Zone, machine: &Machine) -> bool {
    let family = machine.family();
    let is_missing = |(id, families): &(&str, &str)| {
        *id == zone.id && families.split(' ').any(|its| its == family)
    };
    let is_too_new = zone.id == OLD_ZONE.0 && family != OLD_ZONE.1;
    !is_too_new && !MISSING.iter().any(is_missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_have_their_shapes() {
        let machine = find("r5d.2xlarge").unwrap();
        assert_eq!((machine.vcpus, machine.memory_mib, machine.disks), (8, 65_536, (1, 300)));
        assert_eq!((machine.interfaces, machine.architecture()), ((4, 15), "x86_64"));
        assert_eq!(find("m8g.2xlarge").unwrap().architecture(), "arm64");
        assert!(find("r5d.3xlarge").is_none());
    }

    #[test]
    fn some_zones_lack_some_machines() {
        assert!(offered("us-east-1", "us-east-1a", "r5d.2xlarge"));
        assert!(!offered("us-east-1", "us-east-1e", "r5d.2xlarge"), "it is use1-az3");
        assert!(offered("us-east-1", "us-east-1e", "i3.2xlarge"));
        assert!(!offered("us-west-2", "us-west-2d", "r6idn.2xlarge"));
        assert!(!offered("us-west-2", "us-east-1a", "r5d.2xlarge"));
    }

    #[test]
    fn what_is_missing_is_known() {
        for (zone, families) in MISSING {
            let mut known = zones::all().iter().flat_map(|region| region.own());
            assert!(known.any(|its| its.id == *zone), "{zone}");
            for family in families.split(' ') {
                assert!(all().any(|machine| machine.family() == family), "{family}");
            }
        }
    }
}
