//! Changes to the size of groups, as an autoscaler makes them.
use super::super::{Answer, Call, Refusal};
use super::group::{self, KIND};
use super::{get, wrong};
use crate::faults::Effect;
use crate::world::Key;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SetDesired {
    auto_scaling_group_name: String,
    desired_capacity: u64,
    #[serde(default, rename = "HonorCooldown")]
    _honor_cooldown: bool,
}

pub(super) fn set_desired(call: &mut Call<'_>, request: SetDesired) -> Answer {
    let key = get(call, &request.auto_scaling_group_name)?;
    let [min, max, _] = call.get(&key).map(group::size).unwrap_or_default();
    let desired = request.desired_capacity;
    if desired < min {
        return Err(wrong(&format!(
            "New SetDesiredCapacity value {desired} is below min value {min} for the \
             AutoScalingGroup."
        )));
    }
    if desired > max {
        return Err(wrong(&format!(
            "New SetDesiredCapacity value {desired} is above max value {max} for the \
             AutoScalingGroup."
        )));
    }
    apply(call, &key, [min, max, desired]);
    Ok(Value::Null)
}

fn apply(call: &mut Call<'_>, key: &Key, size: [u64; 3]) {
    if call.effect == Some(Effect::Capacity) {
        group::fill(call.world, key, 1);
    }
    group::resize(call.world, key, size);
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Update {
    auto_scaling_group_name: String,
    min_size: Option<u64>,
    max_size: Option<u64>,
    desired_capacity: Option<u64>,
}

pub(super) fn update(call: &mut Call<'_>, request: Update) -> Answer {
    let key = get(call, &request.auto_scaling_group_name)?;
    let [min, max, desired] = call.get(&key).map(group::size).unwrap_or_default();
    let min = request.min_size.unwrap_or(min);
    let max = request.max_size.unwrap_or(max);
    if min > max {
        return Err(wrong("Max bound, must be greater than or equal to min bound"));
    }
    let desired = match request.desired_capacity {
        Some(desired) if !(min..=max).contains(&desired) => {
            return Err(wrong(
                "Desired capacity must be between the specified min size and max size",
            ));
        }
        Some(desired) => desired,
        None => desired.clamp(min, max),
    };
    apply(call, &key, [min, max, desired]);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Terminate {
    instance_id: String,
    should_decrement_desired_capacity: bool,
}

pub(super) fn terminate(call: &mut Call<'_>, request: Terminate) -> Answer {
    let machine = request.instance_id;
    let its = |(_, group): &(&Key, &crate::world::Object)| {
        group::machines(call.world, group).contains(&machine)
    };
    let unknown = || -> Refusal {
        wrong(&format!(
            "Instance Id not found - No managed instance found for instance ID: {machine}"
        ))
    };
    let (key, group) = call.there(KIND).into_iter().find(its).ok_or_else(unknown)?;
    let (key, [min, max, desired]) = (key.clone(), group::size(group));
    let wanted = match request.should_decrement_desired_capacity {
        true if desired <= min => {
            return Err(wrong(
                "Currently, desiredSize equals minSize. Terminating instance without replacement \
                 will violate group's min size constraint. Either set shouldDecrementDesiredCapacity \
                 flag to false or lower group's min size.",
            ));
        }
        true => desired - 1,
        false => desired,
    };
    group::terminate_one(call.world, &key, &machine);
    group::resize(call.world, &key, [min, max, wanted]);
    let activity: Option<Value> =
        call.get(&key).and_then(|group| group::activities(group).into_iter().next());
    Ok(json!({ "Activity": activity }))
}
