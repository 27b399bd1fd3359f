//! The objects of the simulated cloud.
use provision_core::{CLUSTER_MARK, Error, LINEAGE_MARK};
use serde_json::Value;
use tokio::time::Instant;

/// An object of the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its kind.
    pub kind: &'static str,
    /// The name that is unique in its kind.
    pub name: Option<String>,
    /// The parent it goes with.
    pub within: Option<String>,
    /// What it is.
    pub body: Value,
    pub(super) token: String,
    pub(super) ready_at: Instant,
    pub(super) leaves_at: Option<Instant>,
    /// What the world says is wrong with it.
    pub complaint: Option<Complaint>,
}

/// What is wrong with an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Complaint {
    /// It serves all the same.
    Degraded(String),
    /// It was given up.
    Broken(Error),
}

/// How an object stands at the time of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Making,
    Ready,
    Leaving,
}

impl Object {
    pub(super) fn status(&self, now: Instant) -> Status {
        match () {
            () if self.leaves_at.is_some() => Status::Leaving,
            () if now < self.ready_at => Status::Making,
            () => Status::Ready,
        }
    }

    /// Returns one of its tags.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.body.get("tags")?.get(key)?.as_str()
    }

    /// Tells whether it carries the marks of a lineage.
    pub fn is_of(&self, lineage: &str) -> bool {
        self.tag(LINEAGE_MARK) == Some(lineage)
    }

    pub(crate) fn is_of_cluster(&self, cluster: &str) -> bool {
        self.tag(CLUSTER_MARK) == Some(cluster)
    }
}
