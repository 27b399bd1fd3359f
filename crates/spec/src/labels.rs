//! What labels, taints and tags may look like.

use std::collections::BTreeMap;

use crate::cluster::ProviderName;
use crate::fields::Field;

type Refusal = (&'static str, Option<String>);

/// Ends of label prefixes that belong to Kubernetes or to a cloud.
const RESERVED: [&str; 5] =
    ["kubernetes.io", "k8s.io", "eks.amazonaws.com", "cloud.google.com", "kubernetes.azure.com"];

/// The longest label that EKS takes, where Kubernetes does not count the prefix.
const LONGEST_ON_EKS: usize = 63;

/// Reads the labels of nodes.
pub(crate) fn labels(
    field: &Field<'_>,
    provider: Option<ProviderName>,
) -> Option<BTreeMap<String, String>> {
    pairs(field, |key| label_key(key, provider), |value| filled(value, provider))
}

/// Reads the tags of cloud objects.
pub(crate) fn tags(field: &Field<'_>) -> Option<BTreeMap<String, String>> {
    const MOST: usize = 40;
    refuse_same(&field.entries()?);
    let tags = pairs(field, tag_key, tag_value)?;
    if tags.len() > MOST {
        let message = format!("has {} tags, more than {MOST}", tags.len());
        field.refuse_key("file.out-of-range", message, Some("remove some of them".to_owned()));
        return None;
    }
    Some(tags)
}

/// Refuses tags that clouds which ignore the case of keys take for the same one.
fn refuse_same(tags: &[Field<'_>]) {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    for tag in tags {
        let Some(other) = taken.insert(tag.name().to_lowercase(), tag.name()) else { continue };
        if other != tag.name() {
            let hint = "IAM takes them for the same tag; keep one of the two".to_owned();
            tag.refuse_key("file.conflict", format!("is {other} in another case"), Some(hint));
        }
    }
}

fn pairs(
    field: &Field<'_>,
    check_key: impl Fn(&str) -> Result<(), Refusal>,
    check_value: impl Fn(&str) -> Result<(), Refusal>,
) -> Option<BTreeMap<String, String>> {
    let pair = |field: &Field<'_>| {
        let key = check_key(field.name()).map_err(|(message, hint)| {
            field.refuse_key("file.invalid-value", message, hint);
        });
        let value = field.parse(|text| owned(check_value(text)).map(|()| text.to_owned()));
        Some((field.name().to_owned(), key.ok().and(value)?))
    };
    let pairs: Vec<_> = field.entries()?.iter().map(pair).collect();
    pairs.into_iter().collect()
}

/// Reads the key of a label or taint from a field of its own.
pub(crate) fn key(field: &Field<'_>, provider: Option<ProviderName>) -> Option<String> {
    field.parse(|text| owned(label_key(text, provider)).map(|()| text.to_owned()))
}

/// Reads the value of a label or taint.
pub(crate) fn value(field: &Field<'_>) -> Option<String> {
    field.parse(|text| owned(label_value(text)).map(|()| text.to_owned()))
}

fn owned(result: Result<(), Refusal>) -> Result<(), (String, Option<String>)> {
    result.map_err(|(message, hint)| (message.to_owned(), hint))
}

