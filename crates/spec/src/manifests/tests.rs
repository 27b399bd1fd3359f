use super::*;
use serde_json::json;
use std::collections::HashMap;

const FILE: &str = "name: acme-prod\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n";

/// Reads manifests by the names of their files.
fn read(files: &[(&str, &str)]) -> Result<Vec<Manifest>, String> {
    let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
    let text = format!("{FILE}manifests: [{}]\n", names.join(", "));
    let files: HashMap<_, _> = files.iter().copied().collect();
    let mut spec = crate::read("provision.yaml", text.as_bytes()).unwrap();
    let open = |path: &str| match files.get(path) {
        Some(text) if !text.is_empty() => Ok((path.to_owned(), text.as_bytes().to_vec())),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    spec.read_manifests(open).map_err(|problems| problems.to_string())?;
    Ok(spec.objects)
}

fn refused(text: &str) -> String {
    read(&[("a.yaml", text)]).unwrap_err()
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\n";

#[test]
fn objects_are_read_with_their_places() {
    let text = format!(
        "---\n# nothing\n---\n{CONFIG}data: {{ on: \"1\" }}\nstatus: {{}}\n---\n\
         apiVersion: apps/v1\nkind: Deployment\n\
         metadata:\n  name: web\n  namespace: team\n  labels: {{ a: 1 }}\n  creationTimestamp: null\n  \
         annotations: {{ note: yes }}\nspec: {{ replicas: 2, paused: ~ }}\n"
    );
    let all = read(&[("a.yaml", &text)]).unwrap();
    let [config, deployment] = &all[..] else { panic!("{all:?}") };
    assert_eq!((config.place.as_str(), config.plural.as_str()), ("a.yaml:4", "configmaps"));
    assert_eq!(
        (config.namespace.as_str(), &config.body),
        ("default", &json!({ "data": { "on": "1" } }))
    );
    assert_eq!(
        (deployment.namespace.as_str(), deployment.noun()),
        ("team", "deployment".to_owned())
    );
    assert_eq!(deployment.annotations["note"], "yes");
    let body = json!({ "metadata": { "labels": { "a": "1" } }, "spec": { "replicas": 2 } });
    assert_eq!(deployment.body, body);
}

#[test]
fn a_definition_tells_how_its_objects_are_found() {
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
        metadata: { name: widgets.acme.com }\nspec: { group: acme.com, scope: Cluster, \
        names: { kind: Widget, plural: widgets } }\n";
    let widget = "apiVersion: acme.com/v1\nkind: Widget\nmetadata: { name: one }\n";
    let all = read(&[("a.yaml", widget), ("b.yaml", definition)]).unwrap();
    assert_eq!((all[0].plural.as_str(), all[0].namespace.as_str()), ("widgets", ""));
    assert_eq!(all[0].noun(), "widget.acme.com");
    assert_eq!(all[1].defines(), Some(("acme.com", "Widget")));
    let alone = read(&[("a.yaml", widget)]).unwrap();
    assert_eq!(alone[0].plural, "", "the cluster must tell");
}

#[test]
fn a_list_is_the_objects_in_it() {
    let text = "apiVersion: v1\nkind: List\nitems:\n\
                - { apiVersion: v1, kind: Namespace, metadata: { name: a } }\n\
                - { apiVersion: v1, kind: Namespace, metadata: { name: b } }\n";
    let all = read(&[("a.yaml", text)]).unwrap();
    assert_eq!(all.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, words) in [
        ("a: [", "a.yaml:"),
        ("# nothing\n", "a.yaml:1:1: file holds no object"),
        ("- a\n", "a.yaml:1:1: object must be a map"),
        ("kind: Pod\nmetadata: { name: a }\n", "a.yaml:1:1: object has no apiVersion"),
        (
            "apiVersion: v1\nkind: pod\nmetadata: { name: a }\n",
            "a.yaml:2:7: object.kind is no kind",
        ),
        ("apiVersion: v1\nkind: Pod\n", "a.yaml:1:1: object has no metadata"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: { generateName: a }\n",
            "object.metadata has no name",
        ),
        ("apiVersion: v1\nkind: Pod\nmetadata: { name: a/b }\n", "object.metadata.name is no name"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: { name: a, finalizers: [b] }\n",
            "object.metadata.finalizers is not supported in manifests",
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: { name: a, annotations: { provision-lineage: x } }\n",
            "has annotation provision-lineage",
        ),
        (
            "apiVersion: v1\nkind: Namespace\nmetadata: { name: a, namespace: b }\n",
            "object is in namespace b, and no Namespace is in any",
        ),
    ] {
        let told = refused(text);
        assert!(told.contains(words), "{words} is not in {told}");
    }
}

#[test]
fn an_object_that_is_there_twice_is_refused_in_whichever_file() {
    let told = read(&[("a.yaml", CONFIG), ("b.yaml", &format!("---\n{CONFIG}"))]).unwrap_err();
    assert!(
        told.contains("b.yaml:2:1: object is ConfigMap web, and so is that at a.yaml:1"),
        "{told}"
    );
}

#[test]
fn a_secret_is_refused_and_not_shown() {
    let told = refused(
        "apiVersion: v1\nkind: Secret\nmetadata: { name: a }\nstringData: { password: hunter2 }\n",
    );
    assert!(told.contains("a.yaml:1:1: object is a Secret"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn a_file_that_is_not_there_is_told_where_it_is_named() {
    let told = read(&[("missing.yaml", "")]).unwrap_err();
    assert!(
        told.contains("provision.yaml:5:13: manifests[0] is a file that is not there"),
        "{told}"
    );
}

#[test]
fn manifests_need_what_is_inside_to_be_ours() {
    let text = format!("{FILE}inCluster: false\nmanifests: [a.yaml]\n");
    let told = crate::read("a.yaml", text.as_bytes()).unwrap_err().to_string();
    assert!(told.contains("manifests is for what is inside the cluster"), "{told}");
}
