//! Client tokens: the same request again is the same object again.
use super::super::{Call, Refusal};
use super::found::{invalid, seconds};
use crate::behaviour::Behaviour;
use crate::world::{Key, Object};
use serde::Serialize;
use serde_json::{Map, Value};

pub(super) const AGAIN: Behaviour = Behaviour {
    service: "eks",
    what: "a request under a client token that was used is answered with what the first made, as it \
        is by then; another request under it is refused as InvalidParameterException",
    seconds: 0,
    source: "assumption",
};

pub(super) const DELETED: Behaviour = Behaviour {
    service: "eks",
    what: "a client token is forgotten with what it made, and makes something new",
    seconds: 0,
    source: "assumption",
};

/// A request, and the token that its caller gave it.
pub(super) struct Asked {
    token: Option<String>,
    request: Value,
}

impl Asked {
    pub(super) fn new(operation: &str, request: &impl Serialize, token: Option<&String>) -> Self {
        let mut members = Map::from_iter([("operation".to_owned(), Value::from(operation))]);
        if let Ok(Value::Object(request)) = serde_json::to_value(request) {
            members.extend(request);
        }
        members.remove("clientRequestToken");
        Self { token: token.cloned(), request: Value::Object(members) }
    }

    /// Returns what an earlier request with the same token made, as long as that is there.
    ///
    /// # Errors
    /// When that request was another one.
    pub(super) fn made_before(&self, call: &Call<'_>, kind: &str) -> Result<Option<Key>, Refusal> {
        let Some(token) = &self.token else { return Ok(None) };
        let mut all = call.there(kind).into_iter();
        match all.find(|(_, object)| object.secret("token") == token) {
            None => Ok(None),
            Some((key, object)) if object.hidden.get("request") == Some(&self.request) => {
                Ok(Some(key.clone()))
            }
            Some(_) => Err(invalid(format!(
                "The client request token {token} was used before with other parameters."
            ))),
        }
    }

    /// Remembers the request on what it makes.
    pub(super) fn keep(self, object: &mut Object) {
        if let Some(token) = self.token {
            object.hide("token", token);
            object.hide("request", self.request);
        }
    }
}

/// Notes that something was changed now.
pub(super) fn modified(object: &mut Object, now: crate::clock::Time) {
    object.set("modifiedAt", seconds(now));
}
