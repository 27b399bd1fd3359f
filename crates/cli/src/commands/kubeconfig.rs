//! `provision kubeconfig`: how kubectl gets into the cluster.
mod support;

use crate::args::{Global, KubeconfigArgs};
use crate::failure::{Code, Exit, Failure};
use crate::kubeconfig::{User, Way};
use crate::{output, place, providers, shell};
use provision_core::State;
use provision_spec::{ClusterSpec, Entrance};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The longest kubeconfig that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

pub(crate) async fn run(global: &Global, args: &KubeconfigArgs) -> Result<Exit, Failure> {
    if global.sandbox {
        return Err(embedded());
    }
    if let Some(out) = &args.support {
        return support::run(global, &args.file.file, out).await;
    }
    let file = &args.file.file;
    let spec = place::cluster_file(file)?;
    let path = place::state_path(global, file, &spec.name);
    let loaded = place::state(&path, &spec)?;
    if let Some(loaded) = &loaded {
        place::same_world(&path, &loaded.header, false)?;
    }
    let state = loaded.map(|loaded| loaded.state).unwrap_or_default();
    let way = way(&spec, &state)?.ok_or_else(|| unrecorded(global, file))?;
    let Some(out) = &args.out else {
        output::stdout(&way.alone());
        return Ok(Exit::Done);
    };
    let out = &target(out)?;
    let lock = Lock::take(out)?;
    let merged = way.merged(&text(out)?).map_err(|why| unfit(out, &why))?;
    output::file(out, &merged)?;
    drop(lock);
    if !global.quiet {
        output::stderr(&format!("{} knows context {}, and uses it.\n", out.display(), way.name));
    }
    Ok(Exit::Done)
}

/// Returns where a kubeconfig is written, in a folder that is there.
fn target(out: &Path) -> Result<PathBuf, Failure> {
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| unwritable(out, &error))?;
    }
    // A link stays one.
    Ok(out.canonicalize().unwrap_or_else(|_| out.to_owned()))
}

/// Returns the way into a cluster that is on record.
fn way(spec: &ClusterSpec, state: &State) -> Result<Option<Way>, Failure> {
    let provider = providers::of(spec)?;
    let told = |name: &str| {
        let value = state.output("cluster", name)?.as_str()?;
        (!value.is_empty()).then(|| value.to_owned())
    };
    let Some((server, authority)) = told("endpoint").zip(told("certificate_authority")) else {
        return Ok(None);
    };
    let Entrance { cluster, region, role, word } = provider.entrance(spec);
    let name = format!("{cluster}.{region}.{}", provider.name());
    let mut arguments = vec!["token".to_owned()];
    let flags = [
        ("--provider", provider.name().to_owned()),
        ("--region", region),
        ("--cluster", cluster),
        ("--role", role),
        ("--external-id", word),
    ];
    for (flag, value) in flags.into_iter().filter(|(_, value)| !value.is_empty()) {
        arguments.extend([flag.to_owned(), value]);
    }
    let user = User::Program { arguments, environment: provider.chosen().kept };
    Ok(Some(Way { name, server, authority, user }))
}

/// Returns the text of a kubeconfig; there may be none.
fn text(path: &Path) -> Result<String, Failure> {
    let length = fs::metadata(path).map(|it| it.len());
    match length {
        Ok(length) if length > LONGEST => Err(unfit(path, "it is longer than 1 MiB")),
        Ok(_) => fs::read_to_string(path).map_err(|error| unfit(path, &error.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(unfit(path, &error.to_string())),
    }
}

/// The lock that kubectl takes as well before it writes a kubeconfig.
struct Lock(PathBuf);

impl Lock {
    fn take(path: &Path) -> Result<Self, Failure> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).open(&lock) {
            Ok(_) => Ok(Self(lock)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let what = format!("{} is being written by somebody else", path.display());
                Err(Failure::new(Code::KubeconfigLocked, what).hint(format!(
                    "run the same command again; if nobody writes it, remove {}",
                    lock.display()
                )))
            }
            Err(error) => Err(unwritable(path, &error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let what = format!("{} cannot be written", path.display());
    Failure::new(Code::OutputUnwritable, what).because(error)
}

fn unfit(path: &Path, why: &str) -> Failure {
    let what = format!("{} was left as it is: {why}", path.display());
    Failure::new(Code::KubeconfigUnfit, what)
        .hint("name another file, and let KUBECONFIG list both")
}

fn unrecorded(global: &Global, file: &Path) -> Failure {
    let apply = shell::command(global, "apply", Some(file));
    let what = "no cluster is on record that anybody could get into";
    Failure::new(Code::ClusterNone, what).hint(format!("`{apply}` makes it"))
}

fn embedded() -> Failure {
    let what = "the embedded sandbox answers only while a command of provision runs";
    Failure::new(Code::UsageSandbox, what)
        .hint("`provision sandbox serve` keeps one up, for kubectl too")
}
