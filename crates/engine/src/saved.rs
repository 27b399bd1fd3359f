//! A plan that was saved to be carried out later, and what must still hold then.
use provision_core::{Scope, World};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The format that this version writes.
pub const SAVED_PLAN_FORMAT: &str = "provision.saved-plan/v1";

/// A saved plan: everything that the plan was made from, and its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// [`SAVED_PLAN_FORMAT`].
    pub format: String,
    /// The cluster's name.
    pub cluster: String,
    /// The provider's name.
    pub provider: String,
    /// Where the cluster file was.
    pub source: String,
    /// The cluster file with every default, as `show --resolved` prints it.
    pub file: String,
    /// The SHA-256 of `file`, in hex.
    pub file_hash: String,
    /// The facts that were recorded or would be.
    pub facts: BTreeMap<String, Value>,
    /// The account and region.
    pub scope: Scope,
    /// Which servers answered.
    pub world: World,
    /// The state's identity. `None` when there was no state yet.
    pub lineage: Option<String>,
    /// The number of the state's last line.
    pub serial: u64,
    /// Where the state is.
    pub state: String,
    /// Addresses whose object may become ours, with its id if given.
    pub adopt: BTreeMap<String, Option<String>>,
    /// Addresses whose object may be made anew.
    pub replace: Vec<String>,
    /// The steps.
    pub steps: Value,
}

/// Why a file that begins like a saved plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum UnusablePlan {
    /// A newer or older version wrote it.
    #[error("another version wrote it")]
    Version,
    /// It has more than [`SavedPlan::MAX_BYTES`].
    #[error("it has more than {} MiB", SavedPlan::MAX_BYTES >> 20)]
    TooLarge,
    /// It is not what was written.
    #[error("it is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
    /// Its cluster file is not the one that was planned.
    #[error("the file in it was edited")]
    Edited,
}

/// What does not hold any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The state went on, or is another.
    #[error("the state changed after the plan was saved: it was at entry {then}, and is at {now}")]
    State {
        /// The serial then.
        then: u64,
        /// The serial now.
        now: u64,
    },
    /// The cluster file says something else now.
    #[error("cluster file {0} changed after the plan was saved")]
    File(String),
    /// The state is another one.
    #[error("the state is another one than the plan was saved for")]
    Lineage,
    /// The caller is somewhere else.
    #[error("the plan was saved for {then}, and these credentials lead to {now}")]
    Scope {
        /// The scope then.
        then: String,
        /// The scope now.
        now: String,
    },
    /// The same question has another answer now.
    #[error("the plan is not what it would be now: {0}")]
    World(String),
}

impl SavedPlan {
    /// Bounds the size of a saved plan in bytes.
    pub const MAX_BYTES: u64 = 64 << 20;

    /// Tells whether a file that begins so is a saved plan, of whatever version.
    pub fn is_begun(text: &[u8]) -> bool {
        text.starts_with(b"{\"format\":\"provision.saved-plan/")
    }

    /// Reads a saved plan from its text. `None` when the text is something else.
    ///
    /// # Errors
    /// When it is a saved plan that cannot be carried out.
    pub fn parse(text: &[u8]) -> Result<Option<Self>, UnusablePlan> {
        if !Self::is_begun(text) {
            return Ok(None);
        }
        if !text.starts_with(format!("{{\"format\":\"{SAVED_PLAN_FORMAT}\"").as_bytes()) {
            return Err(UnusablePlan::Version);
        }
        if text.len() as u64 > Self::MAX_BYTES {
            return Err(UnusablePlan::TooLarge);
        }
        let plan: Self = serde_json::from_slice(text)?;
        match Self::hash(&plan.file) == plan.file_hash {
            true => Ok(Some(plan)),
            false => Err(UnusablePlan::Edited),
        }
    }

