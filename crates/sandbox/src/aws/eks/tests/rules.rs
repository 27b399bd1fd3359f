use super::*;
use crate::aws::autoscaling::group;

fn pods(site: &mut Site, names: &[&str]) {
    for name in names {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "pods.eks.amazonaws.com" },
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }] });
        let role = format!("RoleName={name}&AssumeRolePolicyDocument={trust}");
        site.form(iam::run, "CreateRole", &role);
    }
    site.wait(1);
}

#[test]
fn an_update_of_an_add_on_keeps_what_stays() {
    let mut site = Site::new();
    site.cluster();
    pods(&mut site, &["one", "two"]);
    let pod = |account: &str, role: &str| {
        let role = format!("arn:aws:iam::123456789012:role/{role}");
        json!({ "serviceAccount": account, "roleArn": role })
    };
    let asked = |pods: Value| {
        json!({
            "clusterName": "acme",
            "addonName": "vpc-cni",
            "podIdentityAssociations": pods,
        })
    };
    site.ask("CreateAddon", asked(json!([pod("a", "one"), pod("b", "one"), pod("c", "one")])));
    site.wait(3);
    let told = |site: &mut Site| {
        let named = json!({ "clusterName": "acme", "addonName": "vpc-cni" });
        site.ask("DescribeAddon", named)["addon"]["podIdentityAssociations"].clone()
    };
    let before = told(&mut site);
    let twice = asked(json!([pod("a", "one"), pod("a", "two")]));
    assert_eq!(site.refused("UpdateAddon", twice), "InvalidParameterException");
    site.full("UpdateAddon", asked(json!([])));
    site.wait(3);
    assert_eq!((told(&mut site), site.count("eks.pod_identity_association")), (before.clone(), 3));
    site.ask("UpdateAddon", asked(json!([pod("a", "one"), pod("b", "two"), pod("d", "two")])));
    assert_eq!(told(&mut site), before, "it is not done yet");
    site.wait(3);
    let after = told(&mut site);
    assert_eq!((&after[0], &after[1]), (&before[0], &before[1]));
    assert_ne!(after[2], before[2]);
    let all = site.0.of("eks.pod_identity_association");
    let mut roles: Vec<_> = all
        .map(|(_, it)| format!("{} {}", it.text("serviceAccount"), it.text("roleArn")))
        .collect();
    roles.sort();
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let wanted =
        [format!("a {}", role("one")), format!("b {}", role("two")), format!("d {}", role("two"))];
    assert_eq!(roles, wanted);
}

#[test]
fn whether_network_policies_are_enforced_is_told_as_a_text() {
    let mut site = Site::new();
    site.cluster();
    let asked = |values: Value| {
        json!({ "clusterName": "acme", "addonName": "vpc-cni",
            "configurationValues": values.to_string() })
    };
    let wrong = asked(json!({ "enableNetworkPolicy": true }));
    assert_eq!(site.refused("CreateAddon", wrong.clone()), "InvalidParameterException");
    site.ask("CreateAddon", asked(json!({ "enableNetworkPolicy": "true" })));
    site.wait(3);
    assert_eq!(site.refused("UpdateAddon", wrong), "InvalidParameterException");
}

#[test]
fn an_add_on_is_left_alone_until_it_is_done() {
    let mut site = Site::new();
    site.cluster();
    let named = json!({ "clusterName": "acme", "addonName": "vpc-cni" });
    site.ask("CreateAddon", named.clone());
    assert_eq!(site.refused("DeleteAddon", named.clone()), "InvalidRequestException");
    site.wait(3);
    site.ask("UpdateAddon", named.clone());
    assert_eq!(site.refused("DeleteAddon", named.clone()), "InvalidRequestException");
    site.wait(3);
    assert_eq!(site.ask("DeleteAddon", named)["addon"]["status"], "DELETING");
}

#[test]
fn the_end_of_an_update_revives_nothing() {
    let mut site = Site::new();
    site.cluster();
    let begun = site.ask("UpdateClusterVersion", json!({ "name": "acme", "version": "1.35" }));
    let key = site.0.of("eks.cluster").map(|(key, _)| key.clone()).next().unwrap();
    site.0.edit(&key, |cluster| cluster.set("status", "DELETING"));
    site.wait(20);
    let named = json!({ "name": "acme", "updateId": begun["update"]["id"] });
    assert_eq!(site.ask("DescribeUpdate", named)["update"]["status"], "Cancelled");
    assert_eq!(
        (site.of_cluster("status"), site.of_cluster("version")),
        (json!("DELETING"), json!("1.34"))
    );
}

#[test]
fn the_end_of_an_update_makes_no_group_well() {
    let mut site = Site::new();
    site.cluster();
    site.ask("CreateAddon", json!({ "clusterName": "acme", "addonName": "vpc-cni" }));
    site.ask("CreateNodegroup", site.group("app"));
    site.wait(10);
    let key = site.0.of("autoscaling.group").map(|(key, _)| key.clone()).next().unwrap();
    group::fill(&mut site.0, &key, 9);
    group::resize(&mut site.0, &key, [1, 3, 3]);
    site.wait(2);
    assert_eq!(site.of_group("app")["status"], "DEGRADED");
    site.ask(
        "UpdateNodegroupConfig",
        json!({ "clusterName": "acme", "nodegroupName": "app", "labels": {
            "addOrUpdateLabels": { "team": "data" },
        } }),
    );
    assert_eq!(site.of_group("app")["status"], "UPDATING");
    site.wait(1);
    assert_eq!(site.of_group("app")["status"], "DEGRADED");
}

