//! One file for each command.
pub(crate) mod apply;
mod carry_out;
pub(crate) mod completions;
pub(crate) mod destroy;
pub(crate) mod graph;
pub(crate) mod helm_values;
pub(crate) mod init;
pub(crate) mod kubeconfig;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod state;
pub(crate) mod token;
pub(crate) mod validate;
pub(crate) mod verify;
