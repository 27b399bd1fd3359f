//! The whole program on the simulated AWS: embedded, and as a server that faults can be asked of.
mod boto;
mod boundary;
#[path = "../common/cloud.rs"]
mod cloud;
mod destroy;
mod edits;
#[path = "../common/folder.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod folder;
mod judged;
mod life_cycle;
mod lost_replies;
mod partitions;
#[path = "../common/recorder.rs"]
mod recorder;
#[path = "../common/relay.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod relay;
mod roles;
#[path = "../common/served.rs"]
mod served;
#[path = "../common/server.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod server;
mod together;
mod upgrade;
mod within;
mod world_of;
