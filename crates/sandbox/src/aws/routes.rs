//! The routes of EKS, and the members that they and query strings carry.
use super::refusal::Refusal;
use crate::server::pairs;
use serde_json::{Map, Value};

/// Method, path and operation. A label in braces is a member of the request.
const ROUTES: &[(&str, &str, &str)] = &[
    ("POST", "/clusters", "CreateCluster"),
    ("GET", "/clusters", "ListClusters"),
    ("GET", "/clusters/{name}", "DescribeCluster"),
    ("DELETE", "/clusters/{name}", "DeleteCluster"),
    ("POST", "/clusters/{name}/update-config", "UpdateClusterConfig"),
    ("POST", "/clusters/{name}/updates", "UpdateClusterVersion"),
    ("GET", "/clusters/{name}/updates", "ListUpdates"),
    ("GET", "/clusters/{name}/updates/{updateId}", "DescribeUpdate"),
    ("POST", "/clusters/{clusterName}/encryption-config/associate", "AssociateEncryptionConfig"),
    ("GET", "/cluster-versions", "DescribeClusterVersions"),
    ("POST", "/clusters/{clusterName}/node-groups", "CreateNodegroup"),
    ("GET", "/clusters/{clusterName}/node-groups", "ListNodegroups"),
    ("GET", "/clusters/{clusterName}/node-groups/{nodegroupName}", "DescribeNodegroup"),
    ("DELETE", "/clusters/{clusterName}/node-groups/{nodegroupName}", "DeleteNodegroup"),
    (
        "POST",
        "/clusters/{clusterName}/node-groups/{nodegroupName}/update-config",
        "UpdateNodegroupConfig",
    ),
    (
        "POST",
        "/clusters/{clusterName}/node-groups/{nodegroupName}/update-version",
        "UpdateNodegroupVersion",
    ),
    ("POST", "/clusters/{clusterName}/fargate-profiles", "CreateFargateProfile"),
    ("GET", "/clusters/{clusterName}/fargate-profiles", "ListFargateProfiles"),
    (
        "GET",
        "/clusters/{clusterName}/fargate-profiles/{fargateProfileName}",
        "DescribeFargateProfile",
    ),
    (
        "DELETE",
        "/clusters/{clusterName}/fargate-profiles/{fargateProfileName}",
        "DeleteFargateProfile",
    ),
    ("GET", "/addons/supported-versions", "DescribeAddonVersions"),
    ("GET", "/addons/configuration-schemas", "DescribeAddonConfiguration"),
    ("POST", "/clusters/{clusterName}/addons", "CreateAddon"),
    ("GET", "/clusters/{clusterName}/addons", "ListAddons"),
    ("GET", "/clusters/{clusterName}/addons/{addonName}", "DescribeAddon"),
    ("DELETE", "/clusters/{clusterName}/addons/{addonName}", "DeleteAddon"),
    ("POST", "/clusters/{clusterName}/addons/{addonName}/update", "UpdateAddon"),
    ("POST", "/clusters/{clusterName}/access-entries", "CreateAccessEntry"),
    ("GET", "/clusters/{clusterName}/access-entries", "ListAccessEntries"),
    ("GET", "/clusters/{clusterName}/access-entries/{principalArn}", "DescribeAccessEntry"),
    ("POST", "/clusters/{clusterName}/access-entries/{principalArn}", "UpdateAccessEntry"),
    ("DELETE", "/clusters/{clusterName}/access-entries/{principalArn}", "DeleteAccessEntry"),
    (
        "POST",
        "/clusters/{clusterName}/access-entries/{principalArn}/access-policies",
        "AssociateAccessPolicy",
    ),
    (
        "GET",
        "/clusters/{clusterName}/access-entries/{principalArn}/access-policies",
        "ListAssociatedAccessPolicies",
    ),
    (
        "DELETE",
        "/clusters/{clusterName}/access-entries/{principalArn}/access-policies/{policyArn}",
        "DisassociateAccessPolicy",
    ),
    ("GET", "/access-policies", "ListAccessPolicies"),
    ("POST", "/clusters/{clusterName}/pod-identity-associations", "CreatePodIdentityAssociation"),
    ("GET", "/clusters/{clusterName}/pod-identity-associations", "ListPodIdentityAssociations"),
    (
        "GET",
        "/clusters/{clusterName}/pod-identity-associations/{associationId}",
        "DescribePodIdentityAssociation",
    ),
    (
        "POST",
        "/clusters/{clusterName}/pod-identity-associations/{associationId}",
        "UpdatePodIdentityAssociation",
    ),
    (
        "DELETE",
        "/clusters/{clusterName}/pod-identity-associations/{associationId}",
        "DeletePodIdentityAssociation",
    ),
    ("GET", "/tags/{resourceArn}", "ListTagsForResource"),
    ("POST", "/tags/{resourceArn}", "TagResource"),
    ("DELETE", "/tags/{resourceArn}", "UntagResource"),
];

