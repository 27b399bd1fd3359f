//! The `manifests` of a cluster file: files with objects of Kubernetes.
mod json;
mod kinds;

use crate::cluster::ClusterSpec;
use crate::fields::{Field, Fields};
use crate::problem::Problems;
use crate::source::{Report, Source};
use crate::tree::{Node, Span, Value, parse_all};
use kinds::{Place, built_in, group};
use provision_core::Marks;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, HashMap};
use std::io;

/// The namespace of what names none and needs one.
const NAMESPACE: &str = "default";
/// What a manifest says of an object beside what it is.
const METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];
/// What is read of an object by itself, and its status, which is the API's to say.
const READ: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];
/// What exported and generated manifests say that the API decides; it is read over.
const DECIDED: [&str; 5] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"];

/// An object of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Where it stands, such as `web.yaml:12`.
    pub place: String,
    /// The version of its API, such as `apps/v1`.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// What its kind is called in paths; empty where neither Kubernetes nor the files tell.
    pub plural: String,
    /// Its namespace; empty where it is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Everything else.
    pub body: Json,
}

/// A file that was opened: its name for messages, and its bytes.
pub type Opened = (String, Vec<u8>);

impl Manifest {
    /// Returns its kind and its group, as `certificate.cert-manager.io`, or its kind alone where that
    /// comes with Kubernetes.
    #[must_use]
    pub fn noun(&self) -> String {
        let kind = self.kind.to_lowercase();
        match built_in(&self.api_version, &self.kind) {
            Some(_) => kind,
            None => format!("{kind}.{}", group(&self.api_version)),
        }
    }

    /// Returns the group of its API, which is empty for what was there first.
    #[must_use]
    pub fn group(&self) -> &str {
        group(&self.api_version)
    }

    /// Returns the group and the kind that it defines, where it is a definition of one.
    #[must_use]
    pub fn defines(&self) -> Option<(&str, &str)> {
        let spec = self.body.get("spec").filter(|_| self.kind == "CustomResourceDefinition")?;
        Some((spec["group"].as_str()?, spec["names"]["kind"].as_str()?))
    }

    /// Returns how objects of the kind that it defines are found.
    fn defined(&self) -> Option<((String, String), Place)> {
        let (group, kind) = self.defines()?;
        let spec = &self.body["spec"];
        let plural = spec["names"]["plural"].as_str()?.to_owned();
        let place = Place { plural, namespaced: spec["scope"] == "Namespaced" };
        Some(((group.to_owned(), kind.to_owned()), place))
    }
}

/// Reads the names of the files.
pub(crate) fn files(root: &Fields<'_>, in_cluster: bool) -> Vec<String> {
    let Some(field) = root.optional("manifests") else { return Vec::new() };
    let files = Field::each(field.list(), |item| {
        item.parse(|text| match text.is_empty() || text.trim() != text || text.contains('"') {
            true => {
                let hint = "write it as `team.yaml`; paths begin where the cluster file is";
                Err(("must be the path of a file".to_owned(), Some(hint.to_owned())))
            }
            false => Ok(text.to_owned()),
        })
    });
    let files = files.unwrap_or_default();
    if !in_cluster && !files.is_empty() {
        let message = "is for what is inside the cluster, and inCluster is false";
        let hint = "remove it, or write `inCluster: true`".to_owned();
        field.refuse_key("file.conflict", message, Some(hint));
    }
    files
}

impl ClusterSpec {
    /// Reads the manifests that the file names. `open` takes the path of one as it is written.
    ///
    /// # Errors
    ///
    /// Everything wrong with them, file by file.
    pub fn read_manifests(
        &mut self,
        open: impl Fn(&str) -> io::Result<Opened>,
    ) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let (mut all, unreadable) = (Vec::new(), self.report());
        for (position, path) in self.manifests.iter().enumerate() {
            match open(path) {
                Ok((file, bytes)) => match read(path, &file, &bytes) {
                    Ok(read) => all.extend(read),
                    Err(found) => found.into_iter().for_each(|it| problems.push(it)),
                },
                Err(error) => {
                    let span = self.place(&["manifests", &position.to_string()]);
                    let why = match error.kind() {
                        io::ErrorKind::NotFound => "is a file that is not there".to_owned(),
                        kind => format!("cannot be read: {kind}"),
                    };
                    let message = format!("manifests[{position}] {why}");
                    let hint = "paths begin where the cluster file is".to_owned();
                    unreadable.refuse("file.unreadable-manifest", span, message, Some(hint));
                }
            }
        }
        unreadable.into_problems().into_iter().for_each(|it| problems.push(it));
        find(&mut all, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        self.objects = all.into_iter().map(|object| object.manifest).collect();
        Ok(())
    }
}

