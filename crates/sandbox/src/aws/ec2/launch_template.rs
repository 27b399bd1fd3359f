//! A launch template: what machines are started with.
use super::super::{Answer, Call, Page, Refusal};
use super::describe::{Describe, within_page};
use super::noun::begin;
use super::{Filter, Noun, Operation, TagSpecification, launch_template_data};
use crate::behaviour::Behaviour;
use crate::clock::iso;
use crate::world::Object;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) static TEMPLATE: Noun = Noun {
    kind: "ec2.launch_template",
    prefix: "lt",
    resource_type: "launch-template",
    id: "launchTemplateId",
    set: "launchTemplates",
    malformed: "InvalidLaunchTemplateId.Malformed",
    missing: (
        "InvalidLaunchTemplateId.NotFound",
        "The specified launch template, with template ID {}, does not exist.",
    ),
    limit: Some((5000, "MaxTemplateLimitExceeded")),
    filters: &[("create-time", "createTime"), ("launch-template-name", "launchTemplateName")],
};

pub(super) const LIMIT: Behaviour = Behaviour {
    service: "ec2",
    what: "an account has at most 5000 launch templates in a region",
    seconds: 0,
    source: "Amazon EC2 User Guide, Store instance launch parameters in Amazon EC2 launch templates",
};

/// The hidden member with the versions that there are.
pub(super) const VERSIONS: &str = "versions";

pub(super) const OPERATIONS: &[Operation] = &[
    ("CreateLaunchTemplate", |call, input| call.run(input, create)),
    ("DescribeLaunchTemplates", |call, input| call.run(input, describe)),
    ("ModifyLaunchTemplate", |call, input| call.run(input, modify)),
    ("DeleteLaunchTemplate", |call, input| call.run(input, delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    launch_template_name: String,
    version_description: Option<String>,
    launch_template_data: Value,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let name = request.launch_template_name.as_str();
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "().-/_".contains(c);
    if !(3..=128).contains(&name.len()) || !name.chars().all(is_fine) {
        let message = "Launch template name must be between 3 and 128 characters, and may contain \
            letters, numbers, and the following characters: - ( ) . / _.";
        return Err(Refusal::new("InvalidLaunchTemplateName.MalformedException", message));
    }
    let data = launch_template_data::read(&request.launch_template_data)?;
    let tags = TagSpecification::of(&request.tag_specification, &TEMPLATE)?;
    let mut all = call.there(TEMPLATE.kind).into_iter();
    if all.any(|(_, template)| template.text("launchTemplateName") == name) {
        let message = "Launch template name already in use.";
        return Err(Refusal::new("InvalidLaunchTemplateName.AlreadyExistsException", message));
    }
    let id = TEMPLATE.new_id(call)?;
    let body = json!({
        "launchTemplateId": id,
        "launchTemplateName": name,
        "createTime": iso(call.world.now),
        "createdBy": call.caller.arn,
        "defaultVersionNumber": 1,
        "latestVersionNumber": 1,
    });
    let mut template = begin(call, body, tags);
    let version = version(call, &template, 1, request.version_description, json!(data));
    template.hide(VERSIONS, json!([version]));
    let shown = TEMPLATE.show(&template);
    call.world.put(TEMPLATE.key(&id), template);
    Ok(json!({ "launchTemplate": shown }))
}

/// Makes a version of a template.
pub(super) fn version(
    call: &Call<'_>,
    template: &Object,
    number: u64,
    description: Option<String>,
    data: Value,
) -> Value {
    json!({
        "launchTemplateId": template.text("launchTemplateId"),
        "launchTemplateName": template.text("launchTemplateName"),
        "versionNumber": number,
        "versionDescription": description,
        "createTime": iso(call.world.now),
        "createdBy": call.caller.arn,
        "launchTemplateData": data,
    })
}

/// Which template is meant: by id or by name.
pub(super) struct Named<'a>(pub(super) Option<&'a str>, pub(super) Option<&'a str>);

impl Named<'_> {
    /// Finds it among those that there are, or that reads see.
    ///
    /// # Errors
    /// When there is none, or it is named twice or not at all.
    pub(super) fn find<'c>(&self, call: &'c Call<'_>, seen: bool) -> Result<&'c Object, Refusal> {
        let all = || match seen {
            true => call.seen(TEMPLATE.kind),
            false => call.there(TEMPLATE.kind),
        };
        match (self.0, self.1) {
            (Some(id), None) => {
                let its = all().into_iter().find(|(key, _)| key.id == id);
                its.map(|(_, template)| template).ok_or_else(|| TEMPLATE.missing(id))
            }
            (None, Some(name)) => {
                let is_it = |its: &Object| its.text("launchTemplateName") == name;
                let its = all().into_iter().find(|(_, its)| is_it(its));
                its.map(|(_, template)| template).ok_or_else(|| unnamed(name))
            }
            (None, None) => Err(Refusal::new(
                "MissingParameter",
                "Either launch template ID or launch template name must be specified.",
            )),
            (Some(_), Some(_)) => Err(Refusal::new(
                "InvalidParameterCombination",
                "Only one of launch template ID and launch template name can be specified.",
            )),
        }
    }

    /// Finds one that a call refers to: one that there is, and that reads see.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub(super) fn refer<'c>(&self, call: &'c Call<'_>) -> Result<&'c Object, Refusal> {
        self.find(call, true)?;
        self.find(call, false)
    }
}

