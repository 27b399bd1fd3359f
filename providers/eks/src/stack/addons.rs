//! Add-ons: what nodes need is asked for before them, the rest after a pool that has a node for it. All
//! are brought to a version before the nodes are.
use super::Stack;
use crate::resources::{AddOn, Cluster, NodeGroup, PodIdentityAssociation};
use crate::{addons, names};
use provision_core::{CLUSTER_MARK, Handle, Place, Result, out};
use provision_spec::{Capacity, Pool};
use serde_json::json;

/// The add-on that makes volumes for claims.
const DRIVER: &str = "aws-ebs-csi-driver";

impl Stack<'_> {
    /// Adds the add-ons without which no node gets ready.
    pub(super) fn addons_of_nodes(
        &mut self,
        cluster: &Handle<Cluster>,
    ) -> Result<Vec<Handle<AddOn>>> {
        let section = self.section;
        let names = section.addons.iter().filter(|name| addons::is_of_nodes(name));
        names.map(|name| self.addon(name, cluster, |place| place)).collect()
    }

    /// Adds the add-ons that have pods of their own: they are made after those of `pools` that these run
    /// on, and brought to a version before all of them.
    pub(super) fn addons_on_nodes(
        &mut self,
        cluster: &Handle<Cluster>,
        pools: &[Handle<NodeGroup>],
        of_volumes: Option<&Handle<PodIdentityAssociation>>,
    ) -> Result<Vec<Handle<AddOn>>> {
        let homes = self.homes(pools);
        let section = self.section;
        let names = section.addons.iter().filter(|name| !addons::is_of_nodes(name));
        let of_nodes = names.map(|name| {
            let role = of_volumes.filter(|_| name == addons::EBS_CSI_DRIVER);
            let place = |place: Place| {
                let place = homes.iter().fold(place, Place::follow);
                let place = pools.iter().fold(place, Place::lead);
                role.into_iter().fold(place, Place::after)
            };
            self.addon(name, cluster, place)
        });
        of_nodes.collect()
    }

    /// Returns those of `pools` that pods without a place of their own run on: one that always has a
    /// node, or else all.
    pub(super) fn homes<'p>(&self, pools: &'p [Handle<NodeGroup>]) -> &'p [Handle<NodeGroup>] {
        let home = self.spec.pools.iter().position(is_home);
        home.and_then(|home| pools.get(home..=home)).unwrap_or(pools)
    }

    fn addon(
        &mut self,
        name: &str,
        cluster: &Handle<Cluster>,
        placed: impl FnOnce(Place) -> Place,
    ) -> Result<Handle<AddOn>> {
        let address = format!("addon/{name}");
        let version = addons::version(self.facts, self.stage.version, name)?;
        let addon = AddOn {
            name: name.to_owned(),
            cluster: out!(cluster.id),
            first_version: addons::first_version(self.facts, name).unwrap_or(version.clone()),
            version,
            configuration: self.configuration(name),
            tags: names::tags(self.spec, &address),
        };
        Ok(self.graph.add(placed(Place::at(address).within(cluster)), addon))
    }

    /// Returns what an add-on is told: the network to enforce network policies, which it does not by
    /// itself, and the driver for EBS whose cluster its volumes are.
    fn configuration(&self, name: &str) -> String {
        let tags = json!({ CLUSTER_MARK: self.spec.name });
        match name {
            DRIVER => json!({ "controller": { "extraVolumeTags": tags } }).to_string(),
            addons::NETWORK => json!({ "enableNetworkPolicy": "true" }).to_string(),
            _ => String::new(),
        }
    }
}

/// Tells whether pods of add-ons find a node in a pool: there is always one, and it keeps nothing
/// off. What may find no spot capacity is not waited for.
pub(super) fn is_home(pool: &Pool) -> bool {
    pool.capacity == Capacity::OnDemand && pool.min > 0 && pool.taints.is_empty()
}

#[cfg(test)]
mod tests {
    use crate::section::Section;
    use crate::stack::stack;
    use crate::stack::tests::{addons_of, facts, graph, only, spec};
    use provision_core::{Facts, Graph};
    use serde_json::json;

    fn needs(graph: &Graph, address: &str) -> Vec<String> {
        let node = graph.node(&address.into()).unwrap_or_else(|| panic!("no {address}"));
        node.needs.union(&node.follows).map(|needed| needed.as_str().to_owned()).collect()
    }

