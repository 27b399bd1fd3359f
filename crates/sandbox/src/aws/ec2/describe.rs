//! How EC2 lists: by ids or filters, in pages.
use super::super::{Answer, Call, Input, Page, Refusal};
use super::Noun;
use super::noun::{Filters, invalid};
use crate::world::Object;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A filter: one of its values must fit.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Filter {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) value: Vec<String>,
}

/// What a listing is asked for.
#[derive(Debug, Default)]
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
        let mut members: Members = input.read().map_err(invalid)?;
        let listed = members.rest.remove(ids).map_or_else(Vec::new, |list| texts(&list));
        if let Some(unknown) = members.rest.keys().next() {
            let operation = call.operation;
            return Err(Refusal::unsupported(&format!("the parameter {unknown} of {operation}")));
        }
        if listed.is_empty() {
            within_page(members.max_results, 5..=1000)?;
        }
        if members.max_results.is_some() && !listed.is_empty() {
            let message = format!("The parameter {ids}s cannot be used with MaxResults.");
            return Err(Refusal::new("InvalidParameterCombination", message));
        }
        Ok(Self {
            ids: listed,
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
        let named = |object: &&Object| object.text(noun.id).to_owned();
        let (page, next) = self.page.cut(found, named, no_page)?;
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
        check(&self.filters, noun.filters)?;
        let asked = |(key, object): (_, &'a Object)| {
            let key: &crate::world::Key = key;
            let is_asked = self.ids.is_empty() || self.ids.contains(&key.id);
            (is_asked && self.fits(noun, object)).then_some(object)
        };
        Ok(call.seen(noun.kind).into_iter().filter_map(asked).collect())
    }

    fn fits(&self, noun: &Noun, object: &Object) -> bool {
        let fits = |filter| fits_body(filter, noun.filters, &object.body, Some(&object.tags));
        self.filters.iter().all(fits)
    }

    /// Lists what is no object: `items`, which are told apart by `name`.
    ///
    /// # Errors
    /// For a filter that there is not.
    pub(crate) fn list(
        &self,
        set: &str,
        items: Vec<Value>,
        filters: Filters,
        name: impl Fn(&Value) -> String,
    ) -> Answer {
        check(&self.filters, filters)?;
        let fits = |item: &Value| {
            let body = item.as_object();
            body.is_some_and(|body| self.filters.iter().all(|f| fits_body(f, filters, body, None)))
        };
        let found: Vec<Value> = items.into_iter().filter(fits).collect();
        let (page, next) = self.page.cut(found, name, no_page)?;
        Ok(json!({ set: page, "nextToken": next }))
    }
}

/// Refuses a page that is too small or too large.
pub(super) fn within_page(
    size: Option<usize>,
    sizes: RangeInclusive<usize>,
) -> Result<(), Refusal> {
    match size.is_none_or(|size| sizes.contains(&size)) {
        true => Ok(()),
        false => {
            let (least, most) = (sizes.start(), sizes.end());
            Err(invalid(format!("Value ( MaxResults ) must be between {least} and {most}.")))
        }
    }
}

/// Returns the texts of a list that came as a form.
pub(super) fn texts(list: &Value) -> Vec<String> {
    let Value::Object(list) = list else { return Vec::new() };
    let numbered = list.iter().filter_map(|(n, item)| Some((n.parse::<u32>().ok()?, item)));
    let mut numbered: Vec<_> = numbered.collect();
    numbered.sort_by_key(|(n, _)| *n);
    numbered.into_iter().filter_map(|(_, item)| Some(item.as_str()?.to_owned())).collect()
}

pub(super) fn no_page() -> Refusal {
    Refusal::new("InvalidNextToken", "The token is not valid.")
}

/// Refuses filters that a listing does not have.
pub(super) fn check(filters: &[Filter], known: Filters) -> Result<(), Refusal> {
    let is_known = |name: &str| {
        name == "tag-key" || name.starts_with("tag:") || known.iter().any(|(its, _)| *its == name)
    };
    match filters.iter().find(|filter| !is_known(&filter.name)) {
        Some(filter) => Err(invalid(format!("The filter '{}' is invalid", filter.name))),
        None => Ok(()),
    }
}

/// Tells whether what is in a body, or in tags, fits a filter.
pub(super) fn fits_body(
    filter: &Filter,
    known: Filters,
    body: &serde_json::Map<String, Value>,
    tags: Option<&BTreeMap<String, String>>,
) -> bool {
    let mut values = Vec::new();
    match filter.name.strip_prefix("tag:") {
        Some(key) => values.extend(tags.and_then(|tags| tags.get(key)).cloned()),
        None if filter.name == "tag-key" => {
            values.extend(tags.into_iter().flat_map(BTreeMap::keys).cloned());
        }
        None => {
            let path = known.iter().find(|(name, _)| *name == filter.name);
            let (first, rest) = path
                .map(|(_, path)| path.split_once('.').unwrap_or((path, "")))
                .unwrap_or_default();
            if let Some(value) = body.get(first) {
                follow(value, rest, &mut values);
            }
        }
    }
    let fits = |wanted: &String| values.iter().any(|value| glob(wanted, value));
    filter.value.iter().any(fits)
}

/// Collects the values that a path leads to, through lists.
fn follow(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| follow(item, path, found)),
        Value::Object(members) => {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            if let Some(value) = members.get(first) {
                follow(value, rest, found);
            }
        }
        Value::String(text) if path.is_empty() => found.push(text.clone()),
        Value::Bool(_) | Value::Number(_) if path.is_empty() => found.push(value.to_string()),
        _ => {}
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
    fn a_page_has_its_bounds() {
        assert!(within_page(None, 5..=1000).is_ok() && within_page(Some(5), 5..=1000).is_ok());
        let refusal = within_page(Some(201), 1..=200).unwrap_err();
        assert_eq!(refusal.message, "Value ( MaxResults ) must be between 1 and 200.");
    }

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

    #[test]
    fn filters_reach_through_lists() {
        let known: Filters = &[("route.gateway-id", "routeSet.gatewayId"), ("main", "set.main")];
        let routes = json!([{ "x": 1 }, { "gatewayId": "igw-1" }]);
        let body = json!({ "routeSet": routes, "set": [{ "main": true }] });
        let fits = |name: &str, value: &str| {
            let filter = Filter { name: name.into(), value: vec![value.into()] };
            fits_body(&filter, known, body.as_object().unwrap(), None)
        };
        assert!(fits("route.gateway-id", "igw-1") && fits("main", "true"));
        assert!(!fits("route.gateway-id", "igw-2") && !fits("tag:Name", "x"));
        let unknown = Filter { name: "nope".into(), value: Vec::new() };
        assert!(check(&[unknown], known).is_err());
    }
}
