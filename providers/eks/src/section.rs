//! The `eks` section of a cluster file.
use crate::access;
use crate::addons;
use crate::arn::{Arn, is_account};
use crate::assume::AssumeRole;
use crate::names::partition;
use provision_spec::{ClusterSpec, Field, Node, Problems};
use std::collections::{BTreeMap, BTreeSet};

/// Principals, each with the names of its access policies.
pub type Access = BTreeMap<String, BTreeSet<String>>;

/// What the `eks` section of a cluster file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The account that the cluster belongs to; credentials of another one are refused.
    pub account: Option<String>,
    /// The role that everything is done as, instead of as the caller.
    pub assume_role: Option<AssumeRole>,
    /// The ARN of the policy that bounds every role that is made; empty for none.
    pub boundary: String,
    /// Whether service accounts can take on IAM roles through an OIDC provider.
    pub irsa: bool,
    /// The add-ons; with none, they and EKS's own bootstrap of them are left to others.
    pub addons: Vec<String>,
    /// Who may enter; `None` is whoever applies the file first.
    pub access: Option<Access>,
    /// Whether pods of add-ons and of the autoscaler get roles.
    pub pod_identity: bool,
}

/// The fields of the section.
const FIELDS: [&str; 7] =
    ["account", "assumeRole", "permissionsBoundary", "addons", "access", "podIdentity", "irsa"];

impl Default for Section {
    fn default() -> Self {
        Self {
            account: None,
            assume_role: None,
            boundary: String::new(),
            irsa: false,
            addons: addons::DEFAULT.map(String::from).into(),
            access: None,
            pod_identity: true,
        }
    }
}

impl Section {
    /// Reads the section of a cluster file.
    ///
    /// # Errors
    /// Every problem in it, each with its place.
    pub fn of(spec: &ClusterSpec) -> Result<Self, Problems> {
        spec.section.read(|field| Self::read(field, &spec.region))
    }

    /// Reads the section of a cluster in a region, and reports what is wrong with it.
    pub fn read(field: &Field<'_>, region: &str) -> Self {
        let mut section = Self::default();
        let Some(fields) = field.fields(&FIELDS) else { return section };
        section.account = fields.optional("account").and_then(|field| field.parse(account));
        let role = fields.optional("assumeRole");
        let account = section.account.as_deref();
        section.assume_role = role.and_then(|field| assume_role(&field, account, region));
        let boundary = fields.optional("permissionsBoundary");
        let boundary = boundary.and_then(|field| {
            let arn = field.parse(boundary_arn)?;
            check_partition(&field, &arn, region);
            Some(arn)
        });
        section.boundary = boundary.unwrap_or_default();
        if let Some(field) = fields.optional("addons") {
            let names = Field::each(field.list(), |name| name.parse(addon));
            section.addons = names.unwrap_or_default();
        }
        section.access = fields.optional("access").map(|field| access::read(&field, region));
        let flag = |name| fields.optional(name).and_then(|field| field.boolean());
        section.pod_identity = flag("podIdentity").unwrap_or(true);
        section.irsa = flag("irsa").unwrap_or_default();
        section
    }

    /// Writes the section with every default that a file can write.
    pub(crate) fn resolved(&self) -> Node {
        let account = self.account.as_deref().map(Node::from);
        let role = self.assume_role.as_ref().map(|role| {
            let word = Some(role.external_id.as_str()).filter(|word| !word.is_empty());
            let word = word.map(|word| ("externalId", word.into()));
            Node::map([("arn", role.arn.as_str().into())].into_iter().chain(word))
        });
        let boundary = Some(self.boundary.as_str()).filter(|boundary| !boundary.is_empty());
        let access = self.access.as_ref().map(|access| {
            let each = access.iter().flat_map(|(principal, policies)| {
                policies.iter().map(|policy| (principal.as_str(), policy.as_str()))
            });
            let item = |(principal, policy): (&str, &str)| {
                Node::map([("principal", principal.into()), ("policy", policy.into())])
            };
            each.map(item).collect::<Node>()
        });
        let said = [
            ("account", account),
            ("assumeRole", role),
            ("permissionsBoundary", boundary.map(Node::from)),
            ("addons", Some(self.addons.iter().map(String::as_str).collect())),
            ("access", access),
            ("podIdentity", Some(self.pod_identity.into())),
            ("irsa", Some(self.irsa.into())),
        ];
        Node::map(said.into_iter().filter_map(|(name, value)| Some((name, value?))))
    }
}

