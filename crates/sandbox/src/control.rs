//! The control endpoints of a sandbox: what there is, what was asked, the clock and the faults.
use crate::aws;
use crate::clock::{Speed, SpeedWord};
use crate::faults::Fault;
use crate::server::{Reply, Request, Site};
use crate::world::World;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    speed: SpeedWord,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultsBody {
    faults: Vec<Fault>,
}

/// Answers a request to a control endpoint.
///
/// # Errors
/// When the world cannot be read or kept.
pub(crate) fn answer(site: &mut Site, request: &Request) -> io::Result<Reply> {
    let route = (request.method.as_str(), request.path.as_str());
    let done = match route {
        ("GET", "/_sandbox/objects") => {
            return Ok(Reply::json(200, &site.store.with(|world| objects(world))?));
        }
        ("GET", "/_sandbox/requests") => return Ok(Reply::json(200, &site.log)),
        ("POST", "/_sandbox/clock") => read::<ClockBody>(request)
            .and_then(|body| Speed::try_from(body.speed))
            .map(|speed| site.clock.set(speed)),
        ("POST", "/_sandbox/faults") => {
            read::<FaultsBody>(request).map(|body| site.faults.set(body.faults))
        }
        ("POST", "/_sandbox/events") => match read(request) {
            Ok(event) => site.store.with(|world| aws::happen(world, &event))?,
            Err(why) => Err(why),
        },
        ("POST", "/_sandbox/reset") => {
            site.faults.set(Vec::new());
            site.log.clear();
            site.store.with(World::clear)?;
            Ok(())
        }
        _ => return Ok(Reply::json(404, &json!({ "error": "there is no such endpoint" }))),
    };
    Ok(match done {
        Ok(()) => Reply::json(200, &json!({})),
        Err(why) => Reply::json(400, &json!({ "error": why })),
    })
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    serde_json::from_slice(&request.body).map_err(|error| error.to_string())
}

/// Lists everything that exists.
fn objects(world: &World) -> Vec<Value> {
    let told = world.objects().map(|(key, object)| {
        let name = object.tags.get("Name").map_or_else(|| object.text("name"), String::as_str);
        let instance = object.body.get("instanceState").and_then(|state| state["name"].as_str());
        let status = ["state", "status", "KeyState"].map(|field| object.text(field));
        json!({
            "cloud": "aws",
            "kind": key.kind,
            "id": key.id,
            "name": name,
            "owner": object.tags.get("provision-lineage"),
            "status": status.into_iter().find(|word| !word.is_empty()).or(instance),
        })
    });
    told.collect()
}