    #[test]
    fn what_nodes_need_comes_before_them_and_the_rest_after_a_pool_that_stays() {
        let graph = graph("", &facts());
        for pool in ["pool/app/1c688e46", "pool/executor/a62f1df6"] {
            for addon in ["addon/vpc-cni", "addon/kube-proxy", "addon/eks-pod-identity-agent"] {
                assert!(needs(&graph, pool).contains(&addon.to_owned()), "{pool} {addon}");
            }
        }
        assert_eq!(needs(&graph, "addon/coredns"), ["cluster", "pool/app/1c688e46"]);
        let coredns = graph.node(&"addon/coredns".into()).unwrap();
        assert_eq!(coredns.within, Some("cluster".into()));
        assert_eq!(coredns.spec["version"], "v1.13.1-eksbuild.1");
    }

    #[test]
    fn without_a_node_that_stays_every_pool_is_waited_for() {
        let pools = "pools: { app: { min: 0 }, driver: { taints: [{ key: a, effect: NoExecute }] }, \
                     executor: {} }";
        let graph = graph(pools, &facts());
        let pools = needs(&graph, "addon/coredns");
        assert_eq!(pools.iter().filter(|it| it.starts_with("pool/")).count(), 3, "{pools:?}");
    }

    #[test]
    fn an_upgrade_brings_every_add_on_along_before_the_nodes() {
        let mut facts = facts();
        facts.recorded.insert("addons/1.34".into(), addons_of("1.34"));
        facts.seen.insert("live-version".into(), json!("1.34"));
        let spec = spec("kubernetes: { version: \"1.35\" }");
        let section = crate::section::Section::of(&spec).unwrap();
        let graphs = stack(&spec, &section, &facts).unwrap();
        let version =
            |graph: &Graph| graph.node(&"addon/kube-proxy".into()).unwrap().spec["version"].clone();
        let versions: Vec<_> = graphs.iter().map(version).collect();
        assert_eq!(versions, ["v1.34.1-eksbuild.2", "v1.35.1-eksbuild.2"]);
        let pools = ["pool/app/1c688e46", "pool/driver/203cd514", "pool/executor/a62f1df6"];
        for graph in &graphs {
            let dns = graph.node(&"addon/coredns".into()).unwrap();
            assert!(dns.leads.iter().map(provision_core::Address::as_str).eq(pools));
        }
    }

    #[test]
    fn a_new_add_on_is_made_for_what_runs_and_one_that_is_there_stays() {
        let versions = |facts: &Facts| {
            let graph = graph("", facts);
            let spec = graph.node(&"addon/kube-proxy".into()).unwrap().spec.clone();
            [spec["version"].clone(), spec["first_version"].clone()]
        };
        assert_eq!(versions(&facts()), ["v1.35.1-eksbuild.2"; 2]);
        let mut ahead = facts();
        ahead.seen.insert("live-version".into(), json!("1.36"));
        ahead.seen.insert("live-addons".into(), addons_of("1.36"));
        assert_eq!(versions(&ahead), ["v1.35.1-eksbuild.2", "v1.36.1-eksbuild.2"]);
    }

    #[test]
    fn only_add_ons_that_are_left_to_others_are_installed_by_eks_itself() {
        let of = |addons: &[&str]| {
            let addons = addons.iter().map(ToString::to_string).collect();
            let section = Section { addons, ..Section::default() };
            let graph = only(&spec(""), &section, &facts());
            let bootstrap = graph.node(&"cluster".into()).unwrap().spec["bootstrap_addons"].clone();
            let all = graph.nodes().iter().filter(|node| node.kind == "aws.eks.addon").count();
            (bootstrap, all)
        };
        assert_eq!(of(&[]), (json!(true), 0));
        assert_eq!(of(&["vpc-cni", "coredns"]), (json!(false), 2));
    }

    #[test]
    fn volumes_tell_whose_cluster_they_are_of_and_network_policies_are_enforced() {
        let graph = graph("", &facts());
        let told = |name: &str| graph.node(&name.into()).unwrap().spec["configuration"].clone();
        let told_driver = r#"{"controller":{"extraVolumeTags":{"provision-cluster":"acme-prod"}}}"#;
        assert_eq!(told("addon/aws-ebs-csi-driver"), told_driver);
        assert_eq!(told("addon/vpc-cni"), r#"{"enableNetworkPolicy":"true"}"#);
        assert_eq!(told("addon/coredns"), "");
    }
}
