//! `provision apply`: does what the plan says; goes on where an earlier run stopped.
use super::carry_out::{CarryOut, approve, needs_approval};
use super::plan::show;
use crate::args::{ApplyArgs, Global};
use crate::decision::Decision;
use crate::failure::{Code, Exit, Failure};
use crate::place;
use crate::run::{Consent, Subject};
use provision_core::{Facts, World};
use provision_engine::{Lock, SavedPlan};
use provision_spec::ClusterSpec;
use std::path::{Path, PathBuf};

pub(crate) async fn run(global: &Global, args: &ApplyArgs) -> Result<Exit, Failure> {
    let saved = place::saved_plan(&args.file)?;
    let asks = needs_approval(global, args.auto_approve || saved.is_some(), "apply")?;
    let wish = match saved {
        Some(saved) => Wish::saved(global, args, saved)?,
        None => Wish::of_file(global, args)?,
    };
    let _lock = Lock::take(&wish.state_path)?;
    let loaded = place::state(&wish.state_path, &wish.spec)?;
    let on_record = loaded.as_ref().map(|l| l.state.facts()).unwrap_or_default();
    let subject =
        Subject::connect(global, Some(wish.spec.clone()), &wish.state_path, loaded, None).await?;
    wish.check_place(&subject)?;
    let recorded = match &wish.saved {
        Some(saved) => Facts { recorded: saved.facts.clone(), ..Facts::default() },
        None => on_record,
    };
    let decision = wish.decide(global, &subject, recorded).await?;
    let carry_out = CarryOut {
        global,
        subject: &subject,
        file: Some(&wish.file),
        approved: args.auto_approve,
        destroys: false,
        // Whoever was asked, or saved a plan, has seen all that is to be done.
        goes_on: args.auto_approve && wish.saved.is_none(),
        consent: &wish.consent,
    };
    if asks {
        show(global, &subject, &decision);
    }
    decision.check_begin()?;
    decision.check_protected(&subject)?;
    if asks && !decision.plan.is_empty() {
        approve(global, "To apply this plan, type yes:", "yes").await?;
    }
    carry_out.run(&decision, !asks).await
}

/// What is to be applied.
struct Wish {
    /// The cluster file, also where a saved plan was made from it.
    file: PathBuf,
    spec: ClusterSpec,
    state_path: PathBuf,
    consent: Consent,
    saved: Option<SavedPlan>,
}

impl Wish {
    fn of_file(global: &Global, args: &ApplyArgs) -> Result<Self, Failure> {
        let spec = place::wanted(&args.file)?;
        let state_path = place::state_path(global, &args.file, &spec.name);
        let (file, consent) = (args.file.clone(), Consent::from(&args.consents));
        Ok(Self { file, spec, state_path, consent, saved: None })
    }

    fn saved(global: &Global, args: &ApplyArgs, mut saved: SavedPlan) -> Result<Self, Failure> {
        if !args.consents.adopt.is_empty() || !args.consents.replace.is_empty() {
            let error = "--adopt and --replace belong to the plan that was saved";
            return Err(Failure::new(Code::UsageSavedPlan, error));
        }
        if (saved.world == World::Sandbox) != global.sandbox {
            let what = format!("plan {}", args.file.display());
            return Err(place::other_world(&what, saved.world == World::Sandbox));
        }
        let source = relative(PathBuf::from(&saved.source));
        saved.source = source.display().to_string();
        let spec = place::cluster_text(&saved.source, saved.file.as_bytes())?;
        if source.exists() {
            saved.check_file(&place::cluster_file(&source)?.resolved())?;
        }
        let spec = place::with_manifests(spec, &source)?;
        let state_path = global.state.clone().unwrap_or_else(|| saved.state.clone()).into();
        let adopt = saved.adopt.iter();
        let adopt = adopt.map(|(address, id)| (address.as_str().into(), id.clone())).collect();
        let replace = saved.replace.clone();
        let (file, consent) = (source, Consent { adopt, replace });
        Ok(Self { file, spec, state_path, consent, saved: Some(saved) })
    }

    /// Checks that a saved plan is carried out where it was made, and then.
    fn check_place(&self, subject: &Subject) -> Result<(), Failure> {
        let (scope, lineage) = (&subject.header.scope, subject.lineage());
        match &self.saved {
            Some(saved) => Ok(saved.check_place(scope, lineage, subject.serial())?),
            None => Ok(()),
        }
    }

    async fn decide(
        &self,
        global: &Global,
        subject: &Subject,
        recorded: Facts,
    ) -> Result<Decision, Failure> {
        let decision = subject.decide(global, &self.spec, recorded, &self.consent).await;
        let Some(saved) = &self.saved else { return decision };
        let decision = decision.map_err(|failure| match failure.code {
            Code::PlanRefused => failure.exiting(Exit::Mismatch),
            _ => failure,
        })?;
        saved.check_steps(&serde_json::to_value(&decision.plan).expect("a plan serializes"))?;
        Ok(decision)
    }
}

/// Writes a path as short as it is from here.
fn relative(path: PathBuf) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).map(Path::to_owned).unwrap_or(path)
}
