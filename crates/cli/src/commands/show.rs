//! `provision show`: what is on record, or the file with every default.
use crate::args::{Global, ShowArgs};
use crate::failure::{Exit, Failure};
use crate::render::{Style, record};
use crate::{output, place, providers};
use provision_core::{Address, Record};
use serde_json::{Value, json};

pub(crate) fn run(global: &Global, args: &ShowArgs) -> Result<Exit, Failure> {
    let spec = place::cluster_file(&args.file.file)?;
    if args.resolved {
        let section = providers::of(&spec)?.resolved(&spec);
        output::stdout(&spec.resolved_with(section));
        return Ok(Exit::Done);
    }
    let path = place::state_path(global, &args.file.file, &spec.name);
    let loaded = place::state(&path, &spec)?;
    let state = loaded.map(|loaded| loaded.state).unwrap_or_default();
    let outputs = providers::outputs(global, providers::of(&spec)?, &state);
    if global.json {
        let resources: Vec<_> = state.records().iter().map(document).collect();
        let format = "provision.show/v1";
        output::json(&json!({ "format": format, "resources": resources, "outputs": outputs }));
        return Ok(Exit::Done);
    }
    if state.records().is_empty() {
        output::stdout(&format!("Nothing is on record in {}.\n", path.display()));
        return Ok(Exit::Done);
    }
    let style = Style::of_stdout(global.no_color);
    output::stdout(&record::all(&style, state.records(), &outputs));
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
