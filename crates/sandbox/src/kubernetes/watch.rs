//! Watches: what happens to objects, told as it happens.
use super::asked::{Objects, Options};
use super::kind::Kind;
use super::objects::{Cluster, all, text};
use super::select::{Fields, Labels};
use super::status::Status;
use super::table;
use crate::behaviour::Behaviour;
use crate::server::Request;
use crate::world::{Object, World};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub(super) const WINDOW: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a watch can begin at any of the last 500 changes to objects of all clusters; from \
        further back it ends with 410 Expired",
    seconds: 0,
    source: "Kubernetes API Concepts, 410 Gone responses",
};

pub(super) const TICKS: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a watch moves an instant clock as a read in every quarter of a second would",
    seconds: 0,
    source: "assumption",
};

/// How long a watch lasts that does not say.
const USUAL: Duration = Duration::from_secs(30 * 60);

/// A watch that somebody listens to.
#[derive(Debug)]
pub(super) struct Watch {
    cluster: String,
    asked: Objects,
    labels: Labels,
    fields: Fields,
    /// The version that everything up to was told.
    seen: u64,
    is_table: bool,
    include: String,
    /// What is told first.
    first: Vec<Value>,
    pub(super) until: Instant,
}

impl Watch {
    /// Begins a watch: from a version, or with all that there is.
    ///
    /// # Errors
    /// When a selector or the version is none.
    pub(super) fn begin(
        world: &World,
        cluster: &Cluster,
        asked: Objects,
        request: &Request,
    ) -> Result<Self, Status> {
        let options = Options::of(&request.query);
        let version = options.get("resourceVersion");
        let wrong = || {
            Status::bad(format!(
                "Invalid value: {version:?}: strconv.ParseUint: parsing {version:?}: invalid syntax"
            ))
        };
        let from = match version {
            "" => 0,
            version => version.parse().map_err(|_| wrong())?,
        };
        let seconds = options.get("timeoutSeconds").parse().map(Duration::from_secs);
        let mut fields = options.get("fieldSelector").to_owned();
        if !asked.name.is_empty() {
            fields = format!("metadata.name={}", asked.name);
        }
        let mut watch = Self {
            cluster: cluster.id.clone(),
            labels: Labels::read(options.get("labelSelector"))?,
            fields: Fields::read(&fields, &asked.kind)?,
            asked,
            seen: from,
            is_table: table::is_wanted(request),
            include: options.get("includeObject").to_owned(),
            first: Vec::new(),
            until: Instant::now() + seconds.unwrap_or(USUAL),
        };
        let is_listed = options.is_set("sendInitialEvents");
        if from == 0 || is_listed {
            watch.list(world, cluster, is_listed);
        }
        Ok(watch)
    }

    /// Tells of everything that there is at first.
    fn list(&mut self, world: &World, cluster: &Cluster, is_marked: bool) {
        self.seen = world.serial;
        let namespace = Some(self.asked.namespace.as_str()).filter(|it| !it.is_empty());
        for object in all(world, cluster, &self.asked.kind, namespace) {
            if self.fits(&object) {
                self.first.push(self.event(world, "ADDED", Value::clone(&object)));
            }
        }
        if is_marked {
            let Kind { kind, .. } = &self.asked.kind;
            let metadata = json!({ "resourceVersion": self.seen.to_string(),
                "annotations": { "k8s.io/initial-events-end": "true" } });
            let object = json!({ "kind": kind, "apiVersion": self.asked.kind.api_version(),
                "metadata": metadata });
            self.first.push(json!({ "type": "BOOKMARK", "object": object }));
        }
    }

    fn fits(&self, object: &Value) -> bool {
        self.labels.fit(&object["metadata"]["labels"]) && self.fields.fit(object)
    }

    fn event(&self, world: &World, word: &str, object: Value) -> Value {
        let object = match self.is_table {
            true => table::of(&self.asked.kind, &object, &self.include, world.now),
            false => object,
        };
        json!({ "type": word, "object": object })
    }

