//! `provision verify`: whether a living cluster is what the platform needs.
mod probe;

use crate::args::{Global, VerifyArgs};
use crate::failure::{Code, Exit, Failure};
use crate::render::{Style, spinner, verdicts};
use crate::run::Subject;
use crate::{output, place, providers, shell};
use provision_engine::{Pace, first_call};
use provision_kubernetes::verify::{Entry, Snapshot, Status, Verdict, Wanted, judge};
use provision_spec::chart::PULL_SECRET;
use serde_json::json;
use std::path::Path;

pub(crate) async fn run(global: &Global, args: &VerifyArgs) -> Result<Exit, Failure> {
    let (url, verdicts) = match &args.kubeconfig {
        Some(path) => {
            let entry = entry(global, path, args.context.as_deref()).await?;
            let wanted = Wanted::of_profile(args.profile, &args.label, &args.tolerate);
            let verdicts = look(global, args, Pace::REAL, &entry, &wanted).await?;
            (entry.url, verdicts)
        }
        None => of_file(global, args).await?,
    };
    tell(global, &url, &verdicts);
    Ok(match verdicts.iter().any(|it| it.status == Status::Fail) {
        true => Exit::Unfit,
        false => Exit::Done,
    })
}

/// Looks at the cluster of a cluster file.
async fn of_file(global: &Global, args: &VerifyArgs) -> Result<(String, Vec<Verdict>), Failure> {
    let file = args.file.as_path();
    let spec = place::cluster_file(file)?;
    let provider = providers::of(&spec)?;
    let wanted = Wanted::of_file(&spec, |pool| provider.tainted(pool));
    let path = place::state_path(global, file, &spec.name);
    let loaded = place::state(&path, &spec)?.ok_or_else(|| unrecorded(global, file))?;
    let subject = Subject::connect(global, Some(spec), &path, Some(loaded), None).await?;
    let (access, way, token) =
        subject.open(global).await?.ok_or_else(|| unrecorded(global, file))?;
    let entry = Entry::with_token(&access, &way, &token)?;
    let verdicts = look(global, args, subject.pace(), &entry, &wanted).await?;
    Ok((entry.url, verdicts))
}

/// Gets into the cluster of a kubeconfig.
async fn entry(global: &Global, path: &Path, context: Option<&str>) -> Result<Entry, Failure> {
    if global.sandbox {
        let error = "--kubeconfig leads to a cluster that is not of the embedded sandbox";
        return Err(
            Failure::new(Code::UsageSandbox, error).hint("leave --sandbox out, or --kubeconfig")
        );
    }
    Entry::of_kubeconfig(path, context).await.map_err(|error| match error.kind {
        provision_core::Kind::Invalid => Failure::new(Code::KubeconfigUnfit, error.to_string())
            .hint("name a kubeconfig with --kubeconfig, and a context of it with --context"),
        _ => error.into(),
    })
}

async fn look(
    global: &Global,
    args: &VerifyArgs,
    pace: Pace,
    entry: &Entry,
    wanted: &Wanted,
) -> Result<Vec<Verdict>, Failure> {
    let namespace = wanted.namespace();
    let secret = if namespace.is_empty() { "" } else { PULL_SECRET };
    let read = async || Snapshot::read(entry, namespace, secret).await;
    let read = first_call(pace, &global.stop, read);
    let mut seen = spinner::during(global, "looking at the cluster", read).await?;
    if args.probe {
        probe::all(global, pace, entry, &args.probe_image, wanted, &mut seen).await?;
    }
    Ok(judge(&seen, wanted, entry.now()))
}

fn tell(global: &Global, url: &str, verdicts: &[Verdict]) {
    if global.json {
        output::json(&json!({ "format": "provision.verify/v1", "checks": verdicts }));
    } else if !global.quiet {
        output::stdout(&verdicts::page(&Style::of_stdout(global.no_color), url, verdicts));
    }
}

fn unrecorded(global: &Global, file: &Path) -> Failure {
    let apply = shell::command(global, "apply", Some(file));
    let what = "no cluster is on record that could be looked at";
    Failure::new(Code::ClusterNone, what)
        .hint(format!("`{apply}` makes it, and --kubeconfig names one of somebody else's"))
}
