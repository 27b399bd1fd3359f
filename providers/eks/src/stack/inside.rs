//! What is inside the cluster, as far as it is EKS's own way.
use super::Stack;
use super::addons::is_home;
use crate::addons::{EBS_CSI_DRIVER, SNAPSHOT_CONTROLLER};
use crate::names;
use crate::resources::{AccessEntry, AddOn, Cluster, NodeGroup, PodIdentityAssociation};
use provision_core::{Handle, Place, Result};
use provision_kubernetes::autoscaler::{self, Autoscaler};
use provision_kubernetes::{Inside, Storage, inside, manifests, snapshot_class};
use provision_spec::{StorageClass, StorageKind};

/// The label of machines that stay until they are given back.
const ON_DEMAND: (&str, &str) = ("eks.amazonaws.com/capacityType", "ON_DEMAND");
/// The driver of EBS volumes.
const PROVISIONER: &str = "ebs.csi.aws.com";

impl Stack<'_> {
    /// Adds what the file wants inside the cluster, once it lets in whoever does that.
    pub(super) fn inside(
        &mut self,
        cluster: &Handle<Cluster>,
        entries: &[Handle<AccessEntry>],
    ) -> Inside {
        let placed = |place| let_in(place, cluster, entries);
        inside(&mut self.graph, self.spec, placed, storage)
    }

    /// Adds the class of snapshots, where `addons` make them.
    pub(super) fn snapshots(
        &mut self,
        cluster: &Handle<Cluster>,
        entries: &[Handle<AccessEntry>],
        addons: &[Handle<AddOn>],
    ) {
        let of = |name: &str| {
            let address = format!("addon/{name}");
            addons.iter().find(|addon| addon.address().as_str() == address)
        };
        let needed = of(SNAPSHOT_CONTROLLER).zip(of(EBS_CSI_DRIVER));
        let Some((controller, driver)) = needed.filter(|_| self.spec.in_cluster) else { return };
        let placed = |place: Place| let_in(place, cluster, entries).after(controller).after(driver);
        snapshot_class(&mut self.graph, PROVISIONER, placed);
    }

    /// Adds the file's own manifests, after the pools.
    pub(super) fn manifests(
        &mut self,
        cluster: &Handle<Cluster>,
        entries: &[Handle<AccessEntry>],
        inside: &Inside,
        pools: &[Handle<NodeGroup>],
    ) -> Result<()> {
        let placed = |place| pools.iter().fold(let_in(place, cluster, entries), Place::follow);
        manifests(&mut self.graph, &self.spec.objects, inside, placed)
    }

    /// Adds the autoscaler, once it has its role, after those of `pools` that it runs on.
    pub(super) fn autoscaler(
        &mut self,
        cluster: &Handle<Cluster>,
        entries: &[Handle<AccessEntry>],
        identity: &Handle<PodIdentityAssociation>,
        pools: &[Handle<NodeGroup>],
    ) {
        if !self.spec.in_cluster {
            return;
        }
        let told = self.told_autoscaler();
        let homes = self.homes(pools);
        let placed = |place| let_in(place, cluster, entries);
        let running = |place: Place| homes.iter().fold(place.after(identity), Place::follow);
        autoscaler::autoscaler(&mut self.graph, &told, placed, running);
    }

    fn told_autoscaler(&self) -> Autoscaler {
        let spec = self.spec;
        let tags = names::DISCOVERY.map(|tag| tag.replace("{}", &spec.name)).join(",");
        let arguments = [
            "--cloud-provider=aws".to_owned(),
            format!("--node-group-auto-discovery=asg:tag={tags}"),
            // The group that leaves the least idle: a pool has one kind of machine.
            "--expander=least-waste".to_owned(),
            // What Spark writes beside its nodes is lost with them anyway.
            "--skip-nodes-with-local-storage=false".to_owned(),
            "--skip-nodes-with-system-pods=false".to_owned(),
        ];
        let environment =
            [("AWS_REGION", spec.region.as_str()), ("AWS_STS_REGIONAL_ENDPOINTS", "regional")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let has_home = spec.pools.iter().any(is_home);
        let (label, word) = ON_DEMAND;
        let on_demand = has_home.then(|| (label.to_owned(), word.to_owned()));
        Autoscaler {
            version: self.stage.version.to_string(),
            arguments: arguments.into(),
            environment: environment.into(),
            nodes: on_demand.into_iter().collect(),
        }
    }
}

/// Puts something inside the cluster, once that lets in whoever makes it.
fn let_in(place: Place, cluster: &Handle<Cluster>, entries: &[Handle<AccessEntry>]) -> Place {
    entries.iter().fold(place.within(cluster), Place::after)
}

