//! A simulated Kubernetes API, one for each simulated EKS cluster.
mod account;
mod addons;
mod admission;
mod allow;
mod apply;
mod asked;
mod authority;
mod autoscale;
mod autoscaler;
mod budget;
mod change;
mod check;
mod claims;
mod default;
mod discovery;
mod driver;
mod events;
pub(crate) mod fault;
mod fields;
mod fixed;
mod identity;
mod kind;
mod kubelet;
mod listener;
mod lists;
mod node;
mod nodes;
mod objects;
mod patch;
mod pods;
mod quantity;
mod review;
mod roles;
mod schedule;
mod schema;
mod select;
mod settle;
mod spot;
mod start;
mod status;
mod table;
mod verbs;
mod watch;
mod who;
mod wire;
mod workloads;

pub(crate) use addons::forget;
pub(crate) use authority::data as authority_data;
pub(crate) use listener::serve;
pub(crate) use settle::{stir, turn};

use crate::aws;
use crate::behaviour::Behaviour;
use crate::clock;
use crate::faults::Effect;
use crate::server::{Outcome, Reply, Request, Site, UNANSWERED, befallen};
use crate::world::{Key, Object, World};
use allow::Wish;
use asked::{Asked, Objects, Options};
use kind::Kind;
use objects::{Cluster, ServedKind};
use serde_json::Value;
use status::Status;
use std::io;
use verbs::Work;
use watch::Watch;
use who::{Keys, User};

/// How the log and faults call the service.
const SERVICE: &str = "kubernetes";

const PLACE: Behaviour = Behaviour {
    service: "kubernetes",
    what: "the API of a cluster answers once the cluster is ACTIVE and until it is gone, on \
        loopback below a path of its own; a caller is outside the VPC, at an address that \
        publicAccessCidrs has, so that without endpointPublicAccess no reply comes",
    seconds: 0,
    source: "Amazon EKS User Guide, Cluster API server endpoint",
};

const DATED: Behaviour = Behaviour {
    service: "kubernetes",
    what: "the header Date of a reply has the time of the API's own clock, by which objects are \
        made and tokens end; no reply may be kept (Cache-Control: no-cache, private)",
    seconds: 0,
    source: "RFC 9110, 6.6.1; k8s.io/apiserver, filter WithCacheControl",
};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    PLACE,
    DATED,
    who::PRESIGNED,
    who::KNOWN,
    who::UNMAPPED,
    account::SHORTENED,
    settle::LOOKS,
    watch::WINDOW,
    watch::TICKS,
    nodes::JOINED,
    nodes::READY,
    node::RESERVED,
    addons::BROUGHT,
    identity::AGENT,
    schedule::PLAIN,
    pods::RUNS,
    pods::ENDS,
    pods::STOPS,
    driver::MADE,
    events::KEPT,
    autoscaler::NEEDS,
    autoscale::SCANS,
    autoscale::IDLE,
];

/// What becomes of a request.
enum Answered {
    Now(Outcome),
    /// It goes on for as long as the client listens.
    Watched(Box<Watch>),
}

/// Returns where a cluster's API answers; nothing before it has an address.
pub(crate) fn endpoint(base: &str, cluster: &Object) -> Option<String> {
    let host = cluster.text("endpoint").strip_prefix("https://")?;
    Some(format!("{base}/{}", host.split('.').next()?))
}

/// Tells whether those who ask AWS may wait for what happens to an object by a word. What happens
/// within clusters is so much that no clock jumps to it for them.
pub(crate) fn is_waited_for_outside(key: &Key, word: &str) -> bool {
    !key.kind.starts_with("kubernetes.") && aws::is_waited_for(key, word)
}

/// Takes away what was in a cluster that has gone.
pub(crate) fn ended(world: &mut World, cluster: &Object) {
    let host = cluster.text("endpoint").trim_start_matches("https://").to_owned();
    if let Some(id) = host.split('.').next().filter(|id| !id.is_empty()) {
        objects::clear(world, id);
    }
}

