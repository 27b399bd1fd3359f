//! Commands that can be pasted into a shell.
use crate::args::Global;
use std::path::Path;

/// Returns a command of ours about a cluster file, or about the state that was named instead.
pub(crate) fn command(global: &Global, name: &str, file: Option<&Path>) -> String {
    let mut command = format!("provision {name}");
    if let Some(file) = file.filter(|file| *file != Path::new("provision.yaml")) {
        command.push_str(&format!(" {}", quoted(file)));
    }
    if global.sandbox {
        command.push_str(" --sandbox");
    }
    if let Some(state) = &global.state {
        command.push_str(&format!(" --state {}", quoted(Path::new(state))));
    }
    command
}

/// Writes a path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    word(&path.display().to_string())
}

/// Writes a word as a shell takes it.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:".contains(c);
    match text.chars().all(plain) && !text.starts_with('-') && !text.is_empty() {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_for_the_shell() {
        assert_eq!(quoted(Path::new("clusters/a.yaml")), "clusters/a.yaml");
        assert_eq!(quoted(Path::new("it's here.yaml")), r"'it'\''s here.yaml'");
    }
}
