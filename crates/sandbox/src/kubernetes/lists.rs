//! Lists: which objects, and in which pages.
use super::asked::Objects;
use super::objects::{self, View, name, text};
use super::select::{Fields, Labels};
use super::status::Status;
use super::verbs::{Done, Work};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

impl Work<'_> {
    /// Lists objects, a page of them where that is asked for.
    ///
    /// # Errors
    /// When a selector or the token of a page is none.
    pub(super) fn list(&self) -> Done {
        let found = self.selected()?;
        let kind = &self.asked.kind;
        let limit = self.options.get("limit").parse().unwrap_or(0);
        let from = match self.options.get("continue") {
            "" => String::new(),
            token => read_token(token)
                .ok_or_else(|| Status::bad("continue key is not valid: illegal base64 or JSON"))?,
        };
        let place =
            |object: &Value| format!("{}/{}", text(object, "/metadata/namespace"), name(object));
        let left = found.iter().filter(|it| place(it) > from);
        let mut items: Vec<Value> = left.map(|it| Value::clone(it)).collect();
        let mut metadata = json!({ "resourceVersion": self.world.serial.to_string() });
        if limit > 0 && items.len() > limit {
            metadata["remainingItemCount"] = json!(items.len() - limit);
            items.truncate(limit);
            let last = items.last().map(place).unwrap_or_default();
            metadata["continue"] =
                json!(URL_SAFE_NO_PAD.encode(json!({ "start": last }).to_string()));
        }
        if !kind.is_custom {
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                item.shift_remove("kind");
                item.shift_remove("apiVersion");
            }
        }
        Ok((
            200,
            json!({
                "kind": format!("{}List", kind.kind),
                "apiVersion": kind.api_version(),
                "metadata": metadata,
                "items": items,
            }),
        ))
    }

    /// Returns the objects that the selectors of the request select.
    pub(super) fn selected(&self) -> Result<Vec<View>, Status> {
        let Objects { kind, namespace, .. } = self.asked;
        let labels = Labels::read(self.options.get("labelSelector"))?;
        let fields = Fields::read(self.options.get("fieldSelector"), kind)?;
        let namespace = Some(namespace.as_str()).filter(|it| !it.is_empty());
        let all = objects::all(self.world, self.cluster, kind, namespace).into_iter();
        let fits = |it: &View| labels.fit(&it["metadata"]["labels"]) && fields.fit(it);
        Ok(all.filter(fits).collect())
    }
}

/// Reads where a page begins.
fn read_token(token: &str) -> Option<String> {
    let token: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    Some(token["start"].as_str()?.to_owned())
}
