//! How the vendor's support gets in, and for how long.

use std::fmt;
use std::str::FromStr;

use crate::fields::Fields;

/// How the vendor's support gets into a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Not at all.
    None,
    /// As an administrator, for automated upgrades.
    Admin {
        /// Says for how long, from when it is let in.
        expires: Term,
    },
}

/// A span of time in whole hours, written in days where these are whole too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    hours: u32,
}

impl Support {
    pub(crate) fn read(root: &Fields<'_>, in_cluster: bool) -> Self {
        let field = root.optional("support");
        let Some(fields) = field.and_then(|field| field.fields(&["access", "expires"])) else {
            return Self::None;
        };
        let expires = match fields.optional("expires") {
            Some(field) => field.parse(Term::read),
            None => Some(Term::USUAL),
        };
        let Some(access) = fields.optional("access") else { return Self::None };
        if access.choice(&[("none", false), ("admin", true)]) != Some(true) {
            return Self::None;
        }
        if !in_cluster {
            let message = "is for what is inside the cluster, and inCluster is false";
            let hint = "write `access: none`, or `inCluster: true`".to_owned();
            access.refuse_key("file.conflict", message, Some(hint));
        }
        expires.map_or(Self::None, |expires| Self::Admin { expires })
    }
}

impl Term {
    /// How long support gets in where the file does not say.
    pub const USUAL: Self = Self { hours: 30 * 24 };
    /// The longest that it gets in at once: a year.
    pub(crate) const LONGEST: Self = Self { hours: 365 * 24 };

    /// Gives it in hours.
    #[must_use]
    pub fn hours(self) -> u32 {
        self.hours
    }

    /// Reads what a cluster file says.
    fn read(text: &str) -> Result<Self, (String, Option<String>)> {
        let hint = |hint: &str| Some(format!("write days as in `{hint}`, or hours as in `8h`"));
        let term: Self = text.parse().map_err(|why: String| (why, hint("30d")))?;
        match term {
            Self { hours: 0 } => Err(("must be at least 1h".to_owned(), hint("1d"))),
            term if term > Self::LONGEST => {
                Err((format!("must be at most {}", Self::LONGEST), hint("365d")))
            }
            term => Ok(term),
        }
    }
}

impl FromStr for Term {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be days or hours".to_owned();
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let hours = match unit {
            "d" => 24,
            "h" => 1,
            _ => return Err(wrong()),
        };
        if number.is_empty() {
            return Err(wrong());
        }
        // What has so many digits is too long, whatever it is.
        let number = match number.trim_start_matches('0') {
            "" => 0,
            number => number.parse().unwrap_or(u32::MAX).min(Self::LONGEST.hours + 1),
        };
        Ok(Self { hours: number * hours })
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hours {
            hours if hours % 24 == 0 => write!(f, "{}d", hours / 24),
            hours => write!(f, "{hours}h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_of_days_or_hours() {
        let read = |text: &str| match Term::read(text) {
            Ok(term) => term.to_string(),
            Err((why, _)) => why,
        };
        for (text, wanted) in [
            ("30d", "30d"),
            ("1h", "1h"),
            ("48h", "2d"),
            ("07d", "7d"),
            ("365d", "365d"),
            ("366d", "must be at most 365d"),
            ("99999999999999d", "must be at most 365d"),
            ("0d", "must be at least 1h"),
            ("30", "must be days or hours"),
            ("d", "must be days or hours"),
            ("1w", "must be days or hours"),
            ("-1d", "must be days or hours"),
            ("1.5d", "must be days or hours"),
        ] {
            assert_eq!(read(text), wanted, "{text}");
        }
        assert_eq!("2d".parse().map(Term::hours), Ok(48));
    }
}
