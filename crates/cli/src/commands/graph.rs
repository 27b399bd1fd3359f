//! `provision graph`: the resources of a cluster file and what they need, in DOT.
use crate::args::{FileArgs, Global};
use crate::failure::{Code, Exit, Failure};
use crate::render::parts;
use crate::{output, place, providers, shell};
use provision_core::{Error, Facts, Kind, Node};
use std::fmt::Write;

pub(crate) fn run(global: &Global, args: &FileArgs) -> Result<Exit, Failure> {
    let spec = place::wanted(&args.file)?;
    let path = place::state_path(global, &args.file, &spec.name);
    let state = place::state(&path, &spec)?.map(|loaded| loaded.state).unwrap_or_default();
    let provider = providers::of(&spec)?;
    let facts = Facts { seen: provider.recall(&state), ..state.facts() };
    let graphs = provider.stack(&spec, &facts).map_err(|error| undrawn(global, args, error))?;
    let stages: Vec<_> = graphs.iter().map(|graph| (graph.title(), graph.nodes())).collect();
    output::stdout(&dot(&spec.name, &stages));
    Ok(Exit::Done)
}

fn undrawn(global: &Global, args: &FileArgs, error: Error) -> Failure {
    let [plan, apply] =
        ["plan", "apply"].map(|name| shell::command(global, name, Some(&args.file)));
    match error.kind {
        Kind::Invalid => Failure::new(Code::FileImpossible, error.to_string()).hint(format!(
            "the graph is drawn from the facts that `{apply}` records; before that, `{plan}` asks \
             the cloud for them and shows what there would be"
        )),
        _ => error.into(),
    }
}

/// Draws the stages one after the other.
fn dot(cluster: &str, stages: &[(&str, &[Node])]) -> String {
    let mut text = String::from(
        "// a -> b: a needs b. Solid: takes a value from it. Dashed: only comes after it.\n\
         // Bold: is within it, and goes with it. Dashed boxes are slots.\n",
    );
    let name = quoted(cluster);
    line(&mut text, 0, &format!("digraph {name} {{"));
    line(&mut text, 1, "rankdir=RL;");
    line(&mut text, 1, "node [shape=box, style=rounded, fontname=\"sans-serif\"];");
    line(&mut text, 1, "graph [fontname=\"sans-serif\", style=rounded];");
    if let [(_, nodes)] = stages {
        draw(&mut text, 1, "", nodes);
    } else {
        for (number, (title, nodes)) in (1..).zip(stages) {
            line(&mut text, 1, &format!("subgraph \"cluster stage {number}\" {{"));
            line(&mut text, 2, &format!("label={};", quoted(title)));
            draw(&mut text, 2, &format!("{number}/"), nodes);
            line(&mut text, 1, "}");
        }
    }
    line(&mut text, 0, "}");
    text
}

/// Draws one stage, its nodes part by part and then what they need.
fn draw(text: &mut String, depth: usize, prefix: &str, nodes: &[Node]) {
    for title in parts::titles() {
        let is_in = |node: &&Node| parts::title(&node.address) == title;
        let of_part: Vec<_> = nodes.iter().filter(is_in).collect();
        if of_part.is_empty() {
            continue;
        }
        let id = quoted(&format!("cluster {prefix}{title}"));
        line(text, depth, &format!("subgraph {id} {{"));
        line(text, depth + 1, &format!("label={};", quoted(title)));
        for node in of_part {
            draw_node(text, depth + 1, prefix, node);
        }
        line(text, depth, "}");
    }
    for node in nodes {
        for need in node.needs.union(&node.follows) {
            let style = match () {
                () if node.within.as_ref() == Some(need) => " [style=bold, label=\"within\"]",
                () if !node.refers.contains(need) => " [style=dashed]",
                () => "",
            };
            let [from, to] = [&node.address, need].map(|a| quoted(&format!("{prefix}{a}")));
            line(text, depth, &format!("{from} -> {to}{style};"));
        }
    }
}

fn draw_node(text: &mut String, depth: usize, prefix: &str, node: &Node) {
    let id = quoted(&format!("{prefix}{}", node.address));
    let label = quoted(&format!("{}\n{}", node.address, node.kind));
    let drawn = format!("{id} [label={label}];");
    let Some(slot) = &node.slot else { return line(text, depth, &drawn) };
    let slot_id = quoted(&format!("cluster {prefix}slot {slot}"));
    line(text, depth, &format!("subgraph {slot_id} {{"));
    line(text, depth + 1, &format!("label={}; style=dashed;", quoted(&format!("slot {slot}"))));
    line(text, depth + 1, &drawn);
    line(text, depth, "}");
}

fn line(text: &mut String, depth: usize, what: &str) {
    writeln!(text, "{:1$}{what}", "", 2 * depth).expect("text grows");
}

/// Writes text as a DOT string.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use provision_core::Address;
    use serde_json::Value;

    fn node(address: &str, needs: &[&str]) -> Node {
        let needs: std::collections::BTreeSet<Address> =
            needs.iter().map(|need| (*need).into()).collect();
        Node {
            address: address.into(),
            kind: "test.thing",
            spec: Value::Null,
            refers: needs.clone(),
            needs,
            follows: Default::default(),
            leads: Default::default(),
            within: None,
            slot: None,
            lane: None,
        }
    }

    #[test]
    fn slots_parents_and_mere_order_are_seen() {
        let mut pool = node("pool/app/1", &["cluster", "route"]);
        pool.refers.remove("route");
        pool.slot = Some("pool/app".into());
        let mut addon = node("addon/dns", &["cluster"]);
        addon.within = Some("cluster".into());
        let nodes = [node("route", &[]), node("cluster", &[]), pool, addon, node("x \"y\"", &[])];
        insta::assert_snapshot!(dot("acme", &[("", &nodes)]), @r#"
        // a -> b: a needs b. Solid: takes a value from it. Dashed: only comes after it.
        // Bold: is within it, and goes with it. Dashed boxes are slots.
        digraph "acme" {
          rankdir=RL;
          node [shape=box, style=rounded, fontname="sans-serif"];
          graph [fontname="sans-serif", style=rounded];
          subgraph "cluster Network" {
            label="Network";
            "route" [label="route\ntest.thing"];
          }
          subgraph "cluster Cluster" {
            label="Cluster";
            "cluster" [label="cluster\ntest.thing"];
          }
          subgraph "cluster Pools" {
            label="Pools";
            subgraph "cluster slot pool/app" {
              label="slot pool/app"; style=dashed;
              "pool/app/1" [label="pool/app/1\ntest.thing"];
            }
          }
          subgraph "cluster Add-ons" {
            label="Add-ons";
            "addon/dns" [label="addon/dns\ntest.thing"];
          }
          subgraph "cluster Other" {
            label="Other";
            "x \"y\"" [label="x \"y\"\ntest.thing"];
          }
          "pool/app/1" -> "cluster";
          "pool/app/1" -> "route" [style=dashed];
          "addon/dns" -> "cluster" [style=bold, label="within"];
        }
        "#);
    }

    #[test]
    fn stages_stand_apart() {
        let nodes = [node("vpc", &[]), node("subnet/a", &["vpc"])];
        let text = dot("acme", &[("Before", &nodes), ("Upgrade to 1.36", &nodes)]);
        assert!(text.contains("label=\"Upgrade to 1.36\""), "{text}");
        assert!(text.contains("\"2/subnet/a\" -> \"2/vpc\";"), "{text}");
    }
}
