//! What there is of groups: themselves, their machines and what they did.
use super::super::{Answer, Call, Page, Refusal};
use super::group::{self, KIND};
use super::wrong;
use crate::world::{Key, Object};
use serde::Deserialize;
use serde_json::{Value, json};

/// A filter: one of its values must fit.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Filter {
    pub(super) name: String,
    #[serde(default)]
    pub(super) values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Groups {
    #[serde(default)]
    auto_scaling_group_names: Vec<String>,
    #[serde(default = "yes")]
    include_instances: bool,
    next_token: Option<String>,
    max_records: Option<usize>,
    #[serde(default)]
    filters: Vec<Filter>,
}

fn yes() -> bool {
    true
}

pub(super) fn no_page() -> Refusal {
    Refusal::new("InvalidNextToken", "The token is not valid.")
}

pub(super) fn page(size: Option<usize>, token: Option<String>) -> Result<Page, Refusal> {
    match size {
        Some(size) if !(1..=100).contains(&size) => Err(wrong("MaxRecords must be from 1 to 100")),
        _ => Ok(Page { size: size.or(Some(50)), token }),
    }
}

pub(super) fn groups(call: &mut Call<'_>, request: Groups) -> Answer {
    let mut found = Vec::new();
    for (_, group) in call.seen(KIND) {
        let name = group.text("AutoScalingGroupName").to_owned();
        let names = &request.auto_scaling_group_names;
        let is_asked = names.is_empty() || names.contains(&name);
        if is_asked && fits(group, &request.filters)? {
            found.push(show(call, group, request.include_instances));
        }
    }
    let name =
        |group: &Value| group["AutoScalingGroupName"].as_str().unwrap_or_default().to_owned();
    let page = page(request.max_records, request.next_token)?;
    let (groups, next) = page.cut(found, name, no_page)?;
    Ok(json!({ "AutoScalingGroups": groups, "NextToken": next }))
}

fn fits(group: &Object, filters: &[Filter]) -> Result<bool, Refusal> {
    for Filter { name, values } in filters {
        let fits = match name.as_str() {
            "tag-key" => values.iter().any(|key| group.tags.contains_key(key)),
            "tag-value" => group.tags.values().any(|value| values.contains(value)),
            _ => match name.strip_prefix("tag:") {
                Some(key) => group.tags.get(key).is_some_and(|value| values.contains(value)),
                None => return Err(wrong(&format!("The filter {name} is not valid."))),
            },
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

fn show(call: &Call<'_>, group: &Object, with_instances: bool) -> Value {
    let mut body = group.body.clone();
    let instances = if with_instances { instances(call, group) } else { Vec::new() };
    body.insert("Instances".to_owned(), json!(instances));
    body.insert("Tags".to_owned(), json!(super::tags::of(group)));
    Value::Object(body)
}

/// Shows the machines of a group.
fn instances(call: &Call<'_>, group: &Object) -> Vec<Value> {
    let mixed = group.body.get("MixedInstancesPolicy");
    let template =
        mixed.map(|mixed| mixed["LaunchTemplate"]["LaunchTemplateSpecification"].clone());
    let of = |id: String| {
        let machine = call.get(&Key::new("ec2.instance", &id));
        let zone = machine.and_then(|m| m.body.get("placement")).map(|p| &p["availabilityZone"]);
        json!({
            "InstanceId": id,
            "InstanceType": machine.map(|machine| machine.text("instanceType")),
            "AvailabilityZone": zone.and_then(Value::as_str).unwrap_or_default(),
            "LifecycleState": "InService",
            "HealthStatus": "Healthy",
            "LaunchTemplate": template,
            "ProtectedFromScaleIn": false,
        })
    };
    group::machines(call.world, group).into_iter().map(of).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Instances {
    #[serde(default)]
    instance_ids: Vec<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn all_instances(call: &mut Call<'_>, request: Instances) -> Answer {
    let mut found = Vec::new();
    for (_, group) in call.seen(KIND) {
        for mut instance in instances(call, group) {
            instance["AutoScalingGroupName"] = json!(group.text("AutoScalingGroupName"));
            instance["HealthStatus"] = json!("HEALTHY");
            let id = instance["InstanceId"].as_str().unwrap_or_default().to_owned();
            if request.instance_ids.is_empty() || request.instance_ids.contains(&id) {
                found.push(instance);
            }
        }
    }
    let name = |instance: &Value| instance["InstanceId"].as_str().unwrap_or_default().to_owned();
    let page = page(request.max_records, request.next_token)?;
    let (instances, next) = page.cut(found, name, no_page)?;
    Ok(json!({ "AutoScalingInstances": instances, "NextToken": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Activities {
    #[serde(default)]
    activity_ids: Vec<String>,
    auto_scaling_group_name: Option<String>,
    #[serde(default, rename = "IncludeDeletedGroups")]
    _include_deleted_groups: bool,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// Lists what groups did, the newest first.
pub(super) fn activities(call: &mut Call<'_>, request: Activities) -> Answer {
    let name = request.auto_scaling_group_name.as_deref();
    if let Some(name) = name {
        super::get(call, name)?;
    }
    let groups = call.seen(KIND).into_iter().map(|(_, group)| group);
    let groups =
        groups.filter(|group| name.is_none_or(|it| it == group.text("AutoScalingGroupName")));
    let ids = &request.activity_ids;
    let is_asked = |activity: &Value| {
        ids.is_empty() || ids.iter().any(|id| activity["ActivityId"] == id.as_str())
    };
    let mut found: Vec<Value> = groups.flat_map(group::activities).filter(is_asked).collect();
    found.sort_by(|a, b| b["StartTime"].as_str().cmp(&a["StartTime"].as_str()));
    let numbered = found.into_iter().enumerate().collect();
    let page = page(request.max_records, request.next_token)?;
    let place = |(n, _): &(usize, Value)| format!("{n:06}");
    let (activities, next) = page.cut(numbered, place, no_page)?;
    let activities: Vec<Value> = activities.into_iter().map(|(_, activity)| activity).collect();
    Ok(json!({ "Activities": activities, "NextToken": next }))
}
