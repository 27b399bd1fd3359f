//! What a failed call of the Kubernetes API means for what happens next.
use kube::core::Status;
use provision_core::{Error, Kind, Result};
use serde::de::DeserializeOwned;

/// Reads an answer. What it holds is told to nobody: it may be a secret.
pub(crate) fn parsed<T: DeserializeOwned>(text: &str) -> Result<T> {
    let cut = |_| Error::new(Kind::Retry, "the answer is not what the API answers");
    serde_json::from_str(text).map_err(cut)
}

/// Turns a failure into our error. `known` tells that the cluster has let the caller in before.
pub(crate) fn failed(error: kube::Error, known: bool, way_in: &'static str) -> Error {
    match error {
        kube::Error::Api(status) => refused(&status, known, way_in),
        error => unanswered(causes(&error)),
    }
}

fn refused(status: &Status, known: bool, way_in: &'static str) -> Error {
    let kind = classify(status, known);
    let message = match status.message.is_empty() {
        true => format!("it answered {}", status.code),
        false => status.message.clone(),
    };
    let code = match status.code {
        // Where a whole kind is not served the answer may be no status.
        404 => Some("NotFound".to_owned()),
        _ => Some(status.reason.clone()).filter(|reason| !reason.is_empty()),
    };
    let error = Error { code, ..Error::new(kind, message) };
    match (status.code, kind) {
        (401, _) => error.hint(format!("the cluster does not know the caller: {way_in}")),
        (403, Kind::Denied | Kind::Propagation) => {
            error.hint(format!("the cluster does not allow the caller to do that: {way_in}"))
        }
        (409, Kind::Exists) if is_conflict(status) => error.hint(
            "somebody else looks after the same field: let them give it up, or leave it out of \
             the cluster file",
        ),
        _ => error,
    }
}

/// Tells what a refusal means. Whoever was never let in may be let in soon: a cloud takes a moment
/// to tell a cluster whom it let in.
fn classify(status: &Status, known: bool) -> Kind {
    match status.code {
        401 => Kind::Propagation,
        403 if status.message.contains("being terminated") => Kind::Blocked,
        403 if status.message.contains("exceeded quota") => Kind::Quota,
        403 if known => Kind::Denied,
        403 => Kind::Propagation,
        409 if status.reason == "AlreadyExists" || is_conflict(status) => Kind::Exists,
        // What is refused for a version is asked for again with the next.
        409 | 410 | 429 | 500..=599 => Kind::Retry,
        _ => Kind::Invalid,
    }
}

/// Tells whether somebody else is the manager of a field.
fn is_conflict(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.reason == "FieldManagerConflict")
}

/// Makes the error of a call that nobody answered.
fn unanswered(causes: String) -> Error {
    if causes.contains("invalid peer certificate") {
        return Error::new(Kind::Invalid, causes).hint(
            "the API shows another certificate than its cloud tells: where a proxy reads along, \
             name the endpoint in NO_PROXY",
        );
    }
    let hint = "run the same command again from where the Kubernetes API can be reached; \
                kubernetes.api in the cluster file says from where that is";
    Error::new(Kind::Retry, format!("the Kubernetes API does not answer: {causes}")).hint(hint)
}

/// Joins an error's sources on one line, each once.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut all: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        if all.last().is_none_or(|last| !last.contains(&text)) {
            all.push(text);
        }
        next = source.source();
    }
    match all.is_empty() {
        true => error.to_string(),
        false => all.join(": "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(status: serde_json::Value, known: bool) -> Error {
        let status: Status = serde_json::from_value(status).unwrap();
        failed(kube::Error::Api(Box::new(status)), known, "ask whoever made it")
    }

    #[test]
    fn refusals_mean_what_comes_next() {
        let conflict = json!({ "causes": [{ "reason": "FieldManagerConflict",
            "message": "conflict with \"kubectl\" using v1", "field": ".allowVolumeExpansion" }] });
        for (status, known, kind) in [
            (json!({ "code": 401, "reason": "Unauthorized" }), true, Kind::Propagation),
            (json!({ "code": 403, "reason": "Forbidden" }), false, Kind::Propagation),
            (json!({ "code": 403, "reason": "Forbidden" }), true, Kind::Denied),
            (
                json!({ "code": 403, "message": "unable to create new content in namespace a \
                        because it is being terminated" }),
                true,
                Kind::Blocked,
            ),
            (json!({ "code": 403, "message": "exceeded quota: a" }), true, Kind::Quota),
            (json!({ "code": 404, "reason": "NotFound" }), true, Kind::Invalid),
            (json!({ "code": 409, "reason": "AlreadyExists" }), true, Kind::Exists),
            (json!({ "code": 409, "reason": "Conflict" }), true, Kind::Retry),
            (json!({ "code": 409, "reason": "Conflict", "details": conflict }), true, Kind::Exists),
            (json!({ "code": 422, "reason": "Invalid" }), true, Kind::Invalid),
            (json!({ "code": 429 }), true, Kind::Retry),
            (json!({ "code": 504 }), true, Kind::Retry),
        ] {
            assert_eq!(told(status.clone(), known).kind, kind, "{status}");
        }
    }

    #[test]
    fn whoever_is_not_let_in_learns_how_to_be() {
        let error = told(json!({ "code": 401, "reason": "Unauthorized", "message": "no" }), false);
        assert_eq!(error.to_string(), "Unauthorized: no");
        assert!(error.hint.unwrap().ends_with(": ask whoever made it"));
    }

    #[test]
    fn an_answer_that_is_cut_is_not_shown() {
        let error = parsed::<serde_json::Value>(r#"{"data":{"a":"czNjcmV0"#).unwrap_err();
        assert_eq!((error.kind, error.to_string().contains("czNj")), (Kind::Retry, false));
    }
}
