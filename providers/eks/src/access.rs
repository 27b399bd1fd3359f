//! Who may enter a cluster: those that the file names, or else whoever applies it first.
use crate::arn::Arn;
use crate::aws::{Aws, Reply};
use crate::facts::is_there;
use crate::section::{Access, Section, check_partition, not_arn};
use provision_core::{Error, Facts, Kind, Result};
use provision_spec::{Field, nearest};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Whoever first applied a file that names nobody.
const ADMINISTRATOR: &str = "administrator";
/// What that one may do: everything.
const EVERYTHING: &str = "AmazonEKSClusterAdminPolicy";
/// The policies that EKS has everywhere. Whether it has another one is asked.
const POLICIES: [&str; 5] = [
    EVERYTHING,
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
];

/// Reads who may enter. Several items for one principal are one.
pub(crate) fn read(field: &Field<'_>, region: &str) -> Access {
    let items = Field::each(field.list(), |item| {
        let fields = item.fields(&["principal", "policy"])?;
        let whom = fields.required("principal", "arn:aws:iam::123456789012:role/admin");
        let whom = whom.and_then(|field| {
            let arn = field.parse(principal_arn)?;
            check_partition(&field, &arn, region);
            Some(arn)
        });
        let what = fields.required("policy", EVERYTHING);
        let what = what.and_then(|field| field.parse(policy));
        Some((whom?, what?))
    });
    let mut access = Access::new();
    for (principal, policy) in items.into_iter().flatten() {
        access.entry(principal).or_default().insert(policy);
    }
    access
}

fn principal_arn(text: &str) -> Result<String, (String, Option<String>)> {
    let enters = |arn: &Arn<'_>| {
        let is_one = ["role/", "user/"].iter().any(|sort| arn.thing.starts_with(sort));
        is_one && arn.account != "aws"
    };
    match (Arn::iam(text).filter(enters), role(text)) {
        (Some(_), _) => Ok(text.to_owned()),
        (None, Some(_)) => {
            let hint = "name the role, and not one of its sessions".to_owned();
            Err(("must be the ARN of a role or a user".to_owned(), Some(hint)))
        }
        (None, None) => Err(not_arn("a role or a user", "role/admin")),
    }
}

/// Reads the name of a policy, or its ARN. Which ones there are EKS tells.
fn policy(text: &str) -> Result<String, (String, Option<String>)> {
    const LONGEST: usize = 128;
    let name = match text.split_once(":eks::aws:cluster-access-policy/") {
        Some((partition, name)) if Arn::is_begun(partition) => name,
        _ => text,
    };
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_name && (1..=LONGEST).contains(&name.len()) {
        return Ok(name.to_owned());
    }
    let hint = format!("write it as in `{EVERYTHING}`; `aws eks list-access-policies` lists them");
    Err(("must be the name or the ARN of an access policy".to_owned(), Some(hint)))
}

/// Returns who may enter, each with the names of policies.
///
/// # Errors
/// When the file names nobody, and nobody is on record.
pub(crate) fn granted(section: &Section, facts: &Facts) -> Result<Access> {
    if let Some(access) = &section.access {
        return Ok(access.clone());
    }
    let missing = || Error::invalid(format!("fact {ADMINISTRATOR} is not on record"));
    let administrator = facts.get(ADMINISTRATOR).ok_or_else(missing)?;
    Ok(Access::from([(administrator, BTreeSet::from([EVERYTHING.to_owned()]))]))
}

/// Returns the address of a principal's entry. Accounts have one role or user of a name,
/// whatever its path.
pub(crate) fn address(principal: &str) -> String {
    let account = principal.split(':').nth(4).unwrap_or_default();
    let resource = principal.rsplit(':').next().unwrap_or_default();
    let sort = resource.split('/').next().unwrap_or_default();
    let name = resource.rsplit('/').next().unwrap_or_default();
    // Names may hold commas, and tags may not.
    format!("access-entry/{sort}/{account}/{}", name.replace(',', ":2c"))
}

