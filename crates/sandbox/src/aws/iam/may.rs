//! What a role may do: its policies, evaluated.
use super::trust::permits;
use super::{inline, policy};
use crate::world::{Key, World};
use std::collections::BTreeMap;

/// Actions that policies of AWS allow, whose texts the sandbox does not have: the name of the
/// policy, and what its actions begin with.
const OF_AWS: &[(&str, &[&str])] = &[
    ("AdministratorAccess", &[""]),
    ("AmazonEBSCSIDriverEKSClusterScopedPolicy", EBS),
    ("AmazonEBSCSIDriverPolicy", EBS),
    ("AmazonEBSCSIDriverPolicyV2", EBS),
    ("AmazonEC2FullAccess", &["ec2:", "elasticloadbalancing:", "cloudwatch:", "autoscaling:"]),
    ("AutoScalingFullAccess", &["autoscaling:"]),
    ("PowerUserAccess", &["autoscaling:", "ec2:", "eks:"]),
];

const EBS: &[&str] = &[
    "ec2:AttachVolume",
    "ec2:CreateSnapshot",
    "ec2:CreateTags",
    "ec2:CreateVolume",
    "ec2:DeleteSnapshot",
    "ec2:DeleteTags",
    "ec2:DeleteVolume",
    "ec2:Describe",
    "ec2:DetachVolume",
    "ec2:ModifyVolume",
];

/// Tells whether a role may do something, with what conditions ask for: their keys in lower case.
pub(crate) fn may(
    world: &World,
    role: &str,
    action: &str,
    context: &BTreeMap<String, String>,
) -> bool {
    let Some(object) = world.get(&Key::new("iam.role", role)) else { return false };
    let attached: Vec<&str> = policy::attached(object).collect();
    let is_of_aws = |arn: &&str| {
        let name = arn.rsplit('/').next().unwrap_or_default();
        let known = OF_AWS.iter().find(|(its, _)| *its == name && arn.contains(":iam::aws:"));
        known.is_some_and(|(_, begins)| begins.iter().any(|begin| action.starts_with(begin)))
    };
    let own = attached.iter().filter_map(|arn| policy::text(world, arn));
    let texts: Vec<String> = inline::texts(object).chain(own).collect();
    let told: Vec<Option<bool>> = texts.iter().map(|text| permits(text, action, context)).collect();
    let is_denied = told.contains(&Some(false));
    !is_denied && (told.contains(&Some(true)) || attached.iter().any(is_of_aws))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Object;
    use serde_json::{Value, json};

    const ROLE: &str = "arn:aws:iam::123456789012:role/r";

    fn world(statements: Value, attached: &[&str]) -> World {
        let mut world = World::new(1, 0);
        let mut role = Object::default();
        role.hide("inline", json!({ "p": json!({ "Statement": statements }).to_string() }));
        role.hide("policies", json!(attached));
        world.put(Key::new("iam.role", ROLE), role);
        world
    }

    #[test]
    fn a_role_may_what_a_statement_allows_and_none_denies() {
        let owned = json!({ "StringEquals": { "aws:ResourceTag/k8s.io/cluster": "owned" } });
        let allow = json!({ "Effect": "Allow", "Action": "autoscaling:Set*", "Resource": "*",
            "Condition": owned });
        let world_of = |more: Vec<Value>| world(json!([vec![allow.clone()], more].concat()), &[]);
        let tagged =
            BTreeMap::from([("aws:resourcetag/k8s.io/cluster".to_owned(), "owned".to_owned())]);
        let set = "autoscaling:SetDesiredCapacity";
        assert!(may(&world_of(vec![]), ROLE, set, &tagged));
        assert!(!may(&world_of(vec![]), ROLE, set, &BTreeMap::new()), "its tag is missing");
        assert!(!may(&world_of(vec![]), ROLE, "autoscaling:TerminateInstance", &tagged));
        let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
        assert!(!may(&world_of(vec![deny]), ROLE, set, &tagged));
        assert!(!may(&World::new(1, 0), ROLE, set, &tagged), "there is no such role");
    }

    #[test]
    fn policies_of_aws_count() {
        let arn = "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy";
        let world = world(json!([]), &[arn]);
        assert!(may(&world, ROLE, "ec2:CreateVolume", &BTreeMap::new()));
        assert!(!may(&world, ROLE, "autoscaling:SetDesiredCapacity", &BTreeMap::new()));
    }
}
