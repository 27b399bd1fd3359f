use super::*;
use crate::aws::tests::{marks, ours};
use aws_sdk_eks::types::{Issue, NodegroupIssueCode};
use provision_core::Kind;

fn group() -> NodeGroup {
    let scaling =
        NodegroupScalingConfig::builder().min_size(1).max_size(12).desired_size(5).build();
    let taint = FoundTaint::builder().key("spark").effect(TaintEffect::NoSchedule).build();
    let template = LaunchTemplateSpecification::builder().id("lt-1").name("n").version("1").build();
    let found = Found::builder()
        .nodegroup_name("executor-12345678")
        .cluster_name("acme")
        .status(NodegroupStatus::Active)
        .capacity_type(CapacityTypes::Spot)
        .ami_type(AmiTypes::Al2023X8664Standard)
        .scaling_config(scaling)
        .labels("executorNodes", "true")
        .taints(taint)
        .launch_template(template)
        .set_tags(Some(ours("pool/executor/12345678").into_iter().collect()))
        .build();
    let live = live(&marks(), found);
    assert_eq!(live.outputs.desired, 5);
    assert_eq!(live.unobserved, ["max_unavailable", "repair"]);
    assert_eq!(live.address, Some("pool/executor/12345678".into()));
    live.spec
}

#[test]
fn what_eks_tells_becomes_the_spec() {
    let group = group();
    assert_eq!((group.capacity.as_str(), group.image.as_str()), ("SPOT", "AL2023_x86_64_STANDARD"));
    assert_eq!((group.min, group.max), (1, 12));
    let taint = Taint { key: "spark".into(), value: String::new(), effect: "NO_SCHEDULE".into() };
    assert_eq!(group.taints, [taint].into());
    assert_eq!(group.template().unwrap().name(), None);
}

#[test]
fn a_node_that_does_not_get_well_is_replaced() {
    let repair = |enabled| NodeRepairConfig::builder().enabled(enabled).build();
    let told = live(&marks(), Found::builder().node_repair_config(repair(true)).build());
    assert_eq!((told.spec.repair, told.unobserved), (true, &["max_unavailable"][..]));
    let wanted = NodeGroup { repair: true, ..group() };
    assert_eq!(wanted.repairs(), repair(true));
}

#[test]
fn the_number_of_nodes_is_the_autoscalers_between_the_bounds() {
    let desired = |desired| group().scaling(desired).desired_size();
    assert_eq!([0, 5, 40].map(desired), [Some(1), Some(5), Some(12)]);
}

#[test]
fn labels_and_taints_change_by_what_differs() {
    let live = group();
    let mut want = live.clone();
    want.labels = [("pool".to_owned(), "x".to_owned())].into();
    let labels = want.relabel(&live);
    assert_eq!(labels.remove_labels(), ["executorNodes"]);
    assert_eq!(labels.add_or_update_labels().unwrap()["pool"], "x");
    let valued = Taint { key: "spark".into(), value: "yes".into(), effect: "NO_SCHEDULE".into() };
    want.taints = [valued].into();
    let taints = want.retaint(&live);
    assert_eq!((taints.add_or_update_taints().len(), taints.remove_taints().len()), (1, 0));
    want.taints.clear();
    assert_eq!(want.retaint(&live).remove_taints().len(), 1);
}

#[test]
fn a_failed_group_tells_why() {
    let issue = Issue::builder().code(NodegroupIssueCode::AsgInstanceLaunchFailures);
    let issue = issue.message("Could not launch Spot Instances. UnfulfillableCapacity").build();
    let health = NodegroupHealth::builder().issues(issue).build();
    let Phase::Broken(error) = phase(Some(&NodegroupStatus::CreateFailed), Some(health.clone()))
    else {
        panic!("it is broken")
    };
    assert_eq!(error.kind, Kind::Capacity);
    let degraded = phase(Some(&NodegroupStatus::Degraded), Some(health));
    assert!(matches!(degraded, Phase::Degraded(words) if words.starts_with("AsgInstance")));
}

#[test]
fn a_large_pool_has_longer_to_follow() {
    let hours = |max: i32, max_unavailable: i32| {
        let pool = NodeGroup { max, max_unavailable, ..group() };
        pool.deadline().as_secs_f64() / 3600.0
    };
    assert_eq!(hours(1, 1), 1.5, "as any");
    assert_eq!(hours(12, 1), 4.0);
    assert_eq!(hours(12, 4), 1.75);
    assert_eq!(hours(1000, 1), 24.0, "at most");
}
