//! Evictions: pods are deleted, unless a disruption budget keeps them.
use super::super::{budget, settle};
use super::{Done, Work};
use serde_json::{Value, json};

impl Work<'_> {
    /// Deletes a pod, if no disruption budget keeps it.
    pub(super) fn evict(&mut self) -> Done {
        let live = self.live()?;
        let said: Value = self.read()?;
        self.check_version(&live, &json!({ "metadata": said["deleteOptions"]["preconditions"] }))?;
        budget::check(self.world, self.cluster, &live)?;
        let is_dry = said["deleteOptions"]["dryRun"] == json!(["All"]) || self.options.is_dry();
        if !is_dry {
            let grace = said["deleteOptions"]["gracePeriodSeconds"].as_u64();
            settle::delete(self.world, self.cluster, &self.asked.kind, &live, "", grace);
            settle::soon(self.world, self.cluster);
        }
        let done = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {},
            "status": "Success" });
        Ok((201, done))
    }
}
