//! What pods can use of the nodes of a pool.
//!
//! What the kubelet of Amazon's images reserves is computed as their bootstrap does it (Amazon EKS
//! optimised AMI, `nodeadm`: 255 MiB and 11 MiB for each pod that the machine has addresses for; 6 %
//! of the first core, 1 % of the second, 0.5 % of the next two and 0.25 % of the rest), and it evicts
//! pods when less than 100 MiB are free. What the system does not show of the memory, and what daemons
//! of the default add-ons ask for, are assumptions on the safe side.
use crate::facts::{Machine, machine_key};
use provision_core::Facts;
use provision_spec::room::{Room, Sum};
use provision_spec::{ClusterSpec, Pool};

/// Which part of a machine's memory its system does not show, in hundredths. Assumption.
const HIDDEN: u64 = 5;
/// Below how much free memory the kubelet evicts pods, in MiB.
const EVICTION: u64 = 100;
/// What daemons ask for on every node, in thousandths of a core and in MiB. Assumption.
const DAEMONS: (u64, u64) = (200, 250);
/// How many pods a machine has addresses for that was recorded without: as many as a 2xlarge.
const PODS: u64 = 58;

/// Returns the room on nodes of each pool whose machines are on record.
pub(crate) fn of(spec: &ClusterSpec, facts: &Facts) -> Vec<Room> {
    spec.pools.iter().filter_map(|pool| least(pool, facts)).collect()
}

/// Returns the room on the machine of a pool that has least memory, and then least cores.
fn least(pool: &Pool, facts: &Facts) -> Option<Room> {
    let known = pool.machine.iter().filter_map(|name| {
        let machine: Option<Machine> = facts.get(&machine_key(name));
        machine.map(|machine| room(pool, name, &machine))
    });
    known.min_by_key(|room| (room.memory.left(), room.cpu.left()))
}

fn room(pool: &Pool, name: &str, machine: &Machine) -> Room {
    let cores = u64::from(machine.vcpus);
    let pods = machine.max_pods.map_or(PODS, u64::from);
    let cpu = vec![(reserved(cores), "kubelet"), (DAEMONS.0, "daemons")];
    let memory = vec![
        (machine.memory_mib * HIDDEN / 100, "system"),
        (255 + 11 * pods, "kubelet"),
        (EVICTION, "eviction"),
        (DAEMONS.1, "daemons"),
    ];
    Room {
        pool: pool.name.clone(),
        machine: name.to_owned(),
        cpu: Sum { whole: cores * 1000, less: cpu },
        memory: Sum { whole: machine.memory_mib, less: memory },
    }
}

/// Returns what the kubelet reserves of so many cores, in thousandths of one.
fn reserved(cores: u64) -> u64 {
    let hundredths = |core| match core {
        0 => 600,
        1 => 100,
        2 | 3 => 50,
        _ => 25,
    };
    (0..cores).map(hundredths).sum::<u64>() / 10
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::tests::{facts, spec};
    use provision_spec::room::Spark;

    #[test]
    fn the_kubelet_reserves_what_the_reference_says() {
        let all = [2, 4, 8, 16, 64].map(reserved);
        assert_eq!(all, [70, 80, 90, 110, 230]);
    }

    #[test]
    fn the_pods_of_the_profile_fit_its_own_machines() {
        let rooms = of(&spec(""), &facts());
        let executor = rooms.iter().find(|room| room.pool == "executor").unwrap();
        assert_eq!(executor.cpu.to_string(), "8000 - 90 (kubelet) - 200 (daemons) = 7710");
        let memory =
            "65536 - 3276 (system) - 893 (kubelet) - 100 (eviction) - 250 (daemons) = 61017";
        assert_eq!(executor.memory.to_string(), memory);
        assert_eq!(Spark::WANTED.per_node(executor), 1);
    }

    #[test]
    fn the_smallest_machine_of_a_pool_counts_and_unknown_ones_do_not() {
        let mut facts = facts();
        let small = Machine { memory_mib: 16_384, ..facts.get("machine/r5.2xlarge").unwrap() };
        facts.recorded.insert("machine/m5.xlarge".into(), serde_json::json!(small));
        let spec = spec("pools: { app: { machine: [x9.large, r5.2xlarge, m5.xlarge] } }");
        let rooms = of(&spec, &facts);
        assert_eq!((rooms.len(), rooms[0].machine.as_str()), (1, "m5.xlarge"));
    }
}
