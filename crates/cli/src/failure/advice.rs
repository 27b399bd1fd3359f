//! What to do about an error of a cloud.
use provision_core::{Error, Kind};

/// Returns what to do about an error: what it says itself, or what follows from its kind.
pub(crate) fn advice(error: &Error) -> Option<String> {
    if let Some(hint) = &error.hint {
        return Some(hint.to_string());
    }
    let advice = match error.kind {
        Kind::Auth => "get fresh credentials and run the same command again",
        Kind::Journal => super::WRITABLE,
        Kind::Denied => {
            return Some(match permission(error) {
                Some(name) => {
                    format!("give the caller the permission {name} and run the same command again")
                }
                None => "give the caller this permission and run the same command again".to_owned(),
            });
        }
        Kind::Quota => "ask the cloud to raise the limit, or make room below it",
        Kind::Capacity => {
            "run the same command again later, or let it have other machines or zones"
        }
        Kind::Retry => "run the same command again when the cloud answers",
        Kind::Propagation => "run the same command again: what was made is not seen everywhere yet",
        Kind::Blocked => "run the same command again once nothing else is going on there",
        Kind::Exists => {
            "delete or rename what is in its place, or give the cluster another name, and run the \
             same command again"
        }
        Kind::Invalid if error.operation.is_some() => {
            "change what the cloud refuses, in the cluster file or in the account, and run the same \
             command again"
        }
        // Our own words say what is wrong where.
        Kind::Invalid => return None,
    };
    Some(advice.to_owned())
}

/// Returns the permission that the caller lacks: the one that the cloud names, which is not always
/// that of the call, or else that of the call.
fn permission(error: &Error) -> Option<&str> {
    let named = error.message.split_once("to perform: ").map(|(_, rest)| rest);
    let named = named.and_then(|rest| rest.split_whitespace().next());
    let is_one = |name: &&str| name.split(':').filter(|part| !part.is_empty()).count() == 2;
    named.filter(is_one).or(error.operation.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_named_as_the_cloud_names_it() {
        let of = |operation: Option<&str>, message: &str| {
            let operation = operation.map(str::to_owned);
            let error = Error { operation, ..Error::new(Kind::Denied, message) };
            permission(&error).map(str::to_owned)
        };
        let role = "User: u is not authorized to perform: iam:PassRole on resource: r";
        assert_eq!(of(Some("eks:CreateCluster"), role).as_deref(), Some("iam:PassRole"));
        assert_eq!(of(Some("ec2:CreateVpc"), "no").as_deref(), Some("ec2:CreateVpc"));
        assert_eq!(
            of(Some("ec2:CreateVpc"), "not to perform: that").as_deref(),
            Some("ec2:CreateVpc")
        );
        assert_eq!(of(None, "no"), None);
    }
}