#[test]
fn nodes_begin_with_the_version_of_their_cluster() {
    let mut site = Site::new();
    site.cluster();
    let mut group = site.group("old");
    group["version"] = json!("1.33");
    assert_eq!(site.refused("CreateNodegroup", group.clone()), "InvalidParameterException");
    group["version"] = json!("1.34");
    assert_eq!(site.ask("CreateNodegroup", group)["nodegroup"]["version"], "1.34");
    let data = "LaunchTemplateName=own&LaunchTemplateData.ImageId=ami-0123456789abcdef0";
    site.form(ec2::run, "CreateLaunchTemplate", data);
    let mut group = site.group("own");
    group["launchTemplate"] = json!({ "name": "own" });
    assert_eq!(site.ask("CreateNodegroup", group.clone())["nodegroup"]["amiType"], "CUSTOM");
    for (member, value) in [("version", "1.34"), ("releaseVersion", "1.34.0-20261105")] {
        let mut group = group.clone();
        group["nodegroupName"] = json!("other");
        group[member] = json!(value);
        assert_eq!(site.refused("CreateNodegroup", group), "InvalidParameterException");
    }
}

#[test]
fn what_is_full_names_its_cluster() {
    let mut site = Site::new();
    let limit = |site: &mut Site, operation: &str, request: Value| {
        let work = |call: &mut Call<'_>| super::super::run(call, &Input::Json(request));
        let refusal = site.call(operation, Some(Effect::Quota), work).unwrap_err();
        assert_eq!(refusal.code, "ResourceLimitExceededException");
        refusal.fields["clusterName"].clone()
    };
    let request = site.request();
    assert_eq!(limit(&mut site, "CreateCluster", request), "acme");
    site.cluster();
    let request = site.group("app");
    assert_eq!(limit(&mut site, "CreateNodegroup", request), "acme");
}

#[test]
fn spot_machines_are_missing_by_chance_and_for_a_while() {
    let mut site = Site::new();
    site.cluster();
    site.ask("CreateAddon", json!({ "clusterName": "acme", "addonName": "vpc-cni" }));
    site.wait(16);
    let is_dry = |world: &World| group::is_missing(world, "r5.2xlarge", "us-east-1a");
    let later = |world: &World| {
        let mut later = world.clone();
        later.now += 30 * MINUTE;
        later
    };
    while !is_dry(&site.0) || is_dry(&later(&site.0)) {
        site.0.seed += 1;
    }
    let mut wanted = site.group("early");
    wanted["subnets"].as_array_mut().unwrap().truncate(1);
    site.ask("CreateNodegroup", wanted.clone());
    wanted["capacityType"] = json!("SPOT");
    wanted["nodegroupName"] = json!("dry");
    site.ask("CreateNodegroup", wanted.clone());
    site.wait(20);
    assert_eq!(site.of_group("early")["status"], "ACTIVE", "others are there");
    let dry = site.of_group("dry");
    assert_eq!(dry["status"], "CREATE_FAILED");
    let issue = &dry["health"]["issues"][0];
    assert_eq!(issue["code"], "AsgInstanceLaunchFailures");
    assert!(issue["message"].as_str().unwrap().contains("UnfulfillableCapacity"), "{issue}");
    site.wait(10);
    wanted["nodegroupName"] = json!("late");
    site.ask("CreateNodegroup", wanted);
    site.wait(10);
    assert_eq!(site.of_group("late")["status"], "ACTIVE");
}

#[test]
fn many_types_in_many_zones_are_never_all_missing() {
    let types = ["r5d.2xlarge", "r6id.2xlarge", "r5dn.2xlarge", "r5ad.2xlarge"];
    let pools = types.iter().flat_map(|it| ["a", "b", "c"].map(|zone| (it, zone)));
    let pools: Vec<_> = pools.map(|(it, zone)| (it, format!("us-east-1{zone}"))).collect();
    let mut missing = [0; 2];
    for seed in 0..2_000 {
        let world = World::new(seed, 0);
        let dry = pools.iter().map(|(machine, zone)| group::is_missing(&world, machine, zone));
        let dry: Vec<bool> = dry.collect();
        missing[0] += usize::from(dry[0]);
        missing[1] += usize::from(dry.iter().filter(|dry| **dry).count() > 6);
    }
    assert!((150..250).contains(&missing[0]) && missing[1] == 0, "{missing:?} of 2000");
}

#[test]
fn a_fargate_profile_keeps_its_cluster() {
    let mut site = Site::new();
    site.cluster();
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "Service": "eks-fargate-pods.amazonaws.com" },
        "Action": "sts:AssumeRole",
    }] });
    let role = format!("RoleName=jobs&AssumeRolePolicyDocument={trust}");
    site.form(iam::run, "CreateRole", &role);
    site.wait(1);
    let named = json!({ "clusterName": "acme", "fargateProfileName": "jobs" });
    let mut wanted = named.clone();
    wanted["podExecutionRoleArn"] = json!("arn:aws:iam::123456789012:role/jobs");
    assert_eq!(site.refused("CreateFargateProfile", wanted.clone()), "InvalidParameterException");
    wanted["selectors"] = json!([{ "namespace": "jobs" }]);
    site.ask("CreateFargateProfile", wanted);
    site.wait(3);
    assert_eq!(site.refused("DeleteCluster", json!({ "name": "acme" })), "ResourceInUseException");
    site.ask("DeleteFargateProfile", named);
    site.wait(3);
    site.ask("DeleteCluster", json!({ "name": "acme" }));
}
