//! Who may take a role on: trust policies, evaluated.
use super::super::Refusal;
use super::document::texts;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Whoever asks for a role.
#[derive(Debug)]
pub(crate) enum Asker<'a> {
    /// A service, of whose calls only some conditions are known: the others are taken as met.
    Service(&'a str),
    /// Somebody of an account, with every ARN that names them.
    Somebody { account: &'a str, arns: &'a [String] },
}

/// What is asked for, and by whom.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) asker: Asker<'a>,
    pub(crate) action: &'a str,
    /// What conditions may ask for, with keys in lower case.
    pub(crate) context: BTreeMap<String, String>,
}

/// Tells whether a trust policy allows what is asked: a statement does, and none denies it.
///
/// # Errors
/// For a condition that the sandbox cannot evaluate.
pub(crate) fn allows(document: &str, ask: &Ask<'_>) -> Result<bool, Refusal> {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let mut allowed = false;
    for statement in statements(&document) {
        if is_for(statement, ask)? {
            match statement.get("Effect").and_then(Value::as_str) {
                Some("Allow") => allowed = true,
                _ => return Ok(false),
            }
        }
    }
    Ok(allowed)
}

/// Tells whether a policy that says what its bearer may do allows an action, or denies it; nothing
/// when it does neither. A condition that the sandbox cannot evaluate is not met.
pub(super) fn permits(
    document: &str,
    action: &str,
    context: &BTreeMap<String, String>,
) -> Option<bool> {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let asker = Asker::Somebody { account: "", arns: &[] };
    let ask = Ask { asker, action, context: context.clone() };
    let about = |statement: &&Map<String, Value>| is_about(statement, &ask).unwrap_or(false);
    let effects: Vec<&Value> =
        statements(&document).filter(about).map(|statement| &statement["Effect"]).collect();
    match effects.iter().any(|effect| **effect != "Allow") {
        true => Some(false),
        false => (!effects.is_empty()).then_some(true),
    }
}

fn statements(document: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let all = match &document["Statement"] {
        Value::Array(all) => all.iter().collect(),
        one => vec![one],
    };
    all.into_iter().filter_map(Value::as_object)
}

fn is_for(statement: &Map<String, Value>, ask: &Ask<'_>) -> Result<bool, Refusal> {
    let is_named = |value: &Value| names(value, &ask.asker);
    Ok(fits(statement, "Principal", "NotPrincipal", &is_named) && is_about(statement, ask)?)
}

/// Tells whether one of two elements, of which a statement has at most one, is as it must be.
fn fits(
    statement: &Map<String, Value>,
    yes: &str,
    no: &str,
    test: &dyn Fn(&Value) -> bool,
) -> bool {
    match statement.get(yes) {
        Some(value) => test(value),
        None => statement.get(no).is_some_and(|value| !test(value)),
    }
}

