//! The whole program on the simulated AWS: embedded, and as a server that faults can be asked of.
mod boto;
mod boundary;
mod capacity;
mod chaos;
#[path = "../common/cloud.rs"]
mod cloud;
mod crash;
mod decoys;
mod destroy;
mod edits;
mod errors;
mod faults;
#[path = "../common/folder.rs"]
mod folder;
mod helm;
mod inside;
#[path = "../common/judge.rs"]
mod judge;
mod judged;
mod kubeconfig;
mod kubectl;
mod leaks;
mod life;
mod life_cycle;
mod lost_replies;
mod manifests;
mod operations;
mod partitions;
mod permissions;
mod phase;
#[path = "../common/proxy.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod proxy;
mod readme;
mod rehearsal;
#[path = "../common/relay.rs"]
mod relay;
mod roles;
#[path = "../common/served.rs"]
mod served;
#[path = "../common/server.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod server;
mod shown;
mod speed;
mod spinner;
mod support;
mod sweep;
mod tampered;
#[path = "../common/terminal.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod terminal;
mod together;
mod upgrade;
mod verify;
mod within;
mod world;
mod world_of;
