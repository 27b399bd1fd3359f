//! `provision apply`: does what the plan says; goes on where an earlier run stopped.
use super::carry_out::{CarryOut, approve, begin, needs_approval};
use super::plan::show;
use crate::args::{ApplyArgs, Global};
use crate::failure::{Exit, Failure};
use crate::place;
use crate::run::{Consent, Decision, Subject};
use provision_core::Facts;
use provision_engine::{Lock, SavedPlan};
use provision_spec::ClusterSpec;
use std::path::PathBuf;

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
    let subject = Subject::connect(Some(wish.spec.clone()), &wish.state_path, loaded).await?;
    let recorded = match &wish.saved {
        Some(saved) => Facts { recorded: saved.facts.clone(), ..Facts::default() },
        None => on_record,
    };
    let decision = wish.decide(global, &subject, recorded).await?;
    let carry_out = CarryOut { global, subject: &subject, destroys: false };
    if asks || global.quiet {
        show(global, &subject, &decision);
    }
    decision.check_known()?;
    if asks && !decision.plan.is_empty() && !approve("Apply this plan?", "yes")? {
        return Err(Failure::new(Exit::Failed, "not-approved", "nothing was changed"));
    }
    carry_out.run(&decision, !asks, begin).await
}

/// What is to be applied.
struct Wish {
    spec: ClusterSpec,
    state_path: PathBuf,
    consent: Consent,
    saved: Option<SavedPlan>,
}

impl Wish {
    fn of_file(global: &Global, args: &ApplyArgs) -> Result<Self, Failure> {
        let spec = place::cluster_file(&args.file)?;
        let state_path = place::state_path(global, &args.file, &spec.name);
        Ok(Self { spec, state_path, consent: Consent::from(&args.consents), saved: None })
    }

    fn saved(global: &Global, args: &ApplyArgs, saved: SavedPlan) -> Result<Self, Failure> {
        if !args.consents.adopt.is_empty() || !args.consents.replace.is_empty() {
            let error = "--adopt and --replace belong to the plan that was saved";
            return Err(Failure::new(Exit::Usage, "usage.saved-plan", error));
        }
        let spec = place::cluster_text(&saved.source, saved.file.as_bytes())?;
        let source = PathBuf::from(&saved.source);
        if source.exists() {
            saved.check_file(&place::cluster_file(&source)?.resolved())?;
        }
        let state_path = global.state.clone().unwrap_or_else(|| saved.state.clone()).into();
        let adopt = saved.adopt.iter();
        let adopt = adopt.map(|(address, id)| (address.as_str().into(), id.clone())).collect();
        // The facts that were saved hold the generations that were asked for.
        let slots = |text: &String| saved.facts.contains_key(&Facts::generation_key(text));
        let replace = saved.replace.iter().filter(|text| !slots(text)).cloned().collect();
        Ok(Self { spec, state_path, consent: Consent { adopt, replace }, saved: Some(saved) })
    }

    async fn decide(
        &self,
        global: &Global,
        subject: &Subject,
        recorded: Facts,
    ) -> Result<Decision, Failure> {
        let decision = subject.decide(global, &self.spec, recorded, &self.consent).await?;
        if let Some(saved) = &self.saved {
            let steps = serde_json::to_value(&decision.plan).expect("a plan serializes");
            let (lineage, serial) = (subject.lineage(), subject.serial());
            saved.check(&subject.header.scope, lineage, serial, &steps)?;
        }
        Ok(decision)
    }
}
