//! A stack as plain data: resources in the order they were added.
use crate::address::Address;
use crate::diff::Rule;
use crate::driver::Drivers;
use crate::resource::Resource;
use crate::state::{Record, State};
use crate::value::{Input, Pending, sources};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;

/// A resource that a graph wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: &'static str,
    /// Its spec, with references where a value comes from another resource.
    pub spec: Value,
    /// What its spec refers to.
    pub refers: BTreeSet<Address>,
    /// What must be there first: what it refers to, its parent, and what it was placed after.
    pub needs: BTreeSet<Address>,
    /// What settles first if it settles at all, though it needs nothing of it. That is not recorded,
    /// and means nothing when something goes.
    pub follows: BTreeSet<Address>,
    /// What is brought to a version after it where both are, even what it follows otherwise. That is not
    /// recorded either.
    pub leads: BTreeSet<Address>,
    /// The parent it is within and goes with.
    pub within: Option<Address>,
    /// The slot in which it takes the place of an earlier generation.
    pub slot: Option<String>,
    /// The lane it keeps to.
    pub lane: Option<Lane>,
}

/// A lane that steps share, or that one step at a time has to itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// Whether a step in it runs alone.
    pub exclusive: bool,
}

/// Where a resource is put: an address, and how it stands to others.
#[derive(Clone, Debug)]
pub struct Place {
    address: Address,
    after: BTreeSet<Address>,
    follows: BTreeSet<Address>,
    leads: BTreeSet<Address>,
    within: Option<Address>,
    slot: Option<String>,
    lane: Option<Lane>,
}

impl Place {
    /// A place at `address`.
    pub fn at(address: impl Into<Address>) -> Self {
        let address = address.into();
        let (after, follows, leads) = Default::default();
        Self { address, after, follows, leads, within: None, slot: None, lane: None }
    }

    /// Names something that must be there first although the spec takes no value from it.
    #[must_use]
    pub fn after<R>(mut self, handle: &Handle<R>) -> Self {
        self.after.insert(handle.address.clone());
        self
    }

    /// Names something that is to settle first where both have steps, though nothing of it is needed:
    /// a run in which it fails leaves this to the next.
    #[must_use]
    pub fn follow<R>(mut self, handle: &Handle<R>) -> Self {
        self.follows.insert(handle.address.clone());
        self
    }

    /// Names something that is brought to a version after this where both are, as what runs on nodes is
    /// before them. It goes before [`follow`](Self::follow), which holds in all other cases.
    #[must_use]
    pub fn lead<R>(mut self, handle: &Handle<R>) -> Self {
        self.leads.insert(handle.address.clone());
        self
    }

    /// Names the parent that it is within: when that goes, it is gone too.
    #[must_use]
    pub fn within<R>(mut self, handle: &Handle<R>) -> Self {
        self.within = Some(handle.address.clone());
        self.after(handle)
    }

    /// Names the slot: the new generation in a slot is ready before the old one goes.
    #[must_use]
    pub fn slot(mut self, slot: impl Into<String>) -> Self {
        self.slot = Some(slot.into());
        self
    }

    /// Names the lane that the scheduler keeps it to.
    #[must_use]
    pub fn lane(mut self, name: impl Into<String>, exclusive: bool) -> Self {
        self.lane = Some(Lane { name: name.into(), exclusive });
        self
    }
}

impl<A: Into<Address>> From<A> for Place {
    fn from(address: A) -> Self {
        Self::at(address)
    }
}

/// Resources in dependency order. A node can only name the handle of an
/// earlier one, so a cycle cannot be written.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    title: String,
    nodes: Vec<Node>,
    index: HashMap<Address, usize>,
}

/// A resource that has been added, to take outputs from.
#[derive(Debug)]
pub struct Handle<R> {
    address: Address,
    resource: PhantomData<R>,
}

impl<R> Handle<R> {
    /// Returns the address.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), resource: PhantomData }
    }
}

impl<R: Resource> Handle<R> {
    /// Refers to one output. Use [`out!`](crate::out), which checks that name and field agree.
    pub fn output<T>(&self, name: &str, _field: fn(&R::Outputs) -> &T) -> Input<T> {
        Input::Pending(Pending { from: self.address.clone(), output: name.to_owned() })
    }
}

/// Refers to one output of a handle, `out!(vpc.id)`; field and type are checked by the compiler.
#[macro_export]
macro_rules! out {
    ($handle:ident . $field:ident) => {
        $handle.output(stringify!($field), |outputs| &outputs.$field)
    };
}

impl Graph {
    /// Makes an empty graph, which is what destroys everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty graph for one stage of several, with what that is about.
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Returns what it is about; empty when nobody said.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Adds a resource.
    ///
    /// # Panics
    /// When two resources are put at one address, which is a mistake in the stack.
    pub fn add<R: Resource>(&mut self, place: impl Into<Place>, resource: R) -> Handle<R> {
        let Place { address, after, follows, leads, within, slot, lane } = place.into();
        let spec = serde_json::to_value(&resource).expect("a spec serializes");
        let refers = sources(&spec);
        let needs = refers.union(&after).cloned().collect();
        let taken = self.index.insert(address.clone(), self.nodes.len());
        assert!(taken.is_none(), "two resources at {address}");
        let node = Node {
            address: address.clone(),
            kind: R::KIND,
            spec,
            refers,
            needs,
            follows,
            leads,
            within,
            slot,
            lane,
        };
        self.nodes.push(node);
        Handle { address, resource: PhantomData }
    }

    /// Fills in how a field that is [set on change](Rule::OnChange) was wanted before, where nobody
    /// decides about it: what was asked for once is not forgotten by a stage that leaves it alone.
    pub fn remember(&mut self, state: &State, drivers: &Drivers) {
        for node in &mut self.nodes {
            let before = state.get(&node.address).and_then(Record::accepted);
            let rules = drivers.get(node.kind).map_or(&[][..], |driver| driver.meta().rules);
            let once = rules.iter().filter(|(_, rule)| *rule == Rule::OnChange);
            for (field, before) in
                once.filter_map(|(field, _)| Some((*field, before?.get(*field)?)))
            {
                if node.spec.get(field).is_some_and(Value::is_null) {
                    node.spec[field] = before.clone();
                }
            }
        }
    }

    /// Returns the nodes in the order they were added, which is a topological order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns the node at `address`.
    pub fn node(&self, address: &Address) -> Option<&Node> {
        self.index.get(address).map(|&i| &self.nodes[i])
    }
}
