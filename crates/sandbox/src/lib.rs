//! Simulated clouds on loopback, at the level of the wire.
//!
//! One small model of the world ([`World`]: objects that change with simulated time) stands behind
//! thin front ends, one for each cloud. It speaks the clouds' own protocols, is as slow, as
//! eventually consistent and as strict as they are, and knows nothing of the program that is tried
//! on it. Where its behaviour comes from is in `docs/sandbox.md`.
mod aws;
mod behaviour;
mod clock;
mod control;
mod credential;
mod faults;
mod kubernetes;
mod server;
mod store;
mod world;

pub use behaviour::{Behaviour, behaviours};
pub use clock::Speed;
pub use credential::Credential;
pub use server::{Sandbox, Settings};
pub use world::{Key, Object, World};

/// The access key that every sandbox accepts, with its secret.
pub const CREDENTIAL: (&str, &str) = ("AKIAIOSFODNN7EXAMPLE", "not-a-secret");

/// The account that [`CREDENTIAL`] belongs to.
pub const ACCOUNT: &str = "123456789012";
