//! Amazon EC2 Auto Scaling: the groups that node groups make.
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
