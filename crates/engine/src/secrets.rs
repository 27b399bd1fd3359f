//! Secrets from the environment and from files.
use provision_core::{Error, Result, SecretRef, Secrets};

/// What to do about a secret that is not there.
const SET: &str = "put the secret there, and run the same command again";

/// Reads secrets from this process's environment and this machine's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalSecrets;

impl Secrets for LocalSecrets {
    fn read(&self, secret: &SecretRef) -> Result<String> {
        let (what, read) = match secret {
            SecretRef::Env(name) => (
                format!("environment variable {name}"),
                std::env::var(name).map_err(|_| " is not set".to_owned()),
            ),
            SecretRef::File(path) => (
                format!("secret file {path}"),
                std::fs::read_to_string(path).map_err(|e| format!(": {}", e.kind())),
            ),
        };
        let read = read.and_then(|text| match text.trim_end_matches(['\r', '\n']) {
            // An empty one would take the place of a good one.
            "" => Err(" is empty".to_owned()),
            text => Ok(text.to_owned()),
        });
        read.map_err(|why| Error::invalid(format!("{what}{why}")).hint(SET))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_file_is_read_without_its_line_break() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "canary\n").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        assert_eq!(LocalSecrets.read(&SecretRef::File(path)).unwrap(), "canary");
    }

    #[test]
    fn a_missing_secret_is_named() {
        let error = LocalSecrets.read(&SecretRef::Env("PROVISION_NO_SUCH".into())).unwrap_err();
        assert_eq!(error.to_string(), "environment variable PROVISION_NO_SUCH is not set");
        assert!(error.hint.is_some());
    }

    #[test]
    fn an_empty_secret_is_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "\n").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let error = LocalSecrets.read(&SecretRef::File(path)).unwrap_err();
        assert!(error.message.ends_with(" is empty"), "{error}");
    }
}