/// An object with its place, for what is wrong with several.
struct Object {
    manifest: Manifest,
    span: Span,
    report: Report,
}

impl Object {
    fn refuse(&self, code: &'static str, message: String, hint: String) {
        self.report.refuse(code, self.span, message, Some(hint));
    }
}

/// Tells how each object is found, and refuses those that are there twice.
fn find(all: &mut [Object], problems: &mut Problems) {
    let defined: HashMap<_, _> = all.iter().filter_map(|it| it.manifest.defined()).collect();
    let mut seen: HashMap<_, String> = HashMap::new();
    for object in all {
        let Manifest { api_version, kind, .. } = &object.manifest;
        let of = (group(api_version).to_owned(), kind.clone());
        let place = built_in(api_version, kind).or_else(|| defined.get(&of).cloned());
        let namespace = object.manifest.namespace.clone();
        if let Some(place) = place {
            if !place.namespaced && !namespace.is_empty() {
                let message =
                    format!("object is in namespace {namespace}, and no {kind} is in any");
                object.refuse("file.conflict", message, "remove the namespace".to_owned());
            }
            if place.namespaced && namespace.is_empty() {
                object.manifest.namespace = NAMESPACE.to_owned();
            }
            object.manifest.plural = place.plural;
        }
        let Manifest { kind, namespace, name, place, .. } = &object.manifest;
        let key = (of, namespace.clone(), name.clone());
        if let Some(other) = seen.get(&key) {
            let message = format!("object is {kind} {name}, and so is that at {other}");
            let hint = "keep one of the two".to_owned();
            object.refuse("file.duplicate-item", message, hint);
        } else {
            seen.insert(key, place.clone());
        }
        let anew = object.report.anew();
        let report = std::mem::replace(&mut object.report, anew);
        report.into_problems().into_iter().for_each(|it| problems.push(it));
    }
}

/// Reads the objects of a file.
fn read(path: &str, file: &str, bytes: &[u8]) -> Result<Vec<Object>, Problems> {
    let report = Report::new(Source::new(file, bytes)?);
    let Some(documents) = parse_all(&report) else { return Err(report.into_problems()) };
    let mut found = Vec::new();
    for document in documents.iter().filter(|it| !Field::root(&report, "", it).is_empty()) {
        match listed(document) {
            Some(items) => found.extend(items.iter().map(|item| object(&report, path, item))),
            None => found.push(object(&report, path, document)),
        }
    }
    if found.is_empty() && report.count() == 0 {
        let hint = Some("remove it from manifests, or write objects into it".to_owned());
        report.refuse("file.empty", Span::START, "file holds no object", hint);
    }
    let again = report.anew();
    let found = report.finish(found)?.into_iter().flatten();
    let placed = |(manifest, span)| Object { manifest, span, report: again.anew() };
    Ok(found.map(placed).collect())
}

/// Returns the objects of a list of objects.
fn listed(document: &Node) -> Option<&[Node]> {
    let text = |name: &str| match &document.part(name)?.value {
        Value::Scalar(scalar) => Some(scalar.text.as_str()),
        _ => None,
    };
    match (&document.part("items")?.value, text("kind")?, text("apiVersion")?) {
        (Value::List(items), "List", "v1") => Some(items),
        _ => None,
    }
}

/// Reads an object. `None` when something is wrong with it, all of which is reported.
fn object(report: &Report, path: &str, node: &Node) -> Option<(Manifest, Span)> {
    let before = report.count();
    let entries = Field::root(report, "object", node).entries()?;
    let part = |name: &str| {
        let found = entries.iter().find(|entry| entry.name() == name);
        if found.is_none() {
            let message = format!("object has no {name}");
            report.refuse("file.missing-field", node.span, message, None);
        }
        found
    };
    let api_version = part("apiVersion").and_then(|field| field.parse(api_version));
    let kind = part("kind").and_then(|field| field.parse(kind));
    if (api_version.as_deref(), kind.as_deref()) == (Some("v1"), Some("Secret")) {
        let message = "object is a Secret, and what a manifest says is kept in the record";
        let hint = "make it where secrets are kept; that of the registry comes of \
                    secrets.registryToken";
        report.refuse("file.literal-secret", node.span, message, Some(hint.to_owned()));
    }
    let metadata = part("metadata").and_then(metadata);
    let body = body(report, &entries, metadata.as_ref());
    let metadata = metadata?;
    let manifest = Manifest {
        place: format!("{path}:{}", node.span.line),
        api_version: api_version?,
        kind: kind?,
        plural: String::new(),
        namespace: metadata.namespace,
        name: metadata.name?,
        annotations: metadata.annotations,
        body,
    };
    (report.count() == before).then_some((manifest, node.span))
}

