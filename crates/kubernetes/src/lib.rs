//! What is inside a cluster, whoever runs it: its kinds, and how the Kubernetes API is called.
//!
//! [`Kubernetes`] is the way in, [`inside`] what a cluster file makes of it. To add a kind: write
//! `resources/<kind>.rs`, add a line to [`resources::drivers`], and use it in `inside.rs`.
mod access;
mod api;
pub mod autoscaler;
mod classify;
mod clusters;
mod inside;
mod losses;
mod manifests;
pub mod resources;
mod snapshots;
mod support;
pub mod verify;

pub use access::{Access, Tokens, Way};
pub use clusters::Kubernetes;
pub use inside::{Inside, Storage, inside};
pub use losses::losses;
pub use manifests::manifests;
pub use snapshots::snapshot_class;
pub use support::{Admission, admission};