fn account(text: &str) -> Result<String, (String, Option<String>)> {
    if is_account(text) {
        return Ok(text.to_owned());
    }
    let hint = "write it in quotes, with its leading zeros".to_owned();
    Err(("must be the 12 digits of an account".to_owned(), Some(hint)))
}

/// Reads the role to work as, which is of the account if the file names one.
fn assume_role(field: &Field<'_>, account: Option<&str>, region: &str) -> Option<AssumeRole> {
    let fields = field.fields(&["arn", "externalId"])?;
    let word = fields.optional("externalId").map(|field| field.parse(external_id));
    let field = fields.required("arn", "arn:aws:iam::123456789012:role/provision")?;
    let arn = field.parse(role_arn)?;
    check_partition(&field, &arn, region);
    let of = Arn::iam(&arn).map(|arn| arn.account);
    if let Some((of, account)) = of.zip(account).filter(|(of, account)| of != account) {
        let message = format!("is of account {of}, and eks.account says {account}");
        field.refuse("file.conflict", message, Some("mend the one that is wrong".to_owned()));
    }
    Some(AssumeRole { arn, external_id: word.unwrap_or_default().unwrap_or_default() })
}

/// Checks that something is in the partition of the region.
pub(crate) fn check_partition(field: &Field<'_>, arn: &str, region: &str) {
    let of = Arn::iam(arn).map(|arn| arn.partition);
    let here = partition(region).ok();
    if let Some((of, here)) = of.zip(here).filter(|(of, here)| of != here) {
        let message = format!("is of partition {of}, and region {region} is in {here}");
        let hint = "partitions have no accounts in common: name another ARN or another region";
        field.refuse("file.conflict", message, Some(hint.to_owned()));
    }
}

fn role_arn(text: &str) -> Result<String, (String, Option<String>)> {
    let is_role = |arn: &Arn<'_>| arn.thing.starts_with("role/") && arn.account != "aws";
    match Arn::iam(text).filter(is_role) {
        Some(_) => Ok(text.to_owned()),
        None => Err(not_arn("a role", "role/provision")),
    }
}

fn external_id(text: &str) -> Result<String, (String, Option<String>)> {
    let is_one = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    if (2..=1224).contains(&text.len()) && text.chars().all(is_one) {
        return Ok(text.to_owned());
    }
    let hint = "STS takes letters, digits and _+=,.@:/- there, at least two".to_owned();
    Err(("must be an external id".to_owned(), Some(hint)))
}

fn boundary_arn(text: &str) -> Result<String, (String, Option<String>)> {
    match Arn::iam(text).is_some_and(|arn| arn.thing.starts_with("policy/")) {
        true => Ok(text.to_owned()),
        false => Err(not_arn("a policy", "policy/boundary")),
    }
}

/// Says that text is not the ARN that was wanted.
pub(crate) fn not_arn(what: &str, example: &str) -> (String, Option<String>) {
    let hint = format!("write it as in `arn:aws:iam::123456789012:{example}`");
    (format!("must be the ARN of {what}"), Some(hint))
}

