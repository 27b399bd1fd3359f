//! What clients meet on the wire that is no service's own: time, faults, failures, other writers.
mod client;
mod faults;
mod lag;
mod open;
mod two_writers;
mod unsigned;
