//! Why a plan is refused.
use crate::address::Address;
use crate::error::Error;
use std::fmt;

/// One reason for which nothing may be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An object of somebody else has the place of one of ours.
    #[error("{address}: {object} exists and is not ours: it {owner}")]
    Foreign {
        /// Where.
        address: Address,
        /// The object's kind, and id if it has one.
        object: String,
        /// How we know.
        owner: String,
    },
    /// Two objects carry the same address.
    #[error("{address}: {} objects carry this address: {}", .objects.len(), .objects.join(", "))]
    Twice {
        /// Where.
        address: Address,
        /// Their kinds and ids.
        objects: Vec<String>,
    },
    /// An object that worked once has been given up by the cloud.
    #[error("{address}: it is broken: {error}")]
    Broken {
        /// Where.
        address: Address,
        /// The cloud's words.
        error: Error,
    },
    /// A change needs the object to be made anew, and losing it loses more than itself.
    #[error("{address}: {} cannot change in place, and it is never replaced unasked", .fields.join(", "))]
    Precious {
        /// Where.
        address: Address,
        /// The fields that would change.
        fields: Vec<String>,
    },
    /// An object cannot be taken over as it is.
    #[error("{address}: it cannot be taken over: {} is not as the file says and cannot change in place", .fields.join(", "))]
    Unlike {
        /// Where.
        address: Address,
        /// The fields that would change.
        fields: Vec<String>,
    },
    /// An address has another kind of object than before.
    #[error("{address}: on record it is {was}, and now it would be {is}")]
    OtherKind {
        /// Where.
        address: Address,
        /// The kind on record.
        was: String,
        /// The kind that is wanted.
        is: String,
    },
    /// An object must be made anew while another goes on using it.
    #[error("{used}: {}, and {user} still uses it", must_go(.fields))]
    InUse {
        /// What would go.
        used: Address,
        /// The fields that would change; none where it is to go for another reason.
        fields: Vec<String>,
        /// What would lose it.
        user: Address,
    },
}

impl Refusal {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Foreign { address, .. } => format!(
                "rename the cluster, remove that object, or take it over with `--adopt {address}`"
            ),
            Self::Twice { .. } => "remove the one that nothing uses, then run again".into(),
            Self::Broken { address, .. } | Self::Precious { address, .. } => {
                format!("to delete it and make it again, add `--replace {address}`")
            }
            Self::Unlike { .. } => "make the cluster file say what the object is".into(),
            Self::OtherKind { .. } => "use the version of provision that made it".into(),
            Self::InUse { user, fields, .. } if fields.is_empty() => {
                format!("to replace both, add `--replace {user}`")
            }
            Self::InUse { used, fields, .. } => format!(
                "set what makes {} of {used} in the cluster file as it was, or destroy the cluster and \
                 apply it anew",
                fields.join(", ")
            ),
        }
    }
}

/// Says why an object must be made anew.
fn must_go(fields: &[String]) -> String {
    match fields.is_empty() {
        true => "it must be replaced".into(),
        false => format!("{} cannot change in place", fields.join(", ")),
    }
}

/// A plan that was refused, with every reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub Vec<Refusal>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => only.fmt(f),
            all => write!(f, "the plan is refused for {} reasons", all.len()),
        }
    }
}

impl std::error::Error for Refused {}
