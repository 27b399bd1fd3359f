//! Whose keys a sandbox accepts.
use crate::{ACCOUNT, CREDENTIAL};
use std::fmt;
use std::str::FromStr;

/// The partitions that there are.
const PARTITIONS: [&str; 3] = ["aws", "aws-cn", "aws-us-gov"];

/// What the ids of keys begin with.
const KEY: &str = "AKIA";

/// An access key that a sandbox accepts, written `ID:SECRET`, `ID:SECRET:ACCOUNT` or
/// `ID:SECRET:ACCOUNT:PARTITION`.
#[derive(Clone, Eq, PartialEq)]
pub struct Credential {
    /// The id of the key.
    pub id: String,
    /// The secret that requests are signed with.
    pub secret: String,
    /// The account whose key it is: [`ACCOUNT`] unless told.
    pub account: String,
    /// The partition that the account is in: every one unless told.
    pub partition: Option<String>,
}

impl Credential {
    /// Returns the key that every sandbox accepts.
    pub(crate) fn own() -> Self {
        let [id, secret, account] = [CREDENTIAL.0, CREDENTIAL.1, ACCOUNT].map(str::to_owned);
        Self { id, secret, account, partition: None }
    }

    /// Returns the key that an account has where everybody is let in.
    pub fn of_account(account: &str) -> Self {
        let (secret, account) = (CREDENTIAL.1.to_owned(), account.to_owned());
        Self { id: format!("{KEY}{account}"), secret, account, partition: None }
    }

    /// Returns the key of that id where everybody is let in, if it is the key of an account.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        id.strip_prefix(KEY).filter(|account| is_account(account)).map(Self::of_account)
    }
}

/// Tells whether text is the number of an account.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl FromStr for Credential {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(':').collect();
        let (id, secret, account, partition) = match parts[..] {
            [id, secret] => (id, secret, ACCOUNT, None),
            [id, secret, account] => (id, secret, account, None),
            [id, secret, account, partition] => (id, secret, account, Some(partition)),
            _ => {
                let wanted = "a credential is written ID:SECRET[:ACCOUNT[:PARTITION]]";
                return Err(wanted.to_owned());
            }
        };
        if id.is_empty() || secret.is_empty() {
            return Err("a credential has an id and a secret".to_owned());
        }
        if !is_account(account) {
            return Err(format!("{account:?} is no account: that is 12 digits"));
        }
        if partition.is_some_and(|it| !PARTITIONS.contains(&it)) {
            return Err(format!("a partition is one of {}", PARTITIONS.join(", ")));
        }
        let [id, secret, account] = [id, secret, account].map(str::to_owned);
        Ok(Self { id, secret, account, partition: partition.map(str::to_owned) })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({} of {})", self.id, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_account_tells_it() {
        let key = Credential::of_account("210987654321");
        assert_eq!(Credential::of_id(&key.id), Some(key));
        for id in ["AKIA21098765432", "AKIA2109876543210", "ASIA210987654321", CREDENTIAL.0] {
            assert_eq!(Credential::of_id(id), None, "{id}");
        }
    }

    #[test]
    fn a_credential_may_name_its_account() {
        let read = |text: &str| text.parse::<Credential>();
        assert_eq!(read("KEY:hidden").unwrap().account, ACCOUNT);
        let other = read("KEY:hidden:210987654321").unwrap();
        assert_eq!((other.secret.as_str(), other.account.as_str()), ("hidden", "210987654321"));
        assert!(!format!("{other:?}").contains("hidden"));
        let china = read("KEY:hidden:210987654321:aws-cn").unwrap();
        assert_eq!((china.partition.as_deref(), other.partition), (Some("aws-cn"), None));
        for wrong in
            ["KEY", ":s", "KEY:", "KEY:s:12", "KEY:s:210987654321:x", "a:b:210987654321:aws:c"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
