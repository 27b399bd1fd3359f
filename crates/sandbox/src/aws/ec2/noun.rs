//! What all kinds of EC2 have in common: how they are called, found and refused.
use super::super::{Call, Refusal};
use crate::world::{Key, Object};
use serde_json::{Value, json};

/// A kind of object.
pub(crate) struct Noun {
    /// The kind of its objects, such as `ec2.vpc`.
    pub(crate) kind: &'static str,
    /// What ids begin with, which is also how tag specifications call it.
    pub(crate) prefix: &'static str,
    /// How tag specifications call it.
    pub(crate) resource_type: &'static str,
    /// The member that holds its id.
    pub(crate) id: &'static str,
    /// The member that holds a list of them.
    pub(crate) set: &'static str,
    /// The code for an id that there is not, and what the message calls the id.
    pub(crate) missing: (&'static str, &'static str),
    /// The most that an account may have in a region, with the code that says so.
    pub(crate) limit: Option<(usize, &'static str)>,
    /// Other values of filters than members of the body. `None` for a name that it does not know.
    pub(crate) filter: fn(&Call<'_>, &Object, &str) -> Option<Vec<String>>,
}

impl Noun {
    pub(crate) fn key(&self, id: &str) -> Key {
        Key::new(self.kind, id)
    }

    /// Draws an id for a new one, if the account may have one more.
    ///
    /// # Errors
    /// When it may not.
    pub(crate) fn new_id(&self, call: &mut Call<'_>) -> Result<String, Refusal> {
        if let Some((limit, code)) = self.limit
            && call.there(self.kind).len() >= limit
        {
            let message =
                format!("The maximum number of {}s has been reached.", self.resource_type);
            return Err(Refusal::new(code, message));
        }
        Ok(format!("{}-0{}", self.prefix, call.world.digits(16)))
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

    pub(crate) fn missing(&self, id: &str) -> Refusal {
        let (code, what) = self.missing;
        Refusal::new(code, format!("The {what} '{id}' does not exist"))
    }

    /// Shows one as the API does: its body and its tags.
    pub(crate) fn show(&self, object: &Object) -> Value {
        let mut body = object.body.clone();
        body.insert("tagSet".to_owned(), super::tag_set(&object.tags));
        json!(body)
    }
}
