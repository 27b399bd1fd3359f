//! What the autoscaler is told about nodes that are not there yet.
use super::Stack;
use crate::aws::Tags;
use crate::facts::Machine;
use crate::names;
use crate::resources::{NodeGroup, ScalingGroupTags, TEMPLATE};
use provision_core::{Handle, Place, out};
use provision_spec::{Effect, Pool};

impl Stack<'_> {
    /// Tells the autoscaler what nodes of a pool will be like.
    pub(super) fn scaling_tags(
        &mut self,
        pool: &Pool,
        machines: &[Machine],
        h: &str,
        group: &Handle<NodeGroup>,
    ) {
        let tags = hints(&self.spec.name, pool, machines);
        let tags = ScalingGroupTags { group: out!(group.scaling_group), tags };
        let address = format!("scaling-tags/{}/{h}", pool.name);
        self.graph.add(Place::at(address).within(group), tags);
    }
}

/// Returns the tags by which an autoscaler finds a group, and knows its nodes when it has none.
fn hints(cluster: &str, pool: &Pool, machines: &[Machine]) -> Tags {
    let [enabled, owned] = names::DISCOVERY.map(|tag| tag.replace("{}", cluster));
    let discovery = [(enabled, "true".to_owned()), (owned, "owned".to_owned())];
    let labels = pool.labels.iter();
    let labels = labels.map(|(key, value)| (format!("{TEMPLATE}/label/{key}"), value.clone()));
    // A key has one tag: of several taints with one key the sternest is told, which comes last.
    let mut taints: Vec<_> = pool.taints.iter().collect();
    taints.sort_by_key(|taint| match taint.effect {
        Effect::PreferNoSchedule => 0,
        Effect::NoSchedule => 1,
        Effect::NoExecute => 2,
    });
    let taints = taints.into_iter().map(|taint| {
        let value = format!("{}:{}", taint.value, taint.effect.word());
        (format!("{TEMPLATE}/taint/{}", taint.key), value)
    });
    let storage = (format!("{TEMPLATE}/resources/ephemeral-storage"), storage(pool, machines));
    discovery.into_iter().chain(labels).chain(taints).chain([storage]).collect()
}

/// Returns how much pods of a node can write: on the machine's own disks where it has some.
fn storage(pool: &Pool, machines: &[Machine]) -> String {
    match machines.iter().map(|machine| machine.nvme_gb).min() {
        Some(own) if own > 0 => format!("{own}G"),
        _ => format!("{}Gi", pool.disk_gb),
    }
}

#[cfg(test)]
mod tests {
    use crate::stack::tests::{facts, graph};
    use provision_core::Graph;
    use serde_json::Value;

    const TEMPLATE: &str = "k8s.io/cluster-autoscaler/node-template";

    fn tags(graph: &Graph, pool: &str) -> Value {
        let begin = format!("scaling-tags/{pool}/");
        let mut nodes = graph.nodes().iter();
        let node = nodes.find(|node| node.address.as_str().starts_with(&begin)).unwrap();
        assert_eq!(node.within.as_ref().unwrap().group(), "pool");
        node.spec["tags"].clone()
    }

    #[test]
    fn labels_taints_and_disks_are_told() {
        let taints = "taints: [{ key: a, value: b, effect: NoSchedule }, \
                      { key: a, effect: NoExecute }, { key: c, effect: PreferNoSchedule }]";
        let pools = format!("pools: {{ app: {{ {taints} }}, driver: {{}}, executor: {{}} }}");
        let graph = graph(&pools, &facts());
        let app = tags(&graph, "app");
        assert_eq!(app[format!("{TEMPLATE}/label/appNodes")], "true");
        assert_eq!(app[format!("{TEMPLATE}/taint/a")], ":NoExecute", "the sternest");
        assert_eq!(app[format!("{TEMPLATE}/taint/c")], ":PreferNoSchedule");
        assert_eq!(app[format!("{TEMPLATE}/resources/ephemeral-storage")], "100Gi");
        assert_eq!(app["k8s.io/cluster-autoscaler/acme-prod"], "owned");
        let executor = tags(&graph, "executor");
        assert_eq!(executor[format!("{TEMPLATE}/resources/ephemeral-storage")], "300G");
    }
}
