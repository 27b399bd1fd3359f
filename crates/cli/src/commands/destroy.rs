//! `provision destroy`: removes everything that is ours, and nothing else.
use super::carry_out::{CarryOut, approve, needs_approval};
use super::plan::show;
use crate::args::{DestroyArgs, Global};
use crate::failure::{Code, Exit, Failure};
use crate::run::Subject;
use crate::{output, place};
use provision_engine::{Lock, load};
use provision_spec::{ClusterSpec, Volumes};
use std::path::{Path, PathBuf};

/// The cluster file when none is named.
const DEFAULT: &str = "provision.yaml";
/// The fact that keeps a cluster from being destroyed.
pub(crate) const PROTECT: &str = "protect";

pub(crate) async fn run(global: &Global, args: &DestroyArgs) -> Result<Exit, Failure> {
    let asks = needs_approval(global, args.auto_approve, "destroy")?;
    let (spec, state_path) = subject(global, args)?;
    let _lock = Lock::take(&state_path)?;
    let loaded = match &spec {
        Some(spec) => place::state(&state_path, spec)?,
        None => load(&state_path)?,
    };
    let Some(loaded) = loaded else {
        return nothing(global, &state_path);
    };
    if loaded.state.facts().get(PROTECT) == Some(true) {
        let error = format!("cluster {} is protected", loaded.header.cluster);
        return Err(Failure::new(Code::Protected, error)
            .hint("set `protect: false` in the cluster file and apply it first"));
    }
    let volumes = if args.delete_volumes { Volumes::Delete } else { Volumes::Keep };
    let subject = Subject::connect(global, spec, &state_path, Some(loaded), Some(volumes)).await?;
    let decision = subject.decide_to_destroy(global).await?;
    if asks {
        show(global, &subject, &decision);
    }
    decision.check_known()?;
    let name = &subject.header.cluster;
    if asks && !decision.plan.is_empty() {
        let question = format!("This cannot be undone. To destroy {name}, type its name:");
        approve(global, &question, name).await?;
    }
    let carry_out = CarryOut {
        global,
        subject: &subject,
        file: subject.spec.as_ref().map(|_| args.file.as_deref().unwrap_or(Path::new(DEFAULT))),
        approved: args.auto_approve,
        destroys: true,
        goes_on: None,
    };
    carry_out.run(&decision, !asks).await
}

/// Returns the cluster file, if there is one or one was named, and where the state is.
fn subject(global: &Global, args: &DestroyArgs) -> Result<(Option<ClusterSpec>, PathBuf), Failure> {
    let default = Path::new(DEFAULT);
    let file = args.file.as_deref().or(Some(default).filter(|_| global.state.is_none()));
    let Some(file) = file else {
        return Ok((None, place::state_path(global, default, "")));
    };
    let spec = place::cluster_file(file)?;
    let state_path = place::state_path(global, file, &spec.name);
    Ok((Some(spec), state_path))
}

fn nothing(global: &Global, state_path: &Path) -> Result<Exit, Failure> {
    if global.state.is_some() {
        let error = format!("there is no state at {}", state_path.display());
        return Err(Failure::new(Code::StateMissing, error));
    }
    if !global.quiet && !global.json {
        let path = state_path.display();
        let other = state_path.with_extension("").with_extension("sandbox.state.jsonl");
        let other = match !global.sandbox && other.exists() {
            true => format!("That of a rehearsal is at {}: add --sandbox.\n", other.display()),
            false => String::new(),
        };
        output::stdout(&format!("Nothing to destroy: there is no state at {path}.\n{other}"));
    }
    Ok(Exit::Done)
}