    /// Returns what has happened since it was last asked; `Err` with the last event when it cannot
    /// go on.
    pub(super) fn news(&mut self, world: &World) -> Result<Vec<Value>, Value> {
        let mut told = std::mem::take(&mut self.first);
        let Some(changes) = world.since(self.seen, &self.asked.kind.key()) else {
            let message = format!("too old resource version: {} ({})", self.seen, world.serial);
            let status = Status::new(410, "Expired", message);
            return Err(json!({ "type": "ERROR", "object": status.to_value() }));
        };
        let prefix = match self.asked.namespace.as_str() {
            "" => format!("{}/", self.cluster),
            namespace => format!("{}/{namespace}/", self.cluster),
        };
        for (serial, key, before, after) in changes {
            if !key.id.starts_with(&prefix) {
                continue;
            }
            let read = |object: Option<&Object>| {
                let object = Value::Object(object?.body.clone());
                self.fits(&object).then_some(object)
            };
            let event = match (read(before), read(after)) {
                (before, Some(after)) if before.as_ref() != Some(&after) => {
                    let word = if before.is_some() { "MODIFIED" } else { "ADDED" };
                    Some((word, after))
                }
                (Some(mut before), None) => {
                    before["metadata"]["resourceVersion"] = json!(serial.to_string());
                    Some(("DELETED", before))
                }
                _ => None,
            };
            told.extend(event.map(|(word, object)| self.event(world, word, object)));
        }
        self.seen = self.seen.max(world.serial);
        Ok(told)
    }

    /// Calls what is watched, for the log.
    pub(super) fn what(&self) -> String {
        format!("{} of {}", text(&json!(self.asked.kind.plural), ""), self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::super::objects::{put, remove};
    use super::*;
    use crate::world::Key;

    fn cluster() -> Cluster {
        let [id, name, account, region, version] =
            ["A", "acme", "123456789012", "us-east-1", "1.35"].map(str::to_owned);
        Cluster { key: Key::new("eks.cluster", "a"), id, name, account, region, version }
    }

    fn watch(world: &World, query: &str) -> Watch {
        let request = Request {
            method: "GET".to_owned(),
            target: String::new(),
            path: String::new(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let kind = Kind::named("configmaps");
        let (namespace, name, subresource) = ("a".to_owned(), String::new(), String::new());
        let asked = Objects { verb: "watch", kind: kind.clone(), namespace, name, subresource };
        Watch::begin(world, &cluster(), asked, &request).unwrap()
    }

    fn map(label: &str) -> Value {
        json!({ "metadata": { "name": "m", "namespace": "a", "labels": { "app": label } } })
    }

    fn words(watch: &mut Watch, world: &World) -> Vec<String> {
        let told = watch.news(world).unwrap();
        told.iter().map(|it| it["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn every_change_is_told_once_as_the_selector_sees_it() {
        let mut world = World::new(1, 0);
        let (cluster, kind) = (cluster(), Kind::named("configmaps"));
        let mut all = watch(&world, "");
        let mut some = watch(&world, "labelSelector=app=x");
        for label in ["x", "y", "x"] {
            put(&mut world, &cluster, kind, map(label));
        }
        remove(&mut world, &cluster, kind, &map("x"));
        assert_eq!(words(&mut all, &world), ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]);
        assert_eq!(words(&mut some, &world), ["ADDED", "DELETED", "ADDED", "DELETED"]);
        assert_eq!(words(&mut all, &world), [""; 0]);
    }

    #[test]
    fn a_watch_from_too_long_ago_ends() {
        let mut world = World::new(1, 0);
        let (cluster, kind) = (cluster(), Kind::named("configmaps"));
        for n in 0..600 {
            put(&mut world, &cluster, kind, map(&n.to_string()));
        }
        let mut old = watch(&world, "resourceVersion=3");
        let error = old.news(&world).unwrap_err();
        assert_eq!(
            (&error["object"]["code"], &error["object"]["reason"]),
            (&json!(410), &json!("Expired"))
        );
        let mut new = watch(&world, &format!("resourceVersion={}", world.serial - 1));
        assert_eq!(words(&mut new, &world), ["MODIFIED"]);
        world.replace(World::new(2, 0));
        let error = new.news(&world).unwrap_err();
        assert_eq!(error["object"]["reason"], "Expired", "the world that it was about has gone");
    }
}
