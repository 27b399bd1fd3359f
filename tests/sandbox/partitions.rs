//! Whole lives in other partitions, and in a region that does not have every machine of the profile.
use crate::boto::Boto;
use crate::folder::{Folder, Ran};
use crate::served::Served;
use serde_json::{Value, json};
use std::fs;

fn file(region: &str) -> String {
    format!(
        "name: acme-prod\nprovider: eks\nregion: {region}\nprofile: qualytics\n\
         kubernetes: {{ secretsKey: own }}\neks: {{ irsa: true }}\n"
    )
}

/// Lets a cluster live in a region. `look` sees it while it is there.
fn live(region: &str, look: impl FnOnce(&Boto<'_>, &str)) -> String {
    let served = Served::start();
    let folder = Folder::on(&served, &file(region));
    let plan = folder.ok(&["plan"]);
    let before = served.objects();
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!(folder.plan(), [""; 0]);
    let state = fs::read_to_string(folder.path("acme-prod.state.jsonl")).expect("a state");
    look(&Boto { region, ..Boto::at_home(&served) }, &state);
    folder.ok(&["destroy", "--auto-approve"]);
    assert_eq!(served.objects(), before);
    plan
}

fn trusted(boto: &Boto<'_>, of: &str) -> Value {
    let role = format!("provision-acme-prod-{}-{of}", boto.region);
    let role = boto.call("iam", "get_role", &json!({ "RoleName": role }));
    role["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"].clone()
}

fn audiences(boto: &Boto<'_>) -> Value {
    let all = boto.call("iam", "list_open_id_connect_providers", &json!({}));
    let arn = &all["OpenIDConnectProviderList"][0]["Arn"];
    let provider = json!({ "OpenIDConnectProviderArn": arn });
    boto.call("iam", "get_open_id_connect_provider", &provider)["ClientIDList"].clone()
}

#[test]
fn a_cluster_lives_in_us_gov_west_1() {
    let plan = live("us-gov-west-1", |boto, state| {
        assert!(state.contains("arn:aws-us-gov:eks:") && !state.contains("arn:aws:"));
        assert_eq!(trusted(boto, "node"), "ec2.amazonaws.com");
        assert_eq!(audiences(boto), json!(["sts.amazonaws.com"]));
    });
    assert!(plan.contains("partition aws-us-gov") && !plan.contains("goes without"), "{plan}");
}

#[test]
fn a_cluster_lives_in_cn_north_1() {
    let plan = live("cn-north-1", |boto, state| {
        assert!(state.contains("arn:aws-cn:eks:") && !state.contains("arn:aws:"));
        let of = |role| trusted(boto, role);
        assert_eq!([of("node"), of("cluster")], ["ec2.amazonaws.com.cn", "eks.amazonaws.com"]);
        assert_eq!(audiences(boto), json!(["sts.amazonaws.com", "sts.amazonaws.com.cn"]));
        let endpoints = boto.call("ec2", "describe_vpc_endpoints", &json!({}));
        let service = &endpoints["VpcEndpoints"][0]["ServiceName"];
        assert_eq!(service, "com.amazonaws.cn-north-1.s3");
    });
    let without = "pool executor goes without r6id.2xlarge, r5dn.2xlarge, r5ad.2xlarge";
    assert!(plan.replace("\n         ", " ").contains(without), "{plan}");
}

#[test]
fn credentials_of_another_partition_are_refused_with_words() {
    let served = Served::start();
    let folder = Folder::on(&served, &file("cn-north-1"));
    let mut command = folder.command(&["plan"]);
    command.env("AWS_ACCESS_KEY_ID", "foreign").env("AWS_SECRET_ACCESS_KEY", "foreign");
    let ran = Ran::from(command.output().expect("it runs"));
    let told = ran.stderr.replace("\n      ", " ");
    assert_eq!(ran.code, Some(77), "{told}");
    assert!(told.contains("hint: get credentials of partition aws-cn, where region cn-north-1"));

    let policy = "arn:aws:iam::aws:policy/PowerUserAccess";
    folder.write(&format!(
        "{}  permissionsBoundary: \"{policy}\"\n",
        file("cn-north-1").replace("{ irsa: true }", "\n  irsa: true")
    ));
    let ran = folder.run(&["plan"]);
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    let wanted = "eks.permissionsBoundary is of partition aws, and region cn-north-1 is in aws-cn";
    assert!(ran.stderr.replace('\n', " ").contains(wanted), "{}", ran.stderr);
    assert_eq!(served.operations(), ["GetCallerIdentity"], "nothing else was asked");
}
