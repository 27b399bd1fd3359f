//! One log line for every call, with the id that AWS's support asks for.
//!
//! What is sent and what comes back is never logged: only what was asked, and how it ended.
use crate::wire::explained;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::config::interceptors::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use std::borrow::Cow;
use std::error::Error;
use std::time::Instant;

/// The headers in which services tell the request id.
const REQUEST_ID: [&str; 3] = ["x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id"];

/// Where an error code stands in a reply, and what it ends with: XML, then JSON.
const CODES: [(&str, &[char]); 2] = [("<Code>", &['<']), ("\"__type\":\"", &['"'])];

/// Logs every call of a client: those that change something as information, reads as detail.
#[derive(Debug)]
pub(crate) struct Log;

#[derive(Debug)]
struct Begun(Instant);

impl Storable for Begun {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Begun(Instant::now()));
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = config.load::<Metadata>() else { return Ok(()) };
        let (service, operation) = (metadata.service(), metadata.name());
        let begun = config.load::<Begun>().map(|Begun(begun)| begun.elapsed());
        let ms = begun.and_then(|span| u64::try_from(span.as_millis()).ok());
        let answer = context.response();
        let status = answer.map(|answer| answer.status().as_u16());
        let request_id = answer.and_then(request_id);
        let Some(ended) = context.output_or_error() else { return Ok(()) };
        let outcome = match ended {
            Ok(_) => "ok".into(),
            Err(error) => failure(error, answer),
        };
        let outcome = &*outcome;
        match is_read(operation) {
            true => tracing::debug!(service, operation, outcome, status, ms, request_id, "called"),
            false => tracing::info!(service, operation, outcome, status, ms, request_id, "called"),
        }
        Ok(())
    }
}

/// Returns the error code of an answer, or what kept a call from one: an answer that says it went
/// well did not come to its end.
fn failure<'a>(error: &(dyn Error + 'static), answer: Option<&'a HttpResponse>) -> Cow<'a, str> {
    match answer.filter(|answer| !answer.status().is_success()) {
        Some(answer) => code(answer).unwrap_or("failed").into(),
        None => explained(crate::aws::causes(error)).into(),
    }
}

fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "List"].iter().any(|read| operation.starts_with(read))
}

fn request_id(answer: &HttpResponse) -> Option<&str> {
    REQUEST_ID.iter().find_map(|name| answer.headers().get(*name))
}

/// Returns the error code of an answer, and nothing else of it.
fn code(answer: &HttpResponse) -> Option<&str> {
    let header = answer.headers().get("x-amzn-errortype");
    let found = header.or_else(|| {
        let body = std::str::from_utf8(answer.body().bytes()?).ok()?;
        CODES.iter().find_map(|(before, after)| {
            let (_, rest) = body.split_once(before)?;
            rest.split(*after).next()
        })
    })?;
    let code = found.split(':').next()?.rsplit('#').next()?;
    let is_code = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    (!code.is_empty() && code.chars().all(is_code)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &'static str, error_type: Option<&'static str>) -> HttpResponse {
        let status = 400.try_into().expect("a status");
        let mut answer = HttpResponse::new(status, body.into());
        answer.headers_mut().insert("x-amzn-RequestId", "r-1");
        if let Some(error_type) = error_type {
            answer.headers_mut().insert("x-amzn-errortype", error_type);
        }
        answer
    }

    #[test]
    fn an_answer_that_was_cut_tells_what_cut_it() {
        let cut = std::io::Error::other("the body ended early");
        let mut good = answer("", None);
        *good.status_mut() = 200.try_into().expect("a status");
        assert_eq!(failure(&cut, Some(&good)), "the body ended early");
        assert_eq!(failure(&cut, None), "the body ended early");
        assert_eq!(failure(&cut, Some(&answer("<Code>Busy</Code>", None))), "Busy");
        assert_eq!(failure(&cut, Some(&answer("<html>", None))), "failed");
    }

    #[test]
    fn a_code_is_found_in_every_protocol_and_nothing_else_is() {
        let xml = "<Response><Errors><Error><Code>VpcLimitExceeded</Code></Error></Errors>";
        let rest = Some("ResourceInUseException:http://internal.amazon.com/coral/");
        for (body, header, wanted) in [
            (xml, None, Some("VpcLimitExceeded")),
            (
                r#"{"__type":"com.amazonaws.kms#NotFoundException"}"#,
                None,
                Some("NotFoundException"),
            ),
            (r#"{"message":"busy"}"#, rest, Some("ResourceInUseException")),
            ("<Code>two words</Code>", None, None),
            ("<html>", None, None),
            ("", None, None),
        ] {
            assert_eq!(code(&answer(body, header)), wanted, "{body}");
        }
        assert_eq!(request_id(&answer("", None)), Some("r-1"));
    }
}
