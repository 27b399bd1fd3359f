//! How a service says no.
use serde_json::{Map, Value};

/// An error as AWS documents it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Further members of the error, where its shape has any.
    pub(crate) fields: Map<String, Value>,
}

impl Refusal {
    /// Makes an error of the caller's.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        Self { status: 400, code, message, fields: Map::new() }
    }

    /// Makes the error that says what no sandbox can: it is not AWS's, so nobody takes it for an
    /// answer.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::new("SandboxUnsupported", format!("the sandbox does not know {what}")).status(501)
    }

    /// Gives it the code that a service has for a request that nobody can read.
    pub(crate) fn unreadable(mut self, code: &str) -> Self {
        if self.code == "MissingParameter" || self.code == "InvalidParameterValue" {
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
