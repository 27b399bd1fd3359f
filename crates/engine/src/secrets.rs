//! Secrets from the environment and from files.
use provision_core::{Error, Result, SecretRef, Secrets};

/// Reads secrets from this process's environment and this machine's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalSecrets;

impl Secrets for LocalSecrets {
    fn read(&self, secret: &SecretRef) -> Result<String> {
        let text = match secret {
            SecretRef::Env(name) => std::env::var(name)
                .map_err(|_| Error::invalid(format!("environment variable {name} is not set"))),
            SecretRef::File(path) => std::fs::read_to_string(path)
                .map_err(|e| Error::invalid(format!("secret file {path}: {}", e.kind()))),
        }?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
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
    }
}
