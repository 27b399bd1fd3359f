//! Which zones a cluster spreads over.
use aws_sdk_ec2::types::{AvailabilityZone, AvailabilityZoneOptInStatus as OptIn};
use provision_core::{Error, Result};
use provision_spec::{Capacity, ClusterSpec, Layout, Pool, Zones};
use std::collections::{BTreeMap, BTreeSet};

/// The zones, by id, in which EKS puts no control plane.
const NO_CONTROL_PLANE: [&str; 3] = ["use1-az3", "usw1-az2", "cac1-az3"];

/// A zone that a cluster can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    pub(crate) name: String,
    /// Whether EKS can put a control plane there.
    pub(crate) usable: bool,
}

/// Which machine types there are in which zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offers(BTreeSet<(String, String)>);

impl FromIterator<(String, String)> for Offers {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(offers: I) -> Self {
        Self(offers.into_iter().collect())
    }
}

impl Offers {
    fn has(&self, zone: &str, machine: &str) -> bool {
        self.0.contains(&(zone.to_owned(), machine.to_owned()))
    }

    /// Returns the machine types of a pool that keep it out of a zone.
    fn lacking<'a>(&self, zone: &str, pool: &'a Pool) -> Vec<&'a str> {
        let lacks = |machine: &&'a String| !self.has(zone, machine);
        let lacking: Vec<_> = pool.machine.iter().filter(lacks).map(String::as_str).collect();
        match pool.capacity {
            Capacity::Spot if lacking.len() < pool.machine.len() => Vec::new(),
            Capacity::Spot | Capacity::OnDemand => lacking,
        }
    }
}

impl Zone {
    /// Takes what EC2 tells; `None` for what is no zone of the region itself.
    pub(crate) fn new(zone: AvailabilityZone) -> Option<Self> {
        let ordinary = zone.zone_type.as_deref().is_none_or(|kind| kind == "availability-zone");
        let open = zone.opt_in_status.is_none_or(|status| status == OptIn::OptInNotRequired);
        let barred = zone.zone_id.is_some_and(|id| NO_CONTROL_PLANE.contains(&id.as_str()));
        let name = zone.zone_name.filter(|_| ordinary && open)?;
        Some(Self { name, usable: !barred })
    }
}

/// Tells whether a pool may stand in a zone.
fn includes(pool: &Pool, zone: &str) -> bool {
    pool.zones.as_ref().is_none_or(|zones| zones.iter().any(|name| name == zone))
}

/// Chooses the zones that the file asks for: those it names, or the first that have what the
/// pools need, those of `before` ahead of all others.
pub(crate) fn choose(
    spec: &ClusterSpec,
    before: &[String],
    all: &[Zone],
    offers: &Offers,
) -> Result<Vec<String>> {
    let count = match &spec.network.zones {
        Zones::Names(names) => return Ok(names.clone()),
        Zones::Count(count) => usize::from(*count),
    };
    let fits = |zone: &str| {
        let mut pools = spec.pools.iter().filter(|pool| includes(pool, zone));
        pools.all(|pool| offers.lacking(zone, pool).is_empty())
    };
    // A pool that names zones needs those among the chosen.
    let named: BTreeSet<_> =
        spec.pools.iter().flat_map(|pool| pool.zones.iter().flatten()).collect();
    let mut rest: Vec<_> = all
        .iter()
        .filter(|zone| zone.usable && !before.contains(&zone.name) && fits(&zone.name))
        .map(|zone| zone.name.clone())
        .collect();
    rest.sort_by_key(|zone| (!named.contains(zone), zone.clone()));
    let mut chosen: Vec<_> = before.iter().cloned().chain(rest).take(count).collect();
    if chosen.len() < count {
        return Err(Error::invalid(format!(
            "network.zones asks for {count} zones, and {} of {} have every machine type that the \
             pools need{}",
            chosen.len(),
            spec.region,
            lacking(spec, all, offers)
        )));
    }
    if before.is_empty() {
        chosen.sort();
    }
    Ok(chosen)
}

/// Says which zones were passed over, and for want of what.
fn lacking(spec: &ClusterSpec, all: &[Zone], offers: &Offers) -> String {
    let one = |zone: &Zone| {
        let pools = spec.pools.iter().filter(|pool| includes(pool, &zone.name));
        let types: BTreeSet<_> = pools.flat_map(|pool| offers.lacking(&zone.name, pool)).collect();
        let types: Vec<_> = types.into_iter().collect();
        (!types.is_empty()).then(|| format!("{} lacks {}", zone.name, types.join(", ")))
    };
    let words: Vec<_> = all.iter().filter(|zone| zone.usable).filter_map(one).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join("; ")) }
}

