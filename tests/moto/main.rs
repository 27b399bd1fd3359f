//! The whole program against moto, a simulated AWS that is not ours.
mod bad_state;
mod calls;
#[path = "../common/cloud.rs"]
mod cloud;
mod credentials;
#[path = "../common/folder.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod folder;
mod foreign;
mod interrupted;
mod killed;
mod life_cycle;
mod lost_replies;
mod obstacles;
mod provision;
#[path = "../common/proxy.rs"]
mod proxy;
#[path = "../common/relay.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod relay;
mod scope;
#[path = "../common/server.rs"]
mod server;
mod sessions;
#[path = "../common/terminal.rs"]
mod terminal;
mod wire;
