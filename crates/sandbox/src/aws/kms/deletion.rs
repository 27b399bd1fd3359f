//! The end of a key, which can be called off while it is pending.
use super::super::{Answer, Call};
use super::key::{self, Named};
use super::{DAY, RULE, alias, changed, named, seconds, wrong_state};
use crate::clock::Time;
use crate::world::{Key, World};
use serde::Deserialize;
use serde_json::json;

/// What becomes of a key whose waiting period is over.
pub(super) const END: &str = "end";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Schedule {
    key_id: String,
    pending_window_in_days: Option<i64>,
}

pub(super) fn schedule(call: &mut Call<'_>, request: Schedule) -> Answer {
    let days = request.pending_window_in_days.unwrap_or(30);
    RULE.number("pendingWindowInDays", days, 7..=30)?;
    let key = changed(call, &request.key_id)?;
    let end = call.world.now + days as Time * DAY;
    key::state(call, &key, "PendingDeletion");
    call.world.edit(&key, |key| {
        key.set("DeletionDate", seconds(end));
        key.later(end, END);
    });
    Ok(json!({
        "KeyId": key.id,
        "DeletionDate": seconds(end),
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": days,
    }))
}

pub(super) fn cancel(call: &mut Call<'_>, request: Named) -> Answer {
    let (key, found) = named(call, &request.key_id, false)?;
    if found.text("KeyState") != "PendingDeletion" {
        return Err(wrong_state(&key, "is not pending deletion."));
    }
    key::state(call, &key, "Disabled");
    call.world.edit(&key, |key| {
        key.body.remove("DeletionDate");
        key.turns.retain(|turn| turn.word != END);
    });
    Ok(json!({ "KeyId": key.id }))
}

/// Takes a key away, with what leads to it.
pub(super) fn end(world: &mut World, key: &Key) {
    let aliases = alias::of(world, &key.id);
    for gone in aliases.iter().chain([key]) {
        world.remove(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::super::usable;
    use super::*;
    use crate::world::Object;

    #[test]
    fn a_key_takes_its_aliases_along() {
        let mut world = World::new(1, 0);
        let [key, alias, other] = [("kms.key", "k"), ("kms.alias", "a"), ("kms.alias", "b")]
            .map(|(kind, id)| Key::new(kind, id));
        let object = |of: &str, state: &str| {
            let mut object = Object::default();
            object.hide("key", of);
            object.set("KeyState", state);
            object
        };
        world.put(key.clone(), object("", "Enabled"));
        world.put(alias, object("k", ""));
        world.put(other.clone(), object("other", ""));
        assert!(usable(&world, "k") && usable(&world, "a") && !usable(&world, "b"));
        end(&mut world, &key);
        let left: Vec<_> = world.objects().map(|(key, _)| key.clone()).collect();
        assert_eq!(left, [other]);
        assert!(!usable(&world, "k"));
    }
}
