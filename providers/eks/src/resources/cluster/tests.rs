use super::*;
use crate::aws::tests::{marks, ours};
use aws_sdk_eks::types::{
    AccessConfigResponse, ClusterHealth, ClusterIssue, ClusterIssueCode, UpgradePolicyResponse,
    VpcConfigResponse,
};

fn found() -> aws_sdk_eks::types::builders::ClusterBuilder {
    let network = VpcConfigResponse::builder().endpoint_private_access(true);
    let network = network.endpoint_public_access(true).public_access_cidrs("0.0.0.0/0");
    let on = LogSetup::builder().enabled(true).types(LogType::Api).types(LogType::Audit).build();
    let off = LogSetup::builder().enabled(false).types(LogType::Scheduler).build();
    Found::builder()
        .name("acme")
        .version("1.35")
        .status(ClusterStatus::Active)
        .resources_vpc_config(network.subnet_ids("b").subnet_ids("a").build())
        .logging(Logging::builder().cluster_logging(on).cluster_logging(off).build())
        .set_tags(Some(ours("cluster").into_iter().collect()))
}

#[test]
fn what_eks_tells_becomes_the_spec() {
    let access = AccessConfigResponse::builder().authentication_mode(AuthenticationMode::Api);
    let policy = UpgradePolicyResponse::builder().support_type(SupportType::Standard).build();
    let cluster = found().access_config(access.build()).upgrade_policy(policy).build();
    let live = live(&marks(), cluster);
    assert_eq!(live.phase, Phase::Ready);
    assert_eq!(live.unobserved, [""; 0]);
    assert_eq!(live.spec.logs, ["api", "audit"].map(String::from).into());
    assert_eq!(
        (live.spec.authentication.as_str(), live.spec.support.as_deref()),
        ("API", Some("STANDARD"))
    );
    assert!(live.spec.public && live.spec.private);
}

#[test]
fn what_a_simulator_leaves_out_is_unobserved() {
    let live = live(&marks(), found().build());
    assert_eq!(live.unobserved, ["authentication", "support"]);
}

#[test]
fn an_active_cluster_with_issues_is_degraded_and_a_failed_one_is_broken() {
    let issue = ClusterIssue::builder().code(ClusterIssueCode::KmsKeyDisabled).message("off");
    let health = ClusterHealth::builder().issues(issue.build()).build();
    let degraded = found().health(health.clone()).build();
    assert_eq!(phase(&degraded), Phase::Degraded("KmsKeyDisabled: off".into()));
    let failed = found().health(health).status(ClusterStatus::Failed).build();
    assert!(matches!(phase(&failed), Phase::Broken(_)));
    let creating = found().status(ClusterStatus::Creating).build();
    assert_eq!(phase(&creating), Phase::Busy("CREATING".into()));
}

#[test]
fn versions_are_climbed_one_by_one() {
    assert_eq!(next("1.32", "1.35"), "1.33");
    assert_eq!(next("1.34", "1.35"), "1.35");
    assert_eq!(next("", "1.35"), "1.35");
}

#[test]
fn logs_that_are_on_and_not_wanted_go_off() {
    let wanted = live(&marks(), found().build()).spec;
    let logging = wanted.logging(&["audit", "scheduler"].map(String::from).into());
    let setups = logging.cluster_logging.unwrap();
    assert_eq!(setups.len(), 2);
    assert_eq!((setups[1].enabled, setups[1].types()), (Some(false), &[LogType::Scheduler][..]));
}

#[test]
fn an_upgrade_that_insights_hold_back_says_how_to_go_on() {
    let of = |code: &str| {
        let error = Error::invalid("errors were found by upgrade insights");
        held("acme", Error { code: Some(code.into()), ..error }).hint
    };
    let hint = of("InvalidStateException").expect("it says what to do");
    assert!(hint.contains("aws eks list-insights --cluster-name acme"), "{hint}");
    assert_eq!(of("InvalidRequestException"), None);
}
