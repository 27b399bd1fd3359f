//! What all kinds of EC2 have in common: how they are called, made, found and refused.
use super::super::{Call, Refusal};
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A kind of object.
pub(crate) struct Noun {
    /// The kind of its objects, such as `ec2.vpc`.
    pub(crate) kind: &'static str,
    /// What ids begin with.
    pub(crate) prefix: &'static str,
    /// How tag specifications call it.
    pub(crate) resource_type: &'static str,
    /// The member that holds its id.
    pub(crate) id: &'static str,
    /// The member that holds a list of them.
    pub(crate) set: &'static str,
    /// The code for what is no id of this kind.
    pub(crate) malformed: &'static str,
    /// The code for an id that there is not, and the message with `{}` for the id.
    pub(crate) missing: (&'static str, &'static str),
    /// The most that an account may have in a region, with the code that says so.
    pub(crate) limit: Option<(usize, &'static str)>,
    /// Its filters, with where their values are in the body.
    pub(crate) filters: Filters,
}

/// Names of filters, each with the members that lead to its values, through lists.
pub(crate) type Filters = &'static [(&'static str, &'static str)];

impl Noun {
    pub(crate) fn key(&self, id: &str) -> Key {
        Key::new(self.kind, id)
    }

    /// Draws an id for a new one, if the account may have one more.
    ///
    /// # Errors
    /// When it may not.
    pub(crate) fn new_id(&self, call: &mut Call<'_>) -> Result<String, Refusal> {
        if let Some((limit, code)) = self.limit {
            within(call.there(self.kind).len(), limit, code, self.resource_type)?;
        }
        Ok(self.draw(call.world))
    }

    /// Draws an id.
    pub(crate) fn draw(&self, world: &mut World) -> String {
        format!("{}-0{}", self.prefix, world.digits(16))
    }

    /// Returns one that there is.
    ///
    /// # Errors
    /// When there is none with that id.
    pub(crate) fn get<'a>(&self, call: &'a Call<'_>, id: &str) -> Result<&'a Object, Refusal> {
        call.get(&self.key(id)).ok_or_else(|| self.missing(id))
    }

    /// Returns one that a call refers to, as EC2 sees it at the moment: one that is new may not be
    /// there yet, one that has gone is not there whatever is seen.
    ///
    /// # Errors
    /// When there is none with that id.
    pub(crate) fn refer<'a>(&self, call: &'a Call<'_>, id: &str) -> Result<&'a Object, Refusal> {
        call.find(&self.key(id)).ok_or_else(|| self.missing(id))?;
        self.get(call, id)
    }

    /// Refuses an id that there is not, or that is none.
    pub(crate) fn missing(&self, id: &str) -> Refusal {
        let number = id.strip_prefix(self.prefix).and_then(|rest| rest.strip_prefix('-'));
        if !number.is_some_and(|number| number.chars().all(|c| c.is_ascii_hexdigit())) {
            let message = format!("Invalid id: \"{id}\" (expecting \"{}-...\")", self.prefix);
            return Refusal::new(self.malformed, message);
        }
        let (code, message) = self.missing;
        Refusal::new(code, message.replace("{}", id))
    }

    /// Returns the keys of those that fit, in the order of ids.
    pub(crate) fn those(&self, world: &World, fits: impl Fn(&Object) -> bool) -> Vec<Key> {
        let those = world.of(self.kind).filter(|(_, object)| fits(object));
        those.map(|(key, _)| key.clone()).collect()
    }

    /// Shows one as the API does: its body and its tags.
    pub(crate) fn show(&self, object: &Object) -> Value {
        let mut body = object.body.clone();
        body.insert("tagSet".to_owned(), super::tag_set(&object.tags));
        json!(body)
    }
}

/// A request to end an association.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Disassociate {
    pub(crate) association_id: String,
}

/// Begins an object of the caller's.
pub(crate) fn begin(call: &Call<'_>, body: Value, tags: BTreeMap<String, String>) -> Object {
    Object { body: members(body), tags, ..call.object() }
}

/// Returns the members of an object of JSON.
pub(crate) fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Returns the items of a list in a body.
pub(crate) fn items<'a>(object: &'a Object, field: &str) -> &'a [Value] {
    object.body.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Changes the items of a list in a body.
pub(crate) fn items_mut<'a>(object: &'a mut Object, field: &str) -> &'a mut Vec<Value> {
    let list = object.body.entry(field).or_insert_with(|| json!([]));
    if !list.is_array() {
        *list = json!([]);
    }
    list.as_array_mut().expect("it is a list")
}

/// Refuses one more of something.
///
/// # Errors
/// When there are as many as there may be.
pub(crate) fn within(have: usize, limit: usize, code: &str, what: &str) -> Result<(), Refusal> {
    match have < limit {
        true => Ok(()),
        false => {
            let message = format!("The maximum number of {what}s has been reached.");
            Err(Refusal::new(code, message))
        }
    }
}

/// Refuses a value.
pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterValue", message)
}

/// Refuses to delete what others need.
pub(crate) fn needed(what: &str, id: &str) -> Refusal {
    let message = format!("The {what} '{id}' has dependencies and cannot be deleted.");
    Refusal::new("DependencyViolation", message)
}
