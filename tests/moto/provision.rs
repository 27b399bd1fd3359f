//! The program under test on moto, in a folder of its own.
pub(crate) use crate::folder::Folder;

/// A short cluster file, without what moto does not serve: it knows no add-ons, no access entries,
/// no Pod Identity, no scaling groups of node groups, and nothing is inside its clusters.
pub(crate) const FILE: &str = "\
name: acme-prod
provider: eks
region: us-east-1
profile: qualytics
inCluster: false
eks: { addons: [], access: [], podIdentity: false }
";

/// Returns the short file with an OIDC provider and a key for secrets.
pub(crate) fn with_key_and_issuer() -> String {
    let file = FILE.replace("podIdentity: false", "podIdentity: false, irsa: true");
    format!("{file}kubernetes: {{ secretsKey: own }}\n")
}
