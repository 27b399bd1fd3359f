//! Log lines on standard error.
use crate::args::{Global, LogFormat};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Starts logging, if asked for by flags or by `PROVISION_LOG`.
pub(crate) fn start(global: &Global) {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match global.log_format {
        LogFormat::Text => lines.with_ansi(false).with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let filter = asked(global.verbose).and(filter_fn(|of| is_ours(of.target(), *of.level())));
    let started = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    debug_assert!(started.is_ok(), "logging starts once");
}

fn asked(verbose: u8) -> EnvFilter {
    let ours = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    EnvFilter::try_from_env("PROVISION_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,provision={ours}")))
}

/// Tells whether a line may be shown, whatever was asked for: below warnings, other libraries log
/// requests whole, with who signed them and what they hold.
fn is_ours(target: &str, level: tracing::Level) -> bool {
    level <= tracing::Level::WARN || target.starts_with("provision")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn traces_of_other_libraries_are_never_shown() {
        assert!(is_ours("provision_eks::calls", Level::TRACE));
        assert!(is_ours("aws_config", Level::WARN));
        assert!(!is_ours("aws_config", Level::INFO));
        assert!(!is_ours("aws_smithy_runtime::client::orchestrator", Level::TRACE));
    }
}
