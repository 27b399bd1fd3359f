//! For each ready cluster file: its graph and its first plan, with fixture facts.
use provision_core::plan::{Question, plan};
use provision_core::{Facts, Graph, Marks, Observed, State};
use provision_spec::{ClusterSpec, Provider};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn provider(spec: &ClusterSpec) -> impl Provider {
    assert_eq!(spec.provider.word(), "eks", "only EKS has fixture facts");
    provision_eks::Eks
}

/// Draws a graph: each node with its kind and what it needs.
fn drawn(graphs: &[Graph]) -> String {
    let mut text = String::new();
    for node in graphs.iter().flat_map(Graph::nodes) {
        let needs: Vec<_> = node.needs.union(&node.follows).map(ToString::to_string).collect();
        let slot = node.slot.as_ref().map(|slot| format!(" in {slot}")).unwrap_or_default();
        let needs =
            if needs.is_empty() { String::new() } else { format!(" ← {}", needs.join(" ")) };
        text.push_str(&format!("{} {}{slot}{needs}\n", node.address, node.kind));
    }
    text
}

fn first_plan(provider: &impl Provider, graphs: &[Graph]) -> String {
    let (state, observed, drivers) = (State::default(), Observed::default(), provider.kinds());
    let marks = Marks { lineage: None, cluster: "acme-prod".into() };
    let (adopt, replace) = (BTreeSet::new(), BTreeSet::new());
    let question = Question {
        graphs,
        state: &state,
        observed: &observed,
        drivers: &drivers,
        marks: &marks,
        adopt: &adopt,
        replace: &replace,
    };
    let plan = plan(&question).expect("nothing is in the way of a first plan");
    plan.steps.iter().map(|step| format!("{} {}\n", step.action, step.address)).collect()
}

#[test]
fn every_ready_file_has_its_graph_and_its_first_plan() {
    let facts = fs::read(root().join("tests/golden/eks-facts.json")).expect("fixture facts");
    let facts: Facts = serde_json::from_slice(&facts).expect("facts are JSON");
    let mut files: Vec<_> = fs::read_dir(root().join("plans"))
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let text = fs::read(&path).expect("it can be read");
        let spec = provision_spec::read(&name, &text).expect("a ready file is valid");
        let provider = provider(&spec);
        let graphs = provider.stack(&spec, &facts).expect("the facts are enough");
        insta::with_settings!({ snapshot_path => root().join("tests/golden"), prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}.graph"), drawn(&graphs));
            insta::assert_snapshot!(format!("{name}.plan"), first_plan(&provider, &graphs));
        });
    }
}
