//! What the schema of the cluster file says of each field, and a file that has every field.
use serde_json::{Map, Value, json};

/// The schema, walked field by field.
pub(crate) struct Schema(Value);

impl Schema {
    pub(crate) fn new() -> Self {
        Self(provision_spec::schema())
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                self.0.pointer(reference.trim_start_matches('#')).expect("a definition")
            }
            None => schema,
        }
    }

    /// Makes a file with every field.
    pub(crate) fn file(&self) -> Value {
        self.example(&self.0).expect("a file is possible")
    }

    /// Makes a value that a part of the schema accepts; `None` where it accepts nothing.
    fn example(&self, schema: &Value) -> Option<Value> {
        let schema = self.resolve(schema);
        if schema["not"] == json!({}) {
            return None;
        }
        if schema["type"] == "object" && schema.get("oneOf").is_none() {
            let mut fields = Map::new();
            for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                fields.extend(self.example(schema).map(|value| (name.clone(), value)));
            }
            if schema["additionalProperties"].is_object() {
                let name = schema["propertyNames"]["examples"][0].as_str().expect("a name");
                fields.extend(
                    self.example(&schema["additionalProperties"]).map(|value| (name.into(), value)),
                );
            }
            return Some(fields.into());
        }
        let said = ["/examples/0", "/const", "/enum/0"].iter().find_map(|at| schema.pointer(at));
        if let Some(value) = said {
            return Some(value.clone());
        }
        match schema["maxItems"].as_u64() {
            Some(0) => Some(json!([])),
            Some(_) if schema["type"] == "array" => Some(json!([self.example(&schema["items"])?])),
            _ => Some(schema.get("default").expect("an example or a default").clone()),
        }
    }

    /// Lists every value of a file with what the schema says of it, by its JSON pointer.
    pub(crate) fn sites(&self, file: &Value) -> Vec<(String, Value)> {
        let mut sites = Vec::new();
        self.collect("", &self.0, file, &mut sites);
        sites
    }

    fn collect(&self, at: &str, schema: &Value, value: &Value, sites: &mut Vec<(String, Value)>) {
        let schema = self.resolve(schema);
        sites.push((at.to_owned(), schema.clone()));
        for (name, inner) in value.as_object().into_iter().flatten() {
            let known = schema["properties"].get(name);
            let schema = known.unwrap_or(&schema["additionalProperties"]);
            self.collect(&below(at, name), schema, inner, sites);
        }
        for (position, inner) in value.as_array().into_iter().flatten().enumerate() {
            self.collect(&format!("{at}/{position}"), &schema["items"], inner, sites);
        }
    }
}

/// Returns the pointer of a field of what is at a pointer.
pub(crate) fn below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('/', "~1"))
}

/// Puts a value into a copy of a file.
pub(crate) fn with(file: &Value, at: &str, value: Value) -> Value {
    let mut file = file.clone();
    *file.pointer_mut(at).expect("a place in the file") = value;
    file
}

/// Tells whether a part of the schema accepts a type.
pub(crate) fn is(schema: &Value, kind: &str) -> bool {
    let kinds = &schema["type"];
    kinds == kind || kinds.as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
}
