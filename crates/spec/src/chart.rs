//! What the platform's chart is told about a cluster.
//!
//! The keys are those of the chart `qualytics` of 2026.8: node selectors and tolerations at the top,
//! `storageClass`, `global`, and Spark's sizes under `dataplane`.
use crate::cluster::{ClusterSpec, ProviderName};
use crate::pools::{Effect, Pool, Taint};
use crate::print;
use crate::profile::Profile;
use crate::room::{DATABASE, Room, Spark, TOGETHER};
use crate::tree::{Entry, Node, Scalar, Span, Value as Shape};
use serde_json::{Map, Value, json};

/// The Secret with which images are pulled from the platform's registry.
pub const PULL_SECRET: &str = "regcred";

/// The name of the pool that runs both kinds of Spark pods.
const MERGED: &str = "spark";

/// What runs on nodes of its own: what the chart calls it, and the pool it has by default.
const PARTS: [&str; 3] = ["app", "driver", "executor"];

/// What the chart is told about a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlay {
    /// The values, as the chart nests them.
    pub values: Value,
    /// What a person should know who uses them.
    pub remarks: Vec<String>,
}

impl Overlay {
    /// Makes the overlay for a cluster whose nodes have some room, and whose cloud taints the nodes of
    /// some pools by itself. `None` for a profile without a chart.
    #[must_use]
    pub fn of(
        spec: &ClusterSpec,
        rooms: &[Room],
        tainted: impl Fn(&Pool) -> Vec<Taint>,
    ) -> Option<Self> {
        if spec.profile != Profile::Qualytics {
            return None;
        }
        let mut values = Map::new();
        let platform = platform(spec.provider).map(|word| ("platform", json!(word)));
        let pulls = spec.secrets.registry_token.as_ref();
        let pulls = pulls.map(|_| ("imagePullSecrets", json!([PULL_SECRET])));
        values.insert("global".into(), platform.into_iter().chain(pulls).collect());
        let mut tolerations = Map::new();
        for part in PARTS {
            let Some(pool) = home(spec, part) else { continue };
            values.insert(format!("{part}NodeSelector"), json!(pool.labels));
            let taints = pool.taints.iter().cloned().chain(tainted(pool));
            let tolerated = taints.map(|taint| toleration(&taint)).collect();
            tolerations.insert(format!("{part}NodeTolerations"), tolerated);
        }
        if let (Some(labels), Some(tolerated)) =
            (values.get("appNodeSelector"), tolerations.get("appNodeTolerations"))
        {
            let controller = json!({ "nodeSelector": labels, "tolerations": tolerated });
            values.insert("nginx".into(), json!({ "controller": controller }));
        }
        values.insert("tolerations".into(), tolerations.into());
        let class = spec.storage_classes.iter().find(|class| class.default && spec.in_cluster);
        let class = class.map_or("", |class| class.name.as_str());
        values.insert("storageClass".into(), json!({ "create": false, "name": class }));
        values.insert("dataplane".into(), dataplane(spec, rooms));
        Some(Self { values: values.into(), remarks: misfits(spec, rooms) })
    }

    /// Prints the values as YAML, after what there is to say about them.
    #[must_use]
    pub fn yaml(&self, cluster: &str) -> String {
        let mut text = format!("# What the platform's chart is told about cluster {cluster}.\n");
        self.remarks.iter().for_each(|remark| text.push_str(&format!("# {remark}\n")));
        text + &print::yaml(&node(&self.values))
    }
}

/// Returns what does not fit the nodes that it is meant for, with the arithmetic.
#[must_use]
pub fn misfits(spec: &ClusterSpec, rooms: &[Room]) -> Vec<String> {
    let found = PARTS.into_iter().filter_map(|part| {
        let pool = home(spec, part)?;
        let room = rooms.iter().find(|room| room.pool == pool.name)?;
        match part {
            "app" => without_database(room).or_else(|| without_all(room, pool.max)),
            part => without_spark(part, room),
        }
    });
    match spec.profile {
        Profile::Qualytics => found.collect(),
        Profile::None => Vec::new(),
    }
}

fn without_spark(part: &str, room: &Room) -> Option<String> {
    let wanted = Spark::WANTED;
    let fits = match wanted.within(room) {
        Some(fits) if fits == wanted => return None,
        Some(fits) => format!("What fits is {} cores and {}m of memory", fits.cores, fits.memory),
        None => "Nothing of any use fits".to_owned(),
    };
    Some(misfit(room, &format!("a Spark {part} asks for {wanted}"), &fits))
}

