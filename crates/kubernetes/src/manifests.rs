//! The objects of a cluster file's own manifests, which come last.
use crate::inside::Inside;
use crate::resources::{
    ClusterRoleBinding, Namespace, Object, RegistrySecret, ServiceAccount, StorageClass,
};
use provision_core::{Error, Graph, Handle, Node, Place, Resource, Result};
use provision_spec::Manifest;
use std::collections::HashMap;

/// What an object is, whatever kind of resource it is made as: its group, kind, namespace and name.
type Identity = [String; 4];

/// Adds the objects of manifests, each where `placed` puts it: after its namespace and after the
/// definition of its kind where those are made too, and once everything else inside has been.
///
/// # Errors
/// [`Kind::Invalid`](provision_core::Kind::Invalid) where an object is one that is made anyway.
pub fn manifests(
    graph: &mut Graph,
    objects: &[Manifest],
    inside: &Inside,
    placed: impl Fn(Place) -> Place,
) -> Result<()> {
    refuse_made(graph, objects)?;
    let namespaces = objects.iter().filter(|it| is_namespace(it));
    let namespaces = namespaces.map(|it| (it.name.as_str(), address(it)));
    let namespaces: HashMap<_, _> = namespaces.collect();
    let definitions = objects.iter().filter_map(|it| Some((it.defines()?, address(it))));
    let definitions: HashMap<_, _> = definitions.collect();
    let mut order: Vec<_> = objects.iter().collect();
    order.sort_by_key(|it| rank(it));
    let mut made: HashMap<String, Handle<Object>> = HashMap::new();
    for object in order {
        let mut place = inside.follow(placed(Place::at(address(object))));
        let namespace = namespaces.get(object.namespace.as_str());
        let definition = definitions.get(&(object.group(), object.kind.as_str()));
        for needed in namespace.into_iter().chain(definition).filter_map(|it| made.get(it)) {
            place = place.after(needed);
        }
        if let Some(namespace) = inside.namespace_of(&object.namespace) {
            place = place.after(namespace);
        }
        let Manifest { api_version, kind, plural, namespace, name, annotations, body, .. } = object;
        let spec = Object::new((api_version, kind, plural), namespace, name, body);
        made.insert(address(object), graph.add(place, spec.annotated(annotations)));
    }
    Ok(())
}

/// Orders what others are in, or are of, before those.
fn rank(object: &Manifest) -> u8 {
    u8::from(!is_namespace(object) && object.defines().is_none())
}

fn is_namespace(object: &Manifest) -> bool {
    object.kind == "Namespace" && object.group().is_empty()
}

fn address(object: &Manifest) -> String {
    let namespace = match object.namespace.as_str() {
        "" => String::new(),
        namespace => format!("{namespace}/"),
    };
    format!("manifest/{}/{namespace}{}", object.noun(), object.name)
}

/// Refuses objects that are made without a manifest.
fn refuse_made(graph: &Graph, objects: &[Manifest]) -> Result<()> {
    let made: HashMap<Identity, &Node> =
        graph.nodes().iter().filter_map(|node| Some((identity(node)?, node))).collect();
    for object in objects {
        let Manifest { kind, namespace, name, place, .. } = object;
        let key = [object.group(), kind, namespace, name].map(str::to_owned);
        if let Some(node) = made.get(&key) {
            let what = format!("manifests: {kind} {name} at {place} is {} already", node.address);
            return Err(Error::invalid(what).hint("remove it from the manifest"));
        }
    }
    Ok(())
}

/// Returns what a resource is in the cluster, if it is an object there.
fn identity(node: &Node) -> Option<Identity> {
    let text = |field: &str| node.spec[field].as_str().unwrap_or_default();
    let (group, kind) = match node.kind {
        // What there was first has no group.
        Object::KIND => {
            (text("api_version").split_once('/').map_or("", |(group, _)| group), text("kind"))
        }
        Namespace::KIND => ("", "Namespace"),
        ClusterRoleBinding::KIND => ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        RegistrySecret::KIND => ("", "Secret"),
        ServiceAccount::KIND => ("", "ServiceAccount"),
        StorageClass::KIND => ("storage.k8s.io", "StorageClass"),
        _ => return None,
    };
    Some([group, kind, text("namespace"), text("name")].map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::snapshot_class;
    use crate::support::support;
    use provision_core::Address;
    use provision_spec::Term;
    use serde_json::json;

    fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> Manifest {
        let [place, plural] = ["a.yaml:1", ""].map(str::to_owned);
        let [api_version, kind] = [api_version, kind].map(str::to_owned);
        let [namespace, name] = [namespace, name].map(str::to_owned);
        let (annotations, body) = (Default::default(), json!({}));
        Manifest { place, api_version, kind, plural, namespace, name, annotations, body }
    }

    #[test]
    fn what_others_are_in_or_of_comes_before_them() {
        let mut definition =
            object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "widgets.acme.com");
        definition.body = json!({ "spec": { "group": "acme.com", "names": { "kind": "Widget" } } });
        let objects = [
            object("acme.com/v1", "Widget", "team", "one"),
            definition,
            object("v1", "ConfigMap", "default", "web"),
            object("v1", "Namespace", "", "team"),
        ];
        let mut graph = Graph::new();
        manifests(&mut graph, &objects, &Inside::default(), |place| place).unwrap();
        let widget = "manifest/widget.acme.com/team/one";
        let crd = "manifest/customresourcedefinition/widgets.acme.com";
        let all: Vec<_> = graph.nodes().iter().map(|it| it.address.as_str()).collect();
        let wanted = [crd, "manifest/namespace/team", widget, "manifest/configmap/default/web"];
        assert_eq!(all, wanted);
        let needs = |address: &str| {
            let node = graph.node(&Address::from(address)).unwrap();
            node.needs.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(needs(widget), [crd, "manifest/namespace/team"]);
        assert_eq!(needs("manifest/configmap/default/web"), [""; 0]);
    }

    #[test]
    fn what_is_made_anyway_is_refused_by_name() {
        let mut graph = Graph::new();
        let (name, annotations, labels) = Default::default();
        graph.add("namespace/team", Namespace { name, annotations, labels });
        let error = refuse_made(&graph, &[object("v1", "Namespace", "", "")]).unwrap_err();
        let told = "manifests: Namespace  at a.yaml:1 is namespace/team already";
        assert_eq!(error.message, told);
        refuse_made(&graph, &[object("v1", "ConfigMap", "", "")]).unwrap();
        snapshot_class(&mut graph, "ebs.csi.aws.com", |place| place);
        let class =
            |group: &str| object(&format!("{group}/v1"), "VolumeSnapshotClass", "", "snapshots");
        let error = refuse_made(&graph, &[class("snapshot.storage.k8s.io")]).unwrap_err();
        assert!(error.message.ends_with("is snapshot-class/snapshots already"), "{error}");
        refuse_made(&graph, &[class("acme.com")]).unwrap();
        support(&mut graph, Term::USUAL, |place| place);
        let group = "rbac.authorization.k8s.io/v1";
        for made in [
            object("v1", "ServiceAccount", "kube-system", "provision-support"),
            object(group, "ClusterRoleBinding", "", "provision-support"),
        ] {
            let error = refuse_made(&graph, &[made]).unwrap_err();
            assert!(error.message.contains(" is support/"), "{error}");
        }
    }
}
