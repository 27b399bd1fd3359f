//! The `eks` section of a cluster file.
use crate::arn::{Arn, is_account};
use provision_spec::{ClusterSpec, Field, Problems};

/// What the `eks` section of a cluster file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The account that the cluster belongs to; credentials of another one are refused.
    pub account: Option<String>,
    /// The ARN of the policy that bounds every role that is made; empty for none.
    pub boundary: String,
    /// Whether service accounts can take on IAM roles through an OIDC provider.
    pub irsa: bool,
    /// Whether the file leaves add-ons out by name.
    pub no_addons: bool,
    /// Whether the file leaves access entries out by name.
    pub no_access: bool,
    /// Whether the file leaves pod identity out by name.
    pub no_pod_identity: bool,
}

/// The fields of the section.
const FIELDS: [&str; 7] =
    ["account", "assumeRole", "permissionsBoundary", "addons", "access", "podIdentity", "irsa"];

impl Section {
    /// Reads the section of a cluster file.
    ///
    /// # Errors
    /// Every problem in it, each with its place.
    pub fn of(spec: &ClusterSpec) -> Result<Self, Problems> {
        spec.section.read(Self::read)
    }

    /// Reads the section, and reports what is wrong with it.
    pub fn read(field: &Field<'_>) -> Self {
        let mut section = Self::default();
        let Some(fields) = field.fields(&FIELDS) else { return section };
        section.account = fields.optional("account").and_then(|field| field.parse(account));
        if let Some(field) = fields.optional("assumeRole") {
            field.refuse_unsupported("remove the line");
        }
        let boundary = fields.optional("permissionsBoundary");
        section.boundary = boundary.and_then(|field| field.parse(boundary_arn)).unwrap_or_default();
        let left_out = |name| fields.optional(name).is_some_and(|field| is_empty_list(&field));
        section.no_addons = left_out("addons");
        section.no_access = left_out("access");
        let flag = |name| fields.optional(name).and_then(|field| Some((field.boolean()?, field)));
        match flag("podIdentity") {
            Some((true, field)) => field.refuse_unsupported("write `podIdentity: false`"),
            said => section.no_pod_identity = said.is_some(),
        }
        section.irsa = flag("irsa").is_some_and(|(irsa, _)| irsa);
        section
    }
}

fn account(text: &str) -> Result<String, (String, Option<String>)> {
    if is_account(text) {
        return Ok(text.to_owned());
    }
    let hint = "write it in quotes, with its leading zeros".to_owned();
    Err(("must be the 12 digits of an account".to_owned(), Some(hint)))
}

fn boundary_arn(text: &str) -> Result<String, (String, Option<String>)> {
    match Arn::iam(text).is_some_and(|arn| arn.thing.starts_with("policy/")) {
        true => Ok(text.to_owned()),
        false => Err(not_arn("a policy", "policy/boundary")),
    }
}

/// Says that text is not the ARN that was wanted.
fn not_arn(what: &str, example: &str) -> (String, Option<String>) {
    let hint = format!("write it as in `arn:aws:iam::123456789012:{example}`");
    (format!("must be the ARN of {what}"), Some(hint))
}

/// Tells whether a list is there and empty; one with items is refused.
fn is_empty_list(field: &Field<'_>) -> bool {
    let Some(items) = field.list() else { return false };
    if !items.is_empty() {
        field.refuse_unsupported(&format!("write `{}: []`", field.name()));
    }
    items.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(section: &str) -> Result<Section, String> {
        let text = format!(
            "name: acme\nprovider: eks\nregion: us-east-1\nprofile: qualytics\neks: {section}\n"
        );
        let spec = provision_spec::read("a.yaml", text.as_bytes()).unwrap();
        Section::of(&spec).map_err(|problems| {
            let all: Vec<_> = problems.iter().map(|problem| problem.message.clone()).collect();
            all.join("; ")
        })
    }

    #[test]
    fn what_this_version_does_not_do_is_refused_unless_left_out() {
        let left_out = read("{ addons: [], access: [], podIdentity: false }").unwrap();
        assert!(left_out.no_addons && left_out.no_access && left_out.no_pod_identity);
        assert_eq!(read("{}").unwrap(), Section::default());
        for asked in [
            "{ addons: [coredns] }",
            "{ access: [{ principal: x }] }",
            "{ podIdentity: true }",
            "{ assumeRole: { arn: x } }",
        ] {
            let refused = read(asked).unwrap_err();
            assert!(refused.ends_with("is not supported yet"), "{asked}: {refused}");
        }
    }

    #[test]
    fn a_boundary_is_the_arn_of_a_policy() {
        let arn = "arn:aws:iam::123456789012:policy/boundary";
        let section = read(&format!("{{ permissionsBoundary: \"{arn}\" }}")).unwrap();
        assert_eq!(section.boundary, arn);
        for wrong in ["boundary", "arn:aws:iam::123456789012:role/boundary"] {
            let refused = read(&format!("{{ permissionsBoundary: \"{wrong}\" }}")).unwrap_err();
            assert!(refused.contains("must be the ARN of a policy, found"), "{refused}");
        }
    }

    #[test]
    fn an_account_has_twelve_digits() {
        let account = read("{ account: \"000000000012\", irsa: true }").unwrap();
        assert_eq!((account.account.as_deref(), account.irsa), (Some("000000000012"), true));
        assert!(read("{ account: 12 }").unwrap_err().contains("12 digits"));
    }
}
