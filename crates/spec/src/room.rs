//! What pods can use of a node, and what of a wanted size fits there.
use serde::Serialize;
use std::fmt;

/// What pods can use of a node of a pool, and how that comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The pool.
    pub pool: String,
    /// The machine type of the pool that has the least room.
    pub machine: String,
    /// Processor time, in thousandths of a core.
    pub cpu: Sum,
    /// Memory, in MiB.
    pub memory: Sum,
}

/// An amount, and what is taken off it by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// What the machine has.
    pub whole: u64,
    /// What is taken off it, and what for.
    pub less: Vec<(u64, &'static str)>,
}

impl Sum {
    /// Returns what is left for pods.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.less.iter().fold(self.whole, |left, (less, _)| left.saturating_sub(*less))
    }
}

/// How a sum comes about: `8000 - 90 (kubelet) = 7910`.
impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.whole)?;
        self.less.iter().try_for_each(|(less, what)| write!(f, " - {less} ({what})"))?;
        write!(f, " = {}", self.left())
    }
}

/// What the largest pod of the platform asks for that is not of Spark, its database: thousandths of a
/// core, and MiB.
/// Source: `postgres.resources` in the values of the platform's chart.
pub const DATABASE: (u64, u64) = (1_000, 10_240);

/// What the pods of the platform ask for together that are not of Spark: thousandths of a core, and MiB.
/// Source: the same values: 4 of the API (0.5 cores, 1 GiB), `cmd` (1, 4), 2 of the frontend (0.2, 0.25),
/// the database (1, 10) and RabbitMQ (0.5, 1).
pub const TOGETHER: (u64, u64) = (4_900, 19_968);

/// What a Spark process asks for: its pod gets a tenth more memory than that, or a little more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spark {
    /// Cores.
    pub cores: u64,
    /// Memory in MiB, without what is outside the heap.
    #[serde(serialize_with = "as_spark_writes")]
    pub memory: u64,
}

/// Spark's notation of MiB.
fn as_spark_writes<S: serde::Serializer>(memory: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{memory}m"))
}

impl Spark {
    /// What the platform's chart asks for, for a driver and for each executor.
    /// Source: `dataplane.driver` and `dataplane.executor` in the chart's values.
    pub const WANTED: Self = Self { cores: 7, memory: 55_000 };

    /// In what steps memory is offered, in MiB.
    const STEP: u64 = 500;
    /// The least memory with which a JVM of Spark is of any use, in MiB.
    const LEAST: u64 = 1_000;
    /// The least memory that a pod gets beside the heap, in MiB.
    /// Source: Spark, Running on Kubernetes, `spark.kubernetes.memoryOverheadFactor`.
    const BESIDE: u64 = 384;

    /// Returns the memory of the pod, in MiB: `memoryOverheadFactor` of the chart is 0.1.
    #[must_use]
    pub fn pod_memory(self) -> u64 {
        self.memory + (self.memory / 10).max(Self::BESIDE)
    }

    /// Returns how many pods of this size fit a node.
    #[must_use]
    pub fn per_node(self, room: &Room) -> u64 {
        let by_cpu = room.cpu.left() / (self.cores * 1000).max(1);
        by_cpu.min(room.memory.left() / self.pod_memory().max(1))
    }

    /// Returns the largest size, up to this one, of which a pod fits a node. `None` where none of
    /// any use does.
    #[must_use]
    pub fn within(self, room: &Room) -> Option<Self> {
        let left = room.memory.left();
        let memory = (left * 10 / 11).min(left.saturating_sub(Self::BESIDE));
        let memory = (memory / Self::STEP * Self::STEP).min(self.memory);
        let cores = (room.cpu.left() / 1000).min(self.cores);
        (cores > 0 && memory >= Self::LEAST).then_some(Self { cores, memory })
    }
}

impl fmt::Display for Spark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cores and {} MiB", self.cores, self.pod_memory())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Makes the room of a node of a pool.
    pub(crate) fn room(pool: &str, cpu: u64, memory: u64) -> Room {
        let sum = |whole, less| Sum { whole, less: vec![(less, "kubelet")] };
        Room {
            pool: pool.into(),
            machine: "m.large".into(),
            cpu: sum(cpu, 100),
            memory: sum(memory, 1000),
        }
    }

    #[test]
    fn a_sum_tells_how_it_comes_about() {
        let sum = Sum { whole: 8000, less: vec![(90, "kubelet"), (200, "daemons")] };
        assert_eq!(sum.to_string(), "8000 - 90 (kubelet) - 200 (daemons) = 7710");
        assert_eq!(Sum { whole: 1, less: vec![(2, "all")] }.left(), 0);
    }

    #[test]
    fn what_fits_is_never_larger_than_the_room_nor_than_what_is_wanted() {
        let wanted = Spark::WANTED;
        assert_eq!(wanted.pod_memory(), 60_500);
        for (cpu, memory, fits) in [
            (8_000, 65_536, Some((7, 55_000))),
            (7_099, 65_536, Some((6, 55_000))),
            (7_100, 61_500, Some((7, 55_000))),
            (7_100, 61_499, Some((7, 54_500))),
            (96_000, 700_000, Some((7, 55_000))),
            (1_099, 65_536, None),
            (8_000, 3_384, Some((7, 2_000))),
            (8_000, 3_383, Some((7, 1_500))),
            (8_000, 2_000, None),
        ] {
            let room = room("executor", cpu, memory);
            let found = wanted.within(&room);
            assert_eq!(found.map(|it| (it.cores, it.memory)), fits, "{cpu} {memory}");
            assert_eq!(wanted.per_node(&room) > 0, found == Some(wanted));
            assert!(found.is_none_or(|it| it.per_node(&room) > 0), "{cpu} {memory}");
        }
    }
}