/// Returns how EBS makes the volumes of a class.
fn storage(class: &StorageClass) -> Storage {
    let kind = match class.kind {
        StorageKind::Ssd => "gp3",
    };
    let numbers = [("iops", class.iops), ("throughput", class.throughput)];
    let numbers = numbers.into_iter().filter_map(|(name, it)| Some((name, it?.to_string())));
    let told = [("type", kind.to_owned()), ("encrypted", class.encrypted.to_string())];
    let parameters = told.into_iter().chain(numbers);
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value)).collect();
    Storage { provisioner: PROVISIONER.to_owned(), parameters }
}

#[cfg(test)]
mod tests {
    use crate::section::Section;
    use crate::stack::tests::{addons_of, facts, graph, only, spec};
    use serde_json::json;

    const INSIDE: [&str; 5] =
        ["storage-class", "default-storage-class", "namespace", "secret", "autoscaler"];

    #[test]
    fn what_is_inside_comes_once_the_cluster_lets_us_in() {
        let graph = graph("secrets: { registryToken: { env: TOKEN } }", &facts());
        let all: Vec<_> = graph
            .nodes()
            .iter()
            .filter(|node| INSIDE.contains(&node.address.group()))
            .inspect(|node| {
                assert_eq!(node.within, Some("cluster".into()), "{}", node.address);
                let entry = "access-entry/user/123456789012/ann";
                assert!(node.needs.contains(entry), "{}", node.address);
            })
            .map(|node| node.address.to_string())
            .collect();
        let wanted = [
            "storage-class/fast",
            "default-storage-class",
            "storage-class/fast-retain",
            "namespace/qualytics",
            "secret/regcred",
            "autoscaler/service-account",
            "autoscaler/cluster-role",
            "autoscaler/cluster-role-binding",
            "autoscaler/role",
            "autoscaler/role-binding",
            "autoscaler/deployment",
        ];
        assert_eq!(all, wanted);
    }

    #[test]
    fn volumes_are_of_ebs() {
        let classes = "storageClasses: [{ name: fast, iops: 4000, throughput: 200 }, \
                       { name: plain, encrypted: false, reclaim: retain }]";
        let graph = graph(classes, &facts());
        let spec = |name: &str| &graph.node(&name.into()).unwrap().spec;
        let fast = spec("storage-class/fast");
        let told =
            json!({ "type": "gp3", "encrypted": "true", "iops": "4000", "throughput": "200" });
        assert_eq!((&fast["parameters"], &fast["provisioner"]), (&told, &json!("ebs.csi.aws.com")));
        let plain = spec("storage-class/plain");
        assert_eq!(plain["parameters"], json!({ "type": "gp3", "encrypted": "false" }));
        assert_eq!(plain["reclaim"], "Retain");
    }

    #[test]
    fn there_is_a_class_of_snapshots_where_the_add_ons_make_them() {
        let graph = |addons: &[&str], rest: &str| {
            let addons = addons.iter().map(|name| (*name).to_owned()).collect();
            let section = Section { addons, ..Section::default() };
            let mut facts = facts();
            let mut versions = addons_of("1.35");
            versions["snapshot-controller"] = "v8.3.0-eksbuild.1".into();
            facts.recorded.insert("addons/1.35".into(), versions);
            only(&spec(rest), &section, &facts)
        };
        let both = ["aws-ebs-csi-driver", "snapshot-controller"];
        let address = "snapshot-class/snapshots".into();
        let made = graph(&both, "");
        let class = made.node(&address).unwrap();
        assert_eq!(class.spec["fields"]["driver"], "ebs.csi.aws.com");
        assert!(class.needs.contains("addon/snapshot-controller"), "{:?}", class.needs);
        assert!(graph(&both, "inCluster: false").node(&address).is_none());
        assert!(graph(&both[..1], "").node(&address).is_none());
        assert!(graph(&both[1..], "").node(&address).is_none());
    }

    #[test]
    fn the_autoscaler_finds_the_groups_and_runs_where_it_stays() {
        let graph = graph("", &facts());
        let deployment = graph.node(&"autoscaler/deployment".into()).unwrap();
        let container = "spec.template.spec.containers[cluster-autoscaler]";
        let field = |path: &str| &deployment.spec["fields"][format!("{container}.{path}")];
        assert_eq!(field("image"), "registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.0");
        let command = field("command").to_string();
        let tags = "k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/acme-prod";
        assert!(command.contains(&format!("asg:tag={tags}\"")), "{command}");
        let stays = r"spec.template.spec.nodeSelector.eks\.amazonaws\.com/capacityType";
        assert_eq!(deployment.spec["fields"][stays], "ON_DEMAND");
        assert!(deployment.needs.contains("pod-identity/autoscaler"));
        assert!(deployment.follows.contains("pool/app/1c688e46"), "{:?}", deployment.follows);
        let alone = graph.nodes().iter().filter(|node| node.address.group() == "autoscaler");
        assert_eq!(alone.count(), 6);
    }

    #[test]
    fn nothing_is_inside_that_is_left_to_somebody_else() {
        let graph = graph("inCluster: false", &facts());
        assert!(!graph.nodes().iter().any(|node| INSIDE.contains(&node.address.group())));
    }
}