/// Tells whether a statement is about what is asked, and its conditions are met.
fn is_about(statement: &Map<String, Value>, ask: &Ask<'_>) -> Result<bool, Refusal> {
    let is_action = |value: &Value| {
        let wanted = ask.action.to_ascii_lowercase();
        let patterns = texts(value).unwrap_or_default().into_iter();
        patterns.map(str::to_ascii_lowercase).any(|pattern| like(&pattern, &wanted))
    };
    if !fits(statement, "Action", "NotAction", &is_action) {
        return Ok(false);
    }
    let conditions = statement.get("Condition").and_then(Value::as_object);
    for (operator, wanted) in conditions.into_iter().flatten() {
        for (key, values) in wanted.as_object().into_iter().flatten() {
            if !holds(operator, key, values, ask)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn names(principal: &Value, asker: &Asker<'_>) -> bool {
    let of = |kind: &str| principal.get(kind).and_then(texts).unwrap_or_default();
    match asker {
        Asker::Service(service) => of("Service").contains(service),
        Asker::Somebody { account, arns } => {
            let is_theirs = |name: &str| match name.strip_suffix(":root") {
                Some(of_account) => of_account.ends_with(&format!(":iam::{account}")),
                None => name == "*" || name == *account || arns.iter().any(|arn| arn == name),
            };
            principal == "*" || of("AWS").into_iter().any(is_theirs)
        }
    }
}

fn holds(operator: &str, key: &str, values: &Value, ask: &Ask<'_>) -> Result<bool, Refusal> {
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let told = ask.context.get(&key.to_ascii_lowercase());
    let Some(told) = told else {
        let negated = operator.contains("Not");
        return Ok(if_exists || negated || matches!(ask.asker, Asker::Service(_)));
    };
    let wanted: Vec<String> = match values {
        Value::Bool(value) => vec![value.to_string()],
        _ => texts(values).unwrap_or_default().into_iter().map(str::to_owned).collect(),
    };
    let any = |fits: fn(&str, &str) -> bool| wanted.iter().any(|wanted| fits(wanted, told));
    match operator {
        "StringEquals" | "Bool" => Ok(any(|wanted, told| wanted == told)),
        "StringNotEquals" => Ok(!any(|wanted, told| wanted == told)),
        "StringEqualsIgnoreCase" => Ok(any(str::eq_ignore_ascii_case)),
        "StringLike" | "ArnLike" | "ArnEquals" => Ok(any(like)),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => Ok(!any(like)),
        _ => Err(Refusal::unsupported(&format!("the condition operator {operator}"))),
    }
}

/// Tells whether a text fits a pattern in which `*` stands for anything and `?` for one character.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            places.any(|at| like(rest, &text[at..]))
        }
        Some(first) => {
            let mut letters = text.chars();
            let letter = letters.next();
            letter.is_some_and(|letter| first == '?' || first == letter)
                && like(&pattern[first.len_utf8()..], letters.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn allowed(statement: Value, external: Option<&str>) -> bool {
        let arns = ["arn:aws:iam::111111111111:role/runner".to_owned()];
        let external = external.map(|id| ("sts:externalid".to_owned(), id.to_owned()));
        let ask = Ask {
            asker: Asker::Somebody { account: "111111111111", arns: &arns },
            action: "sts:AssumeRole",
            context: external.into_iter().collect(),
        };
        allows(&json!({ "Statement": statement }).to_string(), &ask).unwrap()
    }

    fn trusting(principal: Value) -> Value {
        json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal })
    }

    #[test]
    fn whoever_is_named_may() {
        for named in [
            json!("*"),
            json!({ "AWS": "arn:aws:iam::111111111111:root" }),
            json!({ "AWS": ["222222222222", "111111111111"] }),
            json!({ "AWS": "arn:aws:iam::111111111111:role/runner" }),
        ] {
            assert!(allowed(trusting(named.clone()), None), "{named}");
        }
        for other in [
            json!({ "AWS": "arn:aws:iam::222222222222:root" }),
            json!({ "AWS": "arn:aws:iam::111111111111:role/other" }),
            json!({ "Service": "eks.amazonaws.com" }),
        ] {
            assert!(!allowed(trusting(other.clone()), None), "{other}");
        }
        let mut denied = trusting(json!("*"));
        denied["Effect"] = json!("Deny");
        assert!(!allowed(json!([trusting(json!("*")), denied]), None));
    }

    #[test]
    fn an_external_id_is_asked_for() {
        let mut statement = trusting(json!("*"));
        statement["Condition"] = json!({ "StringEquals": { "sts:ExternalId": ["one", "two"] } });
        assert!(allowed(statement.clone(), Some("two")));
        assert!(!allowed(statement.clone(), Some("three")));
        assert!(!allowed(statement, None));
    }

    #[test]
    fn patterns_stand_for_texts() {
        assert!(like("sts:*", "sts:assumerole") && like("a?c*", "abc") && like("*", ""));
        assert!(!like("sts:Tag*", "sts:AssumeRole") && !like("a?", "a"));
    }
}
