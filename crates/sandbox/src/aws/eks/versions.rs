//! The versions of Kubernetes that EKS knows, and until when it supports them.
use super::super::{Answer, Call};
use super::found::{Paging, body, invalid, one_of};
use crate::clock::Time;
use serde::Deserialize;
use serde_json::{Value, json};

/// The version that clusters get when they name none.
pub(super) const DEFAULT: &str = "1.35";

/// One minor version.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) minor: u32,
    patch: &'static str,
    platform: u32,
    released: &'static str,
    standard_until: &'static str,
    extended_until: &'static str,
}

/// The release calendar of the EKS user guide. It had no date for 1.36 when this was written: its
/// dates are assumed by the rule of 14 and 12 months.
const VERSIONS: &[Version] = &[
    version(29, "1.29.15", 61, ["2024-01-23", "2025-03-23", "2026-03-23"]),
    version(30, "1.30.14", 47, ["2024-05-23", "2025-07-23", "2026-07-23"]),
    version(31, "1.31.13", 42, ["2024-09-26", "2025-11-26", "2026-11-26"]),
    version(32, "1.32.9", 34, ["2025-01-25", "2026-03-23", "2027-03-23"]),
    version(33, "1.33.5", 25, ["2025-05-28", "2026-07-29", "2027-07-29"]),
    version(34, "1.34.2", 16, ["2025-10-06", "2026-12-02", "2027-12-02"]),
    version(35, "1.35.1", 9, ["2026-01-28", "2027-03-27", "2028-03-27"]),
    version(36, "1.36.0", 3, ["2026-06-24", "2027-08-24", "2028-08-24"]),
];

const fn version(
    minor: u32,
    patch: &'static str,
    platform: u32,
    [released, standard_until, extended_until]: [&'static str; 3],
) -> Version {
    Version { minor, patch, platform, released, standard_until, extended_until }
}

fn time(date: &str) -> Time {
    let at = date.parse::<jiff::civil::Date>().ok();
    let at = at.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    at.map_or(0, |at| at.timestamp().as_millisecond() as Time)
}

impl Version {
    pub(super) fn name(&self) -> String {
        format!("1.{}", self.minor)
    }

    pub(super) fn platform(&self) -> String {
        format!("eks.{}", self.platform)
    }

    pub(super) fn patch(&self) -> &'static str {
        self.patch
    }

    /// Returns when a cluster of this version is upgraded, by its upgrade policy.
    pub(super) fn ends(&self, support: &str) -> Time {
        time(if support == "STANDARD" { self.standard_until } else { self.extended_until })
    }

    pub(super) fn status(&self, now: Time) -> &'static str {
        match now {
            _ if now < time(self.standard_until) => "STANDARD_SUPPORT",
            _ if now < time(self.extended_until) => "EXTENDED_SUPPORT",
            _ => "UNSUPPORTED",
        }
    }

    fn show(&self, now: Time) -> Value {
        let date = |date| time(date) / 1000;
        let status = self.status(now);
        json!({
            "clusterVersion": self.name(),
            "clusterType": "eks",
            "defaultPlatformVersion": self.platform(),
            "defaultVersion": self.name() == DEFAULT,
            "releaseDate": date(self.released),
            "endOfStandardSupportDate": date(self.standard_until),
            "endOfExtendedSupportDate": date(self.extended_until),
            "status": status.to_lowercase().replace('_', "-"),
            "versionStatus": status,
            "kubernetesPatchVersion": self.patch,
        })
    }
}

/// Returns the patch version that a minor version runs.
pub(crate) fn patch(version: &str) -> &'static str {
    known(version).map_or("", |version| version.patch)
}

/// Returns the number of a minor version.
pub(super) fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.parse().ok()
}

/// Returns a version that can be had now.
pub(super) fn offered(name: &str, now: Time) -> Option<&'static Version> {
    known(name).filter(|v| time(v.released) <= now && v.status(now) != "UNSUPPORTED")
}

/// Returns a version that has been, at least.
pub(super) fn known(name: &str) -> Option<&'static Version> {
    let minor = minor(name)?;
    VERSIONS.iter().find(|version| version.minor == minor)
}

/// Returns every version there has been by now, the newest first.
pub(super) fn all(now: Time) -> impl Iterator<Item = &'static Version> {
    VERSIONS.iter().rev().filter(move |version| time(version.released) <= now)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Describe {
    cluster_type: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    default_only: bool,
    #[serde(default)]
    include_all: bool,
    #[serde(default)]
    cluster_versions: Vec<String>,
    status: Option<String>,
    version_status: Option<String>,
}

/// Lists versions: those that can be had, unless others are asked for.
pub(super) fn describe(call: &mut Call<'_>, request: Describe) -> Answer {
    const STATUSES: [&str; 3] = ["STANDARD_SUPPORT", "EXTENDED_SUPPORT", "UNSUPPORTED"];
    let older = request.status.map(|status| status.to_uppercase().replace('-', "_"));
    let status = request.version_status.or(older);
    if let Some(status) = &status {
        one_of("versionStatus", status, &STATUSES)?;
    }
    if let Some(wrong) = request.cluster_versions.iter().find(|name| minor(name).is_none()) {
        return Err(invalid(format!("The cluster version {wrong} is not valid.")));
    }
    let now = call.world.now;
    let asked = |version: &&Version| {
        let its = version.status(now);
        let named = request.cluster_versions.contains(&version.name());
        (named || request.cluster_versions.is_empty())
            && (named || request.include_all || status.is_some() || its != "UNSUPPORTED")
            && (!request.default_only || version.name() == DEFAULT)
            && status.as_ref().is_none_or(|status| status == its)
            && request.cluster_type.as_ref().is_none_or(|kind| kind == "eks")
    };
    let shown = all(now).filter(asked).map(|version| version.show(now)).collect();
    let newest_first = |item: &Value| {
        let minor = minor(item["clusterVersion"].as_str().unwrap_or_default());
        format!("{:03}", 999 - minor.unwrap_or_default())
    };
    let paging = Paging::new(request.max_results, request.next_token);
    let mut answer = body(paging.answer("clusterVersions", shown, newest_first)?);
    answer.entry("clusterVersions").or_insert_with(|| json!([]));
    Ok(Value::Object(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_ends_by_the_calendar() {
        let status = |name: &str, date: &str| known(name).unwrap().status(time(date));
        assert_eq!(status("1.34", "2026-12-01"), "STANDARD_SUPPORT");
        assert_eq!(status("1.34", "2026-12-02"), "EXTENDED_SUPPORT");
        assert_eq!(status("1.30", "2026-07-23"), "UNSUPPORTED");
        assert!(offered("1.30", time("2026-11-21")).is_none());
        assert!(offered("1.36", time("2026-06-01")).is_none(), "it is not out yet");
        assert!(offered(DEFAULT, time("2026-11-21")).is_some());
    }
}
