//! Names of things in all of AWS, as cluster files hold them.

/// An ARN of IAM, in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    pub(crate) partition: &'a str,
    /// Twelve digits, or `aws` of what AWS itself gives to every account.
    pub(crate) account: &'a str,
    /// What it names, such as `role/admin`.
    pub(crate) thing: &'a str,
}

impl<'a> Arn<'a> {
    /// Reads the ARN of something in IAM; `None` when it is none.
    pub(crate) fn iam(text: &'a str) -> Option<Self> {
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, thing] = parts[..] else { return None };
        let is_known = is_partition(partition);
        let is_account = account == "aws" || is_account(account);
        let (_, name) = thing.split_once('/')?;
        let is_plain = thing.bytes().all(|byte| byte.is_ascii_graphic());
        let is_whole = is_known && is_account && is_plain && !name.is_empty();
        (is_whole && !name.ends_with('/')).then_some(Self { partition, account, thing })
    }

    /// Tells whether text is how ARNs of a partition begin: `arn:aws`.
    pub(crate) fn is_begun(text: &str) -> bool {
        text.strip_prefix("arn:").is_some_and(is_partition)
    }
}

fn is_partition(text: &str) -> bool {
    let mut words = text.split('-');
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.next() == Some("aws") && words.all(|it| !it.is_empty() && is_word(it))
}

/// Tells whether text is the number of an account.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_read_in_its_parts() {
        let arn = Arn::iam("arn:aws-cn:iam::123456789012:role/team/admin").unwrap();
        assert_eq!((arn.partition, arn.account), ("aws-cn", "123456789012"));
        assert_eq!(arn.thing, "role/team/admin");
        assert_eq!(Arn::iam("arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap().account, "aws");
        for wrong in [
            "",
            "role/admin",
            "arn:aws:iam::123:role/admin",
            "arn:azure:iam::123456789012:role/admin",
            "arn:aws-:iam::123456789012:role/admin",
            "arn:aws:sts::123456789012:assumed-role/admin/me",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:iam:us-east-1:123456789012:role/admin",
        ] {
            assert_eq!(Arn::iam(wrong), None, "{wrong}");
        }
    }
}
