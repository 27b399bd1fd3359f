//! A pool: a launch template and a node group, both of one generation.
use super::{Stack, fact, network::Networking};
use crate::facts::{self, Arch, Machine, machine_key};
use crate::names;
use crate::resources::{AddOn, Cluster, LaunchTemplate, NodeGroup, Role, Taint, own_disks};
use provision_core::{Error, Handle, Place, Result, fingerprint, out};
use provision_spec::{Capacity, Effect, Pool};
use serde::Serialize;

/// The part of a fingerprint that addresses and names carry.
const DIGITS: usize = 8;

/// Everything about a pool that cannot change, and so makes another generation of it.
///
/// A field that a later release adds is skipped while it is at its default.
#[derive(Serialize)]
struct Generation<'a> {
    machines: &'a [String],
    capacity: &'a str,
    zones: Vec<&'a str>,
    disk_gb: u32,
    image: &'a str,
    #[serde(skip_serializing_if = "is_first")]
    replaced: u64,
}

fn is_first(generation: &u64) -> bool {
    *generation == 0
}

/// What a pool needs to be there.
pub(super) struct Needed<'a> {
    pub(super) network: &'a Networking,
    pub(super) cluster: &'a Handle<Cluster>,
    pub(super) role: &'a Handle<Role>,
    pub(super) addons: &'a [Handle<AddOn>],
}

impl Stack<'_> {
    /// Adds a pool.
    pub(super) fn pool(&mut self, pool: &Pool, needed: &Needed<'_>) -> Result<Handle<NodeGroup>> {
        let Needed { network, cluster, role, addons } = needed;
        let machines = self.machines(pool)?;
        let image = image(pool, &machines)?;
        let capacity = match pool.capacity {
            Capacity::OnDemand => "ON_DEMAND",
            Capacity::Spot => "SPOT",
        };
        let zones: Vec<String> = self.zones_of(pool);
        let slot = format!("pool/{}", pool.name);
        let h = generation(pool, &zones, capacity, image, self.facts.generation(&slot));
        let template = self.template(pool, &machines, &h);
        let place = Place::at(format!("{slot}/{h}")).slot(&slot);
        let mut place = addons.iter().fold(place, Place::after);
        let mut subnets = Vec::new();
        for zone in &zones {
            let outside = || Error::invalid(format!("pool {} names zone {zone}", pool.name));
            let subnet = network.private.get(zone).ok_or_else(outside)?;
            subnets.push(out!(subnet.id));
            let (association, route) = &network.ways[zone];
            place = place.after(association);
            if let Some(route) = route {
                place = place.after(route);
            }
        }
        let group = NodeGroup {
            name: names::node_group(&pool.name, &h),
            cluster: out!(cluster.id),
            role: out!(role.arn),
            subnets,
            machines: self.offered(pool).cloned().collect(),
            capacity: capacity.into(),
            image: image.into(),
            version: self.stage.version.to_string(),
            first_version: self.stage.runs.to_string(),
            launch_template: out!(template.id),
            launch_template_version: out!(template.version),
            min: number(pool.min),
            max: number(pool.max),
            labels: pool.labels.clone(),
            taints: pool.taints.iter().map(taint).collect(),
            max_unavailable: 1,
            repair: true,
            tags: names::tags(self.spec, &slot),
        };
        let group = self.graph.add(place, group);
        if self.section.pod_identity {
            self.scaling_tags(pool, &machines, &h, &group);
        }
        Ok(group)
    }

    fn machines(&self, pool: &Pool) -> Result<Vec<Machine>> {
        self.offered(pool).map(|name| fact(self.facts, &machine_key(name))).collect()
    }

    /// Returns the machine types of a pool that the region has.
    fn offered<'p>(&self, pool: &'p Pool) -> impl Iterator<Item = &'p String> + use<'p> {
        let absent = facts::absent(self.facts);
        pool.machine.iter().filter(move |name| !absent.contains(*name))
    }

    /// Returns the zones of a pool in the order of their slots.
    fn zones_of(&self, pool: &Pool) -> Vec<String> {
        let all = self.zones.iter().map(|(zone, _)| zone.clone());
        match &pool.zones {
            None => all.collect(),
            Some(named) => {
                let outside =
                    named.iter().filter(|zone| !self.zones.iter().any(|(z, _)| z == *zone));
                let outside = outside.cloned().collect::<Vec<_>>();
                all.filter(|zone| named.contains(zone)).chain(outside).collect()
            }
        }
    }

    fn template(&mut self, pool: &Pool, machines: &[Machine], h: &str) -> Handle<LaunchTemplate> {
        let has_disks = machines.iter().any(|machine| machine.nvme_gb > 0);
        let address = format!("launch-template/{}/{h}", pool.name);
        let template = LaunchTemplate {
            name: names::launch_template(self.spec, &pool.name, h),
            disk_gb: number(pool.disk_gb),
            user_data: if has_disks { own_disks() } else { String::new() },
            machine_tags: names::machine_tags(self.spec, &pool.name),
            tags: names::tags(self.spec, &format!("launch-template/{}", pool.name)),
        };
        self.graph.add(address, template)
    }
}

