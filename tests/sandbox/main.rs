//! The whole program on the simulated AWS: embedded, and as a server that faults can be asked of.
mod folder;
mod life_cycle;
mod lost_replies;
mod served;
mod together;
