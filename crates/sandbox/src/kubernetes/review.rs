//! Questions that callers ask about themselves.
use super::allow::{self, Wish};
use super::objects::{Cluster, text};
use super::status::Status;
use super::who::User;
use crate::server::Reply;
use crate::world::World;
use serde_json::{Value, json};

/// Answers a question.
///
/// # Errors
/// When it cannot be read.
pub(super) fn answer(
    world: &World,
    cluster: &Cluster,
    user: &User,
    plural: &str,
    body: &[u8],
) -> Result<Reply, Status> {
    let mut said: Value = serde_json::from_slice(body)
        .map_err(|error| Status::bad(format!("the object provided is unrecognized: {error}")))?;
    said["status"] = match plural {
        "selfsubjectreviews" => json!({ "userInfo": {
            "username": user.name,
            "uid": user.uid,
            "groups": user.groups,
            "extra": user.extra,
        } }),
        _ => access(world, cluster, user, &said["spec"])?,
    };
    Ok(Reply::json(201, &said))
}

/// Tells whether the caller may do something.
fn access(world: &World, cluster: &Cluster, user: &User, spec: &Value) -> Result<Value, Status> {
    let wish = match (&spec["resourceAttributes"], &spec["nonResourceAttributes"]) {
        (Value::Object(_), Value::Null) => {
            let of = |field: &str| text(spec, &format!("/resourceAttributes/{field}")).to_owned();
            let resource = match of("subresource").as_str() {
                "" => of("resource"),
                subresource => format!("{}/{subresource}", of("resource")),
            };
            let (verb, group) = (of("verb"), of("group"));
            let (namespace, name) = (of("namespace"), of("name"));
            Wish { verb, group, resource, namespace, name, path: String::new() }
        }
        (Value::Null, Value::Object(_)) => {
            let of =
                |field: &str| text(spec, &format!("/nonResourceAttributes/{field}")).to_owned();
            Wish { verb: of("verb"), path: of("path"), ..Wish::default() }
        }
        _ => {
            let message = "exactly one of nonResourceAttributes or resourceAttributes must be \
                           specified";
            return Err(Status::bad(message));
        }
    };
    let reason = allow::reason(world, cluster, user, &wish);
    let mut status = json!({ "allowed": reason.is_some() });
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        status["reason"] = json!(reason);
    }
    Ok(status)
}
