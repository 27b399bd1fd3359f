//! What is said when a run has ended.
use super::*;
use provision_spec::Loss;

fn again() -> [(String, &'static str); 1] {
    [("provision apply".to_owned(), "")]
}

#[test]
fn a_good_end_shows_outputs_and_what_to_do_next() {
    let outcome = Outcome { done: [(Action::Create, 61)].into(), ..Outcome::default() };
    let outputs =
        [("endpoint", json!("https://ABC.eks.amazonaws.com")), ("zones", json!(["a", "b"]))];
    let outputs = outputs.map(|(name, value)| (name.to_owned(), value)).into();
    let next =
        [("provision show".to_owned(), "# what was made"), ("provision plan".to_owned(), "")];
    insta::assert_snapshot!(shown(Mode::Plain, &finish(&outcome, &outputs, &next)), @r#"
    Applied in 14m02s (expected about 14m): 61 created.

    Outputs
      endpoint  https://ABC.eks.amazonaws.com
      zones     a, b

    Next
      provision show  # what was made
      provision plan
    "#);
}

#[test]
fn a_bad_end_names_what_failed_and_how_to_go_on() {
    let nothing = BTreeMap::new();
    let (outcome, unmade, again) = (outcome(), &["pool/b/1".into()].into(), again());
    let finish = Finish { unmade, ..finish(&outcome, &nothing, &again) };
    insta::assert_snapshot!(shown(Mode::Plain, &finish), @r#"
    Not finished after 14m02s: 40 created, 1 changed, 1 failed, 2 not done; 1
    degraded.

    Failed
      pool/app/1c688e46  eks:CreateCluster: ThrottlingException: rate exceeded
                         request r3

    hint: run the same command again when the cloud answers

    Degraded
      pool/b/1  no room

    hint: the next run makes what can be had by then; a pool that waits for capacity
          gets it sooner with other machines or zones

    Not done
      waiting for pool/app/1c688e46:
        addon/a, addon/b

    Once this is put right, go on where this run stopped:
      provision apply
    "#);
}

#[test]
fn what_is_there_and_not_well_is_not_said_to_be_made_by_the_next_run() {
    let degraded = ["addon/coredns", "pool/b/1"].map(|it| (it.into(), "no replicas".to_owned()));
    let (outcome, nothing) =
        (Outcome { degraded: degraded.into(), ..Outcome::default() }, BTreeMap::new());
    let unmade = &["pool/b/1".into()].into();
    let finish = Finish { unmade, ..finish(&outcome, &nothing, &[]) };
    insta::assert_snapshot!(shown(Mode::Plain, &finish), @r"
    Applied in 14m02s (expected about 14m): nothing to do; 2 degraded.

    Degraded
      addon/coredns  no replicas
      pool/b/1       no replicas

    hint: pool/b/1: the next run makes what can be had by then; a pool that waits
          for capacity gets it sooner with other machines or zones
    hint: addon/coredns: no run changes unasked what is there and not well: do what
          its words say, or wait where the cloud mends it; `provision plan` tells
          when it is well
    ");
}

#[test]
fn what_ended_a_run_is_told_as_its_error_alone() {
    let expired = Error::new(Kind::Auth, "expired");
    let failed = vec![("vpc".into(), expired.clone())];
    let outcome = Outcome { failed, fatal: Some(expired), ..Outcome::default() };
    let nothing = BTreeMap::new();
    insta::assert_snapshot!(shown(Mode::Plain, &finish(&outcome, &nothing, &again())), @r"
    Not finished after 14m02s: 1 failed.

    Stopped by the error that ended the run
      vpc

    Once this is put right, go on where this run stopped:
      provision apply
    ");
}

#[test]
fn an_interrupted_end_says_how_to_go_on() {
    let skipped = vec![("cluster".into(), provision_engine::Skip::Interrupted)];
    let outcome = Outcome { skipped, interrupted: true, ..Outcome::default() };
    let nothing = BTreeMap::new();
    insta::assert_snapshot!(shown(Mode::Plain, &finish(&outcome, &nothing, &again())), @r#"
    Interrupted after 14m02s: 1 not done.

    Not done
      when the run was interrupted:
        cluster

    The state is safe. To go on where this run stopped:
      provision apply
    "#);
}

#[test]
fn a_destroyed_cluster_is_gone_unless_something_is_still_there() {
    let outcome = Outcome { done: [(Action::Delete, 61)].into(), ..Outcome::default() };
    let left = [("vpc".to_owned(), "aws.ec2.vpc vpc-0abc".to_owned())];
    let nothing = BTreeMap::new();
    let mut finish = Finish { destroyed: true, ..finish(&outcome, &nothing, &[]) };
    assert_eq!(
        shown(Mode::Plain, &finish),
        "Destroyed in 14m02s (expected about 14m): 61 deleted.\n"
    );
    finish.simulated = true;
    let told = "Destroyed in 14m02s of simulated time (expected about 14m): 61 deleted.\n";
    assert_eq!(shown(Mode::Plain, &finish), told);
    finish.along = 22;
    let told = shown(Mode::Plain, &finish).replace('\n', " ");
    assert!(told.contains("61 deleted, 22 gone with what they were in."), "{told}");
    finish.along = 0;
    let measured = finish.elapsed.take();
    let told = "Destroyed: 61 deleted. In reality it takes about 14m.\n";
    assert_eq!(shown(Mode::Plain, &finish), told);
    (finish.simulated, finish.elapsed) = (false, measured);
    let stays = [Loss {
        what: "volume",
        name: "vol-0388f9672d21ab6ff".to_owned(),
        told: "20 GiB of claim default/data".to_owned(),
        becomes: "without the marks of the cluster".to_owned(),
        kept: true,
    }];
    finish.stays = &stays;
    insta::assert_snapshot!(shown(Mode::Plain, &finish), @r#"
    Destroyed in 14m02s (expected about 14m): 61 deleted.

    Kept, without the marks of the cluster
      volume  vol-0388f9672d21ab6ff  20 GiB of claim default/data
    "#);
    let told = shown(Mode::Json, &finish);
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    assert_eq!(told["stays"], json!(stays));
    finish.stays = &[];
    let again = again();
    (finish.left, finish.next) = (&left, &again);
    insta::assert_snapshot!(shown(Mode::Plain, &finish), @r#"
    Not finished after 14m02s: 61 deleted; 1 still there.

    Still in the cloud
      vpc  aws.ec2.vpc vpc-0abc

    Once this is put right, go on where this run stopped:
      provision apply
    "#);
}
