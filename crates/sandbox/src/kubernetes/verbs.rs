//! What can be done to stored objects.
mod evict;
mod scale;

use super::apply::{self, Change};
use super::asked::{Objects, Options};
use super::objects::{self, Cluster, is_counted, name, text, time};
use super::schema::Type;
use super::status::Status;
use super::{admission, change, check, default, fixed, patch, settle};
use crate::world::World;
use serde_json::{Value, json};

/// One request that is about stored objects.
pub(super) struct Work<'a> {
    pub(super) world: &'a mut World,
    pub(super) cluster: &'a Cluster,
    pub(super) asked: &'a Objects,
    pub(super) options: &'a Options,
    pub(super) body: &'a [u8],
    /// The media type of the body.
    pub(super) media: &'a str,
    /// Who is noted as the manager of what changes.
    pub(super) manager: &'a str,
    /// What the client is to be warned of.
    pub(super) warnings: Vec<String>,
}

/// A status and an object, or an error.
pub(super) type Done = Result<(u16, Value), Status>;

impl Work<'_> {
    /// Does what is asked for.
    ///
    /// # Errors
    /// What the API refuses.
    pub(super) fn run(&mut self) -> Done {
        match self.asked.verb {
            _ if self.asked.subresource == "scale" => self.scale(),
            _ if self.asked.subresource == "eviction" => self.evict(),
            "create" => self.create(),
            "get" => Ok((200, self.live()?)),
            "list" => self.list(),
            "update" => self.update(),
            "patch" => self.patch(),
            "delete" => self.delete(),
            _ => self.delete_all(),
        }
    }

    fn find(&self, name: &str) -> Option<Value> {
        let Objects { kind, namespace, .. } = self.asked;
        let live = objects::get(self.world, self.cluster, kind, namespace, name)?;
        Some(Value::clone(&live))
    }

    fn live(&self) -> Result<Value, Status> {
        let name = &self.asked.name;
        self.find(name).ok_or_else(|| Status::not_found(&self.asked.kind, name))
    }

    /// Reads the body as JSON.
    fn read(&self) -> Result<Value, Status> {
        let wrong = |error: serde_json::Error| {
            Status::bad(format!("the object provided is unrecognized: {error}"))
        };
        serde_json::from_slice(self.body).map_err(wrong)
    }

    /// Checks that a body is an object of the kind, of the name and namespace of the request.
    fn check_body(&mut self, object: &mut Value) -> Result<(), Status> {
        let kind = &self.asked.kind;
        let (version, its) = (kind.api_version(), kind.kind.clone());
        let said = (text(object, "/apiVersion"), text(object, "/kind"));
        if !object.is_object() || (said.0, said.1) != (version.as_str(), its.as_str()) {
            let message = format!(
                "the API version in the data ({}, Kind={}) does not match the expected API version \
                 ({version}, Kind={its})",
                said.0, said.1
            );
            return Err(Status::bad(message));
        }
        let namespace = text(object, "/metadata/namespace");
        if !namespace.is_empty() && namespace != self.asked.namespace {
            return Err(Status::bad(
                "the namespace of the provided object does not match the namespace sent on the \
                 request",
            ));
        }
        if !object["metadata"].is_object() {
            object["metadata"] = json!({});
        }
        if kind.namespaced {
            object["metadata"]["namespace"] = json!(self.asked.namespace);
        }
        self.check_fields(object)
    }

    /// Checks the fields of an object as strictly as is asked for.
    fn check_fields(&mut self, object: &mut Value) -> Result<(), Status> {
        let kind = &self.asked.kind;
        let unknown = check::unknown(kind, object)?;
        match self.options.get("fieldValidation") {
            _ if unknown.is_empty() => {}
            "Strict" => return Err(check::strict(kind, &unknown)),
            "Ignore" => {}
            _ => {
                self.warnings.extend(unknown.iter().map(|it| format!("unknown field \"{it}\"")));
            }
        }
        if !unknown.is_empty() {
            change::prune(object, &Type::of(kind));
        }
        Ok(())
    }

    fn create(&mut self) -> Done {
        let mut object = self.read()?;
        self.check_body(&mut object)?;
        let its = name(&object).to_owned();
        let stem = text(&object, "/metadata/generateName").to_owned();
        if its.is_empty() && !stem.is_empty() {
            object["metadata"]["name"] = json!(format!("{stem}{}", self.suffix()));
        } else if its.is_empty() {
            let why = "name or generateName is required";
            let problem = super::status::Problem::required("metadata.name", why);
            return Err(Status::invalid(&self.asked.kind, "", &[problem]));
        }
        for field in ["resourceVersion", "uid", "creationTimestamp", "managedFields"] {
            let metadata = object["metadata"].as_object_mut();
            let given = metadata.and_then(|metadata| metadata.shift_remove(field));
            let is_said = given.as_ref().and_then(Value::as_str).is_some_and(|it| !it.is_empty());
            if field == "resourceVersion" && is_said {
                let why = "resourceVersion should not be set on objects to be created";
                return Err(Status::bad(why));
            }
        }
        if let Some(members) = object.as_object_mut() {
            members.shift_remove("status");
        }
        let mut stored = self.born(object)?;
        apply::note(None, &mut stored, self.change(&time(self.world.now)));
        self.keep_new(stored)
    }

    /// Draws the end of a generated name.
    fn suffix(&mut self) -> String {
        suffix(self.world)
    }

    fn change<'b>(&'b self, time: &'b str) -> Change<'b> {
        let Objects { kind, subresource, .. } = self.asked;
        Change { manager: self.manager, subresource, time, kind }
    }

    /// Makes a new object whole, and checks it.
    fn born(&mut self, mut object: Value) -> Result<Value, Status> {
        let kind = &self.asked.kind;
        objects::birth(self.world, kind, &mut object);
        default::fill(kind, &mut object);
        admission::admit(self.world, self.cluster, kind, &mut object)?;
        let problems = check::problems(kind, &object);
        if !problems.is_empty() {
            return Err(Status::invalid(kind, name(&object), &problems));
        }
        if self.find(name(&object)).is_some() {
            return Err(Status::exists(kind, name(&object)));
        }
        Ok(object)
    }

    fn keep_new(&mut self, object: Value) -> Done {
        if self.options.is_dry() {
            return Ok((201, object));
        }
        let kept = objects::put(self.world, self.cluster, &self.asked.kind, object);
        settle::soon(self.world, self.cluster);
        Ok((201, kept))
    }

    fn update(&mut self) -> Done {
        let mut object = self.read()?;
        self.check_body(&mut object)?;
        let (its, asked) = (name(&object).to_owned(), self.asked.name.clone());
        if its != asked {
            return Err(Status::bad(format!(
                "the name of the object ({its}) does not match the name on the URL ({asked})"
            )));
        }
        let live = self.live()?;
        self.store(&live, object, None)
    }

    fn patch(&mut self) -> Done {
        let media = self.media.split(';').next().unwrap_or_default().trim();
        let patch = self.read()?;
        let kind = &self.asked.kind;
        if media.starts_with("application/apply-patch+") {
            return self.apply(patch);
        }
        let live = self.live()?;
        let mut object = live.clone();
        match media {
            "application/json-patch+json" => patch::json(&mut object, &patch)?,
            "application/merge-patch+json" => patch::merge(&mut object, &patch),
            "application/strategic-merge-patch+json" if !kind.is_custom => {
                patch::strategic(&mut object, &patch, &Type::of(kind));
            }
            _ => {
                let message = "the body of the request was in an unknown format - accepted media \
                    types include: application/json-patch+json, application/merge-patch+json, \
                    application/apply-patch+yaml";
                return Err(Status::new(415, "UnsupportedMediaType", message));
            }
        }
        self.check_body(&mut object)?;
        self.store(&live, object, None)
    }

    fn apply(&mut self, mut wanted: Value) -> Done {
        if self.options.get("fieldManager").is_empty() {
            let why = "is required for apply patch";
            let problem = super::status::Problem::required("fieldManager", why);
            let kind = super::kind::Kind {
                kind: "PatchOptions".to_owned(),
                group: "meta.k8s.io".to_owned(),
                ..self.asked.kind.clone()
            };
            return Err(Status::invalid(&kind, "", &[problem]));
        }
        self.check_body(&mut wanted)?;
        if text(&wanted, "/metadata/name").is_empty() {
            wanted["metadata"]["name"] = json!(self.asked.name);
        }
        if wanted["metadata"]["managedFields"].as_array().is_some_and(|all| !all.is_empty()) {
            return Err(Status::bad("metadata.managedFields must be nil"));
        }
        let force = self.options.is_set("force");
        let now = time(self.world.now);
        let live = self.find(&self.asked.name);
        let merged = apply::apply(live.as_ref(), &wanted, self.change(&now), force)?;
        match live {
            Some(live) => self.store(&live, merged.clone(), Some(merged)),
            None if !self.asked.subresource.is_empty() => {
                Err(Status::not_found(&self.asked.kind, &self.asked.name))
            }
            None => {
                let managers = merged["metadata"]["managedFields"].clone();
                let mut stored = self.born(merged)?;
                stored["metadata"]["managedFields"] = managers;
                self.keep_new(stored)
            }
        }
    }

    /// Puts a changed object in the place of the one that is there. `applied` has the managers of
    /// its fields when it was applied; else whoever changes it is noted.
    fn store(&mut self, live: &Value, mut object: Value, applied: Option<Value>) -> Done {
        let kind = self.asked.kind.clone();
        let its = name(live).to_owned();
        self.check_version(live, &object)?;
        default::fill(&kind, &mut object);
        change::inherit(live, &mut object);
        let of_status = self.asked.subresource == "status";
        let has_status = kind.subresources.iter().any(|it| it == "status");
        object = match of_status {
            true => change::with_status(live, &object),
            false if has_status => change::with_status(&object, live),
            false => object,
        };
        let kept = fixed::problems(&kind, live, &object);
        let problems = if kept.is_empty() { check::problems(&kind, &object) } else { kept };
        if !problems.is_empty() {
            return Err(Status::invalid(&kind, &its, &problems));
        }
        if !of_status && is_counted(&kind) && change::wanted(live) != change::wanted(&object) {
            let generation = live["metadata"]["generation"].as_u64().unwrap_or(1);
            object["metadata"]["generation"] = json!(generation + 1);
        }
        match applied {
            Some(applied) => {
                object["metadata"]["managedFields"] = applied["metadata"]["managedFields"].clone();
            }
            None if object != *live => {
                let now = time(self.world.now);
                apply::note(Some(live), &mut object, self.change(&now));
            }
            None => {}
        }
        if object == *live || self.options.is_dry() {
            return Ok((200, object));
        }
        let is_free = object["metadata"]["deletionTimestamp"].is_string()
            && objects::items(&object, "/metadata/finalizers").is_empty()
            && kind.plural != "namespaces"
            && kind.plural != "pods";
        if is_free {
            objects::remove(self.world, self.cluster, &kind, &object);
            settle::soon(self.world, self.cluster);
            return Ok((200, object));
        }
        let kept = objects::put(self.world, self.cluster, &kind, object);
        settle::soon(self.world, self.cluster);
        Ok((200, kept))
    }

    fn check_version(&self, live: &Value, object: &Value) -> Result<(), Status> {
        let (kind, its) = (&self.asked.kind, name(live));
        let said = text(object, "/metadata/resourceVersion");
        if !said.is_empty() && said != text(live, "/metadata/resourceVersion") {
            let why = "the object has been modified; please apply your changes to the latest \
                       version and try again";
            return Err(Status::conflict(kind, its, why));
        }
        let uid = text(object, "/metadata/uid");
        let own = text(live, "/metadata/uid");
        if !uid.is_empty() && uid != own {
            let why = format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {own}"
            );
            return Err(Status::conflict(kind, its, &why));
        }
        Ok(())
    }

    fn delete(&mut self) -> Done {
        let live = self.live()?;
        let said = if self.body.is_empty() { json!({}) } else { self.read()? };
        self.check_protected(&live)?;
        let preconditions = json!({ "metadata": said["preconditions"] });
        self.check_version(&live, &preconditions)?;
        let option = |name: &str| match &said[name] {
            Value::Null => self.options.get(name).to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let policy = option("propagationPolicy");
        let grace = option("gracePeriodSeconds").parse().ok();
        let is_dry = self.options.is_dry() || said["dryRun"] == json!(["All"]);
        if is_dry {
            return Ok((200, self.gone(&live)));
        }
        let kind = &self.asked.kind;
        let left = settle::delete(self.world, self.cluster, kind, &live, &policy, grace);
        settle::soon(self.world, self.cluster);
        Ok((200, left.unwrap_or_else(|| self.gone(&live))))
    }

    /// Refuses to delete the namespaces that every cluster has.
    fn check_protected(&self, live: &Value) -> Result<(), Status> {
        const PROTECTED: [&str; 3] = ["default", "kube-public", "kube-system"];
        match self.asked.kind.plural == "namespaces" && PROTECTED.contains(&name(live)) {
            true => {
                let why = "this namespace may not be deleted";
                Err(super::forbidden(&self.asked.kind, name(live), why))
            }
            false => Ok(()),
        }
    }

    /// Says that an object is gone.
    fn gone(&self, live: &Value) -> Value {
        let kind = &self.asked.kind;
        let mut details = json!({ "name": name(live), "kind": kind.plural });
        if !kind.group.is_empty() {
            details["group"] = json!(kind.group);
        }
        details["uid"] = live["metadata"]["uid"].clone();
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": details })
    }

    fn delete_all(&mut self) -> Done {
        let answer = self.list()?;
        let said = if self.body.is_empty() { json!({}) } else { self.read()? };
        let policy = text(&said, "/propagationPolicy").to_owned();
        if !self.options.is_dry() {
            for live in self.selected()? {
                let kind = &self.asked.kind;
                settle::delete(self.world, self.cluster, kind, &live, &policy, None);
            }
            settle::soon(self.world, self.cluster);
        }
        Ok(answer)
    }
}

/// Draws the end of a generated name, of the letters that make no words.
pub(super) fn suffix(world: &mut World) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let draw = |world: &mut World| {
        let at = (world.chance() * LETTERS.len() as f64) as usize;
        LETTERS.get(at).copied().map(char::from)
    };
    (0..5).filter_map(|_| draw(world)).collect()
}