    /// Returns the hash of a resolved cluster file.
    pub fn hash(file: &str) -> String {
        Sha256::digest(file).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Compares the file that was planned with what the cluster file says now, resolved.
    ///
    /// # Errors
    /// [`Mismatch::File`] when they differ.
    pub fn check_file(&self, resolved: &str) -> Result<(), Mismatch> {
        match resolved == self.file {
            true => Ok(()),
            false => Err(Mismatch::File(self.source.clone())),
        }
    }

    /// Compares where and what the plan was saved for with where and what is now.
    ///
    /// # Errors
    /// The first thing that moved.
    pub fn check_place(
        &self,
        scope: &Scope,
        lineage: Option<&str>,
        serial: u64,
    ) -> Result<(), Mismatch> {
        if self.scope != *scope {
            return Err(Mismatch::Scope { then: place(&self.scope), now: place(scope) });
        }
        if self.lineage.as_deref() != lineage {
            return Err(Mismatch::Lineage);
        }
        if self.serial != serial {
            return Err(Mismatch::State { then: self.serial, now: serial });
        }
        Ok(())
    }

    /// Compares the steps that were saved with those of the plan made anew.
    ///
    /// # Errors
    /// [`Mismatch::World`] naming the first step that is not the same.
    pub fn check_steps(&self, steps: &Value) -> Result<(), Mismatch> {
        match difference(&self.steps, steps) {
            Some(what) => Err(Mismatch::World(what)),
            None => Ok(()),
        }
    }
}

/// Names a scope in words.
fn place(scope: &Scope) -> String {
    let place = scope.place.iter().map(|(key, value)| format!("{key} {value}"));
    format!("{} ({} servers)", place.collect::<Vec<_>>().join(", "), scope.world)
}

/// Names the first step that is not in both, or not the same.
fn difference(then: &Value, now: &Value) -> Option<String> {
    if then == now {
        return None;
    }
    let steps = |plan: &Value| -> BTreeMap<String, Value> {
        let steps = plan.as_array().cloned().unwrap_or_default();
        steps.into_iter().map(|s| (s["id"].as_str().unwrap_or_default().to_owned(), s)).collect()
    };
    let (then, now) = (steps(then), steps(now));
    let gone = then.keys().find(|id| !now.contains_key(*id));
    let new = now.keys().find(|id| !then.contains_key(*id));
    let other = now.iter().find(|(id, step)| then.get(*id) != Some(step));
    let gone = gone.map(|id| format!("it would not {} any more", said(id)));
    let new = new.map(|id| format!("it would also {}", said(id)));
    let other = other.map(|(id, step)| {
        let how = then.get(id).and_then(|it| other_change(&it["changes"], &step["changes"]));
        format!("it would {} in another way{}", said(id), how.unwrap_or_default())
    });
    gone.or(new).or(other)
}

/// Names the first field that a step would change otherwise, or that only one of the two would.
fn other_change(then: &Value, now: &Value) -> Option<String> {
    let changes = |step: &Value| -> BTreeMap<String, Value> {
        let changes = step.as_array().cloned().unwrap_or_default().into_iter();
        changes.map(|it| (it["field"].as_str().unwrap_or_default().to_owned(), it)).collect()
    };
    let (then, now) = (changes(then), changes(now));
    let is_other = |field: &&String| then.get(*field) != now.get(*field);
    let field = then.keys().chain(now.keys()).find(is_other)?;
    Some(match (then.get(field), now.get(field)) {
        (Some(then), Some(now)) if then["to"] != now["to"] => {
            format!(": {field} {} instead of {}", now["to"], then["to"])
        }
        (Some(then), Some(now)) => {
            format!(": {field} is {} now, and was {}", now["from"], then["from"])
        }
        (Some(_), None) => format!(": {field} would stay as it is"),
        (None, _) => format!(": {field} would change too"),
    })
}

/// Reads the id of a step, `0/create/vpc`, as words.
fn said(id: &str) -> String {
    let mut parts = id.splitn(3, '/').skip(1);
    let (action, address) = (parts.next().unwrap_or(id), parts.next().unwrap_or_default());
    format!("{action} {address}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_is_named() {
        let then = json!([{"id": "0/create/vpc", "changes": 1}]);
        assert_eq!(difference(&then, &then), None);
        let check = |now: Value, expect: &str| {
            assert_eq!(difference(&then, &now).as_deref(), Some(expect));
        };
        check(json!([]), "it would not create vpc any more");
        check(json!([{"id": "0/create/vpc", "changes": 2}]), "it would create vpc in another way");
        check(
            json!([{"id": "0/create/vpc", "changes": 1}, {"id": "0/delete/x"}]),
            "it would also delete x",
        );
        let to = |field: &str, from: u8, to: u8| json!({"field": field, "from": from, "to": to});
        let check = |then: Value, now: Value, expect: &str| {
            let step = |changes| json!([{"id": "0/update/vpc", "changes": changes}]);
            let told = difference(&step(then), &step(now)).expect("they differ");
            assert_eq!(told, format!("it would update vpc in another way: {expect}"));
        };
        let (one, other) = (to("min", 0, 1), to("max", 3, 5));
        check(json!([one]), json!([to("min", 0, 2)]), "min 2 instead of 1");
        check(json!([one]), json!([to("min", 4, 1)]), "min is 4 now, and was 0");
        check(json!([one, other]), json!([one]), "max would stay as it is");
        check(json!([one]), json!([one, other]), "max would change too");
    }
}
