//! What may be taken over or replaced.
use crate::args::{Consents, Global};
use crate::failure::{Code, Failure};
use crate::shell;
use provision_core::{Address, Drivers, Facts, Graph, Identity};
use provision_engine::Adoptions;
use serde_json::json;
use std::collections::BTreeSet;

/// What may be taken over or replaced, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consent {
    pub(crate) adopt: Adoptions,
    /// As written: addresses, or slots.
    pub(crate) replace: Vec<String>,
}

impl From<&Consents> for Consent {
    fn from(consents: &Consents) -> Self {
        let adoption = |text: &String| match text.split_once('=') {
            Some((address, id)) => (address.into(), Some(id.to_owned())),
            None => (text.as_str().into(), None),
        };
        let adopt = consents.adopt.iter().map(adoption).collect();
        Self { adopt, replace: consents.replace.clone() }
    }
}

/// Reads what to replace. What has a slot gets another generation, and so another address.
pub(super) fn replacements(
    global: &Global,
    graphs: &[Graph],
    facts: &mut Facts,
    replace: &[String],
) -> Result<BTreeSet<Address>, Failure> {
    let mut addresses = BTreeSet::new();
    let nodes = || graphs.iter().flat_map(Graph::nodes);
    for text in replace {
        let wanted = |node: &&provision_core::Node| {
            node.address.as_str() == text || node.slot.as_ref() == Some(text)
        };
        let Some(node) = nodes().find(wanted) else {
            let error = format!("--replace {text}: the cluster has nothing at this address");
            return Err(Failure::new(Code::UsageAddress, error).hint(format!(
                "`{}` shows the addresses",
                shell::command(global, "state list", None)
            )));
        };
        match &node.slot {
            Some(slot) => {
                let next = facts.generation(slot) + 1;
                facts.recorded.insert(Facts::generation_key(slot), json!(next));
            }
            None => drop(addresses.insert(node.address.clone())),
        }
    }
    Ok(addresses)
}

/// Checks that what may be taken over has a place in the cluster.
pub(super) fn check_adoptions(
    global: &Global,
    graphs: &[Graph],
    drivers: &Drivers,
    consent: &Consent,
) -> Result<(), Failure> {
    let node = |address: &Address| graphs.iter().find_map(|graph| graph.node(address));
    let is_there = |address: &Address| node(address).is_some();
    let is_named = |address: &Address| {
        node(address).is_some_and(|node| drivers[node.kind].meta().identity == Identity::Name)
    };
    if let Some((address, Some(id))) =
        consent.adopt.iter().find(|(address, id)| id.is_some() && is_named(address))
    {
        let error = format!("--adopt {address}={id}: what is there is found by its name");
        return Err(
            Failure::new(Code::UsageAddress, error).hint(format!("write `--adopt {address}`"))
        );
    }
    match consent.adopt.keys().find(|address| !is_there(address)) {
        None => Ok(()),
        Some(address) => {
            let error = format!("--adopt {address}: the cluster has nothing at this address");
            Err(Failure::new(Code::UsageAddress, error)
                .hint(format!("`{}` shows the addresses", shell::command(global, "plan", None))))
        }
    }
}
