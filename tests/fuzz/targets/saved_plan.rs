//! A saved plan is read, or refused, and says what does not hold any more.
#![no_main]
use libfuzzer_sys::fuzz_target;
use provision_engine::SavedPlan;
use provision_spec::read;
use serde_json::json;

fuzz_target!(|text: &[u8]| {
    check(text);
    if let Ok(mut plan) = serde_json::from_slice::<SavedPlan>(text) {
        plan.file_hash = SavedPlan::hash(&plan.file);
        check(&serde_json::to_vec(&plan).expect("a plan serializes"));
    }
});

fn check(text: &[u8]) {
    let Ok(Some(plan)) = SavedPlan::parse(text) else { return };
    assert_eq!(SavedPlan::hash(&plan.file), plan.file_hash);
    let _ = read(&plan.source, plan.file.as_bytes());
    let lineage = plan.lineage.as_deref();
    assert_eq!(plan.check_place(&plan.scope, lineage, plan.serial), Ok(()));
    assert!(plan.check_place(&plan.scope, Some("another"), plan.serial).is_err());
    assert_eq!(plan.check_steps(&plan.steps), Ok(()));
    assert_eq!(plan.check_steps(&json!([])).is_ok(), plan.steps == json!([]));
}
