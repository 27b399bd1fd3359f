//! The phases of a cluster's life, each of which can be lived again from its beginning.
use crate::boto::Boto;
use crate::decoys;
use crate::folder::FILE;
use crate::life::{APPLY, DESTROY, Life, Moment, RELEASE};
use crate::proxy::Fate;
use crate::world;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The phases of one life, in their order. They are lived through once, whoever asks.
pub(crate) static PHASES: LazyLock<Vec<Phase>> = LazyLock::new(phases);

/// A phase of a cluster's life: a command, what it begins with, and what it comes to.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) command: &'static [&'static str],
    file: String,
    pub(crate) before: Moment,
    /// What looks like ours and is not, as it was in the beginning.
    theirs: BTreeMap<String, String>,
    /// What there is in the end.
    told: Vec<String>,
    ids: BTreeSet<String>,
    /// How many keys there ever were: one too many would wait for its end, and be overlooked.
    keys: usize,
    /// The calls that change something: the operation, and which of its calls it is.
    pub(crate) changes: Vec<(String, usize)>,
    /// Those of them that change something inside the cluster.
    pub(crate) inside: Vec<(String, usize)>,
    /// Every request, as operations are called, and which of its requests it is.
    pub(crate) requests: Vec<(String, usize)>,
    /// What was called of AWS, each as service and operation.
    pub(crate) calls: BTreeSet<String>,
}

impl Phase {
    /// Lives through the phase once, and returns it with the moment that follows.
    fn record(
        name: &'static str,
        file: String,
        command: &'static [&'static str],
        before: Moment,
        theirs: &BTreeMap<String, String>,
    ) -> (Self, Moment) {
        let theirs = theirs.clone();
        let mut life = Life::from(&before, &file);
        let proxy = life.proxy(|_| Fate::Pass);
        life.ok(command);
        let changes = counted(proxy.restart());
        let requests = counted(life.served.operations());
        let inside = requests.iter().filter(|(operation, _)| is_change_inside(operation));
        let (inside, calls) = (inside.cloned().collect(), life.served.calls());
        life.ok(&["plan"]);
        let after = life.moment();
        let (told, ids) = (world::told(&after.world), world::ids(&after.world));
        let keys = keys(&life);
        let phase = Self {
            name,
            command,
            file,
            before,
            theirs,
            told,
            ids,
            keys,
            changes,
            inside,
            requests,
            calls,
        };
        (phase, after)
    }

    /// Begins the phase anew.
    pub(crate) fn begin(&self) -> Life {
        Life::from(&self.before, &self.file)
    }

    /// Fails unless a life came to what the phase comes to.
    pub(crate) fn check(&self, life: &Life) {
        match self.command {
            APPLY => assert_eq!(life.folder.plan(), [""; 0]),
            _ => drop(life.ok(&["plan"])),
        }
        let world = life.moment().world;
        same(&world::told(&world), &self.told);
        self.spares(&world);
        assert_eq!(keys(life), self.keys, "keys");
        if self.command != APPLY {
            assert_eq!(world::ids(&world), self.ids);
        }
    }

    /// Fails unless what is of somebody else is in a world as it was.
    pub(crate) fn spares(&self, world: &[u8]) {
        let now = world::raw(world);
        for (name, object) in &self.theirs {
            assert_eq!(now.get(name), Some(object), "{name} is of somebody else");
        }
    }
}

/// Returns how many keys were made or changed in a life.
fn keys(life: &Life) -> usize {
    let history = life.served.history();
    let keys = history.iter().filter(|moment| moment["kind"] == "kms.key");
    keys.map(|moment| moment["id"].to_string()).collect::<BTreeSet<_>>().len()
}

/// Returns operations with how many of each there have been.
fn counted(operations: Vec<String>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let count = |operation: String| {
        let count = counts.entry(operation.clone()).or_default();
        *count += 1;
        (operation, *count)
    };
    operations.into_iter().map(count).collect()
}

/// Tells whether an operation changes something inside a cluster.
fn is_change_inside(operation: &str) -> bool {
    ["create ", "delete ", "patch ", "update "].iter().any(|verb| operation.starts_with(verb))
}

/// Compares what there is in two worlds.
pub(crate) fn same(now: &[String], then: &[String]) {
    let without = |of: &[String], those: &[String]| {
        let mut rest = of.to_vec();
        for it in those {
            if let Some(at) = rest.iter().position(|other| other == it) {
                rest.swap_remove(at);
            }
        }
        rest
    };
    let (more, less) = (without(now, then), without(then, now));
    assert!(more.is_empty() && less.is_empty(), "too much: {more:#?}\nmissing: {less:#?}");
}

