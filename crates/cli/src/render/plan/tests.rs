use super::*;
use provision_core::{Cause, Change, Diff, Error, Kind, Step};
use std::collections::BTreeSet;

mod document;
mod first;
mod sum;

const ZONES: [&str; 3] = ["us-east-1a", "us-east-1b", "us-east-1c"];

/// What views borrow from.
struct Case {
    plan: Plan,
    scope: Scope,
    facts: BTreeMap<String, Value>,
    seen: BTreeMap<String, Value>,
    stages: Vec<&'static str>,
    unmanaged: Vec<String>,
    notes: Vec<String>,
    warnings: Vec<String>,
    lineage: Option<&'static str>,
    /// In seconds.
    expected: u64,
    along: Vec<Address>,
}

impl Case {
    fn new(steps: Vec<Step>) -> Self {
        let place = [("account", "123456789012"), ("partition", "aws"), ("region", "us-east-1")];
        let place = place.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self {
            plan: Plan { steps, ..Plan::default() },
            scope: Scope { world: World::Vendor, place: place.into() },
            facts: BTreeMap::new(),
            seen: BTreeMap::new(),
            stages: Vec::new(),
            unmanaged: Vec::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
            lineage: Some("0123abcd"),
            expected: 0,
            along: Vec::new(),
        }
    }

    fn view(&self) -> View<'_> {
        View {
            cluster: "acme-prod",
            provider: "eks",
            scope: &self.scope,
            lineage: self.lineage,
            serial: 0,
            new_facts: &self.facts,
            facts: &self.facts,
            seen: &self.seen,
            stages: &self.stages,
            unmanaged: &self.unmanaged,
            notes: &self.notes,
            warnings: &self.warnings,
            losses: None,
            expected: Duration::from_secs(self.expected),
            simulated: self.scope.world == World::Sandbox,
            along: &self.along,
            plan: &self.plan,
        }
    }

    fn text(&self, width: usize) -> String {
        self.view().text(&Style { color: false, width })
    }
}

fn step(action: Action, address: &str, kind: &str, changes: Diff) -> Step {
    Step {
        stage: 0,
        action,
        address: address.into(),
        kind: kind.into(),
        object: None,
        cause: Cause::File,
        changes,
        slot: None,
        lane: None,
        after: BTreeSet::new(),
    }
}

fn create(address: &str, kind: &str, spec: Value) -> Step {
    step(Action::Create, address, kind, Diff::of_new(&spec))
}

fn update(address: &str, kind: &str, changes: &[(&str, Value, Value)]) -> Step {
    let change = |(field, from, to): &(&str, Value, Value)| Change {
        field: (*field).to_owned(),
        from: from.clone(),
        to: to.clone(),
    };
    step(Action::Update, address, kind, Diff(changes.iter().map(change).collect()))
}

fn delete(address: &str, kind: &str) -> Step {
    step(Action::Delete, address, kind, Diff::default())
}

fn id(address: &str) -> Value {
    json!({"$from": address, "output": "id"})
}

fn tags(name: &str) -> Value {
    json!({"Name": format!("acme-prod-{name}"), "team": "platform"})
}

fn pool(name: &str, h: &str, capacity: &str, max: i32, machines: &[&str]) -> [Step; 2] {
    let template = format!("launch-template/{name}/{h}");
    let spec = json!({"name": "provision/acme-prod", "disk_gb": 100, "user_data": "a\nb",
                      "machine_tags": {"provision-cluster": "acme-prod"}});
    let first = create(&template, "aws.ec2.launch_template", spec);
    let spec = json!({"name": format!("{name}-{h}"), "cluster": id("cluster"),
        "subnets": ZONES.map(|z| id(&format!("subnet/private/{z}"))), "machines": machines,
        "capacity": capacity, "image": "AL2023_x86_64_STANDARD", "launch_template": id(&template),
        "min": 1, "max": max, "labels": {format!("{name}Nodes"): "true"}, "taints": [],
        "max_unavailable": 1, "tags": tags("pool")});
    let mut second = create(&format!("pool/{name}/{h}"), "aws.eks.node_group", spec);
    second.slot = Some(format!("pool/{name}"));
    [first, second]
}

