//! The rules of security groups, each of which is an object of its own.
use super::super::{Answer, Call, Refusal, partition};
use super::living::Place;
use super::noun::{invalid, within};
use super::permission::{Peer, Permission, Range, Rule, together};
use super::security_group::GROUP;
use super::{Describe, Noun, Operation, TagSpecification};
use crate::behaviour::Behaviour;
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const UNKNOWN: Behaviour = Behaviour {
    service: "ec2",
    what: "revoking what is no rule is refused as InvalidPermission.NotFound, and nothing is \
        revoked; in the default VPC it is only told",
    seconds: 0,
    source: "Amazon EC2 API Reference, RevokeSecurityGroupIngress",
};

pub(super) static RULE: Noun = Noun {
    kind: "ec2.security_group_rule",
    prefix: "sgr",
    resource_type: "security-group-rule",
    id: "securityGroupRuleId",
    set: "securityGroupRuleSet",
    malformed: "InvalidSecurityGroupRuleId.Malformed",
    missing: (
        "InvalidSecurityGroupRuleId.NotFound",
        "The security group rule ID '{}' does not exist",
    ),
    limit: None,
    filters: &[("group-id", "groupId"), ("security-group-rule-id", "securityGroupRuleId")],
};

pub(super) const OPERATIONS: &[Operation] = &[
    ("AuthorizeSecurityGroupIngress", |call, input| {
        call.run(input, |call, request| authorize(call, request, false))
    }),
    ("AuthorizeSecurityGroupEgress", |call, input| {
        call.run(input, |call, request| authorize(call, request, true))
    }),
    ("RevokeSecurityGroupIngress", |call, input| {
        call.run(input, |call, request| revoke(call, request, false))
    }),
    ("RevokeSecurityGroupEgress", |call, input| {
        call.run(input, |call, request| revoke(call, request, true))
    }),
    ("DescribeSecurityGroupRules", |call, input| {
        Describe::read(call, input, "SecurityGroupRuleId")?.answer(call, &RULE)
    }),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Request {
    group_id: String,
    #[serde(default)]
    ip_permissions: Vec<Permission>,
    cidr_ip: Option<String>,
    ip_protocol: Option<String>,
    from_port: Option<i64>,
    to_port: Option<i64>,
    #[serde(default)]
    security_group_rule_id: Vec<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

impl Request {
    /// Returns the rules that are meant, in the long form or the short one.
    fn rules(&self, call: &Call<'_>) -> Result<Vec<(Rule, Option<String>)>, Refusal> {
        let mut permissions = self.ip_permissions.clone();
        if let Some(cidr) = &self.cidr_ip {
            permissions.push(Permission {
                ip_protocol: self.ip_protocol.clone(),
                from_port: self.from_port,
                to_port: self.to_port,
                ip_ranges: vec![Range { cidr_ip: cidr.clone(), description: None }],
                ..Permission::default()
            });
        }
        if permissions.is_empty() && self.security_group_rule_id.is_empty() {
            let message = "The request must contain the parameter ipPermissions";
            return Err(Refusal::new("MissingParameter", message));
        }
        let mut rules = Vec::new();
        for permission in &permissions {
            rules.extend(permission.rules(&call.caller.account)?);
        }
        Ok(rules)
    }
}

/// Returns the keys of the rules of a group.
pub(super) fn of(world: &World, group: &str) -> Vec<Key> {
    let all = world.of(RULE.kind).filter(|(_, rule)| rule.text("groupId") == group);
    all.map(|(key, _)| key.clone()).collect()
}

/// Returns the rules of a group in one direction.
fn directed<'a>(
    world: &'a World,
    group: &'a str,
    egress: bool,
) -> impl Iterator<Item = (&'a Key, &'a Object)> {
    world.of(RULE.kind).filter(move |(_, rule)| {
        rule.text("groupId") == group && rule.body.get("isEgress") == Some(&json!(egress))
    })
}

fn authorize(call: &mut Call<'_>, request: Request, egress: bool) -> Answer {
    let id = request.group_id.as_str();
    GROUP.refer(call, id)?;
    if !request.security_group_rule_id.is_empty() {
        return Err(Refusal::unsupported("rule ids in an authorization"));
    }
    let rules = request.rules(call)?;
    let tags = TagSpecification::of(&request.tag_specification, &RULE)?;
    let have = directed(call.world, id, egress);
    let mut have: Vec<Rule> = have.filter_map(|(_, rule)| Rule::of(&rule.body)).collect();
    for (rule, _) in &rules {
        if let Peer::Group(other, _) = &rule.peer {
            GROUP.refer(call, other)?;
        }
        if have.contains(rule) {
            let message = format!("the specified rule \"{}\" already exists", rule.words());
            return Err(Refusal::new("InvalidPermission.Duplicate", message));
        }
        within(have.len(), 60, "RulesPerSecurityGroupLimitExceeded", "rule")?;
        have.push(rule.clone());
    }
    let place = Place::here(call);
    let mut made = Vec::new();
    for (rule, description) in rules {
        let key = add(call.world, &place, (id, egress), rule, description, tags.clone());
        made.extend(call.get(&key).map(|rule| RULE.show(rule)));
    }
    Ok(json!({ "return": true, "securityGroupRuleSet": made }))
}

/// Adds a rule to a group, in or out.
pub(super) fn add(
    world: &mut World,
    place: &Place,
    (group, egress): (&str, bool),
    rule: Rule,
    description: Option<String>,
    tags: BTreeMap<String, String>,
) -> Key {
    let id = RULE.draw(world);
    let mut body = rule.shown();
    let (account, region) = (place.account.clone(), place.region.clone());
    let arn = format!("arn:{}:ec2:{region}:{account}:security-group-rule/{id}", partition(&region));
    let common = super::noun::members(json!({
        "securityGroupRuleId": id,
        "securityGroupRuleArn": arn,
        "groupId": group,
        "groupOwnerId": account,
        "isEgress": egress,
        "description": description,
    }));
    body.extend(common);
    let object = Object { account, region, body, tags, made: world.now, ..Object::default() };
    let key = RULE.key(&id);
    world.put(key.clone(), object);
    settle(world, group);
    key
}

/// Makes a group show the rules that it has.
fn settle(world: &mut World, group: &str) {
    for (egress, field) in [(false, "ipPermissions"), (true, "ipPermissionsEgress")] {
        let rules = directed(world, group, egress).filter_map(|(_, rule)| {
            let description = rule.body.get("description").and_then(Value::as_str);
            Some((Rule::of(&rule.body)?, description.map(str::to_owned)))
        });
        let shown = together(&rules.collect::<Vec<_>>());
        world.edit(&GROUP.key(group), |group| group.set(field, shown));
    }
}

fn revoke(call: &mut Call<'_>, request: Request, egress: bool) -> Answer {
    let id = request.group_id.as_str();
    let group = GROUP.refer(call, id)?;
    let vpc = super::vpc::VPC.key(group.text("vpcId"));
    let is_lenient =
        call.get(&vpc).is_some_and(|vpc| vpc.body.get("isDefault") == Some(&json!(true)));
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for rule in &request.security_group_rule_id {
        let its = RULE.refer(call, rule)?;
        if its.text("groupId") != id || its.body.get("isEgress") != Some(&json!(egress)) {
            return Err(RULE.missing(rule));
        }
        found.push(RULE.key(rule));
    }
    for (rule, description) in request.rules(call)? {
        let mut all = directed(call.world, id, egress);
        match all.find(|(_, its)| Rule::of(&its.body).as_ref() == Some(&rule)) {
            Some((key, _)) => found.push(key.clone()),
            None => unknown.push((rule, description)),
        }
    }
    if !unknown.is_empty() && !is_lenient {
        let message = "The specified rule does not exist in this security group.";
        return Err(Refusal::new("InvalidPermission.NotFound", message));
    }
    if !request.tag_specification.is_empty() {
        return Err(invalid("A revocation has no tags."));
    }
    let gone: Vec<Object> = found.iter().filter_map(|key| call.world.remove(key)).collect();
    settle(call.world, id);
    let revoked: Vec<Value> = gone.iter().map(revoked).collect();
    let unknown = together(&unknown);
    Ok(json!({
        "return": true,
        "revokedSecurityGroupRuleSet": revoked,
        "unknownIpPermissionSet": unknown,
    }))
}

/// Shows a rule that is no more.
fn revoked(rule: &Object) -> Value {
    let mut body = rule.body.clone();
    if let Some(group) = body.remove("referencedGroupInfo") {
        body.insert("referencedGroupId".to_owned(), group["groupId"].clone());
    }
    body.retain(|field, _| !["groupOwnerId", "securityGroupRuleArn"].contains(&field.as_str()));
    Value::Object(body)
}
