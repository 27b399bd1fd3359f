//! What people and their scripts get to see: plans, progress, and how a run ended.
//!
//! Nothing in here decides anything; it turns data into text or JSON.

mod changes;
mod details;
mod duration;
mod finish;
mod page;
pub(crate) mod parts;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod record;
pub(crate) mod spinner;
mod style;
pub(crate) mod trouble;
mod value;
pub(crate) mod verdicts;

pub(crate) use style::Style;
