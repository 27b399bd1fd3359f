//! `provision validate`: checks the file, without credentials or network.
use crate::args::{FileArgs, Global};
use crate::failure::{Exit, Failure};
use crate::{output, place};
use serde_json::json;

pub(crate) fn run(global: &Global, args: &FileArgs) -> Result<Exit, Failure> {
    let spec = place::wanted(&args.file)?;
    if global.json {
        let (cluster, provider) = (&spec.name, spec.provider.word());
        let format = "provision.validate/v1";
        output::json(&json!({ "format": format, "cluster": cluster, "provider": provider }));
    } else if !global.quiet {
        let (file, pools) = (args.file.display(), spec.pools.len());
        let pools = format!("{pools} pool{}", if pools == 1 { "" } else { "s" });
        output::stdout(&format!(
            "{file} is valid: cluster {} on {} in {}, {pools}\n",
            spec.name,
            spec.provider.word(),
            spec.region
        ));
    }
    Ok(Exit::Done)
}