/// Finds out who calls, where the file names nobody: whoever makes the cluster stays on record.
///
/// # Errors
/// When EKS has no policy of a name, or lets in nobody like the caller.
pub(crate) async fn resolve(
    aws: &Aws,
    section: &Section,
    caller: &str,
    facts: &Facts,
) -> Result<Option<(String, Value)>> {
    if let Some(access) = &section.access {
        return check_policies(aws, access).await.map(|()| None);
    }
    if is_there(facts) && facts.recorded.contains_key(ADMINISTRATOR) {
        return Ok(None);
    }
    Ok(Some((ADMINISTRATOR.to_owned(), json!(principal(aws, caller).await?))))
}

async fn check_policies(aws: &Aws, access: &Access) -> Result<()> {
    let wanted = access.values().flatten().filter(|name| !POLICIES.contains(&name.as_str()));
    let wanted: Vec<_> = wanted.collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let pages = aws.eks.list_access_policies().into_paginator();
    let all: Result<Vec<_>, _> = pages.items().send().collect().await;
    let all = all.reply("eks:ListAccessPolicies")?;
    let names: Vec<_> = all.iter().filter_map(|policy| policy.name()).collect();
    match wanted.into_iter().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let what = format!("eks.access: EKS has no access policy {name}");
            Err(Error::invalid(what).hint(match nearest(name, names) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "`aws eks list-access-policies` lists them".to_owned(),
            }))
        }
    }
}

/// Names the role or user that calls, where the file says who may enter and does not let that one do
/// everything.
pub(crate) fn left_out(section: &Section, caller: &str) -> Option<String> {
    let access = section.access.as_ref().filter(|access| !access.is_empty())?;
    let account = caller.split(':').nth(4).unwrap_or_default();
    // Sessions do not tell the path of their role.
    let (own, told) = match role(caller) {
        Some(role) => (
            address(&format!("arn:aws:iam::{account}:role/{role}")),
            format!("role {role} of account {account}"),
        ),
        None => (address(caller), caller.to_owned()),
    };
    let is_let_in = access
        .iter()
        .any(|(principal, policies)| address(principal) == own && policies.contains(EVERYTHING));
    (!is_let_in).then_some(told)
}

/// Returns the principal that somebody acts as: the role of a session, with its path.
async fn principal(aws: &Aws, caller: &str) -> Result<String> {
    let Some(role) = role(caller) else { return user(caller) };
    let found = aws.iam.get_role().role_name(role).send().await.found("iam:GetRole");
    let found = match found {
        Err(error) if error.kind == Kind::Denied => {
            tracing::warn!("the path of the caller's role is not known: {error}");
            None
        }
        answer => answer?.and_then(|answer| answer.role),
    };
    let plain = || format!("arn:{}:iam::{}:role/{role}", aws.partition, aws.account);
    Ok(found.map_or_else(plain, |role| role.arn))
}

/// Returns the name of the role whose session an ARN is of.
fn role(caller: &str) -> Option<&str> {
    let resource = caller.splitn(6, ':').nth(5)?;
    resource.strip_prefix("assumed-role/")?.split('/').next()
}

