//! Whole files, good and bad.

use super::*;

pub(super) const SHORT: &str =
    "name: acme-prod\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n";

pub(super) fn problems(text: &str) -> Problems {
    match read("provision.yaml", text.as_bytes()) {
        Ok(spec) => panic!("accepted:\n{text}\n{spec:#?}"),
        Err(problems) => problems,
    }
}

/// Reads the short file with more lines, and shows each problem on one line.
fn refused(more: &str) -> String {
    let problems = problems(&format!("{SHORT}{more}"));
    let line = |problem: &crate::Problem| {
        let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}:{} {} {}{hint}", problem.line, problem.column, problem.code, problem.message)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn fills_in_defaults() {
    let spec = read("a.yaml", SHORT.as_bytes()).unwrap();
    assert_eq!(spec.kubernetes, Kubernetes::default());
    assert_eq!(spec.network, Network::default());
    assert_eq!(spec.pools, Profile::Qualytics.pools(ProviderName::Eks));
    assert_eq!(spec.storage_classes, Profile::Qualytics.storage_classes());
    assert!(!spec.protect && spec.in_cluster);
}

#[test]
fn leaves_out_what_the_file_leaves_out() {
    let classes = |more: &str| {
        read("a.yaml", format!("{SHORT}{more}").as_bytes()).unwrap().storage_classes.len()
    };
    assert_eq!(["", "inCluster: false", "storageClasses: []"].map(classes), [2, 0, 0]);
}

#[test]
fn listed_pools_are_all_and_keep_what_the_profile_says() {
    let text = format!("{SHORT}pools: {{ app: {{ max: 9, machine: m6i.2xlarge }}, spark: {{}} }}");
    let spec = read("a.yaml", text.as_bytes()).unwrap();
    let known = |name| Profile::Qualytics.pool(ProviderName::Eks, name).unwrap();
    let app = Pool { max: 9, machine: vec!["m6i.2xlarge".to_owned()], ..known("app") };
    assert_eq!(spec.pools, [app, known("spark")]);
    assert_eq!(spec.pool("spark").map(|pool| pool.max), Some(13));
    assert_eq!(spec.pool("driver"), None);
}

