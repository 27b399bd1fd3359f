//! The cluster autoscaler: whether one runs in a cluster, and what it may do.
use super::allow::{self, Wish};
use super::identity;
use super::kind::Kind;
use super::objects::{self, Cluster, View, items, name, text};
use super::who::User;
use crate::aws::{self, scaling};
use crate::behaviour::Behaviour;
use crate::clock::Time;
use crate::world::{Key, Object, World};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const NEEDS: Behaviour = Behaviour {
    service: "kubernetes",
    what: "the cluster autoscaler acts if a pod of a Deployment of its image is ready, it is told \
        --cloud-provider=aws and --node-group-auto-discovery=asg:tag=…, its service account may see \
        what its published role says, and its role of AWS may describe scaling groups and change \
        those that have the tags",
    seconds: 0,
    source: "Cluster Autoscaler on AWS, README and cluster-autoscaler-autodiscover.yaml",
};

/// What every image of it is called, whatever the registry.
const IMAGE: &str = "cluster-autoscaler";

/// What the begin of all tags is that say what nodes will be like.
const TEMPLATE: &str = "k8s.io/cluster-autoscaler/node-template/";

/// What it lists and watches, by group.
const SEES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "replicationcontrollers",
            "services",
        ],
    ),
    ("apps", &["daemonsets", "replicasets", "statefulsets"]),
    ("batch", &["jobs"]),
    ("policy", &["poddisruptionbudgets"]),
    ("storage.k8s.io", &["csidrivers", "csinodes", "csistoragecapacities", "storageclasses"]),
];

/// What it asks AWS for before it does anything.
const DESCRIBES: [&str; 2] =
    ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances"];

/// An autoscaler that runs.
#[derive(Clone, Debug)]
pub(super) struct Autoscaler {
    /// The role of AWS that it has.
    role: String,
    /// Tags that its groups have, of any value where none is said.
    tags: Vec<(String, Option<String>)>,
    /// How it chooses between groups that would do.
    pub(super) expander: String,
    /// How long a node has nothing to do before it goes, in milliseconds.
    pub(super) unneeded: Time,
    /// Whether it takes nodes away at all.
    pub(super) scales_down: bool,
}

impl Autoscaler {
    /// Finds the autoscaler of a cluster, if one runs that can do anything.
    pub(super) fn find(world: &World, cluster: &Cluster) -> Option<Self> {
        let all = objects::all(world, cluster, Kind::named("deployments"), None);
        all.iter().find_map(|deployment| Self::of(world, cluster, deployment))
    }

    fn of(world: &World, cluster: &Cluster, deployment: &Value) -> Option<Self> {
        if deployment["status"]["readyReplicas"].as_u64().unwrap_or(0) == 0 {
            return None;
        }
        let pod = &deployment["spec"]["template"]["spec"];
        let is_it = |container: &&Value| {
            let last = text(container, "/image").rsplit('/').next().unwrap_or_default();
            last.split([':', '@']).next() == Some(IMAGE)
        };
        let container = items(pod, "/containers").iter().find(is_it)?;
        let flags = flags(container);
        let flag = |name: &str| flags.iter().rev().find(|(its, _)| its == name).map(|it| &it.1);
        if flag("cloud-provider").is_none_or(|cloud| cloud != "aws") {
            return None;
        }
        let tags = discovery(&flags)?;
        let namespace = text(deployment, "/metadata/namespace");
        let account = text(pod, "/serviceAccountName");
        let account = if account.is_empty() { "default" } else { account };
        if !sees(world, cluster, namespace, account) {
            return None;
        }
        let role = identity::of(world, cluster, namespace, account)?;
        let none = BTreeMap::new();
        if !DESCRIBES.iter().all(|action| aws::may(world, &role, action, &none)) {
            return None;
        }
        Some(Self {
            role,
            tags,
            expander: flag("expander").cloned().unwrap_or_else(|| "random".to_owned()),
            unneeded: flag("scale-down-unneeded-time")
                .and_then(|text| duration(text))
                .unwrap_or(10 * 60_000),
            scales_down: flag("scale-down-enabled").is_none_or(|it| it != "false"),
        })
    }

    /// Tells whether it may do something to a scaling group.
    pub(super) fn may(&self, world: &World, action: &str, group: &Object) -> bool {
        let tags = group.tags.iter();
        let tags = tags.flat_map(|(key, value)| {
            ["aws", "autoscaling"]
                .map(|of| (format!("{of}:resourcetag/{key}").to_lowercase(), value.clone()))
        });
        aws::may(world, &self.role, action, &tags.collect())
    }

    /// Returns the scaling groups that it looks after.
    pub(super) fn groups(&self, world: &World, cluster: &Cluster) -> Vec<(Key, Object)> {
        let is_its = |group: &Object| {
            (&group.account, &group.region) == (&cluster.account, &cluster.region)
                && self.tags.iter().all(|(key, wanted)| {
                    let value = group.tags.get(key);
                    value.is_some_and(|it| wanted.as_ref().is_none_or(|wanted| it == wanted))
                })
        };
        let all = world.of(scaling::KIND).filter(|(_, group)| is_its(group));
        all.map(|(key, group)| (key.clone(), group.clone())).collect()
    }

