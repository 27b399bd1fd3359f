//! The texts of policies: what makes one that IAM takes.
use super::super::Refusal;
use crate::world::{Key, World};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The most characters of a trust policy, without white space.
const LONGEST_TRUST: usize = 2048;

const ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Checks a policy that says what may be done.
///
/// # Errors
/// What is wrong with it.
pub(super) fn permission(text: &str) -> Result<(), Refusal> {
    let syntax = "Syntax errors in policy.";
    let document = parsed(text, syntax)?;
    if document.get("Version").is_some_and(|version| version != "2012-10-17") {
        return Err(malformed("Policy document must be version 2012-10-17 or greater."));
    }
    for statement in statements(&document, syntax)? {
        if statement.contains_key("Principal") || statement.contains_key("NotPrincipal") {
            return Err(malformed("Policy document should not specify a principal."));
        }
        let actions = one_of(statement, "Action", "NotAction", syntax)?;
        let actions = actions.ok_or_else(|| malformed("Policy statement must contain actions."))?;
        if actions.iter().any(|action| *action != "*" && !action.contains(':')) {
            let message =
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
            return Err(malformed(message));
        }
        let resources = one_of(statement, "Resource", "NotResource", syntax)?;
        let resources =
            resources.ok_or_else(|| malformed("Policy statement must contain resources."))?;
        let is_wrong = |resource: &&&str| **resource != "*" && !resource.starts_with("arn:");
        if let Some(wrong) = resources.iter().find(is_wrong) {
            let message = format!("Resource {wrong} must be in ARN format or \"*\".");
            return Err(malformed(message));
        }
    }
    Ok(())
}

/// Checks a policy that says who may take a role on.
///
/// # Errors
/// What is wrong with it, and when it is too long.
pub(super) fn trust(world: &World, text: &str) -> Result<(), Refusal> {
    let syntax = "This policy contains invalid Json";
    let document = parsed(text, syntax)?;
    for statement in statements(&document, "Syntax errors in policy.")? {
        if statement.contains_key("Resource") || statement.contains_key("NotResource") {
            return Err(malformed("Has prohibited field Resource"));
        }
        let principal = statement.get("Principal").or_else(|| statement.get("NotPrincipal"));
        let principal = principal.ok_or_else(|| malformed("Missing required field Principal"))?;
        principals(world, principal)?;
        let actions = one_of(statement, "Action", "NotAction", syntax)?;
        let actions = actions.ok_or_else(|| malformed("Missing required field Action"))?;
        let is_sts =
            |action: &&str| *action == "*" || action.to_ascii_lowercase().starts_with("sts:");
        if !actions.iter().all(is_sts) {
            let message = "AssumeRole policy may only specify STS AssumeRole actions.";
            return Err(malformed(message));
        }
    }
    match text.chars().filter(|letter| !letter.is_whitespace()).count() > LONGEST_TRUST {
        true => Err(super::entity::limit("ACLSizePerRole", LONGEST_TRUST)),
        false => Ok(()),
    }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new("MalformedPolicyDocument", message)
}

fn parsed(text: &str, syntax: &str) -> Result<Map<String, Value>, Refusal> {
    if text.starts_with(char::is_whitespace) {
        return Err(malformed("JSON strings must not have leading spaces"));
    }
    let document: Map<String, Value> = serde_json::from_str(text).map_err(|_| malformed(syntax))?;
    let is_known = |name: &String| ["Version", "Id", "Statement"].contains(&name.as_str());
    let version = document
        .get("Version")
        .is_none_or(|version| matches!(version.as_str(), Some("2012-10-17" | "2008-10-17")));
    match document.keys().all(is_known) && version {
        true => Ok(document),
        false => Err(malformed("Syntax errors in policy.")),
    }
}

fn statements<'a>(
    document: &'a Map<String, Value>,
    syntax: &str,
) -> Result<Vec<&'a Map<String, Value>>, Refusal> {
    let all: Vec<&Value> = match document.get("Statement") {
        Some(Value::Array(all)) if !all.is_empty() => all.iter().collect(),
        Some(one @ Value::Object(_)) => vec![one],
        _ => return Err(malformed(syntax)),
    };
    let all: Option<Vec<_>> = all.into_iter().map(Value::as_object).collect();
    let all = all.ok_or_else(|| malformed(syntax))?;
    let is_sound = |statement: &&Map<String, Value>| {
        let effect = statement.get("Effect").and_then(Value::as_str);
        let condition = statement.get("Condition");
        statement.keys().all(|name| ELEMENTS.contains(&name.as_str()))
            && matches!(effect, Some("Allow" | "Deny"))
            && condition.is_none_or(|condition| {
                condition.as_object().is_some_and(|all| all.values().all(Value::is_object))
            })
    };
    if !all.iter().all(is_sound) {
        return Err(malformed(syntax));
    }
    let ids: Vec<_> = all.iter().filter_map(|statement| statement.get("Sid")).collect();
    let distinct: BTreeSet<_> = ids.iter().map(|id| id.to_string()).collect();
    match distinct.len() == ids.len() {
        true => Ok(all),
        false => Err(malformed("Statement IDs (SID) in a single policy must be unique.")),
    }
}

