//! Calls that tests make of a world, without a server.
use super::input::{Input, Tree};
use super::{Answer, Call, Caller};
use crate::clock::Speed;
use crate::faults::Effect;
use crate::world::World;

/// Makes a call that sees the world as it is.
pub(super) fn call(
    world: &mut World,
    operation: &str,
    effect: Option<Effect>,
    work: impl FnOnce(&mut Call<'_>) -> Answer,
) -> Answer {
    let past = world.at(world.now);
    let caller = Caller {
        account: "123456789012".to_owned(),
        arn: "arn:aws:iam::123456789012:user/sandbox".to_owned(),
        id: "AIDA".to_owned(),
        role: None,
        is_session: false,
    };
    let region = "us-east-1".to_owned();
    let speed = Speed::Times(1.0);
    let (open, kubernetes) = (false, "");
    work(&mut Call { world, past, caller, region, operation, speed, open, effect, kubernetes })
}

/// Reads a form.
pub(super) fn form(text: &str) -> Input {
    Input::Form(Tree::of_form(text.as_bytes()).unwrap())
}
