//! References to secrets. The file never holds a secret itself, and a problem never shows one.

use provision_core::SecretRef;

use crate::fields::{Field, Fields};
use crate::nearest;
use crate::profile::Profile;
use crate::tree::{Kind, Value};

/// The `secrets` of a cluster file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Names the token for the container registry.
    pub registry_token: Option<SecretRef>,
}

impl Secrets {
    pub(crate) fn read(root: &Fields<'_>, profile: Option<Profile>) -> Self {
        let Some(field) = root.optional("secrets") else { return Self::default() };
        if matches!(field.node().value, Value::Scalar(_)) {
            refuse_literal(&field, "registryToken: { env: REGISTRY_TOKEN }");
            return Self::default();
        }
        let mut read = Self::default();
        for field in field.entries().unwrap_or_default() {
            if field.name() != "registryToken" {
                let hint = match nearest(field.name(), ["registryToken"]) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "the only field of secrets is registryToken".to_owned(),
                };
                let message = "secrets has a field that is not one of the cluster file";
                field.report().refuse("file.unknown-field", field.key(), message, Some(hint));
                continue;
            }
            read.registry_token = field.secret();
            if profile.is_some_and(|profile| profile.registry().is_none()) {
                let message = "is for the registry of a profile, and this one has none";
                let hint = "remove it, or write `profile: qualytics`".to_owned();
                field.refuse_key("file.conflict", message, Some(hint));
            }
        }
        read
    }
}

impl Field<'_> {
    /// Reads `{ env: NAME }` or `{ file: path }`; anything else is refused without being shown.
    pub fn secret(&self) -> Option<SecretRef> {
        let Value::Map(entries) = &self.node().value else {
            refuse_literal(self, "{ env: REGISTRY_TOKEN }` or `{ file: path }");
            return None;
        };
        let [entry] = entries.as_slice() else {
            refuse_shape(self);
            return None;
        };
        let Value::Scalar(scalar) = &entry.value.value else {
            refuse_shape(self);
            return None;
        };
        match entry.key.as_str() {
            "env" if scalar.kind() != Kind::Null && is_variable(&scalar.text) => {
                Some(SecretRef::Env(scalar.text.clone()))
            }
            "env" => {
                let hint = "write the name of the variable, not its value".to_owned();
                let message = "env is not the name of an environment variable";
                self.refuse("file.invalid-value", message, Some(hint));
                None
            }
            "file" if scalar.kind() != Kind::Null && !scalar.text.is_empty() => {
                Some(SecretRef::File(scalar.text.clone()))
            }
            key => {
                match nearest(key, ["env", "file"]) {
                    Some(name) if key != name => {
                        let message = "must be either env or file, and is neither";
                        let hint = Some(format!("did you mean `{name}`?"));
                        self.report().refuse("file.unknown-field", entry.span, message, hint);
                    }
                    _ => refuse_shape(self),
                }
                None
            }
        }
    }
}

fn refuse_literal(field: &Field<'_>, instead: &str) {
    let hint = format!("write `{instead}`; if it was a secret, it is one no longer: replace it");
    field.refuse("file.literal-secret", "must not hold a secret itself", Some(hint));
}

fn refuse_shape(field: &Field<'_>) {
    let hint = "write `{ env: NAME }` or `{ file: path }`".to_owned();
    field.refuse("file.wrong-type", "must be either env or file", Some(hint));
}

fn is_variable(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(sound)
}
