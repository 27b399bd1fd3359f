//! The versions of launch templates.
use super::super::{Answer, Call, Page, Refusal};
use super::describe::{Describe, within_page};
use super::launch_template::{Named, TEMPLATE, VERSIONS, number, numbered, version, versions};
use super::noun::Filters;
use super::{Filter, Operation, launch_template_data};
use crate::behaviour::Behaviour;
use crate::world::Object;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const DEFAULT: Behaviour = Behaviour {
    service: "ec2",
    what: "the default version of a launch template cannot be deleted, and the others are deleted \
        all the same",
    seconds: 0,
    source: "Amazon EC2 API Reference, DeleteLaunchTemplateVersions",
};

const FILTERS: Filters = &[
    ("create-time", "createTime"),
    ("ebs-optimized", "launchTemplateData.ebsOptimized"),
    ("http-endpoint", "launchTemplateData.metadataOptions.httpEndpoint"),
    ("http-tokens", "launchTemplateData.metadataOptions.httpTokens"),
    ("iam-instance-profile", "launchTemplateData.iamInstanceProfile.arn"),
    ("image-id", "launchTemplateData.imageId"),
    ("instance-type", "launchTemplateData.instanceType"),
    ("is-default-version", "defaultVersion"),
];

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateLaunchTemplateVersion", |call, input| call.run(input, create)),
    ("DescribeLaunchTemplateVersions", |call, input| call.run(input, describe)),
    ("DeleteLaunchTemplateVersions", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    launch_template_id: Option<String>,
    launch_template_name: Option<String>,
    source_version: Option<String>,
    version_description: Option<String>,
    launch_template_data: Value,
}

fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let named =
        Named(request.launch_template_id.as_deref(), request.launch_template_name.as_deref());
    let template = named.refer(call)?;
    let mut data = match &request.source_version {
        Some(source) => numbered(template, source)?["launchTemplateData"].clone(),
        None => json!({}),
    };
    for (field, value) in launch_template_data::read(&request.launch_template_data)? {
        data[field] = value;
    }
    let next = template.body.get("latestVersionNumber").and_then(Value::as_u64).unwrap_or(0) + 1;
    let version = version(call, template, next, request.version_description, data);
    let shown = show(template, &version);
    let key = TEMPLATE.key(template.text("launchTemplateId"));
    call.world.edit(&key, |template| {
        template.set("latestVersionNumber", next);
        let mut all = versions(template).to_vec();
        all.push(version);
        template.hide(VERSIONS, all);
    });
    Ok(json!({ "launchTemplateVersion": shown }))
}

/// Shows a version of a template, as it is now.
///
/// # Errors
/// When there is none with that number.
pub(super) fn numbered_now(template: &Object, number: &str) -> Result<Value, Refusal> {
    numbered(template, number).map(|version| show(template, version))
}

/// Shows a version, which knows by itself no default.
fn show(template: &Object, version: &Value) -> Value {
    let default = template.body.get("defaultVersionNumber");
    let mut shown = version.clone();
    shown["defaultVersion"] = json!(Some(&version["versionNumber"]) == default);
    shown
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Asked {
    launch_template_id: Option<String>,
    launch_template_name: Option<String>,
    #[serde(default)]
    launch_template_version: Vec<String>,
    min_version: Option<u64>,
    max_version: Option<u64>,
    #[serde(default)]
    filter: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

fn describe(call: &mut Call<'_>, request: Asked) -> Answer {
    within_page(request.max_results, 1..=200)?;
    let (id, name) = (request.launch_template_id, request.launch_template_name);
    let words = &request.launch_template_version;
    let mut found = Vec::new();
    if id.is_none() && name.is_none() {
        if words.is_empty() || !words.iter().all(|word| word.starts_with('$')) {
            let message = "Either launch template ID or launch template name must be specified.";
            return Err(Refusal::new("MissingParameter", message));
        }
        for (_, template) in call.seen(TEMPLATE.kind) {
            let some = words.iter().filter_map(|word| numbered(template, word).ok());
            found.extend(some.map(|version| show(template, version)));
        }
    } else {
        let template = Named(id.as_deref(), name.as_deref()).find(call, true)?;
        for word in words {
            found.push(show(template, numbered(template, word)?));
        }
        if words.is_empty() {
            found.extend(versions(template).iter().map(|version| show(template, version)));
        }
    }
    let (least, most) = (request.min_version.unwrap_or(0), request.max_version.unwrap_or(u64::MAX));
    found.retain(|version| {
        version["versionNumber"].as_u64().is_some_and(|number| (least..=most).contains(&number))
    });
    let name = |its: &Value| {
        let number = its["versionNumber"].as_u64().unwrap_or_default();
        format!("{} {:010}", its["launchTemplateId"], u64::MAX - number)
    };
    found.sort_by_key(name);
    found.dedup();
    let page = Page { size: request.max_results, token: request.next_token };
    let asked = Describe { filters: request.filter, page, ..Describe::default() };
    asked.list("launchTemplateVersionSet", found, FILTERS, name)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    launch_template_id: Option<String>,
    launch_template_name: Option<String>,
    launch_template_version: Vec<String>,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let named =
        Named(request.launch_template_id.as_deref(), request.launch_template_name.as_deref());
    let template = named.refer(call)?;
    let key = TEMPLATE.key(template.text("launchTemplateId"));
    let default = number(template, "$Default");
    let (mut left, mut gone, mut kept) = (versions(template).to_vec(), Vec::new(), Vec::new());
    for word in &request.launch_template_version {
        let wanted = word.parse::<u64>().ok();
        let mut item = json!({
            "launchTemplateId": template.text("launchTemplateId"),
            "launchTemplateName": template.text("launchTemplateName"),
            "versionNumber": wanted,
        });
        let is_it = |its: &Value| wanted.is_some() && its["versionNumber"].as_u64() == wanted;
        let error = match left.iter().any(is_it) {
            false => Some(("launchTemplateVersionDoesNotExist", "The version does not exist")),
            true if wanted == default => {
                Some(("unexpectedError", "The default version cannot be deleted"))
            }
            true => None,
        };
        match error {
            Some((code, message)) => {
                item["responseError"] = json!({ "code": code, "message": message });
                kept.push(item);
            }
            None => {
                left.retain(|its| !is_it(its));
                gone.push(item);
            }
        }
    }
    call.world.edit(&key, |template| template.hide(VERSIONS, left));
    Ok(json!({
        "successfullyDeletedLaunchTemplateVersionSet": gone,
        "unsuccessfullyDeletedLaunchTemplateVersionSet": kept,
    }))
}
