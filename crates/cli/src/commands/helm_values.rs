//! `provision helm-values`: what the platform's chart is told about the cluster.
use crate::args::{Global, HelmValuesArgs};
use crate::failure::{Code, Exit, Failure};
use crate::{output, place, providers, shell};
use provision_core::Facts;
use provision_spec::ClusterSpec;
use provision_spec::chart::Overlay;
use serde_json::json;
use std::path::Path;

pub(crate) fn run(global: &Global, args: &HelmValuesArgs) -> Result<Exit, Failure> {
    let file = &args.file.file;
    let spec = place::cluster_file(file)?;
    let path = place::state_path(global, file, &spec.name);
    let state = place::state(&path, &spec)?.map(|loaded| loaded.state).unwrap_or_default();
    let provider = providers::of(&spec)?;
    let facts = Facts { seen: provider.recall(&state), ..state.facts() };
    let rooms = provider.rooms(&spec, &facts);
    if let Some(pool) = spec.pools.iter().find(|pool| rooms.iter().all(|it| it.pool != pool.name)) {
        return Err(unrecorded(global, file, &pool.name));
    }
    let overlay = Overlay::of(&spec, &rooms, |pool| provider.tainted(pool));
    let overlay = overlay.ok_or_else(|| without_chart(&spec))?;
    let text = match global.json {
        true => format!("{}\n", document(&spec, &overlay)),
        false => overlay.yaml(&spec.name),
    };
    let Some(out) = &args.out else {
        output::stdout(&text);
        return Ok(Exit::Done);
    };
    output::file(out, &text)?;
    if !global.quiet {
        output::stderr(&format!("Wrote {}.\n", out.display()));
    }
    Ok(Exit::Done)
}

fn document(spec: &ClusterSpec, overlay: &Overlay) -> serde_json::Value {
    json!({
        "format": "provision.helm-values/v1",
        "cluster": spec.name,
        "values": overlay.values,
        "remarks": overlay.remarks,
    })
}

fn unrecorded(global: &Global, file: &Path, pool: &str) -> Failure {
    let error = format!("no machine of pool {pool} is on record, which says how large pods may be");
    let apply = shell::command(global, "apply", Some(file));
    Failure::new(Code::FactsMissing, error).hint(format!("`{apply}` records them"))
}

fn without_chart(spec: &ClusterSpec) -> Failure {
    let error = format!("profile {} has no chart to tell anything", spec.profile.word());
    Failure::new(Code::ChartNone, error).hint("values are known for the chart of profile qualytics")
}
