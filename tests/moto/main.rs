//! The whole program against moto, a simulated AWS that is not ours.
mod calls;
mod foreign;
mod interrupted;
mod killed;
mod life_cycle;
mod lost_replies;
mod provision;
mod proxy;
mod scope;
mod server;
mod wire;
