//! The protocols that AWS's services speak: two of forms and XML, two of JSON.
use super::input::{Input, Tree};
use super::refusal::Refusal;
use super::routes;
use super::signature::Signature;
use crate::server::{Reply, Request};
use aws_smithy_xml::encode::{ScopeWriter, XmlWriter};
use serde_json::{Map, Value, json};

/// What the entries of a map are named, which stand side by side where items of lists have an
/// element around them.
const ENTRY: &str = "entry";

/// How a service speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocol {
    /// EC2's own dialect of the next.
    Ec2,
    /// Forms in, XML out, in a namespace.
    Query(&'static str),
    /// JSON with the operation in a header, after this target.
    Json(&'static str),
    /// JSON with the operation in the route.
    Rest,
}

/// The version of EC2's API.
const EC2_VERSION: &str = "2016-11-15";

/// The type of JSON whose operation is in a header.
const JSON: &str = "application/x-amz-json-1.1";

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) operation: String,
    pub(crate) input: Input,
}

impl Protocol {
    /// Reads a request.
    ///
    /// # Errors
    /// When it is not one of this protocol.
    pub(crate) fn decode(self, request: &Request) -> Result<Asked, Refusal> {
        match self {
            Self::Ec2 | Self::Query(_) => {
                let mut form = match request.method.as_str() {
                    "GET" => Tree::of_form(Signature::unsigned(&request.query).as_bytes()),
                    _ => Tree::of_form(&request.body),
                }?;
                let nothing = || Refusal::new("MissingAction", "the request names no action");
                let operation = form.take("Action").ok_or_else(nothing)?;
                self.is_of(&operation, form.take("Version").as_deref())?;
                Ok(Asked { operation, input: Input::Form(form) })
            }
            Self::Json(target) => {
                let asked = request.header("x-amz-target").unwrap_or_default();
                let operation = asked.strip_prefix(target).and_then(|it| it.strip_prefix('.'));
                let nothing =
                    || Refusal::new("UnknownOperationException", "no operation of it is named");
                let operation = operation.ok_or_else(nothing)?.to_owned();
                Ok(Asked { operation, input: Input::Json(body(request)?) })
            }
            Self::Rest => {
                let Value::Object(mut members) = body(request)? else {
                    return Err(malformed("the body is not an object"));
                };
                let route = routes::find(&request.method, &request.path);
                let (operation, labels) = route.ok_or_else(|| {
                    let route = format!("{} {}", request.method, request.path);
                    Refusal::unsupported(&format!("the route {route}")).status(404)
                })?;
                members.extend(labels);
                members.extend(routes::query(&operation, &request.query)?);
                Ok(Asked { operation, input: Input::Json(Value::Object(members)) })
            }
        }
    }

    /// Refuses an operation of a version of the API that there is not here.
    fn is_of(self, operation: &str, version: Option<&str>) -> Result<(), Refusal> {
        let own = match self {
            Self::Query(space) => space.trim_end_matches('/').rsplit('/').next(),
            _ => Some(EC2_VERSION),
        };
        if version == own {
            return Ok(());
        }
        Err(match (self, version) {
            (Self::Ec2, Some(version)) => {
                let message = format!(
                    "The requested version ({version}) of service AmazonEC2 does not exist"
                );
                Refusal::new("NoSuchVersion", message)
            }
            _ => {
                let version = version.unwrap_or("NO_VERSION_SPECIFIED");
                let message = format!("Could not find operation {operation} for version {version}");
                Refusal::new("InvalidAction", message)
            }
        })
    }

    /// Writes an answer.
    pub(crate) fn answer(self, operation: &str, answer: Value, id: &str) -> Reply {
        match self {
            Self::Ec2 => {
                let mut members = Map::from_iter([("requestId".to_owned(), json!(id))]);
                members.extend(answer.as_object().cloned().unwrap_or_default());
                let name = format!("{operation}Response");
                let space = format!("http://ec2.amazonaws.com/doc/{EC2_VERSION}/");
                Reply::xml(200, xml(&name, &space, "item", &Value::Object(members)))
            }
            Self::Query(space) => {
                let name = format!("{operation}Response");
                let result = format!("{operation}Result");
                let answer = json!({ result: answer, "ResponseMetadata": { "RequestId": id } });
                Reply::xml(200, xml(&name, space, "member", &answer))
            }
            Self::Json(_) if answer.is_null() => Reply::empty(200).of_type(JSON),
            Self::Json(_) => Reply::json(200, &answer).of_type(JSON),
            Self::Rest => Reply::json(200, &answer),
        }
        .header(self.request_id(), id)
    }