fn label_key(key: &str, provider: Option<ProviderName>) -> Result<(), Refusal> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if !is_label_word(name) {
        let hint =
            "use letters, digits, `-`, `_`, `.`, at most 63, as in `team` or `acme.com/team`";
        return Err(("must be a Kubernetes label key", Some(hint.to_owned())));
    }
    let Some(prefix) = prefix else { return Ok(()) };
    if !is_domain(prefix) {
        let hint = "the part before `/` is a domain name in lowercase".to_owned();
        return Err(("must be a Kubernetes label key", Some(hint)));
    }
    let within = |domain: &&&str| {
        prefix.strip_suffix(**domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if let Some(domain) = RESERVED.iter().find(within) {
        let hint = format!("{domain} belongs to Kubernetes or the cloud; use a domain of your own");
        return Err(("must not use a reserved prefix", Some(hint)));
    }
    if provider == Some(ProviderName::Eks) && key.len() > LONGEST_ON_EKS {
        let hint = "EKS counts the prefix too; use a shorter one".to_owned();
        return Err(("must have at most 63 characters", Some(hint)));
    }
    Ok(())
}

/// Checks the value of a label, which a taint may leave out and a node group of EKS may not.
fn filled(value: &str, provider: Option<ProviderName>) -> Result<(), Refusal> {
    match value.is_empty() && provider == Some(ProviderName::Eks) {
        true => Err(("must not be empty", Some("EKS takes no empty labels".to_owned()))),
        false => label_value(value),
    }
}

fn label_value(value: &str) -> Result<(), Refusal> {
    if value.is_empty() || is_label_word(value) {
        return Ok(());
    }
    let hint = "use letters, digits, `-`, `_`, `.`, at most 63; begin and end with the former two";
    Err(("must be a Kubernetes label value", Some(hint.to_owned())))
}

fn is_label_word(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=63).contains(&text.len())
        && text.chars().all(inner)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_domain(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

fn tag_key(key: &str) -> Result<(), Refusal> {
    const LONGEST: usize = 128;
    let start: String = key.chars().take(10).collect::<String>().to_ascii_lowercase();
    if start.starts_with("aws:") {
        return Err(("must not begin with `aws:`", Some("the cloud keeps that prefix".to_owned())));
    }
    if start.starts_with("provision-") {
        let hint = "that prefix marks what this program owns".to_owned();
        return Err(("must not begin with `provision-`", Some(hint)));
    }
    if key.chars().count() > LONGEST {
        return Err(("must have at most 128 characters", Some("shorten it".to_owned())));
    }
    tag_chars(key)
}

fn tag_value(value: &str) -> Result<(), Refusal> {
    const LONGEST: usize = 256;
    if value.chars().count() > LONGEST {
        return Err(("must have at most 256 characters", Some("shorten it".to_owned())));
    }
    tag_chars(value)
}

fn tag_chars(text: &str) -> Result<(), Refusal> {
    let sound = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    if text.chars().all(sound) && text.trim() == text {
        return Ok(());
    }
    let hint = "use letters, digits, inner spaces and `_.:/=+-@`".to_owned();
    Err(("must be a tag of the cloud", Some(hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_labels_as_kubernetes_does() {
        for key in ["a", "appNodes", "acme.com/app_1.x", "x-kubernetes.io/y", &"a".repeat(63)] {
            assert_eq!(label_key(key, None), Ok(()), "{key}");
        }
        let long = "a".repeat(64);
        for key in ["", "-a", "a-", "a b", "a/b/c", "/a", "a/", "A.com/a", "a..b/c", "é", &long] {
            assert!(label_key(key, None).unwrap_err().0.contains("label key"), "{key}");
        }
        for key in ["kubernetes.io/os", "node.kubernetes.io/x", "eks.amazonaws.com/nodegroup"] {
            assert!(label_key(key, None).unwrap_err().0.contains("reserved"), "{key}");
        }
        assert_eq!(label_value(""), Ok(()));
        assert!(label_value("a b").is_err());
    }

    #[test]
    fn eks_takes_fewer_labels_than_kubernetes() {
        let eks = Some(ProviderName::Eks);
        let long = format!("acme.com/{}", "a".repeat(55));
        assert_eq!(label_key(&long, None), Ok(()));
        assert!(label_key(&long, eks).unwrap_err().0.contains("at most 63"));
        assert_eq!(label_key(&long[..63], eks), Ok(()));
        assert_eq!(filled("", None), Ok(()));
        assert!(filled("", eks).is_err());
    }

    #[test]
    fn accepts_tags_as_the_cloud_does() {
        for key in ["team", "cost center", "acme:team/x@y+z=1", "Équipe"] {
            assert_eq!(tag_key(key), Ok(()), "{key}");
        }
        for key in
            ["aws:x", "AWS:x", "provision-lineage", "Provision-x", " a", "a#", &"a".repeat(129)]
        {
            assert!(tag_key(key).is_err(), "{key}");
        }
        assert!(tag_value(&"a".repeat(257)).is_err());
        assert_eq!(tag_value(""), Ok(()));
    }
}
