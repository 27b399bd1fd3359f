//! What there is to look at, and in which order.
use provision_core::{Address, Graph, Record, State, sources};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// An address to look at.
pub(crate) struct Target<'a> {
    pub(crate) address: &'a Address,
    pub(crate) kind: &'a str,
    pub(crate) spec: &'a Value,
    pub(crate) within: Option<&'a Address>,
    pub(crate) record: Option<&'a Record>,
    /// What must be looked at first, because its outputs are not on record.
    waits_for: Vec<Address>,
}

/// Returns what `graph` wants and what `state` knows, but for what goes with its parent.
pub(crate) fn targets<'a>(graph: &'a Graph, state: &'a State) -> Vec<Target<'a>> {
    let records = state.records();
    let known = |address: &Address| records.get(address).is_some_and(|r| r.outputs.is_some());
    let there = |address: &Address| graph.node(address).is_some() || records.contains_key(address);
    let waits_for = |address: &Address, refers: &BTreeSet<Address>, within: Option<&Address>| {
        let unknown = refers.iter().filter(|a| !known(a)).chain(within);
        unknown.filter(|a| there(a) && *a != address).cloned().collect()
    };
    let wanted = graph.nodes().iter().map(|node| {
        let (address, within) = (&node.address, node.within.as_ref());
        let (record, waits_for) = (records.get(address), waits_for(address, &node.refers, within));
        Target { address, kind: node.kind, spec: &node.spec, within, record, waits_for }
    });
    let stays =
        |parent: &Option<Address>| parent.as_ref().is_none_or(|it| graph.node(it).is_some());
    let unwanted = records.iter().filter(|(address, _)| graph.node(address).is_none());
    let unwanted = unwanted.filter(|(_, record)| stays(&record.within));
    let unwanted = unwanted.map(|(address, record)| {
        let (spec, within) = (&record.spec, record.within.as_ref());
        let waits_for = waits_for(address, &sources(spec), within);
        Target { address, kind: &record.kind, spec, within, record: Some(record), waits_for }
    });
    wanted.chain(unwanted).collect()
}

/// Which targets may be looked at. Every operation is a look-up.
pub(crate) struct Turns<'a> {
    /// How many others each one still waits for.
    waits: Vec<usize>,
    /// Who waits for each one.
    waiters: HashMap<&'a Address, Vec<usize>>,
    ready: VecDeque<usize>,
}

impl<'a> Turns<'a> {
    pub(crate) fn new(targets: &'a [Target<'a>]) -> Self {
        let mut waiters: HashMap<_, Vec<usize>> = HashMap::new();
        for (i, target) in targets.iter().enumerate() {
            target.waits_for.iter().for_each(|on| waiters.entry(on).or_default().push(i));
        }
        let waits: Vec<_> = targets.iter().map(|target| target.waits_for.len()).collect();
        let ready = (0..targets.len()).filter(|&i| waits[i] == 0).collect();
        Self { waits, waiters, ready }
    }

    /// Returns a target that waits for nothing any more.
    pub(crate) fn next(&mut self) -> Option<usize> {
        self.ready.pop_front()
    }

    /// Notes that the target at `address` has been looked at.
    pub(crate) fn end(&mut self, address: &Address) {
        for &next in self.waiters.get(address).into_iter().flatten() {
            self.waits[next] -= 1;
            self.ready.extend((self.waits[next] == 0).then_some(next));
        }
    }
}
