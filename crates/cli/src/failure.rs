//! How the program ends when it does not end well.
mod advice;
mod code;
mod refused;

pub(crate) use advice::advice;
pub(crate) use code::Code;

use crate::args::Global;
use crate::output;
use crate::render::Style;
use crate::render::trouble::{Group, Trouble};
use provision_core::{Error, Kind};
use provision_engine::{Locked, Mismatch, StateFileError};
use provision_spec::Problems;
use serde::Serialize;
use std::process::ExitCode;

/// What the exit code says; scripts rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    /// Safe to run again.
    Failed = 1,
    /// Something to do, with `plan --detailed-exitcode`.
    Pending = 2,
    /// The cluster is not what the platform needs.
    Unfit = 3,
    /// Done, and something is not well.
    Degraded = 4,
    Usage = 64,
    /// The cluster file, plan or state is wrong or belongs to something else.
    Mismatch = 65,
    Locked = 75,
    Credentials = 77,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What to do where the state cannot be written.
pub(crate) const WRITABLE: &str =
    "make room, or mend the folder's permissions, and run the same command again";

/// What went wrong, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) code: Code,
    pub(crate) error: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hints: Vec<String>,
    details: Option<Box<Details>>,
    request_id: Option<Box<str>>,
}

/// What is said beside causes.
#[derive(Debug)]
enum Details {
    /// What is wrong with a file.
    Problems(Problems),
    /// The causes as people are shown them, where there are many of a kind.
    Groups(Vec<Group>),
}

impl Failure {
    pub(crate) fn new(code: Code, error: impl Into<String>) -> Self {
        let (causes, hints) = (Vec::new(), Vec::new());
        let (exit, error) = (code.exit(), error.into());
        Self { exit, code, error, causes, hints, details: None, request_id: None }
    }

    /// Adds an error and what it came from to the causes.
    pub(crate) fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            self.causes.push(error.to_string());
            next = error.source();
        }
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Gives it another exit code.
    pub(crate) fn exiting(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Writes it to standard error, for people or as one JSON object.
    pub(crate) fn report(&self, global: &Global) {
        match global.errors_are_json() {
            true => self.report_json(),
            false => output::stderr(&self.text(&Style::of_stderr(global.no_color))),
        }
    }

    /// Writes it to standard error as one JSON object.
    pub(crate) fn report_json(&self) {
        output::stderr(&self.json());
    }

    fn text(&self, style: &Style) -> String {
        let Self { error, causes, hints, .. } = self;
        let trouble = Trouble { error, causes, hints, groups: &[], problems: None };
        let trouble = match self.details.as_deref() {
            Some(Details::Problems(problems)) => Trouble { problems: Some(problems), ..trouble },
            Some(Details::Groups(groups)) => Trouble { causes: &[], groups, ..trouble },
            None => trouble,
        };
        trouble.text(style)
    }

    fn json(&self) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Document<'a> {
            format: &'static str,
            code: &'static str,
            exit: u8,
            error: &'a str,
            causes: &'a [String],
            hints: &'a [String],
            problems: &'a Problems,
            request_id: Option<&'a str>,
        }
        let empty = Problems::default();
        let problems = match self.details.as_deref() {
            Some(Details::Problems(problems)) => problems,
            _ => &empty,
        };
        let document = Document {
            format: "provision.error/v1",
            code: self.code.text(),
            exit: self.exit as u8,
            error: &self.error,
            causes: &self.causes,
            hints: &self.hints,
            problems,
            request_id: self.request_id.as_deref(),
        };
        let text = serde_json::to_string(&document).expect("plain data serializes");
        format!("{text}\n")
    }
}

impl From<&clap::Error> for Failure {
    fn from(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let mut parts = text.split("\n\n");
        let what = parts.next().unwrap_or_default().trim_start_matches("error: ");
        let mut failure = Self::new(Code::Usage, what);
        let hints = parts.filter(|part| !part.starts_with("For more information"));
        failure.hints = hints.map(|part| part.trim().to_owned()).collect();
        failure
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        let error = match problems.count() {
            1 => "the cluster file has a problem".to_owned(),
            n => format!("the cluster file has {n} problems"),
        };
        Self {
            details: Some(Box::new(Details::Problems(problems))),
            ..Self::new(Code::FileInvalid, error)
        }
    }
}

impl From<StateFileError> for Failure {
    fn from(error: StateFileError) -> Self {
        let (code, hint) = match &error {
            StateFileError::Io(..) => (Code::StateUnreadable, "check its permissions"),
            StateFileError::Foreign(..) => (Code::StateForeign, "name another file with --state"),
            StateFileError::Newer(..) => {
                (Code::StateNewer, "use the version of provision that wrote it")
            }
            StateFileError::Damaged(..) => (
                Code::StateDamaged,
                "restore it from the file of the same name that ends in .backup",
            ),
        };
        let failure = Self::new(code, error.to_string()).hint(hint);
        match std::error::Error::source(&error) {
            Some(source) => failure.because(source),
            None => failure,
        }
    }
}

impl From<Locked> for Failure {
    fn from(error: Locked) -> Self {
        match &error {
            Locked::Held(_) => Self::new(Code::StateLocked, error.to_string())
                .hint("wait for that run to end; a run that died holds no lock"),
            Locked::Io(_, source) => {
                Self::new(Code::StateLock, error.to_string()).because(source).hint(WRITABLE)
            }
        }
    }
}

impl From<Mismatch> for Failure {
    fn from(mismatch: Mismatch) -> Self {
        Self::new(Code::PlanStale, mismatch.to_string())
            .hint("make a new plan and look at it again")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.kind {
            Kind::Auth => Code::Credentials,
            Kind::Journal => Code::StateUnwritable,
            Kind::Denied => Code::CloudDenied,
            Kind::Quota => Code::CloudQuota,
            Kind::Capacity => Code::CloudCapacity,
            _ => Code::Failed,
        };
        let mut failure = Self::new(code, error.to_string());
        failure.hints.extend(advice(&error));
        failure.request_id = error.request_id.map(Into::into);
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_from_what_to_why_to_what_to_do() {
        let source = std::io::Error::other("no space left on device");
        let failure = Failure::new(Code::StateLock, "the lock cannot be taken").because(&source);
        insta::assert_snapshot!(failure.hint("make room").text(&Style { color: false, width: 80 }), @r"
        error: the lock cannot be taken
        caused by: no space left on device

        hint: make room
        ");
    }

    #[test]
    fn a_failure_in_json_has_every_field() {
        let failure = Failure::new(Code::StateLocked, "locked").hint("wait");
        insta::assert_snapshot!(failure.json(), @r#"{"format":"provision.error/v1","code":"state.locked","exit":75,"error":"locked","causes":[],"hints":["wait"],"problems":[],"requestId":null}"#);
    }
}