fn user(caller: &str) -> Result<String> {
    let parts: Vec<_> = caller.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", _, name]
            if name.starts_with("user/") || name.starts_with("role/") =>
        {
            Ok(caller.to_owned())
        }
        _ => Err(Error::invalid(format!(
            "EKS lets in roles and users alone, and the caller is {caller}"
        ))
        .hint("name who is to enter the cluster in eks.access")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_stands_for_its_role() {
        let of = "arn:aws:sts::123456789012:assumed-role/admin/ann@example.com";
        assert_eq!(role(of), Some("admin"));
        assert_eq!(role("arn:aws:iam::123456789012:user/ann"), None);
    }

    #[test]
    fn the_root_of_an_account_and_federated_users_are_not_let_in() {
        let ann = "arn:aws:iam::123456789012:user/team/ann";
        assert_eq!(user(ann).unwrap(), ann);
        for other in [
            "arn:aws:iam::123456789012:root",
            "arn:aws:sts::123456789012:federated-user/ann",
            "nobody",
        ] {
            let error = user(other).unwrap_err();
            assert!(error.message.ends_with(&format!("the caller is {other}")), "{error}");
        }
    }

    #[test]
    fn a_policy_goes_by_its_name() {
        let name = "AmazonEKSViewPolicy";
        for text in [name, "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"] {
            assert_eq!(policy(text).unwrap(), name);
        }
        for wrong in [
            "",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "a b",
            "x:eks::aws:cluster-access-policy/A",
        ] {
            assert!(policy(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_session_is_no_principal() {
        let hint = |text: &str| principal_arn(text).unwrap_err().1.unwrap();
        assert!(hint("arn:aws:sts::123456789012:assumed-role/a/me").contains("its sessions"));
        assert!(hint("admin").contains(":role/admin"));
        assert!(principal_arn("arn:aws:iam::123456789012:policy/a").is_err());
        assert!(principal_arn("arn:aws-cn:iam::123456789012:user/team/ann").is_ok());
    }

    #[test]
    fn an_address_tells_the_principal_without_its_path() {
        let of = |resource: &str| address(&format!("arn:aws:iam::123456789012:{resource}"));
        assert_eq!(of("role/team/admin"), "access-entry/role/123456789012/admin");
        assert_eq!(of("user/a,b"), "access-entry/user/123456789012/a:2cb");
    }

    #[test]
    fn whoever_calls_and_may_not_do_everything_is_left_out() {
        let of = |named: &[&str], caller: &str| {
            let everything = BTreeSet::from([EVERYTHING.to_owned()]);
            let named = named.iter().map(|arn| ((*arn).to_owned(), everything.clone()));
            let access = Some(named.collect::<Access>());
            left_out(&Section { access, ..Section::default() }, caller)
        };
        let (ann, team) = ("arn:aws:iam::1:user/ann", "arn:aws-cn:iam::1:role/team/a");
        let session = "arn:aws-cn:sts::1:assumed-role/a/ann";
        assert_eq!(of(&[ann, team], ann), None);
        assert_eq!(of(&[ann, team], session), None);
        assert_eq!(of(&[ann], session).as_deref(), Some("role a of account 1"));
        assert_eq!(of(&[team], ann).as_deref(), Some(ann));
        assert_eq!(of(&[], ann), None, "nobody is told of by another warning");
        assert_eq!(left_out(&Section::default(), ann), None);
        let view = BTreeSet::from(["AmazonEKSViewPolicy".to_owned()]);
        let access = Some(Access::from([(ann.to_owned(), view)]));
        let told = left_out(&Section { access, ..Section::default() }, ann);
        assert_eq!(told.as_deref(), Some(ann), "who may look makes nothing");
    }

    #[test]
    fn whoever_is_on_record_enters_where_the_file_names_nobody() {
        let (ann, bob) = ("arn:aws:iam::1:user/ann", "arn:aws:iam::1:user/bob");
        let recorded = [(ADMINISTRATOR.to_owned(), json!(ann))].into();
        let facts = Facts { recorded, ..Facts::default() };
        let names = |section: &Section| granted(section, &facts).unwrap().into_keys().collect();
        let entering: Vec<String> = names(&Section::default());
        assert_eq!(entering, [ann]);
        let access = Some(Access::from([(bob.to_owned(), BTreeSet::new())]));
        let entering: Vec<String> = names(&Section { access, ..Section::default() });
        assert_eq!(entering, [bob]);
        assert!(granted(&Section::default(), &Facts::default()).is_err());
    }
}