/// The cluster file at first.
pub(crate) fn built() -> String {
    format!(
        "{FILE}kubernetes: {{ version: \"1.34\" }}\neks: {{ irsa: true }}\n\
         secrets: {{ registryToken: {{ env: REGISTRY_TOKEN }} }}\nmanifests: [team.yaml]\n\
         support: {{ access: admin }}\n"
    )
}

/// Who may enter the cluster, beside the caller, each with a policy.
pub(crate) fn access(others: &[(&str, &str)]) -> String {
    let entry = |(user, policy): &(&str, &str)| {
        let arn = format!("arn:aws:iam::123456789012:user/{user}");
        format!("{{ principal: \"{arn}\", policy: AmazonEKS{policy}Policy }}")
    };
    let all = [&[("sandbox", "ClusterAdmin")], others].concat();
    format!("access: [{}]", all.iter().map(entry).collect::<Vec<_>>().join(", "))
}

/// The same cluster with other bounds, labels, machines, tags, volumes, manifests, ways in and ways
/// out, with other people in it, a key for its secrets, a boundary of its roles, and pods that have
/// theirs from elsewhere.
pub(crate) fn changed() -> String {
    let access = access(&[("ann", "View"), ("bob", "View")]);
    format!(
        "{FILE}kubernetes: {{ version: \"1.34\", secretsKey: own, api: {{ allow: [203.0.113.0/24] }} }}\n\
         network: {{ nat: per-zone }}\npools:\n  app: {{ machine: m5.2xlarge }}\n  \
         driver: {{ max: 5, labels: {{ driverNodes: \"true\", tier: one }} }}\n  \
         executor: {{ max: 9 }}\ntags: {{ team: platform }}\neks: {{ irsa: true, {access}, \
         podIdentity: false, permissionsBoundary: \"arn:aws:iam::aws:policy/PowerUserAccess\" }}\n\
         storageClasses: [{{ name: fast, default: false, iops: 4000 }}, {{ name: plain, default: true }}]\n\
         manifests: [changed.yaml]\nsupport: {{ access: admin, expires: 60d }}\n"
    )
}

/// The same cluster, two minors later, whose pods have their roles from us again.
pub(crate) fn upgraded() -> String {
    changed().replace("1.34", "1.36").replace("podIdentity: false, ", "")
}

/// The same cluster without much of what it had.
fn reduced() -> String {
    let access = access(&[("bob", "Edit")]);
    let addons =
        "addons: [vpc-cni, kube-proxy, eks-pod-identity-agent, coredns, aws-ebs-csi-driver]";
    format!(
        "{FILE}kubernetes: {{ version: \"1.36\", secretsKey: own }}\nnetwork: {{ nat: per-zone }}\n\
         pools: {{ app: {{ machine: m5.2xlarge }}, driver: {{}}, executor: {{}} }}\n\
         eks: {{ irsa: true, {access}, {addons} }}\n\
         secrets: {{ registryToken: {{ env: REGISTRY_TOKEN }} }}\nsupport: {{ access: admin, expires: 60d }}\n"
    )
}

/// Somebody else undoes some of what was made, each in another way.
fn others_undo(boto: &Boto<'_>) {
    let role = |of: &str| format!("provision-acme-prod-us-east-1-{of}");
    let pod = json!({ "clusterName": "acme-prod", "namespace": "kube-system",
        "serviceAccount": "ebs-csi-controller-sa" });
    let pods = boto.call("eks", "list_pod_identity_associations", &pod);
    let other = format!("arn:aws:iam::123456789012:role/{}", role("autoscaler"));
    let pod = json!({ "clusterName": "acme-prod", "roleArn": other,
        "associationId": pods["associations"][0]["associationId"] });
    boto.call("eks", "update_pod_identity_association", &pod);

    let named = json!({ "RoleName": role("node") });
    let mut trust =
        boto.call("iam", "get_role", &named)["Role"]["AssumeRolePolicyDocument"].clone();
    trust["Statement"][0]["Principal"]["Service"] = json!("lambda.amazonaws.com");
    let trust = json!({ "RoleName": role("node"), "PolicyDocument": trust.to_string() });
    boto.call("iam", "update_assume_role_policy", &trust);

    let table = |address: &str| {
        let is_it = json!([{ "Name": "tag:provision-address", "Values": [address] },
            { "Name": "tag:provision-cluster", "Values": ["acme-prod"] }]);
        let all = boto.call("ec2", "describe_route_tables", &json!({ "Filters": is_it }));
        all["RouteTables"][0].clone()
    };
    let [here, there] =
        ["a", "b"].map(|zone| table(&format!("route-table/private/us-east-1{zone}")));
    let led = json!({ "RouteTableId": here["RouteTableId"],
        "AssociationId": there["Associations"][0]["RouteTableAssociationId"] });
    boto.call("ec2", "replace_route_table_association", &led);

    let alias = "alias/provision/acme-prod";
    let key = boto.call("kms", "describe_key", &json!({ "KeyId": alias }));
    let key = &key["KeyMetadata"]["KeyId"];
    boto.call("kms", "disable_key_rotation", &json!({ "KeyId": key }));
    boto.call("kms", "update_key_description", &json!({ "KeyId": key, "Description": "theirs" }));
}

