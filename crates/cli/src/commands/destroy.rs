//! `provision destroy`: removes everything that is ours, and nothing else.
use super::carry_out::{CarryOut, approve, needs_approval};
use super::plan::show;
use crate::args::{DestroyArgs, Global};
use crate::failure::{Code, Exit, Failure};
use crate::run::{Consent, Subject};
use crate::{output, place};
use provision_core::Facts;
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
        return without_state(global, spec, &state_path).await;
    };
    let is_on_record = loaded.state.facts().get(PROTECT) == Some(true);
    if is_on_record || spec.as_ref().is_some_and(|spec| spec.protect) {
        let error = format!("cluster {} is protected", loaded.header.cluster);
        return Err(Failure::new(Code::Protected, error).hint(match is_on_record {
            true => "set `protect: false` in the cluster file and apply it first",
            false => "set `protect: false` in the cluster file",
        }));
    }
    let volumes = if args.delete_volumes { Volumes::Delete } else { Volumes::Keep };
    let subject = Subject::connect(global, spec, &state_path, Some(loaded), Some(volumes)).await?;
    let decision = subject.decide_to_destroy(global).await.map_err(not_ours)?;
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
        goes_on: false,
        consent: &Consent::default(),
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

/// Says what to do where something on record is not ours any more.
fn not_ours(mut failure: Failure) -> Failure {
    if failure.code != Code::PlanRefused {
        return failure;
    }
    failure.hints.clear();
    failure.hint(
        "`provision apply` with `--adopt ADDRESS` takes it over again where the file has it, to be \
         destroyed then; `provision state forget ADDRESS` leaves it to whoever has it",
    )
}

/// Says that there is nothing to destroy, once the cloud says so too: a lost state is no lost cluster.
async fn without_state(
    global: &Global,
    spec: Option<ClusterSpec>,
    state_path: &Path,
) -> Result<Exit, Failure> {
    let missing = format!("there is no state at {}", state_path.display());
    let Some(spec) = spec.filter(|_| global.state.is_none()) else {
        return Err(Failure::new(Code::StateMissing, missing));
    };
    let other = state_path.with_extension("").with_extension("sandbox.state.jsonl");
    let other = (!global.sandbox && other.exists())
        .then(|| format!("; that of a rehearsal is at {}: add --sandbox", other.display()));
    let nothing = format!("{missing}{}", other.as_deref().unwrap_or_default());
    let subject = Subject::connect(global, Some(spec.clone()), state_path, None, None).await;
    let subject = subject.map_err(|failure| match other {
        Some(_) => failure.hint(nothing.clone()),
        None => failure,
    })?;
    match subject.decide(global, &spec, Facts::default(), &Consent::default()).await {
        Ok(decision) => decision.check_begin()?,
        Err(refused) if refused.code == Code::PlanRefused => {
            return Err(lost(refused, &missing));
        }
        Err(failure) => return Err(failure),
    }
    if !global.quiet && !global.json {
        output::stdout(&format!("Nothing to destroy: {nothing}.\n"));
    }
    Ok(Exit::Done)
}

/// Tells what is there of a cluster whose state is not, from what refused a plan of it.
fn lost(refused: Failure, missing: &str) -> Failure {
    let what = match refused.causes.len() {
        0 | 1 => "something of this cluster is there".to_owned(),
        count => format!("{count} objects of this cluster are there"),
    };
    let mut failure = refused;
    if failure.causes.is_empty() {
        failure.causes.push(failure.error);
    }
    failure.code = Code::StateMissing;
    failure.exit = Code::StateMissing.exit();
    failure.error = format!("{missing}, and {what}");
    failure.hints.clear();
    failure.hint(
        "put the state back, or name it with `--state`; without one, `apply` takes over what is yours \
         with an `--adopt ADDRESS` for each, and begins a state that can be destroyed",
    )
}
