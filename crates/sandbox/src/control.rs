//! The control endpoints of a sandbox: what there is, what was asked, the clock, the faults and the
//! world as a whole.
use crate::aws;
use crate::clock::{Speed, SpeedWord};
use crate::faults::Fault;
use crate::kubernetes;
use crate::server::{Reply, Request, Site};
use crate::world::World;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io;
use std::net::{IpAddr, SocketAddr};

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
    if !site.control {
        return Ok(nothing());
    }
    if !is_local(request) {
        let error = "no request of a browser, and none to a name, is answered here";
        return Ok(Reply::json(403, &json!({ "error": error })));
    }
    match request.method.as_str() {
        "GET" => told(site, &request.path),
        "POST" => Ok(match done(site, request)? {
            Some(Ok(())) => Reply::json(200, &json!({})),
            Some(Err(why)) => Reply::json(400, &json!({ "error": why })),
            None => nothing(),
        }),
        _ => Ok(nothing()),
    }
}

/// Tells what an endpoint is asked for.
fn told(site: &mut Site, path: &str) -> io::Result<Reply> {
    Ok(match path {
        "/_sandbox/objects" => Reply::json(200, &site.store.with(|world| objects(world))?),
        "/_sandbox/faults" => {
            let (left, befallen) = (site.faults.left(), site.faults.befallen());
            let told = json!({ "faults": left, "befallen": befallen });
            Reply::json(200, &told)
        }
        "/_sandbox/history" => Reply::json(200, &site.history),
        "/_sandbox/requests" => Reply::json(200, &site.log),
        "/_sandbox/world" => site.store.with(|world| Reply::json(200, world))?,
        _ => nothing(),
    })
}

/// Does what an endpoint is asked to, or says what is wrong with what was sent; `None` where there is
/// no such endpoint.
fn done(site: &mut Site, request: &Request) -> io::Result<Option<Result<(), String>>> {
    let done = match request.path.as_str() {
        "/_sandbox/clock" => read::<ClockBody>(request)
            .and_then(|body| Speed::try_from(body.speed))
            .map(|speed| site.clock.set(speed)),
        "/_sandbox/faults" => read::<FaultsBody>(request)
            .and_then(|body| body.faults.iter().try_for_each(meaningful).map(|()| body.faults))
            .map(|faults| site.faults.set(faults)),
        "/_sandbox/events" => match read(request) {
            Ok(event) => {
                let (done, moments) =
                    site.store.with(|world| (aws::happen(world, &event), world.moments()))?;
                site.remember(moments);
                done
            }
            Err(why) => Err(why),
        },
        "/_sandbox/reset" => {
            site.store.with(World::clear)?;
            forget(site);
            Ok(())
        }
        "/_sandbox/world" => match read::<World>(request) {
            Ok(other) => {
                let now = other.now;
                site.store.with(|world| world.replace(other))?;
                site.clock.start(now);
                forget(site);
                Ok(())
            }
            Err(why) => Err(format!("this is not the world of a sandbox: {why}")),
        },
        _ => return Ok(None),
    };
    Ok(Some(done))
}

/// Refuses a fault that would never show.
fn meaningful(fault: &Fault) -> Result<(), String> {
    let Fault { operation, effect, .. } = fault;
    // Those of a cluster's own API are a verb and a kind.
    let means = match operation.contains(' ') {
        _ if operation == "*" => true,
        true => kubernetes::fault::means(*effect),
        false => aws::means(*effect, operation),
    };
    let told = || serde_json::to_value(effect).unwrap_or_default();
    means.then_some(()).ok_or_else(|| format!("{} means nothing to {operation}", told()))
}

/// Forgets what was of the world that there was: what befalls it, was asked of it and became of it.
fn forget(site: &mut Site) {
    site.faults.set(Vec::new());
    site.log.clear();
    site.history.clear();
}

fn nothing() -> Reply {
    Reply::json(404, &json!({ "error": "there is no such endpoint" }))
}

/// Tells whether a request comes from no page in a browser: those tell their origin, or come by a
/// name that leads here.
fn is_local(request: &Request) -> bool {
    let host = request.header("host").unwrap_or_default();
    let address = host.parse().map(|address: SocketAddr| address.ip());
    let address = address.or_else(|_| host.trim_matches(['[', ']']).parse::<IpAddr>());
    request.header("origin").is_none() && address.is_ok_and(|address| address.is_loopback())
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    serde_json::from_slice(&request.body).map_err(|error| error.to_string())
}

/// Lists everything that exists.
fn objects(world: &World) -> Vec<Value> {
    let told = world.objects().map(|(key, object)| {
        let name = object.tags.get("Name").map_or_else(|| object.text("name"), String::as_str);
        json!({
            "cloud": if key.kind.starts_with("kubernetes.") { "kubernetes" } else { "aws" },
            "kind": key.kind,
            "id": key.id,
            "name": name,
            "owner": object.tags.get("provision-lineage"),
            "status": Some(object.status()).filter(|word| !word.is_empty()),
        })
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_in_a_browser_has_control() {
        let is_ours = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            is_local(&Request {
                method: "POST".to_owned(),
                target: "/_sandbox/reset".to_owned(),
                path: "/_sandbox/reset".to_owned(),
                query: String::new(),
                headers: headers.collect(),
                body: Vec::new(),
            })
        };
        for host in ["127.0.0.1:4566", "127.0.0.1", "[::1]:4566", "[::1]"] {
            assert!(is_ours(&[("host", host)]), "{host}");
            assert!(!is_ours(&[("host", host), ("origin", "http://127.0.0.1:4566")]));
        }
        for host in ["localhost:4566", "sandbox.example.com:4566", "192.0.2.1:4566", ""] {
            assert!(!is_ours(&[("host", host)]), "{host}");
        }
        assert!(!is_ours(&[]));
    }
}
