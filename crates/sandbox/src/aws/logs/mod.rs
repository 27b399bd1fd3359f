//! Amazon CloudWatch Logs.
use super::{Answer, Call, Input};
use crate::behaviour::Behaviour;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[];

/// Does an operation.
pub(crate) fn run(call: &mut Call<'_>, _: &Input) -> Answer {
    call.unsupported()
}