    /// Writes an error.
    pub(crate) fn refuse(self, refusal: &Refusal, id: &str) -> Reply {
        let Refusal { status, code, message, fields } = refusal;
        match self {
            Self::Ec2 => {
                let error = json!([{ "Code": code, "Message": message }]);
                let answer = json!({ "Errors": error, "RequestID": id });
                Reply::xml(*status, xml("Response", "", "Error", &answer))
            }
            Self::Query(space) => {
                let side = if *status < 500 { "Sender" } else { "Receiver" };
                let error = json!({ "Type": side, "Code": code, "Message": message });
                let answer = json!({ "Error": error, "RequestId": id });
                Reply::xml(*status, xml("ErrorResponse", space, "member", &answer))
            }
            Self::Json(_) => {
                let mut answer = Map::clone(fields);
                answer.insert("__type".to_owned(), json!(code));
                answer.insert("message".to_owned(), json!(message));
                Reply::json(*status, &Value::Object(answer)).of_type(JSON)
            }
            Self::Rest => {
                let mut answer = Map::clone(fields);
                answer.insert("message".to_owned(), json!(message));
                Reply::json(*status, &Value::Object(answer)).header("x-amzn-ErrorType", code)
            }
        }
        .header(self.request_id(), id)
    }

    fn request_id(self) -> &'static str {
        match self {
            Self::Ec2 => "x-amz-request-id",
            _ => "x-amzn-RequestId",
        }
    }
}

fn malformed(why: &str) -> Refusal {
    Refusal::new("SerializationException", why)
}

/// Reads a body of JSON; an empty one says nothing.
fn body(request: &Request) -> Result<Value, Refusal> {
    match request.body.is_empty() {
        true => Ok(json!({})),
        false => serde_json::from_slice(&request.body).map_err(|e| malformed(&e.to_string())),
    }
}

/// Writes a value as XML. The items of a list are named alike.
fn xml(name: &str, space: &str, item: &str, value: &Value) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut writer = XmlWriter::new(&mut text);
    let root = writer.start_el(name);
    let root = if space.is_empty() { root } else { root.write_ns(space, None) };
    let mut scope = root.finish();
    write(&mut scope, item, value);
    scope.finish();
    text
}

fn write(scope: &mut ScopeWriter<'_, '_>, item: &str, value: &Value) {
    let mut child = |name: &str, value: &Value| {
        let mut inner = scope.start_el(name).finish();
        write(&mut inner, item, value);
        inner.finish();
    };
    match value {
        Value::Null => {}
        Value::Object(members) => {
            let told = members.iter().filter(|(_, value)| !value.is_null());
            told.for_each(|(name, value)| match value {
                Value::Array(entries) if name == ENTRY => {
                    entries.iter().for_each(|entry| child(ENTRY, entry));
                }
                _ => child(name, value),
            });
        }
        Value::Array(items) => items.iter().for_each(|value| child(item, value)),
        Value::String(text) => scope.data(text),
        other => scope.data(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_texts_become_xml() {
        let value = json!({ "set": [{ "id": "a<b" }, { "id": 2 }], "none": null, "empty": [], "map": { "entry": [1, 2] } });
        let text = xml("R", "urn:x", "item", &value);
        let inner = "<set><item><id>a&lt;b</id></item><item><id>2</id></item></set><empty></empty>\
                     <map><entry>1</entry><entry>2</entry></map>";
        assert!(text.ends_with(&format!("<R xmlns=\"urn:x\">{inner}</R>")), "{text}");
    }

    #[test]
    fn every_protocol_has_its_own_error() {
        let refusal = Refusal::new("Oh", "no").field("clusterName", "c");
        let text =
            |protocol: Protocol| String::from_utf8(protocol.refuse(&refusal, "id-1").body).unwrap();
        let ec2 = text(Protocol::Ec2);
        assert!(ec2.contains("<Errors><Error><Code>Oh</Code>"), "{ec2}");
        assert!(text(Protocol::Query("urn:x")).contains("<Type>Sender</Type><Code>Oh</Code>"));
        assert!(text(Protocol::Json("Keys")).contains(r#""__type":"Oh""#));
        assert!(text(Protocol::Rest).contains(r#""clusterName":"c""#));
    }

    #[test]
    fn what_is_asked_of_another_api_is_refused() {
        let asked = |protocol: Protocol, target: &str, body: &str| {
            let headers = vec![("x-amz-target".to_owned(), target.to_owned())];
            let [method, path] = ["POST", "/"].map(str::to_owned);
            let (target, query, body) = (path.clone(), String::new(), body.into());
            let request = Request { method, target, path, query, headers, body };
            protocol.decode(&request).map_or_else(|it| it.code, |asked| asked.operation)
        };
        let (iam, keys) = (Protocol::Query("https://iam/doc/2010-05-08/"), Protocol::Json("Keys"));
        assert_eq!(asked(iam, "", "Action=GetRole&Version=2010-05-08"), "GetRole");
        assert_eq!(asked(iam, "", "Action=GetRole&Version=2011-06-15"), "InvalidAction");
        assert_eq!(asked(iam, "", "Action=GetRole"), "InvalidAction");
        assert_eq!(asked(Protocol::Ec2, "", "Action=CreateVpc&Version=2016-11-15"), "CreateVpc");
        assert_eq!(
            asked(Protocol::Ec2, "", "Action=CreateVpc&Version=1999-01-01"),
            "NoSuchVersion"
        );
        assert_eq!(asked(keys, "Keys.ListKeys", "{}"), "ListKeys");
        assert_eq!(asked(keys, "Logs.ListKeys", "{}"), "UnknownOperationException");
    }
}
