//! One file for each command.
pub(crate) mod apply;
mod carry_out;
pub(crate) mod destroy;
pub(crate) mod plan;
pub(crate) mod show;
pub(crate) mod state;
pub(crate) mod validate;
