//! Log lines on standard error.
use crate::args::{Global, LogFormat};
use crate::failure::{Code, Failure};
use crate::render::spinner;
use std::{fmt, io};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Names a filter of log lines.
const VARIABLE: &str = "PROVISION_LOG";

/// Starts logging, if asked for by flags or by `PROVISION_LOG`.
pub(crate) fn start(global: &Global) -> Result<(), Failure> {
    let lines = tracing_subscriber::fmt::layer().with_writer(|| {
        spinner::erase();
        io::stderr()
    });
    let is_asked = global.verbose > 0 || variable().is_some();
    let lines = match global.log_format {
        LogFormat::Text if !is_asked => lines.event_format(Plain).boxed(),
        LogFormat::Text => lines.with_ansi(false).with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let asked = asked(variable(), global.verbose)?;
    let filter = asked.and(filter_fn(|of| is_ours(of.target(), *of.level())));
    let started = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    debug_assert!(started.is_ok(), "logging starts once");
    Ok(())
}

/// How lines look that nobody asked for: as the other warnings and errors that people are told.
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let is_error = *event.metadata().level() == Level::ERROR;
        write!(to, "{}: ", if is_error { "error" } else { "warning" })?;
        context.format_fields(to.by_ref(), event)?;
        writeln!(to)
    }
}

/// Returns the filter that the environment names.
pub(crate) fn variable() -> Option<String> {
    let value = std::env::var_os(VARIABLE)?.to_string_lossy().into_owned();
    (!value.trim().is_empty()).then_some(value)
}

fn asked(variable: Option<String>, verbose: u8) -> Result<EnvFilter, Failure> {
    if let Some(filter) = variable {
        return EnvFilter::try_new(&filter).map_err(|error| {
            let wrong = format!("{VARIABLE} is `{filter}`, which is no filter of log lines");
            Failure::new(Code::UsageEnvironment, wrong).because(&error)
        });
    }
    // What other libraries warn about, such as credentials that are not there, ends in an error
    // of ours that says it for people.
    let (others, ours) = match verbose {
        0 => (LevelFilter::ERROR, LevelFilter::WARN),
        1 => (LevelFilter::WARN, LevelFilter::INFO),
        _ => (LevelFilter::WARN, LevelFilter::DEBUG),
    };
    Ok(EnvFilter::new(format!("{others},provision={ours}")))
}

/// Tells whether a line may be shown, whatever was asked for: below warnings, other libraries log
/// requests whole, with who signed them and what they hold; and that for Kubernetes warns of each
/// answer that it cannot read, with all of it, and of each call that fails and is made again.
fn is_ours(target: &str, level: Level) -> bool {
    let warns = level <= Level::WARN && !target.starts_with("kube_client");
    warns || target.starts_with("provision")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_says_nothing_is_an_error() {
        assert!(asked(Some("provision_eks=debug".into()), 0).is_ok());
        let failure = asked(Some("provision=loud".into()), 0).unwrap_err();
        assert_eq!(failure.code, Code::UsageEnvironment);
        assert!(failure.error.starts_with("PROVISION_LOG is `provision=loud`"), "{failure:?}");
    }

    #[test]
    fn warnings_of_other_libraries_are_asked_for() {
        let told = |verbose| asked(None, verbose).unwrap().to_string();
        assert!(told(0).contains("error") && !told(1).contains("error"), "{}", told(0));
    }

    #[test]
    fn traces_of_other_libraries_are_never_shown() {
        assert!(is_ours("provision_eks::calls", Level::TRACE));
        assert!(is_ours("aws_config", Level::WARN));
        assert!(!is_ours("aws_config", Level::INFO));
        assert!(!is_ours("kube_client::client::builder", Level::ERROR));
        assert!(!is_ours("aws_smithy_runtime::client::orchestrator", Level::TRACE));
    }
}
