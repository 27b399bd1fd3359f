//! What several fields must agree on.

use std::collections::HashMap;

use crate::cluster::ProviderName;
use crate::fields::Field;
use crate::network::Zones;
use crate::pools::{Capacity, Pool};
use crate::profile::Profile;

/// What the rest of the file says that a part must agree with; `None` where that was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) provider: Option<ProviderName>,
    pub(crate) profile: Option<Profile>,
    pub(crate) region: Option<&'a str>,
    pub(crate) zones: &'a Zones,
}

/// Reads the name of a cluster or pool.
pub(crate) fn name(text: &str) -> Result<String, (String, Option<String>)> {
    const LONGEST: usize = 20;
    if is_name(text) && text.len() <= LONGEST {
        return Ok(text.to_owned());
    }
    let message = format!("must be lowercase words joined by `-`, at most {LONGEST} characters");
    let lower = text.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut better = words.collect::<Vec<_>>().join("-");
    better.truncate(LONGEST);
    let better = better.trim_end_matches('-');
    let better = if is_name(better) { better } else { "acme-prod" };
    Err((message, Some(format!("write `{better}`"))))
}

/// Says whether text matches `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`.
fn is_name(text: &str) -> bool {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.split('-').all(|word| !word.is_empty() && word.chars().all(sound))
}

/// Reads the name of a region.
pub(crate) fn region(
    text: &str,
    provider: Option<ProviderName>,
) -> Result<String, (String, Option<String>)> {
    let sound = is_name(text) && (3..=40).contains(&text.len());
    if provider != Some(ProviderName::Eks) {
        return match sound {
            true => Ok(text.to_owned()),
            false => {
                let hint = "write the cloud's own name for it, in lowercase".to_owned();
                Err(("must be the name of a region".to_owned(), Some(hint)))
            }
        };
    }
    let is_aws = |text: &str| {
        let mut parts = text.rsplit('-');
        let number = parts.next().unwrap_or_default();
        let words = parts.all(|part| part.bytes().all(|byte| byte.is_ascii_lowercase()));
        words && text.matches('-').count() >= 2 && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    if sound && is_aws(text) {
        return Ok(text.to_owned());
    }
    let region = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let is_zone = region.len() < text.len() && is_name(region) && is_aws(region);
    let hint = match is_zone {
        true => format!("that is a zone; write `{region}`"),
        false => "write the code of the region, not its title".to_owned(),
    };
    Err(("must be a region such as us-east-1".to_owned(), Some(hint)))
}

/// Reads a list of zones, each of the region.
pub(crate) fn zone_names(
    field: &Field<'_>,
    provider: Option<ProviderName>,
    region: Option<&str>,
) -> Option<Vec<String>> {
    use ProviderName::{Eks, Gke};
    let begins_with_region = matches!(provider, Some(Eks | Gke));
    let region = region.filter(|_| begins_with_region);
    Field::each(field.list(), |item| {
        item.parse(|text| {
            let sound = |c: char| c.is_ascii_alphanumeric() || "-:".contains(c);
            if text.is_empty() || text.len() > 60 || !text.chars().all(sound) {
                let hint = format!("such as `{}a`", region.unwrap_or("us-east-1"));
                return Err(("must be the name of a zone".to_owned(), Some(hint)));
            }
            match region {
                Some(region) if text.strip_prefix(region).is_none_or(str::is_empty) => {
                    let hint = Some(format!("such as `{region}a`"));
                    Err((format!("must be a zone of region {region}"), hint))
                }
                _ => Ok(text.to_owned()),
            }
        })
    })
}

/// Refuses a zone that the network does not have.
pub(crate) fn zones_of_network(field: &Field<'_>, zones: &[String], network: &Zones) {
    if zones.is_empty() {
        let hint = "remove the line to use all zones of the network".to_owned();
        field.refuse("file.conflict", "names no zone", Some(hint));
    }
    let Zones::Names(names) = network else { return };
    for zone in zones.iter().filter(|zone| !names.contains(zone)) {
        let message = format!("names {zone}, which is not in network.zones");
        field.refuse("file.conflict", message, Some(format!("zones there: {}", names.join(", "))));
    }
}

/// Refuses a pool whose own fields contradict each other or the profile.
pub(crate) fn pool(field: &Field<'_>, pool: &Pool, is_sized: bool, profile: Option<Profile>) {
    if is_sized && pool.min > pool.max {
        let message = format!("has min {} above max {}", pool.min, pool.max);
        let hint = format!("write `max: {}` or a smaller min", pool.min);
        part(field, "min").refuse("file.conflict", message, Some(hint));
    }
    let holds_state = matches!(pool.name.as_str(), "app" | "driver" | "spark");
    if profile == Some(Profile::Qualytics) && pool.capacity == Capacity::Spot && holds_state {
        let hint = "only executors survive losing a node: `capacity: on-demand`".to_owned();
        let message = "cannot be on spot capacity with profile qualytics";
        part(field, "capacity").refuse("file.conflict", message, Some(hint));
    }
}

/// Gives the value to point at, with the path of the whole: the field of that name, if written.
fn part<'a>(field: &Field<'a>, name: &str) -> Field<'a> {
    let entries = field.entries().unwrap_or_default();
    let inner = entries.into_iter().find(|entry| entry.name() == name);
    inner.map_or_else(|| field.clone(), |inner| inner.with_path_of(field))
}

/// Refuses pools whose names a cloud would shorten to the same one.
pub(crate) fn pool_names(fields: &[Field<'_>], provider: Option<ProviderName>) {
    let mut taken: HashMap<String, &str> = HashMap::new();
    for field in fields {
        let Some(provider) = provider else { return };
        let short = provider.short_pool_name(field.name());
        if let Some(other) = taken.insert(short.clone(), field.name()) {
            let message = format!("would be called {short} in the cloud, like pool {other}");
            let hint = format!("let the names differ in their first {} letters", short.len());
            field.refuse_key("file.conflict", message, Some(hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names() {
        for text in ["a", "acme-prod", "a1-2b", "abcdefghijklmnopqrst"] {
            assert!(name(text).is_ok(), "{text}");
        }
        for (text, hint) in [
            ("", "write `acme-prod`"),
            ("Acme_Prod", "write `acme-prod`"),
            ("acme--prod", "write `acme-prod`"),
            ("-a", "write `a`"),
            ("1a", "write `acme-prod`"),
            ("é", "write `acme-prod`"),
            ("a-much-too-long-name-for-this", "write `a-much-too-long-name`"),
        ] {
            assert_eq!(name(text).unwrap_err().1.as_deref(), Some(hint), "{text}");
        }
    }

    #[test]
    fn reads_regions() {
        let aws = |text| region(text, Some(ProviderName::Eks));
        for text in ["us-east-1", "us-gov-west-1", "ap-southeast-2", "us-isob-east-1"] {
            assert!(aws(text).is_ok(), "{text}");
        }
        let code = "write the code of the region, not its title";
        for (text, hint) in [
            ("us-east-1a", "that is a zone; write `us-east-1`"),
            ("us-east", code),
            ("useast1", code),
            ("europe-west1", code),
            ("", code),
        ] {
            assert_eq!(aws(text).unwrap_err().1.as_deref(), Some(hint), "{text}");
        }
        assert!(region("europe-west1", Some(ProviderName::Gke)).is_ok());
        assert!(region("eastus", None).is_ok());
        assert!(region("East US", None).is_err());
    }
}