fn unnamed(name: &str) -> Refusal {
    let message =
        format!("The specified launch template, with template name {name}, does not exist.");
    Refusal::new("InvalidLaunchTemplateName.NotFoundException", message)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    launch_template_id: Vec<String>,
    #[serde(default)]
    launch_template_name: Vec<String>,
    #[serde(default)]
    filter: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

fn describe(call: &mut Call<'_>, request: Asked) -> Answer {
    within_page(request.max_results, 1..=200)?;
    let message = "At least one of the launch templates specified in the request does not exist.";
    let mut ids = request.launch_template_id;
    if ids.iter().any(|id| call.find(&TEMPLATE.key(id)).is_none()) {
        return Err(Refusal::new("InvalidLaunchTemplateId.NotFound", message));
    }
    for name in &request.launch_template_name {
        let absent = |_| Refusal::new("InvalidLaunchTemplateName.NotFoundException", message);
        let its = Named(None, Some(name)).find(call, true).map_err(absent)?;
        ids.push(its.text("launchTemplateId").to_owned());
    }
    let page = Page { size: request.max_results, token: request.next_token };
    Describe { ids, filters: request.filter, page }.answer(call, &TEMPLATE)
}

/// Returns the versions of a template.
pub(super) fn versions(template: &Object) -> &[Value] {
    template.hidden.get(VERSIONS).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the number that a word such as `$Latest` stands for.
pub(super) fn number(template: &Object, word: &str) -> Option<u64> {
    match word {
        "$Latest" => {
            versions(template).iter().filter_map(|its| its["versionNumber"].as_u64()).max()
        }
        "$Default" => template.body.get("defaultVersionNumber")?.as_u64(),
        number => number.parse().ok(),
    }
}

/// Returns a version of a template.
///
/// # Errors
/// When there is none.
pub(super) fn numbered<'a>(template: &'a Object, word: &str) -> Result<&'a Value, Refusal> {
    let wanted = number(template, word);
    let mut all = versions(template).iter();
    let missing = || {
        let id = template.text("launchTemplateId");
        let message = format!(
            "Could not find the specified version {word} for the launch template with ID {id}."
        );
        Refusal::new("InvalidLaunchTemplateId.VersionNotFound", message)
    };
    all.find(|its| wanted.is_some() && its["versionNumber"].as_u64() == wanted).ok_or_else(missing)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Modify {
    launch_template_id: Option<String>,
    launch_template_name: Option<String>,
    set_default_version: String,
}

fn modify(call: &mut Call<'_>, request: Modify) -> Answer {
    let named =
        Named(request.launch_template_id.as_deref(), request.launch_template_name.as_deref());
    let template = named.refer(call)?;
    let number = numbered(template, &request.set_default_version)?["versionNumber"].clone();
    let key = TEMPLATE.key(template.text("launchTemplateId"));
    call.world.edit(&key, |template| template.set("defaultVersionNumber", number));
    Ok(json!({ "launchTemplate": TEMPLATE.show(TEMPLATE.get(call, &key.id)?) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    launch_template_id: Option<String>,
    launch_template_name: Option<String>,
}

fn delete(call: &mut Call<'_>, request: Delete) -> Answer {
    let named =
        Named(request.launch_template_id.as_deref(), request.launch_template_name.as_deref());
    let template = named.find(call, false)?;
    let shown = TEMPLATE.show(template);
    let key = TEMPLATE.key(template.text("launchTemplateId"));
    call.world.remove(&key);
    Ok(json!({ "launchTemplate": shown }))
}
