//! What is lost with what goes from inside a cluster that stays.
use crate::resources::{Namespace, Object};
use provision_core::{Action, LiveValue, Observed, Plan, Resource};
use provision_spec::Loss;

/// Returns what a plan loses beside what it deletes by name: what is in a namespace, or of a kind.
pub fn losses(plan: &Plan, observed: &Observed) -> Vec<Loss> {
    let deletes = plan.steps.iter().filter(|step| step.action == Action::Delete);
    deletes.filter_map(|step| loss(observed.live(&step.address)?)).collect()
}

fn loss(live: &LiveValue) -> Option<Loss> {
    let kind = match live.kind {
        Namespace::KIND => "Namespace",
        Object::KIND => live.spec["kind"].as_str()?,
        _ => return None,
    };
    let (what, becomes) = match kind {
        "Namespace" => ("namespace", "goes with everything in it"),
        "CustomResourceDefinition" => ("kind", "goes with all objects of it"),
        "PersistentVolumeClaim" => ("claim", "goes with its volume, unless its class retains that"),
        _ => return None,
    };
    let (name, told) = (live.id().unwrap_or_default().to_owned(), String::new());
    Some(Loss { what, name, told, becomes: becomes.to_owned(), kept: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use provision_core::{Cause, Diff, Owner, Phase, Seen, Step};
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn what_is_in_what_goes_is_lost() {
        let live = |kind, spec| {
            let (address, outputs) = (None, json!({ "id": "team" }));
            let (phase, owner, unobserved) = (Phase::Ready, Owner::Ours, &[][..]);
            LiveValue { kind, address, spec, outputs, phase, owner, unobserved }
        };
        let all = [
            ("a", live(Namespace::KIND, json!({}))),
            ("b", live(Object::KIND, json!({ "kind": "CustomResourceDefinition" }))),
            ("c", live(Object::KIND, json!({ "kind": "ConfigMap" }))),
        ];
        let step = |action, address: &str| Step {
            stage: 0,
            action,
            address: address.into(),
            kind: String::new(),
            object: None,
            cause: Cause::File,
            changes: Diff::default(),
            slot: None,
            lane: None,
            after: Default::default(),
        };
        let told = |action| {
            let steps = all.iter().map(|(address, _)| step(action, address)).collect();
            let seen =
                all.iter().map(|(a, live)| ((*a).into(), Seen::Live(Arc::new(live.clone()))));
            let observed = Observed(seen.collect());
            let losses = losses(&Plan { steps, ..Plan::default() }, &observed).into_iter();
            losses.map(|loss| format!("{} {}", loss.what, loss.name)).collect::<Vec<_>>()
        };
        assert_eq!(told(Action::Delete), ["namespace team", "kind team"]);
        assert_eq!(told(Action::Update), [""; 0]);
    }
}
