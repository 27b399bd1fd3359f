//! `provision init`: a short cluster file to begin with.
use super::schema;
use crate::args::{Global, InitArgs};
use crate::failure::{Code, Exit, Failure};
use crate::{output, place, shell};
use provision_spec::ClusterSpec;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

const REHEARSAL: &str = "\nWith --sandbox each of them is a rehearsal, which needs no account.\n";

pub(crate) fn run(global: &Global, args: &InitArgs) -> Result<Exit, Failure> {
    let file = &args.file.file;
    let text = text(args);
    let spec = place::cluster_text(&file.display().to_string(), text.as_bytes())?;
    if file.symlink_metadata().is_ok() {
        return Err(occupied(file));
    }
    let schema = file.with_file_name(schema::FILE);
    let made_schema = match create(&schema, &schema::text()) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => false,
        made => made.map(|()| true).map_err(|e| unwritable(&schema, &e))?,
    };
    create(file, &text).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => occupied(file),
        _ => unwritable(file, &e),
    })?;
    let next = next(global, file);
    if global.json {
        output::json(&document(&spec, file, &schema, &next));
    } else if !global.quiet {
        output::stdout(&said(&spec, file, made_schema.then_some(&schema), &next));
        if !global.sandbox {
            output::stdout(REHEARSAL);
        }
    }
    Ok(Exit::Done)
}

/// Writes a new file, and never over another.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

fn occupied(path: &Path) -> Failure {
    let error = format!("{} is there already, and was left as it is", path.display());
    Failure::new(Code::InitExists, error)
        .hint("name another file at the end of the command, or move this one away")
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let what = format!("{} cannot be written", path.display());
    Failure::new(Code::InitUnwritable, what).because(error)
}

/// Returns the cluster file. Everything that is commented out is valid as well.
fn text(args: &InitArgs) -> String {
    let [name, provider, region, profile] =
        [&args.name, &args.provider, &args.region, &args.profile].map(|text| scalar(text));
    let pools = match args.profile.as_str() {
        "none" => {
            "# pools:                  # without pools there are no nodes\n\
             #   app: { machine: t3.2xlarge, min: 1, max: 3, labels: { team: platform } }\n"
        }
        _ => {
            "# pools:                  # the pools listed are all there are\n\
             #   app: {}\n\
             #   driver: {}\n\
             #   executor: { max: 20 }\n"
        }
    };
    format!(
        "# yaml-language-server: $schema={schema}\n\
         # A Kubernetes cluster. `provision show --resolved` prints it with every default.\n\
         name: {name}\n\
         provider: {provider}\n\
         region: {region}\n\
         profile: {profile}\n\
         \n\
         # What often differs from the defaults:\n\
         # kubernetes:\n\
         #   api: {{ allow: [203.0.113.0/24] }}   # who reaches the API; by default everybody\n\
         # network: {{ cidr: 10.0.0.0/16, zones: 3, nat: single }}\n\
         {pools}\
         # tags: {{ team: platform }}\n\
         # protect: true           # destroy refuses until it is false and applied\n",
        schema = schema::FILE,
    )
}

/// Writes text so that it is read back as it is: in quotes unless it is a plain word.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}

/// Returns the commands to type next.
fn next(global: &Global, file: &Path) -> [String; 3] {
    let show = shell::command(global, "show", Some(file));
    let [plan, apply] = ["plan", "apply"].map(|name| shell::command(global, name, Some(file)));
    [format!("{show} --resolved"), plan, apply]
}

fn document(spec: &ClusterSpec, file: &Path, schema: &Path, next: &[String]) -> Value {
    json!({
        "format": "provision.init/v1",
        "cluster": spec.name,
        "provider": spec.provider.word(),
        "file": file,
        "schema": schema,
        "next": next,
    })
}

fn said(spec: &ClusterSpec, file: &Path, schema: Option<&Path>, next: &[String]) -> String {
    let (name, provider, region) = (&spec.name, spec.provider.word(), &spec.region);
    let mut text = format!("Wrote {}: cluster {name} on {provider} in {region}.\n", file.display());
    if let Some(schema) = schema {
        text.push_str(&format!(
            "Wrote {}, by which editors complete and check it.\n",
            schema.display()
        ));
    }
    text.push_str("\nNext:\n");
    let notes = ["every default", "what would be made; changes nothing", "makes it"];
    let width = next.iter().map(String::len).max().unwrap_or_default();
    for (command, note) in next.iter().zip(notes) {
        text.push_str(&format!("  {command:width$}  # {note}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_as_it_is_and_anything_else_in_quotes() {
        for (text, wanted) in [
            ("acme-prod", "acme-prod"),
            ("null", "\"null\""),
            ("", "\"\""),
            ("1.30", "\"1.30\""),
            ("a\nprovider: gke", r#""a\nprovider: gke""#),
            ("a # b", "\"a # b\""),
        ] {
            assert_eq!(scalar(text), wanted);
        }
    }
}
