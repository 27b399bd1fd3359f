//! What a resource, a graph, a plan and an event are, and the pure planner.
//!
//! Nothing here does IO, reads a clock or needs an async runtime. Providers
//! describe cloud objects with [`Resource`]; a stack is a [`Graph`] of them;
//! [`plan()`](plan::plan) compares graph, [`State`] and [`Observed`] and says what to do.
#![warn(missing_docs)]

mod address;
mod diff;
mod driver;
mod entry;
mod error;
mod event;
mod facts;
mod graph;
mod line;
mod marks;
mod observed;
pub mod plan;
mod resource;
mod scope;
mod secret;
mod state;
mod value;

pub use address::Address;
pub use diff::{Change, Diff, Rule, TagChange};
pub use driver::{At, Driver, Drivers, LiveValue, Meta, StartedValue, Typed};
pub use entry::Entry;
pub use error::{Error, Kind, Result};
pub use event::{Event, EventKind, Verb};
pub use facts::Facts;
pub use graph::{Graph, Handle, Lane, Node, Place};
pub use line::Line;
pub use marks::{ADDRESS_MARK, CLUSTER_MARK, LINEAGE_MARK, Marks};
pub use observed::{Observed, Seen};
pub use plan::{Action, Cause, Plan, Step};
pub use resource::{
    Cx, Identity, Live, Operation, Owner, Phase, Progress, Resource, Started, Timing,
};
pub use scope::{Scope, World};
pub use secret::{SecretRef, Secrets};
pub use state::{Record, Stage, State};
pub use value::{Input, Pending, fingerprint, resolve, sources};