/// Answers a request.
///
/// # Errors
/// When the world cannot be read or kept.
fn answer(site: &mut Site, request: &Request) -> io::Result<Answered> {
    let (now, due) =
        site.store.with(|world| (world.now, world.jump(aws::lag(), aws::is_waited_for)))?;
    let now = site.clock.tick(now, due);
    let (id, path) = request.path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let Site { store, faults, credentials, open, .. } = site;
    let keys = Keys { credentials, open: *open };
    let mut work = |world: &mut World| {
        world.advance(now, aws::turn);
        let Some(cluster) = Cluster::find(world, id) else {
            return (Answered::Now(Outcome::Cut), "-".to_owned(), UNANSWERED);
        };
        if !is_public(world, &cluster) {
            return (Answered::Now(Outcome::Hang), "-".to_owned(), UNANSWERED);
        }
        settle::begin(world, &cluster);
        let kinds = objects::kinds(world, &cluster);
        let asked = asked::read(request, path, &kinds);
        let operation = asked.as_ref().map_or("-".to_owned(), operation);
        let effect = faults.befall(&operation, request, fault::means, || world.chance());
        let mut call = Call { world, cluster: &cluster, request, kinds: &kinds };
        let (answered, status) = call.befallen(asked, effect, keys);
        (answered, operation, status)
    };
    let ((answered, operation, status), moments) =
        store.with(|world| (work(world), world.moments()))?;
    site.remember(moments);
    site.note(now, SERVICE.to_owned(), operation, status);
    let dated = |reply: Reply| {
        // Clients that keep replies would take one from a faster clock for new.
        let reply = reply.header("cache-control", "no-cache, private");
        reply.header("date", &clock::http_date(now))
    };
    Ok(match answered {
        Answered::Now(Outcome::Reply(reply)) => Answered::Now(Outcome::Reply(dated(reply))),
        Answered::Now(Outcome::Late(reply, time)) => {
            Answered::Now(Outcome::Late(dated(reply), site.clock.pass(time)))
        }
        other => other,
    })
}

fn is_public(world: &World, cluster: &Cluster) -> bool {
    let network = world.get(&cluster.key).and_then(|it| it.body.get("resourcesVpcConfig"));
    network.is_some_and(|it| it["endpointPublicAccess"] == true)
}

fn operation(asked: &Asked) -> String {
    match asked {
        Asked::Path(path) => format!("get {path}"),
        Asked::Objects(objects) => objects.operation(),
        Asked::Review(plural) => format!("create {plural}"),
        Asked::Unserved(_) => "-".to_owned(),
    }
}

/// Refuses something that is about an object.
fn forbidden(kind: &Kind, name: &str, why: &str) -> Status {
    let what = match name.is_empty() {
        true => kind.resource(),
        false => format!("{} {name:?}", kind.resource()),
    };
    let mut status = Status::not_found(kind, name);
    (status.code, status.reason) = (403, "Forbidden");
    status.message = format!("{what} is forbidden: {why}");
    if name.is_empty()
        && let Some(details) = status.details.as_object_mut()
    {
        details.shift_remove("name");
    }
    status
}

/// One request to a cluster.
struct Call<'a> {
    world: &'a mut World,
    cluster: &'a Cluster,
    request: &'a Request,
    kinds: &'a [ServedKind],
}

