use super::*;
use aws_sdk_eks::primitives::DateTime;
use provision_core::Kind;

fn spec(floor: &str) -> ClusterSpec {
    let floor = match floor {
        "" => String::new(),
        floor => format!("kubernetes: {{ version: \"{floor}\" }}\n"),
    };
    let text = format!("name: acme\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n{floor}");
    provision_spec::read("a.yaml", text.as_bytes()).unwrap()
}

fn recorded(facts: &[(&str, &str)]) -> Facts {
    let recorded = facts.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    Facts { recorded, ..Facts::default() }
}

/// Versions as they were in November 2026.
fn calendar() -> Vec<Support> {
    let one = |version: &str, status, [standard, extended]: [&str; 2]| Support {
        version: version.into(),
        status,
        standard_until: Some(standard.into()),
        extended_until: Some(extended.into()),
    };
    vec![
        one("1.36", Status::Standard, ["2027-08-24", "2028-08-24"]),
        one("1.35", Status::Standard, ["2027-03-27", "2028-03-27"]),
        one("1.34", Status::Standard, ["2026-12-02", "2027-12-02"]),
        one("1.33", Status::Extended, ["2026-07-29", "2027-07-29"]),
        one("1.32", Status::Extended, ["2026-03-23", "2027-03-23"]),
        one("1.30", Status::Unsupported, ["2025-07-23", "2026-07-23"]),
    ]
}

/// Decides on what is on record with a cluster that runs `live`, and returns the facts.
fn decided(floor: &str, before: &[(&str, &str)], live: Option<u32>) -> Result<Facts> {
    let mut facts = recorded(before);
    let live = live.map(|minor| Live { version: Some(Minor(minor)), ..Live::default() });
    let seen = Seen { known: Some(calendar()), live };
    decide(&spec(floor), &mut facts, seen).map(|_| facts)
}

#[test]
fn the_version_is_a_floor_that_never_falls() {
    let of = |floor: &str, before: &[(&str, &str)]| wanted(&spec(floor), &recorded(before));
    assert_eq!(of("", &[]), DEFAULT);
    assert_eq!(of("1.34", &[]), Minor(34));
    assert_eq!(of("1.36", &[(KUBERNETES, "1.34")]), Minor(36));
    assert_eq!(of("1.34", &[(KUBERNETES, "1.36")]), Minor(34), "nothing is there yet");
    assert_eq!(of("", &[(KUBERNETES, "1.34")]), Minor(34));
    let on_record = |floor: &str, before: Option<&str>, live: u32| {
        let before = before.map(|version| (KUBERNETES, version));
        let facts = decided(floor, before.as_slice(), Some(live)).unwrap();
        facts.get::<String>(KUBERNETES).unwrap()
    };
    assert_eq!(on_record("", None, 34), "1.34", "a lost state is no reason to upgrade");
    assert_eq!(on_record("1.36", None, 34), "1.36");
    assert_eq!(on_record("1.34", Some("1.36"), 36), "1.36", "it runs that");
    assert_eq!(on_record("1.34", Some("1.36"), 35), "1.35", "what has begun is brought to its end");
    for floor in ["1.34", ""] {
        assert_eq!(on_record(floor, Some("1.36"), 34), "1.34", "an upgrade that never began");
    }
    assert_eq!(on_record("1.34", Some("1.34"), 35), "1.34", "AWS upgraded it by itself");

    let at_work = |floor: &str, before: &str| {
        let live = Live { version: Some(Minor(34)), at_work: true, ..Live::default() };
        let seen = Seen { known: Some(calendar()), live: Some(live) };
        decide(&spec(floor), &mut recorded(&[(KUBERNETES, before)]), seen).map(drop)
    };
    for floor in ["1.34", ""] {
        let error = at_work(floor, "1.36").unwrap_err();
        assert!(error.message.contains("EKS is at work on it"), "{error}");
    }
    at_work("1.36", "1.36").unwrap();
    at_work("1.34", "1.34").unwrap();
}

#[test]
fn a_version_that_cannot_be_had_is_refused_with_what_there_is() {
    let there = "there is 1.36, 1.35, 1.34, and in extended support 1.33, 1.32";
    for (floor, live, why) in [
        ("1.99", None, "EKS does not offer Kubernetes 1.99"),
        ("1.53", Some(35), "EKS does not offer Kubernetes 1.53"),
        ("1.30", None, "EKS does not support Kubernetes 1.30 any more since 2026-07-23"),
        (
            "1.36",
            Some(29),
            "EKS does not support Kubernetes 1.30 any more since 2026-07-23, which is on the way \
             to 1.36",
        ),
    ] {
        let error = decided(floor, &[], live).unwrap_err();
        assert_eq!(error.message, format!("kubernetes.version: {why}; {there}"));
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.hint.is_some(), "it says what to do");
    }
}