/// Reads the name of an add-on. Which ones there are EKS tells.
fn addon(text: &str) -> Result<String, (String, Option<String>)> {
    const LONGEST: usize = 100;
    let is_word = |word: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !word.is_empty() && word.bytes().all(fits)
    };
    if text.len() <= LONGEST && text.split(['-', '_']).all(is_word) {
        return Ok(text.to_owned());
    }
    let hint = "`aws eks describe-addon-versions` lists them".to_owned();
    Err(("must be the name of an add-on, such as `coredns`".to_owned(), Some(hint)))
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
    fn what_is_left_out_is_left_to_others() {
        let others = read("{ addons: [], access: [], podIdentity: false }").unwrap();
        assert_eq!(
            (others.addons.len(), others.access, others.pod_identity),
            (0, Some([].into()), false)
        );
        assert_eq!(read("{}").unwrap(), Section::default());
        assert!(read("{ podIdentity: true }").unwrap().pod_identity);
    }

    #[test]
    fn a_role_to_work_as_is_of_the_account() {
        let arn = "arn:aws:iam::123456789012:role/team/provision";
        let role = read(&format!("{{ assumeRole: {{ arn: \"{arn}\", externalId: a-b }} }}"));
        let wanted = AssumeRole { arn: arn.into(), external_id: "a-b".into() };
        assert_eq!(role.unwrap().assume_role, Some(wanted));
        let refused = |account: &str, fields: &str| {
            read(&format!("{{ account: \"{account}\", assumeRole: {{ {fields} }} }}")).unwrap_err()
        };
        let same = "123456789012";
        assert!(refused(same, "externalId: ab").contains("eks.assumeRole.arn is missing"));
        assert!(refused(same, "arn: provision").contains("must be the ARN of a role"));
        let short = format!("arn: \"{arn}\", externalId: a");
        assert!(refused(same, &short).contains("must be an external id"));
        let other = refused("210987654321", &format!("arn: \"{arn}\""));
        assert!(other.ends_with("of account 123456789012, and eks.account says 210987654321"));
    }

    #[test]
    fn a_boundary_is_the_arn_of_a_policy() {
        let arn = "arn:aws:iam::123456789012:policy/boundary";
        let section = read(&format!("{{ permissionsBoundary: \"{arn}\" }}")).unwrap();
        assert_eq!(section.boundary, arn);
        let refused =
            read("{ permissionsBoundary: \"arn:aws-cn:iam::aws:policy/x\" }").unwrap_err();
        assert!(refused.ends_with("of partition aws-cn, and region us-east-1 is in aws"));
        for wrong in ["boundary", "arn:aws:iam::123456789012:role/boundary"] {
            let refused = read(&format!("{{ permissionsBoundary: \"{wrong}\" }}")).unwrap_err();
            assert!(refused.contains("must be the ARN of a policy, found"), "{refused}");
        }
    }

    #[test]
    fn add_ons_are_those_of_the_list() {
        let addons = |text: &str| read(text).map(|section| section.addons);
        assert_eq!(addons("{}").unwrap(), addons::DEFAULT);
        assert_eq!(addons("{ addons: [] }").unwrap(), [""; 0]);
        let some = "{ addons: [vpc-cni, datadog_operator] }";
        assert_eq!(addons(some).unwrap(), ["vpc-cni", "datadog_operator"]);
        for wrong in ["[CoreDNS]", "[vpc-]", "[\"\"]", "[vpc-cni, vpc-cni]", "coredns"] {
            assert!(addons(&format!("{{ addons: {wrong} }}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_out_reads_back_the_same() {
        let said = "{ account: \"123456789012\", irsa: true, podIdentity: false, addons: [vpc-cni], \
                    assumeRole: { arn: \"arn:aws:iam::123456789012:role/a\", externalId: word }, \
                    permissionsBoundary: \"arn:aws:iam::aws:policy/X\", access: [{ principal: \
                    \"arn:aws:iam::123456789012:user/ann\", policy: AmazonEKSViewPolicy }] }";
        for section in ["{}", "{ addons: [], access: [] }", said] {
            let text = format!(
                "name: acme\nprovider: eks\nregion: us-east-1\nprofile: none\neks: {section}\n"
            );
            let spec = provision_spec::read("a.yaml", text.as_bytes()).unwrap();
            let section = Section::of(&spec).unwrap();
            let resolved = spec.resolved_with(section.resolved());
            let again = provision_spec::read("b.yaml", resolved.as_bytes()).unwrap();
            assert_eq!(Section::of(&again).unwrap(), section, "{resolved}");
        }
    }

    #[test]
    fn an_account_has_twelve_digits() {
        let account = read("{ account: \"000000000012\", irsa: true }").unwrap();
        assert_eq!((account.account.as_deref(), account.irsa), (Some("000000000012"), true));
        assert!(read("{ account: 12 }").unwrap_err().contains("12 digits"));
    }
}
