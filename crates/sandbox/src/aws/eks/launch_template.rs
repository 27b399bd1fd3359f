//! The launch template of a node group: which one it is, and what it may not say.
use super::super::ec2::living::{self, Place};
use super::super::{Call, Refusal};
use super::found::invalid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How a request names a launch template.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Named {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) id: Option<String>,
}

/// A version of a launch template.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Template {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    data: Value,
}

/// Members of a template that EKS sets itself.
const RESERVED: [(&str, &str); 5] = [
    ("iamInstanceProfile", "an IAM instance profile"),
    ("instanceMarketOptions", "spot market options"),
    ("hibernationOptions", "hibernation options"),
    ("instanceInitiatedShutdownBehavior", "a shutdown behavior"),
    ("subnetId", "a subnet"),
];

/// Finds the version of a template that a request names.
///
/// # Errors
/// When it names none, or one twice.
pub(super) fn find(call: &Call<'_>, named: &Named) -> Result<Template, Refusal> {
    let (id, name) = (named.id.as_deref(), named.name.as_deref());
    if id.is_some() == name.is_some() {
        return Err(invalid(
            "Either provide launch template ID or launch template name in the request.",
        ));
    }
    let wanted = id.or(name).unwrap_or_default();
    let missing = || invalid(format!("The specified launch template {wanted} does not exist."));
    let is_it = |text: &str, its: Option<&str>| its.is_none_or(|its| its == text);
    let mut all = call.there("ec2.launch_template").into_iter().map(|(_, template)| template);
    let template = all.find(|template| {
        is_it(template.text("launchTemplateId"), id)
            && is_it(template.text("launchTemplateName"), name)
    });
    let template = template.ok_or_else(missing)?;
    let number = |field: &str| match template.body.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "1".to_owned(),
    };
    let version = match named.version.as_deref() {
        None | Some("$Default") => number("defaultVersionNumber"),
        Some("$Latest") => number("latestVersionNumber"),
        Some(version) => version.to_owned(),
    };
    let id = template.text("launchTemplateId").to_owned();
    let data = living::template(call.world, &Place::of(template), &id, &version);
    let data = data.ok_or_else(|| {
        invalid(format!("The specified version {version} of launch template {id} does not exist."))
    })?;
    Ok(Template { id, name: template.text("launchTemplateName").to_owned(), version, data })
}

impl Template {
    /// Checks that a template leaves to EKS what is EKS's.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn check(&self, has_types: bool) -> Result<(), Refusal> {
        if self.machine().is_some() && has_types {
            return Err(invalid(
                "You cannot specify instance types both in the launch template and in the request.",
            ));
        }
        let taken = RESERVED.iter().find(|(member, _)| self.data.get(member).is_some());
        if let Some((_, what)) = taken {
            return Err(invalid(format!("You cannot specify {what} within the launch template.")));
        }
        let interfaces = self.data["networkInterfaceSet"].as_array().into_iter().flatten();
        match interfaces.into_iter().any(|interface| interface.get("subnetId").is_some()) {
            true => Err(invalid("You cannot specify a subnet within the launch template.")),
            false => Ok(()),
        }
    }

    /// Returns the machine type that it names.
    pub(super) fn machine(&self) -> Option<&str> {
        self.data["instanceType"].as_str()
    }

    /// Tells whether it has an image of its own.
    pub(super) fn has_image(&self) -> bool {
        self.data.get("imageId").is_some()
    }

    /// Returns the security groups that it names; empty where EKS uses the cluster's.
    pub(super) fn groups(&self) -> Vec<String> {
        let texts = |list: &Value| -> Vec<String> {
            let list = list.as_array().into_iter().flatten();
            list.filter_map(|item| Some(item.as_str()?.to_owned())).collect()
        };
        let interfaces = self.data["networkInterfaceSet"].as_array().into_iter().flatten();
        let mut groups = texts(&self.data["securityGroupIdSet"]);
        interfaces.for_each(|interface| {
            groups.extend(texts(&interface["groupSet"]));
            groups.extend(texts(&interface["securityGroupIdSet"]));
        });
        groups
    }

    /// Returns the tags that machines get from it.
    pub(super) fn tags(&self) -> BTreeMap<String, String> {
        let all = self.data["tagSpecificationSet"].as_array().into_iter().flatten();
        let of_machines = all.filter(|one| one["resourceType"] == "instance");
        let tags = of_machines.filter_map(|one| one["tagSet"].as_array()).flatten();
        let pair = |tag: &Value| {
            Some((tag["key"].as_str()?.to_owned(), tag["value"].as_str()?.to_owned()))
        };
        tags.filter_map(pair).collect()
    }

    /// Shows which it is, as a node group does.
    pub(super) fn told(&self) -> Value {
        json!({ "name": self.name, "version": self.version, "id": self.id })
    }

    /// Shows which it is, as a group of machines does.
    pub(super) fn of_group(&self) -> Value {
        json!({
            "LaunchTemplateId": self.id,
            "LaunchTemplateName": self.name,
            "Version": self.version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_eks_is_left_to_it() {
        let template = |data: Value| Template { data, ..Template::default() };
        assert!(template(json!({ "instanceType": "m5.large" })).check(true).is_err());
        assert!(template(json!({ "instanceType": "m5.large" })).check(false).is_ok());
        assert!(template(json!({ "iamInstanceProfile": {} })).check(false).is_err());
        let interface = json!({ "networkInterfaceSet": [{ "subnetId": "subnet-1" }] });
        assert!(template(interface).check(false).is_err());
    }

    #[test]
    fn machines_get_their_own_tags() {
        let tag = |value: &str| json!([{ "key": "team", "value": value }]);
        let data = json!({ "tagSpecificationSet": [
            { "resourceType": "volume", "tagSet": tag("disks") },
            { "resourceType": "instance", "tagSet": tag("data") },
        ] });
        let tags = Template { data, ..Template::default() }.tags();
        assert_eq!(tags, BTreeMap::from([("team".to_owned(), "data".to_owned())]));
    }
}
