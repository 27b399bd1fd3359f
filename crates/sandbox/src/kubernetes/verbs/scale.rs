//! How many pods a workload has: the subresource that autoscalers and `kubectl scale` use.
use super::super::objects::text;
use super::super::patch;
use super::super::select::written;
use super::super::status::Status;
use super::{Done, Work};
use serde_json::{Value, json};

impl Work<'_> {
    /// Tells or changes how many pods a workload has.
    pub(super) fn scale(&mut self) -> Done {
        let live = self.live()?;
        let mut scale = of(&live);
        match self.asked.verb {
            "get" => return Ok((200, scale)),
            "update" => scale = self.read()?,
            _ if self.media.starts_with("application/json-patch") => {
                patch::json(&mut scale, &self.read()?)?;
            }
            _ => patch::merge(&mut scale, &self.read()?),
        }
        let mut object = live.clone();
        object["spec"]["replicas"] = match &scale["spec"]["replicas"] {
            Value::Null => json!(0),
            Value::Number(count) if count.is_u64() => scale["spec"]["replicas"].clone(),
            other => return Err(Status::bad(format!("spec.replicas: {other} is no count"))),
        };
        if !text(&scale, "/metadata/resourceVersion").is_empty() {
            object["metadata"]["resourceVersion"] = scale["metadata"]["resourceVersion"].clone();
        }
        let (code, stored) = self.store(&live, object, None)?;
        Ok((code, of(&stored)))
    }
}

fn of(live: &Value) -> Value {
    let metadata = &live["metadata"];
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": live["spec"]["replicas"] },
        "status": {
            "replicas": live["status"]["replicas"].as_u64().unwrap_or(0),
            "selector": written(&live["spec"]["selector"]),
        },
    })
}
