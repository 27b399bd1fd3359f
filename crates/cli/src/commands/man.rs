//! `provision man`: the manual, all commands on one page.
use crate::args::Cli;
use crate::environment::VARIABLES;
use crate::failure::{Code, Exit, Failure};
use crate::output;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// What a run's end says.
pub(crate) const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "Done, or nothing to do."),
    ("1", "Failed; safe to run again."),
    ("2", "Changes pending, only with plan --detailed-exitcode."),
    ("3", "Checks failed, with verify."),
    ("4", "Done, but something is degraded, and named."),
    ("64", "Wrong usage."),
    ("65", "Invalid or mismatched cluster file, plan or state; a stale saved plan."),
    ("75", "The state is locked by another run, which is named."),
    ("77", "Credentials missing, refused or expired."),
    ("130", "Interrupted; the state is safe."),
];

/// The files that the program reads and writes.
const FILES: &[(&str, &str)] = &[
    ("provision.yaml", "The cluster file, unless another is named."),
    ("NAME.state.jsonl", "The state, beside the cluster file, unless --state names another."),
    ("NAME.state.jsonl.backup", "The state before the last clean apply."),
    ("NAME.state.jsonl.lock", "Names the run that holds the state."),
];

pub(crate) fn run() -> Result<Exit, Failure> {
    let mut page = Vec::new();
    write(&mut page)
        .map_err(|e| Failure::new(Code::Manual, "the manual cannot be written").because(&e))?;
    output::stdout(&once(&String::from_utf8_lossy(&page)));
    Ok(Exit::Done)
}

/// Keeps the preamble that every piece begins with where it comes first.
fn once(page: &str) -> String {
    let mut seen = BTreeSet::new();
    let is_preamble = |line: &str| line.starts_with(".ie ") || line.starts_with(".el ");
    let kept = page.lines().filter(|line| !is_preamble(line) || seen.insert(line.to_owned()));
    kept.map(|line| format!("{line}\n")).collect()
}

/// Writes the page.
fn write(page: &mut Vec<u8>) -> io::Result<()> {
    let root = with_usage(Cli::command(), "provision");
    let man = Man::new(root).manual("provision");
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_options_section(page)?;
    Roff::new().control("SH", ["COMMANDS"]).to_writer(page)?;
    for command in Cli::command().get_subcommands() {
        write_command(page, "provision", command)?;
    }
    write_list(page, "EXIT STATUS", EXIT_CODES)?;
    write_list(page, "FILES", FILES)?;
    let variables = VARIABLES.map(|(name, means)| (sentence(name), sentence(means) + "."));
    let variables: Vec<_> = variables.iter().map(|(name, means)| (&**name, &**means)).collect();
    write_list(page, "ENVIRONMENT", &variables)
}

/// Writes Markdown as plain text, with a capital in the beginning.
fn sentence(text: &str) -> String {
    let text = text.replace('`', "");
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + rest.as_str()
}

/// Writes a command and those under it, without the flags that every command takes.
fn write_command(page: &mut Vec<u8>, above: &str, command: &Command) -> io::Result<()> {
    let name = format!("{above} {}", command.get_name());
    Roff::new().control("SS", [name.as_str()]).to_writer(page)?;
    let man = Man::new(with_usage(command.clone().disable_help_flag(true), &name));
    let mut sections = Vec::new();
    man.render_synopsis_section(&mut sections)?;
    man.render_description_section(&mut sections)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut sections)?;
    }
    for line in String::from_utf8_lossy(&sections).lines() {
        writeln!(page, "{}", if line.starts_with(".SH") { ".PP" } else { line })?;
    }
    command.get_subcommands().try_for_each(|inner| write_command(page, &name, inner))
}

/// Gives a command its whole name, and the usage that its help has. Whatever is below it then has
/// the flags that every command takes.
pub(crate) fn with_usage(command: Command, name: &str) -> Command {
    let mut command = command.bin_name(name);
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    command.override_usage(usage)
}

fn write_list(page: &mut Vec<u8>, title: &str, items: &[(&str, &str)]) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (name, text) in items {
        roff.control("TP", []).text([bold(*name)]).text([roman(*text)]);
    }
    roff.to_writer(page)
}