#[test]
fn reports_everything_at_once() {
    let text = "\
name: Acme_Prod
provider: eks
region: us-east-1a
profile: qualitics
kubernets:
  version: \"1.35\"
network:
  cidr: 10.0.0.0/8
  zones: 1
  nat: per_zone
pools:
  app: { machine: [t3.2xlarge, t3.2xlarge], min: 5, max: three, diskGb: 100Gi }
  driver:
  executor: { capcity: spot, labels: { eks.amazonaws.com/x: y, a: [] } }
protect: yes
protect: no
tags: { aws:x: y }
secrets:
  registryToken: ghp_hunter2
inCluster: 1
gke: { project: x }
eks: []
";
    insta::assert_snapshot!(problems(text), @r#"
    provision.yaml:1:7: name must be lowercase words joined by `-`, at most 20 characters, found `Acme_Prod`
     1 | name: Acme_Prod
       |       ^^^^^^^^^
    hint: write `acme-prod`

    provision.yaml:3:9: region must be a region such as us-east-1, found `us-east-1a`
     3 | region: us-east-1a
       |         ^^^^^^^^^^
    hint: that is a zone; write `us-east-1`

    provision.yaml:4:10: profile must be one of qualytics, none, found `qualitics`
     4 | profile: qualitics
       |          ^^^^^^^^^
    hint: did you mean `qualytics`?

    provision.yaml:5:1: kubernets is not a field of the cluster file
     5 | kubernets:
       | ^^^^^^^^^
    hint: did you mean `kubernetes`?

    provision.yaml:8:9: network.cidr must be between /16 and /20, found `10.0.0.0/8`
     8 |   cidr: 10.0.0.0/8
       |         ^^^^^^^^^^
    hint: write `10.0.0.0/16`

    provision.yaml:9:10: network.zones must be between 2 and 6, found `1`
     9 |   zones: 1
       |          ^
    hint: the nearest is `zones: 2`

    provision.yaml:10:8: network.nat must be one of single, per-zone, none, found `per_zone`
     10 |   nat: per_zone
        |        ^^^^^^^^
    hint: did you mean `per-zone`?

    provision.yaml:12:32: pools.app.machine[1] repeats `t3.2xlarge`
     12 |   app: { machine: [t3.2xlarge, t3.2xlarge], min: 5, max: three, diskGb: 100Gi }
        |                                ^^^^^^^^^^
    hint: remove one of the two

    provision.yaml:12:58: pools.app.max must be a whole number, found `three`
     12 |   app: { machine: [t3.2xlarge, t3.2xlarge], min: 5, max: three, diskGb: 100Gi }
        |                                                          ^^^^^
    hint: write digits alone, as in `max: 3`

    provision.yaml:12:73: pools.app.diskGb must be a whole number, found `100Gi`
     12 |   app: { machine: [t3.2xlarge, t3.2xlarge], min: 5, max: three, diskGb: 100Gi }
        |                                                                         ^^^^^
    hint: leave the unit out: `diskGb: 100`

    provision.yaml:13:3: pools.driver has no value
     13 |   driver:
        |   ^^^^^^
    hint: write `driver: {}` for the profile's defaults

    provision.yaml:14:15: pools.executor.capcity is not a field of the cluster file
     14 |   executor: { capcity: spot, labels: { eks.amazonaws.com/x: y, a: [] } }
        |               ^^^^^^^
    hint: did you mean `capacity`?

    provision.yaml:14:40: pools.executor.labels.eks.amazonaws.com/x must not use a reserved prefix
     14 |   executor: { capcity: spot, labels: { eks.amazonaws.com/x: y, a: [] } }
        |                                        ^^^^^^^^^^^^^^^^^^^
    hint: eks.amazonaws.com belongs to Kubernetes or the cloud; use a domain of your own

    provision.yaml:14:67: pools.executor.labels.a must be text, found a list
     14 |   executor: { capcity: spot, labels: { eks.amazonaws.com/x: y, a: [] } }
        |                                                                   ^
    hint: write one value after `a:`

    provision.yaml:15:10: protect must be true or false, found `yes`
     15 | protect: yes
        |          ^^^
    hint: write `protect: true`

    provision.yaml:16:1: `protect` is given twice, first on line 15
     16 | protect: no
        | ^^^^^^^
    hint: keep one of the two

    provision.yaml:17:9: tags.aws:x must not begin with `aws:`
     17 | tags: { aws:x: y }
        |         ^^^^^
    hint: the cloud keeps that prefix

    provision.yaml:19:18: secrets.registryToken must not hold a secret itself
     19 |   registryToken: …
        |                  ^
    hint: write `{ env: REGISTRY_TOKEN }` or `{ file: path }`; if it was a secret, it is one no longer: replace it

    provision.yaml:20:12: inCluster must be true or false, found `1`
     20 | inCluster: 1
        |            ^
    hint: write `inCluster: true`

    provision.yaml:21:1: gke is the section of another provider than eks
     21 | gke: { project: x }
        | ^^^
    hint: remove it, or write `provider: gke`

    provision.yaml:22:6: eks must be a map, found a list
     22 | eks: []
        |      ^
    hint: write its fields below `eks:`, indented
    "#);
}

#[test]
fn refuses_what_this_version_cannot_do() {
    let gke = SHORT.replace("eks", "gke");
    insta::assert_snapshot!(problems(&gke), @r#"
    provision.yaml:2:11: provider gke is not supported yet
     2 | provider: gke
       |           ^^^
    hint: this version builds clusters on eks
    "#);
}

#[test]
fn refuses_fields_that_contradict_each_other() {
    let files = [
        "pools: { app: { min: 4 } }",
        "pools: { app: { min: 4, max: 2 } }",
        "pools: { app: { max: 0 } }",
        "pools: { app: { min: 5, max: 2, capacity: spot, taint: [] } }",
        "pools: { app: { min: 5, max: 0 } }",
        "pools: { other: { min: 5 } }",
        "pools: { driver: { capacity: spot } }",
        "pools: { spark: { capacity: spot } }",
        "network: { zones: [us-east-1a, us-east-1b] }\npools: { app: { zones: [us-east-1d] } }",
        "pools: { app: { zones: [us-west-2a] } }",
        "pools: { app: { zones: [] } }",
        "pools: { app: { machine: [] } }",
        "pools: { app: { taints: [{ key: a, effect: noSchedule }, { value: b }] } }",
        "pools: { exector: {} }",
        "pools: { Gpu: { machine: g5.xlarge, max: 1 } }",
        "pools: { app: { taints: [{ key: a, effect: NoExecute }, { key: a, value: b, effect: NoExecute }] } }",
        "pools: { app: { labels: { team: \"\" } } }",
        "tags: { team: a, Team: b }",
        "kubernetes: { api: { allow: [\"2001:db8::/32\"] } }",
        "network: { zones: [us-east-1a, us-east-1a] }",
        "network: { zones: [us-east-1a] }",
        "network: { zones: 7 }",
        "network: { cidr: 8.8.0.0/16 }",
        "kubernetes: { version: 1.35.2, secretsKey: owned }",
        "kubernetes: { api: { allow: [] } }",
        "kubernetes: { api: { allow: [203.0.113.7] } }",
        "kubernetes: { api: { allow: [10.1.0.0/16, 10.0.0.0/8] } }",
        "aks: {}",
        "inCluster: false\nstorageClasses: [{ name: a }]\nsecrets: { registryToken: { env: T } }",
        "inCluster: false\nsupport: { access: admin }",
        "support: { access: root, expires: 2w }",
        "eks:",
    ];
    let shown: Vec<_> = files.iter().map(|more| format!("{more}\n{}\n", refused(more))).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    pools: { app: { min: 4 } }
    5:22 file.conflict pools.app has min 4 above max 3 (write `max: 4` or a smaller min)

    pools: { app: { min: 4, max: 2 } }
    5:22 file.conflict pools.app has min 4 above max 2 (write `max: 4` or a smaller min)

    pools: { app: { max: 0 } }
    5:22 file.out-of-range pools.app.max must be between 1 and 1000, found `0` (the nearest is `max: 1`)

    pools: { app: { min: 5, max: 2, capacity: spot, taint: [] } }
    5:22 file.conflict pools.app has min 5 above max 2 (write `max: 5` or a smaller min)
    5:43 file.conflict pools.app cannot be on spot capacity with profile qualytics (only executors survive losing a node: `capacity: on-demand`)
    5:49 file.unknown-field pools.app.taint is not a field of the cluster file (did you mean `taints`?)

    pools: { app: { min: 5, max: 0 } }
    5:30 file.out-of-range pools.app.max must be between 1 and 1000, found `0` (the nearest is `max: 1`)

    pools: { other: { min: 5 } }
    5:10 file.missing-field pools.other needs machine: profile qualytics has no pool of that name (add `machine: m6i.xlarge`)
    5:10 file.missing-field pools.other needs max: profile qualytics has no pool of that name (add `max: 3`)

    pools: { driver: { capacity: spot } }
    5:30 file.conflict pools.driver cannot be on spot capacity with profile qualytics (only executors survive losing a node: `capacity: on-demand`)

    pools: { spark: { capacity: spot } }
    5:29 file.conflict pools.spark cannot be on spot capacity with profile qualytics (only executors survive losing a node: `capacity: on-demand`)

    network: { zones: [us-east-1a, us-east-1b] }
    pools: { app: { zones: [us-east-1d] } }
    6:24 file.conflict pools.app.zones names us-east-1d, which is not in network.zones (zones there: us-east-1a, us-east-1b)

    pools: { app: { zones: [us-west-2a] } }
    5:25 file.invalid-value pools.app.zones[0] must be a zone of region us-east-1, found `us-west-2a` (such as `us-east-1a`)

    pools: { app: { zones: [] } }
    5:24 file.conflict pools.app.zones names no zone (remove the line to use all zones of the network)

    pools: { app: { machine: [] } }
    5:26 file.out-of-range pools.app.machine must name 1 to 20 machine types (write one type, or in brackets all that will do)

    pools: { app: { taints: [{ key: a, effect: noSchedule }, { value: b }] } }
    5:44 file.unknown-value pools.app.taints[0].effect must be one of NoSchedule, PreferNoSchedule, NoExecute, found `noSchedule` (did you mean `NoSchedule`?)
    5:58 file.missing-field pools.app.taints[1].effect is missing (add `effect: NoSchedule`)
    5:58 file.missing-field pools.app.taints[1].key is missing (add `key: dedicated`)

    pools: { exector: {} }
    5:10 file.missing-field pools.exector needs machine: profile qualytics has no pool of that name (did you mean pool `executor`? else add `machine: m6i.xlarge`)
    5:10 file.missing-field pools.exector needs max: profile qualytics has no pool of that name (did you mean pool `executor`? else add `max: 3`)

    pools: { Gpu: { machine: g5.xlarge, max: 1 } }
    5:10 file.invalid-value pools.Gpu must be lowercase words joined by `-`, at most 20 characters (write `gpu`)

    pools: { app: { taints: [{ key: a, effect: NoExecute }, { key: a, value: b, effect: NoExecute }] } }
    5:57 file.conflict pools.app.taints[1] has the key and the effect of another taint (a node keeps one value for each key and effect; remove one of the two)

    pools: { app: { labels: { team: "" } } }
    5:33 file.invalid-value pools.app.labels.team must not be empty, found the text `` (EKS takes no empty labels)

    tags: { team: a, Team: b }
    5:18 file.conflict tags.Team is team in another case (IAM takes them for the same tag; keep one of the two)

    kubernetes: { api: { allow: ["2001:db8::/32"] } }
    5:30 file.invalid-value kubernetes.api.allow[0] must be an IPv4 network, found the text `2001:db8::/32` (the public endpoint of EKS knows no others)

    network: { zones: [us-east-1a, us-east-1a] }
    5:32 file.duplicate-item network.zones[1] repeats `us-east-1a` (remove one of the two)

    network: { zones: [us-east-1a] }
    5:19 file.out-of-range network.zones must name 2 to 6 zones, found 1 (write a count, such as `zones: 3`, or as many names)

    network: { zones: 7 }
    5:19 file.out-of-range network.zones must be between 2 and 6, found `7` (the nearest is `zones: 6`)

    network: { cidr: 8.8.0.0/16 }
    5:18 file.invalid-value network.cidr must be a private network, found `8.8.0.0/16` (use a part of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10)

    kubernetes: { version: 1.35.2, secretsKey: owned }
    5:24 file.invalid-value kubernetes.version must be a minor version such as 1.35, found `1.35.2` (write `version: "1.35"`)
    5:44 file.invalid-value kubernetes.secretsKey must be managed, own or the id of a key, found `owned` (an id is text such as `arn:aws:kms:…`, without spaces)

    kubernetes: { api: { allow: [] } }
    5:29 file.conflict kubernetes.api.allow lists no network (write `public: false` for an endpoint that nobody reaches from outside)

    kubernetes: { api: { allow: [203.0.113.7] } }
    5:30 file.invalid-value kubernetes.api.allow[0] must be a network such as 203.0.113.0/24, found `203.0.113.7` (for one address write `203.0.113.7/32`)

    kubernetes: { api: { allow: [10.1.0.0/16, 10.0.0.0/8] } }
    5:30 file.conflict kubernetes.api.allow[0] overlaps 10.0.0.0/8, which allows it already (remove it, or 10.0.0.0/8 if that is more than you mean)

    aks: {}
    5:1 file.conflict aks is the section of another provider than eks (remove it, or write `provider: aks`)

    inCluster: false
    storageClasses: [{ name: a }]
    secrets: { registryToken: { env: T } }
    6:1 file.conflict storageClasses is for what is inside the cluster, and inCluster is false (remove it, or write `inCluster: true`)
    7:12 file.conflict secrets.registryToken is for what is inside the cluster, and inCluster is false (remove it, or write `inCluster: true`)

    inCluster: false
    support: { access: admin }
    6:12 file.conflict support.access is for what is inside the cluster, and inCluster is false (write `access: none`, or `inCluster: true`)

    support: { access: root, expires: 2w }
    5:20 file.unknown-value support.access must be one of none, admin, found `root` (write one of these words)
    5:35 file.invalid-value support.expires must be days or hours, found `2w` (write days as in `30d`, or hours as in `8h`)

    eks:
    5:1 file.empty-value eks has no value (write a value, or remove the line to get the default)
    "#);
}

#[test]
fn the_provider_reads_its_section_with_the_same_kit() {
    let text = format!("{SHORT}prtect: true\neks: {{ account: 12, irsa: maybe }}\n");
    let check = |spec: &ClusterSpec, field: &Field<'_>| {
        assert_eq!((spec.provider, spec.region.as_str()), (ProviderName::Eks, "us-east-1"));
        let fields = field.fields(&["account"]);
        fields.and_then(|fields| fields.optional("account")?.text().map(str::to_owned))
    };
    let problems = read_with("a.yaml", text.as_bytes(), |spec, field| {
        check(spec, field);
    });
    let messages: Vec<_> =
        problems.unwrap_err().into_iter().map(|problem| problem.message).collect();
    assert_eq!(
        messages,
        [
            "prtect is not a field of the cluster file",
            "eks.irsa is not a field of the cluster file",
        ]
    );

    let text = format!("{SHORT}eks: {{ account: 012345678901 }}\n");
    let spec = read("a.yaml", text.as_bytes()).unwrap();
    let account = spec.section.read(|field| check(&spec, field));
    assert_eq!(account.unwrap().as_deref(), Some("012345678901"));
    let refused = spec.section.read(|field| field.fields(&["accounts"]).is_some());
    assert_eq!(refused.unwrap_err().iter().next().map(|problem| problem.line), Some(5));
}

#[test]
fn a_provider_reports_at_places_of_the_whole_file() {
    let text = format!("{SHORT}pools: {{ app: {{ machine: [t3.2xlarge, m7g.large] }} }}\n");
    let spec = read("a.yaml", text.as_bytes()).unwrap();
    for (path, column) in [
        (&["pools", "app", "machine", "1"][..], 39),
        (&["pools", "app", "machine"], 26),
        (&["pools", "app", "min"], 15),
        (&["pools", "app", "machine", "x"], 26),
    ] {
        let place = spec.place(path);
        assert_eq!((place.line, place.column), (5, column), "{path:?}");
    }
    let report = spec.report();
    report.refuse("eks.machine", spec.place(&["pools", "app", "machine", "1"]), "m7g is arm", None);
    insta::assert_snapshot!(report.finish(()).unwrap_err(), @r#"
    a.yaml:5:39: m7g is arm
     5 | pools: { app: { machine: [t3.2xlarge, m7g.large] } }
       |                                       ^^^^^^^^^
    "#);
}