impl Call<'_> {
    /// Answers, unless a fault befalls the request, and returns the status for the log.
    fn befallen(
        &mut self,
        asked: Result<Asked, Status>,
        effect: Option<Effect>,
        keys: Keys<'_>,
    ) -> (Answered, u16) {
        if effect == Some(Effect::Hang) {
            return (Answered::Now(Outcome::Hang), UNANSWERED);
        }
        let refused = effect.and_then(fault::refused);
        let result = match refused {
            Some(status) => Err(status),
            None => who::of(self.world, self.cluster, self.request, keys)
                .and_then(|user| self.answer(&user, asked?)),
        };
        let reply = match result {
            Ok(Answered::Now(Outcome::Reply(reply))) => reply,
            Ok(other) => return (other, 200),
            Err(status) => status.reply(),
        };
        let reply = match effect {
            Some(Effect::ErrorAfter) => fault::internal().reply(),
            _ => reply,
        };
        let (outcome, status) = befallen(effect, reply);
        (Answered::Now(outcome), status)
    }

    fn answer(&mut self, user: &User, asked: Asked) -> Result<Answered, Status> {
        self.allow(user, &asked)?;
        let reply = match asked {
            Asked::Path(path) => discovery::answer(self.cluster, self.kinds, self.request, &path)?,
            Asked::Review(plural) => {
                review::answer(self.world, self.cluster, user, plural, &self.body()?)?
            }
            Asked::Objects(objects) if objects.verb == "watch" => {
                let watch = Watch::begin(self.world, self.cluster, *objects, self.request)?;
                return Ok(Answered::Watched(Box::new(watch)));
            }
            Asked::Objects(objects) => self.objects(&objects)?,
            Asked::Unserved(_) => return Err(Status::no_path()),
        };
        Ok(Answered::Now(Outcome::Reply(reply)))
    }

    /// Refuses what the caller may not do.
    fn allow(&self, user: &User, asked: &Asked) -> Result<(), Status> {
        let wish = match asked {
            Asked::Path(path) => {
                Wish { verb: "get".to_owned(), path: path.clone(), ..Wish::default() }
            }
            Asked::Review(plural) => {
                let review = kind::REVIEWS.iter().find(|(.., its)| its == plural);
                let group = review.map(|(group, ..)| *group).unwrap_or_default();
                let [verb, group, resource] = ["create", group, plural].map(str::to_owned);
                Wish { verb, group, resource, ..Wish::default() }
            }
            Asked::Objects(objects) => wish(objects),
            Asked::Unserved(wish) => Wish::clone(wish),
        };
        if allow::reason(self.world, self.cluster, user, &wish).is_some() {
            return Ok(());
        }
        let why = wish.refusal(user);
        Err(match asked {
            Asked::Objects(objects) => forbidden(&objects.kind, &objects.name, &why),
            _ => {
                let message = format!("forbidden: {why}");
                Status { details: serde_json::json!({}), ..Status::new(403, "Forbidden", message) }
            }
        })
    }

    /// Does what is asked of stored objects.
    fn objects(&mut self, asked: &Objects) -> Result<Reply, Status> {
        let options = Options::of(&self.request.query);
        if asked.subresource == "token" {
            return self.token(asked);
        }
        let media = self.request.header("content-type").unwrap_or("application/json").to_owned();
        let manager = manager(self.request, &options);
        let body = self.body()?;
        let mut work = Work {
            world: self.world,
            cluster: self.cluster,
            asked,
            options: &options,
            body: &body,
            media: &media,
            manager: &manager,
            warnings: Vec::new(),
        };
        let (code, value) = work.run()?;
        let warnings = std::mem::take(&mut work.warnings);
        let is_object = value["kind"] != "Status";
        let value = match is_object && table::is_wanted(self.request) {
            true => table::of(&asked.kind, &value, options.get("includeObject"), self.world.now),
            false => value,
        };
        let mut reply = Reply::json(code, &value);
        for warning in warnings {
            let quoted = Value::from(warning).to_string();
            reply = reply.also("warning", &format!("299 - {quoted}"));
        }
        Ok(reply)
    }

    /// Returns the body as JSON.
    fn body(&self) -> Result<Vec<u8>, Status> {
        let body = &self.request.body;
        let media = self.request.header("content-type").unwrap_or("application/json");
        if media.starts_with(wire::MEDIA) {
            let object = wire::read(body).ok_or_else(|| {
                Status::bad("the object provided is unrecognized: it is no protobuf of its kind")
            })?;
            return Ok(object.to_string().into_bytes());
        }
        if media.contains("json") || media.contains("apply-patch") || body.is_empty() {
            return Ok(body.clone());
        }
        let message = "the body of the request was in an unknown format - accepted media types \
                       include: application/json, application/vnd.kubernetes.protobuf";
        Err(Status::new(415, "UnsupportedMediaType", message))
    }

    fn token(&mut self, asked: &Objects) -> Result<Reply, Status> {
        let Objects { kind, namespace, name, .. } = asked;
        let account = objects::get(self.world, self.cluster, kind, namespace, name)
            .ok_or_else(|| Status::not_found(kind, name))?;
        let said = serde_json::from_slice(&self.body()?);
        let said: Value = said.map_err(|error| Status::bad(error.to_string()))?;
        let token = account::token(self.world, self.cluster, &account, &said)?;
        Ok(Reply::json(201, &token))
    }
}

fn wish(objects: &Objects) -> Wish {
    let Objects { verb, kind, namespace, name, subresource } = objects;
    let resource = match subresource.is_empty() {
        true => kind.plural.clone(),
        false => format!("{}/{subresource}", kind.plural),
    };
    let namespace = match kind.plural.as_str() {
        "namespaces" => name.clone(),
        _ => namespace.clone(),
    };
    let (verb, group, name) = ((*verb).to_owned(), kind.group.clone(), name.clone());
    Wish { verb, group, resource, namespace, name, path: String::new() }
}

/// Returns who is noted as the manager of a change: as told, else the program that makes it.
fn manager(request: &Request, options: &Options) -> String {
    let agent = request.header("user-agent").unwrap_or("unknown");
    match options.get("fieldManager") {
        "" => agent.split('/').next().unwrap_or_default().to_owned(),
        told => told.to_owned(),
    }
}
