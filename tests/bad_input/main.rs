//! The whole program on files that are wrong: every mistake is told, quickly, and nothing is done.
#[path = "../commands/fields.rs"]
mod fields;
mod generated;
mod nasty;
mod page;
mod program;
