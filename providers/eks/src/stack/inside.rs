//! What is inside the cluster, as far as it is EKS's own way.
use super::Stack;
use crate::resources::{AccessEntry, Cluster};
use provision_core::{Handle, Place};
use provision_kubernetes::{Storage, inside};
use provision_spec::{StorageClass, StorageKind};

/// The driver of EBS volumes.
const PROVISIONER: &str = "ebs.csi.aws.com";

impl Stack<'_> {
    /// Adds what the file wants inside the cluster, once it lets in whoever does that.
    pub(super) fn inside(&mut self, cluster: &Handle<Cluster>, entries: &[Handle<AccessEntry>]) {
        let placed = |place: Place| entries.iter().fold(place.within(cluster), Place::after);
        inside(&mut self.graph, self.spec, placed, storage);
    }
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
    use crate::stack::tests::{facts, graph};
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
    fn nothing_is_inside_that_is_left_to_somebody_else() {
        let graph = graph("inCluster: false", &facts());
        assert!(!graph.nodes().iter().any(|node| INSIDE.contains(&node.address.group())));
    }
}
