//! Where things are: the cluster file, the state beside it, a saved plan.
use crate::args::Global;
use crate::failure::{Code, Failure};
use crate::providers;
use provision_core::World;
use provision_engine::{Header, Loaded, SAVED_PLAN_FORMAT, SavedPlan, load};
use provision_spec::{ClusterSpec, Source, read_with};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Reads and checks a cluster file.
pub(crate) fn cluster_file(path: &Path) -> Result<ClusterSpec, Failure> {
    cluster_text(&path.display().to_string(), &bytes(path)?)
}

/// Reads and checks a cluster file and the manifests that it names.
pub(crate) fn wanted(path: &Path) -> Result<ClusterSpec, Failure> {
    with_manifests(cluster_file(path)?, path)
}

/// Reads the manifests that a cluster file names from where that is.
pub(crate) fn with_manifests(mut spec: ClusterSpec, path: &Path) -> Result<ClusterSpec, Failure> {
    let open = |name: &str| {
        let file = path.with_file_name(name);
        Ok((file.display().to_string(), read(&file)?))
    };
    match spec.read_manifests(open) {
        Ok(()) => Ok(spec),
        Err(problems) => {
            let count = problems.count();
            let mut failure = Failure::from(problems);
            failure.error = match count {
                1 => "manifests have a problem".to_owned(),
                n => format!("manifests have {n} problems"),
            };
            Err(failure)
        }
    }
}

/// Checks the text of a cluster file; `name` is only for messages.
pub(crate) fn cluster_text(name: &str, text: &[u8]) -> Result<ClusterSpec, Failure> {
    let spec = read_with(name, text, |spec, section| {
        if let Some(provider) = providers::named(spec.provider.word()) {
            provider.check_section(spec, section);
        }
    })?;
    providers::of(&spec)?;
    Ok(spec)
}

/// Reads a file that is as long as a cluster file may be, or a little longer.
fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    read(path).map_err(|e| unreadable(path, &e))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(Source::MAX_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let failure =
        |what: &str| Failure::new(Code::FileUnreadable, format!("{} {what}", path.display()));
    match error.kind() {
        io::ErrorKind::NotFound => failure("does not exist").hint(
            "name the cluster file, as in `provision plan FILE`, or write one with \
             `provision init`",
        ),
        _ => failure("cannot be read").because(error),
    }
}

/// Reads a saved plan. `None` when the file is something else.
pub(crate) fn saved_plan(path: &Path) -> Result<Option<SavedPlan>, Failure> {
    let text = plan_bytes(path).map_err(|e| unreadable(path, &e))?;
    SavedPlan::parse(&text).map_err(|why| {
        let what = format!("{} is not a plan that this version can use: {why}", path.display());
        Failure::new(Code::PlanInvalid, what).hint("make a new plan")
    })
}

/// Reads a file that is as long as a saved plan may be, or a little longer; of something else
/// only the beginning.
fn plan_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut text = Vec::new();
    (&mut file).take(SAVED_PLAN_FORMAT.len() as u64 * 2).read_to_end(&mut text)?;
    if SavedPlan::is_begun(&text) {
        file.take(SavedPlan::MAX_BYTES).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// Returns where the state of a cluster is. A link is followed, so that everybody locks and
/// rewrites the same file.
pub(crate) fn state_path(global: &Global, file: &Path, cluster: &str) -> PathBuf {
    let path = match &global.state {
        Some(path) => path.into(),
        None if global.sandbox => file.with_file_name(format!("{cluster}.sandbox.state.jsonl")),
        None => file.with_file_name(format!("{cluster}.state.jsonl")),
    };
    path.canonicalize().unwrap_or(path)
}

/// Reads the state of the cluster that the file describes, and checks that it is.
pub(crate) fn state(path: &Path, spec: &ClusterSpec) -> Result<Option<Loaded>, Failure> {
    let loaded = load(path)?;
    if let Some(loaded) = &loaded {
        let header = &loaded.header;
        same(path, "cluster", &header.cluster, &spec.name)?;
        same(path, "provider", &header.provider, spec.provider.word())?;
        if let Some(region) = header.scope.place.get("region") {
            same(path, "region", region, &spec.region)?;
        }
    }
    Ok(loaded)
}

fn same(path: &Path, what: &str, state: &str, file: &str) -> Result<(), Failure> {
    if state == file {
        return Ok(());
    }
    let error = format!("state {} is of {what} {state}, and the file says {file}", path.display());
    Err(Failure::new(Code::StateMismatch, error)
        .hint("put the file back as it was, or name another state with --state"))
}

/// Checks that a state is of the world that is asked for, before anything is reached.
pub(crate) fn same_world(path: &Path, header: &Header, sandbox: bool) -> Result<(), Failure> {
    match (header.scope.world == World::Sandbox, sandbox) {
        (true, false) => Err(other_world(&format!("state {}", path.display()), true)),
        (false, true) => Err(other_world(&format!("state {}", path.display()), false)),
        _ => Ok(()),
    }
}

/// Refuses what is of the sandbox where that was not asked for, or the other way round.
pub(crate) fn other_world(what: &str, is_sandboxed: bool) -> Failure {
    let (is, hint) = match is_sandboxed {
        true => ("the sandbox", "add --sandbox to the command"),
        false => ("a cloud outside the sandbox", "leave --sandbox out of the command"),
    };
    Failure::new(Code::StateScope, format!("{what} is of {is}")).hint(hint)
}

/// Checks that the caller's credentials lead to where the state's objects are.
pub(crate) fn same_scope(
    path: &Path,
    header: &Header,
    scope: &provision_core::Scope,
) -> Result<(), Failure> {
    if header.scope == *scope {
        return Ok(());
    }
    let mut differences = Vec::new();
    let (then, now) = (header.scope.world, scope.world);
    if then != now {
        differences.push(format!("servers {then} and not {now}"));
    }
    let hint = match (then == now, now) {
        (true, _) => "use the credentials of that account, or name another state with --state",
        (false, World::Loopback) => {
            "unset what leads to other servers, such as AWS_ENDPOINT_URL, or name another state with --state"
        }
        (false, _) => {
            "say where those servers are, as with AWS_ENDPOINT_URL, or name another state with --state"
        }
    };
    let keys: std::collections::BTreeSet<_> =
        header.scope.place.keys().chain(scope.place.keys()).collect();
    let text = |place: Option<&String>| place.map_or("none", String::as_str).to_owned();
    for key in keys {
        let (then, now) = (header.scope.place.get(key), scope.place.get(key));
        if then != now {
            differences.push(format!("{key} {} and not {}", text(then), text(now)));
        }
    }
    let error = format!("state {} is of {}", path.display(), differences.join(", "));
    Err(Failure::new(Code::StateScope, error).hint(hint))
}
