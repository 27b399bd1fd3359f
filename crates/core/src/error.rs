//! One error for every cloud call; its kind steers the engine.
use std::fmt;

/// The result of a cloud call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a failed call means for what the engine does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Asking again later may work, and whether the call took hold is unknown:
    /// throttling, timeouts, lost replies, server errors.
    Retry,
    /// Refused until something else is gone or done, such as `DependencyViolation`.
    Blocked,
    /// Refused because something made a moment ago is not visible everywhere yet.
    Propagation,
    /// Refused because an object with that name or key exists.
    Exists,
    /// The caller lacks a permission.
    Denied,
    /// The credentials are missing, refused or expired. Stops the run.
    Auth,
    /// An account limit is reached.
    Quota,
    /// The cloud has no capacity for this at the moment.
    Capacity,
    /// The request can never work as written.
    Invalid,
    /// The journal cannot be written, so nothing may be changed any more. Stops the run.
    Journal,
}

impl Kind {
    /// Tells whether the same call may succeed later without anybody's help.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Retry | Self::Blocked | Self::Propagation)
    }

    /// Tells whether the run must stop before its next effect.
    pub fn is_fatal(self) -> bool {
        matches!(self, Self::Auth | Self::Journal)
    }
}

/// A cloud call that failed, in the cloud's own words.
///
/// The message is a lowercase fragment where it is ours; a source is never
/// repeated in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What it means.
    pub kind: Kind,
    /// What was asked, such as `ec2:CreateVpc`, when a call was made.
    pub operation: Option<String>,
    /// The cloud's error code, such as `VpcLimitExceeded`.
    pub code: Option<String>,
    /// The cloud's words, or ours.
    pub message: String,
    /// The cloud's request id, for its support.
    pub request_id: Option<String>,
    /// What to do about it, where that does not follow from its kind.
    pub hint: Option<Box<str>>,
}

impl Error {
    /// Makes an error of our own words.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let (operation, code, request_id, hint) = (None, None, None, None);
        Self { kind, operation, code, message: message.into(), request_id, hint }
    }

    /// Says what to do about it.
    pub fn hint(self, hint: impl Into<Box<str>>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Makes an error for a request that can never work.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.operation {
            write!(f, "{operation}: ")?;
        }
        match &self.code {
            Some(code) => write!(f, "{code}: {}", self.message)?,
            None => f.write_str(&self.message)?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
