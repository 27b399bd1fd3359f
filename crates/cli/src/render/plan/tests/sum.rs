//! The last line, which sums a plan up.
use super::*;

#[test]
fn without_changes_one_line_says_so() {
    insta::assert_snapshot!(Case::new(vec![]).text(80), @r#"
    acme-prod · eks in us-east-1 · account 123456789012

    No changes. The cluster is as the file says.
    "#);
}

#[test]
fn what_goes_with_what_it_is_in_is_named_and_counted() {
    let mut case = Case::new(vec![step(Action::Delete, "cluster", "k", Diff::default())]);
    case.along = vec!["addon/coredns".into(), "namespace/qualytics".into()];
    insta::assert_snapshot!(case.text(80), @r"
    acme-prod · eks in us-east-1 · account 123456789012

    Cluster
      - cluster  k

    Go with what they are in
      addon/coredns, namespace/qualytics

    Plan: 1 to delete, 2 to go with what they are in.
    ");
    assert_eq!(case.view().json()["along"], json!(["addon/coredns", "namespace/qualytics"]));
}

#[test]
fn a_plan_says_how_long_it_is_expected_to_take_where_that_is_worth_a_word() {
    let mut case = Case::new(vec![create("vpc", "aws.ec2.vpc", json!({}))]);
    let mut last = |seconds, world| {
        (case.expected, case.scope.world) = (seconds, world);
        case.text(200).lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(last(59, World::Vendor), "Plan: 1 to create.");
    assert_eq!(last(61, World::Vendor), "Plan: 1 to create. Expected to take about a minute.");
    let simulated = "Plan: 1 to create. Expected to take about 14 minutes of simulated time.";
    assert_eq!(last(820, World::Sandbox), simulated);
    case.plan.unknown.insert("vpc".into(), Error::new(Kind::Retry, "no answer"));
    let last = case.text(200).lines().last().unwrap_or_default().to_owned();
    assert_eq!(last, "Plan: 1 to create. It cannot be applied: 1 could not be observed.");
    case.plan.awaited.insert("vpc".into(), "key".into());
    let text = case.text(200);
    let last = text.lines().last().unwrap();
    assert_eq!(last, "Plan: 1 to create. Then another: 1 could not be observed yet.");
}