/// Returns the texts of one of two elements, of which a statement has at most one.
fn one_of<'a>(
    statement: &'a Map<String, Value>,
    one: &str,
    other: &str,
    syntax: &str,
) -> Result<Option<Vec<&'a str>>, Refusal> {
    match (statement.get(one), statement.get(other)) {
        (None, None) => Ok(None),
        (Some(value), None) | (None, Some(value)) => {
            texts(value).map(Some).ok_or_else(|| malformed(syntax))
        }
        (Some(_), Some(_)) => Err(malformed("Syntax errors in policy.")),
    }
}

/// Reads one text, or a list of them.
pub(super) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(all) if !all.is_empty() => all.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn principals(world: &World, principal: &Value) -> Result<(), Refusal> {
    let Value::Object(kinds) = principal else {
        return match principal.as_str() {
            Some("*") => Ok(()),
            _ => Err(malformed("Syntax errors in policy.")),
        };
    };
    for (kind, named) in kinds {
        let named = texts(named).ok_or_else(|| malformed("Syntax errors in policy."))?;
        let is_known = |name: &str| match kind.as_str() {
            "AWS" => is_aws(world, name),
            "Service" => name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn"),
            "Federated" => true,
            _ => false,
        };
        if let Some(wrong) = named.iter().find(|name| !is_known(name)) {
            let kind = if kind == "Service" { "SERVICE" } else { kind };
            return Err(malformed(format!("Invalid principal in policy: \"{kind}\":\"{wrong}\"")));
        }
    }
    Ok(())
}

/// Tells whether there is such a principal: roles are looked up, accounts are taken as they are.
fn is_aws(world: &World, name: &str) -> bool {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    match parts[..] {
        _ if name == "*" || is_account(name) => true,
        ["arn", _, "iam", "", account, rest] if is_account(account) => {
            rest == "root"
                || rest.starts_with("user/")
                || world.get(&Key::new("iam.role", name)).is_some()
        }
        ["arn", _, "sts", "", account, rest] => {
            is_account(account) && rest.starts_with("assumed-role/")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(result: Result<(), Refusal>) -> String {
        result.unwrap_err().message
    }

    fn trusting(changes: Value) -> String {
        let mut statement = json!({
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": { "Service": "eks.amazonaws.com" },
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(statement.as_object_mut().unwrap().remove(name)),
                _ => statement[name] = value.clone(),
            }
        }
        json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
    }

    #[test]
    fn a_trust_policy_names_somebody_and_nothing_else() {
        let world = World::new(1, 0);
        let check = |changes| trust(&world, &trusting(changes));
        assert!(check(json!({})).is_ok());
        assert!(check(json!({ "Principal": "*" })).is_ok());
        assert_eq!(refused(trust(&world, "{")), "This policy contains invalid Json");
        assert_eq!(
            refused(check(json!({ "Principal": null }))),
            "Missing required field Principal"
        );
        assert_eq!(refused(check(json!({ "Resource": "*" }))), "Has prohibited field Resource");
        assert_eq!(refused(check(json!({ "Effect": "Maybe" }))), "Syntax errors in policy.");
        let wrong = check(json!({ "Principal": { "Service": "eks" } }));
        assert_eq!(refused(wrong), r#"Invalid principal in policy: "SERVICE":"eks""#);
        let role = "arn:aws:iam::123456789012:role/none";
        assert!(refused(check(json!({ "Principal": { "AWS": role } }))).contains(role));
        let wrong = check(json!({ "Action": "s3:GetObject" }));
        assert!(refused(wrong).contains("may only specify STS"));
        let long = json!({ "Condition": { "StringEquals": { "aws:x": "y".repeat(2048) } } });
        assert_eq!(check(long).unwrap_err().code, "LimitExceeded");
    }

    #[test]
    fn a_permission_says_what_and_with_what() {
        let check = |statement: Value| {
            permission(&json!({ "Version": "2012-10-17", "Statement": statement }).to_string())
        };
        let good = json!({ "Effect": "Allow", "Action": "s3:Get*", "Resource": "*" });
        assert!(check(good.clone()).is_ok());
        assert!(check(json!([good])).is_ok());
        let without = |name: &str| {
            let mut statement = good.clone();
            statement.as_object_mut().unwrap().remove(name);
            refused(check(statement))
        };
        assert_eq!(without("Action"), "Policy statement must contain actions.");
        assert_eq!(without("Resource"), "Policy statement must contain resources.");
        assert_eq!(refused(check(json!([]))), "Syntax errors in policy.");
        let mut principal = good.clone();
        principal["Principal"] = json!("*");
        assert_eq!(refused(check(principal)), "Policy document should not specify a principal.");
    }
}
