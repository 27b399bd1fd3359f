//! `provision kubeconfig --support`: how the vendor's support gets into the cluster.
use super::{Lock, embedded, target, text, unfit, unrecorded};
use crate::args::Global;
use crate::failure::{Code, Exit, Failure};
use crate::kubeconfig::{User, Way};
use crate::render::spinner;
use crate::run::Subject;
use crate::{output, place, shell};
use jiff::Timestamp;
use provision_core::Kind;
use provision_engine::first_call;
use provision_kubernetes::{Access, Admission, admission};
use provision_spec::{Support, Term};
use std::path::Path;

/// Writes a kubeconfig with a token of support's alone, and tells until when that is good.
pub(super) async fn run(global: &Global, file: &Path, out: &Path) -> Result<Exit, Failure> {
    if global.sandbox {
        return Err(embedded());
    }
    let spec = place::cluster_file(file)?;
    let Support::Admin { expires } = spec.support else {
        let failure =
            Failure::new(Code::SupportNone, format!("{} lets no support in", file.display()));
        let hint = "write `support: { access: admin, expires: 30d }` and apply it";
        return Err(failure.hint(hint));
    };
    let out = &target(out)?;
    let lock = Lock::take(out)?;
    let old = text(out)?;
    let path = place::state_path(global, file, &spec.name);
    let loaded = place::state(&path, &spec)?.ok_or_else(|| unrecorded(global, file))?;
    let subject = Subject::connect(global, Some(spec), &path, Some(loaded), None).await?;
    let (way, admission) = ask(global, file, &subject, expires).await?;
    if !old.trim().is_empty() && !way.is_all_of(&old) {
        return Err(unfit(out, "it has more in it than what lets support in"));
    }
    output::file(out, &way.alone())?;
    drop(lock);
    if !global.quiet {
        let again = shell::command(global, "kubeconfig", Some(file));
        let again = format!("{again} --support {}", shell::quoted(out));
        output::stderr(&format!(
            "{} is a secret: whoever has it may do anything in the cluster until {}.\n",
            out.display(),
            told(admission.until)
        ));
        let ends = told(admission.ends);
        output::stderr(&match admission.is_last() {
            true => format!("The access itself ends on {ends}.\n"),
            false => format!("`{again}` writes another, until the access ends on {ends}.\n"),
        });
    }
    Ok(Exit::Done)
}

/// Asks the cluster for a token, and returns the way in with it.
async fn ask(
    global: &Global,
    file: &Path,
    subject: &Subject,
    expires: Term,
) -> Result<(Way, Admission), Failure> {
    let spec = subject.spec.as_ref().expect("it was connected with a file");
    let opened = subject.open(global).await?.ok_or_else(|| unrecorded(global, file))?;
    let (access, outwards, token) = &opened;
    let by = (access, outwards, token.as_str());
    let marks = subject.marks();
    let call = async || admission(by, &marks, expires).await;
    let admission = first_call(subject.pace(), &global.stop, call);
    let admission = spinner::during(global, "asking the cluster for a token", admission).await;
    let admission = admission.map_err(|error| match error.kind {
        Kind::Invalid => {
            let failure = Failure::new(Code::SupportNone, error.to_string());
            error.hint.iter().fold(failure, |failure, hint| failure.hint(hint.as_ref()))
        }
        _ => error.into(),
    })?;
    let name = format!("{}.{}.{}.support", spec.name, spec.region, subject.provider.name());
    let Access { endpoint: server, certificate_authority: authority, .. } = opened.0;
    let user = User::Bearer(admission.token.clone());
    Ok((Way { name, server, authority, user }, admission))
}

fn told(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
