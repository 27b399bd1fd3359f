//! `provision schema`: the JSON Schema of the cluster file, for editors.
use crate::failure::{Exit, Failure};
use crate::output;

/// What a cluster file calls a schema that lies beside it.
pub(crate) const FILE: &str = "provision.schema.json";

pub(crate) fn run() -> Result<Exit, Failure> {
    output::stdout(&text());
    Ok(Exit::Done)
}

/// Returns the schema as it is printed, with a line break at the end.
pub(crate) fn text() -> String {
    format!("{:#}\n", provision_spec::schema())
}
