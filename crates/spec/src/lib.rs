//! The cluster file: its types, its profiles, and its checks with line and column.
//!
//! [`read`] turns the bytes of a file into a [`ClusterSpec`], or into every problem found, all at
//! once. The way there: [`Source`] (text worth parsing) → [`tree`] (values with places) →
//! [`fields`] (typed fields, problems collected) → [`ClusterSpec`], defaults filled in from its
//! [`profile`]. [`ClusterSpec::resolved`] prints it back with every default.
//!
//! A provider reads its own section with the same kit, see [`Section::read`] and [`read_with`].

#![warn(missing_docs)]

pub mod chart;
mod check;
mod cluster;
pub mod fields;
mod kubernetes;
mod labels;
mod manifests;
mod nearest;
pub mod network;
mod pools;
mod print;
mod problem;
pub mod profile;
mod provider;
mod read;
mod redact;
mod resolved;
pub mod room;
mod schema;
mod secrets;
mod source;
mod storage;
mod support;
pub mod tree;

pub use cluster::{ClusterSpec, ProviderName, Section};
pub use fields::{Field, Fields};
pub use kubernetes::{Api, Kubernetes, Minor, SecretsKey};
pub use manifests::{Manifest, Opened as OpenedManifest};
pub use nearest::nearest;
pub use network::{Layout, Nat, Network, Zones};
pub use pools::{Capacity, Effect, Pool, Taint};
pub use problem::{Problem, Problems, Snippet};
pub use profile::{Profile, Registry};
pub use provider::{
    Chosen, Entrance, Loss, Opened, Provider, Session, Simulation, Target, Token, Volumes,
};
pub use read::{read, read_with};
pub use room::Room;
pub use schema::schema;
pub use secrets::Secrets;
pub use source::{Report, Source};
pub use storage::{Reclaim, StorageClass, StorageKind};
pub use support::{Support, Term};
pub use tree::{Node, Span};
