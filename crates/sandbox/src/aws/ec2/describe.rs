//! How EC2 lists: by ids or filters, in pages.
use super::super::{Answer, Call, Input, Page, Refusal};
use super::Noun;
use crate::world::Object;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A filter: one of its values must fit.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Filter {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) value: Vec<String>,
}

/// What a listing is asked for.
#[derive(Debug)]
pub(crate) struct Describe {
    pub(crate) ids: Vec<String>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) page: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    #[serde(default)]
    filter: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

impl Describe {
    /// Reads what is asked; ids are in the member `ids`.
    ///
    /// # Errors
    /// When there is a member that no listing has.
    pub(crate) fn read(call: &Call<'_>, input: &Input, ids: &str) -> Result<Self, Refusal> {
        let wrong = |why: String| Refusal::new("InvalidParameterValue", why);
        let mut members: Members = input.read().map_err(wrong)?;
        let listed = match members.rest.remove(ids) {
            Some(Value::Object(listed)) => listed,
            _ => Default::default(),
        };
        let mut listed: Vec<_> =
            listed.iter().map(|(n, id)| (n.parse::<u32>().unwrap_or(0), id.as_str())).collect();
        listed.sort_unstable();
        if let Some(unknown) = members.rest.keys().next() {
            let operation = call.operation;
            return Err(Refusal::unsupported(&format!("the parameter {unknown} of {operation}")));
        }
        if members.max_results.is_some_and(|size| !(5..=1000).contains(&size)) && listed.is_empty()
        {
            let message = "Value ( MaxResults ) must be between 5 and 1000.";
            return Err(wrong(message.to_owned()));
        }
        if members.max_results.is_some() && !listed.is_empty() {
            let message = "The parameter MaxResults cannot be used with a list of ids.";
            return Err(Refusal::new("InvalidParameterCombination", message));
        }
        Ok(Self {
            ids: listed.into_iter().filter_map(|(_, id)| Some(id?.to_owned())).collect(),
            filters: members.filter,
            page: Page { size: members.max_results, token: members.next_token },
        })
    }

    /// Lists the objects of a kind.
    ///
    /// # Errors
    /// For an id that there is not, and a filter that there is not.
    pub(crate) fn answer(&self, call: &Call<'_>, noun: &Noun) -> Answer {
        let found = self.find(call, noun)?;
        let wrong = || Refusal::new("InvalidNextToken", "The token is not valid.");
        let named = |object: &&Object| object.text(noun.id).to_owned();
        let (page, next) = self.page.cut(found, named, wrong)?;
        let set: Vec<Value> = page.into_iter().map(|object| noun.show(object)).collect();
        Ok(json!({ noun.set: set, "nextToken": next }))
    }

    /// Returns the objects that are asked for, as reads see them.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub(crate) fn find<'a>(
        &self,
        call: &'a Call<'_>,
        noun: &Noun,
    ) -> Result<Vec<&'a Object>, Refusal> {
        if let Some(id) = self.ids.iter().find(|id| call.find(&noun.key(id)).is_none()) {
            return Err(noun.missing(id));
        }
        let all = call.seen(noun.kind).into_iter();
        let asked = all.filter(|(key, _)| self.ids.is_empty() || self.ids.contains(&key.id));
        let mut found = Vec::new();
        for (_, object) in asked {
            if matches(call, noun, object, &self.filters)? {
                found.push(object);
            }
        }
        Ok(found)
    }
}

fn matches(
    call: &Call<'_>,
    noun: &Noun,
    object: &Object,
    filters: &[Filter],
) -> Result<bool, Refusal> {
    for filter in filters {
        let values = values(call, noun, object, &filter.name).ok_or_else(|| {
            let message = format!("The filter '{}' is invalid", filter.name);
            Refusal::new("InvalidParameterValue", message)
        })?;
        let fits = |wanted: &String| values.iter().any(|value| glob(wanted, value));
        if !filter.value.iter().any(fits) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn values(call: &Call<'_>, noun: &Noun, object: &Object, name: &str) -> Option<Vec<String>> {
    if let Some(key) = name.strip_prefix("tag:") {
        return Some(object.tags.get(key).into_iter().cloned().collect());
    }
    match name {
        "tag-key" => Some(object.tags.keys().cloned().collect()),
        "owner-id" => Some(vec![object.account.clone()]),
        _ => (noun.filter)(call, object, name).or_else(|| member(noun, object, name)),
    }
}

/// Returns the member that a filter is named after: `vpc-id` is `vpcId`. A kind has the filters
/// that its first object has members, so its `filter` names those that may be missing.
fn member(noun: &Noun, object: &Object, name: &str) -> Option<Vec<String>> {
    let mut words = name.split('-');
    let mut field = words.next()?.to_owned();
    for word in words {
        let (first, rest) = word.split_at_checked(1)?;
        field.extend([first.to_ascii_uppercase().as_str(), rest]);
    }
    let id = (field == noun.id).then_some(noun.id);
    match object.body.get(id.unwrap_or(&field))? {
        Value::String(text) => Some(vec![text.clone()]),
        value @ (Value::Bool(_) | Value::Number(_)) => Some(vec![value.to_string()]),
        _ => None,
    }
}

/// Tells whether a value fits a pattern in which `*` stands for anything and `?` for one character.
fn glob(pattern: &str, value: &str) -> bool {
    let (pattern, value) = (pattern.as_bytes(), value.as_bytes());
    let (mut p, mut v, mut star) = (0, 0, None);
    while v < value.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, v));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == value[v]) {
            (p, v) = (p + 1, v + 1);
        } else if let Some((at, from)) = star {
            (p, v, star) = (at + 1, from + 1, Some((at, from + 1)));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_ec2_says() {
        for (pattern, value, fits) in [
            ("a*c", "abbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("abc", "abcd", false),
            ("*b*b*", "abab", true),
        ] {
            assert_eq!(glob(pattern, value), fits, "{pattern} {value}");
        }
    }
}