#[test]
fn a_version_of_the_file_that_a_cluster_has_left_behind_is_told() {
    let told = |floor: &str, live: Option<u32>| {
        let facts = decided(floor, &[(KUBERNETES, "1.35")], live).unwrap();
        lower(&spec(floor), &facts)
    };
    let told_of_35 = told("1.34", Some(35)).unwrap();
    assert!(told_of_35.starts_with("kubernetes.version says 1.34 and the cluster runs 1.35"));
    for (floor, live) in [("1.35", Some(35)), ("1.36", Some(35)), ("", Some(35)), ("1.34", None)] {
        assert_eq!(told(floor, live), None);
    }
}

#[test]
fn a_version_that_a_cluster_has_is_never_refused() {
    for live in [30, 31] {
        let facts = decided("", &[(KUBERNETES, "1.30")], Some(live)).unwrap();
        assert_eq!(facts.get::<String>(LIVE), Some(Minor(live).to_string()));
    }
    let facts = decided("", &[(KUBERNETES, "1.30")], Some(30)).unwrap();
    assert!(warning(&facts).unwrap().starts_with("EKS does not support Kubernetes 1.30 any more"));
}

#[test]
fn extended_support_is_taken_only_with_a_version_that_is_in_it() {
    let policy = |floor: &str, before: &[(&str, &str)], live| {
        decided(floor, before, live).unwrap().get::<String>(SUPPORT_POLICY)
    };
    let extended = Some(EXTENDED.to_owned());
    let old = [(KUBERNETES, "1.33"), (SUPPORT_POLICY, EXTENDED)];
    assert_eq!(policy("1.33", &[], None), extended);
    assert_eq!(policy("1.35", &[], None), None);
    assert_eq!(policy("", &[(KUBERNETES, "1.33")], Some(33)), None, "support ended under way");
    assert_eq!(policy("", &old, Some(33)), extended);
    assert_eq!(policy("", &old, Some(34)), extended, "AWS upgraded, and nobody else");
    assert_eq!(policy("1.35", &old, Some(33)), None);
}

#[test]
fn support_is_told_of_the_version_that_runs() {
    let told = |floor: &str, before: &[(&str, &str)], live| {
        let facts = decided(floor, before, live).unwrap();
        (note(&facts), warning(&facts))
    };
    let note = "Kubernetes 1.35 is in standard support until 2027-03-27, then extended until \
                2028-03-27";
    assert_eq!(told("", &[], None), (Some(note.into()), None));
    assert_eq!(told("", &[(KUBERNETES, "1.34")], Some(35)), (Some(note.into()), None));
    let (none, dear) = told("1.33", &[], None);
    let dear = dear.unwrap();
    assert!(none.is_none() && dear.contains("ended on 2026-07-29"), "{dear}");
    assert!(dear.contains("0.60 USD an hour in place of 0.10"), "{dear}");
    assert!(dear.contains("until extended support ends on 2027-07-29"), "{dear}");
    let (_, raised) = told("", &[(KUBERNETES, "1.33")], Some(33));
    assert!(raised.unwrap().contains("AWS will upgrade the control plane"));
}

#[test]
fn where_nobody_knows_versions_none_is_refused() {
    let mut facts = Facts::default();
    decide(&spec("1.99"), &mut facts, Seen { known: None, live: None }).unwrap();
    assert_eq!(facts.get::<String>(KUBERNETES), Some("1.99".into()));
    assert_eq!((note(&facts), warning(&facts)), (None, None));
}

#[test]
fn what_eks_tells_of_a_version_is_understood() {
    let info = ClusterVersionInformation::builder()
        .cluster_version("1.35")
        .version_status(VersionStatus::StandardSupport)
        .end_of_standard_support_date(DateTime::from_secs(1_806_105_600))
        .build();
    let support = support(info).unwrap();
    assert_eq!(support.status, Status::Standard);
    assert_eq!(
        (support.standard_until.as_deref(), support.extended_until),
        (Some("2027-03-27"), None)
    );
}