/// Returns what tells this generation of a pool from others.
fn generation(pool: &Pool, zones: &[String], capacity: &str, image: &str, replaced: u64) -> String {
    let mut zones: Vec<_> = zones.iter().map(String::as_str).collect();
    zones.sort_unstable();
    let (machines, disk_gb) = (pool.machine.as_slice(), pool.disk_gb);
    let all = Generation { machines, capacity, zones, disk_gb, image, replaced };
    let mut h = fingerprint(&all);
    h.truncate(DIGITS);
    h
}

/// Chooses the image by the machines' architecture, which must be one.
fn image(pool: &Pool, machines: &[Machine]) -> Result<&'static str> {
    let arm = machines.iter().filter(|machine| machine.arch == Arch::Arm).count();
    match arm {
        0 => Ok("AL2023_x86_64_STANDARD"),
        arm if arm == machines.len() => Ok("AL2023_ARM_64_STANDARD"),
        _ => Err(Error::invalid(format!(
            "pool {} mixes machines of two architectures: {}",
            pool.name,
            pool.machine.join(", ")
        ))
        .hint(format!("name machines of one architecture in pools.{}.machine", pool.name))),
    }
}

fn taint(taint: &provision_spec::Taint) -> Taint {
    let effect = match taint.effect {
        Effect::NoSchedule => "NO_SCHEDULE",
        Effect::PreferNoSchedule => "PREFER_NO_SCHEDULE",
        Effect::NoExecute => "NO_EXECUTE",
    };
    Taint { key: taint.key.clone(), value: taint.value.clone(), effect: effect.into() }
}

/// Writes a number as EKS takes it. The cluster file allows none that does not fit.
fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use crate::stack::tests::{facts, graph, spec};
    use provision_core::Facts;
    use serde_json::json;

    fn addresses(spec: &str, facts: &Facts) -> Vec<String> {
        let graph = graph(spec, facts);
        let all = graph.nodes().iter().map(|node| node.address.to_string());
        all.filter(|address| address.starts_with("pool/")).collect()
    }

    #[test]
    fn a_generation_changes_with_what_cannot_change_and_with_nothing_else() {
        let file = |pool: &str| format!("pools: {{ executor: {{ {pool} }} }}");
        let of = |pool: &str| addresses(&file(pool), &facts());
        let before = of("");
        assert_eq!(before, of("min: 2, max: 9, labels: { a: b }"));
        assert_ne!(before, of("machine: r5.2xlarge"));
        assert_ne!(before, of("capacity: on-demand"));
        assert_ne!(before, of("diskGb: 200"));
        assert_ne!(before, of("zones: [us-east-1a]"));
        let mut replaced = facts();
        replaced.recorded.insert(Facts::generation_key("pool/executor"), json!(1));
        assert_ne!(before, addresses(&file(""), &replaced));
    }

    #[test]
    fn generations_are_the_same_in_every_release() {
        assert_eq!(
            addresses("", &facts()),
            ["pool/app/1c688e46", "pool/driver/203cd514", "pool/executor/a62f1df6"]
        );
    }

    #[test]
    fn a_node_group_comes_after_the_ways_to_the_control_plane() {
        let graph = graph("pools: { app: { zones: [us-east-1b] } }", &facts());
        let mut nodes = graph.nodes().iter();
        let group = nodes.find(|node| node.address.group() == "pool").unwrap();
        let needs: Vec<_> = group.needs.iter().map(ToString::to_string).collect();
        for needed in ["association/private/us-east-1b", "route/private/us-east-1b", "cluster"] {
            assert!(needs.iter().any(|it| it == needed), "{needed}");
        }
        assert!(!needs.iter().any(|it| it.ends_with("us-east-1a")));
        assert_eq!(group.slot.as_deref(), Some("pool/app"));
    }

    #[test]
    fn what_the_region_does_not_have_is_not_asked_for() {
        let mut fewer = facts();
        let absent = ["r5dn.2xlarge", "r6id.2xlarge"];
        fewer.recorded.insert("machines-absent".into(), json!(absent));
        absent.iter().for_each(|it| drop(fewer.recorded.remove(&format!("machine/{it}"))));
        let machines = |facts: &Facts| {
            let graph = graph("", facts);
            let mut nodes = graph.nodes().iter();
            let pool = nodes.find(|node| node.slot.as_deref() == Some("pool/executor")).unwrap();
            (pool.address.clone(), pool.spec["machines"].clone())
        };
        let ((address, _), (same, machines)) = (machines(&facts()), machines(&fewer));
        assert_eq!((address, machines), (same, json!(["r5d.2xlarge", "r5ad.2xlarge"])));
    }

    #[test]
    fn own_disks_are_joined_where_a_machine_has_some() {
        let graph = graph("", &facts());
        let data = |pool: &str| {
            let mut nodes = graph.nodes().iter();
            let template = nodes.find(|node| {
                node.address.as_str().starts_with(&format!("launch-template/{pool}/"))
            });
            template.unwrap().spec["user_data"].as_str().unwrap().to_owned()
        };
        assert_eq!(data("app"), "");
        assert!(data("executor").contains("RAID0"));
    }

    #[test]
    fn architectures_do_not_mix() {
        let spec = spec("pools: { app: { machine: [t3.2xlarge, m8g.2xlarge] } }");
        let error = crate::stack::stack(&spec, &Default::default(), &facts()).unwrap_err();
        assert!(error.message.contains("two architectures"), "{error}");
    }
}