/// Checks that zones exist, can hold a control plane, and have what the pools need.
pub(crate) fn check(
    spec: &ClusterSpec,
    zones: &[String],
    all: &[Zone],
    offers: &Offers,
) -> Result<()> {
    for name in zones {
        let Some(zone) = all.iter().find(|zone| zone.name == *name) else {
            let names: Vec<_> = all.iter().map(|zone| zone.name.as_str()).collect();
            return Err(Error::invalid(format!(
                "{name} is no zone that {} has open to this account; it has {}",
                spec.region,
                names.join(", ")
            ))
            .hint("name some of those in network.zones"));
        };
        if !zone.usable {
            let hint = "name other zones in network.zones, or let them be chosen";
            return Err(Error::invalid(format!("EKS puts no control plane in {name}")).hint(hint));
        }
        for pool in spec.pools.iter().filter(|pool| includes(pool, name)) {
            let lacking = offers.lacking(name, pool);
            if !lacking.is_empty() {
                return Err(Error::invalid(format!(
                    "pool {} needs {}, which {name} does not have; name other zones or machines",
                    pool.name,
                    lacking.join(", ")
                )));
            }
        }
    }
    let mut named =
        spec.pools.iter().flat_map(|pool| pool.zones.iter().flatten().map(move |z| (pool, z)));
    match named.find(|(_, zone)| !zones.contains(zone)) {
        Some((pool, zone)) => Err(Error::invalid(format!(
            "pool {} names zone {zone}, and the network is in {}",
            pool.name,
            zones.join(", ")
        ))
        .hint(format!("name it in network.zones too, or another in pools.{}.zones", pool.name))),
        None => Ok(()),
    }
}

/// Gives each zone the lowest slot that no zone ever had, and leaves the others where they are.
pub(crate) fn slots(
    mut slots: BTreeMap<String, usize>,
    zones: &[String],
) -> Result<BTreeMap<String, usize>> {
    for zone in zones.iter().filter(|zone| !slots.contains_key(*zone)).collect::<Vec<_>>() {
        let free =
            (0..usize::from(Layout::SLOTS)).find(|slot| !slots.values().any(|it| it == slot));
        let full = || Error::invalid(format!("the network has no room left for zone {zone}"));
        slots.insert(zone.clone(), free.ok_or_else(full)?);
    }
    Ok(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone { name: name.into(), usable: name != "us-east-1c" }
    }

    fn spec(rest: &str) -> ClusterSpec {
        let text = format!(
            "name: acme\nprovider: eks\nregion: us-east-1\nprofile: none\n{rest}\npools:\n  \
             app: {{ machine: m, max: 1 }}\n  run: {{ machine: [x, y], capacity: spot, max: 1 }}\n"
        );
        provision_spec::read("a.yaml", text.as_bytes()).unwrap()
    }

    fn offers() -> Offers {
        // b has no m; d has x only, which is enough for spot.
        let pairs = [("a", "mxy"), ("b", "xy"), ("c", "mxy"), ("d", "mx"), ("e", "my")];
        let all = pairs.iter().flat_map(|(zone, types)| {
            types.chars().map(move |it| (format!("us-east-1{zone}"), it.to_string()))
        });
        all.collect()
    }

    fn all() -> Vec<Zone> {
        ["a", "b", "c", "d", "e"].iter().map(|it| zone(&format!("us-east-1{it}"))).collect()
    }

    #[test]
    fn the_first_zones_that_have_everything_are_chosen() {
        let chosen = choose(&spec("network: { zones: 3 }"), &[], &all(), &offers()).unwrap();
        assert_eq!(chosen, ["us-east-1a", "us-east-1d", "us-east-1e"]);
        let error = choose(&spec("network: { zones: 4 }"), &[], &all(), &offers()).unwrap_err();
        assert!(error.message.contains("us-east-1b lacks m"), "{error}");
    }

    #[test]
    fn another_zone_leaves_the_others_where_they_are() {
        let before = ["us-east-1d".to_owned(), "us-east-1e".to_owned()];
        let spec = spec("network: { zones: 3 }");
        let chosen = choose(&spec, &before, &all(), &offers()).unwrap();
        assert_eq!(chosen, ["us-east-1d", "us-east-1e", "us-east-1a"]);
        let first = slots(BTreeMap::new(), &before).unwrap();
        let second = slots(first.clone(), &chosen).unwrap();
        assert_eq!(second["us-east-1a"], 2);
        assert!(first.iter().all(|(zone, slot)| second[zone] == *slot));
    }

    #[test]
    fn named_zones_must_exist_and_have_what_pools_need() {
        let said = |name: &str| {
            let error = check(&spec(""), &[name.to_owned()], &all(), &offers()).unwrap_err();
            error.message
        };
        assert!(said("us-east-1z").contains("is no zone"));
        assert!(said("us-east-1c").contains("no control plane"));
        assert!(said("us-east-1b").contains("pool app needs m"));
    }

    #[test]
    fn local_zones_are_not_zones() {
        let local =
            AvailabilityZone::builder().zone_name("us-east-1-bos-1a").zone_type("local-zone");
        assert_eq!(Zone::new(local.build()), None);
        let barred = AvailabilityZone::builder().zone_name("us-east-1e").zone_id("use1-az3");
        assert!(!Zone::new(barred.build()).unwrap().usable);
    }
}
