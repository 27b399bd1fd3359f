//! The whole program against moto, a simulated AWS that is not ours.
mod bad_state;
mod calls;
mod credentials;
mod foreign;
mod interrupted;
mod killed;
mod life_cycle;
mod lost_replies;
mod obstacles;
mod provision;
mod proxy;
mod scope;
mod server;
mod sessions;
mod terminal;
mod wire;