/// Members of query strings that are not texts.
const LISTS: &[&str] =
    &["include", "addonNames", "clusterVersions", "owners", "publishers", "tagKeys", "types"];
const NUMBERS: &[&str] = &["maxResults"];
const FLAGS: &[&str] = &["defaultOnly", "includeAll", "preserve"];

/// Finds the operation of a route, with the members that its path carries.
pub(crate) fn find(method: &str, path: &str) -> Option<(String, Map<String, Value>)> {
    ROUTES
        .iter()
        .filter(|(its, _, _)| *its == method)
        .find_map(|(_, pattern, operation)| Some(((*operation).to_owned(), labels(pattern, path)?)))
}

fn labels(pattern: &str, path: &str) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(members),
            (Some(wanted), Some(given)) => match label(wanted) {
                Some(name) if !given.is_empty() => {
                    members.insert(name.to_owned(), Value::from(decoded(given)));
                }
                None if wanted == given => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

fn label(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Undoes percent encoding, in which a plus is a plus.
fn decoded(segment: &str) -> String {
    let pair = segment.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    pairs.next().map_or_else(String::new, |(name, _)| name.into_owned())
}

/// Returns the members that a query string carries.
///
/// # Errors
/// When one has the wrong type.
pub(crate) fn query(operation: &str, query: &str) -> Result<Map<String, Value>, Refusal> {
    let mut members = Map::new();
    for (name, value) in pairs(query) {
        let text = value.as_str().unwrap_or_default();
        let wrong = || {
            let message = format!("{operation}: {name} cannot be {text:?}");
            Refusal::new("InvalidParameterException", message)
        };
        let value = match name.as_str() {
            name if LISTS.contains(&name) => {
                let list = members.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut().ok_or_else(wrong)?.push(value);
                continue;
            }
            name if NUMBERS.contains(&name) => {
                Value::from(text.parse::<u64>().map_err(|_| wrong())?)
            }
            name if FLAGS.contains(&name) => {
                Value::from(text.parse::<bool>().map_err(|_| wrong())?)
            }
            _ => value,
        };
        members.insert(name, value);
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_carries_members() {
        let (operation, members) = find("GET", "/clusters/a%2Fb+c").unwrap();
        assert_eq!(
            (operation.as_str(), &members["name"]),
            ("DescribeCluster", &Value::from("a/b+c"))
        );
        assert!(find("GET", "/clusters/").is_none());
        assert!(find("PUT", "/clusters").is_none());
    }

    #[test]
    fn a_query_string_has_types() {
        let members = query("X", "maxResults=5&include=a&include=b&nextToken=n").unwrap();
        assert_eq!(
            Value::Object(members).to_string(),
            r#"{"maxResults":5,"include":["a","b"],"nextToken":"n"}"#
        );
        assert!(query("X", "maxResults=many").is_err());
    }
}
