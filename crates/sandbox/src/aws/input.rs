//! What a request asks for, read into the type of its operation.
use super::refusal::Refusal;
use serde::Serialize;
use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The members of a request.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// From a form: all leaves are texts.
    Form(Tree),
    /// From JSON, with what the route and the query string say.
    Json(Value),
}

impl Input {
    /// Reads the members into a type.
    ///
    /// # Errors
    /// What serde says is wrong with them.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        match self {
            Self::Form(tree) => T::deserialize(tree).map_err(|error| error.to_string()),
            Self::Json(value) => T::deserialize(value).map_err(|error| error.to_string()),
        }
    }

    /// Returns what tells one request from another, and nothing of what it holds.
    pub(crate) fn digest(&self) -> String {
        let text = match self {
            Self::Form(tree) => serde_json::to_vec(tree),
            Self::Json(value) => serde_json::to_vec(value),
        };
        let digest = Sha256::digest(text.unwrap_or_default());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// How many members a form may have, and how many dots the name of one: far more than any that AWS
/// describes.
const MEMBERS: usize = 20_000;
const DOTS: usize = 16;

/// A form, with its dots and numbers made into a tree.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Tree {
    Text(String),
    Branch(BTreeMap<String, Tree>),
}

impl Tree {
    /// Reads a form such as `Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1`.
    ///
    /// # Errors
    /// When it has too many members, or one with too many dots.
    pub(crate) fn of_form(body: &[u8]) -> Result<Self, Refusal> {
        let mut root = Self::Branch(BTreeMap::new());
        for (place, (name, value)) in form_urlencoded::parse(body).enumerate() {
            if place == MEMBERS || name.matches('.').nth(DOTS).is_some() {
                let limits = format!("{MEMBERS} members of {DOTS} levels");
                let message = format!("The request has more than {limits}");
                return Err(Refusal::new("MalformedQueryString", message));
            }
            root.put(&name, &value);
        }
        Ok(root)
    }

    fn put(&mut self, name: &str, value: &str) {
        let Self::Branch(members) = self else { return };
        match name.split_once('.') {
            None => drop(members.insert(name.to_owned(), Self::Text(value.to_owned()))),
            Some((first, rest)) => {
                let branch = members.entry(first.to_owned());
                branch.or_insert_with(|| Self::Branch(BTreeMap::new())).put(rest, value);
            }
        }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let Self::Branch(members) = self else { return None };
        match members.remove(name)? {
            Self::Text(text) => Some(text),
            Self::Branch(_) => None,
        }
    }

    /// Returns the items of a list, in order: `{1: a, 2: b}`, or that below `member`.
    fn items(&self) -> Vec<&Tree> {
        let Self::Branch(members) = self else { return Vec::new() };
        if let (Some(list), 1) = (members.get("member"), members.len()) {
            return list.items();
        }
        let numbered = members.iter().map(|(name, item)| (name.parse().unwrap_or(0), item));
        let mut numbered: Vec<(u32, &Tree)> = numbered.collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, item)| item).collect()
    }
}

type Wrong = serde::de::value::Error;

impl<'de> IntoDeserializer<'de, Wrong> for &'de Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads a text as another type.
macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            let Tree::Text(text) = self else { return self.deserialize_any(visitor) };
            let value: $type = text
                .parse()
                .map_err(|_| Wrong::custom(format!("invalid value: {text:?}")))?;
            visitor.$visit(value)
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Tree {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self {
            Tree::Text(text) => visitor.visit_str(text),
            Tree::Branch(members) => {
                let members = members.iter().map(|(name, tree)| (name.as_str(), tree));
                visitor.visit_map(MapDeserializer::new(members))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_seq(SeqDeserializer::new(self.items().into_iter()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self {
            Tree::Text(text) => {
                let text: StrDeserializer<'_, Wrong> = text.as_str().into_deserializer();
                text.deserialize_enum(name, variants, visitor)
            }
            Tree::Branch(_) => self.deserialize_any(visitor),
        }
    }

    parsed!(deserialize_bool visit_bool bool, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_f64 visit_f64 f64);

    forward_to_deserialize_any! {
        i8 i16 u8 u16 f32 char str string bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Example {
        name: String,
        #[serde(default)]
        count: Option<i64>,
        #[serde(default)]
        on: bool,
        #[serde(default)]
        filter: Vec<Inner>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Inner {
        value: Vec<String>,
    }

    fn read(form: &str) -> Result<Example, String> {
        Input::Form(Tree::of_form(form.as_bytes()).unwrap()).read()
    }

    #[test]
    fn a_form_becomes_its_type() {
        let filter = vec![
            Inner { value: vec!["a".into(), "j".into()] },
            Inner { value: vec!["k l".into()] },
        ];
        let wanted = Example { name: "x".into(), count: Some(12), on: true, filter };
        let form = "Name=x&Count=12&On=true&Filter.1.Value.1=a&Filter.1.Value.10=j&Filter.2.Value.member.1=k+l";
        assert_eq!(read(form), Ok(wanted));
    }

    #[test]
    fn a_form_has_bounds() {
        let code = |form: &str| Tree::of_form(form.as_bytes()).map_err(|refusal| refusal.code);
        let deep = |dots: usize| format!("{}=x", "a.".repeat(dots));
        assert!(code(&deep(16)).is_ok());
        for form in [deep(17), deep(1_000_000), "a=b&".repeat(20_001)] {
            assert_eq!(code(&form), Err("MalformedQueryString".to_owned()));
        }
    }

    #[test]
    fn the_order_of_members_is_no_difference() {
        let digest = |form: &str| Input::Form(Tree::of_form(form.as_bytes()).unwrap()).digest();
        assert_eq!(digest("A.1=x&B=y"), digest("B=y&A.1=x"));
        assert_ne!(digest("A.1=x&B=y"), digest("A.2=x&B=y"));
        assert_eq!(digest("A=x").len(), 64);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        assert!(read("Count=1").unwrap_err().contains("missing field `Name`"));
        assert!(read("Name=x&Count=many").unwrap_err().contains("many"));
        assert!(read("Name=x&Nmae=y").unwrap_err().contains("unknown field `Nmae`"));
    }
}
