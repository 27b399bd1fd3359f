//! Log lines on standard error.
use crate::args::{Global, LogFormat};
use tracing_subscriber::EnvFilter;

/// Starts logging, if asked for by flags or by `PROVISION_LOG`.
pub(crate) fn start(global: &Global) {
    let level = match global.verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("PROVISION_LOG").unwrap_or_else(|_| level.into());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match global.log_format {
        LogFormat::Text => builder.with_ansi(false).with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    debug_assert!(started.is_ok(), "logging starts once");
}
