//! The `provision` command: creates and looks after the Kubernetes cluster of a data platform.
mod args;
mod commands;
mod decision;
mod environment;
mod failure;
mod kubeconfig;
mod logging;
mod output;
#[cfg(test)]
#[path = "../../../tests/common/page.rs"]
mod page;
mod place;
mod providers;
#[cfg(test)]
mod reference;
mod render;
mod run;
mod sandbox;
mod shell;
mod signals;

use args::{Cli, Command, SandboxCommand};
use clap::Parser;
use failure::{Code, Exit, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match logging::start(&cli.global).and_then(|()| run(&cli)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report(&cli.global);
            failure.exit.into()
        }
    }
}

fn run(cli: &Cli) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Failure::new(Code::Runtime, "the runtime cannot start").because(&error))?;
    runtime.block_on(heedful(cli))
}

/// Carries the command out with an ear for signals.
async fn heedful(cli: &Cli) -> Result<Exit, Failure> {
    let stop = &cli.global.stop;
    signals::outlive_full_disks();
    let result = tokio::select! {
        biased;
        result = dispatch(cli) => result,
        never = signals::heed(stop) => match never {},
    };
    result.map_err(|failure| match stop.is_asked() {
        true => failure.exiting(Exit::Interrupted),
        false => failure,
    })
}

async fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    let global = &cli.global;
    global.check(&cli.command)?;
    match &cli.command {
        Command::Init(args) => commands::init::run(global, args),
        Command::Validate(args) => commands::validate::run(global, args),
        Command::Plan(args) => commands::plan::run(global, args).await,
        Command::Apply(args) => commands::apply::run(global, args).await,
        Command::Destroy(args) => commands::destroy::run(global, args).await,
        Command::Show(args) => commands::show::run(global, args),
        Command::State(args) => commands::state::run(global, args).await,
        Command::HelmValues(args) => commands::helm_values::run(global, args),
        Command::Kubeconfig(args) => commands::kubeconfig::run(global, args).await,
        Command::Token(args) => commands::token::run(args).await,
        Command::Verify(args) => commands::verify::run(global, args).await,
        Command::Graph(args) => commands::graph::run(global, args),
        Command::Schema => commands::schema::run(),
        Command::Completions(args) => commands::completions::run(args),
        Command::Man => commands::man::run(),
        Command::Sandbox(args) => match &args.command {
            SandboxCommand::Serve(args) => commands::sandbox::serve(global, args).await,
        },
    }
}

/// Prints what clap has to say: help and version are answers, the rest is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && args::want_json(std::env::args_os().skip(1)) {
        Failure::from(error).report_json();
        return Exit::Usage.into();
    }
    let printed = error.print();
    match error.use_stderr() {
        true => Exit::Usage.into(),
        false if printed.is_ok() => ExitCode::SUCCESS,
        false => Exit::Failed.into(),
    }
}
