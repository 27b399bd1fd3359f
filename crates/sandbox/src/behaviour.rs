//! How the clouds behave where their models are silent, each time with where that is known from.

/// One behaviour of a cloud. The table in `docs/sandbox.md` is made of these.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// The service, as its endpoint is called.
    pub service: &'static str,
    /// What happens.
    pub what: &'static str,
    /// How long that takes, in simulated seconds, give or take 30 %; 0 for what takes no time.
    pub seconds: u64,
    /// The page of the vendor's documentation that says so, or `assumption`.
    pub source: &'static str,
}

/// Returns every behaviour of every cloud.
pub fn behaviours() -> impl Iterator<Item = &'static Behaviour> {
    let aws = crate::aws::BEHAVIOURS.iter().copied().flatten();
    aws.chain(crate::kubernetes::BEHAVIOURS)
}
