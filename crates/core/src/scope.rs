//! Where a state's objects are.
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The account and region, or their like, that a state describes, and the world they are in.
///
/// Keys are the provider's own: `account`, `partition` and `region` on AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Which servers answer.
    pub world: World,
    /// The provider's coordinates.
    #[serde(flatten)]
    pub place: BTreeMap<String, String>,
}

/// Which servers answer for a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum World {
    /// The vendor's own.
    Vendor,
    /// A server on this machine.
    Loopback,
    /// The simulation that is part of the program.
    Sandbox,
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vendor => "vendor",
            Self::Loopback => "loopback",
            Self::Sandbox => "sandbox",
        })
    }
}
