//! The whole program on the simulated AWS: embedded, and as a server that faults can be asked of.
mod boto;
mod boundary;
mod destroy;
mod edits;
mod folder;
mod judged;
mod life_cycle;
mod lost_replies;
mod partitions;
#[path = "../aws/recorder.rs"]
mod recorder;
mod roles;
mod served;
#[path = "../moto/server.rs"]
#[expect(dead_code, reason = "the tests against moto use the rest of it")]
mod server;
mod together;
mod within;
mod world_of;