    /// Returns the node group of EKS that a scaling group is of, if it may be asked for.
    pub(super) fn node_group(&self, world: &World, group: &Object) -> Option<Object> {
        let name = group.text("AutoScalingGroupName");
        let is_it = |node_group: &Object| {
            let its = node_group.body.get("resources");
            its.is_some_and(|it| it["autoScalingGroups"][0]["name"] == name)
        };
        let none = BTreeMap::new();
        let found = world.of("eks.node_group").map(|(_, it)| it).find(|it| is_it(it))?;
        aws::may(world, &self.role, "eks:DescribeNodegroup", &none).then(|| found.clone())
    }
}

/// Returns what the tags of a scaling group say of its nodes: of labels, taints or resources.
pub(super) fn told<'a>(
    group: &'a Object,
    what: &str,
) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    let begin = format!("{TEMPLATE}{what}/");
    group
        .tags
        .iter()
        .filter_map(move |(key, value)| Some((key.strip_prefix(&begin)?, value.as_str())))
}

/// Reads the flags of a container: `--name=value`, or `--name value`.
fn flags(container: &Value) -> Vec<(String, String)> {
    let words = items(container, "/command").iter().chain(items(container, "/args"));
    let mut words = words.filter_map(Value::as_str).peekable();
    let mut flags = Vec::new();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        let value = match flag.split_once('=') {
            Some((_, value)) => value.to_owned(),
            None => words.next_if(|next| !next.starts_with('-')).unwrap_or("true").to_owned(),
        };
        let flag = flag.split('=').next().unwrap_or(flag);
        flags.push((flag.to_owned(), value));
    }
    flags
}

/// Reads by which tags groups are found.
fn discovery(flags: &[(String, String)]) -> Option<Vec<(String, Option<String>)>> {
    let found = flags.iter().find(|(name, _)| name == "node-group-auto-discovery");
    let tags = found?.1.strip_prefix("asg:tag=")?;
    let tag = |text: &str| match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    };
    let tags: Vec<_> = tags.split(',').filter(|tag| !tag.is_empty()).map(tag).collect();
    (!tags.is_empty()).then_some(tags)
}

/// Reads a duration such as `10m` or `1m30s`.
fn duration(text: &str) -> Option<Time> {
    let (mut sum, mut rest) = (0, text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: Time = rest.get(..end)?.parse().ok()?;
        let unit = match rest.get(end..end + 1)? {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            _ => return None,
        };
        sum += number * unit;
        rest = rest.get(end + 1..)?;
    }
    Some(sum)
}

/// Tells whether a service account may see all that an autoscaler looks at, and hold its lease.
fn sees(world: &World, cluster: &Cluster, namespace: &str, account: &str) -> bool {
    let groups = [
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated".to_owned(),
    ];
    let user = User {
        name: format!("system:serviceaccount:{namespace}:{account}"),
        groups: groups.into(),
        ..User::default()
    };
    let wish = |verb: &str, group: &str, resource: &str| {
        let [verb, group, resource] = [verb, group, resource].map(str::to_owned);
        Wish { verb, group, resource, ..Wish::default() }
    };
    let lists = SEES.iter().flat_map(|(group, all)| {
        all.iter().flat_map(|resource| ["list", "watch"].map(|verb| wish(verb, group, resource)))
    });
    let holds = ["create", "get", "update"].map(|verb| Wish {
        namespace: namespace.to_owned(),
        name: if verb == "create" { String::new() } else { IMAGE.to_owned() },
        ..wish(verb, "coordination.k8s.io", "leases")
    });
    lists.chain(holds).all(|wish| allow::reason(world, cluster, &user, &wish).is_some())
}

/// Returns the machine of EC2 that a node is.
pub(super) fn machine(node: &Value) -> &str {
    text(node, "/spec/providerID").rsplit('/').next().unwrap_or_default()
}

/// Finds the nodes of a scaling group.
pub(super) fn nodes_of<'a>(world: &World, group: &Object, nodes: &'a [View]) -> Vec<&'a View> {
    let machines = scaling::machines(world, group);
    let is_its = |node: &&View| machines.iter().any(|id| id == machine(node));
    let mut its: Vec<&View> = nodes.iter().filter(is_its).collect();
    its.sort_by_key(|node| name(node).to_owned());
    its
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flags_are_read_in_both_forms() {
        let container = json!({ "command": ["./cluster-autoscaler", "--v=4", "--cloud-provider",
            "aws"], "args": ["--scale-down-enabled", "--node-group-auto-discovery=asg:tag=a,b=c"] });
        let flags = flags(&container);
        let pairs: Vec<_> = flags.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(
            pairs,
            [
                ("v", "4"),
                ("cloud-provider", "aws"),
                ("scale-down-enabled", "true"),
                ("node-group-auto-discovery", "asg:tag=a,b=c"),
            ]
        );
        let tags = discovery(&flags).unwrap();
        assert_eq!(tags, [("a".to_owned(), None), ("b".to_owned(), Some("c".to_owned()))]);
        assert_eq!(discovery(&flags[..2]), None);
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("10m"), Some(600_000));
        assert_eq!(duration("1m30s"), Some(90_000));
        assert_eq!((duration("10"), duration("x")), (None, None));
    }

    #[test]
    fn tags_say_what_nodes_will_be_like() {
        let mut group = Object::default();
        let key = format!("{TEMPLATE}label/executorNodes");
        group.tags.insert(key, "true".to_owned());
        assert_eq!(told(&group, "label").collect::<Vec<_>>(), [("executorNodes", "true")]);
        assert_eq!(told(&group, "taint").count(), 0);
    }
}