fn without_database(room: &Room) -> Option<String> {
    let (cpu, memory) = DATABASE;
    let lacks = [
        (cpu.saturating_sub(room.cpu.left()), "millicores"),
        (memory.saturating_sub(room.memory.left()), "MiB"),
    ];
    let lacks = lacks.iter().filter(|(amount, _)| *amount > 0);
    let lacks: Vec<_> = lacks.map(|(amount, unit)| format!("{amount} {unit}")).collect();
    let asks = format!("the platform's database asks for {} core and {memory} MiB", cpu / 1000);
    let fits = format!("What fits is a machine that leaves {} more", lacks.join(" and "));
    (!lacks.is_empty()).then(|| misfit(room, &asks, &fits))
}

fn without_all(room: &Room, max: u32) -> Option<String> {
    let (cpu, memory) = TOGETHER;
    let [for_cpu, for_memory] = [(cpu, room.cpu.left()), (memory, room.memory.left())]
        .map(|(wanted, left)| wanted.div_ceil(left.max(1)));
    let nodes = for_cpu.max(for_memory);
    let asks =
        format!("the platform's pods there ask for {cpu} millicores and {memory} MiB together");
    let fits = format!("What fits is a max of {nodes} nodes, where it is {max}");
    (nodes > u64::from(max)).then(|| misfit(room, &asks, &fits))
}

fn misfit(room: &Room, asks: &str, fits: &str) -> String {
    let Room { pool, machine, cpu, memory } = room;
    format!(
        "pool {pool}: {asks}, for which no {machine} has room. CPU in millicores: {cpu}. Memory in \
         MiB: {memory}. {fits}"
    )
}

/// Returns what Spark is told: sizes that fit, and as many executors as there is room for.
fn dataplane(spec: &ClusterSpec, rooms: &[Room]) -> Value {
    let (Some(driver), Some(executor)) = (home(spec, "driver"), home(spec, "executor")) else {
        return json!({ "enabled": false });
    };
    let room = |pool: &Pool| rooms.iter().find(|room| room.pool == pool.name);
    let size = |pool| room(pool).and_then(|room| Spark::WANTED.within(room));
    let [driver_size, executor_size] =
        [driver, executor].map(|pool| size(pool).unwrap_or(Spark::WANTED));
    let per_node = room(executor).map_or(1, |room| executor_size.per_node(room).max(1));
    // Where both run in one pool, the driver has the place of an executor.
    let places = u64::from(executor.max) * per_node - u64::from(driver.name == executor.name);
    json!({
        "enabled": true,
        // Spark writes to the node's own disks, which are its ephemeral storage.
        "numVolumes": -1,
        "driver": driver_size,
        "dynamicAllocation": {
            "enabled": true,
            "initialExecutors": 1,
            "minExecutors": 1,
            "maxExecutors": places.max(1),
        },
        "executor": { "instances": 1, "cores": executor_size.cores, "memory": json!(executor_size)["memory"] },
    })
}

/// Returns the pool that a part runs in.
fn home<'a>(spec: &'a ClusterSpec, part: &str) -> Option<&'a Pool> {
    let named = |name: &str| spec.pools.iter().find(|pool| pool.name == name);
    named(part).or_else(|| named(MERGED).filter(|_| part != "app"))
}

/// Returns the chart's word for a cloud; it has none for Oracle's.
fn platform(provider: ProviderName) -> Option<&'static str> {
    match provider {
        ProviderName::Eks => Some("aws"),
        ProviderName::Gke => Some("gcp"),
        ProviderName::Aks => Some("azure"),
        ProviderName::Oke => None,
    }
}

/// Returns what tolerates a taint; one without a value stands for any.
#[must_use]
pub fn toleration(Taint { key, value, effect }: &Taint) -> Value {
    let effect: &Effect = effect;
    match value.as_str() {
        "" => json!({ "key": key, "operator": "Exists", "effect": effect.word() }),
        _ => json!({ "key": key, "operator": "Equal", "value": value, "effect": effect.word() }),
    }
}

