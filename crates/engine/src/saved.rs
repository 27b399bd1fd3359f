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
        let how = then.get(id).and_then(|before| otherwise(before, step)).unwrap_or_default();
        format!("it would {} in another way{how}", said(id))
    });
    gone.or(new).or(other)
}

/// Tells what differs in a step: with what it is done, or the first field that it changes.
fn otherwise(then: &Value, now: &Value) -> Option<String> {
    if let (Some(then), Some(now)) = (then["object"].as_str(), now["object"].as_str())
        && then != now
    {
        return Some(format!(": it is {now} now, and was {then}"));
    }
    let (then, now) = (changes(then), changes(now));
    let is_other = |field: &&String| then.get(*field) != now.get(*field);
    let field = then.keys().chain(now.keys()).find(is_other)?;
    let (Some(then), Some(now)) = (then.get(field), now.get(field)) else {
        let what = if now.contains_key(field) { "would change too" } else { "would stay as it is" };
        return Some(format!(": {field} {what}"));
    };
    let member = if then["to"] == now["to"] { "from" } else { "to" };
    let how = match (short(&then[member]), short(&now[member])) {
        (Some(then), Some(now)) if member == "from" => format!(" is {now} now, and was {then}"),
        (Some(then), Some(now)) => format!(" would become {now} and not {then}"),
        _ => String::new(),
    };
    Some(format!(": {field}{how}"))
}

/// Returns the changes of a step by their fields.
fn changes(step: &Value) -> BTreeMap<String, Value> {
    let changes = step["changes"].as_array().cloned().unwrap_or_default().into_iter();
    changes.map(|it| (it["field"].as_str().unwrap_or_default().to_owned(), it)).collect()
}

/// Writes a value that people read at a glance.
fn short(value: &Value) -> Option<String> {
    const LONGEST: usize = 60;
    let is_one = value.is_string() || value.is_number() || value.is_boolean();
    Some(value.to_string()).filter(|text| is_one && text.len() <= LONGEST)
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
    use provision_core::{Action, Cause, Change, Diff, Plan, Step};
    use serde_json::json;
    use std::collections::BTreeSet;

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
    }

    #[test]
    fn what_a_step_would_do_otherwise_is_named() {
        let change =
            |field: &str, from: Value, to: Value| Change { field: field.to_owned(), from, to };
        let step = |object: &str, changes: &[Change]| Step {
            stage: 0,
            action: Action::Update,
            address: "vpc".into(),
            kind: "aws.ec2.vpc".to_owned(),
            object: Some(object.to_owned()),
            cause: Cause::File,
            changes: Diff(changes.to_vec()),
            slot: None,
            lane: None,
            after: BTreeSet::new(),
        };
        let plan = |object: &str, changes: &[Change]| {
            let steps = vec![step(object, changes)];
            serde_json::to_value(Plan { steps, ..Plan::default() }).expect("a plan serializes")
        };
        let one = change("min", json!(0), json!(1));
        let then = plan("vpc-1", std::slice::from_ref(&one));
        let check = |now: Value, expect: &str| {
            let told = difference(&then, &now).expect("they differ");
            assert_eq!(told, format!("it would update vpc in another way{expect}"));
        };
        check(plan("vpc-2", std::slice::from_ref(&one)), ": it is vpc-2 now, and was vpc-1");
        let of = |change: Change| plan("vpc-1", &[change]);
        check(of(change("min", json!(0), json!(2))), ": min would become 2 and not 1");
        check(of(change("min", json!(4), json!(1))), ": min is 4 now, and was 0");
        check(of(change("min", Value::Null, json!(1))), ": min");
        check(of(change("min", json!(0), json!({"$from": "a"}))), ": min");
        check(of(change("min", json!(0), json!("x".repeat(60)))), ": min");
        check(plan("vpc-1", &[]), ": min would stay as it is");
        let both = [one.clone(), change("tags", json!({}), json!({}))];
        check(plan("vpc-1", &both), ": tags would change too");
    }
}
