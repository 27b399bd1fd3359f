//! A simulated world for the engine, and sweeps that break everything in it once.
//!
//! The world is a map of objects that are slow, refuse what others depend on, and may show an
//! old picture of themselves. A sweep runs a life, counts its effects, and lives it again with
//! one fault at each of them.
mod bench;
mod broken;
mod fault;
pub mod kinds;
mod sweep;
mod world;

pub use bench::{Bench, Ran};
pub use broken::{
    blind_retries, forgetful, without_clusters, without_grace, without_lists, yielding,
};
pub use fault::{Fault, FaultKind};
pub use sweep::{Life, Sweep, first, second, stack};
pub use world::{Complaint, LAG, Object, World};
