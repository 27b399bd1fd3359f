//! AWS IAM.
use super::{Answer, Call, Input};
use crate::behaviour::Behaviour;
use crate::world::{Key, World};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, _: &Input) -> Answer {
    call.unsupported()
}

/// Does what an object was to do by itself.
pub(crate) fn turn(_: &mut World, key: &Key, word: &str) {
    unreachable!("{} has no turn {word}", key.kind)
}

/// Why a service cannot assume a role.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unassumable {
    /// There is no such role, or the service has not heard of it yet.
    Missing,
    /// Its trust policy does not name the service, as far as that has heard.
    Untrusted,
}

/// Tells whether a service such as `eks.amazonaws.com` can assume a role, as it sees it now: what
/// is new in IAM takes a while to reach others.
///
/// # Errors
/// Why it cannot.
pub(crate) fn assumable(_: &World, _arn: &str, _service: &str) -> Result<(), Unassumable> {
    Ok(())
}

/// Returns the ARNs of the managed policies of a role, as other services see them now.
pub(crate) fn attached(_: &World, _arn: &str) -> Vec<String> {
    Vec::new()
}
