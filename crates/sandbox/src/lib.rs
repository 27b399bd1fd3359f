//! Simulated clouds on loopback, at the level of the wire.
