//! What members must be by their models, refused as AWS words it.
use super::Refusal;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// How a service calls the error of a member that breaks its constraint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constraint(pub(crate) &'static str);

/// A set of characters, and how the models write it.
pub(crate) type Letters = (&'static str, fn(char) -> bool);

impl Constraint {
    /// Refuses a member.
    pub(crate) fn broken(self, member: &str, value: impl Display, rule: &str) -> Refusal {
        let message = format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy \
             constraint: Member must {rule}"
        );
        Refusal::new(self.0, message)
    }

    /// Checks how long a text is.
    ///
    /// # Errors
    /// When it is shorter or longer.
    pub(crate) fn length(
        self,
        member: &str,
        value: &str,
        range: RangeInclusive<usize>,
    ) -> Result<(), Refusal> {
        let length = value.chars().count();
        let rule = match length {
            _ if range.contains(&length) => return Ok(()),
            _ if length < *range.start() => format!("greater than or equal to {}", range.start()),
            _ => format!("less than or equal to {}", range.end()),
        };
        Err(self.broken(member, value, &format!("have length {rule}")))
    }

    /// Checks what a text is made of.
    ///
    /// # Errors
    /// When another character is in it.
    pub(crate) fn letters(
        self,
        member: &str,
        value: &str,
        (pattern, fits): Letters,
    ) -> Result<(), Refusal> {
        match value.chars().all(fits) {
            true => Ok(()),
            false => {
                let rule = format!("satisfy regular expression pattern: {pattern}");
                Err(self.broken(member, value, &rule))
            }
        }
    }

    /// Checks how large a number is.
    ///
    /// # Errors
    /// When it is smaller or larger.
    pub(crate) fn number(
        self,
        member: &str,
        value: i64,
        range: RangeInclusive<i64>,
    ) -> Result<(), Refusal> {
        let rule = match value {
            _ if range.contains(&value) => return Ok(()),
            _ if value < *range.start() => format!("greater than or equal to {}", range.start()),
            _ => format!("less than or equal to {}", range.end()),
        };
        Err(self.broken(member, value, &format!("have value {rule}")))
    }

    /// Checks that a text is one of a few words.
    ///
    /// # Errors
    /// When it is another.
    pub(crate) fn word(self, member: &str, value: &str, words: &[&str]) -> Result<(), Refusal> {
        match words.contains(&value) {
            true => Ok(()),
            false => {
                let rule = format!("satisfy enum value set: [{}]", words.join(", "));
                Err(self.broken(member, value, &rule))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Constraint = Constraint("ValidationError");

    #[test]
    fn a_broken_constraint_is_said_as_aws_does() {
        let lower: Letters = ("[a-z]+", |letter| letter.is_ascii_lowercase());
        assert!(HERE.length("name", "é", 1..=1).is_ok());
        let refusal = HERE.letters("name", "a b", lower).unwrap_err();
        assert_eq!(
            refusal.message,
            "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [a-z]+"
        );
        let refusal = HERE.number("days", 5, 7..=30).unwrap_err();
        assert!(refusal.message.ends_with("have value greater than or equal to 7"));
        assert!(HERE.word("kind", "a", &["a", "b"]).is_ok());
        assert!(HERE.word("kind", "c", &["a", "b"]).is_err());
    }
}
