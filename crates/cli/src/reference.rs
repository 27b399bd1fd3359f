//! The pages about the program: every command with its flags, every error, every exit code.
use crate::args::Cli;
use crate::commands::man::{EXIT_CODES, with_usage};
use crate::environment::VARIABLES;
use crate::failure::Code;
use crate::page::{hold, table};
use clap::{Arg, ArgAction, Command, CommandFactory};

/// Returns what is there to be called: a command, or those within it.
fn called(above: &str, command: &Command) -> Vec<(String, Command)> {
    let name = format!("{above} {}", command.get_name());
    let mut all = vec![(name.clone(), command.clone())];
    all.extend(command.get_subcommands().flat_map(|inner| called(&name, inner)));
    all
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Returns how an argument is written, what it is without, and what it does.
fn row(argument: &Arg) -> [String; 3] {
    let values: Vec<_> = argument.get_value_names().into_iter().flatten().collect();
    let takes = argument.get_action().takes_values();
    let value = values.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
    let mut names: Vec<_> =
        argument.get_short().map(|c| code(&format!("-{c}"))).into_iter().collect();
    if let Some(long) = argument.get_long() {
        let value = if takes { format!(" {value}") } else { String::new() };
        names.push(code(&format!("--{long}{value}")));
    }
    if argument.is_positional() {
        names.push(code(&value));
    }
    let defaults = argument.get_default_values().iter().filter(|it| !it.is_empty());
    let defaults = defaults.map(|it| code(&it.to_string_lossy()));
    let default = match defaults.collect::<Vec<_>>() {
        _ if argument.is_required_set() => "required".to_owned(),
        defaults => defaults.join(" "),
    };
    let help = argument.get_long_help().or(argument.get_help()).expect("every argument is told");
    let mut told = help.to_string();
    let words = argument.get_possible_values();
    if takes && !words.is_empty() {
        let words: Vec<_> = words.iter().map(|word| code(word.get_name())).collect();
        told = format!("{told}: {}", words.join(", "));
    }
    if matches!(argument.get_action(), ArgAction::Append) {
        told.push_str("; can be repeated");
    }
    [names.join(", "), default, told]
}

const HEAD: [&str; 3] = ["argument", "default", ""];

fn section(name: &str, command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about()).expect("every command is told");
    let usage = with_usage(command.clone(), name).render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let rows: Vec<_> = command.get_arguments().map(row).collect();
    let arguments = match rows.is_empty() {
        true => String::new(),
        false => format!("\n{}", table(HEAD, &rows)),
    };
    format!("\n### {name}\n\n{about}.\n\n```text\n{usage}\n```\n{arguments}")
}

#[test]
fn every_command_is_documented() {
    let root = Cli::command();
    let all: Vec<_> = root.get_subcommands().flat_map(|it| called("provision", it)).collect();
    assert!(all.len() > 10, "only {} commands", all.len());
    let link = |(name, command): &(String, Command)| {
        let about = command.get_about().expect("every command is told").to_string();
        [format!("[`{name}`](#{})", name.replace(' ', "-")), about]
    };
    let index = table(["command", "does"], &all.iter().map(link).collect::<Vec<_>>());
    let sections: String = all.iter().map(|(name, command)| section(name, command)).collect();
    let globals: Vec<_> = root.get_arguments().filter(|it| it.is_global_set()).map(row).collect();
    let parts = [
        ("index", index),
        ("commands", format!("{sections}\n")),
        ("flags", table(["flag", "default", ""], &globals)),
    ];
    hold("commands.md", &parts);
}

#[test]
fn every_error_is_documented() {
    let exits = EXIT_CODES.iter().map(|(exit, means)| [code(exit), (*means).to_owned()]);
    let errors = Code::ALL.iter().map(|(error, means, remedy)| {
        let exit = (error.exit() as u8).to_string();
        [code(error.text()), exit, (*means).to_owned(), (*remedy).to_owned()]
    });
    let exits = table(["code", "means"], &exits.collect::<Vec<_>>());
    let errors = table(["code", "exit", "means", "what to do"], &errors.collect::<Vec<_>>());
    hold("errors.md", &[("exits", exits), ("errors", errors)]);
}

#[test]
fn every_variable_is_documented() {
    let rows = VARIABLES.map(|(name, means)| [name.to_owned(), means.to_owned()]);
    hold("reference.md", &[("environment", table(["variable", "means"], &rows))]);
}

#[test]
fn every_exit_code_is_told() {
    let told: Vec<_> = EXIT_CODES.iter().map(|(exit, _)| *exit).collect();
    for (error, ..) in Code::ALL {
        let exit = (error.exit() as u8).to_string();
        assert!(told.contains(&exit.as_str()), "nothing tells of exit code {exit}");
    }
}
