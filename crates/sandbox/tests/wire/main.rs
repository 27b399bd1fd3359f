//! What clients meet on the wire that is no service's own: time, faults, failures, other writers.
mod client;
mod faults;
mod lag;
mod open;
#[path = "../../../../tests/common/relay.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod relay;
mod two_writers;
mod unsigned;
mod whole;
