//! What pods can use: in total, and of a node of each pool.
use super::check::{Case, Finding, Judged};
use super::nodes::{has, is_open, of_pool};
use super::quantity::{bytes, millicores};
use super::snapshot::{count, items, name, text};
use super::wanted::{Pod, Pool};
use provision_spec::room::{Room, Spark, Sum};
use serde_json::Value;

const MIB: u64 = 1024 * 1024;

/// What pods can use of some nodes, in thousandths of a core and in bytes.
fn allocatable<'a>(nodes: impl IntoIterator<Item = &'a Value>) -> (u64, u64) {
    let of = |node: &Value| {
        let its = &node["status"]["allocatable"];
        (millicores(&its["cpu"]), bytes(&its["memory"]))
    };
    nodes.into_iter().map(of).fold((0, 0), |(cpu, memory), its| (cpu + its.0, memory + its.1))
}

/// Returns what pods can use once every pool is as large as it may be, as far as its nodes tell how
/// large its machines are.
fn at_most(nodes: &[Value], pools: &[Pool]) -> (u64, u64) {
    let others = nodes.iter().filter(|node| {
        is_open(node) && !pools.iter().any(|pool| pool.max.is_some() && has(node, &pool.labels))
    });
    let mut sum = allocatable(others);
    for pool in pools {
        let Some(max) = pool.max else { continue };
        let its = of_pool(nodes, pool);
        let (cpu, memory) = allocatable(its.iter().copied());
        let now = u64::try_from(its.len()).unwrap_or(u64::MAX).max(1);
        let most = u64::from(max).max(now);
        sum = (sum.0 + cpu / now * most, sum.1 + memory / now * most);
    }
    sum
}

pub(super) fn total(case: &Case<'_>) -> Judged {
    let nodes = case.seen.nodes.as_ref()?;
    let Some(platform) = &case.wanted.platform else {
        return Ok(Finding::skip("no profile says how much is needed"));
    };
    let now = allocatable(nodes.iter().filter(|node| is_open(node)));
    let most = at_most(nodes, &case.wanted.pools);
    let shown = |(cpu, memory): (u64, u64)| {
        format!("{}.{} cores and {} GB", cpu / 1000, cpu % 1000 / 100, memory / 1_000_000_000)
    };
    let mut found = shown(now);
    if most != now {
        found += &format!(", and {} at the most that the pools may have", shown(most));
    }
    let wanted = format!("{} cores and {} GB", platform.cores, platform.memory / 1_000_000_000);
    let is_enough = most.0 >= platform.cores * 1000 && most.1 >= platform.memory;
    let hint = "let pools grow further, or give them larger machines";
    Ok(Finding::of(is_enough, found, wanted, hint))
}

/// Returns what the daemons of a node ask for, in thousandths of a core and in bytes.
fn asked(daemons: &[Value], node: &Value) -> (u64, u64) {
    let is_there = |daemon: &&Value| {
        let selector = &daemon["spec"]["template"]["spec"]["nodeSelector"];
        let mut selected = selector.as_object().into_iter().flatten();
        selected.all(|(key, value)| node["metadata"]["labels"].get(key) == Some(value))
            && items(node, "/spec/taints").iter().all(|taint| tolerates(daemon, taint))
    };
    let mut sum = (0, 0);
    for daemon in daemons.iter().filter(is_there) {
        for container in items(daemon, "/spec/template/spec/containers") {
            let requests = &container["resources"]["requests"];
            sum.0 += millicores(&requests["cpu"]);
            sum.1 += bytes(&requests["memory"]);
        }
    }
    sum
}

fn tolerates(daemon: &Value, taint: &Value) -> bool {
    let is = |it: &Value| {
        let every = it["key"].is_null() || text(it, "/key").is_empty();
        let same = every || it["key"] == taint["key"];
        let value = it["operator"] == "Exists" || text(it, "/value") == text(taint, "/value");
        same && value && (it["effect"].is_null() || it["effect"] == taint["effect"])
    };
    taint["effect"] == "PreferNoSchedule"
        || items(daemon, "/spec/template/spec/tolerations").iter().any(is)
}

/// Returns what a pod can use of a node that has nothing but its daemons.
fn room(pool: &Pool, node: &Value, daemons: &[Value]) -> Room {
    let (cpu, memory) = allocatable([node]);
    let (their_cpu, their_memory) = asked(daemons, node);
    let sum = |whole, less| Sum { whole, less: vec![(less, "daemons")] };
    Room {
        pool: pool.name.clone(),
        machine: name(node).to_owned(),
        cpu: sum(cpu, their_cpu),
        memory: sum(memory / MIB, their_memory.div_ceil(MIB)),
    }
}

/// `None` for a pool that no pod of the profile is to run in.
pub(super) fn fit(case: &Case<'_>, pool: &Pool) -> Option<Judged> {
    let pod = pool.pod?;
    Some(fits(case, pool, pod))
}

fn fits(case: &Case<'_>, pool: &Pool, pod: Pod) -> Judged {
    let (nodes, daemons) = (case.seen.nodes.as_ref()?, case.seen.daemons.as_ref()?);
    let rooms: Vec<_> =
        of_pool(nodes, pool).into_iter().map(|node| room(pool, node, daemons)).collect();
    let fits = |room: &&Room| room.cpu.left() >= pod.cpu && room.memory.left() >= pod.memory;
    let best = rooms.iter().max_by_key(|room| (fits(room), room.memory.left(), room.cpu.left()));
    let Some(best) = best else {
        return Ok(Finding::skip("the pool has no node that is ready to be measured"));
    };
    let enough = rooms.iter().filter(fits).count();
    let sums = format!(
        "CPU in millicores: {}; memory in MiB: {}; on {}",
        best.cpu, best.memory, best.machine
    );
    let found = match enough {
        _ if enough == rooms.len() => sums,
        0 => sums,
        n => format!("{sums}; {} of {} have the room", count(n, "node"), rooms.len()),
    };
    let wanted = format!("{} and {} for {}", pod.cpu, pod.memory, pod.what);
    let smaller = Spark::WANTED.within(best).filter(|_| pod.is_spark);
    let hint = match smaller {
        Some(size) => format!(
            "give the pool larger machines, or let the chart ask for less: what fits is {} cores \
             and {}m of memory",
            size.cores, size.memory
        ),
        None => "give the pool larger machines".to_owned(),
    };
    Ok(Finding::of(enough > 0, found, wanted, hint))
}
