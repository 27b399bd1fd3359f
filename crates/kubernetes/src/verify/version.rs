//! Which version of Kubernetes it is, and until when that is supported.
use super::check::{Case, Finding, Judged};
use super::snapshot::text;
use serde_json::Value;

/// The lowest minor version that the platform runs on.
const FLOOR: u32 = 30;

/// Until when a minor version has patches upstream.
/// Source: kubernetes.io, Patch Releases.
const UPSTREAM: [(u32, &str); 6] = [
    (30, "2025-06-28"),
    (31, "2025-11-11"),
    (32, "2026-02-28"),
    (33, "2026-06-28"),
    (34, "2026-10-27"),
    (35, "2027-02-28"),
];

/// Until when EKS supports a minor version, and until when for more money.
/// Source: Amazon EKS User Guide, Understand the Kubernetes version lifecycle on EKS.
const EKS: [(u32, &str, &str); 6] = [
    (30, "2025-07-23", "2026-07-23"),
    (31, "2025-11-26", "2026-11-26"),
    (32, "2026-03-23", "2027-03-23"),
    (33, "2026-07-29", "2027-07-29"),
    (34, "2026-12-02", "2027-12-02"),
    (35, "2027-03-27", "2028-03-27"),
];

/// The label of every node of AKS.
const AKS: &str = "kubernetes.azure.com/cluster";

const HINT: &str = "bring the cluster to a later minor version, one after the other";

/// Reads the minor version of a version such as `v1.35.1-eks-0000000`.
pub(super) fn minor(version: &str) -> Option<u32> {
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let digits = |c: char| !c.is_ascii_digit();
    (major == "1").then(|| minor.split(digits).next()?.parse().ok())?
}

/// Returns the version of the API, as it writes it.
fn own<'a>(case: &'a Case<'_>) -> &'a str {
    text(&case.seen.version, "/gitVersion")
}

fn unreadable(version: &str) -> Finding {
    Finding::skip(format!("the API tells a version that is not understood: {version:?}"))
}

pub(super) fn floor(case: &Case<'_>) -> Judged {
    let version = own(case);
    let Some(minor) = minor(version) else { return Ok(unreadable(version)) };
    Ok(Finding::of(minor >= FLOOR, version, format!("1.{FLOOR} or later"), HINT))
}

pub(super) fn support(case: &Case<'_>) -> Judged {
    let version = own(case);
    let Some(minor) = minor(version) else { return Ok(unreadable(version)) };
    if minor < FLOOR {
        return Ok(Finding::skip(format!("1.{minor} is too old in any case")));
    }
    let today = case.today;
    let wanted = "a version that is supported";
    let named = format!("1.{minor}");
    if version.contains("-eks-") {
        let Some((_, until, longer)) = EKS.iter().find(|(its, ..)| *its == minor) else {
            return Ok(beyond(minor));
        };
        let extended =
            format!("{named}, by EKS until {longer}, in extended support, which costs more");
        return Ok(match today {
            _ if today < *until => Finding::pass(format!("{named}, by EKS until {until}"), wanted),
            _ if today < *longer => Finding::pass(extended, wanted),
            _ => Finding::fail(format!("{named}, by EKS until {longer}"), wanted, HINT),
        });
    }
    let Some((_, until)) = UPSTREAM.iter().find(|(its, _)| *its == minor) else {
        return Ok(beyond(minor));
    };
    let found = format!("{named}, patched upstream until {until}");
    match keeper(case) {
        Some(cloud) if today > *until => {
            Ok(Finding::skip(format!("{found}; until when {cloud} supports it is not known here")))
        }
        _ => Ok(Finding::of(today <= *until, found, wanted, HINT)),
    }
}

/// Returns whoever patches versions of its own for longer than upstream does.
fn keeper(case: &Case<'_>) -> Option<&'static str> {
    let nodes = case.seen.nodes.as_ref().map(Vec::as_slice).unwrap_or_default();
    let is_of_azure = |node: &Value| !node["metadata"]["labels"][AKS].is_null();
    let is_of_oracle = |node: &Value| text(node, "/spec/providerID").starts_with("ocid1.");
    match own(case) {
        version if version.contains("-gke.") => Some("GKE"),
        _ if nodes.iter().any(is_of_azure) => Some("AKS"),
        _ if nodes.iter().any(is_of_oracle) => Some("OKE"),
        _ => None,
    }
}

/// Tells of a version that is in no table.
fn beyond(minor: u32) -> Finding {
    Finding::skip(format!("1.{minor} is later than any version known here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minors_are_read_of_any_distribution() {
        let all = ["v1.35.1-eks-0000000", "v1.33.5-gke.1200", "1.30", "v1.31+", "v2.1.0", "one"];
        assert_eq!(all.map(minor), [Some(35), Some(33), Some(30), Some(31), None, None]);
    }
}
