//! Whether a cluster is what the platform needs, whoever made it.
//!
//! [`Entry`] is the way in, [`Snapshot::read`] looks once at everything, and [`judge`] is pure. To add
//! a check: write its function in the file of its group, and add a line to [`CHECKS`].
mod autoscaling;
mod check;
mod entry;
mod network;
mod nodes;
mod pending;
mod platform;
mod probe;
pub(crate) mod quantity;
mod room;
mod services;
mod snapshot;
mod storage;
mod version;
mod wanted;

pub use check::{CHECKS, Check, Status, Verdict, judge};
pub use entry::Entry;
pub use probe::{Ended, Probe};
pub use snapshot::Snapshot;
pub use wanted::Wanted;
