//! Tags of groups, which an autoscaler finds them by.
use super::super::{Answer, Call, Refusal};
use super::describe::{Filter, no_page, page};
use super::group::KIND;
use super::{get, wrong};
use crate::world::Object;
use serde::Deserialize;
use serde_json::{Value, json};

/// Shows the tags of a group.
pub(super) fn of(group: &Object) -> Vec<Value> {
    let name = group.text("AutoScalingGroupName");
    let show = |(key, value): (&String, &String)| {
        json!({
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
            "Key": key,
            "Value": value,
            "PropagateAtLaunch": !kept(group).contains(key),
        })
    };
    group.tags.iter().map(show).collect()
}

/// Returns the keys of tags that a group keeps to itself.
pub(super) fn kept(group: &Object) -> Vec<String> {
    let kept = group.hidden.get("kept tags").cloned().unwrap_or_default();
    serde_json::from_value(kept).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    resource_id: Option<String>,
    resource_type: Option<String>,
    key: String,
    #[serde(default)]
    value: Option<String>,
    propagate_at_launch: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tags {
    tags: Vec<Tag>,
}

impl Tag {
    fn group(&self, call: &Call<'_>) -> Result<crate::world::Key, Refusal> {
        match self.resource_type.as_deref() {
            None | Some("auto-scaling-group") => {}
            Some(other) => return Err(wrong(&format!("The resource type {other} is not valid."))),
        }
        get(call, self.resource_id.as_deref().unwrap_or_default())
    }

    fn check(&self) -> Result<(), Refusal> {
        let is_of_aws = self.key.to_ascii_lowercase().starts_with("aws:");
        match is_of_aws || !(1..=128).contains(&self.key.chars().count()) {
            true => Err(wrong(&format!("The tag key {} is not valid.", self.key))),
            false => Ok(()),
        }
    }
}

pub(super) fn create_or_update(call: &mut Call<'_>, request: Tags) -> Answer {
    for tag in &request.tags {
        tag.group(call)?;
        tag.check()?;
    }
    for tag in request.tags {
        let group = tag.group(call)?;
        call.world.edit(&group, |group| {
            let mut kept = kept(group);
            kept.retain(|key| *key != tag.key);
            if tag.propagate_at_launch == Some(false) {
                kept.push(tag.key.clone());
            }
            group.hide("kept tags", kept);
            group.tags.insert(tag.key, tag.value.unwrap_or_default());
        });
    }
    Ok(Value::Null)
}

pub(super) fn delete(call: &mut Call<'_>, request: Tags) -> Answer {
    request.tags.iter().try_for_each(Tag::check)?;
    for tag in request.tags {
        let group = tag.group(call)?;
        call.world.edit(&group, |group| group.tags.remove(&tag.key));
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Describe {
    #[serde(default)]
    filters: Vec<Filter>,
    next_token: Option<String>,
    max_records: Option<usize>,
}

pub(super) fn describe(call: &mut Call<'_>, request: Describe) -> Answer {
    let mut found: Vec<Value> =
        call.seen(KIND).into_iter().flat_map(|(_, group)| of(group)).collect();
    for Filter { name, values } in &request.filters {
        let member = match name.as_str() {
            "auto-scaling-group" => "ResourceId",
            "key" => "Key",
            "value" => "Value",
            "propagate-at-launch" => "PropagateAtLaunch",
            _ => return Err(wrong(&format!("The filter {name} is not valid."))),
        };
        found.retain(|tag| match &tag[member] {
            Value::String(text) => values.contains(text),
            other => values.contains(&other.to_string()),
        });
    }
    let page = page(request.max_records, request.next_token)?;
    let name = |tag: &Value| format!("{} {}", tag["ResourceId"], tag["Key"]);
    let (tags, next) = page.cut(found, name, no_page)?;
    Ok(json!({ "Tags": tags, "NextToken": next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_aws_are_not_for_others() {
        let tag = |key: &str| {
            let tag: Tag = serde_json::from_value(json!({ "Key": key })).unwrap();
            tag.check().is_ok()
        };
        assert!(tag("team") && !tag("aws:x") && !tag("AWS:x") && !tag(""));
    }
}