/// Returns what an object says beside what it is.
fn body(report: &Report, entries: &[Field<'_>], metadata: Option<&Metadata>) -> Json {
    let rest = entries.iter().filter(|field| !READ.contains(&field.name()));
    let rest = rest.map(|field| (field.name().to_owned(), json::json(report, field.node())));
    let mut body: Map<_, _> = rest.filter(|(_, value)| !value.is_null()).collect();
    if let Some(metadata) = metadata.filter(|it| !it.labels.is_empty()) {
        body.insert("metadata".to_owned(), serde_json::json!({ "labels": metadata.labels }));
    }
    Json::Object(body)
}

/// What an object says of itself.
struct Metadata {
    name: Option<String>,
    namespace: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

fn metadata(field: &Field<'_>) -> Option<Metadata> {
    let entries = field.entries()?;
    let unknown = |name: &str| !METADATA.contains(&name) && !DECIDED.contains(&name);
    for entry in entries.iter().filter(|entry| unknown(entry.name())) {
        let hint = format!("remove it; {} can be set", METADATA.join(", "));
        entry.refuse_key("file.not-supported", "is not supported in manifests", Some(hint));
    }
    let part = |name: &str| entries.iter().find(|it| it.name() == name && !it.is_empty());
    let name = match part("name") {
        Some(field) => field.parse(name),
        None => {
            let hint = Some("add `name: web`".to_owned());
            field.refuse("file.missing-field", "has no name", hint);
            None
        }
    };
    let namespace = match part("namespace") {
        Some(field) => field.parse(namespace),
        None => Some(String::new()),
    };
    let texts = |name| part(name).map_or(Some(BTreeMap::new()), Field::texts);
    let annotations = texts("annotations");
    for key in annotations.iter().flatten().map(|(key, _)| key).filter(|key| is_ours(key)) {
        let hint = "remove it: it tells whose an object is".to_owned();
        field.refuse("file.conflict", format!("has annotation {key}"), Some(hint));
    }
    Some(Metadata {
        name,
        namespace: namespace?,
        labels: texts("labels")?,
        annotations: annotations?,
    })
}

fn is_ours(key: &str) -> bool {
    Marks::is_mark(key) || key.starts_with("provision-")
}

fn api_version(text: &str) -> Result<String, (String, Option<String>)> {
    let of_group = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    let (group, version) = text.split_once('/').unwrap_or(("v1", text));
    let is_sound = !group.is_empty()
        && group.chars().all(of_group)
        && version.starts_with('v')
        && version.chars().all(|c| c.is_ascii_alphanumeric());
    sound(text, is_sound, "is no version of an API", "apps/v1")
}

fn kind(text: &str) -> Result<String, (String, Option<String>)> {
    let is_sound = text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric());
    sound(text, is_sound, "is no kind", "Deployment")
}

/// Reads a name, which becomes a part of a path.
fn name(text: &str) -> Result<String, (String, Option<String>)> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    let is_sound = !text.is_empty()
        && text.len() <= 253
        && !text.starts_with('.')
        && text.chars().all(of_name);
    sound(text, is_sound, "is no name", "web")
}

fn namespace(text: &str) -> Result<String, (String, Option<String>)> {
    let of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_sound = !text.is_empty() && text.len() <= 63 && text.chars().all(of_name);
    sound(text, is_sound, "is no namespace", "web")
}

fn sound(
    text: &str,
    is_sound: bool,
    message: &str,
    example: &str,
) -> Result<String, (String, Option<String>)> {
    match is_sound {
        true => Ok(text.to_owned()),
        false => Err((message.to_owned(), Some(format!("such as `{example}`")))),
    }
}

#[cfg(test)]
mod tests;
