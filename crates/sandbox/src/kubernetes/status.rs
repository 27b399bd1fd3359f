//! How the API says no: the Status object.
use super::kind::Kind;
use crate::server::Reply;
use serde_json::{Value, json};

/// An error as Kubernetes writes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status {
    pub(super) code: u16,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) details: Value,
}

impl Status {
    pub(super) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    pub(super) fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} not found", kind.resource());
        Self::new(404, "NotFound", message).about(kind, name)
    }

    /// Says that nothing is served at a path.
    pub(super) fn no_path() -> Self {
        let message = "the server could not find the requested resource";
        let details = json!({});
        Self { details, ..Self::new(404, "NotFound", message) }
    }

    pub(super) fn no_method() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self { details: json!({}), ..Self::new(405, "MethodNotAllowed", message) }
    }

    pub(super) fn exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", kind.resource());
        Self::new(409, "AlreadyExists", message).about(kind, name)
    }

    pub(super) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let resource = kind.resource();
        let message = format!("Operation cannot be fulfilled on {resource} {name:?}: {why}");
        Self::new(409, "Conflict", message).about(kind, name)
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// Refuses what an object says, with one problem or several.
    pub(super) fn invalid(kind: &Kind, name: &str, problems: &[Problem]) -> Self {
        let texts: Vec<String> = problems.iter().map(Problem::text).collect();
        let all = match &texts[..] {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} {name:?} is invalid: {all}", kind.qualified());
        let causes: Vec<Value> = problems.iter().map(Problem::cause).collect();
        let mut details = json!({ "name": name, "kind": kind.kind, "causes": causes });
        if !kind.group.is_empty() {
            details["group"] = json!(kind.group);
        }
        Self { details, ..Self::new(422, "Invalid", message) }
    }

    fn about(mut self, kind: &Kind, name: &str) -> Self {
        self.details = json!({ "name": name, "kind": kind.plural });
        if !kind.group.is_empty() {
            self.details["group"] = json!(kind.group);
        }
        self
    }

    pub(super) fn to_value(&self) -> Value {
        let mut value = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        });
        if !self.details.is_null() {
            value["details"] = self.details.clone();
        }
        value["code"] = json!(self.code);
        value
    }

    pub(super) fn reply(&self) -> Reply {
        let reply = Reply::json(self.code, &self.to_value());
        match self.code {
            429 => reply.header("retry-after", "1"),
            _ => reply,
        }
    }
}

/// Something in an object that cannot be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    field: String,
    sort: Sort,
    /// The value that is wrong, where Kubernetes shows it.
    value: Option<String>,
    why: String,
}

/// How Kubernetes sorts problems.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sort {
    Required,
    Invalid,
    Forbidden,
}

impl Problem {
    pub(super) fn required(field: impl Into<String>, why: &str) -> Self {
        let (field, why) = (field.into(), why.to_owned());
        Self { field, sort: Sort::Required, value: None, why }
    }

    pub(super) fn invalid(field: impl Into<String>, value: &Value, why: impl Into<String>) -> Self {
        let value = Some(value.to_string());
        Self { field: field.into(), sort: Sort::Invalid, value, why: why.into() }
    }

    pub(super) fn forbidden(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), sort: Sort::Forbidden, value: None, why: why.into() }
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self.sort {
            Sort::Required => ("Required value", "FieldValueRequired"),
            Sort::Invalid => ("Invalid value", "FieldValueInvalid"),
            Sort::Forbidden => ("Forbidden", "FieldValueForbidden"),
        }
    }

    /// Says what is wrong, without where.
    fn told(&self) -> String {
        let parts = [Some(self.words().0.to_owned()), self.value.clone()];
        let why = Some(self.why.clone()).filter(|why| !why.is_empty());
        parts.into_iter().chain([why]).flatten().collect::<Vec<_>>().join(": ")
    }

    fn text(&self) -> String {
        format!("{}: {}", self.field, self.told())
    }

    fn cause(&self) -> Value {
        json!({ "reason": self.words().1, "message": self.told(), "field": self.field })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_words_of_kubernetes() {
        let kind = Kind::named("storageclasses");
        let missing = Status::not_found(kind, "fast");
        assert_eq!(missing.message, "storageclasses.storage.k8s.io \"fast\" not found");
        let problem = Problem::forbidden("parameters", "updates to parameters are forbidden.");
        let invalid = Status::invalid(kind, "fast", &[problem]);
        let wanted = "StorageClass.storage.k8s.io \"fast\" is invalid: parameters: Forbidden: \
                      updates to parameters are forbidden.";
        assert_eq!(invalid.message, wanted);
        assert_eq!(invalid.to_value()["details"]["causes"][0]["field"], "parameters");
    }
}