#[test]
fn an_update_shows_each_thing_that_differs() {
    let labels = (
        json!({"appNodes": "true", "old": "1", "tier": "a"}),
        json!({"appNodes": "true", "tier": "b", "team": "data"}),
    );
    let ranges = (json!(["0.0.0.0/0"]), json!(["203.0.113.0/24", "198.51.100.0/24"]));
    let case = Case::new(vec![
        update(
            "vpc",
            "aws.ec2.vpc",
            &[("tags", json!({"owner": "x"}), json!({"owner": null, "team": "data"}))],
        ),
        update(
            "cluster",
            "aws.eks.cluster",
            &[
                ("version", json!("1.34"), json!("1.35")),
                ("public_cidrs", ranges.0, ranges.1),
                ("secrets_key", Value::Null, json!({"$from": "key", "output": "arn"})),
            ],
        ),
        update(
            "pool/app/1c688e46",
            "aws.eks.node_group",
            &[("max", json!(3), json!(5)), ("labels", labels.0, labels.1)],
        ),
    ]);
    insta::assert_snapshot!(case.text(80), @r#"
    acme-prod · eks in us-east-1 · account 123456789012

    Network
      ~ vpc
          tags: - owner
                + team: data

    Cluster
      ~ cluster
          version:      1.34 → 1.35
          public_cidrs: + 203.0.113.0/24
                        + 198.51.100.0/24
                        - 0.0.0.0/0
          secrets_key:  (none) → (key.arn)

    Pools
      ~ pool/app/1c688e46
          max:    3 → 5
          labels: ~ tier: a → b
                  + team: data
                  - old

    Plan: 3 to change.
    "#);
    insta::assert_snapshot!(case.text(120), @r#"
    acme-prod · eks in us-east-1 · account 123456789012

    Network
      ~ vpc                aws.ec2.vpc
          tags: - owner
                + team: data

    Cluster
      ~ cluster            aws.eks.cluster
          version:      1.34 → 1.35
          public_cidrs: + 203.0.113.0/24
                        + 198.51.100.0/24
                        - 0.0.0.0/0
          secrets_key:  (none) → (key.arn)

    Pools
      ~ pool/app/1c688e46  aws.eks.node_group
          max:    3 → 5
          labels: ~ tier: a → b
                  + team: data
                  - old

    Plan: 3 to change.
    "#);
}

#[test]
fn a_replacement_in_a_slot_is_said_to_be_one() {
    let mut steps: Vec<_> =
        pool("app", "9e01aa42", "SPOT", 3, &["t3.2xlarge", "t3a.2xlarge"]).into();
    let mut old = delete("pool/app/1c688e46", "aws.eks.node_group");
    old.slot = Some("pool/app".into());
    let mut template = delete("launch-template/app/1c688e46", "aws.ec2.launch_template");
    old.object = Some("acme-prod/app-1c688e46".into());
    template.object = Some("lt-0b7c".into());
    steps.extend([old, template]);
    let case = Case::new(steps);
    insta::assert_snapshot!(case.text(80), @r#"
    acme-prod · eks in us-east-1 · account 123456789012

    Pools
      + pool/app/9e01aa42             1–3 nodes · t3.2xlarge, t3a.2xlarge · spot ·
                                      appNodes=true
                                      replaces pool/app/1c688e46, which goes once
                                      this is ready
      - pool/app/1c688e46             acme-prod/app-1c688e46 · goes once
                                      pool/app/9e01aa42 is ready
      + launch-template/app/9e01aa42  100 GiB disk
      - launch-template/app/1c688e46  lt-0b7c

    Plan: 2 to create, 2 to delete.
    "#);
    insta::assert_snapshot!(case.text(120), @r#"
    acme-prod · eks in us-east-1 · account 123456789012

    Pools
      + pool/app/9e01aa42             aws.eks.node_group       1–3 nodes · t3.2xlarge, t3a.2xlarge · spot · appNodes=true
                                                               replaces pool/app/1c688e46, which goes once this is ready
      - pool/app/1c688e46             aws.eks.node_group       acme-prod/app-1c688e46 · goes once pool/app/9e01aa42 is ready
      + launch-template/app/9e01aa42  aws.ec2.launch_template  100 GiB disk
      - launch-template/app/1c688e46  aws.ec2.launch_template  lt-0b7c

    Plan: 2 to create, 2 to delete.
    "#);
}

#[test]
fn what_a_cluster_will_leave_behind_is_said_in_words() {
    let fields = json!({"vpc": {"$from": "vpc", "output": "id"}, "found": []});
    let text = Case::new(vec![create("leftovers", "aws.leftovers", fields)]).text(120);
    let said = "  what the cluster will make in its network by itself; goes with it\n";
    assert!(text.contains(said), "{text}");
}

#[test]
fn drift_and_leftovers_are_said_in_words() {
    let mut gone = create("route/public", "aws.ec2.route", json!({"destination": "0.0.0.0/0"}));
    let mut changed =
        update("log-group", "aws.logs.log_group", &[("retention", json!(1), json!(90))]);
    gone.cause = Cause::Drift;
    changed.cause = Cause::Drift;
    let mut half = delete("pool/app/1c688e46", "aws.eks.node_group");
    let mut again = step(Action::Adopt, "key", "aws.kms.key", Diff::default());
    half.cause = Cause::Leftover;
    again.cause = Cause::Leftover;
    again.object = Some("1c5e".into());
    let twice = [
        delete("endpoint/s3", "aws.ec2.vpc_endpoint"),
        create("endpoint/s3", "aws.ec2.vpc_endpoint", json!({"service": "s3"})),
    ];
    let mut steps = vec![gone, changed, half, again];
    steps.extend(twice);
    insta::assert_snapshot!(Case::new(steps).text(80), @r#"
    acme-prod · eks in us-east-1 · account 123456789012

    Network
      + route/public       0.0.0.0/0
                           drifted: it is gone
      + endpoint/s3        made again once the old one is gone
      - endpoint/s3        to be made again

    Keys
      > key                1c5e · left over from an earlier run

    Cluster
      ~ log-group          drifted · retention: 1 → 90

    Pools
      - pool/app/1c688e46  left over from an earlier run

    Plan: 2 to create, 1 to change, 1 to adopt, 2 to delete.
    "#);
}

#[test]
fn what_is_unknown_degraded_or_kept_stands_below_the_steps() {
    let mut case = Case::new(vec![]);
    let denied = Error {
        operation: Some("kms:DescribeKey".into()),
        code: Some("AccessDeniedException".into()),
        request_id: Some("7f1c".into()),
        ..Error::new(Kind::Denied, "user ops is not authorized to perform kms:DescribeKey")
    };
    case.plan.unknown.insert("key".into(), denied);
    let reason = "AsgInstanceLaunchFailures: we do not have sufficient r5.2xlarge capacity";
    case.plan.degraded.insert("pool/driver/2b77".into(), reason.into());
    case.plan.kept.insert("pool/driver/203cd514".into(), "pool/driver/2b77".into());
    insta::assert_snapshot!(case.text(80), @r#"
    acme-prod · eks in us-east-1 · account 123456789012

    Could not be observed
      key  kms:DescribeKey: AccessDeniedException: user ops is not authorized to
           perform kms:DescribeKey (request 7f1c)

    Degraded
      pool/driver/2b77  AsgInstanceLaunchFailures: we do not have sufficient
                        r5.2xlarge capacity

    Kept for now
      pool/driver/203cd514  until pool/driver/2b77 is ready

    Plan: no changes. It cannot be applied: 1 could not be observed.
    "#);
    case.plan.unknown.clear();
    insta::assert_snapshot!(case.text(120), @r#"
    acme-prod · eks in us-east-1 · account 123456789012

    Degraded
      pool/driver/2b77  AsgInstanceLaunchFailures: we do not have sufficient r5.2xlarge capacity

    Kept for now
      pool/driver/203cd514  until pool/driver/2b77 is ready

    No changes. The cluster is as the file says, 1 degraded.
    "#);
}

#[test]
fn stages_have_headings_where_there_are_several() {
    let version = |from: &str, to: &str| {
        update("cluster", "aws.eks.cluster", &[("version", json!(from), json!(to))])
    };
    let mut second = version("1.34", "1.35");
    second.stage = 1;
    let mut case = Case::new(vec![version("1.33", "1.34"), second]);
    case.stages = vec!["", "Upgrade to 1.35"];
    insta::assert_snapshot!(case.text(80), @r#"
    acme-prod · eks in us-east-1 · account 123456789012

    Stage 1 of 2

    Cluster
      ~ cluster  aws.eks.cluster  version: 1.33 → 1.34

    Stage 2 of 2: Upgrade to 1.35

    Cluster
      ~ cluster  aws.eks.cluster  version: 1.34 → 1.35

    Plan: 2 to change, in 2 stages.
    "#);
}

#[test]
fn a_stage_without_steps_has_no_heading() {
    let version = [("version", json!("1.34"), json!("1.35"))];
    let mut only = update("cluster", "aws.eks.cluster", &version);
    only.stage = 1;
    let mut case = Case::new(vec![only]);
    case.stages = vec!["Before the upgrade, at 1.34", "Upgrade to 1.35"];
    case.notes = vec!["Kubernetes 1.35 is in standard support until 2027-03-27".into()];
    insta::assert_snapshot!(case.text(80), @r#"
    acme-prod · eks in us-east-1 · account 123456789012

    Upgrade to 1.35

    Cluster
      ~ cluster  aws.eks.cluster  version: 1.34 → 1.35

    note:    Kubernetes 1.35 is in standard support until 2027-03-27

    Plan: 1 to change.
    "#);
}