/// The cluster's workload makes load balancers, and somebody lets one group of theirs out to another.
fn others_work(life: &Life) {
    life.served.event("acme-prod", "workload");
    life.ok(&["plan"]);
    let boto = Boto::at_home(&life.served);
    let owned = json!({ "Filters": [{ "Name": "tag-key", "Values": ["kubernetes.io/cluster/acme-prod"] },
            { "Name": "group-name", "Values": ["k8s-*"] }] });
    let groups = boto.call("ec2", "describe_security_groups", &owned)["SecurityGroups"].clone();
    let [one, other] = [0, 1].map(|at| groups[at]["GroupId"].as_str().expect("there are two"));
    let way = json!({ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
        "UserIdGroupPairs": [{ "GroupId": other }] });
    let way = json!({ "GroupId": one, "IpPermissions": [way] });
    boto.call("ec2", "authorize_security_group_egress", &way);
}

/// Returns the moment after something has happened that nobody asked us for.
fn after(moment: &Moment, file: &str, happens: impl FnOnce(&Life)) -> Moment {
    let life = Life::from(moment, file);
    happens(&life);
    // On an instant clock it is requests that let time pass.
    (0..2).for_each(|_| drop(life.ok(&["plan"])));
    life.moment()
}

fn phases() -> Vec<Phase> {
    let untouched = Life::from(&Moment::default(), FILE);
    decoys::prepare(&untouched);
    let nothing = untouched.moment();
    let theirs = world::raw(&nothing.world);
    let is_default = |it: &String| it.contains("\"isDefault\":true");
    assert!(theirs.values().any(is_default), "the default network is somebody else's too");
    let (build, moment) = Phase::record("build", built(), APPLY, nothing.clone(), &theirs);
    let (change, moment) = Phase::record("change", changed(), APPLY, moment, &theirs);
    let (upgrade, moment) = Phase::record("upgrade", upgraded(), APPLY, moment, &theirs);
    let undone = after(&moment, &upgraded(), |life| others_undo(&Boto::at_home(&life.served)));
    let (reduce, _) = Phase::record("reduce", reduced(), APPLY, undone, &theirs);
    let living = after(&moment, &upgraded(), others_work);
    let (destroy, _) = Phase::record("destroy", upgraded(), DESTROY, living.clone(), &theirs);
    assert_eq!(destroy.ids, world::ids(&nothing.world), "what is left");
    let (release, _) = Phase::record("release", upgraded(), RELEASE, living, &theirs);
    let kept: Vec<_> = release.ids.difference(&destroy.ids).collect();
    assert!(kept.len() == 1 && kept[0].starts_with("ec2.volume "), "{kept:?}");
    let marked = |it: &&String| it.starts_with("ec2.volume ") && it.contains("provision-cluster");
    let of_others = |told: &[String]| told.iter().filter(marked).count();
    assert_eq!(of_others(&release.told), of_others(&destroy.told), "it has lost its marks");
    vec![build, change, upgrade, reduce, destroy, release]
}

#[test]
fn worlds_are_the_same_only_when_the_same_was_made() {
    let made = |file: &str| {
        let life = Life::from(&Moment::default(), file);
        life.ok(APPLY);
        life.ok(&["plan"]);
        world::told(&life.moment().world)
    };
    let (one, other) = (made(&built()), made(&built()));
    assert!(one.len() > 50, "{} objects", one.len());
    same(&one, &other);
    let tagged = made(&format!("{}tags: {{ team: a }}\n", built()));
    let differ = one.iter().filter(|it| !tagged.contains(it)).count();
    assert!(differ > 20, "{differ} of {} differ by a tag", one.len());
}
