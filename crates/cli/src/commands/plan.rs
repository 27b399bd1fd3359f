//! `provision plan`: what apply would do; changes nothing.
use crate::args::{Global, PlanArgs};
use crate::decision::Decision;
use crate::failure::{Code, Exit, Failure};
use crate::render::Style;
use crate::run::{Consent, Subject};
use crate::{output, place, shell};
use provision_engine::{SAVED_PLAN_FORMAT, SavedPlan};
use provision_spec::ClusterSpec;
use std::io::Write;
use std::path::Path;

pub(crate) async fn run(global: &Global, args: &PlanArgs) -> Result<Exit, Failure> {
    let spec = place::wanted(&args.file.file)?;
    let state_path = place::state_path(global, &args.file.file, &spec.name);
    let loaded = place::state(&state_path, &spec)?;
    let recorded = loaded.as_ref().map(|l| l.state.facts()).unwrap_or_default();
    let subject = match args.offline {
        true => Subject::offline(global, spec.clone(), &state_path, loaded)?,
        false => Subject::connect(global, Some(spec.clone()), &state_path, loaded, None).await?,
    };
    let consent = Consent::from(&args.consents);
    let decision = subject.decide(global, &spec, recorded, &consent).await?;
    show(global, &subject, &decision);
    decision.check_known()?;
    decision.check_protected(&subject)?;
    if let Some(path) = &args.out {
        save(path, &saved(&args.file.file, &spec, &subject, &decision, &consent))?;
        if !global.json && !global.quiet {
            let command = shell::command(global, "apply", Some(path));
            output::stdout(&format!(
                "\nSaved to {}. To carry it out:\n  {command}\n",
                path.display()
            ));
        }
    }
    let is_new = !decision.plan.is_empty() || !decision.new_facts(&subject.state()).is_empty();
    match args.detailed_exitcode && is_new {
        true => Ok(Exit::Pending),
        false => Ok(Exit::Done),
    }
}

/// Prints a decision on standard output.
pub(crate) fn show(global: &Global, subject: &Subject, decision: &Decision) {
    let style = Style::of_stdout(global.no_color);
    decision.shown(subject, &subject.state(), |view| match global.json {
        true => output::json(&view.json()),
        false if global.quiet => {}
        false => output::stdout(&view.text(&style)),
    });
}

fn saved(
    source: &Path,
    spec: &ClusterSpec,
    subject: &Subject,
    decision: &Decision,
    consent: &Consent,
) -> SavedPlan {
    let file = spec.resolved();
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    SavedPlan {
        format: SAVED_PLAN_FORMAT.to_owned(),
        cluster: spec.name.clone(),
        provider: spec.provider.word().to_owned(),
        source: absolute(source).display().to_string(),
        file_hash: SavedPlan::hash(&file),
        file,
        facts: decision.facts.recorded.clone(),
        scope: subject.header.scope.clone(),
        world: subject.header.scope.world,
        lineage: subject.lineage().map(str::to_owned),
        serial: subject.serial(),
        state: absolute(&subject.state_path).display().to_string(),
        adopt: consent.adopt.iter().map(|(a, id)| (a.to_string(), id.clone())).collect(),
        replace: decision.replace.iter().map(ToString::to_string).collect(),
        steps: serde_json::to_value(&decision.plan).expect("a plan serializes"),
    }
}

fn save(path: &Path, plan: &SavedPlan) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let text = serde_json::to_vec(plan).expect("a saved plan serializes");
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(&text)).map_err(|e| {
        let error = format!("the plan cannot be saved to {}", path.display());
        Failure::new(Code::PlanUnwritable, error).because(&e)
    })
}
