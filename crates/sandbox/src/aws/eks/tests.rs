mod rules;

use super::super::ec2::living::Place;
use super::super::input::Input;
use super::super::{Answer, Call, ec2, iam, testing, turn};
use super::within;
use crate::clock::Time;
use crate::faults::Effect;
use crate::world::World;
use serde_json::{Value, json};

const MINUTE: Time = 60_000;

/// A world in which everything can be asked for in turn.
struct Site(World);

impl Site {
    /// Makes a network of two zones, and the roles of a cluster and its nodes.
    fn new() -> Self {
        let mut site = Self(World::new(3, 1_795_000_000_000));
        site.form(ec2::run, "CreateVpc", "CidrBlock=10.0.0.0/16");
        site.wait(1);
        let is_ours = |vpc: &str| vpc == "10.0.0.0/16";
        let all = site.0.of("ec2.vpc").map(|(key, vpc)| (key.id.clone(), vpc.text("cidrBlock")));
        let vpc = all.filter(|(_, cidr)| is_ours(cidr)).map(|(id, _)| id).next().unwrap();
        for (n, zone) in ["a", "b"].into_iter().enumerate() {
            let subnet = format!("CidrBlock=10.0.{n}.0/24&AvailabilityZone=us-east-1{zone}");
            site.form(ec2::run, "CreateSubnet", &format!("VpcId={vpc}&{subnet}"));
        }
        for (name, service, policy) in [
            ("plane", "eks", "AmazonEKSClusterPolicy"),
            ("node", "ec2", "AmazonEKSWorkerNodePolicy"),
        ] {
            let trust = json!({ "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": format!("{service}.amazonaws.com") },
                "Action": "sts:AssumeRole",
            }] });
            let role = format!("RoleName={name}&AssumeRolePolicyDocument={trust}");
            site.form(iam::run, "CreateRole", &role);
            let policy = format!("RoleName={name}&PolicyArn=arn:aws:iam::aws:policy/{policy}");
            site.form(iam::run, "AttachRolePolicy", &policy);
        }
        site.wait(1);
        site
    }

    fn wait(&mut self, minutes: Time) {
        let until = self.0.now + minutes * MINUTE;
        self.0.advance(until, turn);
    }

    fn call(
        &mut self,
        operation: &str,
        effect: Option<Effect>,
        work: impl FnOnce(&mut Call<'_>) -> Answer,
    ) -> Answer {
        testing::call(&mut self.0, operation, effect, work)
    }

    fn form(&mut self, run: fn(&mut Call<'_>, &Input) -> Answer, operation: &str, form: &str) {
        let input = testing::form(form);
        self.call(operation, None, |call| run(call, &input)).unwrap();
    }

    fn ask(&mut self, operation: &str, request: Value) -> Value {
        self.call(operation, None, |call| super::run(call, &Input::Json(request))).unwrap()
    }

    fn full(&mut self, operation: &str, request: Value) -> Value {
        let effect = Some(Effect::Capacity);
        self.call(operation, effect, |call| super::run(call, &Input::Json(request))).unwrap()
    }

    /// Asks for what is refused, and returns the code.
    fn refused(&mut self, operation: &str, request: Value) -> String {
        let answer = self.call(operation, None, |call| super::run(call, &Input::Json(request)));
        answer.unwrap_err().code
    }

    fn subnets(&self) -> Vec<String> {
        let ours = |cidr: &str| cidr.starts_with("10.0.");
        let all = self.0.of("ec2.subnet").filter(|(_, subnet)| ours(subnet.text("cidrBlock")));
        all.map(|(key, _)| key.id.clone()).collect()
    }

    fn request(&self) -> Value {
        json!({
            "name": "acme",
            "version": "1.34",
            "roleArn": "arn:aws:iam::123456789012:role/plane",
            "resourcesVpcConfig": { "subnetIds": self.subnets() },
            "accessConfig": { "authenticationMode": "API" },
            "bootstrapSelfManagedAddons": false,
            "upgradePolicy": { "supportType": "STANDARD" },
            "clientRequestToken": "once",
        })
    }

    /// Makes a cluster, and waits for it.
    fn cluster(&mut self) {
        self.ask("CreateCluster", self.request());
        self.wait(12);
        assert_eq!(self.of_cluster("status"), "ACTIVE");
    }

    fn of_cluster(&mut self, member: &str) -> Value {
        self.ask("DescribeCluster", json!({ "name": "acme" }))["cluster"][member].clone()
    }

    fn group(&self, name: &str) -> Value {
        json!({
            "clusterName": "acme",
            "nodegroupName": name,
            "nodeRole": "arn:aws:iam::123456789012:role/node",
            "subnets": self.subnets(),
            "instanceTypes": ["r5.2xlarge"],
            "scalingConfig": { "minSize": 1, "maxSize": 3, "desiredSize": 2 },
        })
    }

    fn of_group(&mut self, name: &str) -> Value {
        let named = json!({ "clusterName": "acme", "nodegroupName": name });
        self.ask("DescribeNodegroup", named)["nodegroup"].clone()
    }

    fn of_addon(&mut self, name: &str) -> Value {
        let named = json!({ "clusterName": "acme", "addonName": name });
        self.ask("DescribeAddon", named)["addon"]["status"].clone()
    }

    fn count(&self, kind: &str) -> usize {
        self.0.of(kind).count()
    }
}

#[test]
fn a_cluster_comes_with_a_network_and_goes_with_it() {
    let mut site = Site::new();
    let groups = site.count("ec2.security_group");
    site.cluster();
    assert_eq!(site.count("ec2.network_interface"), 2);
    assert_eq!(site.count("ec2.security_group"), groups + 1);
    let entries = site.ask("ListAccessEntries", json!({ "clusterName": "acme" }));
    assert_eq!(entries["accessEntries"], json!(["arn:aws:iam::123456789012:user/sandbox"]));
    site.ask("DeleteCluster", json!({ "name": "acme" }));
    site.wait(10);
    let missing = site.refused("DescribeCluster", json!({ "name": "acme" }));
    assert_eq!(missing, "ResourceNotFoundException");
    assert_eq!(site.count("ec2.network_interface"), 0);
    assert_eq!(site.count("ec2.security_group"), groups);
    assert!(!site.0.objects().any(|(key, _)| key.kind.starts_with("eks.")));
}

#[test]
fn a_token_is_for_one_request() {
    let mut site = Site::new();
    site.cluster();
    let again = site.ask("CreateCluster", site.request());
    assert_eq!(again["cluster"]["status"], "ACTIVE");
    let mut other = site.request();
    other["version"] = json!("1.35");
    assert_eq!(site.refused("CreateCluster", other.clone()), "InvalidParameterException");
    other["clientRequestToken"] = json!("twice");
    assert_eq!(site.refused("CreateCluster", other), "ResourceInUseException");
}

#[test]
fn one_update_at_a_time_and_it_may_fail() {
    let mut site = Site::new();
    site.cluster();
    let to = |version: &str| json!({ "name": "acme", "version": version });
    assert_eq!(site.refused("UpdateClusterVersion", to("1.36")), "InvalidParameterException");
    let begun = site.full("UpdateClusterVersion", to("1.35"));
    assert_eq!(site.refused("UpdateClusterVersion", to("1.35")), "ResourceInUseException");
    site.wait(20);
    let named = json!({ "name": "acme", "updateId": begun["update"]["id"] });
    let update = site.ask("DescribeUpdate", named)["update"].clone();
    assert_eq!(
        (&update["status"], &update["errors"][0]["errorCode"]),
        (&json!("Failed"), &json!("IpNotAvailable"))
    );
    assert_eq!(site.of_cluster("version"), "1.34");
    site.ask("UpdateClusterVersion", to("1.35"));
    site.wait(20);
    assert_eq!(site.of_cluster("version"), "1.35");
}

#[test]
fn nodes_need_a_network_and_add_ons_need_nodes() {
    let mut site = Site::new();
    site.cluster();
    site.ask("CreateNodegroup", site.group("early"));
    site.wait(40);
    let early = site.of_group("early");
    assert_eq!(early["status"], "CREATE_FAILED");
    assert_eq!(early["health"]["issues"][0]["code"], "NodeCreationFailure");
    for name in ["vpc-cni", "coredns"] {
        site.ask("CreateAddon", json!({ "clusterName": "acme", "addonName": name }));
    }
    site.wait(3);
    assert_eq!(
        (site.of_addon("vpc-cni"), site.of_addon("coredns")),
        (json!("ACTIVE"), json!("DEGRADED"))
    );
    site.ask("CreateNodegroup", site.group("late"));
    site.wait(10);
    assert_eq!(site.of_group("late")["status"], "ACTIVE");
    assert_eq!(site.of_addon("coredns"), "ACTIVE");
    assert_eq!(site.refused("DeleteCluster", json!({ "name": "acme" })), "ResourceInUseException");
}

#[test]
fn a_group_that_finds_no_machines_fails_later() {
    let mut site = Site::new();
    site.cluster();
    let mut group = site.group("spot");
    group["capacityType"] = json!("SPOT");
    assert_eq!(site.full("CreateNodegroup", group)["nodegroup"]["status"], "CREATING");
    site.wait(20);
    let issue = site.of_group("spot")["health"]["issues"][0].clone();
    assert_eq!(issue["code"], "AsgInstanceLaunchFailures");
    assert!(issue["message"].as_str().unwrap().contains("UnfulfillableCapacity"), "{issue}");
    assert_eq!(site.count("ec2.instance"), 0);
    site.ask("DeleteNodegroup", json!({ "clusterName": "acme", "nodegroupName": "spot" }));
    site.wait(10);
    assert_eq!(site.count("autoscaling.group"), 0);
}

#[test]
fn a_size_that_finds_no_machines_degrades_a_group_for_a_while() {
    let mut site = Site::new();
    site.cluster();
    site.ask("CreateAddon", json!({ "clusterName": "acme", "addonName": "vpc-cni" }));
    site.ask("CreateNodegroup", site.group("app"));
    site.wait(10);
    let name = site.of_group("app")["resources"]["autoScalingGroups"][0]["name"].clone();
    let place = Place { account: "123456789012".to_owned(), region: "us-east-1".to_owned() };
    let key =
        super::super::autoscaling::group::named(&site.0, &place, name.as_str().unwrap()).unwrap();
    super::super::autoscaling::group::fill(&mut site.0, &key, 1);
    super::super::autoscaling::group::resize(&mut site.0, &key, [1, 3, 3]);
    site.wait(2);
    assert_eq!(site.of_group("app")["status"], "DEGRADED");
    site.wait(10);
    let group = site.of_group("app");
    assert_eq!(
        (&group["status"], &group["scalingConfig"]["desiredSize"]),
        (&json!("ACTIVE"), &json!(3))
    );
}

#[test]
fn a_version_out_of_support_is_left_behind() {
    let mut site = Site::new();
    site.cluster();
    let day = 24 * 60;
    site.wait(30 * day);
    assert_eq!(site.of_cluster("version"), "1.35");
}

#[test]
fn an_event_that_cannot_happen_is_refused() {
    let mut site = Site::new();
    let cluster = site.request();
    site.ask("CreateCluster", cluster);
    let happen = |site: &mut Site, event: Value| {
        let event = serde_json::from_value(event).unwrap();
        super::event::happen(&mut site.0, &event)
    };
    let of = |event: &str| json!({ "cluster": "acme", "event": event });
    let early = happen(&mut site, of("workload"));
    assert_eq!(early, Err("the cluster acme has no network".to_owned()));
    assert_eq!(happen(&mut site, of("upgrade")), Err("the cluster acme is CREATING".to_owned()));
    site.wait(20);
    assert_eq!(happen(&mut site, of("workload")), Ok(()));
    let elsewhere = json!({ "cluster": "acme", "region": "eu-west-1", "event": "workload" });
    assert_eq!(happen(&mut site, elsewhere), Err("there is no cluster acme".to_owned()));
    let mut refused = None;
    for _ in 0..20 {
        refused = happen(&mut site, of("upgrade")).err();
        if refused.is_some() {
            break;
        }
        site.wait(20);
    }
    let newest = site.of_cluster("version");
    let newest = newest.as_str().unwrap();
    assert_eq!(refused, Some(format!("the cluster acme has {newest}, the newest")));
    let twin = site.0.of("eks.cluster").next().map(|(_, twin)| twin.clone()).unwrap();
    let twin = crate::world::Object { region: "eu-west-1".to_owned(), ..twin };
    site.0.put(crate::world::Key::new("eks.cluster", "twin"), twin);
    let several = happen(&mut site, of("workload")).unwrap_err();
    assert!(several.starts_with("there are several clusters acme"), "{several}");
}

#[test]
fn a_role_is_for_pods_of_the_cluster_whose_issuer_it_trusts_and_iam_knows() {
    let mut site = Site::new();
    site.cluster();
    let issuer = site.of_cluster("identity")["oidc"]["issuer"].as_str().unwrap().to_owned();
    let host = issuer.trim_start_matches("https://").to_owned();
    let (own, of_another) = (host.clone(), host.replace("/id/", "/id/X"));
    for (name, host) in [("own", own), ("another", of_another)] {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::123456789012:oidc-provider/{host}") },
            "Action": "sts:AssumeRoleWithWebIdentity",
        }] });
        let role = format!("RoleName={name}&AssumeRolePolicyDocument={trust}");
        site.form(iam::run, "CreateRole", &role);
    }
    site.wait(1);
    let key = site.0.of("eks.cluster").map(|(key, _)| key.clone()).next().unwrap();
    let trusted = |site: &Site| {
        ["own", "another"].map(|name| {
            let arn = format!("arn:aws:iam::123456789012:role/{name}");
            within::trusts_issuer(&site.0, &key, &arn)
        })
    };
    assert_eq!(trusted(&site), [false, false], "IAM does not know the issuer");
    let thumbprint = "ThumbprintList.member.1=9e99a48a9960b14926bb7f3b02e22da2b0ab7280";
    let provider = format!("Url={issuer}&ClientIDList.member.1=sts.amazonaws.com&{thumbprint}");
    site.form(iam::run, "CreateOpenIDConnectProvider", &provider);
    site.wait(1);
    assert_eq!(trusted(&site), [true, false]);
}
