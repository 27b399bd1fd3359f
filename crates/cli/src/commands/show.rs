//! `provision show`: what is on record, or the file with every default.
use crate::args::{Global, ShowArgs};
use crate::failure::{Exit, Failure};
use crate::{output, place, providers};
use provision_core::{Address, Record};
use serde_json::{Value, json};

pub(crate) fn run(global: &Global, args: &ShowArgs) -> Result<Exit, Failure> {
    let spec = place::cluster_file(&args.file.file)?;
    if args.resolved {
        output::stdout(&spec.resolved());
        return Ok(Exit::Done);
    }
    let path = place::state_path(global, &args.file.file, &spec.name);
    let loaded = place::state(&path, &spec)?;
    let state = loaded.map(|loaded| loaded.state).unwrap_or_default();
    let outputs = providers::of(&spec)?.outputs(&state);
    if global.json {
        let resources: Vec<_> = state.records().iter().map(document).collect();
        let format = "provision.show/v1";
        output::json(&json!({ "format": format, "resources": resources, "outputs": outputs }));
        return Ok(Exit::Done);
    }
    let width = state.records().keys().map(|a| a.as_str().len()).max().unwrap_or(0);
    let mut text = String::new();
    for (address, record) in state.records() {
        let id = record.outputs.as_ref().and_then(|o| o.get("id")?.as_str()).unwrap_or("");
        let note = if record.is_settled() { "" } else { "  (not finished)" };
        text.push_str(&format!("{address:width$}  {id}{note}\n"));
    }
    if state.records().is_empty() {
        text.push_str(&format!("Nothing is on record in {}.\n", path.display()));
    }
    if !outputs.is_empty() && !state.records().is_empty() {
        text.push_str("\nOutputs:\n");
        for (name, value) in &outputs {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.push_str(&format!("  {name:12} {value}\n"));
        }
    }
    output::stdout(&text);
    Ok(Exit::Done)
}

/// Returns a recorded object as JSON.
pub(crate) fn document((address, record): (&Address, &Record)) -> Value {
    json!({
        "address": address,
        "kind": record.kind,
        "spec": record.accepted().unwrap_or(&record.spec),
        "outputs": record.outputs,
    })
}
