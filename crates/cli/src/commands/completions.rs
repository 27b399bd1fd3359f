//! `provision completions`: a script that completes commands and flags in a shell.
use crate::args::{Cli, CompletionsArgs};
use crate::failure::{Exit, Failure};
use crate::output;
use clap::CommandFactory;

pub(crate) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "provision", &mut script);
    output::stdout(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