/// Turns JSON into what is printed as YAML.
fn node(value: &Value) -> Node {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(node).collect(),
        Value::Object(fields) => {
            let entry = |(key, value): (&String, &Value)| Entry {
                key: key.clone(),
                span: Span::START,
                value: node(value),
            };
            Node::made(Shape::Map(fields.iter().map(entry).collect()))
        }
        other => Node::made(Shape::Scalar(Scalar { text: other.to_string(), plain: true })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;
    use crate::room::tests::room;

    fn spec(rest: &str) -> ClusterSpec {
        let text =
            format!("name: acme\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n{rest}");
        read("a.yaml", text.as_bytes()).unwrap()
    }

    fn overlay(rest: &str, rooms: &[Room]) -> Overlay {
        Overlay::of(&spec(rest), rooms, |_| Vec::new()).unwrap()
    }

    fn large() -> [Room; 2] {
        ["driver", "executor"].map(|pool| room(pool, 8000, 65536))
    }

    #[test]
    fn the_chart_is_told_where_its_pods_run_and_how_large_they_may_be() {
        insta::assert_snapshot!(overlay("", &large()).yaml("acme"));
    }

    #[test]
    fn taints_are_tolerated_those_of_the_cloud_too() {
        let spec = spec(
            "pools: { app: { taints: [{ key: a, value: b, effect: NoExecute }] }, executor: {} }",
        );
        let spot = |pool: &Pool| match pool.name.as_str() {
            "executor" => {
                vec![Taint { key: "spot".into(), value: String::new(), effect: Effect::NoSchedule }]
            }
            _ => Vec::new(),
        };
        let told = Overlay::of(&spec, &[], spot).unwrap().values;
        let a = json!({ "key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute" });
        assert_eq!(told["tolerations"]["appNodeTolerations"], json!([a]));
        assert_eq!(told["nginx"]["controller"]["tolerations"], json!([a]));
        let spot = json!({ "key": "spot", "operator": "Exists", "effect": "NoSchedule" });
        assert_eq!(told["tolerations"]["executorNodeTolerations"], json!([spot]));
    }

    #[test]
    fn one_pool_for_spark_is_shared_and_no_pool_runs_no_spark() {
        let told = overlay("pools: { app: {}, spark: {} }", &[room("spark", 8000, 65536)]).values;
        assert_eq!(told["driverNodeSelector"], json!({ "sparkNodes": "true" }));
        assert_eq!(told["dataplane"]["dynamicAllocation"]["maxExecutors"], 12);
        let told = overlay("pools: { app: {} }", &[]).values;
        assert_eq!(told["dataplane"], json!({ "enabled": false }));
        assert_eq!(told.get("driverNodeSelector"), None);
    }

    #[test]
    fn what_does_not_fit_is_made_smaller_and_told_with_the_arithmetic() {
        let rooms = [room("driver", 4000, 32768), room("executor", 16000, 131_072)];
        let told = overlay("", &rooms);
        assert_eq!(told.values["dataplane"]["driver"], json!({ "cores": 3, "memory": "28500m" }));
        assert_eq!(told.values["dataplane"]["dynamicAllocation"]["maxExecutors"], 24);
        let remark = "pool driver: a Spark driver asks for 7 cores and 60500 MiB, for which no m.large \
                      has room. CPU in millicores: 4000 - 100 (kubelet) = 3900. Memory in MiB: 32768 \
                      - 1000 (kubelet) = 31768. What fits is 3 cores and 28500m of memory";
        assert_eq!(told.remarks, [remark]);
    }

    #[test]
    fn a_pool_without_room_for_the_database_is_told_of() {
        let remarks = |cpu, memory| overlay("", &[room("app", cpu, memory)]).remarks;
        assert_eq!(remarks(8_100, 11_240), [""; 0]);
        let remark = "pool app: the platform's database asks for 1 core and 10240 MiB, for which no \
                      m.large has room. CPU in millicores: 2000 - 100 (kubelet) = 1900. Memory in \
                      MiB: 8192 - 1000 (kubelet) = 7192. What fits is a machine that leaves 3048 MiB \
                      more";
        assert_eq!(remarks(2_000, 8_192), [remark]);
        assert!(remarks(1_000, 8_192)[0].ends_with("leaves 100 millicores and 3048 MiB more"));
    }

    #[test]
    fn a_pool_too_small_for_all_pods_of_the_platform_is_told_of() {
        let remarks = |max: u32| {
            let pools = format!("pools: {{ app: {{ max: {max} }}, driver: {{}}, executor: {{}} }}");
            overlay(&pools, &[room("app", 4_000, 16_384)]).remarks
        };
        assert_eq!(remarks(2), [""; 0]);
        let remark = "pool app: the platform's pods there ask for 4900 millicores and 19968 MiB \
                      together, for which no m.large has room. CPU in millicores: 4000 - 100 (kubelet) \
                      = 3900. Memory in MiB: 16384 - 1000 (kubelet) = 15384. What fits is a max of 2 \
                      nodes, where it is 1";
        assert_eq!(remarks(1), [remark]);
    }

    #[test]
    fn a_profile_without_a_chart_has_no_overlay() {
        let text = "name: a\nprovider: eks\nregion: us-east-1\nprofile: none\n";
        let spec = read("a.yaml", text.as_bytes()).unwrap();
        assert_eq!(Overlay::of(&spec, &[], |_| Vec::new()), None);
        assert!(misfits(&spec, &large()).is_empty());
    }
}
