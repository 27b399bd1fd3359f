//! How a service says no.
use serde_json::{Map, Value};

/// An error as AWS documents it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Further members of the error, where its shape has any.
    pub(crate) fields: Box<Map<String, Value>>,
}

impl Refusal {
    /// Makes an error of the caller's.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        Self { status: 400, code, message, fields: Box::default() }
    }

    /// Makes the error that says what no sandbox can: it is not AWS's, so nobody takes it for an
    /// answer.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::new("SandboxUnsupported", format!("the sandbox does not know {what}")).status(501)
    }

    /// Puts it into the words of a service that checks what members must be, and has a code for
    /// that.
    pub(crate) fn unreadable(mut self, code: &str) -> Self {
        let is_missing = self.code == "MissingParameter";
        if is_missing {
            let member = self.message.rsplit(' ').next().unwrap_or_default();
            let (first, rest) = member.split_at_checked(1).unwrap_or_default();
            self.message = format!(
                "1 validation error detected: Value null at '{}{rest}' failed to satisfy \
                 constraint: Member must not be null",
                first.to_ascii_lowercase()
            );
        }
        if is_missing || self.code == "InvalidParameterValue" {
            self.code = code.to_owned();
        }
        self
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_in_the_words_of_the_service() {
        let missing =
            Refusal::new("MissingParameter", "The request must contain the parameter KeyId");
        let told = missing.unreadable("ValidationException");
        assert_eq!(told.code, "ValidationException");
        assert!(told.message.contains("Value null at 'keyId' failed"), "{}", told.message);
        let other = Refusal::new("NotFoundException", "no");
        assert_eq!(other.clone().unreadable("ValidationException"), other);
    }
}
