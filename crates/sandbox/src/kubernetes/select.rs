//! Selectors: which objects a list or a watch is about.
use super::kind::Kind;
use super::objects::text;
use super::status::Status;
use serde_json::Value;

/// What labels must be like.
#[derive(Clone, Debug, PartialEq)]
enum Rule {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// A selector of labels; an empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Labels(Vec<Rule>);

impl Labels {
    /// Reads the text of a selector, such as `app=web,tier in (a, b),!old`.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn read(text: &str) -> Result<Self, Status> {
        let wrong = |part: &str| {
            let message =
                format!("unable to parse requirement: found '{part}', expected: a selector");
            Status::bad(message)
        };
        let rules =
            split(text).into_iter().map(|part| Rule::read(&part).ok_or_else(|| wrong(&part)));
        Ok(Self(rules.collect::<Result<_, _>>()?))
    }

    /// Reads the selector of an object, with `matchLabels` and `matchExpressions`.
    pub(super) fn of(selector: &Value) -> Self {
        let pairs = selector["matchLabels"].as_object().into_iter().flatten();
        let mut rules: Vec<Rule> = pairs.map(|(key, value)| Rule::equal(key, value)).collect();
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let key = text(expression, "/key").to_owned();
            let values = expression["values"].as_array().into_iter().flatten();
            let values = values.filter_map(|it| Some(it.as_str()?.to_owned())).collect();
            rules.push(match text(expression, "/operator") {
                "In" => Rule::In(key, values),
                "NotIn" => Rule::NotIn(key, values),
                "Exists" => Rule::Exists(key),
                _ => Rule::Missing(key),
            });
        }
        Self(rules)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether labels are as they must be.
    pub(super) fn fit(&self, labels: &Value) -> bool {
        let of = |key: &str| labels.get(key).and_then(Value::as_str);
        let among = |key: &str, values: &[String]| {
            of(key).is_some_and(|value| values.iter().any(|it| it == value))
        };
        self.0.iter().all(|rule| match rule {
            Rule::In(key, values) => among(key, values),
            Rule::NotIn(key, values) => !among(key, values),
            Rule::Exists(key) => of(key).is_some(),
            Rule::Missing(key) => of(key).is_none(),
        })
    }
}

impl Rule {
    fn equal(key: &str, value: &Value) -> Self {
        Self::In(key.to_owned(), vec![value.as_str().unwrap_or_default().to_owned()])
    }

    fn read(part: &str) -> Option<Self> {
        let is_key = |text: &str| {
            let fit = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            !text.is_empty() && text.chars().all(fit)
        };
        let key = |text: &str| Some(text.trim()).filter(|text| is_key(text)).map(str::to_owned);
        if let Some(rest) = part.strip_prefix('!') {
            return Some(Self::Missing(key(rest)?));
        }
        if let Some((left, values)) = part.split_once('(') {
            let values = values.strip_suffix(')')?.split(',').map(|it| it.trim().to_owned());
            let values = values.collect();
            let left = left.trim();
            return match left.strip_suffix(" notin") {
                Some(left) => Some(Self::NotIn(key(left)?, values)),
                None => Some(Self::In(key(left.strip_suffix(" in")?)?, values)),
            };
        }
        if let Some((left, right)) = part.split_once("!=") {
            return Some(Self::NotIn(key(left)?, vec![right.trim().to_owned()]));
        }
        if let Some((left, right)) = part.split_once("==").or_else(|| part.split_once('=')) {
            return Some(Self::In(key(left)?, vec![right.trim().to_owned()]));
        }
        Some(Self::Exists(key(part)?))
    }
}

/// Writes the selector of an object as text.
pub(super) fn written(selector: &Value) -> String {
    let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pairs = selector["matchLabels"].as_object().into_iter().flatten();
    let pairs = pairs.map(|(key, value)| format!("{key}={}", of(value)));
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    let expressions = expressions.map(|it| {
        let values = it["values"].as_array().into_iter().flatten().map(of);
        let (key, values) = (of(&it["key"]), values.collect::<Vec<_>>().join(","));
        match of(&it["operator"]).as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key,
            _ => format!("!{key}"),
        }
    });
    pairs.chain(expressions).collect::<Vec<_>>().join(",")
}

/// Splits a selector at the commas that are outside parentheses.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match (c, depth) {
            (',', 0) => parts.push(String::new()),
            (c, _) => parts.last_mut().expect("there is always one").push(c),
        }
    }
    let parts = parts.into_iter().map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

/// A selector of fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, bool, String)>);

impl Fields {
    /// Reads the text of a selector, such as `metadata.name=a,status.phase!=Running`.
    ///
    /// # Errors
    /// When it is none, or names a field that a kind cannot be selected by.
    pub(super) fn read(text: &str, kind: &Kind) -> Result<Self, Status> {
        let mut rules = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (field, equal, value) = match part.split_once("!=") {
                Some((field, value)) => (field, false, value),
                None => {
                    let pair = part.split_once("==").or_else(|| part.split_once('='));
                    let wrong = || {
                        Status::bad(format!(
                            "invalid selector: '{part}'; can't understand '{part}'"
                        ))
                    };
                    let (field, value) = pair.ok_or_else(wrong)?;
                    (field, true, value)
                }
            };
            if !fields(&kind.plural).contains(&field) {
                return Err(Status::bad(format!("field label not supported: {field}")));
            }
            rules.push((field.to_owned(), equal, value.to_owned()));
        }
        Ok(Self(rules))
    }

    /// Tells whether an object is selected.
    pub(super) fn fit(&self, object: &Value) -> bool {
        self.0.iter().all(|(field, equal, value)| {
            let pointer = format!("/{}", field.replace('.', "/"));
            let its = match object.pointer(&pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None if field == "spec.unschedulable" => "false".to_owned(),
                Some(Value::Null) | None => String::new(),
                Some(other) => other.to_string(),
            };
            (its == *value) == *equal
        })
    }
}

/// Returns the fields that a kind can be selected by.
fn fields(plural: &str) -> Vec<&'static str> {
    let own: &[&str] = match plural {
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
        ],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.name",
            "involvedObject.namespace",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "secrets" => &["type"],
        "namespaces" => &["status.phase"],
        "nodes" => &["spec.unschedulable"],
        "jobs" => &["status.successful"],
        "services" => &["spec.clusterIP", "spec.type"],
        _ => &[],
    };
    ["metadata.name", "metadata.namespace"].into_iter().chain(own.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_are_selected_by_every_form() {
        let labels = json!({ "app": "web", "tier": "a" });
        for (selector, fits) in [
            ("app=web", true),
            ("app==web,tier!=b", true),
            ("app in (web, api),tier notin (b)", true),
            ("app,!old", true),
            ("old", false),
            ("app!=web", false),
            ("", true),
        ] {
            assert_eq!(Labels::read(selector).unwrap().fit(&labels), fits, "{selector}");
        }
        assert_eq!(Labels::read("a b").unwrap_err().code, 400);
    }

    #[test]
    fn fields_are_those_of_the_kind() {
        let pods = Kind::named("pods");
        let pod =
            json!({ "metadata": { "name": "a" }, "spec": {}, "status": { "phase": "Pending" } });
        let fits = |text: &str| Fields::read(text, pods).unwrap().fit(&pod);
        assert!(fits("metadata.name=a,status.phase!=Running") && fits("spec.nodeName="));
        assert!(!fits("metadata.name=b"));
        let wrong = Fields::read("spec.x=1", pods).unwrap_err();
        assert_eq!(wrong.message, "field label not supported: spec.x");
    }
}
