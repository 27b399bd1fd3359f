//! A cloud on a server, and how programs are pointed at it.
use std::process::Command;

/// The key that everybody signs with, and its secret.
pub(crate) const KEY: &str = "testing";

/// The day on which simulated worlds begin, with 1.34 to 1.36 in standard support on EKS: tests mean
/// the same on every day.
pub(crate) const DAY: &str = "2026-11-21";

/// A cloud on a server, which the program is pointed at.
pub(crate) trait Cloud {
    /// How many times faster than a real one it is waited for.
    const SCALE: &'static str;

    fn url(&self) -> &str;
}

/// Takes the caller's own configuration out of what a command gets, and gives it the tests'.
pub(crate) fn environment(command: &mut Command) -> &mut Command {
    let of_caller = |name: &str| {
        let begins = ["AWS_", "PROVISION_"].iter().any(|word| name.starts_with(word));
        let pages = ["COLUMNS", "NO_COLOR", "KUBECONFIG", "XDG_CACHE_HOME"].contains(&name);
        begins || pages || name.to_ascii_uppercase().ends_with("_PROXY")
    };
    for (name, _) in std::env::vars().filter(|(name, _)| of_caller(name)) {
        command.env_remove(name);
    }
    command
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", KEY)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("NO_PROXY", "127.0.0.1")
        .env("PROVISION_SANDBOX_DAY", DAY)
}
