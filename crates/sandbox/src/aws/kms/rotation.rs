//! Whether the material of a key changes by itself.
use super::super::{Answer, Call, Refusal};
use super::key::Named;
use super::{DAY, RULE, changed, named, seconds};
use crate::clock::Time;
use crate::world::Key;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Enable {
    key_id: String,
    rotation_period_in_days: Option<i64>,
}

pub(super) fn enable(call: &mut Call<'_>, request: Enable) -> Answer {
    let days = request.rotation_period_in_days.unwrap_or(365);
    RULE.number("rotationPeriodInDays", days, 90..=2560)?;
    let key = enabled(call, &request.key_id)?;
    let next = call.world.now + days as Time * DAY;
    call.world.edit(&key, |key| {
        key.hide(
            "rotation",
            json!({ "RotationPeriodInDays": days, "NextRotationDate": seconds(next) }),
        );
    });
    Ok(Value::Null)
}

pub(super) fn disable(call: &mut Call<'_>, request: Named) -> Answer {
    let key = enabled(call, &request.key_id)?;
    call.world.edit(&key, |key| key.hidden.remove("rotation"));
    Ok(Value::Null)
}

/// Returns a key that is neither disabled nor pending deletion.
pub(super) fn enabled(call: &Call<'_>, id: &str) -> Result<Key, Refusal> {
    let key = changed(call, id)?;
    match call.get(&key).is_some_and(|key| key.text("KeyState") == "Disabled") {
        true => Err(Refusal::new("DisabledException", format!("{} is disabled.", key.id))),
        false => Ok(key),
    }
}

pub(super) fn status(call: &mut Call<'_>, request: Named) -> Answer {
    let (key, _) = named(call, &request.key_id, false)?;
    let found = call.find(&key);
    let is_going = found.is_some_and(|key| key.text("KeyState") == "PendingDeletion");
    let rotation = found.and_then(|key| key.hidden.get("rotation")).filter(|_| !is_going);
    let mut status = rotation.cloned().unwrap_or_else(|| json!({}));
    status["KeyId"] = json!(found.map(|key| key.text("KeyId")));
    status["KeyRotationEnabled"] = json!(rotation.is_some());
    Ok(status)
}
