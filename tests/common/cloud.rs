//! A cloud on a server, and how programs are pointed at it.
use std::process::Command;

/// The key that everybody signs with, and its secret.
pub(crate) const KEY: &str = "testing";

/// A cloud on a server, which the program is pointed at.
pub(crate) trait Cloud {
    /// How many times faster than a real one it is waited for.
    const SCALE: &'static str;

    fn url(&self) -> &str;
}

/// Takes the caller's own configuration out of what a command gets, and gives it the tests'.
pub(crate) fn environment(command: &mut Command) -> &mut Command {
    let of_caller =
        |name: &str| name.starts_with("AWS_") || name.to_ascii_uppercase().ends_with("_PROXY");
    for (name, _) in std::env::vars().filter(|(name, _)| of_caller(name)) {
        command.env_remove(name);
    }
    command
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", KEY)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("NO_PROXY", "127.0.0.1")
}
